# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action `rotation` does for each of its states (private to the collection).

Every verb takes a session, the action's options and whether this is a dry run, and gives a result with `changed`,
`results` by installation id and `diff` (fingerprints only). A dry run reads and judges, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import (
    _plan,
    _proofs,
    _reinstall,
    _revoke_old,
    _rotation,
    _survey,
)
from ansible_collections.botops.rotation.plugins.module_utils._case import Case, Choices, World
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, StateError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._named import END_IT, called
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen, require_path
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._tokens import problem

Result = dict[str, Any]


def staged(here: Any, options: Mapping[str, Any], check: bool) -> Result:
    """Validates one new token with Slack and against the registry, and puts it into the pending slot."""
    name = options["token"]
    installation = target(here, options)
    require_usable(installation, name, options["value"])
    survey = _survey.read(here.store, _plan.everything(here.registry))
    seen = _read(survey, installation.id)
    new = Stored(options["value"])
    _survey.ask(survey, here.slack, [*_survey.of_concern(seen), (installation.judged_as(name), new)])
    _survey.add_told(survey, new, options.get("app_id"), options.get("scopes", ()))
    choices = Choices(frozenset(options["accept_identity"]), frozenset(options["accept_scopes"]))
    Case.staging(seen, name, new).prove(World(survey, here.registry, choices))
    probe, at = survey.probe(new), here.store.at()
    new = Stored(new.token, dict(probe.identity), probe.scopes, at, here.vault.who())
    rotation_id = _plan.run_id(here.vault.now(), [installation.bot])
    before = seen.record.pending.get(name)
    if check:
        record = _rotation.stage(seen.record, name, new, seen.tokens, survey.lives, rotation_id)
    else:
        record = here.store.stage(seen, name, new, survey.lives, rotation_id, options.get("routine", False))
    changed = before != record.pending.get(name)
    shown = {"fingerprint": new.fingerprint, "identity": new.identity, "scopes": list(new.scopes)}
    return {
        "changed": changed,
        "results": {installation.id: {"state": record.state.value, "rotation_id": record.rotation_id, **shown}},
        "diff": [_diff(here.registry.record_path(installation), f"{name} pending", before, new)] if changed else [],
    }


def require_usable(installation: Installation, name: str, value: str) -> None:
    """What can be said of a new token before anybody is asked: TokenError where it is none, or of another kind."""
    wrong = problem(value, installation.kind(name))
    if wrong:
        raise TokenError(f"The new {called(name)} of {installation.id} {wrong}", "give it as Slack shows it")


def holds(here: Any, installation: Installation, name: str, fingerprint: str) -> bool:
    """Whether Vault, read again, has a token as pending or current."""
    seen = here.store.read(installation)
    found = (seen.record.slot(name).pending, seen.tokens.get(name))
    return any(stored is not None and stored.fingerprint == fingerprint for stored in found)


def target(here: Any, options: Mapping[str, Any]) -> Installation:
    """The one installation that a token is staged for; looked up before anybody is asked for a token."""
    rows = options["installations"]
    if len(rows) != 1:
        raise StateError(f"a token is staged for one installation, and {len(rows)} were given", "name one")
    found = here.registry.select(rows[0].get("bot") or "", rows[0].get("workspace") or None)
    if len(found) != 1:
        raise StateError(
            "a token is staged for one installation, and it is not said for which",
            f"-e workspace=NAME, one of {', '.join(each.workspace for each in found)}"
            if len({each.bot for each in found}) == 1
            else "-e bot=NAME -e workspace=NAME",
        )
    installation = found[0]
    require_path(installation, options["token"])
    return installation


def revoked(here: Any, options: Mapping[str, Any], check: bool) -> Result:
    """Revokes the current tokens of rows whose new ones come of an installation. There is no way back from it.

    Each row stands for itself: one that fails says why in its result, and the others are revoked and installed.
    """
    survey, rows = _survey_of(here, options, ("reinstall",))
    results: dict[str, Any] = {}
    changed = False
    for row in rows:
        seen = _read(survey, row["id"])
        before = seen.record
        try:
            record = (
                replace(before, state=State.REVOKED)
                if check
                else _reinstall.revoke(here, seen, survey, options["run_id"])
            )
            results[row["id"]] = {"state": record.state.value, "rotation_id": record.rotation_id, "reason": ""}
        except RotationError as exc:
            results[row["id"]] = {"state": seen.record.state.value, "rotation_id": "", "reason": str(exc)}
        changed = changed or seen.record != before or check
    return {"changed": changed, "results": results, "diff": []}


def promoted(here: Any, options: Mapping[str, Any], check: bool) -> Result:
    """Makes pending tokens current, and adopts those that were overwritten by hand."""

    def one(seen: Seen, row: Mapping[str, Any], survey: _survey.Survey) -> Record:
        if row["action"] == "adopt":
            names = list(row["tokens"])
            if check:
                return replace(seen.record, state=State.PROMOTED, rotation_id=options["run_id"])
            return here.store.adopt(seen, names, options["run_id"])
        if row["action"] == "resume" and _has_ended(seen, row):
            return seen.record
        if check:
            return replace(_rotation.begin(seen.record, seen.tokens, survey.lives), state=State.PROMOTED)
        return here.store.promote(seen, survey.lives)

    return _each(here, options, check, one, ("promote", "resume", "adopt"))


def _has_ended(seen: Seen, row: Mapping[str, Any]) -> bool:
    """Whether what a row resumes, a rotation or the way back, has ended, and only its last steps are to be made."""
    fingerprints = {name: stored.fingerprint for name, stored in seen.tokens.items() if stored}
    new = {name: token["new"] for name, token in row["tokens"].items()}
    ended = State.ROLLED_BACK if row["action"] == "restore" else State.ROTATED
    return seen.record.state is ended and new.items() <= fingerprints.items()


def restored(here: Any, options: Mapping[str, Any], check: bool) -> Result:
    """Brings the old tokens back, where Slack accepts them."""

    def one(seen: Seen, row: Mapping[str, Any], survey: _survey.Survey) -> Record:
        if row["action"] == "restore" and _has_ended(seen, row):
            return seen.record if check else here.store.finish(seen)
        if check:
            return replace(_rotation.restore(seen.record, seen.tokens, survey.lives), state=State.ROLLED_BACK)
        return here.store.restore(seen, survey.lives)

    return _each(here, options, check, one, ("promote", "resume", "restore"))


def retired(here: Any, options: Mapping[str, Any], check: bool) -> Result:
    """Asks Slack about old and new once more, and ends each rotation whose old tokens are refused.

    Before that it revokes those that `revoke_old` names, see _revoke_old.

    A row whose old token is not known to be refused is not an error here: its result says `old_alive` or `failed`.
    """
    keep = frozenset(options["keep_old"])
    revoke = frozenset(options["revoke_old"]) - keep
    survey, rows = _survey_of(here, options)
    everything = _survey.read(here.store, _plan.everything(here.registry)) if revoke else survey
    results: dict[str, Any] = {}
    changed = False
    for row in rows:
        seen = _read(survey, row["id"])
        revoked = _revoke_old.end(here, survey, everything, seen, row, revoke) if revoke and not check else ""
        changed = changed or bool(revoked)
        results[row["id"]] = result = {**_last_words(seen, row, survey, keep), "state": seen.record.state.value}
        if result["outcome"] != "rotated":
            result["reason"] += f" ({revoked})" if revoked else ""
            continue
        try:
            before = seen.record
            spared = keep | {token["old"] for token in row["tokens"].values() if token.get("overlaps") and token["old"]}
            if check:
                record = _rotation.retire(before, seen.tokens, survey.lives, here.store.at(), spared)
            else:
                record = here.store.retire(seen, survey.lives, spared)
            changed = changed or record != before
            result["state"] = record.state.value
        except StateError as exc:
            result.update(outcome="failed", reason=exc.message, next_step=exc.next_step)
    return {"changed": changed, "results": results, "diff": []}


def _last_words(seen: Seen, row: Mapping[str, Any], survey: _survey.Survey, keep: frozenset[str]) -> Result:
    """What Slack says at the end: of each old token, and of the new one, which must be alive."""
    result: Result = {"outcome": "rotated", "reason": "", "next_step": "", "old_refused": {}}
    if _has_ended(seen, row):
        result["old_refused"] = {name: token["proofs"]["old_refused"] for name, token in row["tokens"].items()}
        return result
    for name, token in row["tokens"].items():
        new = survey.probe(seen.tokens.get(name))
        old = survey.probe(seen.record.slot(name).previous)
        overlaps = bool(token.get("overlaps"))
        proof = _proofs.old_refused(token["old"], old, token["old"] in keep, overlaps)
        spared = overlaps or token["old"] in keep
        result["old_refused"][name] = proof
        if new is None or not new.usable:
            said = new.evidence if new else "it is not in Vault"
            result.update(
                outcome="failed",
                reason=f"THE NEW {called(name).upper()} {token['new']} IS NOT ACCEPTED ANY MORE: {said}",
                next_step="install the app again and stage the token that it gives; its services are down",
            )
        elif proof["result"] is False and not spared and result["outcome"] == "rotated":
            result.update(outcome="old_alive", **_why_alive(seen.installation, name, token["old"]))
        elif (
            proof["result"] is None
            and old
            and old.life is Life.UNKNOWN
            and not spared
            and result["outcome"] == "rotated"
        ):
            result.update(
                outcome="failed",
                reason=f"whether the old {called(name)} {token['old']} is refused is not known: {proof['evidence']}",
                next_step="run rotate_bot again when Slack answers: only this proof is missing",
            )
    return result


def _why_alive(installation: Installation, name: str, old: str) -> dict[str, str]:
    """What is said where Slack still accepts an old token or secret at the end."""
    if name in installation.secrets:
        return {
            "reason": f"the old {called(name)} {old} is still accepted",
            "next_step": f"{END_IT[installation.kind(name)]}, then run rotate_bot again; or state that it may live, with "
            f"-e keep_old={old}",
        }
    return {
        "reason": f"the old {name} token {old} is still accepted: a static token is not revoked unless it is "
        "named, since that ends every token of the app in the workspace",
        "next_step": "find out in Slack why both live; state that the old one may, with "
        f"-e keep_old={old}, or, where it is of another app, have it revoked with -e revoke_old={old}",
    }


def aborted(here: Any, options: Mapping[str, Any], check: bool) -> Result:
    """Drops what is pending; a pending token that is not dead only when it is named in `discard`."""
    discard = frozenset(options["discard"])

    def one(seen: Seen, _row: Mapping[str, Any], survey: _survey.Survey) -> Record:
        if check:
            return _rotation.abort(seen.record, seen.tokens, survey.lives, here.store.at(), discard)
        return here.store.abort(seen, survey.lives, discard)

    return _each(here, options, check, one, None)


def _each(
    here: Any,
    options: Mapping[str, Any],
    check: bool,
    verb: Callable[[Seen, Mapping[str, Any], _survey.Survey], Record],
    actions: tuple[str, ...] | None,
) -> Result:
    """Applies a verb to each row; the first failure ends it, and says which row and what was done before."""
    survey, rows = _survey_of(here, options, actions)
    results: dict[str, Any] = {}
    diff: list[dict[str, str]] = []
    changed = False
    for row in rows:
        seen = _read(survey, row["id"])
        before, tokens = seen.record, seen.tokens
        try:
            record = verb(seen, row, survey)
        except RotationError as exc:
            done = f" (done before it: {', '.join(results)})" if results else ""
            raise type(exc)(f"{row['id']}: {exc.message}{done}", next_step=exc.next_step) from None
        results[row["id"]] = {"state": record.state.value, "rotation_id": record.rotation_id}
        if record != before or check and row.get("action") in ("promote", "adopt"):
            changed = True
            diff += _diffs(here, seen, before, record, tokens)
    return {"changed": changed, "results": results, "diff": diff}


def _survey_of(
    here: Any, options: Mapping[str, Any], actions: tuple[str, ...] | None = None
) -> tuple[_survey.Survey, list[dict[str, Any]]]:
    """Reads the rows again, under the lock, and asks Slack again: what the plan saw may be minutes old."""
    rows = [
        {"id": f"{row['bot']}/{row['workspace']}", **row}
        for row in options["installations"]
        if actions is None or row.get("action") in actions
    ]
    survey = _survey.read(here.store, [here.registry.installation(row["bot"], row["workspace"]) for row in rows])
    concern = [token for row in rows for token in _survey.of_concern(_read(survey, row["id"]))]
    _survey.ask(survey, here.slack, concern)
    _survey.inform(survey)
    return survey, rows


def _read(survey: _survey.Survey, name: str) -> Seen:
    if name in survey.errors:
        raise survey.errors[name]
    return survey.seen[name]


def _diffs(
    here: Any, seen: Seen, before: Record, after: Record, tokens: Mapping[str, Stored | None]
) -> list[dict[str, str]]:
    path = here.registry.record_path(seen.installation)
    lines = [
        {
            "before_header": path,
            "after_header": path,
            "before": f"state: {before.state.value}\n",
            "after": f"state: {after.state.value}\n",
        }
    ]
    for name in after.rotating or before.rotating:
        new = after.slot(name).pending if after.state in (State.PROMOTED, State.PROMOTING) else None
        if new and (tokens.get(name) is None or tokens[name].fingerprint != new.fingerprint):
            lines.append(_diff(seen.installation.path(name), f"{name} current", tokens.get(name), new))
    return lines


def _diff(path: str, what: str, before: Stored | None, after: Stored | None) -> dict[str, str]:
    def line(stored: Stored | None) -> str:
        return f"{what}: {stored.fingerprint if stored else '(none)'}\n"

    return {"before_header": path, "after_header": path, "before": line(before), "after": line(after)}
