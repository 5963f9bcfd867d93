# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of each kind, timed: what it gives is a sample (see `_figures`). What does not do its work is an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.bench import _memory, _phases, _processors
from tests.bench._world import CHOICES, PORT, UNIT, VARIABLE, World
from tests.tools.stage import ROOT

HERE = Path(__file__).parent
LIMIT = (HERE / "limit.sh").read_text(encoding="utf-8")


class BenchError(Exception):
    """A run did not do its work; the text is for people."""


class Runs:
    """Runs on a world; each leaves its output in `logs`."""

    def __init__(self, world: World, logs: Path) -> None:
        self.world, self.logs, self._number = world, logs, 0
        logs.mkdir(parents=True, exist_ok=True)

    # The contestants

    def tool(self, check: bool = False) -> dict[str, Any]:
        """This collection, whole."""
        arguments = ["rotate_bot.yml", *CHOICES[len(self.world.installations)], *(["--check"] if check else [])]
        found = self._timed("check" if check else "tool", arguments)
        if not check:
            found["apply"] = found["phases"][_phases.APPLY]
            self._expect_carried("tool")
        return found

    def by_hand(self) -> dict[str, Any]:
        """The hand-written playbook, whole."""
        found = self._timed("by_hand", ["tests/bench/by_hand.yml"])
        self._expect_carried("by_hand")
        return found

    def limit(self, open_before: bool = False) -> dict[str, Any]:
        """Parallel ssh. `open_before`: its connections are there already."""
        world = self.world
        if open_before:
            world.ssh.open(world.names)
            world.settle(close_connections=False)
        scripts = {
            one.host: ["bash", "-c", LIMIT, "limit", one.env_file, VARIABLE, UNIT, str(PORT)] for one in world.services
        }
        tokens, ssh = world.tokens(), world.ssh
        began, busy = time.monotonic(), _processors.busy()
        ssh.everywhere(scripts, tokens)
        seconds, busy = time.monotonic() - began, _processors.busy() - busy
        world.make_current()
        self._expect_carried("limit")
        return {"what": "limit_open" if open_before else "limit", "seconds": seconds, "busy": busy}

    # Outages and memory

    def outage(self, by: str) -> dict[str, Any]:
        """Watch every service from outside while the tool rotates, or while each is restarted, all at once."""
        world = self.world
        if by == "restart":
            world.ssh.open(world.names)
        with _Watched(world) as watched:
            if by == "restart":
                world.settle(close_connections=False)
                world.ssh.everywhere({one.host: ["systemctl", "restart", UNIT] for one in world.services})
                world.bots.wait_health()
            else:
                self.tool()
        return {"what": "outage", "by": by, "outages": watched.outages}

    def memory(self, by: str) -> dict[str, Any]:
        """The controller's memory at its peak, in a run of the tool or of one ping."""
        ping = by == "ping"
        arguments = ["tests/bench/ping.yml"] if ping else ["rotate_bot.yml", *CHOICES[len(self.world.installations)]]
        with self._start(f"memory-{by}", arguments, {}) as process:
            size = _memory.peak(process)
        self._expect_success(process, f"memory-{by}")
        return {"what": "memory", "by": by, "bytes": size}

    # Ansible

    def _timed(self, what: str, arguments: Sequence[str]) -> dict[str, Any]:
        clock = self.logs / f"{self._number + 1:03}-{what}.clock"
        env = {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "botops.rotation.summary,clock",
            "BOTOPS_BENCH_CLOCK": str(clock),
        }
        clock.unlink(missing_ok=True)
        began, at, busy = time.monotonic(), time.time(), _processors.busy()
        with self._start(what, arguments, env) as process:
            process.wait()
        seconds, busy = time.monotonic() - began, _processors.busy() - busy
        self._expect_success(process, what)
        events = [json.loads(line) for line in clock.read_text(encoding="utf-8").splitlines()]
        return {
            "what": what,
            "seconds": seconds,
            "busy": busy,
            "phases": _phases.plays(events, at, at + seconds),
            "tasks": _phases.tasks(events, at + seconds),
        }

    def _start(self, what: str, arguments: Sequence[str], env: dict[str, str]) -> subprocess.Popen:
        self._number += 1
        self._log = self.logs / f"{self._number:03}-{what}.log"
        reports = ["-e", f"botops_report_dir={self.logs / 'reports'}"]
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *arguments, *reports]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command, cwd=ROOT, env={**self.world.env, **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _expect_success(self, process: subprocess.Popen, what: str) -> None:
        if process.returncode:
            end = self._log.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise BenchError(f"{what}: exit status {process.returncode}; {self._log} ends with:\n{end}")

    def _expect_carried(self, what: str) -> None:
        wrong = self.world.carried()
        if wrong:
            raise BenchError(f"{what}: not healthy on the new token on {', '.join(wrong)}; see {self.logs}")


class _Watched:
    """Services under watch; `outages` afterwards: "host/service" -> seconds, the sum where there were several."""

    def __init__(self, world: World) -> None:
        self._names = {
            f"{world.hosts.address(one.host)}:{one.port}": f"{one.host}/{one.name}" for one in world.services
        }
        self.outages: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench._watch", *self._names],
            cwd=ROOT, env={**os.environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *_about: object) -> None:
        said, _none = self._process.communicate(timeout=60)
        self.outages = {self._names[name]: sum(found) for name, found in json.loads(said).items() if found}
        missed = len(self._names) - len(self.outages)
        if missed:
            raise BenchError(f"{missed} services were not seen to restart")
