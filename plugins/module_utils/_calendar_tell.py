# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a window, now and by reminders (private to the collection)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _announce, _notes, _speaker
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts, about
from ansible_collections.botops.rotation.plugins.module_utils._calendar_reminders import Reminders
from ansible_collections.botops.rotation.plugins.module_utils._post import Poster
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._window import Window


def tell(
    here: Any,
    installation: Installation,
    window: Window,
    notes: Mapping[str, Any],
    noted: Mapping[str, Any],
    texts: Texts,
    check: bool,
    phase: str = "",
) -> list[dict[str, Any]]:
    """Tells the channels of the installation of the window, or that it was cancelled; what became of each message."""
    phase = phase or _phase(window)
    registry, poster = here.registry, Poster(here, check)
    row = _subject(registry, installation, window)
    lines = [f"window: {window.words()}", *(f"reminder: {left} before" for left in window.reminders())]
    facts = {**_facts(window, notes, noted), "lines": lines if phase == "scheduled" else []}
    who = _speaker.notifier(registry, installation.workspace) or {"kind": "installation", "fingerprint": ""}
    told = []
    for channel in _announce.channels(registry, row):
        name = f"{window.id}.{window.sequence}"
        message = _announce.message(registry, row, phase, channel, facts, texts, name)
        told.append(poster.post({**message, "poster": who}))
    return told


def is_told(here: Any, installation: Installation, window: Window, notes: Mapping[str, Any]) -> bool:
    """Whether all channels know of the window, or it has begun, so that the rotation tells of itself."""
    if window.stands(here.vault.now()) != "ahead":
        return True
    marks, row = _notes.part(notes, "announcements"), {"bot": installation.bot, "workspace": installation.workspace}
    due = {
        f"{window.id}.{window.sequence}/{_phase(window)}/{channel or 'webhook'}"
        for channel in _announce.channels(here.registry, row)
    }
    sent = {mark for mark, entry in marks.items() if isinstance(entry, Mapping) and entry.get("state") == "sent"}
    return due <= sent


def reminders(
    here: Any, installation: Installation, window: Window | None, notes: Mapping[str, Any], texts: Texts
) -> Reminders:
    """Those of an installation, with their words."""

    def message(left: str) -> tuple[str, list[dict[str, Any]]]:
        facts = {**_facts(window, notes, {}), "left": left}
        made = _announce.message(
            here.registry, _subject(here.registry, installation, window), "reminder", "", facts, texts, window.id
        )
        return made["text"], made["blocks"]

    return Reminders(here, installation, message)


def _phase(window: Window) -> str:
    return "moved" if window.sequence else "scheduled"


def _subject(registry: Registry, installation: Installation, window: Window) -> dict[str, Any]:
    """A row, as far as announcements look at one."""
    return {
        "id": installation.id,
        "bot": installation.bot,
        "workspace": installation.workspace,
        "workspace_name": registry.workspaces[installation.workspace].name,
        "window": window.to_dict(),
        "tokens": {},
    }


def _facts(window: Window, notes: Mapping[str, Any], noted: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "before": str(noted.get("before") or ""),
        "expected": about(_announce.expected(_notes.part(notes, "announcements"))),
    }
