# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`/oauth/v2/authorize` and, for classic apps, `/oauth/authorize`: from the app's link to the code at its redirect URI.

Source: https://docs.slack.dev/authentication/installing-with-oauth. Where that and what was seen of Slack leave a choice,
it says so.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tests.sandbox import tokens
from tests.sandbox.slack import http, pages
from tests.sandbox.slack._books import App, Team
from tests.sandbox.slack._oauth_books import Consent
from tests.sandbox.slack.world import World

SCOPE = re.compile(r"[a-z]+([.:_-][a-z]+)*")
CLASSIC_ONLY = {"bot", "chat:write:bot", "chat:write:user"}
USER_ONLY = {"identify", "channels:write", "admin.apps:read", "admin.apps:write"}
DENIAL = "The user has denied access to the scope(s) requested by the client application"


class PageError(Exception):
    """Something that Slack says on a page, without going back to the app."""


def redirect_target(app: App, sent: str | None) -> str:
    """Where the browser may be sent: a configured URL or one below it; none sent, the first one. Else PageError."""
    if sent is None:
        if not app.redirect_uris:
            raise PageError("bad_redirect_uri")
        return app.redirect_uris[0]
    if not any(_below(sent, known) for known in app.redirect_uris):
        raise PageError("bad_redirect_uri")
    return sent


def _below(sent: str, known: str) -> bool:
    try:
        here, there = urlsplit(sent), urlsplit(known)
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        return False
    clean = "#" not in sent and "\\" not in sent and not here.username and ".." not in here.path.split("/")
    root = there.path.rstrip("/")
    return same and clean and (here.path.rstrip("/") == root or here.path.startswith(root + "/"))


def _names(query: dict[str, str], name: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,\s]+", query.get(name, "")) if one.strip()]


def _scopes(version: int, query: dict[str, str]) -> tuple[list[str], list[str]]:
    """Bot and user scopes. The first version has them mixed, the bot's being `bot`; each user has `identify`."""
    bot, user = _names(query, "scope"), _names(query, "user_scope")
    if not bot + user or not all(SCOPE.fullmatch(one) for one in bot + user):
        raise PageError("invalid_scope")
    if version == 1:
        return [one for one in bot if one == "bot"], sorted({"identify", *bot} - {"bot"})
    if CLASSIC_ONLY & {*bot, *user} or USER_ONLY & set(bot):
        raise PageError("invalid_scope")
    return bot, user


def _read(world: World, version: int, query: dict[str, str]) -> tuple[App, Consent]:
    """What an app's link asks for; the team is filled in later."""
    app = next((one for one in world.apps.values() if one.client_id == query.get("client_id")), None)
    if app is None:
        raise PageError("invalid_client_id")
    if app.classic != (version == 1):
        raise PageError("oauth_authorization_url_mismatch")
    sent = query.get("redirect_uri") or None
    target = redirect_target(app, sent)
    bot, user = _scopes(version, query)
    return app, Consent(tokens.alnum(32), version, app.id, "", "", target, sent, query.get("state"), bot, user)


def _team(world: World, app: App, query: dict[str, str]) -> Team | None:
    """The workspace that `team` names, or the only one; None: the person has to choose."""
    signed_in = [one for one in world.teams.values() if one.signed_in]
    if query.get("team"):
        team = next((one for one in world.teams.values() if query["team"] in (one.id, one.slug)), None)
        if team is None:
            raise PageError("invalid_team")
        if not team.signed_in:
            raise PageError("not_signed_in")
    elif len(signed_in) == 1:
        team = signed_in[0]
    else:
        return None
    if app.home_team and world.team(app.home_team) is not team:
        raise PageError("invalid_team_for_non_distributed_app")
    return team


def authorize(world: World, version: int, path: str, query: dict[str, str]) -> Response:
    """The page that an app's link leads to."""
    try:
        app, asked = _read(world, version, query)
        team = _team(world, app, query)
    except PageError as error:
        return pages.error(str(error))
    rest = {name: value for name, value in query.items() if name != "team"}
    if team is None:
        return pages.choose([one for one in world.teams.values() if one.signed_in], path, rest)
    asked.team_id, asked.user_id = team.id, str(team.signed_in)
    if app.id in team.restricted and world.needs_approval(asked):
        return pages.error("app_restricted")
    world.consents[asked.id] = asked
    channels = [one for one in world.channels.values() if one.team_id == team.id and not one.archived]
    must_ask = world.needs_approval(asked)
    waiting = world.pending_request(asked) if must_ask else None
    return pages.consent(asked, app, team, channels, must_ask, waiting, f"{path}?{urlencode(rest)}")


def decide(world: World, form: list[tuple[str, str]]) -> Response:
    """What comes of a click: back to the app with a code or an error, or, after a request, into Slack's directory."""
    fields = dict(form)
    asked = world.consents.get(fields.get("consent", ""))
    decision = fields.get("decision")
    if asked is None or decision not in ("allow", "deny", "request"):
        return pages.error("invalid_request")
    must_ask = world.needs_approval(asked)
    if (decision == "allow" and must_ask) or (decision == "request" and not must_ask):
        return pages.error("access_denied" if decision == "allow" else "invalid_request")
    channel = fields.get("channel", "")
    if decision == "allow" and "incoming-webhook" in asked.scopes and channel not in world.channels:
        return pages.error("invalid_channel")
    del world.consents[asked.id]
    if decision == "deny":
        why = {"error_description": DENIAL} if world.describe_denial else {}
        return _back(asked, {"error": "access_denied", **why})
    if decision == "request":
        if not world.pending_request(asked):
            world.request_app(asked, fields.get("message", ""))
        return RedirectResponse(f"/apps/{asked.app_id}?team={asked.team_id}", 302)
    declined = set(world.apps[asked.app_id].optional_scopes) - {value for name, value in form if name == "optional"}
    asked.bot_scopes = [one for one in asked.bot_scopes if one not in declined]
    asked.user_scopes = [one for one in asked.user_scopes if one not in declined]
    return _back(asked, {"code": world.give_code(asked, channel).value})


def _back(asked: Consent, answer: dict[str, str]) -> Response:
    """To the app's redirect URI; `state` is passed through as it came, or left out where none came."""
    query = urlencode({**answer, **({} if asked.state is None else {"state": asked.state})})
    return RedirectResponse(asked.target + ("&" if "?" in asked.target else "?") + query, 302)


async def serve(world: World, request: Request) -> Response:
    """Answer one request of a browser, with the faults for the method `authorize` (the pages) or `decision` (a click)."""
    path = request.url.path
    query = dict(request.query_params)
    if path.startswith("/apps/"):
        app, team = world.apps.get(path.removeprefix("/apps/")), world.teams.get(query.get("team", ""))
        return pages.requested(app, team) if app and team else pages.error("app_not_found")
    form = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    clicked = path == "/oauth/decision"
    app_id, team_id = _about(world, query, dict(form))
    faults = world.faults.take("decision" if clicked else "authorize", None, None, app_id, team_id)
    args: dict[str, Any] = dict(form) if clicked else query
    entry = http.enter(world, request, "decision" if clicked else "authorize", args, None, None)
    entry["app_id"], entry["team_id"] = app_id, team_id

    def run() -> Response:
        version = 2 if path == "/oauth/v2/authorize" else 1
        response = decide(world, form) if clicked else authorize(world, version, path, query)
        entry["status"], entry["outcome"] = response.status_code, "ok"
        return response

    return await http.under(faults, request, entry, None, run)


def _about(world: World, query: dict[str, str], form: dict[str, str]) -> tuple[str | None, str | None]:
    asked = world.consents.get(form.get("consent", ""))
    if asked:
        return asked.app_id, asked.team_id
    app = next((one for one in world.apps.values() if one.client_id == query.get("client_id")), None)
    return (app.id if app else None), query.get("team")
