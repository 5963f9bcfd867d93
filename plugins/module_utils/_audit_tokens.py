# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A row of the audit for each token: its age, its life, whose it is, what waits (private to the collection, pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _install_approval, _named, _notes, _proofs
from ansible_collections.botops.rotation.plugins.module_utils._audit_read import Found
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._tokens import classify

Row = dict[str, Any]
IDENTITY = {True: "right", False: "wrong", None: "unknown"}
NO_LONGER = "no service uses it; user tokens are no longer needed since slack-consumer uses Slack's Events API"


@dataclass(frozen=True)
class Terms:
    """What the rows are judged by. `users`: by token key (gobot/ibmcloud/bot), the services that use it."""

    registry: Registry
    probes: Mapping[str, Probe]
    users: Mapping[str, list[str]]
    now: datetime
    max_age: int
    due_within: int


def rows(found: Found, terms: Terms) -> list[Row]:
    """The rows of one installation, in the order of its tokens."""
    return [_row(found, name, terms) for name in found.installation.tokens]


def _row(found: Found, name: str, terms: Terms) -> Row:
    installation, stored = found.installation, found.stored(name)
    bot, probe = terms.registry.bots[installation.bot], terms.probes.get(stored.fingerprint) if stored else None
    needed, why_needed = _needed(found, name, terms)
    first = name == installation.tokens[0]  # what is of the installation as a whole stands once
    return {
        "installation": installation.id,
        "bot": installation.bot,
        "workspace": installation.workspace,
        "workspace_name": terms.registry.workspaces[installation.workspace].name,
        "environment": bot.environment,
        "token": name,
        "owners": list(bot.owners),
        "fingerprint": stored.fingerprint if stored else None,
        "kind": _kind(installation.kind(name), stored),
        **_age(found, name, terms),
        **_life(found, name, probe),
        **_identity(found, name, probe, terms),
        **_scopes(bot, name, probe),
        "needed": needed,
        "needed_evidence": why_needed,
        "pending": _pending(found, name, terms),
        "previous": _previous(found, name, terms),
        "rotation": _rotation(found, name, terms),
        "approval": _approval(found, terms.now) if first else None,
        "window": _window(found) if first else None,
    }


def _kind(expected: str, stored: Stored | None) -> str:
    if expected not in _named.TOKENS:
        return expected.replace("_", " ")
    return f"{classify(stored.token).value} token" if stored else f"{expected} token"


def _age(found: Found, name: str, terms: Terms) -> Row:
    """Since the record saw it become current, else since Vault's version was written."""
    stored, known, current = found.stored(name), found.record.current.get(name), found.current.get(name)
    issued, source = None, "unknown"
    if stored and known and known.fingerprint == stored.fingerprint and moment(known.at):
        issued, source = moment(known.at), "record"
    elif stored and current and moment(current.secret.created):
        issued, source = moment(current.secret.created), "kv metadata"
    due_at = issued + timedelta(days=terms.max_age) if issued else None
    left = (due_at - terms.now) // timedelta(days=1) if due_at else None
    due = "unknown" if left is None else "overdue" if left < 0 else "soon" if left <= terms.due_within else "ok"
    return {
        "issued_at": stamp(issued) if issued else None,
        "age_days": days(issued, terms.now),
        "age_from": source,
        "due_at": stamp(due_at) if due_at else None,
        "due_in_days": left,
        "due": due,
    }


def _life(found: Found, name: str, probe: Probe | None) -> Row:
    """`alive`, `dead` or `unknown`. What Slack cannot be asked about is unknown, too."""
    error = found.errors.get(name)
    in_vault = "unknown" if error else "yes" if found.stored(name) else "no"
    if probe:
        life = "unknown" if probe.life is Life.UNASKABLE else probe.life.value
        return {"in_vault": in_vault, "alive": life, "alive_evidence": probe.evidence}
    why = error.message if error else f"there is none in Vault at {found.installation.path(name)}"
    return {"in_vault": in_vault, "alive": "unknown", "alive_evidence": why}


def _identity(found: Found, name: str, probe: Probe | None, terms: Terms) -> Row:
    if probe is None or not probe.alive:
        return {"identity": "unknown", "identity_evidence": "only of what Slack accepts it can be told"}
    installation = found.installation
    team = terms.registry.workspaces[installation.workspace].team_id
    if name in installation.secrets:
        proof = _named.same_identity(installation.kind(name), probe, team)
    else:
        known = found.record.current.get(name)
        told = {"app_id": terms.registry.bots[installation.bot].app_id}
        told.update({"user_id": installation.bot_user_id} if name == "bot" else {})
        references = [
            ("the record", known.identity if known else {}),
            ("the registry", {key: value for key, value in told.items() if value}),
        ]
        proof = _proofs.same_identity(probe.identity, team, references, False, installation.id if name == "bot" else "")
        user = next((each["user_id"] for _where, each in references if each.get("user_id")), None)
        if (
            proof["result"] is None and user and user != probe.identity.get("user_id")
        ):  # what a rotation would ask about
            proof = {**proof, "result": False}
    return {"identity": IDENTITY[proof["result"]], "identity_evidence": proof["evidence"]}


def _scopes(bot: Any, name: str, probe: Probe | None) -> Row:
    """Against what the registry asks for; nothing where it asks for none, or Slack did not tell."""
    required = {"bot": bot.required_scopes, "user": bot.user_scopes}.get(name, ())
    granted = set(probe.scopes) if probe and probe.alive else set()
    if not required or not granted:
        return {"scopes_missing": [], "scopes_excess": []}
    return {"scopes_missing": sorted(set(required) - granted), "scopes_excess": sorted(granted - set(required))}


def _needed(found: Found, name: str, terms: Terms) -> tuple[bool, str]:
    """A user token is legacy: needed where the registry says so, and for nothing else."""
    users = terms.users.get(f"{found.installation.id}/{name}", [])
    if users:
        return True, f"used by {', '.join(users[:5])}{f' and {len(users) - 5} more' if len(users) > 5 else ''}"
    if name != "user":
        return True, "no service of the inventory uses it"
    if terms.registry.bots[found.installation.bot].user_scopes:
        return True, "no service of the inventory uses it, but its bot has user_scopes in the registry"
    if found.record.slot("user").pending:
        return True, "no service of the inventory uses it, but a new one waits"
    return False, NO_LONGER


def _pending(found: Found, name: str, terms: Terms) -> Row | None:
    waiting, current = found.record.slot(name).pending, found.stored(name)
    if waiting is None or (current and current.fingerprint == waiting.fingerprint):
        return None
    since = moment(waiting.at)
    probe = terms.probes.get(waiting.fingerprint)
    return {
        "fingerprint": waiting.fingerprint,
        "since": stamp(since) if since else None,
        "days": days(since, terms.now),
        "alive": probe.life.value if probe and probe.life is not Life.UNASKABLE else "unknown",
    }


def _previous(found: Found, name: str, terms: Terms) -> Row | None:
    old = found.replaced(name)
    probe = terms.probes.get(old.fingerprint) if old else None
    if old is None or probe is None:
        return None
    life = "unknown" if probe.life is Life.UNASKABLE else probe.life.value
    return {"fingerprint": old.fingerprint, "alive": life, "alive_evidence": probe.evidence}


def _rotation(found: Found, name: str, terms: Terms) -> Row | None:
    """Only where it stands half done: nobody holds the lock, so no run is at it."""
    record = found.record
    if not (record.under_way or record.awaited) or found.locked_by or name not in (record.rotating or ("bot",)):
        return None
    begun = re.match(r"\d{8}T\d{6}Z", record.rotation_id)
    since = moment(found.written) or moment(record.revoked_at)
    since = since or (datetime.strptime(begun[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc) if begun else None)
    return {
        "state": record.state.value,
        "rotation_id": record.rotation_id,
        "since": stamp(since) if since else None,
        "hours": round((terms.now - since).total_seconds() / 3600, 1) if since else None,
    }


def _approval(found: Found, now: datetime) -> Row | None:
    at = "" if found.record.pending else _install_approval.since(found.notes)
    return {"since": at, "days": days(moment(at), now)} if at else None


def _window(found: Found) -> Row | None:
    window = _notes.part(found.notes, "window")
    if window.get("cancelled") or not all(isinstance(window.get(key), str) for key in ("start", "end")):
        return None
    return {"start": window["start"], "end": window["end"]}


def moment(at: str | None) -> datetime | None:
    """A time as records have it, or Vault (`2026-11-23T02:00:00.123456Z`); None for what is none."""
    try:
        return datetime.strptime((at or "")[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def days(since: datetime | None, now: datetime) -> int | None:
    """Whole days since then."""
    return max(0, (now - since) // timedelta(days=1)) if since else None


def users(registry: Registry, key: Any) -> dict[str, list[str]]:
    """By token key, the services that use it: `gobot-consumer on bot-host-1`."""
    found: dict[str, list[str]] = {}
    for service in registry.services:
        for variable in service.options["env"].values():
            found.setdefault(key(variable), []).append(f"{service.name} on {service.host}")
    return found
