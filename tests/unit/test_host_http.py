# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host program's HTTP: URLs, and answers as servers give them."""

from __future__ import annotations

import socket
import threading

import pytest
from ansible_collections.botops.rotation.plugins.host_agent import _http


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://a.example", ("http", "a.example", "", "/")),
        ("https://a.example:8443/x/y?z=1:2#end", ("https", "a.example", "8443", "/x/y?z=1:2")),
        ("http://127.0.0.1:80?q=/", ("http", "127.0.0.1", "80", "/?q=/")),
        ("http://[::1]/healthz", ("http", "[::1]", "", "/healthz")),
        ("http://[::1]:8001/a:b@c]", ("http", "[::1]", "8001", "/a:b@c]")),
        ("http://a#/x", ("http", "a", "", "/")),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: tuple[str, str, str, str]) -> None:
    assert _http._parts(url) == parts


@pytest.mark.parametrize(
    "url",
    ["a.example/x", "HTTP://a/", "http:///x", "http://[]/", "http://[::1/", "http://::1/", "http://[::1]x/"]
    + ["http://x[::1]/", "http://a:/", "http://a:8x/", "http://a:٣/", "http://me:it@a/", "http://me@a/", "file:///x"],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        _http._parts(url)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", (200, b"ok")),
        (b"HTTP/1.0 503\r\n\r\nall of it", (503, b"all of it")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\ncontent-length:0\r\n\r\n", (204, b"")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2;a=b\r\nok\r\n1 \r\n!\r\n0\r\n\r\n",
            (200, b"ok!"),
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x2\r\nok\r\n", (200, b"0x2\r\nok\r\n")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok", (200, b"ok")),
        (b"HTTP/1.1 2000 OK\r\n\r\n", (None, b"")),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", (None, b"")),
        (b"HTTP/1.1\r\n\r\n", (None, b"")),
        (b"HTTP/1.x 200 OK\r\n\r\n", (None, b"")),
        (b"HTTP/1.10 200 OK\r\n\r\n", (None, b"")),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", (None, b"")),
        (b"", (None, b"")),
    ],
)
def test_an_answer_is_read(answer: bytes, found: tuple[int | None, bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            taken, _address = server.accept()
            with taken:
                taken.recv(4096)
                taken.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        status, body, words = _http.get(f"http://127.0.0.1:{server.getsockname()[1]}/", 5.0)
        thread.join()
    assert (status, body) == found and (words.startswith(f"HTTP {status}") if status else words == "no HTTP answer")


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(_http, "socket", _Names(addresses))
        _http._connected("bot.example", port, _http.time.monotonic() + 5).close()


class _Names:
    """The module `_socket`, but for what it knows of names."""

    def __init__(self, addresses: list) -> None:
        self.getaddrinfo = lambda *_asked: addresses

    def __getattr__(self, name: str):
        import _socket

        return getattr(_socket, name)
