# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revoking a bot's tokens so that its next installation gives new ones (private to the collection).

The point of no return. What is lost with it is saved before, the record says before Slack is asked that it is going to
be, and after it that Slack refuses the old token: at whatever instant a run dies, the next one knows.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _memberships, _notes, _revoke, _rotation
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record, State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen, stamp
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey

WHAT_DIES = (
    "Revoking ends every token of the app in the workspace, the user token among them. The bot is deactivated, leaves its "
    "channels, and its incoming webhooks stop working; its services are down until the app is installed again and they "
    "have the new token. There is no way back."
)


def revoke(here: Any, seen: Seen, survey: Survey, run_id: str) -> Record:
    """To `revoked`, from wherever it stands."""
    old = seen.tokens.get("bot")
    if old is None:
        raise StateError(f"{seen.installation.id} has no current bot token", "stage a token with stage_token")
    probe = survey.probe(old)
    if not seen.record.awaited:
        if probe is None or probe.life is Life.UNKNOWN:
            said = probe.evidence if probe else "Slack was not asked"
            raise StateError(
                f"whether Slack accepts the old token {old.fingerprint} is not known: {said}",
                "run rotate_bot again when Slack answers: nothing was revoked",
            )
        _save_memberships(here, seen, old, probe.alive)
        known = {name: _known(seen, name, stored, survey) for name, stored in seen.tokens.items() if stored}
        here.store.save(seen, _rotation.revoke(seen.record, seen.tokens, known, run_id, here.store.at()))
    if seen.record.state is State.REVOKING:
        end = _revoke.end(here.slack, old.token, probe or here.slack.probe(old.token))
        if end.outcome not in _revoke.DEAD:
            raise StateError(
                f"the old token {old.fingerprint} was to be revoked, and is {end.outcome}: {end.evidence}",
                "run rotate_bot again: it goes on from here",
            )
        here.store.save(seen, _rotation.revoked(seen.record, {old.fingerprint: Life.DEAD}))
    return seen.record


def _known(seen: Seen, name: str, stored: Stored, survey: Survey) -> Known:
    """What is known of a current token, which the new one is compared with when Slack will not tell any more."""
    before = seen.record.current.get(name)
    before = before if before and before.fingerprint == stored.fingerprint else None
    probe = survey.probe(stored)
    if probe is None or not probe.alive:
        return before or Known(stored.fingerprint)
    identity = {**(before.identity if before else {}), **probe.identity}
    return Known(stored.fingerprint, before.at if before else "", identity, probe.scopes)


def _save_memberships(here: Any, seen: Seen, old: Stored, alive: bool) -> None:
    found = (
        _memberships.snapshot(here.slack, old.token)
        if alive
        else {"channels": [], "unknown": ["the old token was dead already, so Slack could not be asked"]}
    )
    entry = {"of": old.fingerprint, "at": stamp(here.vault.now()), **found}

    def change(saved: dict[str, Any]) -> dict[str, Any]:
        return entry if alive or saved.get("of") != old.fingerprint else saved

    _notes.put(here, seen.installation, "memberships", change)


def restore_memberships(here: Any, seen: Seen, replaced: str, check: bool) -> dict[str, Any] | None:
    """Joins the channels that the token `replaced` was in, with the current one; None where nothing was saved."""
    before = _notes.part(_notes.read(here, seen.installation), "memberships")
    current = seen.tokens.get("bot")
    if before.get("of") != replaced or current is None:
        return None
    if check:
        return {"joined": [], "there": [], "missing": [], "unknown": []}
    user = seen.record.current["bot"].identity.get("user") if "bot" in seen.record.current else None
    return _memberships.restore(here.slack, current.token, before, user or seen.installation.bot)
