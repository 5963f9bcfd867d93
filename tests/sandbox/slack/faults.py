# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be made to go wrong between a client and the Slack sandbox, and for whom."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.sandbox.slack._books import Token
from tests.sandbox.tokens import fingerprint

KINDS = {
    "rate_limited": "429 with Retry-After: `retry_after` (whole seconds, default 1)",
    "latency": "the answer comes `seconds` later (default 1)",
    "cut": "the connection is cut, `when` is before or after the call took effect (default before)",
    "error": "200 with ok: false and the code `error`",
    "dead_token": "the token is refused as Slack refuses a dead one: account_inactive (bot), token_revoked (user)",
    "ip_not_allowed": "invalid_auth, as for a caller outside of the app's allowed addresses",
    "status": "the HTTP status `status` (default 503) with a short text",
    "non_json": "a 200 with an HTML page, as a captive portal or a proxy gives",
}


@dataclass
class Fault:
    """One fault: what happens (`kind`, `options`), to which calls, and for how many of them (`times`, None: all)."""

    kind: str
    method: str | None = None
    token: str | None = None
    app_id: str | None = None
    team_id: str | None = None
    times: int | None = None
    skip: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    hits: int = 0

    def matches(
        self, method: str, token: Token | None, value: str | None, app_id: str | None, team_id: str | None
    ) -> bool:
        """Whether a call is one of those that this fault is for. `method` is `webhook` for an incoming webhook."""
        app_id = token.app_id if token else app_id
        team_id = token.team_id if token else team_id
        return (
            self.method in (None, method)
            and self.token in (None, value)
            and self.app_id in (None, app_id)
            and self.team_id in (None, team_id)
        )

    def shown(self) -> dict[str, Any]:
        """The fault for people: with a fingerprint instead of the token."""
        return {**asdict(self), "token": fingerprint(self.token) if self.token else None}


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._all: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; ValueError for a kind that there is not."""
        if fault.kind not in KINDS:
            raise ValueError(f"no fault of the kind {fault.kind!r}; there are: {', '.join(KINDS)}")
        fault.id = next(self._ids)
        self._all.append(fault)
        return fault

    def clear(self, id: int | None = None) -> None:
        """Take back one fault, or all of them."""
        self._all = [fault for fault in self._all if id not in (None, fault.id)]

    def all(self) -> list[Fault]:
        """Those in force, used-up ones included."""
        return list(self._all)

    def take(
        self,
        method: str,
        token: Token | None,
        value: str | None = None,
        app_id: str | None = None,
        team_id: str | None = None,
    ) -> list[Fault]:
        """The faults that strike this call; counts them."""
        struck = []
        for fault in self._all:
            if not fault.matches(method, token, value, app_id, team_id):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.times is None or fault.hits < fault.times:
                fault.hits += 1
                struck.append(fault)
        return struck
