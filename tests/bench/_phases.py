# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seconds of each phase of a playbook, from what the callback `clock` wrote: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

APPLY = "Roll out"


def plays(events: Iterable[Mapping[str, Any]], began: float, ended: float) -> dict[str, float]:
    """Name -> seconds of the start, of each play, and of the end; plays of one name are added.

    `began` and `ended` are when the process was started and when it was gone, as `time.time()` tells.
    """
    return _spans([("start", began)] + [(one["play"], one["at"]) for one in events if "play" in one], events, ended)


def tasks(events: Iterable[Mapping[str, Any]], ended: float) -> dict[str, float]:
    """Name -> seconds of each task, from its start to that of what comes next; tasks of one name are added."""
    starts = [(one.get("task") or f"({one['play']})", one["at"]) for one in events if "task" in one or "play" in one]
    return _spans(starts, events, ended)


def _spans(starts: list[tuple[str, float]], events: Iterable[Mapping[str, Any]], ended: float) -> dict[str, float]:
    starts = [*starts, *(("end", one["at"]) for one in events if "stats" in one)]
    found: dict[str, float] = {}
    for (name, at), (_next, until) in zip(starts, [*starts[1:], ("", ended)], strict=True):
        found[name] = found.get(name, 0.0) + until - at
    return found


def in_words(phases: Mapping[str, float], least: float = 0.05) -> str:
    """The phases that take at least so many seconds, in their order."""
    return ", ".join(f"{name.lower()} {seconds:.1f}" for name, seconds in phases.items() if seconds >= least)
