# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed at every boundary of tasks, and the rotation is run again at once.

`all`: with every process that the run has started. `main`: the main process alone, while workers of it go on. However
it was killed, the rerun ends rotated, and everything is as after a run that nobody disturbed.

A rerun has nothing to go by but what it finds in Vault, on the hosts and in Slack. Where a killed run has left just what
another one has, whose rerun was judged, and no worker of it changes that any more, it is not run again: most tasks
change nothing. How many these were is told with the number of cases.

The end of a task on its last host and the start of the next task are one point to everybody but Ansible: nobody is at
work, and nothing is done between them. There a run is killed once, at the start. And what goes on of a task that changes
nothing is the same with both versions of KV: with version 2 it is let go on in those that do. BOTOPS_BOTH_SIDES=1: all.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults._events import CHANGING, events, last_ends, name
from tests.faults._judge import Reference, announcements, harm, leaks, problems, trace
from tests.faults._proven import Proven
from tests.faults._runs import Case, Event
from tests.faults._setting import Setting
from tests.faults.test_kill_way_back import not_forward

HELD = "is locked by another run for more than"
BOTH_SIDES = bool(os.environ.get("BOTOPS_BOTH_SIDES"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    samples_only = metafunc.config.option.markexpr == "sample"  # then no run is made to list the events
    listed = [] if samples_only else events()
    cases = [
        pytest.param(
            kv,
            mode,
            event.number,
            id=f"v{kv}-{mode}-{name(event, listed)}",
            marks=pytest.mark.row(f"controller killed, {mode}, KV v{kv}"),
        )
        for kv in (1, 2)
        for mode in ("all", "main")
        for event in listed
        if _is_case(kv, mode, event, listed)
    ]
    metafunc.parametrize(("kv", "mode", "number"), cases)


def _is_case(kv: int, mode: str, event: Event, listed: list[Event]) -> bool:
    if event.number in last_ends(listed):
        return mode == "all" and (BOTH_SIDES or event is listed[-1])
    return kv == 1 or mode == "all" or event.task in CHANGING or BOTH_SIDES


def test_killed_and_run_again(
    kv: int,
    mode: str,
    number: int,
    setting: Callable[[int], Setting],
    undisturbed: Callable[[int], Reference],
    proven: Callable[[int], Proven],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("ended", kill_and_run_again(setting(kv), undisturbed(kv), mode, number, proven(kv)))


def kill_and_run_again(setting: Setting, due: Reference, mode: str, number: int, proven: Proven | None = None) -> str:
    """One case: `number` is that of an event of the undisturbed run. How it ended, where that is worth counting."""
    case = Case(setting)
    with case.killed(mode, number) as killed:
        assert killed.said.get("killed"), killed.said
        left = trace(case)
        known = proven is not None and left in proven
        done = None if known else case.run("rerun")
        if mode == "late":
            killed.let_go()
        assert killed.gone(), "orphans had to be killed"
        if (
            done and HELD in done.text
        ):  # the orphan was stopped with the lock of a file in its hands, and now it has gone on
            return _forward_after(case, due)
    reached, meant = case.events("killed")[number - 1], due.events[number - 1]
    assert (reached.kind, reached.task) == (meant.kind, meant.task), "another event than in the undisturbed run"
    if not done:
        return _as_proven(case, left) or kill_and_run_again(setting, due, mode, number)
    wrong = problems(case, due, done, in_flight=mode != "all")
    assert not wrong, "\n".join([*wrong, repr(done)])
    if not done.status:
        if proven and not killed.orphans:
            proven.add(left)
        case.end()
        return ""
    again = case.run("again")
    assert again.status == 0 and not announcements(case) - due.announcements, again
    case.end()
    return "an announcement in flight was reported"


def _forward_after(case: Case, due: Reference) -> str:
    """The rerun waited for a lock of a host's, and ended clearly: the next one goes on."""
    done = case.run("next")
    wrong = [*not_forward(case, due), *harm(case)]
    assert not done.status and not wrong, "\n".join([*wrong, repr(done)])
    case.end()
    return "an orphan held the lock of a file for longer than is waited"


def _as_proven(case: Case, left: str) -> str:
    """How a case without a rerun ended; empty where an orphan has changed what was left: then there has to be one."""
    assert not list(leaks(case)), list(leaks(case))
    unchanged = trace(case) == left
    case.end()
    return "left what is proven" if unchanged else ""
