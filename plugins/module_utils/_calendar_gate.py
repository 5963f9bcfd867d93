# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the rows of a plan are in their windows (private to the collection).

Where a window is recorded, a rotation begins in it and at no other time. What has begun may always be finished, services may
always be brought to the current token, and a way back is open at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _announce, _calendar, _notes
from ansible_collections.botops.rotation.plugins.module_utils._decide import CHANGING, refuse
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    StateError,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._window import Window

Row = dict[str, Any]
BEGINS = ("promote", "adopt", "reinstall", "exchange")  # of CHANGING, those that begin something


def judge(registry: Registry, vault: Any, rows: list[Row], ignore: bool = False, check: bool = False) -> list[Row]:
    """The rows, each with its window and with what its notes lead to expect; refused outside of it.

    With `check` such a row says that it is refused, and keeps what else was found. With `ignore` it goes on, with a
    warning.
    """
    return [_judged(registry, vault, row, ignore, check) for row in rows]


def _judged(registry: Registry, vault: Any, row: Row, ignore: bool, check: bool) -> Row:
    row = {**row, "window": {}, "expected_unavailability": None}
    if row["action"] not in CHANGING:
        return row
    try:
        installation = registry.installation(row["bot"], row["workspace"])
        notes = vault.read(registry.notes_path(installation)).data
    except VaultUnavailable:
        raise
    except RotationError as exc:
        return refuse(row, exc)
    now, window = vault.now(), _calendar.of_notes(notes)
    expected = _announce.expected(_notes.part(notes, "announcements"))
    row.update(window=_calendar.describe(window, now), expected_unavailability=expected)
    if window is None or row["action"] not in BEGINS or row["revoked_at"] or row.get("routine"):
        return row
    if window.stands(now) == "open":
        return row
    if ignore:
        words = f"not in its window, {window.words()}, {_away(window, now)}: ignore_window was given"
        return {**row, "window": {**row["window"], "ignored": True}, "warnings": [*row["warnings"], words]}
    refusal = StateError(f"this is not its window: {window.words()}, {_away(window, now)}", _next(row, window, now))
    refused = refuse(row, refusal)
    return {**refused, "action": row["action"]} if check else refused


def _away(window: Window, now: datetime) -> str:
    if window.stands(now) == "missed":
        return f"over since {_long(now - window.end)}"
    return f"in {_long(window.start - now)}"


def _long(time: timedelta) -> str:
    """Whole days, hours or minutes."""
    for seconds, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = int(time.total_seconds() // seconds)
        if count >= (2 if seconds > 60 else 0):
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "a moment"


def _next(row: Mapping[str, Any], window: Window, now: datetime) -> str:
    when = "run it then" if window.stands(now) == "ahead" else "agree on another time"
    move = f"schedule_rotation.yml -e bot={row['bot']} -e workspace={row['workspace']} -e window=..."
    return f"{when}, or move it: {move}; in an emergency -e ignore_window=true"
