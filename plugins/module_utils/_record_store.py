# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes what Vault holds of an installation, in the order that makes a rotation resumable (private).

A promotion writes the record (`promoting`, with the old token as previous), then current, then the record
(`promoted`): at whatever instant it dies, what is read next tells what had happened. Every write states what it
expects to find, and on KV v2 Vault checks that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ansible_collections.botops.rotation.plugins.module_utils import _redact, _rotation
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import stamp
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._named import TOKENS, called
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret, Vault

Lives = Mapping[str, Life]


@dataclass(frozen=True)
class Current:
    """What is at a token's own path. `stored` is None where there is no token; `padded`: white space around it."""

    secret: Secret
    stored: Stored | None
    padded: bool = False


@dataclass
class Seen:
    """One installation as Vault holds it; `save` keeps the record in it up to date."""

    installation: Installation
    record: Record
    record_secret: Secret
    current: dict[str, Current] = field(default_factory=dict)

    @property
    def tokens(self) -> dict[str, Stored | None]:
        return {name: current.stored for name, current in self.current.items()}


class RecordStore:
    """Records and current tokens of a registry's installations.

    `before_write` is called before each write to an installation: it raises when this run does not hold its lock.
    """

    def __init__(
        self, vault: Vault, registry: Registry, token_field: str, before_write: Callable[[Installation], None]
    ) -> None:
        self.vault = vault
        self.registry = registry
        self.token_field = token_field
        self.before_write = before_write

    def read(self, installation: Installation) -> Seen:
        path = self.registry.record_path(installation)
        secret = self.vault.read(path)
        record = Record.from_dict(secret.data, path)
        unknown = sorted(set(record.pending) - {*TOKENS, *installation.tokens})
        if unknown:
            raise StateError(
                f"The record {path} holds what the registry does not know: {', '.join(unknown)}",
                f"add {installation.place_of(unknown[0])}, or look at the record with `vault kv get`",
            )
        current = {name: self.current(installation, name) for name in installation.tokens}
        return Seen(installation, record, secret, current)

    def field(self, installation: Installation, name: str) -> str:
        """The key that holds a token or secret in the secret at its path."""
        own = installation.secrets.get(name)
        return (own and own.field) or self.token_field

    def current(self, installation: Installation, name: str) -> Current:
        """What is at the path of a token or secret. TokenError where it is not what is due there."""
        path, field = installation.path(name), self.field(installation, name)
        secret = self.vault.read(path)
        if secret.data is None:
            return Current(secret, None)
        value = secret.data.get(field)
        if value is None:
            held = ", ".join(sorted(str(key) for key in secret.data)) or "none"
            setting = "its `field` in the registry" if name in installation.secrets else "botops_vault_field"
            raise TokenError(
                f"The secret {path} has no field {field} (its fields: {held})",
                f"put the {called(name)} there, or set {setting} to the field that holds it",
            )
        if not isinstance(value, str):
            raise TokenError(f"The field {field} of the secret {path} is not text", f"put the {called(name)} there")
        if not value.strip():
            return Current(secret, None)
        return Current(secret, Stored(value.strip()), padded=value != value.strip())

    def stage(
        self, seen: Seen, name: str, new: Stored, lives: Lives, rotation_id: str, routine: bool = False
    ) -> Record:
        return self.save(seen, _rotation.stage(seen.record, name, new, seen.tokens, lives, rotation_id, routine))

    def promote(self, seen: Seen, lives: Lives) -> Record:
        """To `promoted`, from wherever the rotation stands."""
        record = self.save(seen, _rotation.begin(seen.record, seen.tokens, lives))
        self._write_current(seen, record.pending)
        seen = self.read(seen.installation)
        return self.save(seen, _rotation.promoted(seen.record, seen.tokens, self.at()))

    def adopt(self, seen: Seen, names: list[str], rotation_id: str) -> Record:
        found = {name: stored for name, stored in seen.tokens.items() if name in names and stored}
        return self.save(seen, _rotation.adopt(seen.record, found, rotation_id, self.at()))

    def retire(self, seen: Seen, lives: Lives, keep: frozenset[str]) -> Record:
        """To `rotated`; where it is that already, what the run that brought it there did not come to."""
        if seen.record.state is State.ROTATED:
            self.finish(seen)
        return self.save(seen, _rotation.retire(seen.record, seen.tokens, lives, self.at(), keep))

    def restore(self, seen: Seen, lives: Lives) -> Record:
        """Back to `rolled_back`."""
        record = self.save(seen, _rotation.restore(seen.record, seen.tokens, lives))
        old = {name: record.slot(name).previous for name in record.pending}
        self._write_current(seen, {name: stored for name, stored in old.items() if stored})
        seen = self.read(seen.installation)
        return self.save(seen, _rotation.restored(seen.record, seen.tokens, self.at()))

    def finish(self, seen: Seen) -> Record:
        """What a run that died after the last change of the record has left: tokens in its old versions (KV v2)."""
        self.vault.forget_old_versions(self.registry.record_path(seen.installation))
        return seen.record

    def abort(self, seen: Seen, lives: Lives, discard: frozenset[str]) -> Record:
        return self.save(seen, _rotation.abort(seen.record, seen.tokens, lives, self.at(), discard))

    def save(self, seen: Seen, record: Record) -> Record:
        """Writes the record where it differs from what was read; tokens that left it are destroyed on KV v2 too."""
        if record == seen.record:
            return record
        path = self.registry.record_path(seen.installation)
        self.before_write(seen.installation)
        seen.record_secret = self.vault.write(path, record.to_dict(), expect=seen.record_secret)
        # At the end of a rotation also what a run that died here before has left behind.
        if _held(seen.record) - _held(record) or record.state in (State.ROTATED, State.ABORTED):
            self.vault.forget_old_versions(path)
        seen.record = record
        return record

    def _write_current(self, seen: Seen, tokens: Mapping[str, Stored]) -> None:
        for name, stored in tokens.items():
            current = seen.current[name]
            if current.stored and current.stored.fingerprint == stored.fingerprint and not current.padded:
                continue
            self.before_write(seen.installation)
            field = self.field(seen.installation, name)
            self.vault.set_field(seen.installation.path(name), field, stored.token, expect=current.secret)

    def at(self) -> str:
        """Now, by Vault's clock."""
        return stamp(self.vault.now())


def _held(record: Record) -> set[str]:
    """Fingerprints of the tokens that are in the record itself."""
    slots = record.tokens.values()
    return {stored.fingerprint for slot in slots for stored in (slot.pending, slot.previous) if stored}


def require_path(installation: Installation, name: str) -> None:
    """A token can only be staged for an installation that says where it belongs."""
    if name in installation.tokens:
        return
    if name in TOKENS:
        raise StateError(
            f"{installation.id} has no {name}_token_path in the registry", f"add {installation.place_of(name)}"
        )
    raise StateError(
        f"{installation.id} has no secret {_redact.shown(name)} in the registry",
        f"say which: -e token=NAME, one of {', '.join(installation.tokens)}; a secret is given at the prompt, never here",
    )
