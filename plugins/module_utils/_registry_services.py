# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry of `botops_services` looks like; which keys it may have depends on its manager (private)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._registry_proofs import (
    SECONDS,
    Argv,
    Health,
    InUse,
    file,
    url_problem,
)
from ansible_collections.botops.rotation.plugins.module_utils._registry_schema import BOT_NAME, WORKSPACE_NAME
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import (
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


SERVER_URL = Text(
    "supervisor's URL", f"{SUPERVISOR_URL} or http://127.0.0.1:9001", r"(?:unix|https?)://\S+", url_problem
)
VARIABLE_NAME = Text("the name of an environment variable", "SLACK_BOT_TOKEN", r"[A-Za-z_][A-Za-z0-9_]*")
TOKEN_NAME = Text("bot, user, or the name of a secret of the installation", "bot", r"[a-z][a-z0-9_-]{0,39}")
VARIABLE = Fields(
    {
        "bot": Field(BOT_NAME, True),
        "workspace": Field(WORKSPACE_NAME, True),
        "token": Field(TOKEN_NAME, default="bot"),
    }
)
_PROGRAM = Text("a program of supervisor", "gobot-consumer or gobot:consumer", r"[^\s-]\S*")


def _unit_problem(value: str) -> str | None:
    kind = re.search(r"\.(socket|timer|target|path|mount|automount|swap|slice|scope|device)$", value)
    if kind:
        return f"is a {kind[1]}, whose processes are those of another unit"
    return "is a template without its instance" if re.search(r"@(\.service)?$", value) else None


_UNIT = Text("a systemd unit", "gobot-consumer.service", r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*", _unit_problem)
_CONTAINER = Text("a container's name", "gobot-consumer", r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_USER = Text("the name of a user of the host", "gobot", r"[A-Za-z_][A-Za-z0-9_.-]*\$?")


class RenderedBy:
    """The agent of Vault that writes the environment file, and how it is made to do so."""

    due = "a dictionary is due with render, timeout, restarts (each may be left out)"
    _fields = Fields(
        {
            "render": Field(Argv("a command is due, such as [systemctl, restart, vault-agent.service]")),
            "timeout": Field(SECONDS),
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
    "env_file": Field(file("the absolute path of an environment file", "/etc/gobot/consumer.env"), True),
    "rendered_by": Field(RenderedBy()),
    "env": Field(Table(VARIABLE_NAME, VARIABLE, least=1), True),
    "health": Field(Health()),
    "in_use": Field(InUse()),
}
_OWN = {
    "systemd": {
        "unit": Field(_UNIT, True),
        "scope": Field(Choice(("system", "user"))),
        "user": Field(_USER),
        "reload": Field(Flag(), default=False),
    },
    "supervisor": {"unit": Field(_PROGRAM), "server_url": Field(SERVER_URL, default=SUPERVISOR_URL)},
    "command": {
        "restart": Field(Argv(), True),
        "active": Field(Argv()),
        "pid_file": Field(file("the absolute path of a file", "/run/gobot.pid")),
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
        if manager == "systemd":
            _read_systemd(found, place, problems)
        return {**dict.fromkeys(elsewhere), **found}


def _read_systemd(found: dict[str, Any], place: str, problems: Problems) -> None:
    """What depends on several keys of a unit."""
    if found.get("user") and found.get("scope") == "system":
        problems.add(f"{place}.user", "is for units of a user's own systemd; take it out, or `scope: system`")
    if "scope" in found and found["scope"] is None:
        found["scope"] = "user" if found.get("user") else "system"
    if found.get("reload") and not (found.get("in_use") or {}).get("url"):
        problems.add(
            f"{place}.reload",
            "needs `in_use` with a url: the environment of a process that re-reads its file does not show the new token",
        )


SERVICES = Items(Service())
