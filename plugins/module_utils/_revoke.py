# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends one token at Slack, and proves that it is dead (private to the collection)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError, SlackUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._liveness import AMBIGUOUS, Life, Probe, refused
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack

PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds before each look; Slack may limit the rate, or take time
DEAD = ("revoked", "dead_already")


@dataclass(frozen=True)
class End:
    """What became of a token. `at`: when it was dead, by time.monotonic; None where it is not known to be.

    `outcome`: revoked, dead_already, would_revoke (dry run), alive (still accepted), refused (Slack would not), unknown.
    """

    outcome: str
    evidence: str
    at: float | None = None


def end(
    slack: Slack, token: str, before: Probe, check: bool = False, sleep: Callable[[float], None] = time.sleep
) -> End:
    """Revokes a token; `before` is what auth.test said of it just now, from here.

    auth.revoke is sent again only where auth.test has accepted the token since: an answer that was cut may have been
    given. `invalid_auth` afterwards proves death, if this very token was accepted before: this controller is inside of
    the app's IP allowlist, then.
    """
    if before.dead:
        return End("dead_already", before.evidence, time.monotonic())
    if check:
        return _tried(slack, token)
    send, done, said, at = True, False, before, 0.0
    for pause in PAUSES:
        sleep(pause)
        if send:
            try:
                done = slack.revoke(token)
                at = time.monotonic()
            except SlackUnavailable:
                pass  # it may have taken effect: auth.test tells
            except SlackError as exc:
                if exc.code != AMBIGUOUS and refused(exc.code).life is not Life.DEAD:
                    return End("refused", exc.message)
        said = slack.probe(token)
        if said.dead or (said.code == AMBIGUOUS and before.alive):
            words = said.evidence if said.dead else f"Slack answered {AMBIGUOUS}, and had accepted it from here before"
            return End("revoked" if before.alive or done else "dead_already", words, at if done else time.monotonic())
        if said.code == AMBIGUOUS:
            break
        send = said.alive and not done
    if said.alive:
        return End("alive", "Slack still accepts it" + (" although it said that it has revoked it" if done else ""))
    return End("unknown", said.evidence)


def _tried(slack: Slack, token: str) -> End:
    """With test=1, which changes nothing."""
    try:
        slack.revoke(token, test=True)
    except SlackUnavailable as exc:
        return End("unknown", exc.message)
    except SlackError as exc:
        probe = refused(exc.code)
        return End("dead_already" if probe.dead else "unknown" if exc.code == AMBIGUOUS else "refused", exc.message)
    return End("would_revoke", "Slack would revoke it (auth.revoke with test=1)")
