# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the Web API speaks HTTP: where token and arguments are, headers, errors, and faults on the way.

Source of what is not said otherwise: https://docs.slack.dev/apis/web-api
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.sandbox import tokens
from tests.sandbox.slack._books import SlackError, Token
from tests.sandbox.slack.faults import Fault
from tests.sandbox.slack.world import World

_connections: dict[tuple[str, int], asyncio.Transport] = {}


class CuttableProtocol(H11Protocol):
    """Uvicorn's HTTP protocol, which also tells the sandbox the connection of each client: to cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection by the client's address."""
        super().connection_made(transport)
        if self.client:
            _connections[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        _connections.pop(self.client or ("", 0), None)


async def cut(request: Request) -> Response:
    """Close the client's connection without an answer; the response returned goes nowhere."""
    _connections[request.scope["client"]].close()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


@dataclass
class Call:
    """A call of the Web API as it came in. `form` are the arguments that came in a form, `basic` an id and a secret from
    HTTP Basic, `error` is what was wrong with the call's form."""

    method: str
    args: dict[str, Any] = field(default_factory=dict)
    is_json: bool = False
    token: str | None = None
    error: str | None = None
    form: dict[str, str] = field(default_factory=dict)
    basic: tuple[str, str] | None = None


async def read_call(request: Request) -> Call:
    """Find token and arguments.

    The token comes in `Authorization: Bearer` (case-sensitive) or as a field of a form, never in the query (refused
    since https://docs.slack.dev/changelog/2020-11-no-more-tokens-in-querystrings-for-newly-created-apps; the code that
    Slack answers then is not documented, here it is not_authed), nor in a JSON body. slack_sdk sends a call without
    arguments as JSON with an empty body.
    """
    call = Call(request.path_params["method"], {k: v for k, v in request.query_params.items() if k != "token"})
    body = (await request.body()).decode("utf-8", "replace")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    form_token = None
    if kind == "application/json":
        call.is_json = True
        call.error = _read_json(body, call.args)
    elif kind == "application/x-www-form-urlencoded":
        fields = dict(parse_qsl(body, keep_blank_values=True))
        form_token = fields.pop("token", None)
        call.args.update(fields)
        call.form = fields
    elif body:
        call.error = "invalid_post_type" if kind else "missing_post_type"
    scheme, _dummy, bearer = request.headers.get("authorization", "").partition(" ")
    call.token = bearer.strip() if scheme == "Bearer" else form_token
    if scheme == "Basic":
        call.basic = _read_basic(bearer)
    return call


def _read_basic(value: str) -> tuple[str, str]:
    try:
        id, _dummy, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return id, secret


def _read_json(body: str, args: dict[str, Any]) -> str | None:
    if not body.strip():
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return "invalid_json"
    if not isinstance(found, dict):
        return "json_not_object"
    found.pop("token", None)
    args.update(found)
    return None


def answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer with Slack's headers; like Slack's, its JSON has `/` escaped."""
    text = json.dumps(body, separators=(",", ":")).replace("/", "\\/")
    sent = {
        "content-type": "application/json; charset=utf-8",
        "x-slack-req-id": tokens.alnum(32).lower(),
        "x-slack-unique-id": tokens.alnum(28),
        "x-slack-backend": "r",
        "access-control-expose-headers": "x-slack-req-id, retry-after",
        **(headers or {}),
    }
    return Response(text, status, sent)


def refusal(error: SlackError) -> dict[str, Any]:
    """The body of an application error: HTTP 200 and `ok: false`."""
    return {"ok": False, "error": error.code, **error.extra}


def faulty(fault: Fault, token: Token | None) -> Response | None:
    """The answer that a fault gives instead of Slack's; None for those that let the call through."""
    options = fault.options
    if fault.kind == "rate_limited":
        return answer(
            {"ok": False, "error": "ratelimited"}, 429, {"retry-after": str(int(options.get("retry_after", 1)))}
        )
    if fault.kind == "status":
        return Response("upstream error\n", options.get("status", 503), {"content-type": "text/plain"})
    if fault.kind == "non_json":
        page = options.get("body", "<html><body>Please log in to this network</body></html>")
        return Response(page, 200, {"content-type": "text/html"})
    codes = {"error": options.get("error", "fatal_error"), "ip_not_allowed": "invalid_auth"}
    codes["dead_token"] = "token_revoked" if token and token.kind == "user" else "account_inactive"
    return answer({"ok": False, "error": codes[fault.kind]}) if fault.kind in codes else None


async def under(
    faults: list[Fault], request: Request, entry: dict[str, Any], token: Token | None, run: Callable[[], Response]
) -> Response:
    """Run a call with the faults that strike it, and note in the books' `entry` what came of it."""
    await asyncio.sleep(sum(fault.options.get("seconds", 1) for fault in faults if fault.kind == "latency"))
    cuts = [fault.options.get("when", "before") for fault in faults if fault.kind == "cut"]
    if "before" in cuts:
        entry["outcome"] = "cut before"
        return await cut(request)
    instead = next((made for fault in faults if (made := faulty(fault, token))), None)
    if instead:
        entry["outcome"], entry["status"] = "fault", instead.status_code
        return instead
    response = run()
    if cuts:
        entry["outcome"] = "cut after"
        return await cut(request)
    return response


SECRET_ARGS = ("client_secret", "code", "code_verifier", "refresh_token")
"""Arguments of which the books have fingerprints."""


def enter(
    world: World, request: Request, method: str, args: dict[str, Any], token: Token | None, value: str | None
) -> dict[str, Any]:
    """Write a request into the books, without the token: by its fingerprint, and whose it is."""
    entry = {
        "at": time.time(),
        "method": method,
        "args": {k: tokens.fingerprint(v) if k in SECRET_ARGS else v for k, v in args.items()},
        "fingerprint": tokens.fingerprint(value) if value else None,
        "app_id": token.app_id if token else None,
        "team_id": token.team_id if token else None,
        "agent": request.headers.get("user-agent", ""),
        "status": 200,
        "outcome": None,
    }
    world.requests.append(entry)
    return entry
