# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the sandbox's processes detached from the command that started them, and ends them without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
"""What the processes get of the caller's environment; above all no credentials and no proxy."""


class SandboxError(Exception):
    """The sandbox could not do what was asked; the text is for people."""


def environment(**more: str) -> dict[str, str]:
    """A clean environment for a process of the sandbox."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1,localhost", **more}


MARK = "BOTOPS_SANDBOX_PART"  # in the environment of every process of a sandbox: which one it belongs to


class Processes:
    """The processes of one sandbox: `run/NAME.json` holds pid and start time, `log/NAME.log` what they say."""

    def __init__(self, directory: Path) -> None:
        self._run, self.logs = directory / "run", directory / "log"

    def start(
        self, name: str, argv: list[str], env: dict[str, str], cwd: Path, fds: tuple[int, ...] = (), quiet: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own. `quiet`: its standard output is thrown away."""
        self._run.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            made = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if quiet else log,
                stderr=log,
                env={**env, MARK: str(self._run)},
                cwd=cwd,
                pass_fds=fds,
                start_new_session=True,
            )
        record = {"pid": made.pid, "started": psutil.Process(made.pid).create_time()}
        (self._run / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
        return made

    def check(self) -> None:
        """SandboxError, with the end of its log, when one of them has ended by itself."""
        alive = {process.pid for process in self.alive()}
        for file in self._run.glob("*.json"):
            if json.loads(file.read_text(encoding="utf-8"))["pid"] not in alive:
                log = (self.logs / f"{file.stem}.log").read_text(encoding="utf-8", errors="replace")
                end = "\n".join(log.splitlines()[-8:])
                raise SandboxError(f"{file.stem} ended by itself; the end of its log:\n{end}")

    def alive(self) -> list[psutil.Process]:
        """The processes of the sandbox that run: not those that took over the pid of an ended one."""
        found = []
        for file in sorted(self._run.glob("*.json")):
            try:
                record = json.loads(file.read_text(encoding="utf-8"))
                process = psutil.Process(record["pid"])
                if abs(process.create_time() - record["started"]) < 0.05 and _runs(process):
                    found.append(process)
            except (ValueError, KeyError, psutil.NoSuchProcess):
                continue
        return found

    def _marked(self) -> list[psutil.Process]:
        """Those that run, also one that was started but not recorded before its starter was killed."""
        found = {process.pid: process for process in self.alive()}
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self._run) and _runs(process):
                    found[process.pid] = process
            except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
                continue
        return list(found.values())

    def stop_all(self) -> None:
        """End all of them and their children, at once: nothing in a sandbox is worth an orderly end."""
        processes = self._marked()
        for process in processes:
            _each(psutil.Process.suspend, [process])  # a supervisor must not start its children again
        children = [child for process in processes for child in _children(process)]
        _each(psutil.Process.kill, [*processes, *children])
        wait_for("the sandbox's processes end", lambda: not any(map(_runs, [*processes, *children])), timeout=5)
        psutil.wait_procs(processes, timeout=0)  # those that this very process started


def _runs(process: psutil.Process) -> bool:
    """Whether a process is there and has not ended: one that nobody has asked about yet (a zombie) has."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _each(action: Callable[[psutil.Process], None], processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        try:
            action(process)
        except psutil.NoSuchProcess:
            pass


def wait_for(what: str, condition: Callable[[], object], timeout: float = 30.0, every: float = 0.02) -> None:
    """Wait until a condition holds; SandboxError naming `what` when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise SandboxError(f"{what}: not so within {timeout:.0f} s")
        time.sleep(every)
