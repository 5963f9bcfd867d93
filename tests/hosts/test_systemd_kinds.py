# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manager `systemd` on a host that systemd runs: every kind of unit takes the new token, once."""

from __future__ import annotations

import pytest

from tests.hosts._units import PYTHON, Machine, fingerprint, machine

__all__ = ["machine"]
pytestmark = pytest.mark.xdist_group("units_kinds")

KINDS = {
    "simple": ("", "Type=simple"),
    "exec": ("", "Type=exec"),
    "notify": ("--notify --late 0.5", "Type=notify"),
    "forking": ("--fork /run/forking.pid", "Type=forking\nPIDFile=/run/forking.pid"),
    "forking without a pid file": ("--fork /run/forking2.pid", "Type=forking"),
    "another user": ("", "User=bot"),
    "a worker that ends": ("--worker", ""),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_unit_is_restarted_once_and_its_processes_have_the_token(machine: Machine, kind: str) -> None:
    arguments, lines = KINDS[kind]
    row = machine.unit(arguments, lines)
    unit = row["unit"]
    before = machine.shown(unit, "InvocationID")
    assert machine.tokens_of(unit) == {machine.old}
    service = machine.rotate(row)
    assert machine.tokens_of(unit) == {machine.new}
    assert machine.shown(unit, "ActiveState") == "active" and machine.shown(unit, "InvocationID") != before
    assert service["in_use"] == "yes" and service["health_after"]["ok"] and service["restarted"]
    assert service["warnings"] == [] and 0 < service["seconds_unavailable"] < 15
    assert service["variables"]["TOKEN"]["process_before"] == [fingerprint(machine.old)]


def test_an_instance_of_a_template_is_restarted_and_its_siblings_are_not(machine: Machine) -> None:
    first = machine.unit(name="t@", start=False)
    rows = {}
    for number in ("1", "2"):
        file = machine.env_file(f"t{number}")
        rows[number] = machine.row(f"t@{number}", file, 9200 + int(number))
        command = f"{PYTHON} --accepted /opt/units/accepted --port 920%i"
        text = f"[Service]\nEnvironmentFile=/etc/units/t%i.env\nExecStart={command}\n"
        machine.put("/etc/systemd/system/t@.service", text)
    machine.run("systemctl daemon-reload && systemctl start t@1 t@2")
    for number in ("1", "2"):
        machine.await_health(9200 + int(number))
    sibling = machine.shown("t@2", "InvocationID")
    machine.rotate({**rows["1"], "unit": "t@1"})  # systemctl takes it without its suffix too
    assert machine.tokens_of("t@1.service") == {machine.new} and machine.tokens_of("t@2.service") == {machine.old}
    assert machine.shown("t@2", "InvocationID") == sibling and first["unit"] == "t@.service"


def test_processes_in_groups_of_their_own_below_that_of_the_unit_are_seen(machine: Machine) -> None:
    row = machine.unit("--nest", "Delegate=yes\nKillMode=control-group")
    group = machine.shown(row["unit"], "ControlGroup")
    nested = machine.run(f"cat /sys/fs/cgroup/systemd{group}/inner/most/cgroup.procs")
    seen = machine.ask("preflight", row)["services"][0]
    assert nested and "process" in seen["in_use_evidence"] and f"{nested}" in seen["in_use_evidence"]
    service = machine.rotate(row)
    assert "2 of 2 processes" in service["in_use_evidence"]


def test_a_process_that_a_restart_leaves_behind_keeps_the_proof_from_holding(machine: Machine) -> None:
    row = machine.unit("--nest", "Delegate=yes\nKillMode=process")
    answer = machine.ask("applied", row)
    assert answer["failed"] and f"still {fingerprint(machine.old)}" in answer["msg"], answer["msg"]
    assert machine.old in machine.tokens_of(row["unit"])
    machine.run(f"systemctl kill --signal=KILL --kill-whom=all {row['unit']}", check=False)


def test_two_services_of_one_unit_need_one_restart(machine: Machine) -> None:
    other = machine.env_file("second", f"SECOND={machine.old}\n")
    row = machine.unit(lines=f"EnvironmentFile={other}")
    second = {**row, "name": "second", "env_file": other, "variables": {"SECOND": row["variables"]["TOKEN"]}}
    answer = machine.ask("applied", row, second)
    assert not answer["failed"], answer["msg"]
    assert all(service["in_use"] == "yes" and service["restarted"] for service in answer["services"])
    starts = machine.run(f"journalctl -u {row['unit']} | grep -c Started", check=False)
    assert starts == "2"  # that of the test, and one


def test_a_oneshot_that_stays_active_is_started_again(machine: Machine) -> None:
    row = machine.unit(
        command="/bin/sh -c 'echo $TOKEN > /run/$TARGET'",
        lines=f"Type=oneshot\nRemainAfterExit=yes\nEnvironment=TARGET=stays{machine.numbered}",
    )
    row["health"] = None
    service = machine.rotate(row)
    assert machine.new in machine.run("cat /run/stays*")
    assert service["in_use"] == "yes" and "after the file was written" in service["in_use_evidence"]
    assert service["seconds_unavailable"] < 4  # no use in watching it for 5 seconds
    machine.run(f"sleep 0.1; touch {row['env_file']}")
    assert machine.ask("preflight", row)["services"][0]["needs"] == "restart"


@pytest.mark.parametrize("failed", [False, True])
def test_a_oneshot_that_does_not_run_now_is_not_started(machine: Machine, failed: bool) -> None:
    row = machine.unit(
        command=f"/bin/sh -c 'echo ran >> /run/ran{failed}; exit {int(failed)}'", lines="Type=oneshot", start=True
    )
    row["health"] = None
    service = machine.rotate(row)
    assert machine.run(f"cat /run/ran{failed}") == "ran"
    assert service["in_use"] == "yes" and "its next start reads the file" in service["in_use_evidence"]
    assert not service["restarted"] and service["seconds_unavailable"] is None


def test_a_oneshot_that_runs_just_now_is_waited_for_and_not_interrupted(machine: Machine) -> None:
    row = machine.unit(command="/bin/sh -c 'sleep 4; echo $TOKEN > /run/long'", lines="Type=oneshot", start=False)
    row["health"] = None
    machine.run(f"systemctl start --no-block {row['unit']}")
    answer = machine.ask("applied", row)
    assert not answer["failed"], answer["msg"]
    assert machine.read("/run/long").strip() == machine.old
    assert answer["services"][0]["in_use"] == "yes" and not answer["services"][0]["restarted"]


def test_a_oneshot_that_goes_on_for_longer_is_named(machine: Machine) -> None:
    row = machine.unit(command="/bin/sleep 1000", lines="Type=oneshot\nTimeoutStopSec=1", start=False)
    row["health"] = {"active_for": 1, "timeout": 1}
    machine.run(f"systemctl start --no-block {row['unit']}")
    answer = machine.ask("applied", row)
    assert "is a oneshot that still runs after 1 s" in answer["msg"] and "not interrupted" in answer["msg"]
    assert machine.shown(row["unit"], "ActiveState") == "activating"
    machine.run(f"systemctl kill -s KILL {row['unit']}; systemctl stop {row['unit']}")


RELOADS = {
    "ExecReload": ("--reread --load @FILE", "ExecReload=/bin/sh -c 'kill -HUP $MAINPID; sleep 0.3'"),
    "notify-reload": ("--reread --load @FILE --notify", "Type=notify-reload"),
}


@pytest.mark.parametrize("kind", list(RELOADS))
def test_a_service_that_re_reads_its_file_is_reloaded(machine: Machine, kind: str) -> None:
    arguments, lines = RELOADS[kind]
    if kind == "notify-reload" and int(machine.run("systemctl --version | head -1 | cut -d' ' -f2")) < 253:
        pytest.skip("this systemd does not know Type=notify-reload")
    row = machine.unit(arguments, lines)
    proof = {"url": row["health"]["url"], "field": "slack.fingerprint"}
    row.update(reload=True, in_use=proof)
    pid = machine.shown(row["unit"], "MainPID")
    service = machine.rotate(row)
    assert machine.shown(row["unit"], "MainPID") == pid
    assert service["in_use"] == "yes" and service["reloaded"] and not service["restarted"]
    assert service["seconds_unavailable"] is None
    machine.run(f"systemctl stop {row['unit']}")
    started = machine.ask("applied", row)["services"][0]
    assert started["restarted"] and not started["reloaded"] and started["in_use"] == "yes"


def test_a_unit_that_cannot_be_reloaded_is_refused(machine: Machine) -> None:
    row = machine.unit()
    row.update(reload=True, in_use={"url": row["health"]["url"], "field": "slack.fingerprint"})
    machine.refuses(row, f"unit {row['unit']} cannot be reloaded (it has no ExecReload=); take `reload` out")


@pytest.mark.parametrize("how", ["wipe", "load", "user"])
def test_a_process_that_does_not_show_its_token_needs_a_proof_of_its_own(machine: Machine, how: str) -> None:
    if how == "wipe":
        row = machine.unit("--wipe")
    elif how == "load":
        row = machine.unit("--load /run/link.env", files="", before="ln -sf @FILE /run/link.env")
        machine.refuses(row, f"unit {row['unit']} has no EnvironmentFile={row['env_file']}, and none at all")
    else:
        machine.run("chgrp bot /etc/units; chmod 0771 /etc/units")
        row = machine.unit("--user bot --load @FILE", files="")
    row["in_use"] = {"url": row["health"]["url"], "field": "slack.fingerprint"}
    service = machine.rotate(row)
    assert machine.tokens_of(row["unit"]) == set()
    assert service["in_use"] == "yes" and "by the service's own proof" in service["in_use_evidence"]
    if how == "wipe":
        row["in_use"] = None
        found = machine.ask("verified", row)["services"][0]
        assert found["in_use"] == "unknown" and any("is not known" in each for each in found["warnings"])
        row["in_use"] = {"started_after": True}
        assert machine.ask("verified", row)["services"][0]["in_use"] == "yes"
