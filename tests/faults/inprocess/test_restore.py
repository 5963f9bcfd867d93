# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back fails in the middle: a rollout has failed, the old token is alive, and Vault fails while it is restored.

After it either the rotation goes forward (rotate_bot) or it goes back (rollback_bot): both must find their way.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.inprocess._case import Case
from tests.faults.inprocess._judge import Count, Undisturbed, Watch, undisturbed
from tests.faults.inprocess._place import SETTINGS, Place
from tests.faults.inprocess._weather import LASTING, ONCE
from tests.sandbox.tokens import fingerprint

ROW = "Vault fails while the old token is brought back"
STATES = ("promoted", "restoring", "rolled_back")
SOME = ("403", "hangs after", "cut after", "killed", "killed after")  # for KV v1; a write is where the two differ
CASES = [
    *(("v2", fault, False) for fault in ONCE if fault not in ("deleted", "destroyed")),
    *(("v2", fault, True) for fault in LASTING),
    *(("v1", fault, False) for fault in SOME),
    ("v1", "sealed", True),
]


def region(place: Place, setting: str) -> range:
    """The numbers of the requests that are made once the rollout has failed."""
    case = Case(place, SETTINGS[setting], old_alive=True, well=False)
    before: list[int] = []
    apply = case.host.apply

    def noted(*args: object) -> dict[str, object]:
        before.append(place.weather.counts["vault"])
        return apply(*args)  # type: ignore[arg-type]

    case.host.apply = noted  # type: ignore[method-assign, assignment]
    result, run = case.rotate()
    assert result["outcomes"] == {"gobot/one": "rolled_back"}, run.said
    assert case.state()["current"]["value"] == "<old>"
    return range(before[0] + 1, place.weather.counts["vault"] + 1)


def restore_case(
    place: Place, due: Undisturbed, setting: str, fault: str, lasting: bool, at: int, on: bool
) -> list[str]:
    """One case; `on`: the run after it goes forward, else back."""
    case = Case(place, SETTINGS[setting], old_alive=True, well=False)
    way = "forward" if on else "back"
    watch = Watch(case, f"{setting}, {fault}{', lasting' if lasting else ''}, request {at}, then {way}", due)
    place.weather.set("vault", at, fault, lasting)
    watch.run()
    if not place.weather.struck:
        watch.complain("the fault struck nothing")
    for send in place.weather.late:
        send()
    place.weather.late.clear()
    place.weather.set()
    state = (case.snapshot()[case.record] or {}).get("state")
    if state not in STATES:
        watch.complain(f"the record says {state}")
    case.host.well = True
    result = watch.run(back=not on, **({"keep_old": [fingerprint(case.old)]} if on else {}))
    outcome = result.get("outcomes", {}).get("gobot/one")
    token, states = (case.new, ["rotated"]) if on else (case.old, ["rolled_back"])
    snapshot = case.snapshot()
    found = (snapshot[case.path]["value"] == token, snapshot[case.record]["state"] in states)
    if outcome not in (*states, "already") or found != (True, True) or case.host.carries != fingerprint(token):
        watch.complain(f"the next run ended {outcome} {found} {case.host.carries}: {result.get('table')}")
    if snapshot[case.lock].get("nonce") and (on or outcome != "already"):  # nothing to do: it stays, and expires
        watch.complain("the lock is held")
    return watch.problems


@pytest.mark.parametrize(("setting", "fault", "lasting"), CASES)
def test_at_every_request_of_the_way_back(
    setting: str, fault: str, lasting: bool, place: Place, count: Callable[[str], Count]
) -> None:
    counted = count(ROW)
    due = undisturbed(place, SETTINGS[setting])
    # Some requests, others for the next fault: each request meets some of the faults.
    for at in region(place, setting)[CASES.index((setting, fault, lasting)) % 7 :: 7]:
        counted.add(restore_case(place, due, setting, fault, lasting, at, on=bool(at % 2)))
    counted.check()
