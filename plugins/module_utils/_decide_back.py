# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which installations can go back to their old token (private to the collection, pure).

Only to a token that Slack accepts in this run; everything else is refused, with what to do instead.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _decide, _proofs
from ansible_collections.botops.rotation.plugins.module_utils._case import NOT_YET, entry
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, StateError
from ansible_collections.botops.rotation.plugins.module_utils._named import OPEN, called
from ansible_collections.botops.rotation.plugins.module_utils._record import State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey

FORWARD = "go forward: run rotate_bot, or stage another new token with stage_token and rotate to that"


def decide(installation: Installation, survey: Survey, registry: Registry) -> _decide.Row:
    """The row of one installation, with the action `restore`; its `new` is the token that it goes back to."""
    row = _decide.blank(installation, registry)
    if installation.id in survey.errors:
        return _decide.refuse(row, survey.errors[installation.id])
    seen = survey.seen[installation.id]
    row.update(state=seen.record.state.value, rotation_id=seen.record.rotation_id, attempt=seen.record.attempt)
    try:
        if seen.record.state is State.ROLLED_BACK:
            _stay(row, seen, survey)
        else:
            _return(row, seen, survey)
    except RotationError as exc:
        return _decide.refuse(row, exc)
    _decide.headline(row)
    return row


def _return(row: _decide.Row, seen: Seen, survey: Survey) -> None:
    record = seen.record
    if not record.under_way and record.state is not State.ROTATED:
        raise StateError(
            f"there is nothing to go back from: the rotation is {record.state.value}",
            "rotation_status says what is next; abort_rotation drops what is pending",
        )
    names = [name for name in record.replaces if record.slot(name).previous]
    if not names:
        raise StateError(
            "no old token is kept: it was refused by Slack when the rotation ended, or never known", FORWARD
        )
    row.update(action="restore", outcome="rolled_back")
    for name in names:
        old, new = record.slot(name).previous, record.slot(name).pending or seen.tokens.get(name)
        probe = survey.probe(old)
        if probe is None or not probe.usable:
            life, evidence = (probe.life.value, probe.evidence) if probe else ("unknown", "Slack was not asked")
            raise StateError(
                f"the old {called(name)} {old.fingerprint} is {life}: {evidence}: no way leads back to it", FORWARD
            )
        row["tokens"][name] = _back(seen, name, new, old, survey)
        if not probe.alive:
            row["warnings"].append(f"the old {called(name)} {old.fingerprint}: {OPEN}")


def _back(seen: Seen, name: str, left: Stored | None, back: Stored, survey: Survey) -> dict[str, Any]:
    """The part of a row about a token: the one that is left, the one that it goes back to."""
    token = entry(seen, name, old=left, new=back, survey=survey)
    token["restorable"] = False  # from here nothing goes back once more
    token["proofs"] = {
        "changed": _proofs.changed(token["old"], token["new"]),
        "same_identity": _proofs.proof(True, "it is the token that was in use before"),
        "scopes": _proofs.proof(True, f"has {', '.join(survey.probes[back.fingerprint].scopes) or 'none'}"),
        "old_refused": _proofs.proof(None, "the token that is left is not retired: it stays pending"),
        "in_use": NOT_YET,
    }
    if name in seen.installation.secrets:
        del token["proofs"]["scopes"]
    return token


def _stay(row: _decide.Row, seen: Seen, survey: Survey) -> None:
    """It went back already: its hosts are looked after, and no more, but what the run that did it did not come to."""
    names = list(seen.record.pending)
    if row["id"] in survey.unfinished and all(_is_back(seen, name, survey) for name in names):
        # The attempt that went back, of which people were told under its number.
        row.update(action="restore", outcome="rolled_back", attempt=seen.record.attempt - 1)
        for name in names:
            row["tokens"][name] = _back(seen, name, seen.record.slot(name).pending, seen.tokens[name], survey)
        return
    current = seen.tokens.get("bot")
    probe = survey.probe(current)
    row.update(outcome="already", reason="it is on its old token already")
    if current and probe and probe.alive:
        row["action"] = "converge"
        row["tokens"]["bot"] = entry(seen, "bot", None, current, survey)
        row["tokens"].update(_decide.converging(seen, survey))


def _is_back(seen: Seen, name: str, survey: Survey) -> bool:
    """Whether current is what the record knows as the token that was gone back to, and alive."""
    current, known = seen.tokens.get(name), seen.record.current.get(name)
    probe = survey.probe(current)
    return bool(current and known and known.fingerprint == current.fingerprint and probe and probe.usable)
