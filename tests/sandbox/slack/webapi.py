# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the Web API, from the request to the answer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tests.sandbox.slack import admin, chat, conversations, http, memberships, methods, oauth, scheduled
from tests.sandbox.slack.world import World

METHOD_FILES = (methods, admin, oauth, conversations, memberships, chat, scheduled)
"""Importing these registers the methods."""


async def serve(world: World, request: Request) -> Response:
    """Answer one call, with whatever faults strike it, and enter it in the books."""
    call = await http.read_call(request)
    token = world.tokens.get(call.token or "")
    app_id, team_id = oauth.owner(world, call)
    faults = world.faults.take(call.method, token, call.token, app_id, team_id)
    entry = http.enter(world, request, call.method, call.args, token, call.token)
    if token is None:
        entry["app_id"], entry["team_id"] = app_id, team_id

    def run() -> Response:
        scheduled.deliver(world)
        seconds = world.limits.refusal(call.method, entry["team_id"], entry["app_id"])
        if seconds:
            entry["outcome"], entry["status"] = "ratelimited", 429
            return http.answer({"ok": False, "error": "ratelimited"}, 429, {"retry-after": str(seconds)})
        body, headers = methods.dispatch(world, call)
        entry["outcome"] = "ok" if body["ok"] else body["error"]
        return http.answer(body, headers=headers)

    return await http.under(faults, request, entry, token, run)
