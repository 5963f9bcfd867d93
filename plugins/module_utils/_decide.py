# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what is to be done for each installation, from what was read (private to the collection, pure).

A row of the plan, and later of the report, is a dictionary without secrets:

    id, bot, workspace, workspace_name, action, state, rotation_id, attempt, routine, expires_at, outcome, reason, next_step,
    old_fingerprint, new_fingerprint, identity, proofs, warnings, missing (host -> why, where a run left any),
    tokens: {bot: {path, old, new, old_life, new_life, evidence, restorable, identity, proofs}, ...} (user, or a secret's name)

`action` is promote, resume, adopt, reinstall (the old token is revoked, or to be, and the new one comes of an
installation), exchange and refresh (the new one comes of Slack in this run, see `_decide_refresh`), converge, none, or (in
a rollback, see `_decide_back`) restore; `outcome` is what the run is expected to end with.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _decide_refresh, _proofs, _revoke_old
from ansible_collections.botops.rotation.plugins.module_utils._case import NOT_YET, Case, Choices, World, entry, to_come
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, StateError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._named import END_IT, OPEN, TOKENS, called
from ansible_collections.botops.rotation.plugins.module_utils._record import State
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen, stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey

CHANGING = ("promote", "resume", "adopt", "reinstall", "exchange", "refresh", "restore")
Row = dict[str, Any]


def decide(installation: Installation, survey: Survey, registry: Registry, choices: Choices, now: datetime) -> Row:
    """The row of one installation."""
    row = blank(installation, registry)
    if installation.id in survey.errors:
        return refuse(row, survey.errors[installation.id])
    seen = survey.seen[installation.id]
    record = seen.record
    row.update(state=record.state.value, rotation_id=record.rotation_id, attempt=record.attempt)
    goes_on = record.awaited or record.pending or record.under_way or installation.id in survey.unfinished
    row.update(revoked_at=record.revoked_at if goes_on else "")
    row.update(routine=record.routine and bool(record.pending or record.under_way or row["id"] in survey.unfinished))
    chain = survey.chains.get(row["id"])
    ends = chain.ends(record.slot("bot").pending or seen.tokens.get("bot")) if chain else None
    row.update(expires_at=stamp(ends) if ends else "")
    try:
        _decide(row, seen, World(survey, registry, choices), now)
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
        "revoked_at": "",
        "routine": False,
        "expires_at": "",
        "outcome": "refused",
        "reason": "",
        "next_step": "",
        "old_fingerprint": None,
        "new_fingerprint": None,
        "identity": {},
        "proofs": {},
        "warnings": [],
        "memberships": [],
        "missing": {},
        "tokens": {},
    }


def refuse(row: Row, error: RotationError) -> Row:
    """The row, refused before anything was written."""
    return {**row, "action": "none", "outcome": "refused", "reason": error.message, "next_step": error.next_step}


def _decide(row: Row, seen: Seen, world: World, now: datetime) -> None:
    record = seen.record
    row["warnings"] += [
        f"the current {called(name)} is stored with white space around it"
        for name, current in seen.current.items()
        if current.padded and name in ("bot", *record.rotating)
    ]
    row["warnings"] += _dead_secrets(seen, world.survey)
    if record.state in (State.ROLLED_BACK, State.RESTORING) and world.choices.unattended:
        raise StateError(
            f"the last attempt of {record.rotation_id} was rolled back, and an unattended run does not try again",
            "look at the report of that attempt, mend what failed, and run rotate_bot yourself",
        )
    refreshes = world.registry.bots[row["bot"]].strategy == "refresh"
    if refreshes and _decide_refresh.comes_first(row, seen, world, now):
        _decide_refresh.decide(row, seen, world, now)
    elif record.under_way:
        row["action"] = "resume"
        _judge(row, seen, record.rotating, world)
    elif record.pending:
        row["action"] = "promote"
        _judge(row, seen, tuple(record.pending), world)
    elif row["id"] in world.survey.unfinished and _may_finish(seen, world.survey):
        _finish(row, seen, world.survey)
    else:
        _decide_without_pending(row, seen, world, now)
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
        found = row["tokens"][name] = entry(seen, name, None, new, survey)
        found["old"] = replaced or None
        before = "it was judged when it became current"
        found["proofs"] = {
            "changed": _proofs.changed(found["old"], new.fingerprint),
            "same_identity": _proofs.proof(True, before),
            "scopes": _proofs.proof(True, before),
            "old_refused": _proofs.proof(True, "it was judged when the rotation ended"),
            "in_use": NOT_YET,
        }


def _decide_without_pending(row: Row, seen: Seen, world: World, now: datetime) -> None:
    """Nothing is staged: overwritten by hand, young enough, to be converged, or due."""
    record = seen.record
    overwritten = tuple(
        name
        for name, known in record.current.items()
        if known.fingerprint and seen.tokens.get(name) and seen.tokens[name].fingerprint != known.fingerprint
    )
    if overwritten and record.state is not State.REVOKING:
        row["action"] = "adopt"
        row["warnings"].append(
            "the current token was overwritten by hand, so the old one is not known any more: whether Slack refuses it "
            "cannot be asked"
        )
        _judge(row, seen, overwritten, world)
        return
    current = seen.tokens.get("bot")
    probe = world.survey.probe(current)
    if record.awaited:
        _reinstall(row, seen, world)
        return
    if world.registry.bots[row["bot"]].strategy == "refresh":
        _decide_refresh.decide(row, seen, world, now)
        if row["action"] == "converge":
            row["tokens"].update(converging(seen, world.survey))
        return
    stage = f"stage a new token: ansible-playbook botops.rotation.stage_token -e bot={row['bot']} -e workspace={row['workspace']}"
    row.update(outcome="nothing_staged", next_step=stage)
    if current is None or probe is None:
        row["reason"] = f"nothing is staged, and there is no token at {seen.installation.bot_token_path}"
        return
    row["tokens"]["bot"] = entry(seen, "bot", None, current, world.survey)
    strategy = world.registry.bots[row["bot"]].strategy
    if probe.dead and strategy == "reinstall":
        _reinstall(row, seen, world)
        return
    if not probe.alive:
        row["reason"] = (
            f"nothing is staged, and the current token {current.fingerprint} is {probe.life.value}: {probe.evidence}"
        )
        return
    row["action"] = "converge"
    row["tokens"].update(converging(seen, world.survey))
    known = record.current.get("bot")
    days = _age(known.at if known else "", now)
    if days is not None and days < world.choices.rotation_days - world.choices.warn_days:
        left = world.choices.rotation_days - days
        row.update(outcome="already", reason=f"rotated {days} days ago, due in {left} days", next_step="")
    elif strategy == "reinstall":
        _reinstall(row, seen, world)
    else:
        age = "of unknown age" if days is None else f"{days} days old (due at {world.choices.rotation_days})"
        row["reason"] = f"nothing is staged; the current token {current.fingerprint} is alive and {age}"


def _dead_secrets(seen: Seen, survey: Survey) -> list[str]:
    """Those that nothing is to replace, such as the webhooks that a revoke has ended."""
    found = []
    for name in seen.installation.secrets:
        probe = survey.probe(seen.tokens[name])
        if probe and probe.dead and not seen.record.slot(name).pending:
            found.append(f"the current {called(name)} is dead ({probe.evidence}): stage a new one, -e token={name}")
    return found


def converging(seen: Seen, survey: Survey) -> dict[str, Any]:
    """The secrets that go to services which lack them, beside the bot token."""
    current = {name: seen.tokens[name] for name in seen.installation.secrets if survey.probe(seen.tokens[name])}
    return {name: entry(seen, name, None, each, survey) for name, each in current.items() if survey.probe(each).usable}


def _reinstall(row: Row, seen: Seen, world: World) -> None:
    """The new token comes of an installation in this run, before which the old one is revoked, where it lives."""
    old = seen.tokens.get("bot")
    probe = world.survey.probe(old)
    since = f"it is waited for since {row['revoked_at']}, when the old one was revoked"
    missing = f"no new token has come of an installation: {since if row['revoked_at'] else 'the old one is dead'}"
    if not world.choices.install and not row["revoked_at"] and probe and probe.alive:
        raise StateError(f"the old token {old.fingerprint} was not revoked", "see above; then run rotate_bot again")
    if not world.choices.install:
        row.update(action="none", outcome="waiting", reason=missing)
        row["next_step"] = (
            "install the app: run rotate_bot again, which opens the install page, or install_app; or stage its token"
        )
        return
    if world.choices.unattended and row["revoked_at"]:
        raise StateError(missing, "install the app: run rotate_bot yourself, or install_app, or stage its token")
    row.update(action="reinstall", outcome="rotated", reason="", next_step="")
    row["tokens"]["bot"] = to_come(seen, world.survey, False)


def _judge(row: Row, seen: Seen, names: Iterable[str], world: World) -> None:
    """Validates the tokens that are to become current (or are it already), or refuses the row."""
    revoked = world.choices.revoke_old - world.choices.keep_old
    for name in names:
        case = Case.of(seen, name, row["action"])
        found = row["tokens"][name] = case.entry(world)
        if found["old_life"] == "alive" and found["old"] in revoked:
            caution = _revoke_old.planned(world.survey, seen, name, case.old, case.new)
            row["warnings"] += [caution] if caution else []
            found["proofs"]["old_refused"] = _proofs.proof(None, _revoke_old.PLANNED)
        row["warnings"] += [f"the {called(name)}: {OPEN}"] if found["new_life"] == Life.UNASKABLE.value else []
    row["outcome"] = "rotated"
    for name, token in row["tokens"].items():
        spared = token["overlaps"] or token["old"] in world.choices.keep_old | revoked
        if token["old_life"] == "alive" and not spared:
            row["outcome"] = "old_alive"
            end_it = END_IT.get(seen.installation.kind(name), "find out in Slack why both live")
            what = "token" if name in TOKENS else called(name)
            row["reason"] = f"Slack still accepts the old {what} {token['old']}"
            row["next_step"] = f"{end_it}, or state that it may live: -e keep_old={token['old']}"


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
