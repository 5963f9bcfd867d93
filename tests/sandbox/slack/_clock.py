# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time by which the Slack sandbox judges what expires and what is due: the real one, moved as tests like."""

from __future__ import annotations

import time


class Clock:
    """A clock that runs as the real one does, `offset` seconds ahead of it."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.offset

    def set(self, at: float) -> float:
        """Make it `at` now; gives the time."""
        self.offset = at - time.time()
        return self.now()

    def advance(self, seconds: float) -> float:
        """Move it forward; gives the time."""
        self.offset += seconds
        return self.now()
