# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured on: hosts with one bot service each, a sandbox's Vault and Slack, and the same start for every run.

A run starts with every service healthy on a token of a moment ago, which Slack has just revoked, and a new one pending
in Vault, with a record that knows nothing of the runs before. Connections are closed unless a run wants them open.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import psutil
import yaml

from tests.bench._ssh import Ssh, close
from tests.hosts import Bots, BotService, Hosts
from tests.sandbox import Sandbox
from tests.sandbox.tokens import fingerprint

BESIDE = ("_rotation", "_lock", "_notes")
SERVICE, UNIT, PORT, VARIABLE = "bot-1", "bot-1.service", 8001, "SLACK_BOT_TOKEN"
# How many installations -> which: one, all of a bot, all of the registry.
CHOICES = {1: ["-e", "bot=gobot", "-e", "workspace=ibmcloud"], 4: ["-e", "bot=gobot"], 13: ["-e", "bot=all"]}
QUIET_PERCENT, QUIET_SECONDS, PATIENCE = 10.0, 0.4, 6.0


class World:
    """`with World(40, directory) as world:` then `world.arrange(hosts, installations)`, and `world.fresh()` before a run."""

    def __init__(self, count: int, directory: Path, say: Callable[[str], None]) -> None:
        self.hosts = Hosts(count, dir=directory / "hosts", say=say)
        self.directory, self._say = directory, say
        self._placed: dict[str, str] = {}  # host -> installation
        self._new: dict[str, str] = {}  # installation -> the token that the next run carries
        self.installations: list[str] = []
        self.names: list[str] = []

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.hosts.up()
        self.sandbox = Sandbox(
            self.directory / "sandbox", demo=False, services=False, slack_at=self.hosts.gateway, say=self._say
        )
        try:
            self.sandbox.up()
            self.bots = Bots(self.hosts, self.sandbox)
            # Who logs in keeps a service manager of their own for as long as they are logged in. It would be started
            # and stopped between runs, at moments that no run chooses.
            self.hosts.each(lambda name: self.hosts.run(name, ["loginctl", "enable-linger", self.hosts.user]))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_about: object) -> None:
        self.sandbox.down()
        self.hosts.down()

    # Before a run

    def arrange(self, hosts: int, installations: int) -> None:
        """From now on: the first hosts, whose services take the tokens of so many installations in turn."""
        known = self.sandbox.installations()
        self.installations = {1: ["gobot/ibmcloud"], 4: self.sandbox.installations("gobot"), 13: known}[installations]
        self.names = self.hosts.names[:hosts]
        wanted = {name: self.installations[at % installations] for at, name in enumerate(self.names)}
        moved = [name for name in self.names if self._placed.get(name) != wanted[name]]
        self.services = [BotService(name, SERVICE, PORT, {VARIABLE: wanted[name]}) for name in self.names]
        if moved:
            self.bots.services = [service for service in self.services if service.host in moved]
            tokens = {each: self.sandbox.current(each) for each in self.installations}
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda name: self.bots._place(name, tokens), moved))
            self.bots.wait_health()
            self._placed.update(wanted)
        self.bots.services = self.services
        self._write_inventory()

    def _write_inventory(self) -> None:
        extra = {
            "by_hand_installations": [{"name": each, "path": self.sandbox.path(each)} for each in self.installations]
        }
        rows = {service.host: {"by_hand_service": by_hand(service)} for service in self.services}
        file = self.bots.write_inventory(extra=extra, rows=rows) / "hosts.yml"
        made = yaml.safe_load(file.read_text(encoding="utf-8"))
        group = made["all"]["children"]["bot_hosts"]
        group["hosts"] = {name: group["hosts"][name] for name in self.names}
        head = "# SPDX-License-Identifier: GPL-3.0-or-later\n---\n"
        file.write_text(head + yaml.safe_dump(made, sort_keys=False), encoding="utf-8")

    def fresh(self) -> None:
        """Revoke, reinstall and stage every installation, with records as if this were the first rotation."""
        for installation in self.installations:
            for suffix in BESIDE:
                self.sandbox.bao.delete(self.sandbox.path(installation) + suffix)
        self._new = self.bots.stage(*self.installations)
        self.settle()

    def settle(self, close_connections: bool = True) -> None:
        """Close the connections, forget how often the units were restarted, and wait until the machine is at rest."""
        for control in (self.hosts.dir / "cp", self.ssh.control):
            if close_connections:
                close(control)
        began = time.monotonic()
        while psutil.cpu_percent(QUIET_SECONDS) > QUIET_PERCENT and time.monotonic() - began < PATIENCE:
            pass

    def make_current(self) -> None:
        """Make the new tokens current in Vault, as the limit does not."""
        for installation, token in self._new.items():
            self.sandbox.bao.put(self.sandbox.path(installation), {"value": token})

    # What runs are given

    @property
    def ssh(self) -> Ssh:
        """The hosts, for parallel ssh, with the arguments of ansible.cfg and of the inventory."""
        common = self.hosts.inventory()["all"]["children"]["bot_hosts"]["vars"]["ansible_ssh_common_args"]
        control = self.hosts.dir / "limit-cp"
        control.mkdir(mode=0o700, exist_ok=True)
        addresses = {name: self.hosts.address(name) for name in self.hosts.names}
        return Ssh(self.hosts.user, self.hosts.key, (*ssh_arguments(), *common.split()), control, addresses)

    @property
    def env(self) -> dict[str, str]:
        """The environment of Ansible, whose inventory is this world's."""
        kept = {name: value for name, value in self.sandbox.env.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "ANSIBLE_INVENTORY": str(self.bots.directory), "ANSIBLE_NOCOLOR": "1"}

    def tokens(self) -> dict[str, bytes]:
        """Host -> the new token of its service, as a line."""
        return {one.host: f"{self._new[one.variables[VARIABLE]]}\n".encode() for one in self.services}

    # After a run

    def carried(self) -> list[str]:
        """The hosts whose service is not healthy on the new token. Empty: the rotation was done."""
        due = {each: fingerprint(token) for each, token in self._new.items()}

        def is_right(service: BotService) -> bool:
            status, page = self.bots.health(service)
            return status == 200 and page.get("fingerprint") == due[service.variables[VARIABLE]]

        with ThreadPoolExecutor(8) as pool:
            return [
                one.host
                for one, right in zip(self.services, pool.map(is_right, self.services), strict=True)
                if not right
            ]


def by_hand(service: BotService) -> dict[str, Any]:
    """A service as `by_hand.yml` has it."""
    return {
        "file": service.env_file,
        "variable": VARIABLE,
        "unit": UNIT,
        "health": f"http://127.0.0.1:{service.port}/healthz",
        "installation": service.variables[VARIABLE],
    }


def ssh_arguments() -> list[str]:
    """`ssh_args` of the repository's ansible.cfg."""
    import configparser

    from tests.tools.stage import ROOT

    config = configparser.ConfigParser()
    config.read(ROOT / "ansible.cfg")
    return config["ssh_connection"]["ssh_args"].split()


def about_machine() -> dict[str, Any]:
    """What a figure depends on: processors, kernel, versions."""
    import platform
    from importlib.metadata import version

    ssh = os.popen("ssh -V 2>&1").read().strip()
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "?")
    return {
        "processors": os.cpu_count(),
        "processor": model,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        "ssh": ssh,
    }
