# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host for tests of units: makes them, runs the host program on them, and looks at them by other means."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.host_agent import _program

from tests.hosts import Hosts
from tests.sandbox import tokens
from tests.sandbox._process import wait_for

_SERVICE = Path(__file__).with_name("_unit_service.py")
_HOME = "/opt/units"
PYTHON = f"/usr/bin/python3 -I -S {_HOME}/service.py"
_AWAIT = """
import socket, sys, time
while socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(0.02)
"""


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:12]


class Machine:
    """`old` and `new` are the tokens of `gobot/ibmcloud/bot`, and accepted. Every unit has a name, port and file of its own."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts, self._name = hosts, hosts.names[0]
        self.old, self.new = tokens.bot(), tokens.bot()
        self.secrets = {self.old, self.new}
        self.numbered = 0
        self.put(f"{_HOME}/service.py", _SERVICE.read_text())
        self.put(f"{_HOME}/accepted", f"{fingerprint(self.old)} {fingerprint(self.new)}")

    # -- behind the product's back ----------------------------------------------------------------------------------

    def run(self, command: str, user: str = "root", check: bool = True) -> str:
        """A line of shell."""
        return self._hosts.run(self._name, ["sh", "-c", command], user=user, check=check).strip()

    def put(self, path: str, text: str, mode: int = 0o644, owner: str = "root:root") -> str:
        self._hosts.put(self._name, path, text, mode=mode, owner=owner)
        return path

    def read(self, path: str) -> str:
        return self._hosts.run(self._name, ["cat", path])

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run(f"systemctl show --value --property={name} -- {unit}")

    def tokens_of(self, unit: str) -> set[str]:
        """What the processes of a unit have as TOKEN, by its control group."""
        group = self.shown(unit, "ControlGroup")
        found = self.run(
            f"cd /sys/fs/cgroup/systemd{group} && cat $(find . -name cgroup.procs) | while read pid; do"
            " tr '\\0' '\\n' < /proc/$pid/environ | grep ^TOKEN= ; done",
            check=False,
        )
        return {line.partition("=")[2] for line in found.splitlines()}

    def await_(self, what: str, question: Callable[[], bool], seconds: float = 30) -> None:
        wait_for(what, question, seconds, every=0.1)

    # -- units ------------------------------------------------------------------------------------------------------

    def name(self) -> str:
        self.numbered += 1
        return f"u{self.numbered}"

    def env_file(self, name: str, text: str | None = None, **put: Any) -> str:
        return self.put(f"/etc/units/{name}.env", f"# {name}\nTOKEN={self.old}\n" if text is None else text, **put)

    def unit(self, arguments: str = "", lines: str = "", start: bool = True, **parts: str) -> dict[str, Any]:
        """Make and start a unit of the test service; its row. `lines` go into [Service].

        `files` takes the place of its EnvironmentFile= line, `command` that of its ExecStart=; `unit` goes into [Unit],
        `before` is run before the start. @FILE is the environment file.
        """
        name = parts.get("name") or self.name()
        port = 9000 + self.numbered
        file = self.env_file(name)
        files = parts.get("files", f"EnvironmentFile={file}").replace("@FILE", file)
        command = parts.get("command", f"{PYTHON} --accepted {_HOME}/accepted --port {port} {arguments}")
        command = command.replace("@FILE", file)
        text = f"[Unit]\n{parts.get('unit', '')}\n[Service]\n{files}\n{lines}\nExecStart={command}\n"
        self.put(f"/etc/systemd/system/{name}.service", text)
        self.run(f"systemctl daemon-reload; {parts.get('before', '')}".replace("@FILE", file))
        if start:
            self.run(f"systemctl start {name}.service", check=False)
            if "command" not in parts and "--crash" not in arguments:
                self.await_health(port)
        return self.row(name, file, port)

    def await_health(self, port: int) -> None:
        """Wait on the host until something takes connections at a port of its."""
        self._hosts.run(self._name, ["timeout", "30", "python3", "-I", "-S", "-c", _AWAIT, str(port)])

    def row(self, name: str, file: str, port: int = 1, **changes: Any) -> dict[str, Any]:
        variable = {
            "key": "gobot/ibmcloud/bot",
            "new": fingerprint(self.new),
            "old": fingerprint(self.old),
            "restorable": True,
        }
        return {
            "name": name,
            "manager": "systemd",
            "unit": f"{name}.service",
            "scope": "system",
            "env_file": file,
            "env_format": "systemd",
            "variables": {"TOKEN": variable},
            "health": {"url": f"http://127.0.0.1:{port}/healthz", "status": 200, "timeout": 20},
            "health_required": True,
            "in_use": None,
            "force": False,
            **changes,
        }

    # -- the product ------------------------------------------------------------------------------------------------

    def program(self, state: str, *rows: dict[str, Any], check: bool = False) -> bytes:
        writes = state in ("applied", "restored") and not check
        token = self.old if state == "restored" else self.new
        given = {each["key"]: token for row in rows for each in row["variables"].values()}
        payload = {"state": state, "check": check, "services": list(rows), "tokens": given if writes else {}}
        return _program.build(payload)

    def bound(self, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the program of this test begin with another constant of the manager, such as `_UNLIMITED = 2.0`."""
        name, real = f"{_program._PACKAGE}.managers._systemd", _program._chosen

        def chosen(*given: Any, **named: Any) -> dict[str, tuple[bool, str, str]]:
            found = real(*given, **named)
            source = zlib.decompress(base64.b64decode(found[name][1])) + f"\n{line}\n".encode()
            return {**found, name: (False, _program._packed(source, 1), "")}

        monkeypatch.setattr(_program, "_chosen", chosen)
        monkeypatch.setattr(_program, "MAGIC_NUMBER", b"another")  # so that the host takes the source

    def ask(self, state: str, *rows: dict[str, Any], check: bool = False, user: str = "root") -> dict[str, Any]:
        """The host program's answer; it is looked through for tokens."""
        program = self.program(state, *rows, check=check)
        said = self._hosts.run(self._name, ["python3", "-I", "-S", "-"], stdin=program, user=user)
        for secret in self.secrets:
            body = secret.rpartition("-")[2]
            assert not any(body[start : start + 12] in said for start in range(len(body) - 11)), "a token was printed"
        return json.loads(said.split(_program.MARKER, 1)[1])

    def rotate(self, row: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Preflight, apply and a second run, which must change nothing; the service in the answer of the first."""
        seen = self.ask("preflight", row, **options)
        assert not seen["failed"] and not seen["changed"], seen["msg"]
        answer = self.ask("applied", row, **options)
        assert answer["changed"] and not answer["failed"], answer["msg"]
        assert self.new in self.read(row["env_file"]) and self.old not in self.read(row["env_file"])
        again = self.ask("applied", row, **options)
        assert not again["changed"] and not again["failed"] and again["services"][0]["needs"] == "nothing", again
        assert not self.ask("verified", row, **options)["failed"]
        return answer["services"][0]

    def refuses(self, row: dict[str, Any], words: str, **options: Any) -> None:
        """Preflight says `words`, and apply changes nothing."""
        before = self.read(row["env_file"])
        for state in ("preflight", "applied"):
            answer = self.ask(state, row, **options)
            assert answer["failed"] and words in answer["msg"], answer["msg"]
            assert not answer["changed"] and self.read(row["env_file"]) == before


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Hosts(1) as hosts:
        yield Machine(hosts)
