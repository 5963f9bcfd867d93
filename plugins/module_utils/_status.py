# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where installations stand, in one line each (private to the collection)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import (
    _calendar,
    _install_approval,
    _install_requests,
    _lease,
    _missing,
    _refresh_words,
    _survey,
)
from ansible_collections.botops.rotation.plugins.module_utils._named import TOKENS, called
from ansible_collections.botops.rotation.plugins.module_utils._record import State
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen, stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation

NEXT = {
    State.NONE: "stage a new token with stage_token when the next one is due",
    State.REVOKING: "run rotate_bot: it was stopped while it revoked the old token, and goes on from there",
    State.REVOKED: "install the app: run rotate_bot, which opens the install page, or install_app",
    State.STAGED: "run rotate_bot: a new token waits",
    State.PROMOTING: "run rotate_bot: it was stopped while it made the new token current, and goes on from there",
    State.PROMOTED: "run rotate_bot: the new token is current, and its services or the last proof are to be finished",
    State.ROTATED: "nothing to do",
    State.RESTORING: "run rotate_bot: it was stopped on the way back to the old token",
    State.ROLLED_BACK: "mend what failed, then run rotate_bot: the new token is still pending",
    State.ABORTED: "nothing is pending; stage a new token with stage_token",
}


def read(
    here: Any, installations: Iterable[Installation], warn: Callable[[str], Any] = lambda _words: None
) -> list[dict[str, Any]]:
    """One entry per installation, without secrets. What cannot be read says why."""
    installations = list(installations)
    survey = _survey.read(here.store, installations)
    _survey.read_chains(survey, here.registry, here.store, installations)
    listed = _install_requests.ask(here, installations)
    for words in dict.fromkeys(answer.problem for answer in listed.values() if answer.problem):
        warn(words)
    return [_entry(here, each, survey, listed.get(each.id)) for each in installations]


def _entry(
    here: Any,
    installation: Installation,
    survey: _survey.Survey,
    listed: _install_requests.Answer | None = None,
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": installation.id,
        "bot": installation.bot,
        "workspace": installation.workspace,
        "state": "unknown",
        "rotation_id": "",
        "tokens": {},
        "lock": "",
        "missing": {},
        "approval": "",
        "window": {},
        "expires_at": "",
        "next_step": "",
        "error": "",
    }
    if installation.id in survey.errors:
        error = survey.errors[installation.id]
        return {**entry, "error": error.message, "next_step": error.next_step}
    seen = survey.seen[installation.id]
    held = _lease.holder(here.vault, here.registry.lock_path(installation), installation.id)
    valid = held is not None and held.expires > here.vault.now()
    notes = here.vault.read(here.registry.notes_path(installation)).data
    missing = _missing.read(notes) if seen.record.state is State.PROMOTED else {}
    approval, asked = ("", "")
    if not seen.record.pending:
        listed = listed or _install_requests.Answer()
        approval, asked = listed.standing(_install_approval.since(notes), here.vault.now())
    chain, current = survey.chains.get(installation.id), seen.tokens.get("bot")
    ends = chain.ends(current) if chain else None
    goes_on = seen.record.pending or seen.record.under_way or seen.record.awaited
    refreshed = _refresh_words.next_step(chain, current, here.vault.now()) if chain and not goes_on else ""
    return {
        **entry,
        "state": seen.record.state.value,
        "rotation_id": seen.record.rotation_id,
        "tokens": _tokens(seen),
        "lock": f"{held.owner} until {held.expires:%Y-%m-%d %H:%M:%S} UTC" if valid else "",
        "missing": missing,
        "approval": approval,
        "window": _calendar.describe(_calendar.of_notes(notes), here.vault.now()),
        "expires_at": stamp(ends) if ends else "",
        "next_step": _next(
            seen, _missing.listed(missing, _missing.hosts(here.registry, installation.id)), asked, refreshed
        ),
    }


def _tokens(seen: Seen) -> dict[str, dict[str, str | None]]:
    """Fingerprints by token and stage."""

    def shown(stored: Any) -> str | None:
        return stored.fingerprint if stored else None

    return {
        name: {
            "current": shown(current),
            "pending": shown(seen.record.slot(name).pending),
            "previous": shown(seen.record.slot(name).previous),
            "since": seen.record.current[name].at if name in seen.record.current else None,
        }
        for name, current in seen.tokens.items()
    }


def _next(seen: Seen, missing: str = "", asked: str = "", refreshed: str = "") -> str:
    """The next step, in one plain sentence. `asked`: that of an admin's approval of the app; `refreshed`:
    what is next where Slack's rotation mode is in use, and nothing else is to be done.
    """
    record = seen.record
    if asked:
        return asked
    if missing:
        return f"run rotate_bot: not on the new token: {missing}"
    for name, known in record.current.items():
        current = seen.tokens.get(name)
        if current and not record.under_way and known.fingerprint and current.fingerprint != known.fingerprint:
            return (
                f"run rotate_bot: the current {called(name)} was overwritten by hand, and services may not have it yet"
            )
    return refreshed or NEXT[record.state]


def _in_window(window: Mapping[str, Any]) -> str:
    missed = ", which is over" if window and window["stands"] == "missed" else ""
    return f"; its window: {window['words']}{missed}" if window else ""


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each installation."""
    from tabulate import tabulate

    lines = []
    for row in rows:
        bot = row["tokens"].get("bot", {})
        stages = [bot.get(stage) or "-" for stage in ("current", "pending", "previous")]
        said = (row["error"] or row["next_step"]) + _in_window(row["window"])
        lines.append(
            [
                row["id"],
                row["state"].replace("_", " "),
                *stages,
                f"locked by {row['lock']}; {said}" if row["lock"] else said,
            ]
        )
        for name in row["tokens"]:
            if name not in TOKENS:
                stages = [row["tokens"][name].get(stage) or "-" for stage in ("current", "pending", "previous")]
                lines.append([f"  {called(name)}", "", *stages, ""])
    return tabulate(
        lines,
        headers=["installation", "state", "current", "pending", "previous", "next step"],
        tablefmt="plain",
        disable_numparse=True,
    )
