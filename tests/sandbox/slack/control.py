# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: `POST /control/<verb>` with a JSON object of arguments. It is no part of Slack.

A thin layer: each verb is a method of `World` or a look into its books. A wrong argument is a 400 with `error`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.sandbox.slack import scheduled
from tests.sandbox.slack._books import Installation, SlackError
from tests.sandbox.slack.faults import Fault
from tests.sandbox.slack.world import World
from tests.sandbox.tokens import fingerprint

CHANGES = [
    "add_team",
    "add_app",
    "add_channel",
    "revoke",
    "revoke_token",
    "set_token_state",
    "remove_scope",
    "configure",
    "invite",
    "remove",
    "archive",
    "memberships",
    "limit_pages",
    "set_clock",
    "advance_clock",
    "set_refresh_grace",
    "sign_in",
    "require_approval",
    "set_oauth",
    "regenerate_secret",
    "resolve_request",
    "approve_app",
    "restrict_app",
    "set_edit_window",
]


def issued(world: World, of: Installation) -> dict[str, Any]:
    """What an install gives: like the answer of oauth.v2.access, with bot_id added (that one comes from auth.test)."""
    return {
        "app_id": of.app_id,
        "team_id": of.team_id,
        "active": of.active,
        "bot_token": of.bot_token,
        "user_token": of.user_token,
        "bot_refresh_token": of.bot_refresh_token,
        "user_refresh_token": of.user_refresh_token,
        "bot_user_id": of.bot_user_id,
        "bot_id": of.bot_id,
        "user_id": of.installer,
        "user": world.apps[of.app_id].name,
        "scopes": of.bot_scopes,
        "user_scopes": of.user_scopes,
        "webhook_urls": [world.base_url + hook.path for hook in _hooks(world, of)],
    }


def _hooks(world: World, of: Installation) -> list[Any]:
    mine = (of.app_id, of.team_id)
    return [hook for hook in world.hooks.values() if (hook.app_id, hook.team_id) == mine and hook.live]


def install(world: World, installation: str, **options: Any) -> dict[str, Any]:
    """Install or reinstall `app/team`."""
    app, _dummy, team = installation.partition("/")
    return issued(world, world.install(app, team, **options))


def add_hook(world: World, installation: str, channel: str) -> str:
    """The URL of a new incoming webhook."""
    return world.base_url + world.add_hook(installation, channel).path


def add_fault(world: World, kind: str, installation: str | None = None, **rest: Any) -> dict[str, Any]:
    """Put a fault in force; for an `installation`, an `app` or `team` by name, a `token`, a `method`, or for all."""
    app, _dummy, team = (installation or "").partition("/")
    app, team = rest.pop("app", None) or app, rest.pop("team", None) or team
    known = {name: rest.pop(name) for name in ("method", "token", "times", "skip") if rest.get(name) is not None}
    app_id = world.app(app).id if app else None
    team_id = world.team(team).id if team else None
    return world.faults.add(Fault(kind, app_id=app_id, team_id=team_id, options=rest, **known)).shown()


def _hidden(record: Any, *secrets: str) -> dict[str, Any]:
    """A record of the books, with fingerprints for those of its fields that are secrets."""
    return {name: fingerprint(value) if value and name in secrets else value for name, value in asdict(record).items()}


TOKEN_FIELDS = ("bot_token", "user_token", "bot_refresh_token", "user_refresh_token")


def books(world: World) -> dict[str, Any]:
    """All of the books, without a token in them."""
    return {
        "teams": [asdict(team) for team in world.teams.values()],
        "apps": [{**_hidden(app, "client_secret"), "old_secrets": len(app.old_secrets)} for app in world.apps.values()],
        "app_requests": [asdict(one) for one in world.app_requests.values()],
        "codes": [_hidden(one, "value") for one in world.codes.values()],
        "channels": [{**asdict(one), "members": sorted(one.members)} for one in world.channels.values()],
        "installations": [_hidden(one, *TOKEN_FIELDS) for one in world.installations.values()],
        "webhooks": [_hidden(one, "path") for one in world.hooks.values()],
        "tokens": [_hidden(one, "value", "refresh") for one in world.tokens.values()],
        "messages": [asdict(one) for one in world.messages],
        "scheduled": [asdict(one) for one in world.scheduled.values()],
        "requests": world.requests,
        "faults": [fault.shown() for fault in world.faults.all()],
    }


VERBS: dict[str, Callable[..., Any]] = {
    "health": lambda world: {"ok": True},
    "install": install,
    "installation": lambda world, installation: issued(world, world.installation(installation)),
    "add_hook": add_hook,
    "fault": add_fault,
    "faults": lambda world: [fault.shown() for fault in world.faults.all()],
    "limit": lambda world, rates=None, by_app=True: world.limits.set(rates, by_app),
    "clear_faults": lambda world, id=None: world.faults.clear(id),
    "channels": lambda world: books(world)["channels"],
    "messages": lambda world: [asdict(one) for one in world.messages],
    "scheduled": lambda world: [asdict(one) for one in world.scheduled.values()],
    "requests": lambda world: world.requests,
    "clear_requests": lambda world: world.requests.clear(),
    "tokens": lambda world: [asdict(one) for one in world.tokens.values()],
    "credentials": lambda world, app: {
        name: getattr(world.app(app), name) for name in ("client_id", "client_secret", "redirect_uris")
    },
    "app_requests": lambda world: [asdict(one) for one in world.app_requests.values()],
    "secrets": lambda world: [
        *world.codes,
        *(secret for app in world.apps.values() for secret in (app.client_secret, *app.old_secrets)),
    ],
    "webhooks": lambda world: books(world)["webhooks"],
    "webhook_paths": lambda world: list(world.hooks),
    "books": books,
}


def _run(world: World, verb: str, args: dict[str, Any]) -> Any:
    scheduled.deliver(world)
    if verb in CHANGES:
        done = getattr(world, verb)(**args)
        if not is_dataclass(done):
            return done
        shown = asdict(done)  # type: ignore[call-overload]
        return {**shown, "members": sorted(shown["members"])} if "members" in shown else shown
    return VERBS[verb](world, **args)


async def serve(world: World, request: Request) -> Response:
    """Answer one request of the control API."""
    verb = request.path_params["verb"]
    if verb not in VERBS and verb not in CHANGES:
        known = ", ".join(sorted([*VERBS, *CHANGES]))
        return JSONResponse({"error": f"no verb {verb!r}; there are: {known}"}, 404)
    try:
        body = await request.body()
        return JSONResponse({"result": _run(world, verb, json.loads(body) if body else {})})
    except (KeyError, TypeError, ValueError, AttributeError, SlackError) as error:
        return JSONResponse({"error": f"{verb}: {type(error).__name__}: {error}"}, 400)
