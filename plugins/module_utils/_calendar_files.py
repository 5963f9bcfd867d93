# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of windows for people: the calendar file of each, and a table (private to the collection)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _calendar_ics, _report
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._window import Window

Entry = Mapping[str, Any]


def write(here: Any, entry: Entry, directory: str, cancelled: bool) -> tuple[str, bool]:
    """Writes `BOT-WORKSPACE.ics` of a window, where it says anything new; its path, and whether it was written."""
    bot, _slash, workspace = entry["installation"].partition("/")
    window, folder = Window.of(entry["window"]), Path(directory)
    contact = (here.registry.contact or {}).get("name") or ""
    name = here.registry.workspaces[workspace].name
    text = _calendar_ics.render(window, bot, name, here.vault.now(), contact, cancelled)
    path = folder / f"{bot}-{workspace}.ics"
    try:
        if path.is_file() and _timeless(path.read_bytes().decode()) == _timeless(text):
            return str(path), False
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())  # as bytes, so that the ends of lines stay
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or type(exc).__name__
        raise RotationError(
            f"The calendar file {path} cannot be written: {reason}",
            "set botops_report_dir to a directory that can be written",
        ) from None
    return str(path), True


def _timeless(text: str) -> str:
    """Without the time at which it was written."""
    return re.sub(r"DTSTAMP:\w+", "", text)


def failures(entries: Iterable[Entry]) -> list[str]:
    """What was not done, a text each."""
    found = []
    for entry in entries:
        found += [f"{entry['installation']}: {entry['error']}"] if entry["error"] else []
        found += [
            f"{entry['installation']}: the announcement '{one['phase']}' is {one['state']}: {one['evidence']}"
            for one in entry["announcements"]
            if one["state"] not in _report.POSTED
        ]
    return found


def table(entries: Iterable[Entry]) -> str:
    """A line for each installation."""
    if _report.tabulate is None:
        raise RotationError("The Python package tabulate is not installed where ansible-playbook runs", "install it")
    entries = list(entries)
    lines = [
        [
            entry["installation"],
            entry["window"].get("words") or "-",
            _reminders(entry["reminders"]),
            ", ".join(sorted({one["state"] for one in entry["announcements"]})) or "-",
            entry["file"] or "-",
        ]
        for entry in entries
    ]
    headers = ["installation", "window", "reminders", "announced", "calendar"]
    made = _report.tabulate(lines, headers=headers, tablefmt="plain", disable_numparse=True)
    return "\n".join([made, *failures(entries)])


def _reminders(reminders: Iterable[Entry]) -> str:
    """`7 days, 1 day, 1 hour`; in brackets what became of those that are not planned."""
    by_left: dict[str, set[str]] = {}
    for one in reminders:
        by_left.setdefault(one["left"], set()).add(one["state"])
    return (
        ", ".join(
            left if states == {"planned"} else f"{left} ({', '.join(sorted(states))})"
            for left, states in by_left.items()
        )
        or "-"
    )
