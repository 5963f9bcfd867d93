# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls a method of the Web API, with which rights and which arguments."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.sandbox.slack._books import App, Channel, Installation, SlackError, Team, Token
from tests.sandbox.slack.world import World

CLASSIC_RIGHTS = {
    "bot:basic": (
        *("channels:history", "channels:read", "groups:history", "groups:read", "im:history", "im:read"),
        *("chat:write", "mpim:history", "mpim:read", "team:read", "users:read"),
    ),
    "chat:write:bot": ("chat:write",),
    "chat:write:user": ("chat:write",),
}
"""What the wide scopes of classic apps let a token do; joining a channel by itself is not among it."""


@dataclass
class Caller:
    """A call whose token Slack accepted: who calls, and with what."""

    world: World
    token: Token
    args: dict[str, Any]

    @property
    def installation(self) -> Installation:
        """The installation that the token belongs to."""
        return self.world.installations[self.token.app_id, self.token.team_id]

    @property
    def team(self) -> Team:
        """The workspace of the token."""
        return self.world.teams[self.token.team_id]

    @property
    def app(self) -> App:
        """The app of the token."""
        return self.world.apps[self.token.app_id]

    @property
    def scopes(self) -> list[str]:
        """The scopes granted to the token."""
        return self.installation.scopes(self.token.kind)

    @property
    def rights(self) -> set[str]:
        """The scopes, and those that the wide ones of classic apps stand for."""
        return {right for scope in self.scopes for right in (scope, *CLASSIC_RIGHTS.get(scope, ()))}

    def need(self, *scopes: str) -> None:
        """Refuse the call unless the token has all the scopes, as Slack does."""
        if not set(scopes) <= self.rights:
            raise SlackError("missing_scope", needed=",".join(scopes), provided=",".join(self.scopes))

    def need_any(self, *scopes: str) -> None:
        """Refuse the call unless the token has one of the scopes."""
        if not set(scopes) & self.rights:
            raise SlackError("missing_scope", needed=",".join(scopes), provided=",".join(self.scopes))

    def is_member(self, channel: Channel) -> bool:
        """Whether the token's user is in a channel."""
        return self.token.user_id in channel.members

    def flag(self, name: str) -> bool:
        """An argument that is a boolean, which a form carries as 1 or true."""
        return str(self.args.get(name, "")).lower() in ("1", "true")

    def number(self, name: str, default: int, most: int) -> int:
        """An argument that is a whole number from 1 to `most`."""
        try:
            found = int(self.args.get(name) or default)
        except ValueError:
            raise SlackError("invalid_arguments") from None
        if not 1 <= found <= most:
            raise SlackError("invalid_limit")
        return found

    def structure(self, name: str) -> Any:
        """An argument that is a list or object: as such in a JSON body, as JSON text in a form."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError("invalid_arguments") from None

    def page(self, rows: list[Any], default: int, most: int) -> tuple[list[Any], str]:
        """The rows that `cursor` and `limit` ask for, and the next cursor ("" at the end).

        Slack may give fewer than were asked for (https://docs.slack.dev/apis/web-api/pagination): `longest_page`.
        """
        limit = min(self.number("limit", default, most), self.world.longest_page)
        try:
            start = int(base64.b64decode(self.args["cursor"]).decode()[5:]) if self.args.get("cursor") else 0
        except ValueError:
            raise SlackError("invalid_cursor") from None
        following = start + limit
        cursor = base64.b64encode(f"next:{following}".encode()).decode() if following < len(rows) else ""
        return rows[start:following], cursor
