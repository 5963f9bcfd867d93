# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a command and everything that it starts, at its peak.

What forks share is counted once (PSS: each process counts its share of a page), or 40 forks of one program would look
like 40 programs. Reading it costs time, so a metered run is never a timed one.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil

EVERY = 0.05
"""Seconds between two looks."""


def proportional(pid: int) -> int:
    """The PSS of a process in bytes; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def peak(process: subprocess.Popen) -> int:
    """The most bytes that a process and its descendants had at once, looked at until it ends."""
    root, most = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            tree = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            break
        most = max(most, sum(proportional(one.pid) for one in tree))
        time.sleep(EVERY)
    process.wait()
    return most
