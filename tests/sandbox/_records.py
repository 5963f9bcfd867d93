# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a record as `stage_token` leaves it, independently of the product: an installation with a pending token."""

from __future__ import annotations

import secrets
import time
from typing import Any

from tests.sandbox.tokens import fingerprint


def now() -> str:
    """The time in UTC, as records have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def rotation_id(bot: str) -> str:
    """An id such as `20261123T020000Z-gobot-7f3a`."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{bot}-{secrets.token_hex(2)}"


def identity(issued: dict[str, Any], kind: str) -> dict[str, Any]:
    """Whose token it is, as records have it."""
    is_bot = kind == "bot"
    return {
        "team_id": issued["team_id"],
        "app_id": issued["app_id"],
        "user_id": issued["bot_user_id"] if is_bot else issued["user_id"],
        "bot_id": issued["bot_id"] if is_bot else None,
        "user": issued["user"] if is_bot else "operator",
    }


def _scopes(issued: dict[str, Any], kind: str) -> list[str]:
    return issued["scopes"] if kind == "bot" else issued["user_scopes"]


def staged(
    record: dict[str, Any] | None, bot: str, kind: str, token: str, issued: dict[str, Any], current: str | None
) -> dict[str, Any]:
    """`record` (None: there is none yet) with `token` as the pending one of a kind, `bot` or `user`.

    `issued` tells identity and scopes (see `SlackControl.install`); `current` is the token that it is to replace.
    """
    empty = {name: {"pending": None, "previous": None} for name in ("bot", "user")}
    made = record or {"schema": 1, "attempt": 1, "tokens": empty, "current": {}, "history": []}
    made.update(rotation_id=rotation_id(bot), state="staged")
    about = {"identity": identity(issued, kind), "scopes": _scopes(issued, kind), "at": now()}
    made["tokens"][kind]["pending"] = {
        "token": token,
        "fingerprint": fingerprint(token),
        "kind": kind,
        **about,
        "by": "sandbox",
    }
    if current and kind not in made["current"]:
        made["current"][kind] = {"fingerprint": fingerprint(current), **about}
    return made
