# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the playbook in a case: whole ones, and those that are killed at an event."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e._playbook import environment
from tests.faults._setting import BOT, Setting
from tests.sandbox._state import ROOT

HERE = Path(__file__).parent
LIMIT = 180.0  # seconds for a run; one takes 5


class Event(NamedTuple):
    """A point in a run: the start of a task, or its end on a host."""

    number: int
    kind: str
    task: str
    host: str


@dataclass(repr=False)
class Done:
    """A run that has ended by itself."""

    status: int
    printed: str

    def __repr__(self) -> str:
        return f"exit status {self.status}\n{self.printed}"

    @property
    def text(self) -> str:
        """What was printed, with the white space of wrapped lines made one blank."""
        return re.sub(r"\s+", " ", self.printed)


class Case:
    """A case of a setting: the demo's state, a directory for what runs write, and what was there before them."""

    def __init__(self, setting: Setting, old: str = "revoked") -> None:
        setting.begin(old)
        self.setting, setting.case = setting, self
        self.directory = setting.directory()
        self.messages_before = len(setting.sandbox.slack.messages())
        self.vault_before = setting.sandbox.bao.snapshot()

    def environment(self, name: str) -> dict[str, str]:
        """For a run; whatever it writes for itself is in a directory of that name."""
        assert self.setting.case is self, "another case has begun meanwhile"
        home = self.directory / name
        home.mkdir()
        return {
            **environment(self.setting.sandbox, home / "results"),
            "HOME": str(home),
            "TMPDIR": str(home),
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "botops.rotation.summary,killpoint",
            "KILLPOINT_LOG": str(home / "events"),
        }

    @property
    def command(self) -> list[str]:
        """The rotation."""
        return ["ansible-playbook", str(ROOT / "rotate_bot.yml"), "-e", f"bot={BOT}", *self.setting.extra]

    def start(self, name: str, *more: str, fds: tuple[int, ...] = (), **env: str) -> subprocess.Popen[str]:
        """Start a run. Its output goes to a file; see `done`. `fds` are descriptors that it gets."""
        with (self.directory / f"{name}.log").open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [*self.command, *more],
                cwd=self.directory,
                env={**self.environment(name), **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=fds,
                text=True,
            )

    def done(self, name: str, process: subprocess.Popen[str]) -> Done:
        """Wait for a run that was started under a name."""
        try:
            status = process.wait(LIMIT)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return Done(status, (self.directory / f"{name}.log").read_text(encoding="utf-8"))

    def run(self, name: str, *more: str, **env: str) -> Done:
        """A whole run."""
        return self.done(name, self.start(name, *more, **env))

    def events(self, name: str) -> list[Event]:
        """The events of a run."""
        lines = (self.directory / name / "events").read_text(encoding="utf-8").splitlines()
        return [Event(int(number), *rest) for number, *rest in (line.split("\t") for line in lines)]

    def end(self) -> None:
        """Remove its files: a case that went well leaves nothing to look at."""
        shutil.rmtree(self.directory)

    @contextmanager
    def killed(self, mode: str, number: int) -> Iterator[Killed]:
        """A run that is killed at an event: see _launcher. In the end nothing is left of it."""
        with (self.directory / "killed.log").open("w", encoding="utf-8") as log:
            launcher = subprocess.Popen(
                [sys.executable, "-I", str(HERE / "_launcher.py"), mode, str(number), *self.command],
                cwd=self.directory,
                env=self.environment("killed"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            yield Killed(launcher)
        finally:
            if launcher.poll() is None:
                launcher.send_signal(signal.SIGTERM)
            launcher.communicate()


class Killed:
    """What the launcher says of the run that it kills."""

    def __init__(self, launcher: subprocess.Popen[str]) -> None:
        self._launcher = launcher
        self.said = self._line()

    def _line(self) -> dict[str, Any]:
        assert self._launcher.stdout
        return json.loads(self._launcher.stdout.readline() or "{}")

    @property
    def orphans(self) -> int:
        """How many processes went on."""
        return int(self.said.get("orphans", 0))

    def let_go(self) -> None:
        """Modes `late` and `newborn`: let the orphans go on."""
        assert self._launcher.stdin
        self._launcher.stdin.write("\n")
        self._launcher.stdin.flush()

    def gone(self) -> bool:
        """Wait until no orphan is left; False: some had to be killed."""
        return bool(self._line().get("gone"))
