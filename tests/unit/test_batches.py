# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a rollout, how hosts are cut into batches, and the pause between two of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _batches, _pause
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    LockError,
    RotationError,
    VaultUnavailable,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._core import assert_no_token

GOOD = [
    (None, ["100%"]),
    (1, [1]),
    ("3", [3]),
    ("30%", ["30%"]),
    ([1, "100%"], [1, "100%"]),
    ("1, 50 %,100%", [1, "50%", "100%"]),
]
BAD = [
    0,
    -1,
    "0",
    "-1",
    "0%",
    "101%",
    "",
    "all",
    "1.5",
    1.5,
    True,
    [],
    [1, None],
    [[1]],
    {"first": 1},
    "1,,2",
    "%",
    "1%%",
]


@pytest.mark.parametrize(("given_", "read"), GOOD, ids=str)
def test_a_serial(given_: Any, read: list[Any]) -> None:
    assert _batches.rollout(given_)["serial"] == read


@pytest.mark.parametrize("value", BAD, ids=repr)
def test_a_serial_that_is_none(value: Any) -> None:
    with pytest.raises(RotationError) as refusal:
        _batches.rollout(value)
    assert "botops_rollout_serial is " in str(refusal.value) and "[1, 30%, 100%]" in refusal.value.next_step


def test_a_token_where_a_serial_is_due_is_not_shown() -> None:
    secret = tokens.bot()
    with pytest.raises(RotationError) as refusal:
        _batches.rollout(secret)
    assert_no_token(str(refusal.value), secret)


@pytest.mark.parametrize(("value", "seconds"), [(None, 0), (0, 0), (2.5, 2.5), ("30", 30), ("0.5", 0.5)], ids=str)
def test_a_pause(value: Any, seconds: float) -> None:
    assert _batches.rollout(None, value, value) == {"serial": ["100%"], "pause": seconds, "soak": seconds}


@pytest.mark.parametrize("value", [-1, "5m", "", True, [1], float("nan"), float("inf"), 10**7, "-1"], ids=repr)
def test_a_pause_that_is_none(value: Any) -> None:
    with pytest.raises(RotationError, match="botops_rollout_pause is .*seconds"):
        _batches.rollout(None, value)
    with pytest.raises(RotationError, match="botops_soak is .*seconds"):
        _batches.rollout(None, None, value)


@given(
    st.lists(st.integers(1, 9) | st.integers(1, 100).map("{}%".format), min_size=1, max_size=4),
    st.integers(0, 30),
)
def test_every_host_is_in_one_batch_in_order(serial: list[Any], count: int) -> None:
    hosts = [f"h{number}" for number in range(count)]
    batches = _batches.cut(serial, hosts)
    assert [host for batch in batches for host in batch] == hosts and all(batches)
    if isinstance(serial[0], int) and hosts:
        assert len(batches[0]) == min(serial[0], count)


def test_a_canary() -> None:
    hosts = [f"h{number}" for number in range(10)]
    assert [len(batch) for batch in _batches.cut([1, "30%", "100%"], hosts)] == [1, 3, 6]
    assert [len(batch) for batch in _batches.cut(["10%"], hosts[:3])] == [1, 1, 1]


class Clock:
    """Time that passes only while somebody sleeps; and what happened at which second."""

    def __init__(self) -> None:
        self.now = 100.0
        self.events: list[tuple[str, float]] = []
        self.fails: dict[float, Exception] = {}

    def keep(self, seconds: float, ttl: float = 900.0) -> None:
        _pause.keep(seconds, ttl, self.renew, self.heed, self.say, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def renew(self) -> None:
        at = self.now - 100
        for since, error in self.fails.items():
            if at >= since:
                raise error
        self.events.append(("renew", at))

    def heed(self) -> None:
        if ("orphan", 0.0) in self.events:
            raise RotationError("gone", "")

    def say(self, left: float) -> None:
        self.events.append(("say", left))

    def times(self, what: str) -> list[float]:
        return [at for event, at in self.events if event == what]


def test_no_pause_renews_the_locks() -> None:
    clock = Clock()
    clock.keep(0)
    assert clock.times("renew") == [0] and clock.times("say") == [] and clock.now == 100


def test_a_pause_longer_than_the_lease_keeps_the_locks() -> None:
    clock = Clock()
    clock.keep(2000)
    assert clock.times("renew") == [0, 300, 600, 900, 1200, 1500, 1800] and clock.now == 2100
    assert clock.times("say")[:2] == [2000, 1900] and len(clock.times("say")) <= 21


def test_a_lock_that_was_lost_ends_the_pause() -> None:
    clock = Clock()
    clock.fails[300] = LockError("lost", "")
    with pytest.raises(LockError):
        clock.keep(2000)
    assert clock.now == 400


def test_a_vault_that_is_away_for_a_while_does_not_end_it() -> None:
    clock = Clock()
    clock.fails[300] = VaultUnavailable("down", "")
    with pytest.raises(VaultUnavailable):
        clock.keep(2000)
    assert clock.now == 1000  # when the lease has run out
    clock = Clock()
    clock.fails[300] = VaultUnavailable("down", "")
    clock.keep(800)
    assert clock.now == 900


def test_an_orphan_waits_no_more() -> None:
    clock = Clock()
    clock.events.append(("orphan", 0.0))
    with pytest.raises(RotationError, match="gone"):
        clock.keep(2000)
    assert clock.times("renew") == []
