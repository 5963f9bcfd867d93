# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed at the start and at the end of every task, and the rotation is run again at once.

`all`: with every process that the run has started. `main`: the main process alone, while workers of it go on. At the end
of a task on its last host nobody is at work: `main` would be the same as `all` there, and is left out.
However it was killed, the rerun ends rotated, and everything is as after a run that nobody disturbed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults._events import events, name
from tests.faults._judge import Reference, announcements, problems
from tests.faults._runs import Case, Event
from tests.faults._setting import Setting

MODES = ("all", "main")


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
        for mode in MODES
        for event in listed
        if mode == "all" or event.kind == "start" or event.number not in last_ends(listed)
    ]
    metafunc.parametrize(("kv", "mode", "number"), cases)


def last_ends(listed: list[Event]) -> set[int]:
    """The events of a task's end on the last of its hosts."""
    return set({event.task: event.number for event in listed if event.kind == "end"}.values())


def test_killed_and_run_again(
    kv: int,
    mode: str,
    number: int,
    setting: Callable[[int], Setting],
    undisturbed: Callable[[int], Reference],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("ended", kill_and_run_again(setting(kv), undisturbed(kv), mode, number))


def kill_and_run_again(setting: Setting, due: Reference, mode: str, number: int) -> str:
    """One case: `number` is that of an event of the undisturbed run. How it ended, where that is worth counting."""
    case = Case(setting)
    with case.killed(mode, number) as killed:
        assert killed.said.get("killed"), killed.said
        done = case.run("rerun")
        if mode == "late":
            killed.let_go()
        assert killed.gone(), "orphans had to be killed"
    reached, meant = case.events("killed")[number - 1], due.events[number - 1]
    assert (reached.kind, reached.task) == (meant.kind, meant.task), "another event than in the undisturbed run"
    wrong = problems(case, due, done, in_flight=mode != "all")
    assert not wrong, "\n".join([*wrong, repr(done)])
    if not done.status:
        case.end()
        return ""
    again = case.run("again")
    assert again.status == 0 and not announcements(case) - due.announcements, again
    case.end()
    return "an announcement in flight was reported"
