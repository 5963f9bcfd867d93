# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what is to be done for each installation, from what was read (private to the collection, pure).

A row of the plan, and later of the report, is a dictionary without secrets:

    id, bot, workspace, workspace_name, action, state, rotation_id, attempt, outcome, reason, next_step,
    old_fingerprint, new_fingerprint, identity, proofs, warnings,
    tokens: {bot: {path, old, new, old_life, new_life, evidence, restorable, identity, proofs}, user: ...}

`action` is promote, resume, adopt, converge, none, or (in a rollback, see `_decide_back`) restore; `outcome` is what the run is expected to end with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _proofs
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, StateError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Probe
from ansible_collections.botops.rotation.plugins.module_utils._record import State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey
from ansible_collections.botops.rotation.plugins.module_utils._tokens import problem

CHANGING = ("promote", "resume", "adopt", "restore")
Row = dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """What the operator has said for this run; the sets hold fingerprints."""

    accept_identity: frozenset[str] = frozenset()
    accept_scopes: frozenset[str] = frozenset()
    keep_old: frozenset[str] = frozenset()
    unattended: bool = False
    rotation_days: int = 365
    warn_days: int = 30


def decide(installation: Installation, survey: Survey, registry: Registry, choices: Choices, now: datetime) -> Row:
    """The row of one installation."""
    row = blank(installation, registry)
    if installation.id in survey.errors:
        return refuse(row, survey.errors[installation.id])
    seen = survey.seen[installation.id]
    row.update(state=seen.record.state.value, rotation_id=seen.record.rotation_id, attempt=seen.record.attempt)
    try:
        _decide(row, seen, survey, registry, choices, now)
    except RotationError as exc:
        return refuse(row, exc)
    return row


def blank(installation: Installation, registry: Registry) -> Row:
    """A row of which nothing is known yet."""
    return {
        "id": installation.id,
        "bot": installation.bot,
        "workspace": installation.workspace,
        "workspace_name": registry.workspaces[installation.workspace].name,
        "action": "none",
        "state": State.NONE.value,
        "rotation_id": "",
        "attempt": 1,
        "outcome": "refused",
        "reason": "",
        "next_step": "",
        "old_fingerprint": None,
        "new_fingerprint": None,
        "identity": {},
        "proofs": {},
        "warnings": [],
        "tokens": {},
    }


def refuse(row: Row, error: RotationError) -> Row:
    """The row, refused before anything was written."""
    return {**row, "action": "none", "outcome": "refused", "reason": error.message, "next_step": error.next_step}


def _decide(row: Row, seen: Seen, survey: Survey, registry: Registry, choices: Choices, now: datetime) -> None:
    strategy = registry.bots[row["bot"]].strategy
    if strategy != "staged":
        raise StateError(f"the strategy {strategy} is not built yet", f"set botops_bots.{row['bot']}.strategy: staged")
    record = seen.record
    row["warnings"] += [
        f"the current {name} token is stored with white space around it"
        for name, current in seen.current.items()
        if current.padded and name in ("bot", *record.rotating)
    ]
    if record.state in (State.ROLLED_BACK, State.RESTORING) and choices.unattended:
        raise StateError(
            f"the last attempt of {record.rotation_id} was rolled back, and an unattended run does not try again",
            "look at the report of that attempt, mend what failed, and run rotate_bot yourself",
        )
    if record.under_way:
        row["action"] = "resume"
        _judge(row, seen, record.rotating, survey, registry, choices)
    elif record.pending:
        row["action"] = "promote"
        _judge(row, seen, tuple(record.pending), survey, registry, choices)
    elif row["id"] in survey.unfinished and _may_finish(seen, survey):
        _finish(row, seen, survey)
    else:
        _decide_without_pending(row, seen, survey, registry, choices, now)
    headline(row)


def _may_finish(seen: Seen, survey: Survey) -> bool:
    """Whether what the ended rotation brought into use is what is there, and alive."""
    for name in seen.record.replaces:
        current, known = seen.tokens.get(name), seen.record.current.get(name)
        probe = survey.probe(current)
        if not (current and known and known.fingerprint == current.fingerprint and probe and probe.alive):
            return False
    return bool(seen.record.replaces)


def _finish(row: Row, seen: Seen, survey: Survey) -> None:
    """The last steps of a rotation that has ended, which the run that ended it did not come to."""
    row.update(action="resume", outcome="rotated")
    for name, replaced in seen.record.replaces.items():
        new = seen.tokens[name]
        entry = row["tokens"][name] = token(seen, name, None, new, None, survey.probe(new))
        entry["old"] = replaced or None
        before = "it was judged when it became current"
        entry["proofs"] = {
            "changed": _proofs.changed(entry["old"], new.fingerprint),
            "same_identity": _proofs.proof(True, before),
            "scopes": _proofs.proof(True, before),
            "old_refused": _proofs.proof(True, "it was judged when the rotation ended"),
            "in_use": _proofs.proof(None, "not rolled out yet"),
        }


def _decide_without_pending(
    row: Row, seen: Seen, survey: Survey, registry: Registry, choices: Choices, now: datetime
) -> None:
    """Nothing is staged: overwritten by hand, young enough, to be converged, or due."""
    record = seen.record
    overwritten = tuple(
        name
        for name, known in record.current.items()
        if known.fingerprint and seen.tokens.get(name) and seen.tokens[name].fingerprint != known.fingerprint
    )
    if overwritten:
        row["action"] = "adopt"
        row["warnings"].append(
            "the current token was overwritten by hand, so the old one is not known any more: whether Slack refuses it "
            "cannot be asked"
        )
        _judge(row, seen, overwritten, survey, registry, choices)
        return
    current = seen.tokens.get("bot")
    probe = survey.probe(current)
    stage = f"stage a new token: ansible-playbook botops.rotation.stage_token -e bot={row['bot']} -e workspace={row['workspace']}"
    row.update(outcome="nothing_staged", next_step=stage)
    if current is None or probe is None:
        row["reason"] = f"nothing is staged, and there is no token at {seen.installation.bot_token_path}"
        return
    row["tokens"]["bot"] = token(seen, "bot", None, current, None, probe)
    if not probe.alive:
        row["reason"] = (
            f"nothing is staged, and the current token {current.fingerprint} is {probe.life.value}: {probe.evidence}"
        )
        return
    row["action"] = "converge"
    known = record.current.get("bot")
    days = _age(known.at if known else "", now)
    if days is not None and days < choices.rotation_days - choices.warn_days:
        left = choices.rotation_days - days
        row.update(outcome="already", reason=f"rotated {days} days ago, due in {left} days", next_step="")
    else:
        age = "of unknown age" if days is None else f"{days} days old (due at {choices.rotation_days})"
        row["reason"] = f"nothing is staged; the current token {current.fingerprint} is alive and {age}"


def _judge(row: Row, seen: Seen, names: tuple[str, ...], survey: Survey, registry: Registry, choices: Choices) -> None:
    """Validates the tokens that are to become current (or are it already), or refuses the row."""
    for name in names:
        old, new = _pair(seen, name, row["action"])
        what = f"the {'current' if row['action'] == 'adopt' else 'pending'} {name} token of {row['id']}"
        _require_usable(what, new, name, survey, seen.installation)
        entry = token(seen, name, old, new, survey.probe(old), survey.probe(new))
        old_fingerprint = entry["old"] = _old_fingerprint(seen, name, old, row["action"])
        entry["proofs"] = {
            **_require_proofs(what, row, seen, name, old, new, survey, registry, choices),
            "old_refused": _proofs.old_refused(old_fingerprint, survey.probe(old), old_fingerprint in choices.keep_old),
            "in_use": _proofs.proof(None, "not rolled out yet"),
        }
        row["tokens"][name] = entry
    row["outcome"] = "rotated"
    alive = [
        token
        for token in row["tokens"].values()
        if token["old_life"] == "alive" and token["old"] not in choices.keep_old
    ]
    if alive:
        row["outcome"] = "old_alive"
        row["reason"] = f"Slack still accepts the old token {alive[0]['old']}"
        row["next_step"] = f"find out in Slack why both live, or state that it may: -e keep_old={alive[0]['old']}"


def judge_staged(
    seen: Seen, name: str, new: Stored, survey: Survey, registry: Registry, choices: Choices
) -> dict[str, _proofs.Proof]:
    """Validates a token that is to be staged, as the rotation to it will; raises what is wrong with it."""
    installation = seen.installation
    row = {"id": installation.id, "bot": installation.bot, "workspace": installation.workspace, "action": "promote"}
    what = f"the new {name} token of {installation.id}"
    _require_usable(what, new, name, survey, installation)
    return _require_proofs(what, row, seen, name, seen.tokens.get(name), new, survey, registry, choices)


def _require_proofs(
    what: str,
    row: Row,
    seen: Seen,
    name: str,
    old: Stored | None,
    new: Stored,
    survey: Survey,
    registry: Registry,
    choices: Choices,
) -> dict[str, _proofs.Proof]:
    """The proofs that must hold before anything is written."""
    proofs = {
        "changed": _proofs.changed(_old_fingerprint(seen, name, old, row["action"]), new.fingerprint),
        "same_identity": _identity(row, seen, name, old, new, survey, registry, choices),
        "scopes": _scopes(row, seen, name, old, new, survey, registry, choices),
    }
    mend = {
        "changed": "revoke the old token in Slack, install the app again, and stage the token that it gives then",
        "same_identity": "stage a token of this bot in this workspace"
        if proofs["same_identity"]["result"] is False
        else f"if this is right, run again with -e accept_identity={new.fingerprint}; else stage another token",
        "scopes": "install the app again with these scopes, and stage the token that it gives; where only scopes of the "
        f"old token are missing, and that is meant, run again with -e accept_scopes={new.fingerprint}",
    }
    for name_of_proof, proof in proofs.items():
        if proof["result"] is not True:
            raise TokenError(f"{what}, {new.fingerprint}: {proof['evidence']}", mend[name_of_proof])
    return proofs


def _pair(seen: Seen, name: str, action: str) -> tuple[Stored | None, Stored]:
    """(old, new) of a token. After an adoption the old one is known by its fingerprint alone."""
    slot = seen.record.slot(name)
    if action == "promote":
        return seen.tokens.get(name), slot.pending
    new = slot.pending or seen.tokens.get(name)
    if new is None:
        raise StateError(
            f"the rotation of {seen.installation.id} is {seen.record.state.value}, and its {name} token is nowhere in Vault",
            "put the new token back into current, then run again",
        )
    replaced = _old_fingerprint(seen, name, slot.previous, action)
    old = slot.previous  # or what an earlier rotation has left there, because it was to be kept
    return old if old and old.fingerprint == replaced else None, new


def _old_fingerprint(seen: Seen, name: str, old: Stored | None, action: str) -> str | None:
    """What is taken out of use: known to the record even where the token itself is nowhere any more."""
    if action == "adopt":
        return seen.record.current[name].fingerprint
    if action == "resume" and seen.record.replaces.get(name):
        return seen.record.replaces[name]
    return old.fingerprint if old else None


def _require_usable(what: str, new: Stored, name: str, survey: Survey, installation: Installation) -> None:
    wrong = problem(new.token, name)
    if wrong:
        raise TokenError(f"{what} {wrong}", "stage the token as Slack shows it")
    others = sorted(survey.holders.get(new.fingerprint, set()) - {f"{installation.id}/{name}"})
    if others:
        raise TokenError(
            f"{what}, {new.fingerprint}, is also that of {', '.join(others)}", "stage this row's own token"
        )
    probe = survey.probe(new)
    if probe is None or not probe.alive:
        life, evidence = (probe.life.value, probe.evidence) if probe else ("unknown", "Slack was not asked")
        raise TokenError(
            f"{what}, {new.fingerprint}, is {life}: {evidence}",
            "run again when Slack answers, or check the app's IP allowlist"
            if life == "unknown"
            else "stage a live token",
        )


def token(
    seen: Seen, name: str, old: Stored | None, new: Stored, old_probe: Probe | None, new_probe: Probe | None
) -> dict[str, Any]:
    """What the plan says of one token. `restorable`: Slack accepted the old one in this run."""
    return {
        "path": seen.installation.path(name),
        "old": old.fingerprint if old else None,
        "new": new.fingerprint,
        "old_life": old_probe.life.value if old_probe else None,
        "new_life": new_probe.life.value if new_probe else None,
        "evidence": old_probe.evidence if old_probe else "",
        "restorable": bool(old_probe and old_probe.alive),
        "identity": dict(new_probe.identity) if new_probe else {},
        "proofs": {},
    }


def _identity(
    row: Row,
    seen: Seen,
    name: str,
    old: Stored | None,
    new: Stored,
    survey: Survey,
    registry: Registry,
    choices: Choices,
) -> _proofs.Proof:
    bot, installation = registry.bots[row["bot"]], seen.installation
    old_probe = survey.probe(old)
    known = seen.record.current.get(name)
    registered: Mapping[str, str] = {"app_id": bot.app_id or ""}
    if name == "bot":
        registered = {**registered, "user_id": installation.bot_user_id or ""}
    references = [
        ("the live old token", old_probe.identity if old_probe and old_probe.alive else {}),
        (
            "the record",
            known.identity if known and known.identity else old.identity if old else {},
        ),
        ("the registry", {key: value for key, value in registered.items() if value}),
    ]
    return _proofs.same_identity(
        survey.probe(new).identity,
        registry.workspaces[row["workspace"]].team_id,
        references,
        new.fingerprint in choices.accept_identity,
        row["id"] if name == "bot" else "",
    )


def _scopes(
    row: Row,
    seen: Seen,
    name: str,
    old: Stored | None,
    new: Stored,
    survey: Survey,
    registry: Registry,
    choices: Choices,
) -> _proofs.Proof:
    required = registry.bots[row["bot"]].required_scopes if name == "bot" else ()
    old_probe, known = survey.probe(old), seen.record.current.get(name)
    before = old_probe.scopes if old_probe and old_probe.alive else ()
    if not before and known and known.fingerprint != new.fingerprint:
        before = known.scopes
    if not before and old:
        before = old.scopes
    return _proofs.scopes(survey.probe(new).scopes, required, before, new.fingerprint in choices.accept_scopes)


def headline(row: Row) -> None:
    """The row's own fingerprints, identity and proofs are those of its bot token, or of the only one that rotates."""
    token = row["tokens"].get("bot") or next(iter(row["tokens"].values()), None)
    if token:
        row.update(
            old_fingerprint=token["old"],
            new_fingerprint=token["new"],
            identity=token["identity"],
            proofs=token["proofs"],
        )


def _age(at: str, now: datetime) -> int | None:
    """Whole days since `at`, or None when it is not known."""
    try:
        then = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return max(0, (now - then) // timedelta(days=1))
