# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That an installation waits for an admin of the workspace, in its notes (private to the collection).

Slack tells an app nothing of a request, neither that it was made nor what became of it. So a person says that it was made,
or an admin's token lists it (_install_requests), and the notes hold since when: `approval: {since, listed}`. It ends when
the app was installed. https://docs.slack.dev/admins/managing-app-approvals
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _notes
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import moment, stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation


def since(notes: Mapping[str, Any] | None) -> str:
    """Since when approval is waited for, as `2026-11-23T02:00:00Z`; empty where it is not."""
    return str(_notes.part(notes, "approval").get("since") or "")


def read(here: Any, installation: Installation) -> str:
    return since(_notes.read(here, installation))


def note(here: Any, installation: Installation) -> str:
    """Notes that approval was asked for, under the lock; since when, which stays what it was."""
    at = stamp(here.vault.now())
    _notes.put(here, installation, "approval", lambda before: before or {"since": at})
    return read(here, installation)


def note_listed(here: Any, installation: Installation, at: str) -> None:
    """Notes what Slack lists: its date counts."""
    _notes.put(here, installation, "approval", lambda _before: {"since": at, "listed": True})


def is_listed(here: Any, installation: Installation) -> bool:
    """Whether Slack has listed the request, so that one that is not there any more was answered."""
    return bool(_notes.part(_notes.read(here, installation), "approval").get("listed"))


def clear(here: Any, installation: Installation) -> None:
    """Notes that nobody waits for approval any more, under the lock."""
    _notes.put(here, installation, "approval", lambda _before: {})


def words(at: str, now: datetime) -> str:
    """For how long: `since 2026-11-23 02:00 UTC (3 days)`."""
    try:
        begun = moment(at)
    except ValueError:
        return "since an unknown time"
    hours = int((now - begun).total_seconds() // 3600)
    count, unit = (hours // 24, "day") if hours >= 48 else (hours, "hour")
    return f"since {begun:%Y-%m-%d %H:%M} UTC ({count} {unit}{'' if count == 1 else 's'})"
