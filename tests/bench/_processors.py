# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor time of the whole machine: hosts and controller share it, so it says what a missed bar is missed for."""

from __future__ import annotations

import os
from pathlib import Path

_WORK = (0, 1, 2, 5, 6)
"""Of the first line of /proc/stat (proc(5)): user, nice, system, irq, softirq; not idle, nor what others took."""


def busy() -> float:
    """Seconds that all processors have worked since the machine was started."""
    line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    ticks = [int(each) for each in line.split()[1:]]
    return sum(ticks[each] for each in _WORK) / os.sysconf("SC_CLK_TCK")
