# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That an installation waits for an admin of the workspace, in its notes (private to the collection).

Slack tells an app nothing of a request, neither that it was made nor what became of it. So a person says that it was made,
and the notes hold since when: `approval: {since}`. It ends when the app was installed.
https://docs.slack.dev/admins/managing-app-approvals
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation


def since(notes: Mapping[str, Any] | None) -> str:
    """Since when approval is waited for, as `2026-11-23T02:00:00Z`; empty where it is not."""
    found = (notes or {}).get("approval")
    return str(found.get("since") or "") if isinstance(found, Mapping) else ""


def read(here: Any, installation: Installation) -> str:
    return since(here.vault.read(here.registry.notes_path(installation)).data)


def note(here: Any, installation: Installation) -> str:
    """Notes that approval was asked for, under the lock; since when, which stays what it was."""
    return _change(here, installation, True)


def clear(here: Any, installation: Installation) -> None:
    """Notes that nobody waits for approval any more, under the lock."""
    _change(here, installation, False)


def _change(here: Any, installation: Installation, waits: bool) -> str:
    path = here.registry.notes_path(installation)
    secret = here.vault.read(path)
    before = since(secret.data)
    if waits == bool(before):
        return before
    data = {key: value for key, value in (secret.data or {"schema": 1}).items() if key != "approval"}
    if waits:
        before = stamp(here.vault.now())
        data["approval"] = {"since": before}
    here.store.before_write(installation)
    here.vault.write(path, data, expect=secret)
    return before


def words(at: str, now: datetime) -> str:
    """For how long: `since 2026-11-23 02:00 UTC (3 days)`."""
    try:
        begun = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return "since an unknown time"
    hours = int((now - begun).total_seconds() // 3600)
    count, unit = (hours // 24, "day") if hours >= 48 else (hours, "hour")
    return f"since {begun:%Y-%m-%d %H:%M} UTC ({count} {unit}{'' if count == 1 else 's'})"
