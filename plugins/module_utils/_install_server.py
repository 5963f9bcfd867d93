# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web server of an install page: Starlette behind uvicorn, in a thread of the run (private to the collection).

Nothing is logged: no access log, no traceback. Whoever has opened the link with its key once has a cookie that lets in;
Slack's answers need none, for they have their state.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._install_desk import Desk
from ansible_collections.botops.rotation.plugins.module_utils._install_html import ASSETS, Page, asset

COOKIE = "botops-install"
LARGEST_FORM = 16384  # bytes
GRACE = 5  # seconds that requests under way get when the page ends
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_log = logging.getLogger("uvicorn.error")


def bind(address: str) -> socket.socket:
    """A listening socket at `host:port`; RotationError where it cannot be had."""
    host, _colon, port = address.rpartition(":")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host.strip("[]") or "127.0.0.1", int(port)))
        made.listen(128)
        made.set_inheritable(False)
        return made
    except (OSError, ValueError, OverflowError) as exc:
        raise RotationError(
            f"The install page cannot listen at {_redact.text(address)}: {getattr(exc, 'strerror', None) or exc}",
            "state an address of this machine and a free port in botops_install_bind, such as 127.0.0.1:8443",
        ) from None


def require_certificate(cert: str | None, key: str | None) -> None:
    """RotationError where the certificate cannot be used."""
    if not cert:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except OSError as exc:  # ssl.SSLError, too
        raise RotationError(
            f"The certificate of the install page cannot be used: {_redact.text(str(exc))[:200]}",
            "state readable PEM files that belong together in botops_install_cert and botops_install_key",
        ) from None


@dataclass(frozen=True)
class Site:
    """What is served: `callback` is the path that Slack sends browsers to, `secure` whether they come by https."""

    page: Page
    desk: Desk
    callback: str
    secure: bool
    key: str

    @classmethod
    def new_key(cls) -> str:
        return secrets.token_urlsafe(16)


class Server:
    """Runs a site until `stop`. Used as a context manager."""

    def __init__(self, site: Site, sock: socket.socket, cert: str | None = None, key: str | None = None) -> None:
        import uvicorn

        for handler in list(_log.handlers):
            _log.removeHandler(handler)
        _log.addHandler(logging.NullHandler())
        _log.propagate = False  # what it would print may hold an address with a code
        config = uvicorn.Config(
            application(site),
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http="h11",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE,
            ssl_certfile=cert,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._socket = sock
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_dummy: object) -> None:
        self._server.should_exit = True
        self._thread.join(GRACE + 2)
        self._socket.close()


def application(site: Site) -> Any:
    """The site as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import RedirectResponse, Response
    from starlette.routing import Route

    desk, page, home = site.desk, site.page, site.page.home

    def html(text: str, status: int = 200, kind: str = "text/html; charset=utf-8") -> Response:
        return Response(text, status, HEADERS, media_type=kind)

    def redirect(address: str) -> Response:
        return RedirectResponse(address, 303, HEADERS)

    def of_bolt(answer: Any) -> Response:
        """Bolt's answer, its cookies without Secure where the page is not https: not every browser keeps such there."""
        response = redirect(answer.headers["location"][0])
        for cookie in answer.cookies():
            for name, each in cookie.items():
                age = int(each["max-age"]) if each["max-age"] else None
                response.set_cookie(name, each.value, age, path="/", secure=site.secure, httponly=True, samesite="lax")
        return response

    def is_in(request: Request) -> bool:
        return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), site.key.encode())

    def guarded(act: Callable[..., Any], open_to_all: bool = False) -> Callable[..., Any]:
        """An endpoint that only the link's owners reach, and that never fails with a traceback."""

        async def endpoint(request: Request) -> Response:
            try:
                if not open_to_all and not is_in(request):
                    return html(page.problem("key"), 403)
                return await act(request)
            except Exception as exc:  # noqa: BLE001 - whatever it is, a browser gets a page and the terminal a line
                desk.board.tell(f"the page met a fault, {type(exc).__name__}: {_redact.text(str(exc))[:200]}")
                return redirect(desk.problem("fault"))

        return endpoint

    async def index(request: Request) -> Response:
        given = request.query_params.get("key")
        if given is not None:
            response = redirect(home)
            response.set_cookie(COOKIE, given, path="/", secure=site.secure, httponly=True, samesite="lax")
            return response
        if not is_in(request):
            return html(page.problem("key"), 403)
        version = desk.board.version
        text = page.whole()
        desk.board.shown(version)
        return html(text)

    async def rows(request: Request) -> Response:
        version = desk.board.version
        if request.query_params.get("since") == str(version):
            return Response(status_code=204, headers=HEADERS)
        ended = bool(desk.board.ended) or desk.board.settled
        told = {"version": version, "rows": page.rows(), "summary": page.summary(), "ended": ended}
        desk.board.shown(version)
        return html(json.dumps(told), kind="application/json")

    async def problem(request: Request) -> Response:
        return html(page.problem(request.path_params["which"]))

    async def start(request: Request) -> Response:
        return of_bolt(await run_in_threadpool(desk.start, request.path_params["key"]))

    async def callback(request: Request) -> Response:
        return of_bolt(await run_in_threadpool(desk.callback, request.url.query, request.headers))

    async def paste(request: Request) -> Response:
        form = await body(request)
        return of_bolt(await run_in_threadpool(desk.pasted, form.get("url", [""])[0], request.headers))

    async def asked(request: Request) -> Response:
        return of_bolt(await run_in_threadpool(desk.asked, request.path_params["key"]))

    async def stop(_request: Request) -> Response:
        return of_bolt(desk.stop())

    async def body(request: Request) -> dict[str, list[str]]:
        read = b""
        async for chunk in request.stream():
            read += chunk
            if len(read) > LARGEST_FORM:
                return {}
        return parse_qs(read.decode("utf-8", "replace"))

    async def file(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return html(asset(name), kind=ASSETS[name])

    async def missing(_request: Request, _exc: Any) -> Response:
        return html(page.problem("missing"), 404)

    routes = [
        ("", index, "GET", True),
        ("rows", rows, "GET", False),
        ("install/{key}", start, "GET", False),
        ("asked/{key}", asked, "POST", False),
        ("paste", paste, "POST", False),
        ("stop", stop, "POST", False),
        ("problem/{which}", problem, "GET", True),
        *((name, file, "GET", True) for name in ASSETS),
    ]
    bases = dict.fromkeys((home, "/"))  # a proxy may or may not take the path away that it leads here from
    made = [
        Route(base + path, guarded(act, free), methods=[verb]) for base in bases for path, act, verb, free in routes
    ]
    for path in dict.fromkeys((site.callback, "/" + site.callback.removeprefix(home))):
        made.append(Route(path, guarded(callback, True), methods=["GET"]))
    return Starlette(routes=made, exception_handlers={404: missing, 405: missing})
