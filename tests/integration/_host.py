# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for tests of the host agent: a real supervisord with small services, and the program as it is sent."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.botops.rotation.plugins.host_agent import _program

from tests.sandbox import tokens
from tests.sandbox._process import environment, wait_for
from tests.sandbox.supervisor import _UnixTransport

SERVICE = Path(__file__).with_name("_host_service.py")
ENV_EXEC = Path(__file__).parents[1] / "sandbox" / "env_exec.py"
PASSWORD = "p@ss/w:rd"  # supervisor's own, over TCP; an address has it encoded


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Host:
    """`old` and `new` are the tokens of `gobot/ibmcloud/bot`; `accept` says which of them services find healthy."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(dir="/tmp", prefix="bh"))
        self.old, self.new = tokens.bot(), tokens.bot()
        self.secrets = {self.old, self.new}
        self._accepted = self.directory / "accepted"
        self._programs = ""
        self._ports: dict[str, int] = {}
        self._inet = free_port()
        self._supervisord: subprocess.Popen | None = None
        self.accept(self.old, self.new)

    # -- setting it up ----------------------------------------------------------------------------------------------

    def accept(self, *accepted: str) -> None:
        self._accepted.write_text(" ".join(map(fingerprint, accepted)))

    def env_file(self, name: str, text: str | bytes | None = None) -> Path:
        path = self.directory / f"{name}.env"
        text = f"# {name}\nTOKEN={self.old}\nOTHER='1'\n" if text is None else text
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def command(self, name: str, env_file: Path, *arguments: str) -> list[str]:
        """What runs a service, with the variables of a file as systemd reads them."""
        self._ports[name] = free_port()
        service = [sys.executable, "-I", "-S", str(SERVICE), "--port", str(self._ports[name])]
        start = [sys.executable, "-I", "-S", str(ENV_EXEC), str(env_file)]
        return [*start, *service, "--accepted", str(self._accepted), *arguments]

    def add(self, name: str, env_file: Path, *arguments: str) -> None:
        """A service under supervisor."""
        command = " ".join(self.command(name, env_file, *arguments))
        self._programs += f"[program:{name}]\ncommand={command}\nstartsecs=1\nstartretries=1\nstopwaitsecs=5\n\n"

    def start(self) -> None:
        """Start supervisord and all services; does not wait for their health."""
        path = self.directory / "s.conf"
        path.write_text(
            f"[unix_http_server]\nfile={self.directory}/s.sock\n"
            f"[inet_http_server]\nport=127.0.0.1:{self._inet}\nusername=rotation\npassword={PASSWORD}\n"
            "[supervisord]\nnodaemon=true\nuser=root\n"
            f"logfile=/dev/null\nlogfile_maxbytes=0\npidfile={self.directory}/s.pid\nchildlogdir={self.directory}\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" + self._programs
        )
        self._supervisord = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(HOME=str(self.directory)),
            start_new_session=True,
        )
        wait_for("supervisord answers", self._supervisord_answers)  # and is woken up by that

    def _supervisord_answers(self) -> bool:
        try:
            return bool(self.rpc.getState())
        except OSError:
            return False

    def inet_url(self, password: str = PASSWORD) -> str:
        """supervisor's address over TCP."""
        return f"http://rotation:{quote(password, safe='')}@127.0.0.1:{self._inet}"

    @property
    def rpc(self) -> Any:
        transport = _UnixTransport(str(self.directory / "s.sock"))
        return xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport).supervisor

    def close(self) -> None:
        if self._supervisord is not None:
            try:
                self.rpc.stopAllProcesses()
                self.rpc.shutdown()
            except OSError:
                self._supervisord.send_signal(signal.SIGTERM)
            self._supervisord.wait(20)
        shutil.rmtree(self.directory)

    # -- what the plan says -----------------------------------------------------------------------------------------

    def variable(self, key: str = "gobot/ibmcloud/bot", restorable: bool = True, **changes: Any) -> dict[str, Any]:
        return {
            "key": key,
            "new": fingerprint(self.new),
            "old": fingerprint(self.old),
            "restorable": restorable,
            **changes,
        }

    def row(self, name: str, env_file: Path, variable: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        port = self._ports.get(name, 1)
        return {
            "name": name,
            "manager": "supervisor",
            "unit": None,
            "server_url": f"unix://{self.directory}/s.sock",
            "restart": None,
            "active": None,
            "pid_file": None,
            "env_file": str(env_file),
            "env_format": "systemd",
            "variables": {"TOKEN": variable or self.variable()},
            "health": {"url": f"http://127.0.0.1:{port}/healthz", "status": 200, "timeout": 10},
            "health_required": True,
            "in_use": None,
            "force": False,
            **changes,
        }

    # -- running it -------------------------------------------------------------------------------------------------

    def program(self, state: str, rows: list[dict[str, Any]], check: bool = False) -> bytes:
        writes = state in ("applied", "restored") and not check
        token = self.old if state == "restored" else self.new
        given = {each["key"]: token for row in rows for each in row["variables"].values()}
        return _program.build({"state": state, "check": check, "services": rows, "tokens": given if writes else {}})

    def run(
        self, state: str, *rows: dict[str, Any], check: bool = False, python: str = sys.executable, **popen: Any
    ) -> dict[str, Any]:
        """The answer; whatever the program prints is looked through for tokens."""
        program = self.program(state, list(rows), check)
        done = subprocess.run(
            [python, "-I", "-S", "-"], input=program, capture_output=True, timeout=120, check=False, **popen
        )
        self.no_secret_in(done.stdout.decode() + done.stderr.decode())
        assert done.stderr == b"" and done.returncode == 0, done.stderr.decode()
        line = done.stdout.decode().strip()
        assert line.startswith(_program.MARKER) and "\n" not in line
        return json.loads(line[len(_program.MARKER) :])

    def no_secret_in(self, text: str) -> None:
        for secret in self.secrets:
            body = secret.rpartition("-")[2]
            assert not any(body[start : start + 12] in text for start in range(len(body) - 11)), "a token was printed"

    # -- looking at it, by other means ------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        return self.rpc.getProcessInfo(name)["pid"]

    def process_token(self, name: str) -> str:
        pairs = Path(f"/proc/{self.pid(name)}/environ").read_bytes().split(b"\0")
        return next(pair.decode().partition("=")[2] for pair in pairs if pair.startswith(b"TOKEN="))

    def await_health(self, *names: str) -> None:
        for name in names:
            wait_for(f"{name} answers", lambda name=name: answers(self._ports[name]))

    def leftovers(self) -> list[str]:
        return [path.name for path in self.directory.iterdir() if "botops" in path.name]

    def snapshot(self, *names: str) -> dict[str, Any]:
        """All environment files with their metadata, and process ids."""
        files = {path: (path.read_bytes(), os.stat(path)) for path in sorted(self.directory.glob("*.env"))}
        return {"files": files, "pids": {name: self.pid(name) for name in names}}


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def one(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """A service of an answer."""
    return next(service for service in answer["services"] if service["name"] == name)
