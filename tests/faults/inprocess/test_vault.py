# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of Vault, and the controller's death, at every request of a rotation; then the rotation is run again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.inprocess._case import Case
from tests.faults.inprocess._judge import Count, Undisturbed, Watch
from tests.faults.inprocess._place import SETTINGS, Place
from tests.faults.inprocess._weather import LASTING, ONCE

TAKEN = ("deleted", "destroyed")
WHOLE = ("v1", "v2")
SOME = ("403", "500", "hangs after", "cut after", "late", "killed", "killed after")  # for the third setting
CASES = [
    *((name, fault, False) for name in WHOLE for fault in ONCE),
    *((name, fault, True) for name in WHOLE for fault in LASTING),
    *(("v1+v2", fault, False) for fault in SOME),
    ("v1+v2", "sealed", True),
]


# On KV v1 each fault meets each request (one that lasts, every second). Elsewhere it meets some, and the next fault others.


def row(fault: str, setting: str) -> str:
    kind = "controller killed at a request to Vault" if fault.startswith("killed") else "Vault fails at a request"
    return f"{kind}, {setting}"


def vault_case(place: Place, due: Undisturbed, setting: str, fault: str, lasting: bool, at: int) -> list[str]:
    """One case; what is wrong with it."""
    case = Case(place, SETTINGS[setting])
    watch = Watch(case, f"{setting}, {fault}{', lasting' if lasting else ''}, request {at}", due)
    place.weather.set("vault", at, fault, lasting)
    if fault in TAKEN:
        _taken(case, watch)
    else:
        watch.run()
        if not place.weather.struck:
            watch.complain("the fault struck nothing")
        watch.converges_or_is_proven()
    return watch.problems


def _taken(case: Case, watch: Watch) -> None:
    """A secret was taken away: two runs lose no more than that; where it is brought back the next one ends rotated."""
    place = case.place
    watch.run(may_lose=True)
    place.weather.set()
    watch.run(may_lose=True)
    if case.give_back():
        watch.run()
    current, record = case.snapshot()[case.path], case.snapshot()[case.record] or {}
    if (current or {}).get("value") != case.new or record.get("state", "rotated") != "rotated":
        watch.complain(f"the last run ended {watch.last.get('outcomes')} {watch.last.get('table')}")
    watch.complain(*(f"lost: {each}" for each in case.lost()))


@pytest.mark.parametrize(("setting", "fault", "lasting"), CASES)
def test_at_every_request(
    setting: str,
    fault: str,
    lasting: bool,
    place: Place,
    due: Callable[[str], Undisturbed],
    count: Callable[[str], Count],
) -> None:
    counted = count(row(fault, setting))
    every = {"v1": 2 if lasting else 1, "v2": 5, "v1+v2": 9}[setting]
    for at in requests(due(setting))[CASES.index((setting, fault, lasting)) % every :: every]:
        counted.add(vault_case(place, due(setting), setting, fault, lasting, at))
    counted.check()


def requests(due: Undisturbed) -> range:
    return range(1, due.counts["vault"] + 1)
