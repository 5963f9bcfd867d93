# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the Slack sandbox, and every change that tests make to it: ordinary methods of one class.

Apps and teams are named by id or by name (`gobot`, `ibmcloud`), an installation by `gobot/ibmcloud`.
"""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox import tokens
from tests.sandbox.slack._approvals import Approvals
from tests.sandbox.slack._books import App, Channel, Hook, Installation, Message, Scheduled, Team, Token
from tests.sandbox.slack._clock import Clock
from tests.sandbox.slack._refreshes import Refreshes
from tests.sandbox.slack.faults import Faults
from tests.sandbox.slack.limits import Limits


def _check_settings(app: App) -> None:
    """ValueError for what the page of an app's settings refuses."""
    for uri in app.redirect_uris:
        parts = urlsplit(uri)
        local = app.local_redirects and parts.hostname in ("localhost", "127.0.0.1")
        if "#" in uri or not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            raise ValueError(f"redirect URI {uri!r}: https is due, without a fragment")
    if app.rotation and app.classic:
        raise ValueError("rotation mode is for apps with granular permissions")


class World(Refreshes, Approvals):
    """Teams, apps, installations, tokens, channels, webhooks, messages, and the requests that were made."""

    def __init__(self, base_url: str = "") -> None:
        super().__init__()
        self.base_url = base_url.rstrip("/")
        self.teams: dict[str, Team] = {}
        self.apps: dict[str, App] = {}
        self.channels: dict[str, Channel] = {}
        self.installations: dict[tuple[str, str], Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.hooks: dict[str, Hook] = {}
        self.messages: list[Message] = []
        self.scheduled: dict[str, Scheduled] = {}
        self.requests: list[dict[str, Any]] = []
        self.faults = Faults()
        self.limits = Limits()
        self.longest_page = 1000
        self.clock = Clock()
        self._microseconds = itertools.count(100)

    # What there is

    def add_team(self, id: str, name: str, slug: str, people: list[str] | None = None) -> Team:
        """A workspace; `people` are its human users (default: one). The browser is signed in as the first of them."""
        team = Team(id, name, slug, people or [tokens.slack_id("U")])
        team.signed_in = team.people[0]
        self.teams[id] = team
        return team

    def add_app(self, id: str, name: str, bot_scopes: list[str], **settings: Any) -> App:
        """An app, not yet installed anywhere; `settings` are the further fields of `App`."""
        app = App(id, name, list(bot_scopes), **settings)
        _check_settings(app)
        self.apps[id] = app
        return app

    def add_channel(self, id: str, name: str, team: str, private: bool = False) -> Channel:
        """A channel with the team's people in it."""
        owner = self.team(team)
        self.channels[id] = Channel(id, name, owner.id, private, members=set(owner.people))
        return self.channels[id]

    def team(self, ref: str) -> Team:
        """A team by id or slug."""
        found = next((team for team in self.teams.values() if ref in (team.id, team.slug)), None)
        if found is None:
            raise KeyError(f"no team {ref!r}")
        return found

    def app(self, ref: str) -> App:
        """An app by id or name."""
        found = next((app for app in self.apps.values() if ref in (app.id, app.name)), None)
        if found is None:
            raise KeyError(f"no app {ref!r}")
        return found

    def channel(self, ref: str, team_id: str | None = None) -> Channel | None:
        """A channel by id or (`#`) name, of one team where that is given."""
        known = (channel for channel in self.channels.values() if team_id in (None, channel.team_id))
        return next((channel for channel in known if ref.lstrip("#") in (channel.id, channel.name)), None)

    def installation(self, ref: str) -> Installation:
        """An installation by `app/team`."""
        app, _dummy, team = ref.partition("/")
        return self.installations[self.app(app).id, self.team(team).id]

    def memberships(self, installation: str) -> list[str]:
        """The ids of the channels that a bot is in, sorted."""
        user = self.installation(installation).bot_user_id
        return sorted(channel.id for channel in self.channels.values() if user in channel.members)

    # Smaller changes

    def set_token_state(self, token: str, state: str) -> None:
        """Make one token live, revoked, replaced or expired, and nothing else."""
        self.tokens[token].state = state

    def remove_scope(self, installation: str, scope: str, kind: str = "bot") -> None:
        """Take a scope out of a grant (Slack itself only does that through revoke and reinstall)."""
        self.installation(installation).scopes(kind).remove(scope)

    def configure(self, app: str, **settings: Any) -> None:
        """Change an app's settings; scopes take effect with the next install."""
        the_app = self.app(app)
        if the_app.rotation and not settings.get("rotation", True):
            raise ValueError("rotation mode cannot be turned off")
        if unknown := sorted(set(settings) - {each.name for each in fields(the_app)}):
            raise ValueError(f"no setting {', '.join(unknown)}")
        _check_settings(replace(the_app, **settings))
        for name, value in settings.items():
            setattr(the_app, name, value)

    def invite(self, installation: str, channel: str) -> None:
        """Put a bot in a channel, as one of its members does."""
        self.channels[channel].members.add(self.installation(installation).bot_user_id)

    def remove(self, installation: str, channel: str) -> None:
        """Take a bot out of a channel."""
        self.channels[channel].members.discard(self.installation(installation).bot_user_id)

    def archive(self, channel: str, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        self.channels[channel].archived = archived

    def limit_pages(self, most: int) -> None:
        """Give at most so many rows a page, whatever a call asks for (the default is 1000: what it asks for)."""
        self.longest_page = most

    def add_hook(self, installation: str, channel: str) -> Hook:
        """Make an incoming webhook of an installed app into a channel."""
        of = self.installation(installation)
        hook = Hook(tokens.webhook_path(of.team_id, tokens.slack_id("B")), of.app_id, of.team_id, channel)
        self.hooks[hook.path] = hook
        return hook

    def set_clock(self, at: float) -> float:
        """Make it `at` (seconds since the epoch) now."""
        return self.clock.set(at)

    def advance_clock(self, seconds: float) -> float:
        """Move the clock forward; gives the time."""
        return self.clock.advance(seconds)

    def set_refresh_grace(self, seconds: float) -> None:
        """For how long a refresh token works again after its first use."""
        self.refresh_grace = seconds

    def set_edit_window(self, team: str, seconds: int | None) -> None:
        """For how long a message of a workspace may be changed; None: always."""
        self.team(team).edit_window = seconds

    def add_message(self, at: float | None = None, **fields: Any) -> Message:
        """Write a message into a channel (default: now); its `ts` is unique."""
        now = self.clock.now() if at is None else at
        message = Message(ts=f"{int(now)}.{next(self._microseconds):06d}", **fields)
        self.messages.append(message)
        return message
