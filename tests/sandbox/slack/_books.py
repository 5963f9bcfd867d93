# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Slack sandbox keeps books of, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.sandbox import tokens


class SlackError(Exception):
    """A call that Slack answers with `{"ok": false, "error": code}`; `extra` is merged into the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


@dataclass
class Team:
    """A workspace. `people` are the ids of its human users; the first one installs the apps.

    `signed_in` is who the browser is signed in as (None: nobody), `admins` those of the people who are admins. With
    `approve_apps` everybody else has to ask them: `approved` are the scopes they allowed an app (by its id),
    `restricted` the apps they refused. `enterprise_id`: only an Enterprise workspace has the admin API. `edit_window`:
    for how many seconds a message may be changed (None: always).
    """

    id: str
    name: str
    slug: str
    people: list[str] = field(default_factory=list)
    signed_in: str | None = None
    admins: list[str] = field(default_factory=list)
    approve_apps: bool = False
    approved: dict[str, list[str]] = field(default_factory=dict)
    restricted: list[str] = field(default_factory=list)
    enterprise_id: str | None = None
    edit_window: int | None = None


@dataclass
class App:
    """An app's settings: the scopes that the next install asks for, and how Slack treats its tokens.

    `rotation` is Slack's rotation mode: access tokens expire, and `auth.revoke` ends one of them and not the
    authorization. `keep_bot_user`: whether the bot user's id survives revoke and reinstall (likely, but Slack does not
    promise it). `classic`: an app of the first OAuth version, whose bot has the one scope `bot`. `redirect_uris` are
    https; `local_redirects` lets http://localhost in, too (whether Slack does is uncertain). `optional_scopes` may be
    declined by whoever installs. `home_team`: an app that is not distributed installs there only. `old_secrets`: until
    when a client secret that was replaced is good.
    """

    id: str
    name: str
    bot_scopes: list[str]
    user_scopes: list[str] = field(default_factory=list)
    rotation: bool = False
    keep_bot_user: bool = True
    classic: bool = False
    client_id: str = field(default_factory=tokens.client_id)
    client_secret: str = field(default_factory=tokens.client_secret)
    old_secrets: dict[str, float] = field(default_factory=dict)
    redirect_uris: list[str] = field(default_factory=list)
    local_redirects: bool = False
    optional_scopes: list[str] = field(default_factory=list)
    home_team: str | None = None


@dataclass
class Token:
    """A token that was ever issued. `kind`: bot, user, refresh.

    `state`: live, revoked, replaced (revoked, then the app reinstalled), expired, used (a refresh token).
    `expires_at` is None for a static token, `refresh` the refresh token that was issued with an access token,
    `refreshes` the kind that a refresh token is for.
    """

    value: str
    kind: str
    app_id: str
    team_id: str
    user_id: str
    state: str = "live"
    expires_at: float | None = None
    refresh: str | None = None
    refreshes: str | None = None
    used_at: float | None = None
    exchanged: bool = False

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass
class Installation:
    """An app in a workspace: its bot user, the granted scopes, the tokens in force (None after a revoke)."""

    app_id: str
    team_id: str
    bot_user_id: str
    bot_id: str
    installer: str
    active: bool = False
    bot_scopes: list[str] = field(default_factory=list)
    user_scopes: list[str] = field(default_factory=list)
    bot_token: str | None = None
    user_token: str | None = None
    bot_refresh_token: str | None = None
    user_refresh_token: str | None = None

    def scopes(self, kind: str) -> list[str]:
        """Scopes granted to the token of a kind, `bot` or `user`."""
        return self.user_scopes if kind == "user" else self.bot_scopes


@dataclass
class Channel:
    """A public or private channel; `members` are user ids, those of bot users included."""

    id: str
    name: str
    team_id: str
    private: bool = False
    archived: bool = False
    members: set[str] = field(default_factory=set)

    @property
    def type(self) -> str:
        """The kind of channel, as `types` of users.conversations names it."""
        return "private_channel" if self.private else "public_channel"


@dataclass
class Hook:
    """An incoming webhook; `path` is the secret part of its URL."""

    path: str
    app_id: str
    team_id: str
    channel_id: str
    live: bool = True


@dataclass
class Scheduled:
    """A message that waits for its time. `fields` are those of its `Message`; `state`: waiting, posted, deleted, dropped
    (its time came, and it was not posted)."""

    id: str
    post_at: int
    date_created: int
    fields: dict[str, Any]
    state: str = "waiting"


@dataclass
class Message:
    """A message in a channel. `via` is `webhook`, or the method that sent it; `history` the texts before each update.

    `broadcast`: it is in a thread, and shown in the channel too.
    """

    ts: str
    team_id: str
    channel_id: str
    app_id: str
    bot_id: str | None
    user_id: str | None
    text: str
    via: str
    blocks: list[Any] | None = None
    attachments: list[Any] | None = None
    metadata: dict[str, Any] | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    history: list[str] = field(default_factory=list)

    def as_slack(self, with_metadata: bool = False) -> dict[str, Any]:
        """The message as the Web API shows it."""
        shown: dict[str, Any] = {"type": "message", "ts": self.ts, "text": self.text, "team": self.team_id}
        shown.update(user=self.user_id, app_id=self.app_id)
        if self.bot_id:
            shown["bot_id"] = self.bot_id
        if self.via == "webhook":
            shown["subtype"] = "bot_message"
        if self.broadcast:
            shown["subtype"] = "thread_broadcast"
        for name in ("blocks", "attachments", "thread_ts"):
            if getattr(self, name) is not None:
                shown[name] = getattr(self, name)
        if self.history:
            shown["edited"] = {"user": self.user_id, "ts": self.ts}
        if with_metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        return shown
