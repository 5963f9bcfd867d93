# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks over a run's shoulder: the arguments and environments of its processes, and the files that it has for a moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self


class Watch:
    """While it is entered: collects from the process `root` and all below it, and from the files in `directory`.

    `seen` holds each different content once, with where it was seen first. A process that has lost its parent is
    still looked at when it was seen before.
    """

    def __init__(self, root: int, directory: Path) -> None:
        self._root, self._directory = root, directory
        self._pids: set[int] = {root}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self.seen: dict[bytes, str] = {}
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _collect(self) -> None:
        while not self._ended.wait(0.002):
            self.looks += 1
            self._pids = {pid for pid in self._pids if Path(f"/proc/{pid}").exists()}
            for pid in list(self._pids):
                self._pids.update(_below(pid))
            for pid in self._pids:
                for what in ("cmdline", "environ"):
                    self._look(Path(f"/proc/{pid}/{what}"))
            if self.looks % 10 == 0:
                with suppress(OSError):  # a directory was removed; the next look sees the others
                    for file in self._directory.rglob("*"):
                        self._look(file)

    def _look(self, file: Path) -> None:
        try:
            if file.is_file() and not file.is_symlink():
                self.seen.setdefault(file.read_bytes(), str(file))
        except OSError:
            pass  # it has ended, or was removed

    def arguments(self) -> list[str]:
        """The different command lines that were seen."""
        return [
            content.replace(b"\0", b" ").decode(errors="replace")
            for content, where in self.seen.items()
            if where.endswith("/cmdline") and content
        ]


def _below(pid: int) -> Iterator[int]:
    with suppress(OSError):  # it has ended
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                yield from map(int, children.read_text(encoding="ascii").split())
