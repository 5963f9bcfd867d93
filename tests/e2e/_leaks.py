# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook as loudly as Ansible can be, and looks for tokens in whatever it shows, writes or passes on."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from tests.e2e._playbook import Run, run
from tests.sandbox import Sandbox
from tests.sandbox.tokens import secret_part

LENGTH = 12
_WORD = re.compile(rf"[A-Za-z0-9]{{{LENGTH},}}")


def pieces(text: str) -> set[str]:
    """All pieces of 12 letters and digits in a text."""
    return {word[at : at + LENGTH] for word in _WORD.findall(text) for at in range(len(word) - LENGTH + 1)}


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """Where a text shows 12 characters of a secret's secret part: some of what is around it."""
    parts = set().union(*(pieces(secret_part(secret.strip())) for secret in secrets))
    return [text[max(0, text.find(one) - 120) : text.find(one) + 60] for one in pieces(text) & parts]


class Watch:
    """While it is entered: collects every process's arguments, and every file that appears in some directories."""

    def __init__(self, *directories: Path) -> None:
        self._directories = directories
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self.arguments: set[bytes] = set()
        self.files: dict[tuple[str, int], str] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_dummy: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _collect(self) -> None:
        while not self._ended.wait(0.05):
            self._look()

    def _look(self) -> None:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.arguments.add(process.read_bytes())
            except OSError:
                continue
        for directory in self._directories:
            for file in directory.rglob("*"):
                try:
                    at = file.stat().st_mtime_ns
                    if file.is_file() and (str(file), at) not in self.files:
                        self.files[str(file), at] = file.read_text(encoding="utf-8", errors="replace")
                except OSError:
                    continue


def loud(sandbox: Sandbox, *args: str, secrets: Iterable[str] = (), **options: Any) -> Run:
    """Run with -vvvv, --diff, a log and a fact cache; AssertionError when any token was seen anywhere but where it may.

    Which are: Vault, the environment files and the processes of the services. `secrets`: others than the sandbox's.
    """
    log, temporary = sandbox.dir / "ansible.log", sandbox.dir / "tmp"
    log.write_text("", encoding="utf-8")
    temporary.mkdir(exist_ok=True)
    env = {
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(temporary / "facts"),
        **options.pop("env", {}),
    }
    with Watch(temporary, sandbox.dir / "ansible") as watch:
        done = run(sandbox, *args, "-vvvv", "--diff", env=env, **options)
    texts = {"standard output": done.stdout, "standard error": done.stderr, "the log": log.read_text(encoding="utf-8")}
    texts["arguments"] = "\n".join(one.decode(errors="replace") for one in watch.arguments)
    texts["results"] = str(done.results)
    texts.update({path: text for (path, _dummy), text in watch.files.items()})
    texts.update({str(file): file.read_text(encoding="utf-8") for file in done.directory.rglob("*") if file.is_file()})
    known = [*sandbox.tokens(), sandbox.vault_token, *secrets]
    found = {where: seen for where, text in texts.items() if (seen := leaks(text, known))}
    assert not found, f"tokens were shown: {found}"
    assert "task path:" in done.stdout and texts["the log"] and done.results, "it was not loud"
    return done
