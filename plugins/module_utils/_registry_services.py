# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry of `botops_services` looks like; which keys it may have depends on its manager (private)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.botops.rotation.plugins.module_utils._registry_schema import BOT_NAME, WORKSPACE_NAME
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import (
    INVALID,
    Choice,
    Field,
    Fields,
    Flag,
    Items,
    Number,
    Problems,
    Table,
    Text,
)

SUPERVISOR_URL = "unix:///var/run/supervisor.sock"


def _url_problem(value: str) -> str | None:
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


def _file(what: str, example: str) -> Text:
    return Text(what, example, r"/[^\0\r\n]*[^\0\r\n/]")


WEB_URL = Text("an http or https URL", "http://127.0.0.1:8080/healthz", r"https?://\S+", _url_problem)
SERVER_URL = Text(
    "supervisor's URL", f"{SUPERVISOR_URL} or http://127.0.0.1:9001", r"(?:unix|https?)://\S+", _url_problem
)
VARIABLE_NAME = Text("the name of an environment variable", "SLACK_BOT_TOKEN", r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLE = Fields(
    {
        "bot": Field(BOT_NAME, True),
        "workspace": Field(WORKSPACE_NAME, True),
        "token": Field(Choice(("bot", "user")), default="bot"),
    }
)
HEALTH = Fields(
    {
        "url": Field(WEB_URL, True),
        "status": Field(Number("an HTTP status", 100, 599), default=200),
        "timeout": Field(Number("a number of seconds", 0, 3600, whole=False, above=True), default=30),
    }
)
_PROGRAM = Text("a program of supervisor", "gobot-consumer or gobot:consumer", r"[^\s-]\S*")
_UNIT = Text("a systemd unit", "gobot-consumer.service", r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*")


_CONTAINER = Text("a container's name", "gobot-consumer", r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_USER = Text("the name of a user of the host", "gobot", r"[A-Za-z_][A-Za-z0-9_.-]*\$?")


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


class InUse:
    """A service's own proof of the token that it uses: an endpoint that tells the fingerprint, or its start time."""

    due = "{url: ..., field: fingerprint} or {started_after: true} is due"
    _endpoint = Fields(
        {
            "url": Field(WEB_URL, True),
            "field": Field(Text("the name of a field of the answer", "fingerprint", r"\S+"), default="fingerprint"),
        }
    )

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        if not isinstance(value, Mapping) or "started_after" not in value:
            return self._endpoint.read(value, place, problems)
        if len(value) > 1 or value["started_after"] is not True:
            problems.add(place, f"is neither the one nor the other, or both; {self.due}")
        return {"started_after": True}


class RenderedBy:
    """The agent of Vault that writes the environment file, and how it is made to do so."""

    due = "a dictionary is due with render, timeout, restarts (each may be left out)"
    _fields = Fields(
        {
            "render": Field(Argv("a command is due, such as [systemctl, restart, vault-agent.service]")),
            "timeout": Field(Number("a number of seconds", 0, 3600, whole=False, above=True)),
            "restarts": Field(Flag(), default=False),
        }
    )

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        found = self._fields.read(value, place, problems)
        if found.get("timeout") is None:
            # An agent that is not told to looks at Vault every 5 minutes where nothing else is configured.
            found["timeout"] = 60 if found.get("render") else 330
        return found


_COMMON = {
    "name": Field(Text("a service's name", "gobot-consumer", r"[A-Za-z0-9][A-Za-z0-9_.@:-]{0,127}"), True),
    "manager": Field(Choice(("systemd", "supervisor", "command", "podman")), True),
    "order": Field(Number("a whole number", -1000, 1000), default=0),
    "env_file": Field(_file("the absolute path of an environment file", "/etc/gobot/consumer.env"), True),
    "rendered_by": Field(RenderedBy()),
    "env": Field(Table(VARIABLE_NAME, VARIABLE, least=1), True),
    "health": Field(HEALTH),
    "in_use": Field(InUse()),
}
_OWN = {
    "systemd": {"unit": Field(_UNIT, True), "scope": Field(Choice(("system", "user")), default="system")},
    "supervisor": {"unit": Field(_PROGRAM), "server_url": Field(SERVER_URL, default=SUPERVISOR_URL)},
    "command": {
        "restart": Field(Argv(), True),
        "active": Field(Argv()),
        "pid_file": Field(_file("the absolute path of a file", "/run/gobot.pid")),
    },
    "podman": {"unit": Field(_CONTAINER), "user": Field(_USER), "recreate": Field(Argv())},
}
_ENV_FORMATS = {"systemd": "systemd", "supervisor": "systemd", "command": "shell", "podman": "podman"}


class _Anything:
    """Stands in for what cannot be judged."""

    due = "a value is due"

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        return value


class Service:
    """One entry of `botops_services`; which keys it may have depends on its manager."""

    due = "a dictionary is due with name, manager, env_file, env, ..."

    def read(self, value: Any, place: str, problems: Problems) -> dict[str, Any]:
        manager = value.get("manager") if isinstance(value, Mapping) else None
        if not isinstance(manager, str) or manager not in _OWN:
            # What depends on the manager cannot be judged; the rest can.
            own = {key: Field(_Anything()) for fields in _OWN.values() for key in fields}
            return Fields({**_COMMON, "env_format": Field(_Anything()), **own}).read(value, place, problems)
        elsewhere = {
            key: f"is not for manager {manager}; it belongs to {other}"
            for other, fields in _OWN.items()
            for key in fields
            if key not in _OWN[manager]
        }
        env_format = Field(Choice(("systemd", "shell", "podman")), default=_ENV_FORMATS[manager])
        found = Fields({**_COMMON, "env_format": env_format, **_OWN[manager]}, elsewhere).read(value, place, problems)
        if manager in ("supervisor", "podman") and found.get("unit") is None:
            found["unit"] = found.get("name")
        return {**dict.fromkeys(elsewhere), **found}


SERVICES = Items(Service())
