# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record: the secret beside an installation's token, as data (private to the collection).

Shape, schema 1; the only place outside `current` secrets and services where tokens are:

    {schema, rotation_id, state, attempt, revoked_at, routine, replaces: {bot: fingerprint},
     tokens: {bot: {pending: T, previous: T}, ...},     T = {token, fingerprint, kind, identity, scopes, at, by}
     current: {bot: {fingerprint, at, identity, scopes}}, history: [{rotation_id, at, outcome, tokens}]}

`tokens`, `replaces` and `current` are by name: bot, user, or that of a secret of the installation. A reader is lenient:
`tokens.bot.pending.token` alone is a staged rotation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify, fingerprint

SCHEMA = 1
HISTORY = 20  # entries kept
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class State(str, Enum):
    """Where the rotation of an installation stands."""

    NONE = "none"
    REVOKING = "revoking"
    REVOKED = "revoked"
    STAGED = "staged"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    ROTATED = "rotated"
    RESTORING = "restoring"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"


_WITHOUT_PENDING = (State.NONE, State.REVOKING, State.REVOKED, State.ROTATED, State.ABORTED)


@dataclass(frozen=True)
class Stored:
    """A token with what was known of it when it was stored. `at` is UTC, `2026-11-23T02:00:00Z`."""

    token: str = field(repr=False)
    identity: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    at: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        _redact.register(self.token)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.token)

    @property
    def rotates(self) -> bool:
        """Whether it is of Slack's rotation mode: it ends by itself, and lives beside the one that it replaces."""
        return classify(self.token) in (Kind.ROTATING_BOT, Kind.ROTATING_USER)

    def to_dict(self) -> dict[str, Any]:
        return {
            "token": self.token,
            "fingerprint": self.fingerprint,
            "kind": classify(self.token).value,
            "identity": self.identity,
            "scopes": list(self.scopes),
            "at": self.at,
            "by": self.by,
        }


@dataclass(frozen=True)
class Slot:
    """The two stages of a token that are not current."""

    pending: Stored | None = None
    previous: Stored | None = None


@dataclass(frozen=True)
class Known:
    """What is known of the token that is current, without the token."""

    fingerprint: str
    at: str = ""
    identity: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """One installation's rotation. `replaces` holds the fingerprints that it takes out of use, by token; `revoked_at`
    is when this tool began to revoke them (empty: it did not). `routine`: the new token was refreshed from the old one.
    """

    rotation_id: str = ""
    state: State = State.NONE
    attempt: int = 1
    tokens: dict[str, Slot] = field(default_factory=dict)
    replaces: dict[str, str] = field(default_factory=dict)
    current: dict[str, Known] = field(default_factory=dict)
    history: tuple[dict[str, Any], ...] = ()
    revoked_at: str = ""
    routine: bool = False

    def slot(self, name: str) -> Slot:
        return self.tokens.get(name, Slot())

    @property
    def pending(self) -> dict[str, Stored]:
        """The tokens that wait to become current, or have become it in the rotation under way."""
        return {name: slot.pending for name, slot in self.tokens.items() if slot.pending}

    @property
    def rotating(self) -> tuple[str, ...]:
        """The names of the tokens that the rotation under way, or the staged one, is about."""
        return tuple(self.replaces or self.pending) if self.under_way or self.awaited else tuple(self.pending)

    @property
    def awaited(self) -> bool:
        """Whether the old tokens are revoked, or about to be, and the new ones are not there yet."""
        return self.state in (State.REVOKING, State.REVOKED)

    @property
    def under_way(self) -> bool:
        return self.state in (State.PROMOTING, State.PROMOTED, State.RESTORING)

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "rotation_id": self.rotation_id,
            "state": self.state.value,
            "attempt": self.attempt,
            "revoked_at": self.revoked_at,
            "routine": self.routine,
            "replaces": self.replaces,
            "tokens": {
                name: {
                    "pending": slot.pending.to_dict() if slot.pending else None,
                    "previous": slot.previous.to_dict() if slot.previous else None,
                }
                for name, slot in self.tokens.items()
            },
            "current": {
                name: {
                    "fingerprint": known.fingerprint,
                    "at": known.at,
                    "identity": known.identity,
                    "scopes": list(known.scopes),
                }
                for name, known in self.current.items()
            },
            "history": list(self.history[-HISTORY:]),
        }

    @classmethod
    def from_dict(cls, data: Any, where: str) -> Record:
        """Reads what is stored at the path `where`; nothing there (None) is the empty record."""
        if data is None:
            return cls()
        if not isinstance(data, dict):
            raise _damaged(where, "is not a mapping")
        if str(data.get("schema") or SCHEMA) != str(SCHEMA):  # a command line writes texts
            raise _damaged(where, f"has a schema other than {SCHEMA}")
        tokens = {
            name: _slot(_mapping(value, where), where) for name, value in _mapping(data.get("tokens"), where).items()
        }
        if not all(_NAME.fullmatch(name) for name in tokens):
            raise _damaged(where, "has a token under something that is no name")
        try:
            state = State(data.get("state") or State.NONE)
            attempt = max(1, int(data.get("attempt") or 1))
        except (ValueError, TypeError, OverflowError):
            raise _damaged(where, "has a state or an attempt that this version does not know") from None
        if state in _WITHOUT_PENDING and any(slot.pending for slot in tokens.values()):
            state = State.STAGED  # a hand has put it there
        return cls(
            rotation_id=_word(data.get("rotation_id")),
            state=state,
            attempt=attempt,
            revoked_at=_word(data.get("revoked_at")),
            routine=data.get("routine") is True,
            tokens=tokens,
            replaces={_word(k): _word(v) for k, v in _mapping(data.get("replaces"), where).items()},
            current={
                name: Known(
                    _word(known.get("fingerprint")),
                    _word(known.get("at")),
                    _identity(known.get("identity"), where),
                    _scopes(known.get("scopes")),
                )
                for name, known in ((n, _mapping(k, where)) for n, k in _mapping(data.get("current"), where).items())
            },
            history=tuple(entry for entry in _list(data.get("history")) if isinstance(entry, dict)),
        )


def _slot(value: dict[str, Any], where: str) -> Slot:
    return Slot(_stored(value.get("pending"), where), _stored(value.get("previous"), where))


def _stored(value: Any, where: str) -> Stored | None:
    if not value:
        return None
    value = _mapping(value, where)
    token = value.get("token")
    if not isinstance(token, str):
        raise _damaged(where, "has a pending or previous entry without a token")
    stored = Stored(
        token,
        _identity(value.get("identity"), where),
        _scopes(value.get("scopes")),
        _word(value.get("at")),
        _word(value.get("by")),
    )
    told = value.get("fingerprint")
    if told and told != stored.fingerprint:
        raise _damaged(where, f"holds a token whose fingerprint is {stored.fingerprint}, and not the one stated there")
    return stored


def _word(value: Any) -> str:
    """A text that may be shown: what a hand has put into the wrong place may be a token."""
    return _redact.text(str(value or ""))


def _identity(value: Any, where: str) -> dict[str, str]:
    return {_word(k): _word(v) for k, v in _mapping(value, where).items()}


def _scopes(value: Any) -> tuple[str, ...]:
    return tuple(_word(scope) for scope in _list(value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any, where: str) -> dict[str, Any]:
    """A mapping; KV v1 written by hand through a command line may hold one as JSON text."""
    if not value:
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise _damaged(where, "has a text or a list where a mapping is due")
    return value


def _damaged(where: str, what: str) -> StateError:
    return StateError(
        f"The record {where} {what}",
        "look at it with `vault kv get`; docs/design.md gives its shape; abort_rotation removes what is pending",
    )
