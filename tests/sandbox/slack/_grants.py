# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing and revoking: the part of `World` that issues tokens and ends them.

Source of what concerns rotation mode: https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sandbox import tokens
from tests.sandbox.slack._books import App, Hook, Installation, Team, Token
from tests.sandbox.slack._clock import Clock

LIFETIME = 43_200
"""Seconds that an access token of an app in rotation mode lives."""

MOST_ACTIVE = 2
"""Access tokens in rotation mode that are active at a time: one more, and the oldest is revoked."""

CLASSIC_BOT = ["bot:basic", "identify"]
"""What x-oauth-scopes says of a classic app's bot token, which is granted with the one scope `bot`."""


class Grants:
    """The life of authorizations."""

    app: Callable[[str], App]
    team: Callable[[str], Team]
    installation: Callable[[str], Installation]
    add_hook: Callable[[str, str], Hook]
    apps: dict[str, App]
    channels: dict[str, Any]
    installations: dict[tuple[str, str], Installation]
    tokens: dict[str, Token]
    hooks: dict[str, Hook]
    clock: Clock

    # Install

    def install(
        self,
        app: str,
        team: str,
        scopes: list[str] | None = None,
        channel: str = "",
        user: str | None = None,
        user_scopes: list[str] | None = None,
    ) -> Installation:
        """Install or reinstall: what exchanging the code of a user's consent does.

        Tokens stay the same as long as the authorization lives; they are new only after a revoke, or in rotation mode,
        where each install issues further ones. Scopes add up over reinstalls. No bot (user) scopes: no bot (user)
        token. With the scope `incoming-webhook` and a `channel`, a webhook is made.
        """
        the_app, the_team = self.app(app), self.team(team)
        found = self.installations.get((the_app.id, the_team.id))
        if found is None or not (found.active or the_app.keep_bot_user):
            found = self._new_bot_user(the_app, the_team)
        if not found.active:
            self._forget_old_tokens(found)
        found.active = True
        if user and user != found.installer:
            self._change_installer(found, user)
        bot = the_app.bot_scopes if scopes is None else scopes
        person = the_app.user_scopes if user_scopes is None else user_scopes
        if bot:
            found.bot_scopes = sorted({*found.bot_scopes, *(CLASSIC_BOT if the_app.classic else bot)})
            self._give(found, "bot")
        if person:
            found.user_scopes = sorted({*found.user_scopes, *person})
            self._give(found, "user")
        if channel and "incoming-webhook" in (*found.bot_scopes, *found.user_scopes):
            self.add_hook(f"{app}/{team}", channel)
        return found

    def _new_bot_user(self, app: App, team: Team) -> Installation:
        made = Installation(app.id, team.id, tokens.slack_id("U"), tokens.slack_id("B"), team.people[0])
        self.installations[app.id, team.id] = made
        return made

    def _change_installer(self, of: Installation, user: str) -> None:
        """A user token is that of one person; the scopes of another's are not taken over."""
        of.installer, of.user_scopes, of.user_token = user, [], None
        mine = [one for one in self._live(of, "user") if one.user_id == user]
        if mine:
            of.user_token = mine[-1].value

    def _give(self, of: Installation, kind: str) -> None:
        if self.apps[of.app_id].rotation or not getattr(of, f"{kind}_token"):
            self._issue(of, kind)

    def _issue(self, of: Installation, kind: str) -> Token:
        """A new access token that becomes the installation's; in rotation mode with its refresh token."""
        user_id = of.bot_user_id if kind == "bot" else of.installer
        whose = (of.app_id, of.team_id, user_id)
        if self.apps[of.app_id].rotation:
            value = tokens.rotating_bot() if kind == "bot" else tokens.rotating_user()
            made = Token(value, kind, *whose, expires_at=self.clock.now() + LIFETIME)
            made.refresh = tokens.refresh()
            self.tokens[made.refresh] = Token(made.refresh, "refresh", *whose, refreshes=kind)
        else:
            maker = tokens.bot if kind == "bot" else tokens.user
            made = Token(maker(tokens.number_of(of.team_id), tokens.number_of(user_id)), kind, *whose)
        self.tokens[made.value] = made
        setattr(of, f"{kind}_token", made.value)
        setattr(of, f"{kind}_refresh_token", made.refresh)
        if made.refresh:
            for surplus in self._live(of, kind, user_id)[:-MOST_ACTIVE]:
                self._retire(surplus)
        return made

    def _live(self, of: Installation, kind: str, user_id: str | None = None) -> list[Token]:
        """The access tokens in force, oldest first."""
        return [
            token
            for token in self.tokens.values()
            if (token.app_id, token.team_id, token.kind, token.state) == (of.app_id, of.team_id, kind, "live")
            and user_id in (None, token.user_id)
            and not token.expired(self.clock.now())
        ]

    def _retire(self, token: Token) -> None:
        """End one token; a refresh token that was issued with it ends, too."""
        token.state = "revoked"
        if token.refresh and self.tokens[token.refresh].state == "live":
            self.tokens[token.refresh].state = "revoked"

    def _forget_old_tokens(self, of: Installation) -> None:
        for token in self.tokens.values():
            if (token.app_id, token.team_id) == (of.app_id, of.team_id) and token.state == "revoked":
                token.state = "replaced"

    # Revoke

    def revoke_token(self, value: str) -> None:
        """What `auth.revoke` does to a live token: a static one ends the whole authorization, also in an app that has
        turned rotation mode on since; one of rotation mode, access or refresh token, only itself."""
        token = self.tokens[value]
        if token.expires_at is None and token.kind != "refresh":
            self._end_authorization(token.app_id, token.team_id)
            return
        token.state = "revoked"
        of = self.installations[token.app_id, token.team_id]
        for name in ("bot_token", "user_token", "bot_refresh_token", "user_refresh_token"):
            if getattr(of, name) == value:
                setattr(of, name, None)

    def revoke(self, installation: str) -> None:
        """End an authorization, as `auth.revoke` with its bot token does; already ended: nothing happens."""
        of = self.installation(installation)
        self._end_authorization(of.app_id, of.team_id)

    def _end_authorization(self, app_id: str, team_id: str) -> None:
        of = self.installations[app_id, team_id]
        for token in self.tokens.values():
            if (token.app_id, token.team_id, token.state) == (app_id, team_id, "live"):
                token.state = "revoked"
        for channel in self.channels.values():
            channel.members.discard(of.bot_user_id)
        for hook in self.hooks.values():
            if (hook.app_id, hook.team_id) == (app_id, team_id):
                hook.live = False
        of.active, of.bot_token, of.user_token = False, None, None
        of.bot_refresh_token, of.user_refresh_token = None, None
        of.bot_scopes, of.user_scopes = [], []
