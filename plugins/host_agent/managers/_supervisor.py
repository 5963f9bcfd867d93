# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services under supervisor, through its XML-RPC interface (http://supervisord.org/api.html).

`stopProcess` waits for the stop; `startProcess(name, False)` does not wait `startsecs`, health is asked for instead.
"""

from __future__ import annotations

import http.client
import re
import socket
import time
import xmlrpc.client

from .. import _processes
from .._mask import HostError
from . import State

_SECONDS = 60.0
_BAD_NAME, _NOT_RUNNING, _ALREADY_STARTED = 10, 70, 60
_STARTING, _RUNNING, _FATAL = 10, 20, 200
_STOPPED, _STOPPING = 0, 40


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str | None) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host):
        if self._path is not None:
            return _UnixConnection(self._path)
        connection = super().make_connection(host)
        connection.timeout = _SECONDS
        return connection


class Manager:
    finds_processes = True

    def __init__(self, service: dict) -> None:
        self._program = service.get("unit") or service["name"]
        url = service.get("server_url") or "unix:///var/run/supervisor.sock"
        self._shown_url = re.sub(r"//[^/@]*@", "//", url)
        if url.startswith("unix://"):
            transport, url = _Transport(url[len("unix://") :]), "http://localhost/RPC2"
        else:
            transport, url = _Transport(None), url.rstrip("/") + ("" if url.endswith("/RPC2") else "/RPC2")
        self._info: dict = {}
        self._calls = xmlrpc.client.ServerProxy(url, transport=transport).supervisor

    def _call(self, name: str, *arguments, harmless: int | None = None):
        try:
            return getattr(self._calls, name)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == harmless:
                return None
            if fault.faultCode == _BAD_NAME:
                raise HostError(
                    f"supervisor at {self._shown_url} knows no program {self._program}; correct `unit` "
                    "(`supervisorctl status` lists them, group:name where they have a group)"
                ) from None
            raise HostError(f"supervisor refused {name} of {self._program}: {fault.faultString}") from None
        except xmlrpc.client.ProtocolError as problem:
            raise HostError(
                f"supervisor at {self._shown_url} answered {name} with HTTP {problem.errcode}; check `server_url` and "
                "its user name and password"
            ) from None
        except (OSError, http.client.HTTPException) as problem:
            reason = getattr(problem, "strerror", None) or type(problem).__name__
            raise HostError(
                f"supervisor does not answer at {self._shown_url}: {reason}; check that it runs, `server_url`, "
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
