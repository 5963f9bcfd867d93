# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One GET or POST, no proxies, no redirects, the body never shown; over TCP, TLS or a unix socket.

Not `http.client`, and neither `re` nor `socket`: importing them takes several times as long as the request, see `_program`.
"""

from __future__ import annotations

import _socket as socket
import time

_LARGEST = 256 * 1024
_PORTS = {"http": 80, "https": 443}
_HEXADECIMAL = b"0123456789abcdefABCDEF"


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


def connect(address: object, timeout: float, family: int = socket.AF_UNIX) -> socket.socket:
    """A connection to a unix socket, or to an address of another family."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout)
        made.connect(address)
    except BaseException:
        made.close()
        raise
    return made


def _connected(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to the first of the host's addresses that takes one."""
    # As bytes where that will do: of a text, Python wants to know how its name is written in ASCII, and loads tables.
    name = host.encode() if host.isascii() else host
    *others, last = [(each[4], each[0]) for each in socket.getaddrinfo(name, port, 0, socket.SOCK_STREAM)]
    for address, family in others:
        try:
            return connect(address, _left(deadline), family)
        except OSError:
            pass  # the next one may take it
    return connect(last[0], _left(deadline), last[1])


def _secured(stream: socket.socket, host: str, deadline: float):
    """The same connection with TLS."""
    import socket as whole  # of which `ssl` makes its own
    import ssl

    plain = whole.socket(fileno=stream.detach())
    plain.settimeout(_left(deadline))
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _ask(method: str, url: str, deadline: float, path: str | None, data: bytes, *headers: str) -> tuple[int, bytes]:
    scheme, host, port, place = _parts(url)
    name = host.strip("[]")
    stream = connect(path, _left(deadline)) if path else _connected(name, int(port or _PORTS[scheme]), deadline)
    try:
        if scheme == "https":
            stream = _secured(stream, name, deadline)
        lines = (
            f"{method} {place} HTTP/1.1",
            f"Host: {host}{f':{port}' if port else ''}",
            "User-Agent: botops.rotation",
            "Accept: */*",
            "Connection: close",
            *headers,
        )
        stream.settimeout(_left(deadline))
        stream.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii") + data)
        return _answer(stream, deadline)
    finally:
        stream.close()


def _parts(url: str) -> tuple[str, str, str, str]:
    """Scheme, host (an IPv6 address in its brackets), port (or nothing), path with query. Raises ValueError."""
    scheme, _sign, rest = url.partition("#")[0].partition("://")
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    where, place = rest[:end], rest[end:]
    host, bracket, tail = where.partition("]")
    if bracket:
        sound = host.startswith("[") and len(host) > 1 and tail[:1] in ("", ":")
        host, colon, port = host + bracket, tail[:1], tail[1:]
    else:
        host, colon, port = where.partition(":")
        sound = bool(host) and "[" not in host and "@" not in host
    if not sound or scheme not in _PORTS or (colon and not (port.isascii() and port.isdigit())):
        raise ValueError
    return scheme, host, port, place if place.startswith("/") else f"/{place}"


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
            version, status, *_words = head.split(b"\r\n")[0].split(b" ") + [b""]
            if version[:-1] != b"HTTP/1." or not version[-1:].isdigit() or len(status) != 3 or not status.isdigit():
                raise _Odd
            if not status.startswith(b"1"):
                return int(status), _body(stream, deadline, head.lower(), rest)
            data = rest  # "100 Continue" and the like come before the answer
            continue
        more = _more(stream, deadline)
        if not more or len(data) > _LARGEST:
            raise _Odd
        data += more


def _body(stream: socket.socket, deadline: float, head: bytes, data: bytes) -> bytes:
    fields = dict(line.partition(b":")[::2] for line in head.split(b"\r\n")[1:])
    length = fields.get(b"content-length", b"").strip()
    chunked = b"chunked" in fields.get(b"transfer-encoding", b"")
    while len(data) < _LARGEST:
        if chunked:
            whole = _joined(data)
            if whole is not None:
                return whole
        elif length.isdigit() and len(data) >= int(length):
            return data[: int(length)]
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
        digits = data[position : max(line, position)].partition(b";")[0].strip()
        if line < 0 or not digits or digits.translate(None, _HEXADECIMAL):
            return None
        size = int(digits, 16)
        if size == 0:
            return found
        position = line + 2 + size
        if position + 2 > len(data):
            return None
        found += data[line + 2 : position]
        position += 2


def _more(stream: socket.socket, deadline: float) -> bytes:
    stream.settimeout(_left(deadline))
    return stream.recv(65536)
