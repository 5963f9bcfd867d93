# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An old token that lives, and that the operator has named in `revoke_old`: whether it may be revoked, and its end (private).

It is revoked at the end of a rotation, when every service runs on the new one. What must not happen is that the new one, or
one that is in use elsewhere, ends with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _revoke
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe
from ansible_collections.botops.rotation.plugins.module_utils._named import END_IT, TOKENS, called
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify

ROTATING = (Kind.ROTATING_BOT, Kind.ROTATING_USER)
PLANNED = "Slack still accepts it; it is revoked at the end of the run (revoke_old)"
CAUTION = "the old {name} token {old} is to be revoked, and is static: if the new one is of the same app, Slack ends that as well"


def why_not(survey: Survey, seen: Seen, name: str, old: Stored, new: Stored) -> str:
    """Why an old token must not be revoked; empty where it may. `survey` has to be of every row of the registry."""
    if name in seen.installation.secrets:
        return f"Slack's API ends no secret that is not a token; {END_IT[seen.installation.kind(name)]}"
    if old.fingerprint == new.fingerprint:
        return "it is the new one as well"
    own = f"{seen.installation.id}/{name}"
    users = sorted(set(_users(survey, old.fingerprint)) - {f"current of {own}"})
    current = seen.tokens.get(name)
    if current and current.fingerprint == old.fingerprint and not seen.record.pending.get(name):
        users.append(f"current of {own}")  # nothing is there to take its place
    if users:
        return f"it is {', '.join(users)}"
    if survey.errors:
        return f"{', '.join(sorted(survey.errors))} could not be read, and may use it"
    static = classify(old.token) not in ROTATING
    if static and new.rotates:
        return "it was exchanged for a token of Slack's rotation mode: Slack ends it at the first refresh by itself"
    bot = seen.tokens.get("bot")
    if static and name == "user" and bot:
        return f"it is a user token, and with it would end the bot token {bot.fingerprint} of the same installation"
    return ""


def _users(survey: Survey, fingerprint: str) -> list[str]:
    """Where a token is current or pending."""
    return [
        f"{stage} of {seen.installation.id}/{name}"
        for seen in survey.seen.values()
        for name, current in seen.tokens.items()
        for stage, stored in (("current", current), ("pending", seen.record.slot(name).pending))
        if stored and stored.fingerprint == fingerprint
    ]


def planned(survey: Survey, seen: Seen, name: str, old: Stored | None, new: Stored) -> str:
    """For a plan: a word of caution, or empty. StateError where it must not be revoked."""
    if old is None:
        return ""
    why = why_not(survey, seen, name, old, new)
    if why:
        raise StateError(
            f"the old {called(name)} {old.fingerprint} must not be revoked: {why}",
            "run it without revoke_old",
        )
    static = classify(old.token) not in ROTATING
    return CAUTION.format(name=name, old=old.fingerprint) if static else ""


def end(
    here: Any, survey: Survey, everything: Survey, seen: Seen, row: Mapping[str, Any], wanted: frozenset[str]
) -> str:
    """Revokes the old tokens of a row that are wanted and live, then asks Slack about all of the row's tokens again.

    What Slack says then is in `survey`. Gives what was done, in words; empty where nothing was.
    """
    done = []
    for name, token in row["tokens"].items():
        old, new = seen.record.slot(name).previous, seen.tokens.get(name)
        probe = survey.probe(old)
        meant = old and new and (old.fingerprint, new.fingerprint) == (token["old"], token["new"])
        if not (meant and probe and probe.alive and token["old"] in wanted):
            continue
        why = why_not(everything, seen, name, old, new)
        if why:
            done.append(f"the old {name} token {old.fingerprint} was not revoked: {why}")
            continue
        here.store.before_write(seen.installation)  # only a run that holds the lock ends anything
        ended = _revoke.end(here.slack, old.token, probe)
        dead = ended.outcome in _revoke.DEAD
        survey.probes[old.fingerprint] = (
            Probe(Life.DEAD, "revoked", f"revoked by this run: {ended.evidence}")
            if dead
            else here.slack.probe(old.token)
        )
        done.append(f"the old {name} token {old.fingerprint} was {'' if dead else 'not '}revoked: {ended.evidence}")
    if done:
        for name in TOKENS:
            stored = seen.tokens.get(name)
            if stored:
                survey.probes[stored.fingerprint] = here.slack.probe(stored.token)
    return "; ".join(done)
