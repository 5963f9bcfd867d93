# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judgements that a rotation rests on: same identity, enough scopes, changed, old refused (private to the collection, pure).

Each gives a proof, `{"result": True | False | None, "evidence": text}`; None means that nothing could be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe

Proof = dict[str, Any]
Identity = Mapping[str, str]
OVERLAP = (
    ", and need not refuse it: in its rotation mode two tokens live side by side, and this one ends by itself, 12 hours "
    "after it was issued, or at the next refresh"
)


def proof(result: bool | None, evidence: str) -> Proof:
    return {"result": result, "evidence": evidence}


def changed(old: str | None, new: str) -> Proof:
    """New differs from old. A rotation that ends with new = old did not happen."""
    if old == new:
        return proof(False, f"new and old are the same token, {new}")
    return proof(True, f"{old} -> {new}" if old else f"there was no token before {new}")


def same_identity(
    new: Identity, team_id: str, references: Iterable[tuple[str, Identity]], accepted: bool, place: str
) -> Proof:
    """The new token is of the expected team, app and bot user.

    `references` are what it is compared with, in order: a live old token, the record, the registry; `place` is where
    in the registry a missing identity belongs, if it does. `accepted`: the operator has named this token in accept_identity.
    """
    if new.get("team_id") != team_id:
        return proof(False, f"it is a token of team {new.get('team_id')}, and the registry says {team_id}")
    references = [(where, identity) for where, identity in references if identity]
    proven = []
    for where, identity in references:
        if identity.get("app_id") and new.get("app_id"):
            if identity["app_id"] != new["app_id"]:
                return proof(False, f"it is a token of app {new['app_id']}, and {where} says {identity['app_id']}")
            proven.append(f"team and app as {where} says")
    user = next(((where, identity["user_id"]) for where, identity in references if identity.get("user_id")), None)
    if user and user[1] != new.get("user_id"):
        said = f"its user is {new.get('user_id')}, and {user[0]} says {user[1]}"
        if not proven:
            said += " (its app was not compared: where it belongs is told only to tokens with the scope users:read)"
        return proof(True, f"{said}; accepted by accept_identity") if accepted else proof(None, f"changed user: {said}")
    if user:
        proven.append(f"team and user as {user[0]} says")
    if proven:
        return proof(True, proven[0])
    if accepted:
        return proof(True, "nothing to compare with; accepted by accept_identity")
    return proof(
        None,
        f"unproven: team {team_id} is right, and there is nothing to compare the app or user with; {_line(new, place)}",
    )


def _line(new: Identity, place: str) -> str:
    """The line that belongs into the registry, if this token is the right one."""
    if not place:  # a person's token: the registry does not know people
        return f"its user is {new.get('user_id')}"
    if new.get("app_id"):
        return f"if it is the right app, add to the registry: botops_bots.{place.split('/')[0]}.app_id: {new['app_id']}"
    bot, workspace = place.split("/")
    return (
        f"if it is the right bot, add to the registry: botops_bots.{bot}.installations.{workspace}.bot_user_id: "
        f"{new.get('user_id')}"
    )


def scopes(granted: Iterable[str], required: Iterable[str], before: Iterable[str], accepted: bool) -> Proof:
    """Granted scopes contain the required ones, and those that the old token had (unless accepted by the operator)."""
    granted, required, before = set(granted), set(required), set(before)
    missing, lost = sorted(required - granted), sorted(before - required - granted)
    if missing:
        return proof(False, f"lacks the required scopes {', '.join(missing)}")
    if lost and not accepted:
        return proof(False, f"lacks {', '.join(lost)}, which the old token had")
    if lost:
        return proof(True, f"has all that are required; lacks {', '.join(lost)}, accepted by accept_scopes")
    return proof(True, f"has {', '.join(sorted(granted)) or 'none, and none are required'}")


def old_refused(old: str | None, probe: Probe | None, kept: bool, overlaps: bool = False) -> Proof:
    """Slack refuses the old token. `kept`: the operator has named it in keep_old. `overlaps`: the new one is of Slack's
    rotation mode, where the old one goes on for a while.
    """
    if not old:
        return proof(True, "there was no old token")
    if probe is None:
        return proof(None, f"the value of {old} was overwritten by hand, so Slack cannot be asked about it")
    if probe.life is Life.DEAD:
        return proof(True, probe.evidence)
    if probe.life is Life.UNASKABLE:
        return proof(None, f"{probe.evidence}, so not whether it is refused")
    if probe.life is Life.ALIVE:
        why = ", by a stated choice (keep_old)" if kept else OVERLAP if overlaps else ""
        return proof(False, f"Slack still accepts it{why}")
    return proof(None, probe.evidence)
