# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs are started together: exactly one rotates, the other one says who does, and nothing is mixed up.

In half of the cases both wait for each other before they ask for the locks, in the others they only start together.
BOTOPS_TOGETHER is the number of cases for each KV version, by default 20.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Callable

import pytest

from tests.faults._judge import Reference, problems
from tests.faults._runs import LIMIT, Case, Done
from tests.faults._setting import Setting

CASES = int(os.environ.get("BOTOPS_TOGETHER", "20"))
NAMES = ("first", "second")
HOLDER = re.compile(r"is locked by \S+ on \S+ \(pid (\d+)\) since \S+, until \S+")


@pytest.mark.parametrize(
    ("kv", "number"),
    [
        pytest.param(kv, number, id=f"v{kv}-{number}", marks=pytest.mark.row(f"two runs together, KV v{kv}"))
        for kv in (1, 2)
        for number in range(CASES)
    ],
)
def test_two_runs_started_together(
    kv: int,
    number: int,
    setting: Callable[[int], Setting],
    undisturbed: Callable[[int], Reference],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("ended", two_together(setting(kv), undisturbed(kv), at_the_lock=number % 2 == 0))


def two_together(setting: Setting, due: Reference, at_the_lock: bool) -> str:
    """One case; how the run that did not rotate ended."""
    case = Case(setting)
    number = next(one.number for one in due.events if (one.kind, one.task) == ("start", "Hold the locks"))
    pids, runs = _both(case, number if at_the_lock else 0)
    winners = [name for name in NAMES if re.search(r"rotated 4 of 4 installations", runs[name].text)]
    assert len(winners) == 1, f"{len(winners)} of 2 rotated: {runs}"
    loser = runs[next(name for name in NAMES if name not in winners)]
    wrong = problems(case, due, runs[winners[0]])
    assert not wrong, "\n".join([*wrong, repr(runs)])
    ended = _how_it_ended(loser, pids[winners[0]])
    assert ended, f"the other one ended otherwise: {runs}"
    case.end()
    return ended


def _how_it_ended(loser: Done, holder: int) -> str:
    """Empty when it was neither refused with the holder's name nor too late to have anything to do."""
    named = HOLDER.search(loser.text)
    if loser.status != 0:
        return "named the holder" if named and int(named[1]) == holder else ""
    return "came after it" if "already 4 of 4 installations" in loser.text else ""


def _both(case: Case, number: int) -> tuple[dict[str, int], dict[str, Done]]:
    """Two runs; where `number` is that of an event, both go on from there at the same moment. Their pids and ends."""
    tell, answer = {name: os.pipe() for name in NAMES}, {name: os.pipe() for name in NAMES}
    started: dict[str, subprocess.Popen[str]] = {}
    try:
        for name in NAMES:
            fds = (tell[name][1], answer[name][0])
            env = {"KILLPOINT_AT": str(number), "KILLPOINT_FDS": f"{fds[0]} {fds[1]}"}
            started[name] = case.start(name, fds=fds, **env)
        if number:
            for name in NAMES:
                assert select.select([tell[name][0]], [], [], LIMIT)[0], f"the {name} did not come to event {number}"
        for name in NAMES:
            os.write(answer[name][1], b"end")
        ended = {name: case.done(name, process) for name, process in started.items()}
        return {name: process.pid for name, process in started.items()}, ended
    finally:
        for fd in [fd for pipes in (*tell.values(), *answer.values()) for fd in pipes]:
            os.close(fd)
        for process in started.values():
            if process.poll() is None:
                process.kill()
                process.wait()
