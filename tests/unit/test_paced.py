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
    """A limit of calls, as a bucket that holds `most` and is filled evenly; refusals are in whole `unit`s of time."""

    def __init__(self, rate: float, most: float, unit: float) -> None:
        self.rate, self.most, self.unit = rate, most, unit
        self.held, self.at = most, time.monotonic()
        self.lock, self.refused, self.until, self.early = threading.Lock(), 0, 0.0, 0

    def __call__(self) -> float:
        with self.lock:
            now = time.monotonic()
            self.held, self.at = min(self.most, self.held + (now - self.at) * self.rate), now
            if self.held >= 1:
                self.held -= 1
                return 0.0
            self.refused += 1
            return self.unit * math.ceil((1 - self.held) / self.rate / self.unit)


# Each allows 200 a second: with a burst of a pause's worth, with a small one, with none.
@pytest.mark.parametrize("most", [20, 5, 1])
def test_however_a_limit_counts_most_of_what_it_allows_is_made(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_paced, "USUAL", 1 / 200)
    limit, calls = Limit(200, most, 0.1), 400
    paced = Paced(8)
    began = time.monotonic()
    for _number in range(calls):
        paced.put("group", limit)
    assert paced.wait(30)
    seconds = time.monotonic() - began
    greedy = calls / most * 0.1  # as fast as the threads are, then a pause, and so on
    assert (calls - most) / 200 - 0.1 <= seconds < max(2 * calls / 200, 0.75 * greedy)
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
