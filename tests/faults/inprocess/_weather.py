# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong at one request of a run, to Vault or to Slack, and the clock by which waiting costs nothing.

The product's own settings (timeouts, retries, deadlines) apply unchanged: a wait moves the clock, and a test can tell
how long a run would have taken.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter


class Killed(BaseException):
    """The controller is dead: nothing that it still does reaches anybody."""


class Clock:
    """Stands in for the module `time` in the product and its libraries."""

    def __init__(self) -> None:
        self.waited, self.off = 0.0, 0.0  # `off`: by how much this machine's clock is wrong

    def sleep(self, seconds: float) -> None:
        self.waited += max(0.0, seconds)

    def monotonic(self) -> float:
        return time.monotonic() + self.waited

    def time(self) -> float:
        return time.time() + self.waited + self.off

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@dataclass
class Weather:
    """The fault in force: `fault` strikes the request number `at` (from 1) to `target`, or all from there (`lasting`)."""

    clock: Clock
    target: str = "vault"
    at: int = 0
    fault: str = ""
    lasting: bool = False
    meddle: Callable[[str], None] = lambda path: None  # for the faults "deleted" and "destroyed"
    meanwhile: Callable[[], None] = lambda: None  # for the fault "another run"
    counts: dict[str, int] = field(default_factory=lambda: {"vault": 0, "slack": 0})
    log: list[str] = field(default_factory=list)
    dead: bool = False
    struck: str = ""  # the first request that the fault has struck
    late: list[Callable[[], Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, target: str = "vault", at: int = 0, fault: str = "", lasting: bool = False) -> None:
        """New weather for the next run."""
        self.target, self.at, self.fault, self.lasting = target, at, fault, lasting
        self.counts, self.log, self.dead, self.struck = {"vault": 0, "slack": 0}, [], False, ""

    def next(self, target: str, what: str) -> str:
        """The fault that strikes this request; "" for none."""
        with self._lock:
            if self.dead:
                raise Killed
            self.counts[target] += 1
            self.log.append(what)
            count = self.counts[target]
            struck = target == self.target and self.at and (count == self.at or self.lasting and count > self.at)
            if struck and not self.struck:
                self.struck = f"request {count} to {target}: {what}"
            return self.fault if struck else ""

    def kill(self) -> None:
        self.dead = True
        raise Killed


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


_DENIED = '{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}'
_ANSWERS = {
    "sealed": (503, '{"errors":["Vault is sealed"]}'),
    "403": (403, _DENIED),
    "429": (429, '{"errors":["request path: rate limit quota exceeded"]}'),
    "500": (500, '{"errors":["internal error"]}'),
    "503": (503, "<html>upstream unavailable</html>"),
    "page": (200, "<html>Please log in to this network</html>"),
}
ONCE = (
    *("sealed", "403", "429", "500", "503", "page", "stopped", "hangs", "hangs after", "cut", "cut after"),
    *("cut within", "half an answer", "late", "killed", "killed after", "deleted", "destroyed"),
)
LASTING = ("sealed", "403", "429", "500", "503", "stopped", "hangs", "cut")


class Gate(HTTPAdapter):
    """Stands between the product's sessions and Vault."""

    weather: Weather  # given by the subclass that a test installs
    closed = closed_port()

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        path = urlsplit(request.url).path
        fault = self.weather.next("vault", f"{request.method} {path}")
        if fault in _ANSWERS:
            return self._answer(request, *_ANSWERS[fault])
        if fault == "stopped":
            request.url = request.url.replace(f":{urlsplit(request.url).port}", f":{self.closed}")
        elif fault == "killed":
            self.weather.kill()
        elif fault == "hangs":
            self._hang(kwargs)
        elif fault == "cut":
            raise requests.ConnectionError(http.client.RemoteDisconnected("closed without response"))
        elif fault == "late":
            copy, more = request.copy(), dict(kwargs)
            self.weather.late.append(lambda: HTTPAdapter().send(copy, *args, **more))
            self._hang(kwargs)
        elif fault in ("deleted", "destroyed"):
            self.weather.meddle(path)
        elif fault == "another run":
            self.weather.meanwhile()
        answer = super().send(request, *args, **kwargs)
        return self._spoil(fault, answer, kwargs)

    def _spoil(self, fault: str, answer: requests.Response, kwargs: dict[str, Any]) -> requests.Response:
        """What is lost of an answer after the request was carried out."""
        if fault == "killed after":
            self.weather.kill()
        if fault == "hangs after":
            self._hang(kwargs)
        if fault == "cut after":
            raise requests.ConnectionError(http.client.RemoteDisconnected("closed without response"))
        if fault == "cut within":
            raise requests.exceptions.ChunkedEncodingError("Connection broken: IncompleteRead")
        if fault == "half an answer":
            answer._content = answer.content[: len(answer.content) // 2]
        return answer

    def _hang(self, kwargs: dict[str, Any]) -> None:
        timeout = kwargs["timeout"]
        assert timeout, "a request without a timeout may hang for ever"
        self.weather.clock.sleep(float(timeout[1] if isinstance(timeout, tuple) else timeout))
        raise requests.ReadTimeout("no answer in time")

    def _answer(self, request: Any, status: int, text: str) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = status, request.url, request
        answer.headers["Content-Type"] = "application/json" if text.startswith("{") else "text/html"
        answer._content = text.encode()
        return answer
