# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the rows of an install page stand (private to the collection, no I/O).

Rows are changed by the browsers' requests and read by them and by the terminal, in several threads. Nothing here holds a
token. A row is *settled* when nothing more can come of it in this run.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

WAITING, APPROVAL, DENIED = "waiting", "approval", "denied"
INSTALLED, STAGED, UNCHANGED, FAILED = "installed", "staged", "unchanged", "failed"
SETTLED = (STAGED, UNCHANGED)


@dataclass(frozen=True)
class Row:
    """One installation. `opened`: somebody went to Slack and did not come back yet. `since`: when approval was asked for."""

    id: str
    key: str  # its name in addresses and ids of elements
    bot: str
    workspace: str  # the name for people
    state: str = WAITING
    opened: bool = False
    required: tuple[str, ...] = ()
    granted: tuple[str, ...] | None = None  # None: nothing was granted in this run
    fingerprint: str = ""
    since: str = ""
    reason: str = ""
    next_step: str = ""

    @property
    def settled(self) -> bool:
        return self.state in SETTLED

    @property
    def missing(self) -> list[str]:
        """Required scopes that were not granted."""
        return sorted(set(self.required) - set(self.granted)) if self.granted is not None else []

    def result(self) -> dict[str, Any]:
        """The row as the action returns it."""
        about = ("state", "fingerprint", "reason", "next_step", "since", "missing")
        return {name: getattr(self, name) for name in about}


class Board:
    """All rows, and whether waiting goes on. `version` grows with each change."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = {row.id: row for row in rows}
        self._changed = threading.Condition()
        self._seen = 0  # the newest version that a browser has got
        self.version = 1
        self.ended = ""  # why nobody waits any more; empty: somebody does
        self.last = ""  # what changed last, in a sentence
        self._news: list[str] = []  # for the terminal

    @property
    def rows(self) -> list[Row]:
        with self._changed:
            return list(self._rows.values())

    @property
    def settled(self) -> bool:
        return all(row.settled for row in self.rows)

    def row(self, id: str) -> Row:
        with self._changed:
            return self._rows[id]

    def by_key(self, key: str) -> Row | None:
        return next((row for row in self.rows if row.key == key), None)

    def change(self, id: str, said: str = "", **changes: Any) -> Row:
        """Changes a row. A settled one stays as it is: of two operators the second cannot undo what the first has done."""
        with self._changed:
            row = self._rows[id]
            if row.settled:
                return row
            new = replace(row, **changes)
            if new != row:
                self._rows[id] = new
                self._say(said)
            return new

    def end(self, why: str) -> None:
        """Nobody waits any more."""
        with self._changed:
            self.ended = self.ended or why
            self._say(why)

    def tell(self, said: str) -> None:
        """Something happened that changes no row."""
        with self._changed:
            self._say(said)

    def _say(self, said: str) -> None:
        self.version += 1
        if said:
            self.last = said
            self._news.append(said)
        self._changed.notify_all()

    def news(self) -> list[str]:
        """What happened since this was asked last, in sentences."""
        with self._changed:
            told, self._news = self._news, []
            return told

    def shown(self, version: int) -> None:
        """A browser has got this version."""
        with self._changed:
            self._seen = max(self._seen, version)
            self._changed.notify_all()

    def wait_for_change(self, since: int, seconds: float) -> int:
        """Waits until the version is another than `since`, at most so long; the version."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != since, seconds)
            return self.version

    def wait_until_seen(self, seconds: float) -> bool:
        """Waits until a browser has got the newest version, at most so long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._seen >= self.version, seconds)
