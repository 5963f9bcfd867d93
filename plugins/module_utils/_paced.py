# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in groups, on a few threads, each group at the rate that it allows (private to the collection).

Slack limits calls by workspace, and says for how long none is answered. One thread that waits for a workspace would be
one less for the others, so it is the group that waits, and the threads go on with the rest.
https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST = 120.0  # seconds that a group is left alone at once
FEW = 4  # calls at once of a group that is limited: of more, most would be refused
# Seconds between two calls of a group, to begin with. Slack says "hundreds per minute" of auth.test, of which its own Java
# SDK takes 600.
USUAL = 0.1
OVER, FASTER, WORSE = 0.9, 0.99, 1.1  # see _Group
CATCH_UP = 1.0  # seconds of calls at even intervals that could not be made in time, and are made at once
Call = Callable[[], float]  # does it, and gives 0; or gives the seconds after which it has to be tried again


@dataclass
class _Group:
    """Its calls, and its pace. How a limit counts nobody tells, so it is found out; no call is made before it may be.

    First as fast as the threads are. From the first refusal on, a bit faster (OVER) than it was allowed to be on average,
    and faster with each call (FASTER): so a limit that fills up evenly never stands full, and one that allows no bursts does
    not refuse every other call. Where that turns out to be slower (WORSE), as with so many calls in each second, the group is
    asked as fast as the threads are after each pause.
    """

    calls: deque[Call] = field(default_factory=deque)
    busy: int = 0
    next: float = 0.0  # when it may be asked again (monotonic)
    gap: float = 0.0  # seconds between two calls
    bursts: float = 0.0  # seconds a call when asked without gaps, pauses included; 0: it was not refused yet
    even: bool = True  # whether gaps are of any use
    since: float = field(default_factory=time.monotonic)  # what its rate is counted from
    made: int = 0  # calls since then

    def ready_in(self, now: float) -> float | None:
        """Seconds; none where there is nothing to do now."""
        if not self.calls or (self.bursts and self.busy >= FEW):
            return None
        return max(0.0, self.next - now)

    def begin(self, now: float) -> Call:
        self.busy += 1
        if self.gap:
            self.next = max(self.next + self.gap, now - CATCH_UP)
        return self.calls.popleft()

    def end(self, call: Call, began: float, again: float) -> None:
        """What a call came to, which began then.

        The pause counts from there: the next call is on its way as long as this one was.
        """
        self.busy -= 1
        if not again:
            self.made += 1
            self.gap *= FASTER
            return
        self.calls.appendleft(call)
        until = began + min(again, LONGEST)
        if began >= self.since:  # of those that were under way together, the first tells
            self._learn((until - self.since) / max(1, self.made))
            self.made = 0
        self.since = self.next = max(self.next, until)

    def _learn(self, average: float) -> None:
        """From a refusal, and the seconds that each call took until it may be asked again."""
        first = not self.bursts
        if not self.gap:
            self.bursts = average
        elif average > WORSE * self.bursts:
            self.even = False
        self.gap = OVER * average if self.even else 0.0
        if first:
            self.gap = min(self.gap, USUAL)


class Paced:
    """Calls are taken by `put`, at any time, until `wait` is asked for their end. What a call raises, `wait` raises."""

    def __init__(self, workers: int) -> None:
        self.done = self.put_in = 0
        self._changed = threading.Condition()
        self._groups: dict[str, _Group] = {}
        self._error: BaseException | None = None
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _number in range(workers)]
        for thread in self._threads:
            thread.start()

    def put(self, name: str, call: Call) -> None:
        """A call more. Those of a group are made in the order in which they came."""
        with self._changed:
            self.put_in += 1
            self._groups.setdefault(name, _Group()).calls.append(call)
            self._changed.notify()

    def wait(self, seconds: float) -> bool:
        """Whether all calls are made; waits for that at most so long. No call may be put in any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            ended = self._changed.wait_for(lambda: self._error or self.done == self.put_in, seconds)
        if self._error:
            raise self._error
        return bool(ended)

    def abandon(self) -> None:
        """Nobody waits any more: what has not begun is not done."""
        with self._changed:
            self._error = self._error or RuntimeError("abandoned")
            self._changed.notify_all()

    def held(self) -> list[str]:
        """The groups that are waited for."""
        now = time.monotonic()
        with self._changed:
            return sorted(name for name, group in self._groups.items() if group.calls and group.next > now)

    def _work(self) -> None:
        while True:
            with self._changed:
                group = self._next()
                if group is None:
                    return
                began = time.monotonic()
                call = group.begin(began)
            try:
                again = call()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who waits
                again, self._error = 0.0, self._error or error
            with self._changed:
                group.end(call, began, again)
                self.done += not again
                if again or self._error or self.done == self.put_in:  # else this thread takes what is next
                    self._changed.notify_all()

    def _next(self) -> _Group | None:
        """The group whose next call may be made, waited for under the lock; none when there will be none."""
        while not self._error:
            now, pauses = time.monotonic(), []
            for name, group in self._groups.items():
                pause = group.ready_in(now)
                if pause == 0:
                    self._groups[name] = self._groups.pop(name)  # the others come first next time
                    return group
                pauses += [] if pause is None else [pause]
            if self._closed and self.done == self.put_in:
                break
            self._changed.wait(min(pauses, default=None))
        return None
