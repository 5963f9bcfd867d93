# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift, planted: a host more with small services, each of which has another token than it should, in its own way.

All of them are to have gobot's bot token in ibmcloud, `current`; what else they have is in `Tokens`.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.sandbox import Sandbox, tokens

HOST = "bot-host-4"


@dataclass(frozen=True)
class Tokens:
    """Whatever a service can have instead; `previous` is in the record's history alone."""

    current: str
    previous: str
    pending: str
    workspace: str  # gobot's in compose
    bot: str  # ciebot's in ibmcloud
    user: str  # gobot's user token in ibmcloud
    unknown: str = field(default_factory=tokens.bot)


@dataclass(frozen=True)
class Plant:
    """`file`: what is in the environment file, {names of Tokens} filled in; None: there is no file. `process`: the name
    of the token that it runs with, and `child` that of a process of its own. `stands` and `runs`: what an audit says.
    """

    name: str
    file: str | None
    process: str
    stands: str
    runs: str
    child: str = ""
    shares: str = ""  # the service whose file it has


ONE = "A=1\nTOKEN={%s}\n"
PLANTS = (
    Plant("old-file", ONE % "previous", "current", "previous", "current"),
    Plant("old-process", ONE % "current", "previous", "current", "previous"),
    Plant("old-both", ONE % "previous", "previous", "previous", "previous"),
    Plant("pending-file", ONE % "pending", "current", "pending", "current"),
    Plant("pending-process", ONE % "current", "pending", "current", "pending"),
    Plant("pending-both", ONE % "pending", "pending", "pending", "pending"),
    Plant("workspace-file", ONE % "workspace", "current", "other installation", "current"),
    Plant("workspace-process", ONE % "current", "workspace", "current", "other installation"),
    Plant("other-bot", ONE % "bot", "bot", "other installation", "other installation"),
    Plant("user-token", ONE % "user", "user", "other installation", "other installation"),
    Plant("unknown-file", ONE % "unknown", "current", "unknown", "current"),
    Plant("unknown-process", ONE % "current", "unknown", "current", "unknown"),
    Plant("unknown-both", ONE % "unknown", "unknown", "unknown", "unknown"),
    Plant("two-different", ONE % "pending", "previous", "pending", "previous"),
    Plant("no-variable", "A=1\n", "current", "missing", "current"),
    Plant("no-value", "TOKEN=\n", "current", "missing", "current"),
    Plant("no-file", None, "current", "missing", "current"),
    Plant("another-dialect", "export TOKEN={current}\n", "current", "missing", "current"),
    Plant("commented-out", "# TOKEN={current}\n", "current", "missing", "current"),
    Plant("last-one-counts", "TOKEN={current}\nTOKEN={previous}\n", "current", "previous", "current"),
    Plant("white-space", 'TOKEN="{current} "\n', "current", "unknown", "current"),
    Plant("old-child", ONE % "current", "current", "current", "previous", child="previous"),
    Plant("not-restarted", "", "previous", "current", "previous", shares="restarted"),
)
CLEAN = (
    Plant("well", ONE % "current", "current", "current", "current"),
    Plant("quoted", "TOKEN='{current}'\n", "current", "current", "current"),
    Plant("restarted", ONE % "current", "current", "current", "current"),
)


class Garden:
    """The host in a sandbox's inventory, with a process for each service until the end."""

    def __init__(self, sandbox: Sandbox, given: Tokens) -> None:
        self._sandbox, self._given = sandbox, asdict(given)
        self._directory = sandbox.dir / "hosts" / HOST
        self._processes: list[subprocess.Popen] = []

    def __enter__(self) -> Self:
        self._directory.mkdir()
        services = [self._plant(plant) for plant in (*CLEAN, *PLANTS)]
        file = self._sandbox.inventory_file
        inventory = json.loads(file.read_text())
        like = dict(next(iter(inventory["_meta"]["hostvars"].values())), botops_services=services)
        inventory["_meta"]["hostvars"][HOST] = like
        inventory["bot_hosts"]["hosts"].append(HOST)
        file.write_text(json.dumps(inventory))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            os.killpg(process.pid, 9)
            process.wait()

    def _plant(self, plant: Plant) -> dict[str, Any]:
        env_file = self._directory / f"{plant.shares or plant.name}.env"
        if plant.file:
            env_file.write_text(plant.file.format(**self._given))
        return {
            "name": plant.name,
            "manager": "command",
            "restart": ["true"],
            "pid_file": str(self._start(plant)),
            "env_file": str(env_file),
            "env_format": "systemd",
            "env": {"TOKEN": {"bot": "gobot", "workspace": "ibmcloud"}},
        }

    def _start(self, plant: Plant) -> Path:
        """Its process; gives its pid file."""
        argv = ["sleep", "600"]
        if plant.child:
            argv = ["sh", "-c", "TOKEN=$CHILD sleep 600 & unset CHILD; exec sleep 600"]
        child = {"CHILD": self._given[plant.child]} if plant.child else {}
        env = {"PATH": os.environ["PATH"], "TOKEN": self._given[plant.process], **child}
        self._processes.append(subprocess.Popen(argv, env=env, start_new_session=True))
        pid_file = self._directory / f"{plant.name}.pid"
        pid_file.write_text(str(self._processes[-1].pid))
        return pid_file
