# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One supervisord for each host of the sandbox, and a client for its socket in the standard library."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import xmlrpc.client
from pathlib import Path
from typing import Any

from tests.sandbox._process import Processes, environment, wait_for
from tests.sandbox.services import ServiceSpec

HERE = Path(__file__).parent

_HEAD = """\
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
nodaemon=true
user={user}
directory={directory}
logfile=/dev/null
logfile_maxbytes=0
pidfile={directory}/supervisord.pid
childlogdir={directory}

"""

_PROGRAM = """\
[program:{name}]
command={python} -I -S {here}/env_exec.py {env_file} {python} -I -S {here}/bot.py --name {name} --port {port} {variables}
autorestart=true
startsecs=1
startretries=20
stopwaitsecs=5
redirect_stderr=true
stdout_logfile={logs}/{name}.log

"""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class Supervisor:
    """The supervisord of a host. All its files are in `directory`, but for the socket, whose path has to be short."""

    def __init__(self, host: str, directory: Path, socket_path: Path) -> None:
        self.host, self.directory, self.socket_path = host, directory, socket_path

    @property
    def server_url(self) -> str:
        """The socket as supervisor writes it."""
        return f"unix://{self.socket_path}"

    def env_file(self, name: str) -> Path:
        """A service's environment file."""
        return self.directory / "env" / f"{name}.env"

    def rpc(self) -> Any:
        """The `supervisor.*` XML-RPC methods."""
        return xmlrpc.client.ServerProxy(
            "http://localhost/RPC2", transport=_UnixTransport(str(self.socket_path))
        ).supervisor

    def configure(self, specs: list[tuple[ServiceSpec, int]], logs: Path) -> None:
        """Write the configuration for services and their ports; what the services print goes to `logs`."""
        text = _HEAD.format(socket=self.socket_path, user=os.geteuid(), directory=self.directory)
        for spec, port in specs:
            text += _PROGRAM.format(
                name=spec.name,
                python=sys.executable,
                here=HERE,
                env_file=self.env_file(spec.name),
                port=port,
                variables=" ".join(spec.variables),
                logs=logs,
            )
        (self.directory / "supervisord.conf").write_text(text.replace("%", "%%"), encoding="utf-8")

    def start(self, processes: Processes, slack_api_url: str) -> None:
        """Start it; does not wait."""
        argv = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.directory / "supervisord.conf")]
        env = environment(HOME=str(self.directory), SLACK_API_URL=slack_api_url)
        processes.start(f"supervisord-{self.host}", argv, env, self.directory)

    def wake(self) -> None:
        """Wait for the socket, and make one request: that wakes the main loop, which then starts the services."""
        wait_for(f"supervisord of {self.host} has its socket", self.socket_path.exists)
        wait_for(f"supervisord of {self.host} answers", self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.rpc().getState())
        except (OSError, http.client.HTTPException):
            return False
