# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slack's rotation mode: the part of `World` that exchanges static tokens and refreshes rotating ones.

Source: https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

from tests.sandbox.slack._books import App, SlackError, Token
from tests.sandbox.slack._grants import Grants


class Refreshes(Grants):
    """`refresh_grace`: for so many seconds a refresh token works again after its first use.

    Slack documents a short grace without its length; the default 0 is the hardest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refresh_grace = 0.0

    def exchange(self, app: App, value: str) -> Token:
        """What `oauth.v2.exchange` does: a rotating token for a static one, once; the static one lives on until the
        first refresh."""
        token = self.tokens.get(value)
        if token is None or token.app_id != app.id or token.kind == "refresh" or token.expires_at is not None:
            raise SlackError("invalid_token")
        if not app.rotation:
            raise SlackError("token_rotation_not_enabled")
        if token.exchanged:
            raise SlackError("token_already_exchanged")
        if token.state != "live":
            raise SlackError("authorization_not_found")
        token.exchanged = True
        return self._issue(self.installations[token.app_id, token.team_id], token.kind)

    def refresh(self, app: App, value: str) -> Token:
        """What `oauth.v2.access` does with a refresh token: it is used up, and a new pair is issued."""
        token = self.tokens.get(value)
        if token is None or token.app_id != app.id or token.kind != "refresh":
            raise SlackError("invalid_refresh_token")
        now = self.clock.now()
        in_grace = token.used_at is not None and now < token.used_at + self.refresh_grace
        if token.state != "live" and not (token.state == "used" and in_grace):
            raise SlackError("invalid_refresh_token")
        token.state, token.used_at = "used", now if token.used_at is None else token.used_at
        of = self.installations[token.app_id, token.team_id]
        for static in self._live(of, str(token.refreshes), token.user_id):
            if static.expires_at is None:
                static.state = "expired"
        return self._issue(of, str(token.refreshes))
