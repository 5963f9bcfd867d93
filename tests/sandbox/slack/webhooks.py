# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks

Answers are plain text, `ok` or an error's name. Which status goes with which error is only partly documented; dead
hooks were seen to answer 403 or 404.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.sandbox.slack import http
from tests.sandbox.slack._books import Hook
from tests.sandbox.slack.world import World


def _payload(body: str, kind: str) -> dict[str, Any] | None:
    """The message of a request: a JSON body, or the form field `payload`; None when it cannot be read."""
    if kind == "application/x-www-form-urlencoded":
        body = parse_qs(body).get("payload", [""])[0]
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _post(world: World, hook: Hook | None, payload: dict[str, Any] | None) -> tuple[int, str]:
    """Post a webhook's message; status and text of the answer."""
    if hook is None or not hook.live:
        return 404, "no_service"
    if payload is None:
        return 400, "invalid_payload"
    if not (payload.get("text") or payload.get("blocks") or payload.get("attachments")):
        return 400, "no_text"
    channel = world.channels.get(hook.channel_id)
    if channel is None:
        return 404, "channel_not_found"
    if channel.archived:
        return 410, "channel_is_archived"
    world.add_message(
        team_id=hook.team_id,
        channel_id=hook.channel_id,
        app_id=hook.app_id,
        bot_id=world.installations[hook.app_id, hook.team_id].bot_id,
        user_id=None,
        via="webhook",
        text=str(payload.get("text") or ""),
        blocks=payload.get("blocks"),
        attachments=payload.get("attachments"),
        metadata=payload.get("metadata"),
    )
    return 200, "ok"


async def serve(world: World, request: Request) -> Response:
    """Answer one request to a webhook, with the faults for the method `webhook`."""
    body = (await request.body()).decode("utf-8", "replace")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    hook = world.hooks.get(request.url.path)
    payload = _payload(body, kind)
    owner = (hook.app_id, hook.team_id) if hook else (None, None)
    faults = world.faults.take("webhook", None, None, *owner)
    entry = http.enter(world, request, "webhook", payload or {}, None, request.url.path)
    entry["app_id"], entry["team_id"] = owner

    def run() -> Response:
        entry["status"], entry["outcome"] = _post(world, hook, payload)
        return PlainTextResponse(entry["outcome"], entry["status"])

    return await http.under(faults, request, entry, None, run)
