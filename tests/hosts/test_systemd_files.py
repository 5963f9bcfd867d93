# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a unit's environment files counts, on a host that systemd runs: what systemd does, and what is said before."""

from __future__ import annotations

import pytest

from tests.hosts._units import Machine, machine

__all__ = ["machine"]
pytestmark = pytest.mark.xdist_group("units_files")


def other(machine: Machine, name: str, text: str) -> str:
    return machine.put(f"/etc/units/{name}", text)


def test_the_file_beats_environment_and_passed_variables_wherever_they_stand(machine: Machine) -> None:
    machine.run("systemctl set-environment TOKEN=passed")
    row = machine.unit(files="EnvironmentFile=@FILE\nEnvironment=TOKEN=here\nPassEnvironment=TOKEN")
    assert machine.tokens_of(row["unit"]) == {machine.old}
    assert machine.rotate(row)["warnings"] == []
    assert machine.tokens_of(row["unit"]) == {machine.new}
    machine.run("systemctl unset-environment TOKEN")


def test_files_that_do_not_set_the_variable_are_no_matter(machine: Machine) -> None:
    first = other(machine, "first.env", f"TOKEN={machine.old}\nA=1\n")
    later = other(machine, "later.env", "B=2\n")
    row = machine.unit(files=f"EnvironmentFile={first}\nEnvironmentFile=-@FILE\nEnvironmentFile={later}")
    row["env_file"] = row["env_file"].replace("/etc/units", "/etc/../etc/units")  # the same file by another name
    assert machine.rotate(row)["warnings"] == []
    assert machine.tokens_of(row["unit"]) == {machine.new}


def test_a_later_file_that_sets_the_variable_too_is_refused_before_anything_is_written(machine: Machine) -> None:
    later = other(machine, "wins.env", "A=1\nTOKEN='something else'\n")
    row = machine.unit(files=f"EnvironmentFile=@FILE\nEnvironmentFile={later}")
    assert machine.tokens_of(row["unit"]) == {"something else"}  # so systemd does it
    machine.refuses(row, f"unit {row['unit']} reads TOKEN from {later} after {row['env_file']}, and the last one wins")
    machine.refuses(row, f"take TOKEN out of {later}, or give {later} as `env_file`")
    other(machine, "wins.env", f"TOKEN={machine.new}\n")
    seen = machine.ask("preflight", row)
    assert not seen["failed"] and any(
        "will not be after another rotation" in each for each in seen["services"][0]["warnings"]
    )


def test_a_pattern_of_files_is_read_in_the_order_in_which_systemd_reads_it(machine: Machine) -> None:
    for name in ("a", "z"):
        other(machine, f"glob/{name}.env", f"TOKEN={name}\n")
    row = machine.unit(files="EnvironmentFile=@FILE\nEnvironmentFile=/etc/units/glob/*.env")
    assert machine.tokens_of(row["unit"]) == {"z"}
    machine.refuses(row, "reads TOKEN from /etc/units/glob/z.env after")
    last = {**row, "env_file": "/etc/units/glob/z.env"}
    other(machine, "glob/z.env", f"TOKEN={machine.old}\n")
    machine.run(f"systemctl restart {row['unit']}")
    machine.await_health(9000 + machine.numbered)
    machine.rotate(last)
    assert machine.tokens_of(row["unit"]) == {machine.new}


def test_a_file_that_is_not_there_stops_the_start_but_for_a_dash(machine: Machine) -> None:
    row = machine.unit(files="EnvironmentFile=@FILE\nEnvironmentFile=-/etc/units/none.env")
    assert not machine.ask("preflight", row)["failed"]
    row = machine.unit(files="EnvironmentFile=/etc/units/none.env\nEnvironmentFile=@FILE", command="/bin/sleep 99")
    assert machine.shown(row["unit"], "ActiveState") == "failed"  # so systemd does it
    machine.refuses(row, "has EnvironmentFile=/etc/units/none.env, which does not exist: it would not start")


def test_a_file_that_stops_the_start_is_named(machine: Machine) -> None:
    machine.run("printf 'A=\\377\\n' > /etc/units/bytes.env")
    row = machine.unit(files="EnvironmentFile=@FILE\nEnvironmentFile=/etc/units/bytes.env", command="/bin/sleep 99")
    assert machine.shown(row["unit"], "ActiveState") == "failed"
    machine.refuses(row, "has EnvironmentFile=/etc/units/bytes.env, which line 1 has a byte that is not UTF-8")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ("Environment=TOKEN=x", "has no EnvironmentFile="),
        ("EnvironmentFile=/etc/units/only.env", "only /etc/units/only.env: a restart would not bring a token to it"),
        ("PassEnvironment=TOKEN", "it takes TOKEN from systemd's own environment, which is not handled"),
        ("SetCredential=TOKEN:x", "and none at all: a restart would not bring a token to it"),
        ("EnvironmentFile=@FILE\nUnsetEnvironment=TOKEN", "takes TOKEN away again with UnsetEnvironment="),
    ],
)
def test_a_unit_that_a_restart_would_not_bring_the_token_to_is_refused(
    machine: Machine, files: str, words: str
) -> None:
    other(machine, "only.env", "TOKEN=x\n")
    row = machine.unit(files=files)
    assert machine.tokens_of(row["unit"]) in ({"x"}, set())
    machine.refuses(row, words)


def test_a_unit_changed_on_disk_is_restarted_as_systemd_knows_it(machine: Machine) -> None:
    row = machine.unit()
    path = f"/etc/systemd/system/{row['unit']}"
    text = machine.read(path)
    machine.put(path, text.replace("EnvironmentFile=", "EnvironmentFile=/etc/units/none\n#"))
    assert machine.shown(row["unit"], "NeedDaemonReload") == "yes"
    answer = machine.ask("applied", row)
    assert not answer["failed"], answer["msg"]
    assert any(
        "was changed on disk; it is restarted as systemd knows it" in each for each in answer["services"][0]["warnings"]
    )
    assert machine.tokens_of(row["unit"]) == {machine.new}
    row = machine.unit(files="")
    machine.put(
        f"/etc/systemd/system/{row['unit']}", f"[Service]\nEnvironmentFile={row['env_file']}\nExecStart=/bin/true\n"
    )
    machine.refuses(row, "so that `systemctl daemon-reload` may be all that lacks")


def test_a_wrapper_that_reads_the_file_in_its_command_is_believed(machine: Machine) -> None:
    command = f"/bin/sh -c 'set -a; . @FILE; exec /usr/bin/python3 -I -S /opt/units/service.py --accepted /opt/units/accepted --port {9001 + machine.numbered}'"
    row = machine.unit(files="", command=command)
    machine.await_health(9000 + machine.numbered)
    row.update(env_format="shell")
    service = machine.rotate(row)
    assert service["in_use"] == "yes" and service["warnings"] == []
