# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a service shows that it is well and which token it uses: `health` and `in_use` in `botops_services` (private)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import (
    INVALID,
    Field,
    Fields,
    Items,
    Number,
    Problems,
    Text,
)


def url_problem(value: str) -> str | None:
    """Why a URL cannot be asked; the words never quote it."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme == "unix":
        return None if re.fullmatch(r"unix:///[^\s]+", value) else "does not name a socket by its absolute path"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or a password"
    return None if parts.hostname and port != 0 else "names no host"


def file(what: str, example: str) -> Text:
    """The shape of an absolute path."""
    return Text(what, example, r"/[^\0\r\n]*[^\0\r\n/]")


@dataclass(frozen=True)
class Argv:
    """A command: a list of texts, or one text that is split into words as a shell splits them (nothing is expanded)."""

    due: str = "a command is due, such as [podman, kube, play, --replace, /srv/gobot.yml]"

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        word = Text("a word of the command", "--replace", r"(?s)[^\0]+")
        if isinstance(value, str):
            words = word.judge(value)
            try:
                value = shlex.split(value)
            except ValueError:
                words = words or f"has a quote that is never closed; {self.due}"
            if words:
                problems.add(place, words)
                return INVALID
        return Items(word, least=1).read(value, place, problems)


WEB_URL = Text("an http or https URL", "http://127.0.0.1:8080/healthz", r"https?://\S+", url_problem)
PLAIN_URL = Text("an http URL, whose host is only named", "http://localhost/healthz", r"http://\S+", url_problem)
SOCKET = file("the absolute path of a unix socket", "/run/gobot.sock")
STATUS = Number("an HTTP status", 100, 599)
SECONDS = Number("a number of seconds", 0, 3600, whole=False, above=True)


class Health:
    """What tells that a service is well: a URL, a unix socket (with or without HTTP), a command, or how long it runs."""

    due = "one of {url: ...}, {socket: ...}, {command: [...]} or {active_for: 5} is due"
    _timeout = Field(SECONDS, default=30)
    _kinds: Mapping[str, Mapping[str, Field]] = {
        "command": {"command": Field(Argv("a command is due, such as [/opt/gobot/bin/check]"), True)},
        "active_for": {"active_for": Field(SECONDS, True)},
        "socket": {"socket": Field(SOCKET, True), "url": Field(PLAIN_URL), "status": Field(STATUS)},
        "url": {"url": Field(WEB_URL, True), "status": Field(STATUS, default=200)},
    }

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        given = value if isinstance(value, Mapping) else {}
        kind = next((each for each in self._kinds if given.get(each) is not None), "url")
        own = {**self._kinds[kind], "timeout": self._timeout}
        keys = {key for fields in self._kinds.values() for key in fields}
        elsewhere = {key: f"does not go together with {kind}; {self.due}" for key in keys - own.keys()}
        found = Fields(own, elsewhere).read(value, place, problems)
        if kind == "socket" and found.get("url") and found.get("status") is None:
            found["status"] = 200
        elif kind == "socket" and found.get("status") is not None and not found.get("url"):
            problems.add(f"{place}.status", "is that of an HTTP answer; add `url`, or take it out")
        return {key: item for key, item in found.items() if item is not None}


class InUse:
    """A service's own proof of the token that it uses: an endpoint that tells the fingerprint, or its start time."""

    due = "{url: ..., field: fingerprint} or {started_after: true} is due"
    _field = Field(Text("the name of a field of the answer", "fingerprint", r"\S+"), default="fingerprint")

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        if isinstance(value, Mapping) and "started_after" in value:
            if len(value) > 1 or value["started_after"] is not True:
                problems.add(place, f"is neither the one nor the other, or both; {self.due}")
            return {"started_after": True}
        over_socket = isinstance(value, Mapping) and value.get("socket") is not None
        fields = {
            "url": Field(PLAIN_URL if over_socket else WEB_URL, True),
            "field": self._field,
            "socket": Field(SOCKET),
        }
        found = Fields(fields).read(value, place, problems)
        return {key: item for key, item in found.items() if item is not None}
