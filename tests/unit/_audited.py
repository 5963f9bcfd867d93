# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builders for tests of the audit: a registry with two bots, what Vault has, and what a host answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _audit, _registry
from ansible_collections.botops.rotation.plugins.module_utils._audit_findings import DEFAULT
from ansible_collections.botops.rotation.plugins.module_utils._audit_read import Found
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Probe
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Current
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret

from tests.unit._core import IDENTITY, NOW, alive, fp, stored

ENV_FILE = "/etc/gobot/consumer.env"
ASKED = _audit.Asked(365, 30, DEFAULT, "somebody")


def registry(service: dict[str, Any] | None = None, **bot: Any) -> _registry.Registry:
    """gobot and ciebot in one workspace, and a service of gobot's on host-1. `bot` changes gobot."""
    one = {"bot_token_path": "secret/gobot", "user_token_path": "secret/gobot_user", "bot_user_id": "U0BOT"}
    gobot = {"owners": ["U0OWNER"], "installations": {"ibmcloud": one}, **bot}
    ciebot = {"installations": {"ibmcloud": {"bot_token_path": "secret/ciebot", "bot_user_id": "U0BOT"}}}
    entry = {
        "name": "consumer",
        "manager": "systemd",
        "unit": "consumer.service",
        "env_file": ENV_FILE,
        "env": {"TOKEN": {"bot": "gobot", "workspace": "ibmcloud"}},
        **(service or {}),
    }
    return _registry.load(
        workspaces={"ibmcloud": {"name": "IBM Cloud", "team_id": "T0123"}},
        bots={"gobot": gobot, "ciebot": ciebot},
        services={"host-1": [entry]},
    )


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def known(name: str, days: float) -> Known:
    return Known(fp(name), ago(days), dict(IDENTITY))


def found(where: _registry.Registry, bot: str = "gobot", record: Record | None = None, **more: Any) -> Found:
    """What Vault has of a bot: its tokens have its own name; `created` is when Vault wrote them."""
    created = more.pop("created", "")
    secret = Secret("secret/x", 2, {}, 1, created=created)
    current = {"bot": Current(secret, stored(bot))}
    if bot == "gobot":
        current["user"] = Current(secret, stored(bot, "p"))
    return Found(where.installation(bot, "ibmcloud"), record or Record(), current=current, **more)


def says(file: str | None, *process: str, **more: Any) -> dict[str, Any]:
    """What a host answers of the service: fingerprints in its file and in its processes."""
    shown = {"key": "gobot/ibmcloud/bot", "file": file, "problem": more.pop("problem", ""), "process": list(process)}
    tokens = more.pop("tokens", [{"variable": "TOKEN", "line": 1, "fingerprint": file, "kind": "bot token"}])
    missing = more.pop("missing", False)
    service = {
        "name": "consumer",
        "env_file": ENV_FILE,
        "active": True,
        "same": "unknown",
        "evidence": "",
        "error": "",
        "variables": {"TOKEN": shown},
        **more,
    }
    files = {ENV_FILE: {"missing": missing, "tokens": tokens if file else []}}
    return {"changed": False, "failed": False, "msg": "", "services": [service], "files": files}


def audit(
    where: _registry.Registry,
    *rows: Found,
    answer: Any = None,
    probes: dict[str, Probe] | None = None,
    asked: _audit.Asked = ASKED,
) -> dict[str, Any]:
    """The audit of what Vault and host-1 have; Slack accepts whatever `probes` does not say."""
    rows = rows or (found(where), found(where, "ciebot"))
    given = {each.fingerprint: alive() for row in rows for _name, _stage, each in row.held}
    services = _audit.of_services(where, list(rows), {"host-1": answer})
    return _audit.assemble(where, list(rows), {**given, **(probes or {})}, services, NOW, asked)


def kinds(made: dict[str, Any], subject: str = "") -> list[str]:
    """The kinds of its findings, or of those of a subject; without those of a legacy user token and of an unknown age."""
    hidden = ("unneeded", "age_unknown")
    return [
        each["kind"] for each in made["findings"] if each["subject"].startswith(subject) and each["kind"] not in hidden
    ]
