# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and the proof of use that a service offers itself: one GET, no proxies, no redirects, the body never shown."""

from __future__ import annotations

import http.client
import json
import socket
import time
from urllib.parse import unquote, urlsplit

_LARGEST = 256 * 1024
_ONE_TRY = 5.0
_FIRST_PAUSE, _PAUSE = 0.02, 0.05


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket: `http+unix://%2Frun%2Fx.sock/healthz`."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get(url: str, timeout: float) -> tuple[int | None, bytes, str]:
    """(status, body, words). Status None: no answer, and the words say why. Never raises."""
    begun = time.monotonic()
    try:
        parts = urlsplit(url)
        connection = _connection(parts, timeout)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Connection": "close", "User-Agent": "botops.rotation"})
            answer = connection.getresponse()
            body = answer.read(_LARGEST)
        finally:
            connection.close()
        return answer.status, body, f"HTTP {answer.status} in {time.monotonic() - begun:.2f} s"
    except TimeoutError:
        return None, b"", f"no answer within {timeout:.0f} s"
    except ConnectionRefusedError:
        return None, b"", "connection refused"
    except (OSError, http.client.HTTPException, ValueError) as problem:
        if isinstance(problem, socket.timeout):  # not yet a TimeoutError in Python 3.9
            return None, b"", f"no answer within {timeout:.0f} s"
        return None, b"", f"{type(problem).__name__}: {getattr(problem, 'strerror', None) or 'no HTTP answer'}"


def _connection(parts, timeout: float) -> http.client.HTTPConnection:
    if parts.scheme == "http+unix":
        return _UnixConnection(unquote(parts.netloc), timeout)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{parts.scheme} is not http, https or http+unix")
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def look(health: dict, timeout: float = _ONE_TRY) -> dict:
    """`{"ok": bool, "evidence": str}` from one try of at most `timeout` seconds."""
    status, _body, words = get(health["url"], timeout)
    due = int(health.get("status") or 200)
    evidence = words if status in (None, due) else f"{words}, {due} is due"
    return {"ok": status == due, "evidence": f"{health['url']}: {evidence}"}


def wait(health: dict, deadline: float, gave_up) -> dict:
    """Ask until the answer is right, `deadline` (monotonic) has passed, or `gave_up()` says why nothing will come."""
    pause, last = _FIRST_PAUSE, time.monotonic()
    while True:
        found = look(health, max(0.1, min(_ONE_TRY, deadline - time.monotonic())))
        if found["ok"] or time.monotonic() >= deadline:
            return found
        if time.monotonic() - last > 0.5:
            last = time.monotonic()
            reason = gave_up()
            if reason:
                return {"ok": False, "evidence": f"{found['evidence']}; {reason}"}
        time.sleep(pause)
        pause = _PAUSE


def shown(proof: dict) -> tuple[object, str]:
    """What `field` (dots go deeper) of a service's own endpoint says, or None, and words for it."""
    status, body, words = get(proof["url"], _ONE_TRY)
    if status is None:
        return None, f"{proof['url']}: {words}"
    try:
        value = json.loads(body)
        for key in str(proof.get("field") or "fingerprint").split("."):
            value = value[key]
        return value, f"{proof['url']} says"
    except (ValueError, KeyError, TypeError, IndexError):
        return None, f"{proof['url']}: {words}, but the answer has no field {proof.get('field') or 'fingerprint'}"


def judge(proof: dict, variables: dict[str, dict], target: dict[str, str]) -> tuple[str, str]:
    """(`yes`, `no`, `unknown`; evidence) from the service's endpoint.

    The field holds a fingerprint, a list of them, or a mapping from variable to fingerprint.
    """
    value, words = shown(proof)
    if value is None:
        return "unknown", words
    if isinstance(value, dict):
        wrong = [name for name, wanted in target.items() if name in value and value[name] != wanted]
        right = all(value.get(name) == wanted for name, wanted in target.items())
    else:
        listed = [str(each) for each in value] if isinstance(value, list) else [str(value)]
        missing = [name for name, wanted in target.items() if wanted not in listed]
        wrong = [name for name in missing if len(target) == 1 or variables[name].get("old") in listed]
        right = not missing
    if right:
        return "yes", f"{words} {', '.join(sorted(set(target.values())))}"
    return (
        ("no", f"{words} another fingerprint for {', '.join(wrong)}") if wrong else ("unknown", f"{words} not enough")
    )
