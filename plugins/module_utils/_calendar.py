# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows of rotations: kept in the notes of an installation, told to people, and what a run asks of them (private).

In the notes, `window: {id, start, end, zone, sequence, reminders: {LEFT/CHANNEL: {due, at, id}}}`, with `before` (the time that
a move has replaced) and `cancelled` (until people have been told). A window ends with the rotation that it is for.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _calendar_tell, _notes
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._calendar_reminders import Reminders
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    LockError,
    RotationError,
    StateError,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._report import POSTED
from ansible_collections.botops.rotation.plugins.module_utils._survey import WORKERS
from ansible_collections.botops.rotation.plugins.module_utils._window import Window

Entry = dict[str, Any]


def of_notes(notes: Mapping[str, Any] | None) -> Window | None:
    """The window that holds, None where there is none, or it was cancelled."""
    noted = _notes.part(notes, "window")
    return None if noted.get("cancelled") else Window.of(noted)


def schedule(here: Any, installation: Installation, wanted: Window, texts: Texts, check: bool) -> Entry:
    """Records the window, new or moved, tells people, and plans the reminders. Needs the lock. The same again goes on."""
    notes = _notes.read(here, installation)
    noted, before = _notes.part(notes, "window"), of_notes(notes)
    record = here.store.read(installation).record
    if record.under_way or record.awaited:
        raise StateError(
            f"a rotation of {installation.id} is under way, and may be finished at any time",
            "run rotate_bot to its end, then give a window for the next one",
        )
    if before is None:
        window = Window(wanted.start, wanted.end, wanted.zone, _new_id(wanted))
        noted.pop("before", None)
    elif before.same_time(wanted):
        window = before
    else:
        window = Window(wanted.start, wanted.end, wanted.zone, before.id, before.sequence + 1)
        noted["before"] = before.slack()
    kept = {**window.to_dict(), **{key: noted[key] for key in ("before", "reminders") if noted.get(key)}}
    if not check:
        _notes.put(here, installation, "window", lambda _before: kept)
    told = _calendar_tell.tell(here, installation, window, notes, kept, texts, check)
    entry = _settle(here, installation, window, {**notes, "window": kept}, texts, check)
    return {**entry, "announcements": told, "changed": entry["changed"] or before is None or before != window}


def cancel(here: Any, installation: Installation, texts: Texts, check: bool) -> Entry:
    """Takes the reminders back, tells people, and forgets the window. Needs the lock. No window is nothing to do."""
    notes = _notes.read(here, installation)
    noted = _notes.part(notes, "window")
    window = Window.of(noted)
    if window is None:
        return entry_of(installation)
    if not check:
        _notes.put(here, installation, "window", lambda before: {**before, "cancelled": True})
    entry = _settle(here, installation, None, notes, texts, check)
    told = _calendar_tell.tell(here, installation, window, notes, noted, texts, check, "cancelled")
    if not check and not entry["error"] and all(one["state"] in (*POSTED, "unknown") for one in told):
        _notes.put(here, installation, "window", lambda _before: {})
    return {**entry, "window": describe(window, here.vault.now()), "announcements": told, "changed": True}


def close(here: Any, installation: Installation, check: bool) -> Entry:
    """Forgets the window of a rotation that is done, with its reminders that are not posted yet. Needs the lock."""
    notes = _notes.read(here, installation)
    if not _notes.part(notes, "window"):
        return entry_of(installation)
    return {**_forget(here, installation, notes, check), "changed": True}


def _forget(here: Any, installation: Installation, notes: Mapping[str, Any], check: bool) -> Entry:
    """Without reminders that wait the window is forgotten; else it does not hold any more, and is forgotten later."""
    entry = _settle(here, installation, None, notes, Texts(), check)
    if not check:
        left = {"cancelled": True} if entry["error"] else {}
        _notes.put(here, installation, "window", lambda before: {**before, **left} if left else {})
    return entry


def plan_due(here: Any, installations: Iterable[Installation], texts: Texts, check: bool = False) -> list[Entry]:
    """Plans the reminders that can be planned now, for each installation that has a window: an entry for each of these.

    Takes the lock of an installation for what it changes; one that another run holds is left to the next time. What
    fails is in the entry's `error`; only a Vault that is down is raised.
    """
    installations, found, _vault = list(installations), [], here.vault  # one login for all threads
    with ThreadPoolExecutor(WORKERS) as pool:
        windows = pool.map(lambda each: _read(here, each), installations)
    for installation, (notes, problem) in zip(installations, windows):
        try:
            if problem:
                raise problem
            if _notes.part(notes, "window"):
                found.append(_plan_one(here, installation, notes, texts, check))
        except VaultUnavailable:
            raise
        except LockError as exc:
            found.append({**entry_of(installation), "warnings": [f"left to the next run: {exc.message}"]})
        except RotationError as exc:
            found.append(entry_of(installation, error=str(exc)))
    return found


def _read(here: Any, installation: Installation) -> tuple[dict[str, Any], RotationError | None]:
    try:
        return _notes.read(here, installation), None
    except RotationError as exc:
        return {}, exc


def _plan_one(here: Any, installation: Installation, notes: Mapping[str, Any], texts: Texts, check: bool) -> Entry:
    window = of_notes(notes)
    noted = _notes.part(_notes.part(notes, "window"), "reminders")
    idle = window is not None and not Reminders(here, installation, None).to_do(window, noted, here.vault.now())
    if check or (idle and _calendar_tell.is_told(here, installation, window, notes)):
        return _settle(here, installation, window, notes, texts, True)
    with here.locked([installation], check):
        notes = _notes.read(here, installation)
        window = of_notes(notes)
        if window is None:
            return _forget(here, installation, notes, check)
        entry = _settle(here, installation, window, notes, texts, check)
        if not _calendar_tell.is_told(here, installation, window, notes):  # what could not be told then
            entry["announcements"] = _calendar_tell.tell(
                here, installation, window, notes, _notes.part(notes, "window"), texts, check
            )
            entry["changed"] = True
        return entry


def describe(window: Window | None, now: datetime) -> dict[str, Any]:
    """A window as plans, reports and status have it; empty where there is none."""
    return {**window.to_dict(), "words": window.words(), "stands": window.stands(now)} if window else {}


def _new_id(window: Window) -> str:
    return f"window-{window.start:%Y%m%dT%H%MZ}-{secrets.token_hex(2)}"


def entry_of(installation: Installation, window: dict[str, Any] | None = None, error: str = "") -> Entry:
    """What is told of one installation; with nothing done yet."""
    return {
        "installation": installation.id,
        "window": window or {},
        "reminders": [],
        "announcements": [],
        "warnings": [],
        "error": error,
        "file": "",
        "changed": False,
    }


def _settle(
    here: Any,
    installation: Installation,
    window: Window | None,
    notes: Mapping[str, Any],
    texts: Texts,
    check: bool,
) -> Entry:
    """The reminders in line with the window. A failure of Slack's is in `error`: nothing is stopped by it."""
    now = here.vault.now()
    entry = entry_of(installation, describe(window, now))
    noted = _notes.part(_notes.part(notes, "window"), "reminders")
    reminders = _calendar_tell.reminders(here, installation, window, notes, texts)
    if check or not reminders.to_do(window, noted, now):
        entry["reminders"] = reminders.expected(window, noted, now)
        return entry
    try:
        kept, entry["reminders"] = reminders.settle(window, noted, now)
    except RotationError as exc:
        return {**entry, "error": f"the reminders could not be planned: {exc.message}"}
    entry["warnings"] = reminders.warnings
    failed = [f"{one['left']} in {one['channel']}: {one['evidence']}" for one in entry["reminders"] if one["evidence"]]
    entry["error"] = f"reminders could not be planned: {'; '.join(failed)}" if failed else ""
    if kept != noted:
        _notes.put(here, installation, "window", lambda before: {**before, "reminders": kept} if before else {})
        entry["changed"] = True
    return entry
