# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in groups: each group at its rate, none in the way of another, and none lost."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _paced
from ansible_collections.botops.rotation.plugins.module_utils._paced import Paced


def test_all_calls_are_made_once() -> None:
    made: Counter[int] = Counter()
    paced = Paced(4)
    for number in range(200):
        paced.put(f"group {number % 7}", lambda number=number: made.update([number]) or 0.0)
    assert paced.wait(10)
    assert made == Counter(range(200))
    assert paced.done == paced.put_in == 200


def test_a_group_that_has_to_wait_holds_up_no_other() -> None:
    order: list[str] = []
    tries = Counter()

    def limited() -> float:
        tries["limited"] += 1
        if tries["limited"] == 1:
            return 0.3
        order.append("limited")
        return 0.0

    paced = Paced(1)  # so that a thread that slept would hold up everything
    began = time.monotonic()
    paced.put("slow", limited)
    for number in range(5):
        paced.put("fast", lambda number=number: order.append(f"fast {number}") or 0.0)
    assert paced.wait(10)
    assert order == [*(f"fast {number}" for number in range(5)), "limited"]
    assert time.monotonic() - began >= 0.3 and tries["limited"] == 2


def test_who_waits_is_told_of_the_groups_that_are_held() -> None:
    release = threading.Event()
    paced = Paced(2)
    paced.put("held", lambda: 0.0 if release.is_set() else 0.05)
    assert not paced.wait(0.12)
    assert paced.held() in ([], ["held"]) and paced.done == 0
    release.set()
    assert paced.wait(10) and paced.held() == []


def test_what_a_call_raises_comes_to_who_waits() -> None:
    def broken() -> float:
        raise ValueError("of this call")

    paced = Paced(2)
    paced.put("group", broken)
    with pytest.raises(ValueError, match="of this call"):
        paced.wait(10)


def test_what_is_abandoned_does_not_begin() -> None:
    begun, go = [], threading.Event()
    paced = Paced(1)
    paced.put("group", lambda: float(not go.wait(10)))
    paced.put("group", lambda: begun.append(1) or 0.0)
    paced.abandon()
    go.set()
    for thread in paced._threads:
        thread.join(10)
    assert not begun


class Limit:
    """A limit of calls a second, as a bucket that holds `most` and is filled evenly; refusals are in whole seconds."""

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most, self.held, self.at, self.refused = rate, most, most, 0.0, 0

    def asked(self, now: float) -> float:
        """What a call gets that arrives then: 0, or the seconds to wait."""
        self.held, self.at = min(self.most, self.held + (now - self.at) * self.rate), now
        if self.held >= 1:
            self.held -= 1
            return 0.0
        self.refused += 1
        return float(math.ceil((1 - self.held) / self.rate))


def seconds_for(calls: int, limit: Limit, way: float, threads: int = 4) -> float:
    """How long the calls of a group take that are on their way so long, there and back: by a clock that does not run."""
    group, now, under_way = _paced._Group(since=0.0), 0.0, []
    group.calls.extend([lambda: 0.0] * calls)
    while group.calls or under_way:
        pause = group.ready_in(now)
        if pause == 0 and len(under_way) < threads:
            call = group.begin(now)
            under_way.append((now + way, now, call, limit.asked(now + way / 2)))
            continue
        ends = [each[0] for each in under_way]
        now = min(ends + ([now + pause] if pause and len(under_way) < threads else []))
        while under_way and under_way[0][0] <= now:
            _end, began, call, again = under_way.pop(0)
            group.end(call, began, again)
    return now


# With a burst of a second's worth, with a small one, with none.
@pytest.mark.parametrize("way", [0.01, 0.05])
@pytest.mark.parametrize(("rate", "most"), [(10, 10), (10, 1), (3, 3), (3, 1), (40, 40), (40, 5)])
def test_however_a_limit_counts_most_of_what_it_allows_is_made(rate: float, most: float, way: float) -> None:
    limit, calls = Limit(rate, most), 400
    seconds = seconds_for(calls, limit, way)
    least, greedy = (calls - most) / rate, calls / most
    assert least <= seconds < (1.12 * least if most >= rate else min(2.2 * least, 0.9 * greedy))
    assert limit.refused < calls / 2


def test_no_call_is_made_before_it_may_be() -> None:
    paced, made, until = Paced(8), [], []

    def call() -> float:
        began = time.monotonic()
        made.append(began)
        if len(made) % 50:
            return 0.0
        until.append((began, time.monotonic() + 0.2))
        return 0.2

    for _number in range(200):
        paced.put("group", call)
    assert paced.wait(30) and until
    late, way = 0.05, 0.02  # what was under way when the refusal came; how long a call takes to get there
    assert not [at for at in made for began, end in until if began + late < at < end - way]
