# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""install_app as a person runs it, with its terminal read while it waits; and Debian's Chromium to click in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from tests.e2e._playbook import environment
from tests.sandbox import Sandbox
from tests.sandbox._state import ROOT

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# As root it needs --no-sandbox; nothing but loopback is ever loaded.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
needs_chromium = pytest.mark.skipif(
    not os.access(CHROMIUM, os.X_OK), reason="there is no chromium here: apt-get install chromium"
)


class Installing:
    """A run of install_app, or of another playbook that opens the page. `text` is what the terminal has shown so far."""

    def __init__(
        self, sandbox: Sandbox, *args: str, env: dict[str, str] | None = None, playbook: str = "install_app.yml"
    ) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="run-", dir=sandbox.dir))
        results = self._directory / "results.jsonl"
        results.touch()
        self._argv = ["ansible-playbook", str(ROOT / playbook), *args]
        self._env = {**environment(sandbox, results), **(env or {})}
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv,
            cwd=self._directory,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(line)

    def __exit__(self, *_dummy: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(20)
        self._reader.join(5)

    @property
    def text(self) -> str:
        return "".join(self._lines)

    @property
    def link(self) -> str:
        """Where the page is, as the terminal shows it."""
        self.until(lambda: " here: " in self.text)
        return next(line.split()[-1] for line in self._lines if " here: " in line)

    def until(self, true: Callable[[], Any], seconds: float = 40.0) -> None:
        """Waits until something holds."""
        ends = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < ends and self._process.poll() is None, self.text
            time.sleep(0.05)

    def kill(self) -> None:
        """The controller dies, with every process of the run."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> int:
        """Waits until it ends by itself; its exit status."""
        status = self._process.wait(60)
        self._reader.join(5)
        return status


@contextmanager
def chromium(profile: Path, **options: Any) -> Iterator[Any]:
    """A Chromium with a profile of its own, as Playwright's BrowserContext."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=CHROMIUM, args=ARGUMENTS, headless=True, **options
        )
        try:
            yield context
        finally:
            context.close()
