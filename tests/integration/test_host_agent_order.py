# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services of a host are restarted together, and which wait for which; seen by restart commands that wait.

The commands write into a log when they begin and end. One that `meets` another ends only when that has begun, so that it
fails after a while where the two do not run at the same time.
"""

from __future__ import annotations

import pytest

from tests.integration._host import Host, one

COMMAND = """
echo begin-{name} >> {log}
for other in {meets}; do
    tries=0
    until grep -q "begin-$other" {log}; do
        tries=$((tries + 1)); [ $tries -lt 100 ] || exit 9
        sleep 0.1
    done
done
echo end-{name} >> {log}
exit {status}
"""


def row(host: Host, name: str, meets: str = "", order: int = 0, status: int = 0, restorable: bool = False) -> dict:
    """A service of manager `command`, of which nobody can see a process."""
    log = host.directory / "log"
    text = COMMAND.format(name=name, log=log, meets=meets or "''", status=status).replace("in '';", "in;")
    script = host.directory / f"{name}.sh"
    script.write_text(text)
    made = host.row(name, host.env_file(name), host.variable(restorable=restorable), manager="command", order=order)
    return {
        **made,
        "restart": ["sh", str(script)],
        "active": ["true"],
        "env_format": "shell",
        "health": None,
        "force": True,
    }


def log(host: Host) -> list[str]:
    return (host.directory / "log").read_text().split()


def test_services_that_cannot_go_back_are_restarted_together(host: Host) -> None:
    rows = [row(host, "a", meets="b c"), row(host, "b", meets="a c"), row(host, "c", meets="a b")]
    answer = host.run("applied", *rows)
    assert not answer["failed"], answer["msg"]
    assert sorted(log(host)[:3]) == ["begin-a", "begin-b", "begin-c"]
    assert all(each["restarted"] for each in answer["services"])


def test_services_that_may_go_back_are_restarted_one_after_the_other(host: Host) -> None:
    answer = host.run("applied", *(row(host, name, restorable=True) for name in "abc"))
    assert not answer["failed"], answer["msg"]
    assert log(host) == [f"{what}-{name}" for name in "abc" for what in ("begin", "end")]


@pytest.mark.parametrize("restorable", [True, False])
def test_those_that_state_an_order_keep_it_and_go_together(host: Host, restorable: bool) -> None:
    rows = [
        row(host, "d", order=20, restorable=restorable),
        row(host, "b", meets="c", order=10, restorable=restorable),
        row(host, "a", order=-1, restorable=restorable),
        row(host, "c", meets="b", order=10, restorable=restorable),
    ]
    answer = host.run("applied", *rows)
    assert not answer["failed"], answer["msg"]
    assert [each["name"] for each in answer["services"]] == ["d", "b", "a", "c"]
    lines = log(host)
    assert lines[:2] == ["begin-a", "end-a"] and lines[-2:] == ["begin-d", "end-d"]
    assert sorted(lines[2:4]) == ["begin-b", "begin-c"]


def test_the_first_failure_spares_what_may_go_back(host: Host) -> None:
    rows = [row(host, name, status=int(name == "b"), restorable=True) for name in "abc"]
    answer = host.run("applied", *rows)
    assert answer["failed"] and "`sh " in one(answer, "b")["error"]
    assert "begin-c" not in log(host) and not one(answer, "c")["restarted"]
    assert {each["restored"] for each in answer["services"]} == {True}
    assert log(host).count("begin-a") == 2, "back on its old token"


def test_a_failure_in_a_group_keeps_neither_it_nor_the_next_from_the_new_token(host: Host) -> None:
    rows = [row(host, "a", status=1), row(host, "b", meets="a"), row(host, "c", order=1)]
    answer = host.run("applied", *rows)
    assert answer["failed"] and answer["msg"].startswith("a: ") and "\n" not in answer["msg"]
    assert log(host)[-1] == "end-c" and not any(each["restored"] for each in answer["services"])


def test_a_whole_group_goes_back_together(host: Host) -> None:
    rows = [
        row(host, "a", meets="b", order=1, restorable=True),
        row(host, "b", meets="a", order=1, status=1, restorable=True),
    ]
    answer = host.run("applied", *rows)
    assert answer["failed"] and {each["restored"] for each in answer["services"]} == {True}
    assert all(each["variables"]["TOKEN"]["file_after"] == host.variable()["old"] for each in answer["services"])
    assert log(host).count("begin-a") == 2 and log(host).count("begin-b") == 2
