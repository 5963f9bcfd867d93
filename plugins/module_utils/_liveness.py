# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Slack's answers say of a token: alive, dead or unknown (private to the collection).

The rules: https://docs.slack.dev/reference/methods/auth.test (errors) and
https://docs.slack.dev/authentication/installing-with-oauth (revocation).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


class Life(str, Enum):
    """What is known of a token or secret. Only proof of death counts as dead."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"
    UNASKABLE = "cannot be asked"  # of a kind that Slack says nothing of


PROOF_OF_DEATH = frozenset({"token_revoked", "account_inactive", "token_expired"})
# Also what a caller outside the app's IP allowlist gets, so it proves nothing by itself.
AMBIGUOUS = "invalid_auth"


@dataclass(frozen=True)
class Probe:
    """One `auth.test`: `identity` has team_id, user_id, user, and bot_id and app_id where Slack told them."""

    life: Life
    code: str = ""
    evidence: str = ""
    identity: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        return self.life is Life.ALIVE

    @property
    def dead(self) -> bool:
        return self.life is Life.DEAD

    @property
    def usable(self) -> bool:
        """Whether it is accepted, or nobody can say: then a person's word counts."""
        return self.life in (Life.ALIVE, Life.UNASKABLE)

    def to_dict(self) -> dict[str, Any]:
        return {"life": self.life.value, "code": self.code, "evidence": self.evidence}


def refused(code: str) -> Probe:
    """The probe of a token that Slack answered with the error `code`."""
    life = Life.DEAD if code in PROOF_OF_DEATH else Life.UNKNOWN
    return Probe(life, code, f"Slack answered {code}")


def settle(probes: Iterable[Probe]) -> list[Probe]:
    """Judges the probes of one app's tokens together, made in one run from one controller.

    `invalid_auth` is proof of death only where another token of the same app was accepted: then this controller is
    inside the app's IP allowlist.
    """
    probes = list(probes)
    accepted = any(probe.alive for probe in probes)
    return [_settle_one(probe, accepted) for probe in probes]


def _settle_one(probe: Probe, accepted: bool) -> Probe:
    if probe.code != AMBIGUOUS:
        return probe
    if accepted:
        return replace(
            probe,
            life=Life.DEAD,
            evidence="Slack answered invalid_auth, and accepted another token of this app from here",
        )
    return replace(
        probe,
        evidence="Slack answered invalid_auth, which a caller outside the app's IP allowlist gets too; "
        "no token of this app was accepted from here",
    )
