# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slack's rate limits, in force where a test asks for them: https://docs.slack.dev/apis/web-api/rate-limits

They are by method, workspace and app. Slack publishes a number for each tier and says "hundreds a minute" of auth.test,
of which its own Java SDK takes 600; how it counts is not published. Here a bucket holds one second's worth, and is filled
evenly; it can also be one for all apps of a workspace, which is stricter than Slack.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

TIERS = {"auth.test": 600, "bots.info": 50, "users.conversations": 50, "conversations.join": 50}
"""Calls a minute."""


@dataclass
class Bucket:
    """Calls that may be made at once, as of `at` (monotonic)."""

    held: float
    at: float


@dataclass
class Limits:
    """`rates`: calls a minute by method; empty: no limits. `by_app`: each app of a workspace has its own."""

    rates: dict[str, float] = field(default_factory=dict)
    by_app: bool = True
    _buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def set(self, rates: dict[str, float] | None = None, by_app: bool = True) -> None:
        """Put limits in force (default: those of the tiers); an empty dictionary takes them back."""
        self.rates = dict(TIERS if rates is None else rates)
        self.by_app = by_app
        self._buckets.clear()

    def refusal(self, method: str, team_id: str | None, app_id: str | None) -> int:
        """Seconds for which the call has to wait, whole as Slack says them; 0 where it may be made, and is counted."""
        rate = self.rates.get(method, 0) / 60
        if not rate:
            return 0
        now, most = time.monotonic(), max(1.0, rate)
        key = (method, team_id or "", (app_id or "") if self.by_app else "")
        bucket = self._buckets.setdefault(key, Bucket(most, now))
        bucket.held, bucket.at = min(most, bucket.held + (now - bucket.at) * rate), now
        if bucket.held < 1:
            return max(1, math.ceil((1 - bucket.held) / rate))
        bucket.held -= 1
        return 0
