# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy between a run and OpenBao, which answers for it while a task of the run is going on."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ANSWERS = {
    "sealed": ("application/json", b'{"errors":["Vault is sealed"]}'),
    "503": ("text/html", b"<html>upstream unavailable</html>"),
}
"""Faults that are an answer, with status 503; "cut" is the end of the connection without one."""


@contextmanager
def gate(vault: str, fault: Callable[[str, str], str]) -> Iterator[str]:
    """The proxy's address. `fault` is asked for each request, by verb and path: what befalls it, or "" for nothing."""

    class Gate(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                befalls = fault(self.command, self.path)
            self.close_connection = bool(befalls)
            if befalls in ANSWERS:
                kind, answer = ANSWERS[befalls]
                self._answer(503, answer, {"Content-Type": kind})
            elif not befalls:
                self._forward(body)

        do_GET = do_PUT = do_POST = do_DELETE = do_LIST = _pass

        def _forward(self, body: bytes) -> None:
            there = http.client.HTTPConnection(urlsplit(vault).netloc, timeout=30)
            try:
                there.request(self.command, self.path, body or None, dict(self.headers))
                answer = there.getresponse()
                kept = ("Content-Type", "Date", "Retry-After")
                self._answer(answer.status, answer.read(), {k: v for k in kept if (v := answer.headers.get(k))})
            finally:
                there.close()

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    server.daemon_threads, server.handle_error = True, lambda *_request: None  # type: ignore[method-assign]
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
