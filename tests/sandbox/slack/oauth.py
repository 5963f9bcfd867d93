# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `oauth.*` methods and `apps.uninstall`: a code, a refresh token or a static token for new tokens.

Each follows its page, https://docs.slack.dev/reference/methods/<method>. Id and secret of the client come by HTTP Basic
or in the form.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.slack._books import App, Hook, Installation, SlackError, Token
from tests.sandbox.slack._caller import Caller
from tests.sandbox.slack._oauth_books import Code
from tests.sandbox.slack.http import Call
from tests.sandbox.slack.methods import method, public
from tests.sandbox.slack.world import World


def _credentials(call: Call) -> tuple[str, str]:
    return call.basic or (call.form.get("client_id", ""), call.form.get("client_secret", ""))


def _app_of(world: World, client_id: str) -> App | None:
    return next((app for app in world.apps.values() if app.client_id == client_id), None)


def client(world: World, id: str, secret: str) -> App:
    """The app of a client's id and secret; a secret that was replaced is good for some hours more."""
    app = _app_of(world, id)
    if app is None:
        raise SlackError("invalid_client_id")
    if secret != app.client_secret and app.old_secrets.get(secret, 0) <= world.clock.now():
        raise SlackError("bad_client_secret")
    return app


def owner(world: World, call: Call) -> tuple[str | None, str | None]:
    """App and team that a call with a client's id is about, as far as they can be told: for faults and the books."""
    app = _app_of(world, _credentials(call)[0])
    code = world.codes.get(call.form.get("code", ""))
    token = world.tokens.get(call.form.get("refresh_token", ""))
    team = code.consent.team_id if code else token.team_id if token else None
    return (app.id if app else None), team


@public("oauth.v2.access")
def v2_access(world: World, call: Call) -> dict[str, Any]:
    """A code, or with `grant_type=refresh_token` a refresh token, for tokens."""
    app = client(world, *_credentials(call))
    grant = call.form.get("grant_type") or "authorization_code"
    if grant == "refresh_token":
        return rotated(world, world.refresh(app, call.form.get("refresh_token", "")))
    if grant != "authorization_code":
        raise SlackError("invalid_grant_type")
    if call.form.get("code_verifier"):
        raise SlackError("pkce_not_allowed")
    code = world.take_code(app, call.form.get("code", ""), 2, call.form.get("redirect_uri"))
    return _installed(world, code, *_install(world, code))


def _install(world: World, code: Code) -> tuple[Installation, Hook | None]:
    """Install as a consent says; the webhook that came of it."""
    consent, before = code.consent, set(world.hooks)
    of = world.install(
        consent.app_id, consent.team_id, consent.bot_scopes, code.channel, consent.user_id, consent.user_scopes
    )
    return of, next((hook for path, hook in world.hooks.items() if path not in before), None)


def _webhook(world: World, hook: Hook | None) -> dict[str, Any]:
    if hook is None:
        return {}
    page = f"https://{world.teams[hook.team_id].slug}.slack.com/services/{hook.path.split('/')[3]}"
    channel = {"channel": f"#{world.channels[hook.channel_id].name}", "channel_id": hook.channel_id}
    return {"incoming_webhook": {**channel, "configuration_url": page, "url": world.base_url + hook.path}}


def _secrets(world: World, token: Token) -> dict[str, Any]:
    """A token as answers show it; one of rotation mode with its refresh token."""
    shown: dict[str, Any] = {"access_token": token.value, "token_type": token.kind}
    if token.expires_at is not None:
        shown.update(expires_in=round(token.expires_at - world.clock.now()), refresh_token=token.refresh)
    return shown


def _where(world: World, team_id: str) -> dict[str, Any]:
    team = {"id": team_id, "name": world.teams[team_id].name}
    return {"team": team, "enterprise": None, "is_enterprise_install": False}


def _installed(world: World, code: Code, of: Installation, hook: Hook | None) -> dict[str, Any]:
    """The answer to a code: no bot's fields where only user scopes were asked for, and never a bot_id."""
    told: dict[str, Any] = {"app_id": of.app_id, "authed_user": {"id": code.consent.user_id}}
    if code.consent.user_scopes and of.user_token:
        user = _secrets(world, world.tokens[of.user_token])
        told["authed_user"].update(scope=",".join(of.user_scopes), **user)
    if code.consent.bot_scopes and of.bot_token:
        told.update(scope=",".join(of.bot_scopes), bot_user_id=of.bot_user_id)
        told.update(_secrets(world, world.tokens[of.bot_token]))
    return {**told, **_where(world, of.team_id), **_webhook(world, hook)}


def rotated(world: World, token: Token) -> dict[str, Any]:
    """The answer to a refresh or an exchange: one token, at the top, also when it is a user's."""
    of = world.installations[token.app_id, token.team_id]
    whose = {"bot_user_id": of.bot_user_id} if token.kind == "bot" else {"user_id": token.user_id}
    told = {"app_id": of.app_id, "scope": ",".join(of.scopes(token.kind)), **whose}
    return {**told, **_secrets(world, token), **_where(world, of.team_id)}


@public("oauth.access")
def access(world: World, call: Call) -> dict[str, Any]:
    """A code of /oauth/authorize for a user token, and with the scope `bot` a bot token."""
    app = client(world, *_credentials(call))
    code = world.take_code(app, call.form.get("code", ""), 1, call.form.get("redirect_uri"))
    of, hook = _install(world, code)
    told = {
        "access_token": of.user_token,
        "scope": ",".join([*of.user_scopes, *code.consent.bot_scopes]),
        "user_id": code.consent.user_id,
        "team_id": of.team_id,
        "team_name": world.teams[of.team_id].name,
        "enterprise_id": None,
    }
    if code.consent.bot_scopes:
        told["bot"] = {"bot_user_id": of.bot_user_id, "bot_access_token": of.bot_token}
    return {**told, **_webhook(world, hook)}


@public("oauth.v2.exchange")
def exchange(world: World, call: Call) -> dict[str, Any]:
    """A rotating token for a static one, which comes as bearer or in the form; there is no way back."""
    app = client(world, *_credentials(call))
    return rotated(world, world.exchange(app, call.token or ""))


@method("apps.uninstall")
def uninstall(caller: Caller) -> dict[str, Any]:
    """End every token of the installation; not with the bot token of a granular app (no_permission)."""
    app = client(caller.world, str(caller.args.get("client_id", "")), str(caller.args.get("client_secret", "")))
    if app.id != caller.app.id:
        raise SlackError("client_id_token_mismatch")
    if caller.token.kind == "bot" and not app.classic:
        raise SlackError("no_permission")
    caller.world.revoke(f"{app.id}/{caller.team.id}")
    return {"uninstalled": True}
