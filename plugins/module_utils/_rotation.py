# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of a rotation: record + event + evidence -> the next record, or a refusal (private, pure).

Nothing here reads or writes anything. Evidence is what was just read: `current` (what Vault holds as current, by
token) and `lives` (what Slack said, by fingerprint). The order in which the results are written, and that makes a
rotation resumable at any instant, is in `_record_store`.

    none --stage--> staged --begin--> promoting --promoted--> promoted --retire--> rotated
    promoting, promoted, rotated (old token kept) --restore--> restoring --restored--> rolled_back --begin--> promoting
    restoring --begin (the way back was not finished)--> promoting
    staged, rolled_back, promoting (nothing promoted yet) --abort--> aborted
    none, revoked, rotated, aborted --adopt (current was overwritten by hand)--> promoted
    none, staged, rotated, rolled_back, aborted --stage--> staged
    none, rotated, aborted --revoke--> revoking --revoked--> revoked --stage--> staged      (strategy reinstall)
    revoking, revoked --abort--> aborted
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._named import TOKENS, called
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record, Slot, State, Stored

Current = Mapping[str, "Stored | None"]
Lives = Mapping[str, Life]


def stage(
    record: Record, name: str, new: Stored, current: Current, lives: Lives, rotation_id: str, routine: bool = False
) -> Record:
    """Puts `new` into the pending slot of the token `name`. Staging the same token again changes nothing."""
    if record.under_way and not _has_died(record, name, current, lives):
        raise StateError(
            f"rotation {record.rotation_id} is under way ({record.state.value})",
            "finish it with rotate_bot, then stage",
        )
    if current.get(name) and current[name].fingerprint == new.fingerprint:
        raise StateError(
            f"the {called(name)} {new.fingerprint} is the current one already"
            + (": reinstalling an app usually returns the same token" if name in TOKENS else ""),
            "revoke the old token in Slack, install the app again, and stage the token that it gives then"
            if name in TOKENS
            else "have Slack make a new one, and stage that",
        )
    waiting = record.slot(name).pending
    if waiting and waiting.fingerprint == new.fingerprint and record.state is State.STAGED:
        return record
    same = waiting is not None and waiting.token.strip() == new.token  # or the same, stored with white space
    if waiting and not same and lives.get(waiting.fingerprint) is not Life.DEAD:
        raise StateError(
            f"the pending token {waiting.fingerprint} is not known to be dead, and staging over it would lose it",
            f"rotate to it with rotate_bot, or drop it with abort_rotation -e discard={waiting.fingerprint}",
        )
    if record.under_way:
        record = _left(record, current)
    fresh = record.state not in (State.REVOKING, State.REVOKED, State.STAGED, State.ROLLED_BACK)
    return replace(
        record,
        state=State.STAGED,
        rotation_id=rotation_id if fresh or not record.rotation_id else record.rotation_id,
        attempt=1 if fresh else record.attempt,
        revoked_at="" if fresh else record.revoked_at,
        routine=routine,
        tokens={**record.tokens, name: replace(record.slot(name), pending=new)},
    )


def _left(record: Record, current: Current) -> Record:
    """A rotation under way that is given up for another one: what it has brought to current does not wait any more."""
    tokens, known = dict(record.tokens), dict(record.current)
    for name, new in record.pending.items():
        now = current.get(name)
        if now and now.fingerprint == new.fingerprint:
            tokens[name] = Slot(None, record.slot(name).previous)
            known[name] = Known(new.fingerprint, new.at, new.identity, new.scopes)
    return replace(record, tokens=tokens, current=known)


def _has_died(record: Record, name: str, current: Current, lives: Lives) -> bool:
    """Whether the token that a rotation under way was to bring into use is dead: then only another one helps."""
    new = record.slot(name).pending or (current.get(name) if name in record.replaces else None)
    return new is not None and lives.get(new.fingerprint) is Life.DEAD


def revoke(record: Record, current: Current, known: Mapping[str, Known], rotation_id: str, at: str) -> Record:
    """Marks, before Slack is asked for it, that the current tokens are revoked to get new ones. `known`: what Slack said
    of them while they lived, which the new ones are compared with.
    """
    if record.awaited:
        return record
    if record.under_way or record.pending:
        raise StateError(
            f"rotation {record.rotation_id} is {record.state.value}, and its new token is there already",
            "finish it with rotate_bot, or drop it with abort_rotation",
        )
    replaces = {name: stored.fingerprint for name, stored in current.items() if stored and name in TOKENS}
    if not replaces:
        raise StateError("there is no current token that could be revoked", "stage a token with stage_token")
    return replace(
        record,
        state=State.REVOKING,
        rotation_id=rotation_id,
        attempt=1,
        revoked_at=at,
        routine=False,
        replaces=replaces,
        current={**record.current, **known},
    )


def revoked(record: Record, lives: Lives) -> Record:
    """Slack refuses the bot token: from here on there is no way back, and a new installation is waited for."""
    if record.state is State.REVOKED:
        return record
    _require(record, State.REVOKING)
    if lives.get(record.replaces.get("bot", "")) is not Life.DEAD:
        raise StateError(
            f"the bot token {record.replaces.get('bot')} was revoked, and is not known to be refused by Slack",
            "run rotate_bot again when Slack answers: it goes on from here",
        )
    return replace(record, state=State.REVOKED)


def begin(record: Record, current: Current, lives: Lives) -> Record:
    """Saves what is current as previous, before it is replaced. On a rotation under way: checks, and goes on."""
    if record.under_way:
        for name, new in record.pending.items():
            _expect(name, current.get(name), record.slot(name).previous, new)
        if record.state is State.RESTORING:  # a way back that was not finished: tried again, forward
            return replace(record, state=State.PROMOTING, attempt=record.attempt + 1)
        return record
    if record.state not in (State.STAGED, State.ROLLED_BACK) or not record.pending:
        raise StateError(f"nothing is staged (state {record.state.value})", "stage a new token with stage_token")
    tokens = dict(record.tokens)
    replaces = {}
    for name, new in record.pending.items():
        old = current.get(name)
        if old and old.fingerprint == new.fingerprint:
            raise StateError(
                f"the pending {called(name)} {new.fingerprint} equals the current one", "stage a new token"
            )
        kept = record.slot(name).previous
        if (
            kept
            and kept.fingerprint != new.fingerprint  # one that was kept alive, and is gone back to
            and (old is None or kept.fingerprint != old.fingerprint)
            and lives.get(kept.fingerprint) not in (Life.DEAD, Life.UNASKABLE)
            and not new.rotates  # then it ends by itself
        ):
            raise StateError(
                f"the previous token {kept.fingerprint} is not known to be dead, and promoting over it would lose it",
                "revoke it in Slack, then run rotate_bot again",
            )
        tokens[name] = Slot(new, _with_what_is_known(old, record.current.get(name)))
        replaces[name] = old.fingerprint if old else ""
    return replace(record, state=State.PROMOTING, tokens=tokens, replaces=replaces)


def _with_what_is_known(old: Stored | None, known: Known | None) -> Stored | None:
    """The old token with its identity, scopes and age: a resumed run compares the new one with it."""
    if old and known and known.fingerprint == old.fingerprint:
        return Stored(old.token, known.identity, known.scopes, known.at, old.by)
    return old


def promoted(record: Record, current: Current, at: str) -> Record:
    """Every pending token has been seen to be current."""
    if record.state is State.PROMOTED:
        return record
    _require(record, State.PROMOTING)
    known = dict(record.current)
    for name, new in record.pending.items():
        _require_current(name, current.get(name), new)
        known[name] = Known(new.fingerprint, at, new.identity, new.scopes)
    return replace(record, state=State.PROMOTED, current=known)


def adopt(record: Record, found: Mapping[str, Stored], rotation_id: str, at: str) -> Record:
    """Takes over tokens that somebody wrote to current by hand; what the record knew as current is what they replace."""
    if record.state not in (State.NONE, State.REVOKED, State.ROTATED, State.ABORTED):
        raise StateError(
            f"current was overwritten by hand while a rotation is {record.state.value}",
            "drop what is pending with abort_rotation, then run rotate_bot again",
        )
    replaces = {name: record.current[name].fingerprint if name in record.current else "" for name in found}
    known = {name: Known(new.fingerprint, at, new.identity, new.scopes) for name, new in found.items()}
    return replace(
        record,
        state=State.PROMOTED,
        rotation_id=rotation_id,
        attempt=1,
        revoked_at=record.revoked_at if record.awaited else "",
        routine=False,
        replaces=replaces,
        current={**record.current, **known},
    )


def retire(record: Record, current: Current, lives: Lives, at: str, keep: frozenset[str] = frozenset()) -> Record:
    """Ends the rotation: each old token is refused by Slack, or named in `keep` (it is then left in its slot)."""
    if record.state is State.ROTATED:
        return record
    _require(record, State.PROMOTED)
    tokens = dict(record.tokens)
    for name in record.rotating:
        new, old = record.slot(name).pending, record.slot(name).previous
        if new:  # it leaves its slot
            _require_current(name, current.get(name), new)
        dead = old is None or lives.get(old.fingerprint) is Life.DEAD
        # Of what cannot be asked about, the old one is kept: a person may find that the new one is wrong.
        if not dead and old.fingerprint not in keep and lives.get(old.fingerprint) is not Life.UNASKABLE:
            raise StateError(
                f"the old {called(name)} {old.fingerprint} is not known to be refused by Slack",
                f"revoke it in Slack and run rotate_bot again, or accept that it lives with -e keep_old={old.fingerprint}",
            )
        tokens[name] = Slot(None, None if dead else old)
    return _ended(record, replace(record, state=State.ROTATED, tokens=tokens), "rotated", at)


def restore(record: Record, current: Current, lives: Lives) -> Record:
    """Marks the way back. Only to tokens that Slack accepts now, also after the end, where the old one was kept; and to
    what it cannot be asked about, where a plan says so.
    """
    if record.state is State.ROTATED:
        record = _reopened(record, current)
    if not record.under_way:
        raise StateError(
            f"there is nothing to go back from (state {record.state.value})",
            "run rotation_status: it says what is next",
        )
    if not record.pending:  # adopted
        raise StateError(
            "what the current token replaced was overwritten by hand and is not in Vault: there is no way back to it",
            "go forward with rotate_bot",
        )
    for name, new in record.pending.items():
        old = record.slot(name).previous
        if old is None or lives.get(old.fingerprint) not in (Life.ALIVE, Life.UNASKABLE):
            what = f"the old {called(name)} {old.fingerprint}" if old else f"no old {called(name)} is known, so none"
            raise StateError(
                f"{what} is not accepted by Slack: there is no way back to it", "go forward with rotate_bot"
            )
        _expect(name, current.get(name), old, new)
    return replace(record, state=State.RESTORING)


def _reopened(record: Record, current: Current) -> Record:
    """A rotation that has ended, as it was before its end, where its old tokens were kept."""
    tokens = {
        name: Slot(current.get(name), slot.previous) if slot.previous and name in record.replaces else slot
        for name, slot in record.tokens.items()
    }
    if not any(slot.pending for slot in tokens.values()):
        raise StateError("no old token is kept: it was refused by Slack", "stage a new token with stage_token")
    replaces = {name: slot.previous.fingerprint for name, slot in tokens.items() if slot.pending and slot.previous}
    return replace(record, state=State.PROMOTED, tokens=tokens, replaces=replaces)


def restored(record: Record, current: Current, at: str) -> Record:
    """Every previous token has been seen to be current again; what was tried stays pending."""
    _require(record, State.RESTORING)
    tokens, known = dict(record.tokens), dict(record.current)
    for name, new in record.pending.items():
        old = record.slot(name).previous
        now = current.get(name)
        if old is None or now is None or now.fingerprint != old.fingerprint:
            raise StateError(f"current does not hold the old {called(name)} yet", "run rotate_bot again")
        tokens[name] = Slot(new, None)
        known[name] = Known(old.fingerprint, old.at, old.identity, old.scopes)
    back = replace(record, state=State.ROLLED_BACK, attempt=record.attempt + 1, tokens=tokens, current=known)
    return _ended(record, back, "rolled_back", at)


def abort(record: Record, current: Current, lives: Lives, at: str, discard: frozenset[str] = frozenset()) -> Record:
    """Drops what is pending. A pending token that is not dead is dropped only when its fingerprint is in `discard`."""
    if record.awaited:  # the new installation is not waited for any more
        return _ended(record, replace(record, state=State.ABORTED, revoked_at=""), "aborted", at)
    if not record.pending and record.state is not State.PROMOTING:
        return record
    if record.state in (State.PROMOTED, State.RESTORING):
        raise StateError(
            f"rotation {record.rotation_id} is {record.state.value}: services may run on the new token",
            "finish it with rotate_bot",
        )
    tokens = dict(record.tokens)
    for name, new in record.pending.items():
        now = current.get(name)
        if record.state is State.PROMOTING and now and now.fingerprint == new.fingerprint:
            raise StateError(
                f"the pending {called(name)} {new.fingerprint} is current already", "finish it with rotate_bot"
            )
        if lives.get(new.fingerprint) is not Life.DEAD and new.fingerprint not in discard:
            raise StateError(
                f"the pending {called(name)} {new.fingerprint} is not known to be dead, and would be lost",
                f"say that you mean it with -e discard={new.fingerprint}",
            )
        old = record.slot(name).previous
        same = old is not None and now is not None and old.fingerprint == now.fingerprint
        tokens[name] = Slot(None, None if same else old)
    return _ended(record, replace(record, state=State.ABORTED, tokens=tokens), "aborted", at)


def _ended(before: Record, after: Record, outcome: str, at: str) -> Record:
    """`after` with one line of history more: what was to replace what. Refreshes in a row are one line."""

    def old(name: str) -> str | None:
        if before.under_way or before.revoked_at:
            return before.replaces.get(name) or None
        return before.current[name].fingerprint if name in before.current else None

    new = {name: stored.fingerprint for name, stored in before.pending.items()}
    new = {**{name: known.fingerprint for name, known in before.current.items()}, **new}
    entry: dict[str, Any] = {
        "rotation_id": before.rotation_id,
        "at": at,
        "outcome": "refreshed" if before.routine and outcome == "rotated" else outcome,
        "tokens": {name: {"old": old(name), "new": new.get(name)} for name in before.rotating},
    }
    history = after.history
    if history and history[-1].get("outcome") == entry["outcome"] == "refreshed":
        history = history[:-1]  # twice a day: the last one tells enough
    return replace(after, history=(*history, entry))


def _require(record: Record, state: State) -> None:
    if record.state is not state:
        raise StateError(
            f"the rotation is {record.state.value}, not {state.value}", "run rotation_status, then rotate_bot"
        )


def _require_current(name: str, now: Stored | None, new: Stored) -> None:
    if now is None or now.fingerprint != new.fingerprint:
        raise StateError(f"current does not hold the promoted {called(name)} {new.fingerprint}", "run rotate_bot again")


def _expect(name: str, now: Stored | None, old: Stored | None, new: Stored) -> None:
    """Current must be what the rotation left there: the old token or the new one."""
    found = now.fingerprint if now else None
    if found not in (old.fingerprint if old else None, new.fingerprint):
        raise StateError(
            f"current holds the {called(name)} {found or '(none)'}, which is neither the old nor the new one of this "
            "rotation: somebody wrote to it meanwhile",
            "find out who; to go on with the pending token put the old one back into current, then run rotate_bot again",
        )
