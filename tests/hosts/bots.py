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
from tests.sandbox import Sandbox, _inventory
from tests.sandbox._process import wait_for
from tests.sandbox.tokens import fingerprint

FIRST_PORT = 8001
UNIT = """\
[Unit]
Description=Bot microservice {name}
[Service]
Type=notify
User=bot
Environment=SLACK_API_URL={slack}
EnvironmentFile={env_file}
ExecStart=/usr/bin/python3 -I /opt/botops/bot.py --name {name} --port {port} {variables}
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class BotService:
    """A bot microservice on a host; `variables`: which installation's bot token each variable of it takes."""

    host: str
    name: str
    port: int
    variables: dict[str, str]

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
    installation. `unit` is the template of their units.
    """

    def __init__(
        self,
        hosts: Hosts,
        sandbox: Sandbox,
        per_host: int = 1,
        installations: Sequence[str] = ("gobot/ibmcloud",),
        services: Mapping[str, Mapping[str, str]] | None = None,
        unit: str = UNIT,
    ) -> None:
        self.hosts, self.sandbox, self._template = hosts, sandbox, unit
        turns = [installations[number % len(installations)] for number in range(per_host)]
        kinds = services or {f"bot-{number}": {"SLACK_BOT_TOKEN": each} for number, each in enumerate(turns, 1)}
        self.services = [
            BotService(host, name, FIRST_PORT + number, dict(variables))
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
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for service in self.on(host):
                values = {name: tokens[installation] for name, installation in service.variables.items()}
                text = "".join(f"{name}={value}\n" for name, value in {"LOG_LEVEL": "info", **values}.items())
                _add(tar, service.env_file, text, 0o600)
                _add(tar, f"/etc/systemd/system/{service.unit}", self.unit_text(service), 0o644)
        units = [service.unit for service in self.on(host)]
        script = 'tar -x -C / && systemctl daemon-reload && systemctl --quiet enable "$@" && systemctl restart "$@"'
        self.hosts.run(host, ["sh", "-c", script, "sh", *units], stdin=archive.getvalue())

    def unit_text(self, service: BotService) -> str:
        """A service's unit file."""
        values = {"name": service.name, "port": service.port, "env_file": service.env_file}
        return self._template.format(
            **values, slack=self.sandbox.slack_url_outside, variables=" ".join(service.variables)
        )

    # The inventory

    def write_inventory(self, extra: Mapping[str, Any] | None = None) -> Path:
        """Write `directory`: hosts.yml (SSH, become, services) and group_vars/all.yml (registry, Vault, Slack).

        `extra` are more variables for all. The credential for Vault stays in the sandbox's file.
        """
        made = self.hosts.inventory()
        for host, row in made["all"]["children"]["bot_hosts"]["hosts"].items():
            row["botops_services"] = [self.entry(service) for service in self.on(host)]
        about = _inventory.build(self.sandbox.dir, self.sandbox.vault_url, self.sandbox.slack_url, {})["all"]["vars"]
        (self.directory / "group_vars").mkdir(parents=True, exist_ok=True)
        _write(self.directory / "hosts.yml", made)
        _write(self.directory / "group_vars" / "all.yml", {**self.sandbox.registry, **about, **(extra or {})})
        return self.directory

    def entry(self, service: BotService) -> dict[str, Any]:
        """A service as the inventory's `botops_services` has it."""
        parts = {name: installation.split("/") for name, installation in service.variables.items()}
        return {
            "name": service.name,
            "manager": "systemd",
            "unit": service.unit,
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
        """Variable -> fingerprint of what the unit's main process has in its environment."""
        script = 'cat "/proc/$(systemctl show --property=MainPID --value "$1")/environ"'
        pairs = self.hosts.run(service.host, ["sh", "-c", script, "sh", service.unit]).split("\0")
        return _prints(service, pairs)

    def in_file(self, service: BotService) -> dict[str, str]:
        """Variable -> fingerprint of what stands in the environment file."""
        return _prints(service, self.hosts.run(service.host, ["cat", service.env_file]).splitlines())

    def due(self, service: BotService) -> dict[str, str]:
        """Variable -> fingerprint of what Vault has as current."""
        return {name: fingerprint(self.sandbox.current(each)) for name, each in service.variables.items()}


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
