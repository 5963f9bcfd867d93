# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client of the control API, in the standard library: what tests and the sandbox drive the Slack sandbox with."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox.tokens import slack_id


class SlackControl:
    """The Slack sandbox at a base URL such as `http://127.0.0.1:20000`. Installations are named `gobot/ibmcloud`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.api_url = f"{url}/api/"

    def call(self, verb: str, **args: Any) -> Any:
        """Any verb of the control API; ValueError with the sandbox's own words when it refuses."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request("POST", f"/control/{verb}", json.dumps(args), {"content-type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]

    def alive(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.call("health")["ok"])
        except OSError:
            return False

    # Changes of the world

    def install(self, installation: str, **options: Any) -> dict[str, Any]:
        """Install or reinstall; gives bot_token, user_token, bot_user_id, bot_id, user_id, scopes, user_scopes, ..."""
        return self.call("install", installation=installation, **options)

    def installation(self, installation: str) -> dict[str, Any]:
        """What `install` gave last (the tokens are None after a revoke)."""
        return self.call("installation", installation=installation)

    def revoke(self, installation: str) -> None:
        """End the authorization, as auth.revoke does for an app without rotation mode."""
        self.call("revoke", installation=installation)

    def set_token_state(self, token: str, state: str) -> None:
        """Make one token live, revoked, replaced or expired."""
        self.call("set_token_state", token=token, state=state)

    def remove_scope(self, installation: str, scope: str, kind: str = "bot") -> None:
        """Take a scope out of an installation's grant."""
        self.call("remove_scope", installation=installation, scope=scope, kind=kind)

    def configure(self, app: str, **settings: Any) -> None:
        """Change an app: bot_scopes, user_scopes, rotation (for good), redirect_uris, optional_scopes, ..."""
        self.call("configure", app=app, **settings)

    def invite(self, installation: str, channel: str) -> None:
        """Put a bot in a channel."""
        self.call("invite", installation=installation, channel=channel)

    def remove(self, installation: str, channel: str) -> None:
        """Take a bot out of a channel."""
        self.call("remove", installation=installation, channel=channel)

    def add_channel(self, id: str, name: str, team: str, private: bool = False) -> None:
        """Make a channel with the team's people in it."""
        self.call("add_channel", id=id, name=name, team=team, private=private)

    def limit_pages(self, most: int) -> None:
        """Give at most so many rows a page, whatever is asked for."""
        self.call("limit_pages", most=most)

    def add_hook(self, installation: str, channel: str) -> str:
        """Make an incoming webhook; gives its URL."""
        return self.call("add_hook", installation=installation, channel=channel)

    # Apps and what comes before an install

    def add_app(self, name: str, bot_scopes: list[str], id: str | None = None, **settings: Any) -> dict[str, Any]:
        """Make an app; gives client_id, client_secret, redirect_uris. `settings`: see `App` in _books.py."""
        self.call("add_app", id=id or slack_id("A"), name=name, bot_scopes=bot_scopes, **settings)
        return self.credentials(name)

    def credentials(self, app: str) -> dict[str, Any]:
        """client_id, client_secret and redirect_uris of an app, by its name or id."""
        return self.call("credentials", app=app)

    def regenerate_secret(self, app: str, overlap: float = 86_400) -> str:
        """A new client secret; the old one is good for `overlap` seconds more."""
        return self.call("regenerate_secret", app=app, overlap=overlap)

    def sign_in(self, team: str, user: str | None) -> None:
        """Who the browser is signed in as in a workspace (default: the first of its people); None: nobody."""
        self.call("sign_in", team=team, user=user)

    def require_approval(
        self, team: str, on: bool = True, admins: list[str] | None = None, enterprise_id: str | None = None
    ) -> None:
        """Turn Approve Apps on: whoever is not among `admins` has to request an app. With an `enterprise_id` admins have
        the admin API: a user token with admin.apps:read of an app that an admin installed."""
        self.call("require_approval", team=team, on=on, admins=admins, enterprise_id=enterprise_id)

    def app_requests(self, state: str | None = "pending") -> list[dict[str, Any]]:
        """Requests to install: id, app_id, team_id, user_id, bot_scopes, user_scopes, message, date_created, state."""
        return [one for one in self.call("app_requests") if state in (None, one["state"])]

    def resolve_request(self, request: str, approve: bool = True) -> None:
        """An admin approves or denies a request."""
        self.call("resolve_request", request=request, approve=approve)

    def set_oauth(self, describe_denial: bool | None = None, used_code_error: str | None = None) -> None:
        """Whether a denial comes with error_description; what oauth.v2.access says of a used code."""
        self.call("set_oauth", describe_denial=describe_denial, used_code_error=used_code_error)

    # Time

    def set_clock(self, at: float) -> float:
        """Make it `at` (seconds since the epoch) for Slack; the clock runs on from there."""
        return self.call("set_clock", at=at)

    def advance_clock(self, seconds: float) -> float:
        """Move Slack's clock forward; gives its time."""
        return self.call("advance_clock", seconds=seconds)

    def set_refresh_grace(self, seconds: float) -> None:
        """For how long a refresh token works again after its first use (default 0: not at all)."""
        self.call("set_refresh_grace", seconds=seconds)

    # Faults (kinds and their options: tests/sandbox/slack/faults.py)

    def fault(self, kind: str, **options: Any) -> int:
        """Put a fault in force and give its id. Which calls: method, token, installation, app, team; skip, times."""
        return self.call("fault", kind=kind, **options)["id"]

    def clear_faults(self, id: int | None = None) -> None:
        """Take back one fault, or all."""
        self.call("clear_faults", id=id)

    def limit(self, rates: dict[str, float] | None = None, by_app: bool = True) -> None:
        """Put rate limits in force, calls a minute by method (default: those of Slack's tiers); {} takes them back."""
        self.call("limit", rates=rates, by_app=by_app)

    def set_edit_window(self, team: str, seconds: int | None) -> None:
        """For how long a message of a workspace may be changed; None: always."""
        self.call("set_edit_window", team=team, seconds=seconds)

    # The books

    def messages(self, channel: str | None = None) -> list[dict[str, Any]]:
        """Every message ever posted, in order: ts, team_id, channel_id, app_id, user_id, text, via, metadata, ..."""
        return [one for one in self.call("messages") if channel in (None, one["channel_id"])]

    def scheduled(self) -> list[dict[str, Any]]:
        """Every message ever scheduled: id, post_at, date_created, fields (as in `messages`), state."""
        return self.call("scheduled")

    def requests(self, method: str | None = None, bots: bool = False) -> list[dict[str, Any]]:
        """Every request in order: at, method, args, fingerprint, agent, status, outcome.

        Those of the sandbox's own bot services are left out unless `bots`.
        """
        return [
            one
            for one in self.call("requests")
            if method in (None, one["method"]) and (bots or not one["agent"].startswith("sandbox-bot"))
        ]

    def tokens(self) -> list[dict[str, Any]]:
        """Every token ever issued, in clear: value, kind, app_id, team_id, user_id, state, expires_at, ..."""
        return self.call("tokens")

    def secrets(self) -> list[str]:
        """Every client secret and every code, in clear: for a scan for leaks."""
        return self.call("secrets")

    def webhook_paths(self) -> list[str]:
        """The path of every webhook ever made, in clear."""
        return self.call("webhook_paths")

    def webhooks(self, installation: str | None = None) -> list[dict[str, Any]]:
        """Every webhook ever made, or an installation's: path (its fingerprint), app_id, team_id, channel_id, live."""
        every = self.call("webhooks")
        of = self.installation(installation) if installation else {}
        return [one for one in every if not of or (one["app_id"], one["team_id"]) == (of["app_id"], of["team_id"])]

    def memberships(self, installation: str) -> list[str]:
        """The ids of the channels that a bot is in, sorted."""
        return self.call("memberships", installation=installation)

    def members(self, channel: str) -> list[str]:
        """The user ids in a channel."""
        return next(one["members"] for one in self.call("channels") if one["id"] == channel)
