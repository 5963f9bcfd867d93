# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of a user's own systemd: as root and as that user, with and without lingering, and never somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hosts._units import PYTHON, Machine, machine

__all__ = ["machine"]
pytestmark = pytest.mark.xdist_group("units_users")


def person(machine: Machine, name: str, linger: bool = True) -> str:
    machine.run(f"useradd --create-home --base-dir /srv {name}")
    if linger:
        machine.run(f"loginctl enable-linger {name}")
        uid = machine.run(f"id -u {name}")
        machine.await_(
            f"systemd of {name}", lambda: machine.run(f"ls /run/user/{uid}/systemd/private", check=False) != ""
        )
    return name


def systemctl(machine: Machine, user: str, words: str) -> str:
    return machine.run(f"XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user {words}", user=user)


def users_unit(machine: Machine, user: str) -> dict[str, Any]:
    """A unit of the user's, with a file in the user's home that the unit names by a specifier."""
    name = machine.name()
    port = 9000 + machine.numbered
    machine.run(f"mkdir -p /srv/{user}/.config/systemd/user; chown -R {user}: /srv/{user}/.config")
    file = f"/srv/{user}/{name}.env"
    machine.put(file, f"TOKEN={machine.old}\n", 0o600, f"{user}:{user}")
    command = f"{PYTHON} --accepted /opt/units/accepted --port {port}"
    text = f"[Service]\nEnvironmentFile=%h/{name}.env\nExecStart={command}\n"
    machine.put(f"/srv/{user}/.config/systemd/user/{name}.service", text, owner=f"{user}:{user}")
    systemctl(machine, user, f"daemon-reload && XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user start {name}")
    machine.await_health(port)
    return {**machine.row(name, file, port), "scope": "user", "user": user}


def tokens_of(machine: Machine, row: dict[str, Any]) -> set[str]:
    pid = systemctl(machine, row["user"], f"show --value --property=MainPID {row['unit']}")
    found = machine.run(f"tr '\\0' '\\n' < /proc/{pid}/environ | grep ^TOKEN=")
    return {line.partition("=")[2] for line in found.splitlines()}


def test_root_restarts_the_unit_of_a_user(machine: Machine) -> None:
    row = users_unit(machine, person(machine, "ada"))
    service = machine.rotate(row)
    assert service["in_use"] == "yes" and service["warnings"] == [] and tokens_of(machine, row) == {machine.new}
    assert machine.run(f"stat -c '%U:%G %a' {row['env_file']}") == "ada:ada 600"


def test_the_user_restarts_it_too_in_a_shell_that_knows_nothing_of_it(machine: Machine) -> None:
    user = person(machine, "bea")
    row = users_unit(machine, user)
    assert machine.run("echo ${XDG_RUNTIME_DIR:-none}", user=user) == "none"
    row["user"] = None  # whoever the program runs as
    service = machine.rotate(row, user=user)
    assert service["in_use"] == "yes" and tokens_of(machine, {**row, "user": user}) == {machine.new}


def test_a_unit_of_a_user_whose_systemd_does_not_run_is_refused(machine: Machine) -> None:
    user = person(machine, "cyd", linger=False)
    file = machine.put(f"/srv/{user}/x.env", f"TOKEN={machine.old}\n", owner=f"{user}:{user}")
    row = {**machine.row("x", file), "scope": "user", "user": user}
    machine.refuses(
        row, f"the systemd of user {user} does not run, and no service of {user}; let it run without a login"
    )


def test_a_unit_that_ends_with_the_login_is_warned_of(machine: Machine) -> None:
    user = person(machine, "dan")
    row = users_unit(machine, user)
    machine.run(f"rm /var/lib/systemd/linger/{user}")
    seen = machine.ask("preflight", row)
    assert not seen["failed"] and any("ends, and with it the service, when dan logs out" in each
                                      for each in seen["services"][0]["warnings"])  # fmt: skip


def test_units_of_somebody_else_are_refused(machine: Machine) -> None:
    row = users_unit(machine, person(machine, "eva"))
    other = person(machine, "fay", linger=False)
    machine.run(f"chmod 0755 /srv/eva; chmod 0644 {row['env_file']}")
    answer = machine.ask("preflight", row, user=other)
    assert (
        "belongs to user eva, and this program may not act as eva; run with become as root or as eva" in answer["msg"]
    )
    machine.refuses({**row, "user": "nobody-here"}, "there is no user nobody-here on this host; correct `user`")


def test_a_unit_of_the_system_cannot_be_restarted_by_a_user_and_that_is_said_before(machine: Machine) -> None:
    user = person(machine, "gus", linger=False)
    row = machine.unit(lines="User=gus")
    file = machine.put("/srv/gus/own/x.env", f"TOKEN={machine.old}\n", owner="gus:gus")
    machine.run(f"chown gus: /srv/gus/own; sed -i s,{row['env_file']},{file}, /etc/systemd/system/{row['unit']}")
    machine.run(f"systemctl daemon-reload; systemctl restart {row['unit']}")
    machine.refuses(
        {**row, "env_file": file},
        f"unit {row['unit']} may not be restarted by this user; run with become, or let polkit allow it",
        user=user,
    )
