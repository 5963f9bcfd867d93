# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rollback_bot is killed at a request to Vault, and run again: it ends as if nobody had killed it, announced once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.inprocess._case import Case
from tests.faults.inprocess._judge import Count, Undisturbed, Watch
from tests.faults.inprocess._place import SETTINGS, Place
from tests.sandbox.tokens import fingerprint

ROW = "rollback_bot killed at a request to Vault"


def rotated(place: Place, setting: str) -> Case:
    """A rotation that has ended, with an old token that lives and is kept."""
    case = Case(place, SETTINGS[setting], old_alive=True)
    result, run = case.rotate(keep_old=[fingerprint(case.old)])
    assert result["outcomes"] == {"gobot/one": "rotated"}, run.said
    place.weather.set()
    return case


def rolled_back(place: Place, setting: str) -> Undisturbed:
    """What a rollback does that nobody disturbs."""
    case = rotated(place, setting)
    result, run = case.rotate(back=True)
    assert result["outcomes"] == {"gobot/one": "rolled_back"} and result["success"], run.said
    assert case.host.carries == fingerprint(case.old)
    return Undisturbed(dict(place.weather.counts), list(place.weather.log), case.state(), case.announced())


def rollback_case(place: Place, due: Undisturbed, setting: str, fault: str, at: int) -> list[str]:
    """One case; what is wrong with it."""
    case = rotated(place, setting)
    watch = Watch(case, f"{setting}, {fault}, request {at}", due)
    place.weather.set("vault", at, fault)
    watch.run(back=True)
    if not place.weather.struck:
        watch.complain("the fault struck nothing")
    place.weather.set()
    result = watch.run(back=True)
    outcome = result.get("outcomes", {}).get("gobot/one")
    if not result.get("success") or outcome not in ("rolled_back", "already"):
        watch.complain(f"the next run ended {outcome}: {result.get('failure')} {result.get('table')}")
    watch.ended()
    before = case.snapshot()
    watch.run(back=True)
    if case.snapshot() != before:
        watch.complain("a run that ended well was not the end of it")
    return watch.problems


@pytest.mark.parametrize(("setting", "fault"), (("v1", "killed"), ("v2", "killed after")))
def test_killed_at_every_request(setting: str, fault: str, place: Place, count: Callable[[str], Count]) -> None:
    counted, due = count(ROW), rolled_back(place, setting)
    for at in range(1, due.counts["vault"] + 1, 3):
        counted.add(rollback_case(place, due, setting, fault, at))
    counted.check()
