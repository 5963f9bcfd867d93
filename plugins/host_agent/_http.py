# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One GET or POST, no proxies, no redirects, the body never shown; over TCP, TLS or a unix socket.

Not `http.client`: importing it takes several times as long as the request.
"""

from __future__ import annotations

import re
import socket
import time

_LARGEST = 256 * 1024
_URL = re.compile(r"(https?)://(?:\[([^\]]+)\]|([^\[\]/:?#@]+))(?::(\d+))?([/?][^#]*)?(?:#.*)?", re.ASCII)


class _Odd(Exception):
    """What came was no HTTP."""


def get(url: str, timeout: float, path: str | None = None) -> tuple[int | None, bytes, str]:
    """(status, body, words) within `timeout` seconds, over the unix socket `path` where it is given.

    Status None: no answer, and the words say why. Never raises.
    """
    return _tried("GET", url, timeout, path)


def post(url: str, timeout: float, path: str | None, data: bytes, *headers: str) -> tuple[int | None, bytes, str]:
    """The same with a body of its own, and headers that say what it is: `Content-Type: text/xml`."""
    return _tried("POST", url, timeout, path, data, *headers, f"Content-Length: {len(data)}")


def _tried(
    method: str, url: str, timeout: float, path: str | None, data: bytes = b"", *headers: str
) -> tuple[int | None, bytes, str]:
    begun = time.monotonic()
    try:
        status, body = _ask(method, url, begun + timeout, path, data, *headers)
    except socket.timeout:  # not yet a TimeoutError in Python 3.9
        return None, b"", f"no answer within {timeout:.0f} s"
    except ConnectionRefusedError:
        return None, b"", "connection refused"
    except (OSError, ValueError) as problem:
        return None, b"", f"{type(problem).__name__}: {getattr(problem, 'strerror', None) or 'no HTTP answer'}"
    except _Odd:
        return None, b"", "no HTTP answer"
    return status, body, f"HTTP {status} in {time.monotonic() - begun:.2f} s"


def connect(path: str, timeout: float) -> socket.socket:
    """A connection to a unix socket."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout)
        made.connect(path)
    except BaseException:
        made.close()
        raise
    return made


def _ask(method: str, url: str, deadline: float, path: str | None, data: bytes, *headers: str) -> tuple[int, bytes]:
    parts = _URL.fullmatch(url)
    if not parts:
        raise ValueError
    scheme, literal, host, port, place = parts.groups()
    host = literal or host
    place = place or "/"
    if path:
        stream = connect(path, _left(deadline))
    else:
        # As bytes where that will do: of a text, Python wants to know how its name is written in ASCII, and loads tables.
        name = host.encode() if host.isascii() else host
        stream = socket.create_connection((name, int(port or (443 if scheme == "https" else 80))), _left(deadline))
    with stream:
        if scheme == "https":
            import ssl

            stream = ssl.create_default_context().wrap_socket(stream, server_hostname=host)
        shown = f"[{literal}]" if literal else host
        lines = (
            f"{method} {place if place[0] == '/' else '/' + place} HTTP/1.1",
            f"Host: {shown}{f':{port}' if port else ''}",
            "User-Agent: botops.rotation",
            "Accept: */*",
            "Connection: close",
            *headers,
        )
        stream.settimeout(_left(deadline))
        stream.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii") + data)
        return _answer(stream, deadline)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout
    return left


def _answer(stream: socket.socket, deadline: float) -> tuple[int, bytes]:
    """Status and body. All of it is read, because a server whose answer is cut off complains in its log."""
    data = b""
    while True:
        head, sign, rest = data.partition(b"\r\n\r\n")
        if sign:
            status = re.match(rb"HTTP/1\.\d (\d{3})\b", head)
            if not status:
                raise _Odd
            if not status[1].startswith(b"1"):
                return int(status[1]), _body(stream, deadline, head.lower(), rest)
            data = rest  # "100 Continue" and the like come before the answer
            continue
        more = _more(stream, deadline)
        if not more or len(data) > _LARGEST:
            raise _Odd
        data += more


def _body(stream: socket.socket, deadline: float, head: bytes, data: bytes) -> bytes:
    length = re.search(rb"\r\ncontent-length:[ \t]*(\d+)", head)
    chunked = re.search(rb"\r\ntransfer-encoding:[^\r\n]*chunked", head)
    while len(data) < _LARGEST:
        if chunked:
            whole = _joined(data)
            if whole is not None:
                return whole
        elif length and len(data) >= int(length[1]):
            return data[: int(length[1])]
        more = _more(stream, deadline)
        if not more:
            break
        data += more
    return data


def _joined(data: bytes) -> bytes | None:
    """What chunks hold; None where the last one is still to come."""
    found, position = b"", 0
    while True:
        line = data.find(b"\r\n", position)
        size = re.match(rb"[0-9a-fA-F]+", data[position : max(line, position)])
        if line < 0 or not size:
            return None
        if int(size[0], 16) == 0:
            return found
        position = line + 2 + int(size[0], 16)
        if position + 2 > len(data):
            return None
        found += data[line + 2 : position]
        position += 2


def _more(stream: socket.socket, deadline: float) -> bytes:
    stream.settimeout(_left(deadline))
    return stream.recv(65536)
