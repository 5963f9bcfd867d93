# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods of the Web API: what each one wants, does and answers.

Each follows its page, https://docs.slack.dev/reference/methods/<method>. Most methods are in files of their
own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sandbox.slack._books import SlackError, Token
from tests.sandbox.slack._caller import Caller
from tests.sandbox.slack.http import Call, refusal
from tests.sandbox.slack.world import World

Method = Callable[[Caller], dict[str, Any]]


@dataclass(frozen=True)
class _Entry:
    run: Method
    scopes: tuple[str, ...]
    accepted: tuple[str, ...]
    takes_json: bool


_methods: dict[str, _Entry] = {}


def method(
    name: str, *scopes: str, accepted: tuple[str, ...] = (), takes_json: bool = False
) -> Callable[[Method], Method]:
    """Register a method: all of `scopes` are needed, `accepted` goes in x-accepted-oauth-scopes (default: scopes)."""

    def register(run: Method) -> Method:
        _methods[name] = _Entry(run, scopes, accepted or scopes, takes_json)
        return run

    return register


Public = Callable[[World, Call], dict[str, Any]]
_public: dict[str, Public] = {}


def public(name: str) -> Callable[[Public], Public]:
    """Register a method that wants no token, but a client's id and secret; its arguments come in a form."""

    def register(run: Public) -> Public:
        _public[name] = run
        return run

    return register


def accept(world: World, value: str | None, method: str = "") -> Token:
    """The live token behind a string, or Slack's refusal.

    A dead bot token is account_inactive, a dead user token token_revoked, until the app is reinstalled: from then on
    the old string is invalid_auth (https://github.com/slackapi/bolt-python/issues/1029). A token of rotation mode whose
    authorization goes on is token_revoked. A refresh token is good for auth.revoke alone.
    """
    if not value:
        raise SlackError("not_authed")
    token = world.tokens.get(value)
    if token is None or token.state in ("replaced", "used"):
        raise SlackError("invalid_auth")
    if token.state == "revoked":
        goes_on = token.expires_at is not None and world.installations[token.app_id, token.team_id].active
        raise SlackError("account_inactive" if token.kind == "bot" and not goes_on else "token_revoked")
    if token.state == "expired" or token.expired(world.clock.now()):
        raise SlackError("token_expired")
    if token.kind == "refresh" and method != "auth.revoke":
        raise SlackError("not_allowed_token_type")
    return token


def dispatch(world: World, call: Call) -> tuple[dict[str, Any], dict[str, str]]:
    """Run a call; the answer's body and its headers about scopes."""
    entry = _methods.get(call.method)
    headers: dict[str, str] = {}
    if entry is None and call.method not in _public:
        return {"ok": False, "error": "unknown_method", "req_method": call.method}, headers
    try:
        if call.error:
            raise SlackError(call.error)
        if entry is None:
            return {"ok": True, **_public[call.method](world, call)}, headers
        token = accept(world, call.token, call.method)
        caller = Caller(world, token, {} if call.is_json and not entry.takes_json else call.args)
        headers["x-oauth-scopes"] = ",".join(caller.scopes)
        if entry.accepted:
            headers["x-accepted-oauth-scopes"] = ",".join(entry.accepted)
        caller.need(*entry.scopes)
        return {"ok": True, **entry.run(caller)}, headers
    except SlackError as error:
        return refusal(error), headers


@method("auth.test", takes_json=True)
def auth_test(caller: Caller) -> dict[str, Any]:
    """Whose token this is. Whether `app_id` is told for a bot is not documented: it is not."""
    of, token = caller.installation, caller.token
    told = {
        "url": f"https://{caller.team.slug}.slack.com/",
        "team": caller.team.name,
        "user": caller.app.name if token.kind == "bot" else "operator",
        "team_id": token.team_id,
        "user_id": token.user_id,
        "is_enterprise_install": False,
    }
    return {**told, "bot_id": of.bot_id} if token.kind == "bot" else told


@method("auth.revoke")
def auth_revoke(caller: Caller) -> dict[str, Any]:
    """Revoke the token; `test` only asks whether that could be done."""
    if caller.flag("test"):
        return {"revoked": False}
    caller.world.revoke_token(caller.token.value)
    return {"revoked": True}


@method("team.info", "team:read")
def team_info(caller: Caller) -> dict[str, Any]:
    """The token's own workspace."""
    if caller.args.get("team", caller.team.id) != caller.team.id:
        raise SlackError("team_not_found")
    team = caller.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.slug, "email_domain": "", "icon": {}}}


@method("bots.info", "users:read")
def bots_info(caller: Caller) -> dict[str, Any]:
    """A bot of the workspace by its `B...` id: the way from a bot token to its app's id."""
    for (app_id, team_id), of in caller.world.installations.items():
        if team_id == caller.team.id and of.bot_id == caller.args.get("bot"):
            name = caller.world.apps[app_id].name
            shown = {"id": of.bot_id, "deleted": not of.active, "name": name, "updated": 1700000000}
            return {"bot": {**shown, "app_id": app_id, "user_id": of.bot_user_id, "icons": {}}}
    raise SlackError("bot_not_found")


@method("users.info", "users:read")
def users_info(caller: Caller) -> dict[str, Any]:
    """A person or a bot user of the workspace; a bot user whose app's authorization has ended is deleted."""
    user, world = str(caller.args.get("user") or ""), caller.world
    bot = next(
        (of for of in world.installations.values() if (of.team_id, of.bot_user_id) == (caller.team.id, user)), None
    )
    if bot is None and user not in caller.team.people:
        raise SlackError("user_not_found")
    name = world.apps[bot.app_id].name if bot else user.lower()
    shown = {"id": user, "team_id": caller.team.id, "name": name, "real_name": name, "profile": {"real_name": name}}
    return {"user": {**shown, "deleted": bool(bot and not bot.active), "is_bot": bool(bot), "is_app_user": False}}
