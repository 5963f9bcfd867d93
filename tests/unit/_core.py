# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builders for tests of the pure core: a small registry, tokens by name, and what Vault and Slack would have said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _decide, _liveness, _registry
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, VaultConflict
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, Slot, State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Current, Seen
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret

from tests.sandbox.tokens import secret_part

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=timezone.utc)
AT = "2026-11-23T02:00:00Z"
IDENTITY = {"team_id": "T0123", "user_id": "U0BOT", "bot_id": "B0BOT", "user": "gobot"}
SCOPES = ("chat:write", "users:read.email")


def token(name: str, kind: str = "b") -> str:
    """A token of the right shape, the same for the same name; `kind` is b (bot) or p (user)."""
    digest = hashlib.sha256(f"{kind}{name}".encode()).hexdigest()
    number = str(10**11 + int(digest, 16) % (9 * 10**11))
    middle = f"{number}-{number}" if kind == "b" else f"{number}-{number}-{number}"
    return "xo" + f"x{kind}-{middle}-{digest[:32]}"


def stored(name: str, kind: str = "b", **more: Any) -> Stored:
    return Stored(token(name, kind), **more)


def fp(name: str, kind: str = "b") -> str:
    return stored(name, kind).fingerprint


def alive(scopes: tuple[str, ...] = SCOPES, **identity: str) -> Probe:
    return Probe(Life.ALIVE, "ok", "Slack accepted it", {**IDENTITY, **identity}, scopes)


def dead(code: str = "token_revoked") -> Probe:
    return _liveness.refused(code)


def service(name: str, *keys: str, host: str = "h1", **more: Any) -> tuple[str, dict[str, Any]]:
    """A host and an entry of its `botops_services`; each key is `gobot/ibmcloud/bot`."""
    env = {}
    for index, key in enumerate(keys):
        bot, workspace, kind = key.split("/")
        env[f"TOKEN_{index}"] = {"bot": bot, "workspace": workspace, "token": kind}
    entry = {"name": name, "manager": "systemd", "unit": f"{name}.service", "env_file": f"/etc/{name}.env", "env": env}
    return host, {**entry, **more}


def registry(*services: tuple[str, dict[str, Any]], gobot: dict[str, Any] | None = None, **more: Any) -> Any:
    """gobot in ibmcloud (bot and user token) and compose, ciebot in ibmcloud; `gobot` changes keys of gobot."""
    hosts: dict[str, list[dict[str, Any]]] = {}
    for host, entry in services:
        hosts.setdefault(host, []).append(entry)
    bots = {
        "gobot": {
            "required_scopes": ["chat:write"],
            "owners": ["U0123", "S0456"],
            "channels": {"ibmcloud": ["C0123", "C0456"], "compose": ["C0789"]},
            "installations": {
                "ibmcloud": {
                    "bot_token_path": "generic/gobot_ibmcloud",
                    "user_token_path": "generic/gobot_ibmcloud_user",
                    "bot_user_id": "U0BOT",
                },
                "compose": {"bot_token_path": "generic/gobot_compose", "bot_user_id": "U0BOT"},
            },
            **(gobot or {}),
        },
        "ciebot": {"installations": {"ibmcloud": {"bot_token_path": "generic/ciebot_ibmcloud"}}},
    }
    workspaces = {
        "ibmcloud": {"name": "IBM Cloud Platform", "team_id": "T0123"},
        "compose": {"name": "Compose", "team_id": "T0456"},
    }
    return _registry.load(workspaces=workspaces, bots=bots, services=hosts, **more)


@dataclass
class World:
    """What Vault and Slack hold. Tokens are by installation id and token name, probes by fingerprint."""

    registry: Any = field(default_factory=registry)
    current: dict[tuple[str, str], str | None] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    padded: set[tuple[str, str]] = field(default_factory=set)
    errors: dict[str, RotationError] = field(default_factory=dict)

    def holds(self, row: str, current: str | None, probe: Probe | None = None, name: str = "bot") -> World:
        """The token that is current, as text, with what Slack says of it."""
        self.current[row, name] = current
        return self.says(current, probe)

    def says(self, value: str | None, probe: Probe | None) -> World:
        if value and probe:
            self.probes[Stored(value).fingerprint] = probe
        return self

    def stages(self, row: str, pending: str, probe: Probe | None = None, name: str = "bot", **more: Any) -> World:
        """A pending token. Other arguments change the record."""
        record = self.records.get(row) or Record(rotation_id="r1", state=State.STAGED)
        slots = {**record.tokens, name: Slot(Stored(pending), record.slot(name).previous)}
        self.records[row] = replace(record, **{"tokens": slots, **more})
        return self.says(pending, probe)

    def seen(self, installation: Any) -> Seen:
        current = {}
        for name in installation.tokens:
            value = self.current.get((installation.id, name))
            secret = Secret(installation.path(name), 1, {"value": value} if value else None)
            current[name] = Current(secret, Stored(value) if value else None, (installation.id, name) in self.padded)
        record = self.records.get(installation.id, Record())
        path = self.registry.record_path(installation)
        return Seen(installation, record, Secret(path, 1, record.to_dict()), current)

    def survey(self) -> Survey:
        survey = Survey(probes=dict(self.probes), errors=dict(self.errors))
        for bot in self.registry.bots.values():
            for installation in bot.installations.values():
                if installation.id in self.errors:
                    continue
                seen = survey.seen[installation.id] = self.seen(installation)
                for name, each in seen.tokens.items():
                    slot = seen.record.slot(name)
                    for held in (each, slot.pending, slot.previous):
                        if held:
                            survey.holders.setdefault(held.fingerprint, set()).add(f"{installation.id}/{name}")
        return survey

    def row(self, name: str = "gobot/ibmcloud", **choices: Any) -> dict[str, Any]:
        """What is decided for an installation, checked for what must hold of every row."""
        installation = self.registry.installation(*name.split("/"))
        survey = self.survey()
        row = _decide.decide(installation, survey, self.registry, _decide.Choices(**choices), NOW)
        assert_no_token(row, *self.secrets())
        assert (row["action"] == "none") >= (row["outcome"] == "refused")
        assert row["next_step"] or row["outcome"] in ("rotated", "already"), row["reason"]
        return row

    def secrets(self) -> list[str]:
        found = [value for value in self.current.values() if value]
        for record in self.records.values():
            found += [each.token for slot in record.tokens.values() for each in (slot.pending, slot.previous) if each]
        return found


def assert_no_token(value: Any, *secrets: str) -> None:
    """No 12 characters of a token's secret part, whatever form the value has."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    for secret in secrets:
        part = secret_part(secret.strip())
        shown = [part[i : i + 12] for i in range(len(part) - 11) if part[i : i + 12] in text]
        assert not shown, "a piece of a token is shown"


class Crash(Exception):
    """The controller dies here."""


class MemoryVault:
    """KV v2 as a dictionary of JSON texts. `fuel` is the number of writes that are made before the next one crashes."""

    def __init__(self, watch: Callable[[str, str], None] = lambda path, value: None) -> None:
        self.stored: dict[str, tuple[int, str]] = {}
        self.fuel: int | None = None
        self.watch = watch

    def read(self, path: str) -> Secret:
        version, text = self.stored.get(path, (0, ""))
        return Secret(path, 2, json.loads(text) if text else None, version)

    def write(self, path: str, data: dict[str, Any], expect: Secret) -> Secret:
        if self.read(path).version != expect.version:
            raise VaultConflict(f"somebody else wrote {path}")
        if self.fuel is not None:
            if not self.fuel:
                raise Crash
            self.fuel -= 1
        self.stored[path] = (expect.version + 1, json.dumps(data))
        return self.read(path)

    def set_field(self, path: str, name: str, value: str, expect: Secret) -> Secret:
        self.watch(path, value)
        return self.write(path, {**(expect.data or {}), name: value}, expect)

    def forget_old_versions(self, path: str) -> None:
        pass

    def now(self) -> datetime:
        return NOW

    def copy(self) -> MemoryVault:
        twin = MemoryVault()
        twin.stored = dict(self.stored)
        return twin


IBM_ID, COMPOSE_ID = "gobot/ibmcloud", "gobot/compose"


def rows() -> list[dict[str, Any]]:
    """Two rows of the normal case: the old token is dead, a new one waits."""
    world = World()
    for name, team in ((IBM_ID, "T0123"), (COMPOSE_ID, "T0456")):
        world.holds(name, token(f"old {name}"), dead()).stages(name, token(f"new {name}"), alive(team_id=team))
    return [world.row(name) for name in (IBM_ID, COMPOSE_ID)]
