# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand between the controller and Vault or Slack: an HTTP proxy that records what passes, and TLS.

The proxy takes CONNECT and the absolute form (https://www.rfc-editor.org/rfc/rfc9112#name-request-target).
"""

from __future__ import annotations

import base64
import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit


class Between(socketserver.ThreadingTCPServer):
    """A server on a free port of loopback whose connections `connected` leads on to others."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", 0), None)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def finish_request(self, request: socket.socket, client_address: Any) -> None:
        with contextlib.suppress(OSError):
            self.connected(request)

    def connected(self, client: socket.socket) -> None:
        raise NotImplementedError

    def lead(self, client: socket.socket, server: socket.socket, pause: float = 0.0) -> None:
        """Both ways, until one side ends; with `pause` the way back is a byte at a time, each so many seconds later."""
        there = threading.Thread(target=self._pass, args=(client, server, 0.0), daemon=True)
        there.start()
        self._pass(server, client, pause)

    def _pass(self, source: socket.socket, target: socket.socket, pause: float) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for at in range(len(data)) if pause else ():
                    target.sendall(data[at : at + 1])
                    if self.stopped.wait(pause):
                        return
                target.sendall(b"" if pause else data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Proxy(Between):
    """`seen` has the first line of each request. With `user` ("name:password") it asks for that, with `drip` (seconds)
    answers come one byte at a time, so far apart."""

    def __init__(self, user: str = "", drip: float = 0.0) -> None:
        super().__init__()
        self.user, self.drip, self.seen = user, drip, []
        self.url = f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}"

    def connected(self, client: socket.socket) -> None:
        head, rest = _head(client)
        line, *headers = head.split("\r\n")
        self.seen.append(line)
        allowed = "proxy-authorization: basic " + base64.b64encode(self.user.encode()).decode()
        if self.user and allowed.lower() not in (header.lower() for header in headers):
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, version = line.split(" ")
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                own = [f"{method} {parts.path or '/'}{'?' if parts.query else ''}{parts.query} {version}"]
                own += [each for each in headers if not each.lower().startswith(("proxy-", "connection:"))]
                server.sendall("\r\n".join([*own, "Connection: close", "", ""]).encode() + rest)
            self.lead(client, server, self.drip)


class Tls(Between):
    """TLS before a server that speaks none, with a certificate and its key from PEM files."""

    def __init__(self, target: int, certificate: str, key: str) -> None:
        super().__init__()
        self.target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)

    def connected(self, client: socket.socket) -> None:
        secured = self._context.wrap_socket(client, server_side=True)
        with secured, socket.create_connection(("127.0.0.1", self.target), timeout=30) as server:
            self.lead(secured, server)


def _head(client: socket.socket) -> tuple[str, bytes]:
    """The head of a request, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            raise ConnectionError("no request")
        data += more
    head, _end, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


@contextlib.contextmanager
def serving(server: Any) -> Iterator[Any]:
    """The server while it is entered."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
