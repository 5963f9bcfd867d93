# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of an exchange or a refresh that did not go well, and what to do (private to the collection, pure)."""

from __future__ import annotations

from datetime import datetime

from ansible_collections.botops.rotation.plugins.module_utils._chain import Chain
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackError,
    SlackUnavailable,
    StateError,
    VaultError,
)
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation

WHAT_CHANGES = (
    "Exchanging a token brings its installation into Slack's rotation mode, for ever: its tokens live for 12 hours, and "
    "refresh_tokens has to run at least every few hours from then on. The static token is good until the first refresh."
)
# What Slack says of a token that is used up: https://docs.slack.dev/reference/methods/oauth.v2.access and oauth.v2.exchange
SPENT = ("invalid_refresh_token", "token_already_exchanged")
CLIENT = ("bad_client_secret", "invalid_client_id", "client_id_token_mismatch")


def install(installation: Installation) -> str:
    return (
        "install the app again, which gives a new pair and leaves the tokens in use alone: install_app "
        f"-e bot={installation.bot} -e workspace={installation.workspace}, then rotate_bot"
    )


def next_step(chain: Chain, current: Stored | None, now: datetime) -> str:
    """For the status of an installation of which nothing is pending or under way."""
    if current is None or not (current.rotates or chain.refresh):
        return "run rotate_bot: it brings the token into Slack's rotation mode" if current else ""
    if chain.begun:
        return f"run refresh_tokens: what was begun at {chain.begun.get('at')} was not finished"
    ends = chain.ends(current)
    if ends is None or ends <= now:
        return "run refresh_tokens: the token has ended, or nobody knows when it does"
    return f"nothing to do: the token lives until {ends:%Y-%m-%d %H:%M} UTC, and refresh_tokens renews it before"


def no_chain(installation: Installation) -> StateError:
    return StateError(
        f"{installation.id} is in Slack's rotation mode, and its refresh token is not in Vault", install(installation)
    )


def refused(exc: SlackError, installation: Installation, used: Stored, since: str, before: Chain) -> RotationError:
    """For what Slack answered. `since`: when `used` was first given to it, where that was before; else empty."""
    if exc.code in SPENT:
        what = "static" if exc.code == "token_already_exchanged" else "refresh"
        why = f": it was given to Slack at {since}, and what Slack answered was lost" if since else ""
        ends = max(before.expires.values(), default="")
        until = f"; services run on until {ends}" if ends and what == "refresh" else ""
        return StateError(
            f"the {what} token {used.fingerprint} of {installation.id} is used up{why} ({exc.code}){until}",
            install(installation),
        )
    if exc.code in CLIENT:
        step = f"correct client_id and client_secret in Vault (botops_bots.{installation.bot}.client_path)"
        return type(exc)(exc.message, exc.code, f"{step}, then run it again")
    if exc.code == "token_rotation_not_enabled":
        step = "turn on token rotation on the app's page OAuth & Permissions, which cannot be undone, and run it again"
        return type(exc)(exc.message, exc.code, f"{step}: https://api.slack.com/apps")
    return type(exc)(exc.message, exc.code, exc.next_step or "see what Slack means by it, then run it again")


def unanswered(exc: SlackUnavailable, installation: Installation, how: str) -> RotationError:
    return type(exc)(
        f"{exc.message}; whether the {how} of {installation.id} took effect is not known",
        exc.code,
        f"run it again soon: Slack takes a used token for a short while. {exc.next_step}",
    )


def not_kept(exc: VaultError, installation: Installation, unspooled: str) -> RotationError:
    """`unspooled`: why the pair is not in the spool either; empty where it is."""
    if not unspooled:
        return type(exc)(
            f"{exc.message}; the new tokens of {installation.id} are in the spool",
            "run it again on this machine when Vault answers: it takes them from there",
        )
    return type(exc)(
        f"{exc.message}; THE NEW TOKENS OF {installation.id} ARE LOST, for {unspooled}",
        f"run it again at once, for Slack takes a used token for a short while; else {install(installation)}",
    )
