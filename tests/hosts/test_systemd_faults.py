# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that are in no good state, on a host that systemd runs: masked, failed, in a loop, deaf, ending at once."""

from __future__ import annotations

import time

import pytest

from tests.hosts._units import Machine, fingerprint, machine

__all__ = ["machine"]
pytestmark = pytest.mark.xdist_group("units_faults")


def test_a_masked_unit_is_refused(machine: Machine) -> None:
    row = machine.unit()
    path = f"/etc/systemd/system/{row['unit']}"
    machine.run(f"mv {path} /run/kept && systemctl mask {row['unit']} && systemctl daemon-reload")
    machine.refuses(row, f"unit {row['unit']} is masked; `systemctl unmask` it, or take it out of botops_services")
    assert machine.tokens_of(row["unit"]) == {machine.old}  # it was running, and still is


def test_a_unit_that_is_not_there_is_refused_and_does_not_hide_the_other(machine: Machine) -> None:
    row = machine.unit()
    missing = machine.row("none", machine.env_file("none"))
    answer = machine.ask("preflight", missing, row)
    assert answer["failed"] and "unit none.service does not exist on this host" in answer["msg"]
    assert answer["services"][1]["error"] is None and answer["services"][1]["active_before"] is True


def test_a_unit_that_systemd_refuses_is_refused(machine: Machine) -> None:
    row = machine.unit(command="relative/path", start=False)
    machine.refuses(row, f"unit {row['unit']} has a setting that systemd refuses; see `systemctl status`")


def test_a_unit_that_failed_before_is_started(machine: Machine) -> None:
    row = machine.unit("--picky", start=False)
    machine.put("/opt/units/accepted", fingerprint(machine.new))
    machine.run(f"systemctl start {row['unit']}", check=False)
    machine.await_("it has failed", lambda: machine.shown(row["unit"], "ActiveState") == "failed")
    service = machine.rotate(row)
    assert service["down_before"] and service["in_use"] == "yes" and service["health_after"]["ok"]
    machine.put("/opt/units/accepted", f"{fingerprint(machine.old)} {fingerprint(machine.new)}")


@pytest.mark.parametrize("loop", ["reached", "about to"])
def test_a_unit_in_a_start_limit_loop_is_started(machine: Machine, loop: str) -> None:
    limit = 3 if loop == "reached" else 1000
    row = machine.unit(
        "--picky",
        "Restart=always\nRestartSec=100ms",
        start=False,
        unit=f"StartLimitIntervalSec=1000\nStartLimitBurst={limit}",
    )
    machine.put("/opt/units/accepted", fingerprint(machine.new))
    machine.run(f"systemctl start {row['unit']}", check=False)
    if loop == "reached":
        machine.await_("the limit", lambda: machine.shown(row["unit"], "ActiveState") == "failed")
        machine.run(f"! systemctl start {row['unit']}")  # which it refuses now
        assert "repeated too quickly" in machine.run(f"journalctl -u {row['unit']}")
    else:
        machine.await_("it loops", lambda: int(machine.shown(row["unit"], "NRestarts")) > 2)
    row["variables"]["TOKEN"]["restorable"] = False  # the old token is dead: that is why it loops
    service = machine.rotate(row)
    assert service["in_use"] == "yes" and machine.tokens_of(row["unit"]) == {machine.new}
    machine.put("/opt/units/accepted", f"{fingerprint(machine.old)} {fingerprint(machine.new)}")


def test_a_limit_that_is_reached_by_this_restart_is_lifted(machine: Machine) -> None:
    row = machine.unit(unit="StartLimitIntervalSec=1000\nStartLimitBurst=1")
    service = machine.rotate(row)  # active and never restarted: nothing told that its one start was used up
    assert service["in_use"] == "yes" and machine.tokens_of(row["unit"]) == {machine.new}


@pytest.mark.parametrize("health", [None, {"active_for": 2}])
def test_a_unit_that_ends_at_once_with_0_is_no_running_service(machine: Machine, health: dict | None) -> None:
    row = machine.unit(command="/bin/true", start=False)
    row["health"] = health
    answer = machine.ask("applied", row)
    assert answer["failed"] and f"does not run: unit {row['unit']} is inactive (dead, result success" in answer["msg"]
    assert answer["services"][0]["health_after"]["ok"] is False
    assert answer["services"][0]["restored"] and machine.old in machine.read(row["env_file"])


def test_a_unit_that_ends_and_is_started_again_does_not_stay_up(machine: Machine) -> None:
    row = machine.unit("--crash 1", "Restart=always\nRestartSec=10ms")
    row["health"] = None
    answer = machine.ask("applied", row)
    assert answer["failed"] and "started again" in answer["msg"], answer["msg"]
    machine.run(f"systemctl stop {row['unit']}")


def test_a_unit_that_cannot_start_is_named_with_what_systemd_says(machine: Machine) -> None:
    row = machine.unit("--crash 0", "ExecStartPre=/bin/sh -c '! grep -q @FILE /dev/null; exit 7'", start=False)
    answer = machine.ask("applied", row)
    said = answer["msg"]
    assert answer["failed"] and f"`systemctl restart {row['unit']}` ended with 1: Job for {row['unit']} failed" in said
    assert "the unit is failed (failed, result exit-code" in said and f"`journalctl -u {row['unit']} -n 20`" in said


def test_a_service_that_ignores_the_signal_is_killed_by_systemd_and_people_are_told(machine: Machine) -> None:
    row = machine.unit("--deaf", "TimeoutStopSec=6")
    begun = time.monotonic()
    service = machine.rotate(row)
    assert service["in_use"] == "yes" and machine.tokens_of(row["unit"]) == {machine.new}
    assert 5 < service["seconds_unavailable"] < time.monotonic() - begun
    assert any("to stop: does it end on SIGTERM?" in each and "(6s)" in each for each in service["warnings"])


def test_a_deaf_service_without_a_health_check_is_watched_after_its_start(machine: Machine) -> None:
    row = machine.unit("--deaf --crash 3", "TimeoutStopSec=6")
    row["health"] = {"active_for": 4}
    machine.run(f"systemctl start {row['unit']}")
    answer = machine.ask("applied", row)
    assert answer["failed"] and "does not run: unit" in answer["msg"], answer["msg"]


def test_a_service_that_never_stops_is_waited_for_within_bounds(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = machine.unit("--deaf", "TimeoutStopSec=infinity\nTimeoutStartSec=1")
    row["variables"]["TOKEN"]["restorable"] = False
    machine.bound("_UNLIMITED = 2.0", monkeypatch)
    answer = machine.ask("applied", row)
    assert f"`systemctl restart {row['unit']}` did not end within" in answer["msg"], answer["msg"]
    assert "the unit is deactivating (stop-sigterm" in answer["msg"]
    assert machine.new in machine.read(row["env_file"])
    machine.run(f"systemctl kill --signal=KILL {row['unit']}")


def test_an_answer_that_never_comes_of_notify_is_bounded_by_the_unit(machine: Machine) -> None:
    row = machine.unit("--late 100", "Type=notify\nTimeoutStartSec=2", start=False)
    answer = machine.ask("applied", row)
    assert answer["failed"] and "result timeout" in answer["msg"], answer["msg"]


def test_all_units_of_a_host_are_asked_for_at_once(machine: Machine) -> None:
    rows = [machine.unit(start=False) for _dummy in range(3)]
    machine.put(
        "/opt/count/systemctl", '#!/bin/sh\necho "$*" >> /opt/count/calls\nexec /usr/bin/systemctl "$@"\n', 0o755
    )
    program = "/opt/count/program"
    machine.put(program, machine.program("preflight", *rows).decode())
    machine.run(f"PATH=/opt/count:$PATH python3 -I -S - < {program}")
    calls = machine.read("/opt/count/calls").splitlines()
    assert len(calls) == 1 and all(row["unit"] in calls[0] for row in rows)
    machine.run("rm /opt/count/calls; systemctl start " + " ".join(row["unit"] for row in rows))
    for row in rows:
        machine.await_health(int(row["health"]["url"].split(":")[2].split("/")[0]))
    machine.put(program, machine.program("applied", *rows).decode(), 0o600)
    machine.run(f"PATH=/opt/count:$PATH python3 -I -S - < {program}; rm {program}")
    calls = machine.read("/opt/count/calls").splitlines()
    # A service that takes long to start is asked about again.
    assert calls[0].split()[1] == "show" and sum(call.split()[1] == "restart" for call in calls) == 3
    assert not any(call.split()[1] == "reset-failed" for call in calls)
    assert all(machine.tokens_of(row["unit"]) == {machine.new} for row in rows)
