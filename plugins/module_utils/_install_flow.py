# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One workspace's OAuth flow: Bolt's, with what it would lose or show put right (private to the collection).

There is an object for each workspace, with a cookie of its own, so that several can be under way in one browser. Against
Bolt's own flow: the team is pinned; what Slack gives is kept before anything is asked about it; a code is exchanged once;
neither code nor answer is logged; what goes wrong is raised as a RotationError, never swallowed; classic apps work, too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._install_states import LIFETIME, States
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack

try:
    from slack_bolt.oauth import OAuthFlow
    from slack_bolt.oauth.callback_options import CallbackOptions
    from slack_bolt.oauth.oauth_settings import OAuthSettings
    from slack_bolt.request import BoltRequest
    from slack_bolt.response import BoltResponse
    from slack_sdk.oauth.installation_store import Installation, InstallationStore
except ImportError:  # said by require_packages, so that documentation and other actions work without them
    OAuthFlow = object
    OAuthSettings = None

_log = logging.getLogger(__name__)  # Bolt's warnings hold codes and answers
_log.addHandler(logging.NullHandler())
_log.propagate = False


def require_packages() -> None:
    """RotationError where a package is not there that an install page needs."""
    missing = [] if OAuthSettings else ["slack_bolt"]
    for name in ("starlette", "uvicorn"):
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise RotationError(
            f"The Python packages {', '.join(missing)} are not installed where ansible-playbook runs",
            "install what requirements.txt of the collection lists into ansible-playbook's own Python",
        )


@dataclass(frozen=True)
class App:
    """What identifies an app to Slack, and what is asked for. `version` 1 is that of classic apps."""

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    redirect_uri: str
    version: int = 2


@dataclass(frozen=True)
class Target:
    """What is to be installed where. `key` is its name in addresses and cookies."""

    id: str
    key: str
    team_id: str
    app_id: str | None
    scopes: tuple[str, ...]
    user_scopes: tuple[str, ...] = ()


class Events(Protocol):
    """Whom a flow tells what happens."""

    def before_exchange(self, target: Target) -> None:
        """Raises RotationError where a token could not be kept."""

    def denied(self, target: Target, reason: str) -> None: ...

    def arrived(self, target: Target, installation: Installation) -> None:
        """Keeps what Slack gave, then looks at it."""


class WorkspaceFlow(OAuthFlow):
    """The flow of one target. `back` is where a browser goes in the end."""

    def __init__(
        self,
        target: Target,
        app: App,
        slack: Slack,
        states: States,
        store: InstallationStore,
        events: Events,
        back: str,
    ) -> None:
        self.target, self.app, self._slack, self._events, self._back = target, app, slack, events, back
        settings = OAuthSettings(
            client_id=app.client_id,
            client_secret=app.client_secret,
            scopes=list(target.scopes),
            user_scopes=list(target.user_scopes),
            redirect_uri=app.redirect_uri,
            install_page_rendering_enabled=False,
            authorization_url=app.authorize_url,
            installation_store=store,
            state_store=states,
            state_cookie_name=f"botops-{target.key}",
            state_expiration_seconds=LIFETIME,
            callback_options=CallbackOptions(success=lambda _args: self._leave(), failure=self._refused),
            logger=_log,
        )
        super().__init__(logger=_log, settings=settings)

    def issue_new_state(self, request: BoltRequest) -> str:
        return self.settings.state_store.issue(self.target.id)

    def build_authorize_url(self, state: str, request: BoltRequest) -> str:
        """The address of Slack's consent page: https://docs.slack.dev/authentication/installing-with-oauth"""
        bot, user = list(self.target.scopes), list(self.target.user_scopes)
        if self.app.version == 1:  # one list for both
            bot, user = ["bot", *(scope for scope in (*bot, *user) if scope != "bot")], []
        query = {"client_id": self.app.client_id, "scope": ",".join(bot), "user_scope": ",".join(user)}
        query |= {"redirect_uri": self.app.redirect_uri, "state": state, "team": self.target.team_id}
        return f"{self.app.authorize_url}?{urlencode({name: value for name, value in query.items() if value})}"

    def run_installation(self, code: str) -> Installation:
        """Exchanges a code, once. Raises RotationError, before it where the token could not be kept."""
        self._events.before_exchange(self.target)
        given = {"client_id": self.app.client_id, "client_secret": self.app.client_secret}
        given |= {"code": code, "redirect_uri": self.app.redirect_uri}
        if self.app.version == 1:
            return _classic(self._slack.exchange_code("oauth_access", **given))
        return _granular(self._slack.exchange_code("oauth_v2_access", **given))

    def store_installation(self, request: BoltRequest, installation: Installation) -> None:
        self._events.arrived(self.target, installation)

    def _refused(self, args: Any) -> BoltResponse:
        """Slack sent the browser back with an error, or without a code."""
        self.settings.state_store.consume(args.request.query.get("state", [""])[0])  # an error has not used it up
        self._events.denied(self.target, args.reason)
        return self._leave()

    def _leave(self) -> BoltResponse:
        """Away from the address that has the code in it."""
        return BoltResponse(status=303, headers={"Location": self._back})


def _granular(answer: Mapping[str, Any]) -> Installation:
    """The answer of oauth.v2.access: https://docs.slack.dev/reference/methods/oauth.v2.access"""
    team, user, hook = (_part(answer, name) for name in ("team", "authed_user", "incoming_webhook"))
    enterprise = _part(answer, "enterprise")
    is_bot = bool(answer.get("access_token")) and answer.get("token_type") != "user"
    bot = answer if is_bot else {}
    return _registered(
        Installation(
            app_id=answer.get("app_id"),
            enterprise_id=enterprise.get("id"),
            enterprise_name=enterprise.get("name"),
            team_id=team.get("id"),
            team_name=team.get("name"),
            bot_token=_word(bot, "access_token"),
            bot_user_id=bot.get("bot_user_id"),
            bot_scopes=_scopes(bot),
            bot_refresh_token=_word(bot, "refresh_token"),
            bot_token_expires_in=_seconds(bot),
            user_id=str(user.get("id") or ""),
            user_token=_word(user, "access_token"),
            user_scopes=_scopes(user),
            user_refresh_token=_word(user, "refresh_token"),
            user_token_expires_in=_seconds(user),
            incoming_webhook_url=hook.get("url"),
            incoming_webhook_channel_id=hook.get("channel_id"),
            is_enterprise_install=answer.get("is_enterprise_install") is True,
        )
    )


def _classic(answer: Mapping[str, Any]) -> Installation:
    """The answer of oauth.access, whose scopes are both tokens': https://docs.slack.dev/reference/methods/oauth.access"""
    bot = _part(answer, "bot")
    return _registered(
        Installation(
            app_id=answer.get("app_id"),
            enterprise_id=answer.get("enterprise_id"),
            team_id=answer.get("team_id"),
            team_name=answer.get("team_name"),
            bot_token=_word(bot, "bot_access_token"),
            bot_user_id=bot.get("bot_user_id"),
            bot_scopes=[],  # what it has is not told apart
            user_id=str(answer.get("user_id") or ""),
            user_token=_word(answer, "access_token"),
            user_scopes=_scopes(answer),
        )
    )


def _part(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = answer.get(name)
    return found if isinstance(found, Mapping) else {}


# A token must not be lost because something beside it has another shape than Slack's.


def _word(part: Mapping[str, Any], name: str) -> str | None:
    found = part.get(name)
    return found if isinstance(found, str) and found else None


def _scopes(part: Mapping[str, Any]) -> list[str]:
    return [scope.strip() for scope in (_word(part, "scope") or "").replace(" ", ",").split(",") if scope.strip()]


def _seconds(part: Mapping[str, Any]) -> int | None:
    found = part.get("expires_in")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _registered(given: Installation) -> Installation:
    """Known to the masking, whole; TokenError where Slack gave no token at all."""
    secrets = (given.bot_token, given.user_token, given.bot_refresh_token, given.user_refresh_token)
    for secret in (*secrets, _word(vars(given), "incoming_webhook_url")):
        _redact.register(secret or "")
    if not any(secrets[:2]):
        raise TokenError("Slack's answer to the code holds no token", "look at the app's scopes, and install again")
    return given
