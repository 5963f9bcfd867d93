# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of an undisturbed run: the list of points at which test_kill kills one.

It is made by a run, when the tests are collected, and kept in .cache for as long as nothing changes that could change
it, so that all of pytest's workers have the same list.
"""

from __future__ import annotations

import fcntl
import hashlib
import json

from tests.faults._runs import Case, Event
from tests.faults._setting import Setting
from tests.sandbox import Sandbox
from tests.sandbox._state import ROOT

CHANGING = (
    "Hold the locks",
    "Announce the start",
    "Make the new tokens current in Vault",
    "Fetch the tokens for the hosts",
    "Write environment files, restart, and prove that the processes have the new tokens",
    "Prove that the old tokens are refused, and end the rotations",
    "Announce the end",
    "Release the locks",
)
"""The tasks that change something, or hand on what changes it."""

_SOURCES = ("playbooks/*.yml", "roles/**/*.yml", "plugins/**/*.py", "tests/faults/callback/*.py", "tests/sandbox/*.py")


def events() -> list[Event]:
    """The events, in order."""
    directory = ROOT / ".cache" / "faults"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = directory / f"events-{_state_of_sources()}.json"
        if not file.exists():
            for old in directory.glob("events-*.json"):
                old.unlink()
            file.write_text(json.dumps(_run()), encoding="utf-8")
        return [Event(*each) for each in json.loads(file.read_text(encoding="utf-8"))]


def _state_of_sources() -> str:
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _run() -> list[Event]:
    with Sandbox(demo=False) as sandbox:
        case = Case(Setting(sandbox, 1))
        done = case.run("undisturbed")
        assert done.status == 0, done
        return case.events("undisturbed")


def ends(listed: list[Event], start: int) -> list[int]:
    """The numbers of the ends, host by host, of the task that began with the event `start`; tasks may share a name."""
    found = []
    for event in listed[start:]:
        if event.kind == "start":
            break
        found.append(event.number)
    return found


def last_ends(listed: list[Event]) -> set[int]:
    """The numbers of the ends of all tasks on the last of their hosts."""
    return {found[-1] for event in listed if event.kind == "start" and (found := ends(listed, event.number))}


def name(event: Event, listed: list[Event]) -> str:
    """A name for a test: `23-start-Make_the_new_tokens_current_in_Vault`; which of its hosts ended comes in between."""
    task = "_".join(event.task.split()[:8])
    if event.kind == "end":
        start = max(one.number for one in listed[: event.number] if one.kind == "start")
        among = ends(listed, start)
        if len(among) > 1:
            return f"{event.number}-end-{among.index(event.number) + 1}of{len(among)}-{task}"
    return f"{event.number}-{event.kind}-{task}"
