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

LONGEST = 120.0  # seconds that a group is left alone at once
Call = Callable[[], float]  # does it, and gives 0; or gives the seconds after which it has to be tried again


class Paced:
    """Calls are taken by `put`, at any time, until `wait` is asked for their end. What a call raises, `wait` raises."""

    def __init__(self, workers: int) -> None:
        self.done = self.put_in = 0
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Call]] = {}
        self._held: dict[str, float] = {}  # by group: until when (monotonic)
        self._error: BaseException | None = None
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _number in range(workers)]
        for thread in self._threads:
            thread.start()

    def put(self, group: str, call: Call) -> None:
        """A call more. Those of a group are made in the order in which they came."""
        with self._changed:
            self.put_in += 1
            self._waiting.setdefault(group, deque()).append(call)
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
            return sorted(group for group, until in self._held.items() if until > now and self._waiting.get(group))

    def _work(self) -> None:
        while True:
            with self._changed:
                group, call = self._next()
            if call is None:
                return
            try:
                again = call()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who waits
                again, self._error = 0.0, self._error or error
            with self._changed:
                if again:
                    self._held[group] = time.monotonic() + min(again, LONGEST)
                    self._waiting[group].appendleft(call)
                else:
                    self.done += 1
                if again or self._error or self.done == self.put_in:  # else this thread takes what is next
                    self._changed.notify_all()

    def _next(self) -> tuple[str, Call | None]:
        """The next call that may be made, waited for under the lock; none when there will be none."""
        while not self._error:
            now = time.monotonic()
            pauses = []
            for group, calls in self._waiting.items():
                pause = self._held.get(group, 0.0) - now
                if calls and pause <= 0:
                    self._waiting[group] = self._waiting.pop(group)  # the others come first next time
                    return group, calls.popleft()
                pauses += [pause] if calls else []
            if self._closed and self.done == self.put_in:
                break
            self._changed.wait(min(pauses, default=None))
        return "", None
