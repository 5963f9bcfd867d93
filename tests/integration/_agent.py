# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose environment files are rendered by a real agent (`bao agent`) from a real OpenBao.

The agent logs in with an AppRole, runs under the host's supervisord as `agent`, and is restarted by `supervisorctl`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.integration._host import SERVICE, Host
from tests.sandbox import bao
from tests.sandbox._process import wait_for

PATHS = {1: "generic/crn/gobot", 2: "secret/crn/gobot"}


class RenderedHost(Host):
    """`version` is that of the KV mount; `interval` is how often the agent looks at KV v2 by itself."""

    def __init__(self, server: bao.Bao, version: int = 2, interval: str = "5m") -> None:
        super().__init__()
        self._server, self._path, self._interval = server, PATHS[version], interval
        self.current = self.directory / "agent" / "rendered.env"
        self.current.parent.mkdir()
        self._starts = self.directory / "starts"
        self.set(self.old)

    # -- setting it up ----------------------------------------------------------------------------------------------

    def set(self, token: str) -> None:
        """Make a token current in Vault."""
        self._server.put(self._path, {"value": token})

    def control(self, *words: str) -> list[str]:
        """A command to supervisord."""
        return [sys.executable, "-m", "supervisor.supervisorctl", "-s", f"unix://{self.directory}/s.sock", *words]

    def add_agent(self, restarts: str | None = None) -> None:
        """The agent; `restarts` is a program that it restarts when it has rendered."""
        self._log_in()
        folder = self.current.parent
        value = ".Data.data.value" if self._path.startswith("secret/") else ".Data.value"
        path = self._path.replace("secret/", "secret/data/", 1)
        words = ", ".join(f'"{word}"' for word in self.control("restart", restarts or ""))
        restart = f"exec {{ command = [{words}] }}" if restarts else ""
        (folder / "agent.hcl").write_text(
            f'vault {{ address = "{self._server.url}" }}\n'
            'auto_auth { method { type = "approle" config = {\n'
            f'  role_id_file_path = "{folder}/role"\n  secret_id_file_path = "{folder}/secret"\n'
            "  remove_secret_id_file_after_reading = false\n} } }\n"
            f'template_config {{ static_secret_render_interval = "{self._interval}" }}\n'
            f'template {{\n  destination = "{self.current}"\n  perms = "0600"\n  contents = <<EOT\n# rendered\n'
            f'TOKEN={{{{ with secret "{path}" }}}}{{{{ {value} }}}}{{{{ end }}}}\nOTHER=1\nEOT\n{restart}\n}}\n'
        )
        command = f"{bao.binary()} agent -config={folder}/agent.hcl"
        self._programs += f"[program:agent]\ncommand={command}\nstartsecs=0\nautorestart=true\n"
        self._programs += f"stdout_logfile={folder}/log\nredirect_stderr=true\nenvironment=HOME={folder}\n\n"

    def _log_in(self) -> None:
        ask = self._server.request
        role = ask("GET", "auth/approle/role/rotation/role-id")[1]["data"]["role_id"]
        secret = ask("POST", "auth/approle/role/rotation/secret-id", {})[1]["data"]["secret_id"]
        for name, text in (("role", role), ("secret", secret)):
            file = self.current.parent / name
            file.touch(mode=0o600)
            file.write_text(text)

    def add(self, name: str, env_file: Path, *arguments: str) -> None:
        """A service under supervisor that leaves a line at each start."""
        command = self.command(name, env_file, *arguments)
        at = command.index(str(SERVICE)) - 3
        script = self.directory / f"{name}.sh"
        script.write_text(f"echo {name} >> {self._starts}\nexec {' '.join(command[at:])}\n")
        reader = " ".join([*command[:at], "/bin/sh", str(script)])
        self._programs += f"[program:{name}]\ncommand={reader}\nstartsecs=1\nautostart=false\nstopwaitsecs=5\n\n"

    def bring_up(self, *names: str) -> None:
        """Start the agent, and when it has rendered the services."""
        self.start()
        wait_for("the agent has rendered", self.current.exists)
        for name in names:
            self.rpc.startProcess(name, False)
        self.await_health(*names)

    def row(self, name: str, *given: Any, **changes: Any) -> dict[str, Any]:
        """Of a service on the rendered file, whose agent is restarted."""
        rendered = {"render": self.control("restart", "agent"), "timeout": 20, "restarts": False}
        if given:
            return super().row(name, *given, **changes)
        return super().row(name, self.current, **{"rendered_by": rendered, **changes})

    # -- looking at it ----------------------------------------------------------------------------------------------

    def starts(self, name: str) -> int:
        return self._starts.read_text().split().count(name)

    def agent_pid(self) -> int:
        return self.rpc.getProcessInfo("agent")["pid"]

    def writer(self) -> tuple[int, int]:
        """Which file it is: another one each time that it is rendered."""
        state = os.stat(self.current)
        return state.st_ino, state.st_mtime_ns
