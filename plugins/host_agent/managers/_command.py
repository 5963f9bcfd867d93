# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are restarted by a command; another may tell whether they run, a pid file which process."""

from __future__ import annotations

from .. import _processes
from .._mask import HostError
from . import State
from ._run import run, which

_RESTART_SECONDS = 120.0
_ACTIVE_SECONDS = 10.0


class Manager:
    def __init__(self, service: dict) -> None:
        self._restart = list(service.get("restart") or [])
        self._active = list(service.get("active") or [])
        self._pid_file = service.get("pid_file")
        self.finds_processes = bool(self._pid_file)

    def problem(self) -> str | None:
        if not self._restart:
            return "has no `restart` command; add it to botops_services"
        for argv in filter(None, (self._restart, self._active)):
            if which(argv[0]) is None:
                return f"command {argv[0]} is not there or not executable; correct it in botops_services"
        return None

    def warnings(self) -> list[str]:
        return []

    def state(self) -> State:
        if self._active:
            status, _output, _complaint = run(self._active, _ACTIVE_SECONDS, keep_output=False)
            return State(status == 0, False, f"`{' '.join(self._active)}` ended with {status}")
        if self._pid_file:
            pid = self._pid()
            lives = bool(pid) and _processes.alive(pid)
            return State(lives, False, f"{self._pid_file}: process {pid or '?'} {'runs' if lives else 'does not run'}")
        return State(None, False, "nothing tells whether it runs: neither `active` nor `pid_file` is given")

    def restart(self) -> None:
        status, _output, _complaint = run(self._restart, _RESTART_SECONDS, keep_output=False)
        if status != 0:
            command = " ".join(self._restart)
            raise HostError(f"`{command}` ended with exit status {status}; run it by hand to see what it says")

    def _pid(self) -> int:
        try:
            with open(self._pid_file, encoding="ascii") as stream:
                return int(stream.read().split()[0])
        except (OSError, ValueError, IndexError):
            return 0

    def pids(self) -> list[int]:
        pid = self._pid() if self._pid_file else 0
        return _processes.tree([pid]) if pid else []
