# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of gobot's that can be held in the middle of its restart, on a host whose connection can be cut."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults._runs import Case
from tests.sandbox._process import wait_for
from tests.sandbox._start import health
from tests.sandbox.tokens import fingerprint

HERE = Path(__file__).parent
HOST = "bot-host-1"
NAME = "gobot-gated"
INSTALLATION = "gobot/ibmcloud"
_SANDBOX = HERE.parent / "sandbox"
_SCRIPT = """\
#!/bin/sh
cd {directory} || exit 1
gate() {{
  [ -e "$1.gate" ] || return 0
  : > "$1.reached"
  while [ -e "$1.gate" ]; do sleep 0.02; done
}}
gate stop
if [ -s pid ] && kill "$(cat pid)" 2>/dev/null; then
  while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.02; done
fi
gate start
SLACK_API_URL={slack} setsid {python} -I -S {sandbox}/env_exec.py {env_file} {python} -I -S {sandbox}/bot.py \
  --name {name} --port {port} SLACK_BOT_TOKEN </dev/null >>log 2>&1 &
echo $! > pid
"""


class Gated:
    """The service. Its restart has two gates: `stop`, before the old process is ended, and `start`, after that."""

    def __init__(self, case: Case) -> None:
        self.case, self.sandbox = case, case.setting.sandbox
        self.directory = Path(tempfile.mkdtemp(prefix="gated-", dir=self.sandbox.dir))
        self.env_file = self.directory / "gated.env"
        self.env = {"CUTTABLE": str(self.directory), "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection")}
        self.port = max(self.sandbox.state.ports.values()) + 1
        self._write_script()

    def text(self, token: str) -> str:
        """What the environment file holds, with a token."""
        return f"# of {NAME}\nBEFORE=1\nSLACK_BOT_TOKEN={token}\nAFTER=2"

    def _write_script(self) -> None:
        self.script = self.directory / "restart"
        text = _SCRIPT.format(
            directory=shlex.quote(str(self.directory)),
            slack=self.sandbox.slack_url,
            python=sys.executable,
            sandbox=_SANDBOX,
            env_file=self.env_file,
            name=NAME,
            port=self.port,
        )
        self.script.write_text(text, encoding="utf-8")
        self.script.chmod(0o755)

    @property
    def pid(self) -> int:
        """Its process; 0 while it has none."""
        try:
            pid = int((self.directory / "pid").read_text(encoding="ascii"))
            os.kill(pid, 0)
        except (OSError, ValueError):
            return 0
        return pid

    def carries(self) -> str:
        """The fingerprint of the token in its process; empty when it does not run."""
        return fingerprint(self.sandbox.process_env(self.pid)["SLACK_BOT_TOKEN"]) if self.pid else ""

    def hold(self, gate: str) -> None:
        """Close a gate."""
        (self.directory / f"{gate}.gate").touch()

    def wait_held(self, gate: str) -> None:
        """Wait until its restart stands before a closed gate."""
        wait_for(f"the restart of {NAME} is at {gate}", (self.directory / f"{gate}.reached").exists, timeout=60)

    def let_go(self, gate: str) -> None:
        """Open it."""
        (self.directory / f"{gate}.gate").unlink()

    def cut(self) -> None:
        """Cut the host's connection."""
        (self.directory / f"{HOST}.cut").touch()

    def stop_next(self) -> None:
        """The next command that comes to the host is stopped before it does anything, and cut off."""
        (self.directory / f"{HOST}.stop").touch()

    def stopped(self) -> int:
        """The process that was stopped so."""
        file = self.directory / f"{HOST}.stopped"
        wait_for(f"a command on {HOST} is stopped", file.exists, timeout=60)
        wait_for("its number is written", lambda: file.read_text(encoding="ascii"), timeout=5)
        return int(file.read_text(encoding="ascii"))

    @contextmanager
    def watched(self) -> Iterator[set[str]]:
        """While it is entered: every content that the environment file has, as often as can be looked."""
        seen: set[str] = set()
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(0.001):
                seen.add(self.env_file.read_text(encoding="utf-8"))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            ended.set()
            thread.join()


@contextmanager
def gated(case: Case) -> Iterator[Gated]:
    """The service, running with the old token, and in the inventory; in the end nothing is left of it."""
    service = Gated(case)
    sandbox, before = case.setting.sandbox, case.setting.sandbox.inventory_file.read_text(encoding="utf-8")
    service.env_file.write_text(service.text(case.setting.old[INSTALLATION]), encoding="utf-8")
    inventory = json.loads(before)
    host = inventory["_meta"]["hostvars"][HOST]
    host["ansible_connection"] = "cuttable"
    host["botops_services"].append(_entry(service))
    try:
        os.spawnv(os.P_WAIT, str(service.script), [str(service.script)])
        wait_for(f"{NAME} runs", lambda: _answers(service))
        sandbox.inventory_file.write_text(json.dumps(inventory), encoding="utf-8")
        yield service
    finally:
        sandbox.inventory_file.write_text(before, encoding="utf-8")
        for gate in service.directory.glob("*.gate"):
            gate.unlink()
        if service.pid:
            os.kill(service.pid, signal.SIGKILL)
        shutil.rmtree(service.directory)


def _entry(service: Gated) -> dict[str, object]:
    bot, _slash, workspace = INSTALLATION.partition("/")
    return {
        "name": NAME,
        "manager": "command",
        "restart": [str(service.script)],
        "pid_file": str(service.directory / "pid"),
        "env_file": str(service.env_file),
        "env_format": "systemd",
        "env": {"SLACK_BOT_TOKEN": {"bot": bot, "workspace": workspace, "token": "bot"}},
        "health": {"url": f"http://127.0.0.1:{service.port}/healthz", "status": 200, "timeout": 30},
    }


def _answers(service: Gated) -> bool:
    return health(service.port)[0] in (200, 503)
