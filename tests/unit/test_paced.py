# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in groups: each group at its rate, none in the way of another, and none lost."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
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
