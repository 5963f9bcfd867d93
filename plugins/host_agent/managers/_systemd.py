# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that systemd runs: `systemctl show`, `reset-failed`, `restart`; processes by the unit's control group."""

from __future__ import annotations

import os

from .. import _processes
from .._mask import HostError
from . import State
from ._run import run

_PROPERTIES = "LoadState,ActiveState,SubState,Result,MainPID,ControlGroup,EnvironmentFiles,NeedDaemonReload"
_RESTART_SECONDS = 120.0
_LOAD_PROBLEMS = {
    "not-found": "does not exist on this host; correct `unit`, or install it",
    "masked": "is masked; `systemctl unmask` it, or take it out of botops_services",
    "bad-setting": "has a setting that systemd refuses; see `systemctl status`",
    "error": "could not be loaded; see `systemctl status`",
}


class Manager:
    finds_processes = True

    def __init__(self, service: dict) -> None:
        self.unit = service.get("unit") or f"{service['name']}.service"
        self._env_file = service["env_file"]
        self._systemctl = ["systemctl", "--user"] if service.get("scope") == "user" else ["systemctl"]
        self._shown: dict[str, str] = {}

    def _show(self) -> dict[str, str]:
        status, output, complaint = run([*self._systemctl, "show", f"--property={_PROPERTIES}", "--", self.unit], 20.0)
        if status != 0:
            raise HostError(f"systemctl show {self.unit} ended with {status}: {complaint or 'no message'}")
        found: dict[str, str] = {}
        for line in output.splitlines():
            name, _sign, value = line.partition("=")
            found[name] = f"{found[name]}\n{value}" if name in found else value
        self._shown = found
        return found

    def problem(self) -> str | None:
        try:
            load = self._show().get("LoadState", "")
        except HostError as problem:
            return str(problem)
        return None if load == "loaded" else f"unit {self.unit} {_LOAD_PROBLEMS.get(load, f'is in load state {load}')}"

    def warnings(self) -> list[str]:
        shown = self._shown
        listed = [each.rpartition(" (")[0] or each for each in shown.get("EnvironmentFiles", "").splitlines() if each]
        found = []
        if os.path.realpath(self._env_file) not in [os.path.realpath(each.lstrip("-")) for each in listed]:
            found.append(f"unit {self.unit} has no EnvironmentFile={self._env_file}")
        if shown.get("NeedDaemonReload") == "yes":
            found.append(f"unit {self.unit} was changed on disk; `systemctl daemon-reload` has not been run")
        return found

    def state(self) -> State:
        shown = self._show()
        active, sub = shown.get("ActiveState", ""), shown.get("SubState", "")
        words = f"unit {self.unit} is {active} ({sub}, result {shown.get('Result', '?')})"
        return State(active in ("active", "reloading"), active in ("failed", "inactive"), words)

    def restart(self) -> None:
        # A service whose token died has often reached its start limit, which would refuse this start too.
        run([*self._systemctl, "reset-failed", "--", self.unit], 20.0)
        status, _output, complaint = run([*self._systemctl, "restart", "--", self.unit], _RESTART_SECONDS)
        if status != 0:
            raise HostError(
                f"systemctl restart {self.unit} ended with {status}: {complaint or 'no message'}; "
                f"see `journalctl -u {self.unit} -n 20`"
            )

    def pids(self) -> list[int]:
        shown = self._shown
        group, main = shown.get("ControlGroup", ""), int(shown.get("MainPID") or 0)
        found = _processes.in_cgroup(group) if group not in ("", "/") else []
        return found or _processes.tree([main] if main else [])
