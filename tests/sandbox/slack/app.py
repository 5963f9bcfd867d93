# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Slack sandbox as a web application and as a server."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.slack import consent, control, webapi, webhooks
from tests.sandbox.slack.http import CuttableProtocol
from tests.sandbox.slack.world import World

Handler = Callable[[World, Request], Awaitable[Response]]


def make_app(world: World) -> Starlette:
    """Web API under /api/, the pages of the OAuth flow under /oauth/ and /apps/, incoming webhooks under /services/, control API under /control/."""

    def bound(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await handler(world, request)

        return endpoint

    return Starlette(
        routes=[
            Route("/api/{method}", bound(webapi.serve), methods=["GET", "POST"]),
            Route("/services/{team}/{hook}/{secret}", bound(webhooks.serve), methods=["POST"]),
            Route("/oauth/authorize", bound(consent.serve), methods=["GET"]),
            Route("/oauth/v2/authorize", bound(consent.serve), methods=["GET"]),
            Route("/oauth/decision", bound(consent.serve), methods=["POST"]),
            Route("/apps/{app}", bound(consent.serve), methods=["GET"]),
            Route("/control/{verb}", bound(control.serve), methods=["POST"]),
        ]
    )


def make_server(world: World) -> uvicorn.Server:
    """A server for `run(sockets=[...])`; it logs no request, for webhook URLs are secrets."""
    config = uvicorn.Config(
        make_app(world),
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def listen(port: int = 0, address: str = "127.0.0.1") -> socket.socket:
    """A listening socket; OSError when the port is taken."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


def url_of(sock: socket.socket) -> str:
    """The base URL of a listening socket: `http://127.0.0.1:PORT`."""
    return f"http://127.0.0.1:{sock.getsockname()[1]}"
