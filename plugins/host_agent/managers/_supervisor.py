# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services under supervisor, through its own interface (http://supervisord.org/api.html).

`stopProcess` waits for the stop; `startProcess(name, False)` does not wait `startsecs`, health is asked for instead.
"""

from __future__ import annotations

import re
import time

from .. import _processes
from .._mask import HostError
from . import State
from ._supervisor_rpc import Refused, Server, Unanswered

_SECONDS = 60.0
_BAD_NAME, _NOT_RUNNING, _ALREADY_STARTED = 10, 70, 60
_STARTING, _RUNNING, _FATAL = 10, 20, 200
_STOPPED, _STOPPING = 0, 40


class Manager:
    finds_processes = True

    def __init__(self, service: dict) -> None:
        self._program = service.get("unit") or service["name"]
        url = service.get("server_url") or "unix:///var/run/supervisor.sock"
        self._shown_url = re.sub(r"//[^/@]*@", "//", url)
        self._info: dict = {}
        self._server = Server(url)

    def _call(self, name: str, *arguments, harmless: int | None = None):
        try:
            return self._server.call(f"supervisor.{name}", *arguments)
        except Refused as fault:
            if fault.code == harmless:
                return None
            if fault.code == _BAD_NAME:
                raise HostError(
                    f"supervisor at {self._shown_url} knows no program {self._program}; correct `unit` "
                    "(`supervisorctl status` lists them, group:name where they have a group)"
                ) from None
            raise HostError(f"supervisor refused {name} of {self._program}: {fault}") from None
        except Unanswered as problem:
            if problem.status is not None:
                raise HostError(
                    f"supervisor at {self._shown_url} answered {name} with HTTP {problem.status}; check `server_url` and "
                    "its user name and password"
                ) from None
            raise HostError(
                f"supervisor does not answer at {self._shown_url}: {problem}; check that it runs, `server_url`, "
                "and that this user may use the socket"
            ) from None

    def problem(self) -> str | None:
        try:
            self.state()
        except HostError as problem:
            return str(problem)
        return None

    def warnings(self) -> list[str]:
        return []

    def _state(self) -> int:
        self._info = self._call("getProcessInfo", self._program)
        return self._info["state"]

    def state(self) -> State:
        state, found = self._state(), self._info
        words = f"program {self._program} is {found['statename']}"
        if state not in (_RUNNING, _STARTING) and found.get("spawnerr"):
            words += f": {found['spawnerr']}"
        return State(state in (_STARTING, _RUNNING), state in (_FATAL, _STOPPED), words)

    def restart(self) -> None:
        stopped = self._call("stopProcess", self._program, harmless=_NOT_RUNNING)
        # "Not running" is also what supervisor says while a stop is under way, and then it ignores a start.
        deadline = time.monotonic() + _SECONDS
        while not stopped and self._state() == _STOPPING and time.monotonic() < deadline:
            time.sleep(0.02)
        self._call("startProcess", self._program, False, harmless=_ALREADY_STARTED)

    def pids(self) -> list[int]:
        main = self._info.get("pid")
        return _processes.tree([main]) if main else []
