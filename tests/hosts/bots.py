# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`class Bots`: bot microservices on hosts as systemd units, and an inventory that rotates their tokens."""

from __future__ import annotations

import http.client
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.hosts._hosts import Hosts
from tests.hosts._managers import MANAGERS, UNIT
from tests.sandbox import Sandbox, _inventory
from tests.sandbox._process import wait_for
from tests.sandbox.tokens import fingerprint

FIRST_PORT = 8001


@dataclass(frozen=True)
class BotService:
    """A bot microservice on a host; `variables`: which installation's bot token each variable of it takes."""

    host: str
    name: str
    port: int
    variables: dict[str, str]
    manager: str = "systemd"

    @property
    def unit(self) -> str:
        """Its systemd unit."""
        return f"{self.name}.service"

    @property
    def env_file(self) -> str:
        """Its environment file, mode 0600 and root's."""
        return f"/etc/bots/{self.name}.env"


class Bots:
    """The same bots on each host, against a sandbox with `services=False, slack_at=hosts.gateway`.

    `per_host` services with one token each, of `installations` in turn; or, as `services`, name -> variable ->
    installation. `managers`: name -> systemd (default), supervisor or command. `unit`: another template of the units.
    """

    def __init__(
        self,
        hosts: Hosts,
        sandbox: Sandbox,
        per_host: int = 1,
        installations: Sequence[str] = ("gobot/ibmcloud",),
        services: Mapping[str, Mapping[str, str]] | None = None,
        managers: Mapping[str, str] | None = None,
        unit: str = UNIT,
    ) -> None:
        self.hosts, self.sandbox = hosts, sandbox
        self._templates = {name: manager.template for name, manager in MANAGERS.items()} | {"systemd": unit}
        turns = [installations[number % len(installations)] for number in range(per_host)]
        kinds = services or {f"bot-{number}": {"SLACK_BOT_TOKEN": each} for number, each in enumerate(turns, 1)}
        self.services = [
            BotService(host, name, FIRST_PORT + number, dict(variables), (managers or {}).get(name, "systemd"))
            for host in hosts.names
            for number, (name, variables) in enumerate(kinds.items())
        ]
        self.directory = hosts.dir / "inventory"

    # Up

    def up(self) -> None:
        """Write units and environment files (today's current tokens), start all, wait for health, write the inventory."""
        used = {installation for service in self.services for installation in service.variables.values()}
        tokens = {installation: self.sandbox.current(installation) for installation in used}
        self.hosts.each(lambda host: self._place(host, tokens))
        self.wait_health()
        self.write_inventory()

    def on(self, host: str) -> list[BotService]:
        """The services of a host."""
        return [service for service in self.services if service.host == host]

    def _place(self, host: str, tokens: Mapping[str, str]) -> None:
        archive = io.BytesIO()
        script = "set -e; tar -x -C /; systemctl daemon-reload\n"
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for service in self.on(host):
                values = {name: tokens[installation] for name, installation in service.variables.items()}
                text = "".join(f"{name}={value}\n" for name, value in {"LOG_LEVEL": "info", **values}.items())
                manager = MANAGERS[service.manager]
                _add(tar, service.env_file, text, 0o600)
                _add(tar, manager.file.format(name=service.name), self.definition(service), manager.mode)
                script += f"set {service.name}; {manager.start}\n"
        self.hosts.run(host, ["sh", "-c", script], stdin=archive.getvalue())

    def definition(self, service: BotService) -> str:
        """The text of a service's unit, program or script."""
        return self._templates[service.manager].format(
            name=service.name,
            port=service.port,
            env_file=service.env_file,
            slack=self.sandbox.slack_url_outside,
            variables=" ".join(service.variables),
        )

    # The inventory

    def write_inventory(
        self,
        directory: Path | None = None,
        extra: Mapping[str, Any] | None = None,
        rows: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Path:
        """Write hosts.yml (SSH, become, services) and group_vars/all.yml (registry, Vault, Slack) into `directory`.

        `extra` are more variables for all, `rows` more for each host. The credential for Vault stays in the sandbox's
        file.
        """
        directory = directory or self.directory
        made = self.hosts.inventory()
        for host, row in made["all"]["children"]["bot_hosts"]["hosts"].items():
            row["botops_services"] = [self.entry(service) for service in self.on(host)]
            row.update((rows or {}).get(host, {}))
        about = _inventory.build(self.sandbox.dir, self.sandbox.vault_url, self.sandbox.slack_url, {})["all"]["vars"]
        (directory / "group_vars").mkdir(parents=True, exist_ok=True)
        _write(directory / "hosts.yml", made)
        _write(directory / "group_vars" / "all.yml", {**self.sandbox.registry, **about, **(extra or {})})
        return directory

    def entry(self, service: BotService) -> dict[str, Any]:
        """A service as the inventory's `botops_services` has it."""
        parts = {name: installation.split("/") for name, installation in service.variables.items()}
        return {
            "name": service.name,
            "manager": service.manager,
            **MANAGERS[service.manager].entry(service.name),
            "env_file": service.env_file,
            "env": {name: {"bot": bot, "workspace": team} for name, (bot, team) in parts.items()},
            "health": {"url": f"http://127.0.0.1:{service.port}/healthz", "timeout": 30},
        }

    # Tokens

    def stage(self, *installations: str) -> dict[str, str]:
        """Revoke, reinstall and stage new bot tokens; installation -> new token. Default: all that the bots use."""
        chosen = installations or sorted({each for service in self.services for each in service.variables.values()})
        made = {installation: self.sandbox.reissue(installation) for installation in chosen}
        for installation, token in made.items():
            bot, team = installation.split("/")
            for channel in self.sandbox.registry["botops_bots"][bot]["channels"].get(team, []):
                self.sandbox.slack.invite(installation, channel)
            self.sandbox.stage(installation, token)
        return made

    # Looking at them by means that are not the product's

    def health(self, service: BotService) -> tuple[int, dict[str, Any]]:
        """Status and body of a health page, asked from here; status 0 when it does not answer."""
        connection = http.client.HTTPConnection(self.hosts.address(service.host), service.port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    def wait_health(self, healthy: bool = True, timeout: float = 60.0) -> None:
        """Wait until all are healthy, or none is."""
        for service in self.services:
            what = f"{service.name} on {service.host} is {'healthy' if healthy else 'unhealthy'}"
            wait_for(what, lambda service=service: (self.health(service)[0] == 200) is healthy, timeout, every=0.05)

    def carried(self, service: BotService) -> dict[str, str]:
        """Variable -> fingerprint of what the service's main process has in its environment."""
        script = f'cat "/proc/$({MANAGERS[service.manager].pid})/environ"'
        return _prints(service, self.hosts.run(service.host, ["sh", "-c", script, "sh", service.name]).split("\0"))

    def in_file(self, service: BotService) -> dict[str, str]:
        """Variable -> fingerprint of what stands in the environment file."""
        return _prints(service, self.hosts.run(service.host, ["cat", service.env_file]).splitlines())

    def due(self, service: BotService) -> dict[str, str]:
        """Variable -> fingerprint of what Vault has as current."""
        return {name: fingerprint(self.sandbox.current(each)) for name, each in service.variables.items()}

    def look(self, prefix: str = "") -> dict[str, Any]:
        """Everything at once, as fingerprints: `vault` by the bao command, `services` by nsenter and health pages.

        `prefix`: only installations that begin with it, and services that take one of their tokens.
        """
        rows = [row for row in self.services if any(each.startswith(prefix) for each in row.variables.values())]
        used = sorted({each for row in rows for each in row.variables.values() if each.startswith(prefix)})
        return {
            "vault": {installation: self._in_vault(installation) for installation in used},
            "services": [
                {
                    "host": row.host,
                    "name": row.name,
                    "manager": row.manager,
                    "installations": row.variables,
                    "due": self.due(row),
                    "carried": self.carried(row),
                    "in_file": self.in_file(row),
                    "health": self.health(row)[0],
                }
                for row in rows
            ],
        }

    def _in_vault(self, installation: str) -> dict[str, Any]:
        """State of the rotation, fingerprints of the current, pending and previous token, by the command line."""
        path = self.sandbox.path(installation)
        record = self._kv(f"{path}_rotation")
        kept = (record.get("tokens") or {}).get("bot") or {}
        stages = {stage: (kept.get(stage) or {}).get("token") for stage in ("pending", "previous")}
        tokens = {"current": self._kv(path).get("value"), **stages}
        prints = {stage: fingerprint(token) if token else None for stage, token in tokens.items()}
        return {"state": record.get("state"), **prints}

    def _kv(self, path: str) -> dict[str, Any]:
        mount, _dummy, name = path.partition("/")
        text = self.sandbox.bao.cli("kv", "get", "-format=json", f"-mount={mount}", name, check=False)
        return (json.loads(text) if text.strip() else {}).get("data") or {}


def _prints(service: BotService, pairs: Sequence[str]) -> dict[str, str]:
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {name: fingerprint(found[name]) for name in service.variables if name in found}


def _add(tar: tarfile.TarFile, path: str, text: str, mode: int) -> None:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.size, info.mode = len(text.encode()), mode
    tar.addfile(info, io.BytesIO(text.encode()))


def _write(path: Path, data: Any) -> None:
    # Without anchors: the same list in two places is written twice.
    plain = json.loads(json.dumps(data))
    head = "# SPDX-License-Identifier: GPL-3.0-or-later\n---\n"
    path.write_text(head + yaml.safe_dump(plain, sort_keys=False, width=160), encoding="utf-8")
