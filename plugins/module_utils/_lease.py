# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of an installation: a lease in Vault, no daemon (private to the collection).

A lock is a secret beside the installation's token. KV v2 decides a race by check-and-set. KV v1 has none: a run writes
its nonce, waits, and has the lock only if the nonce is still there; whoever wrote last has it. A write that is held
back on its way for longer than that wait is found by the next `check`, which every writer makes just before it writes;
what KV v1 cannot give is the instant between that check and the write.
"""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import LockError, RotationError, VaultConflict
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import (
    SCHEMA,
    Holder,
    Owner,
    current_owner,
    is_alive,
    is_gone,
    moment,
    stamp,
    why_free,
)
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret, Vault

TTL = 900.0  # seconds; longer than the longest pause between two steps of a run, short enough to wait for
SETTLE = 0.25  # seconds; far longer than a request that reads and one that writes
ROUNDS = 3


@dataclass
class Lease:
    """Locks that this run holds under one nonce. `locks` maps the path of each to the installation's id.

    It outlives the process: `to_dict` in the task that took it, `from_dict` in the next.
    """

    vault: Vault
    nonce: str
    owner: Owner
    ttl: float
    locks: dict[str, str]
    acquired: datetime
    taken_over: list[str] = field(default_factory=list)

    def check(self, paths: Iterable[str] | None = None) -> None:
        """Make sure that the locks (default: all) are still this run's; extend those with less than half left."""
        for path in sorted(self.locks if paths is None else paths):
            self._extend(path, timedelta(seconds=self.ttl / 2))

    def renew(self) -> None:
        """Extend all locks to `ttl` seconds from now. LockError when one was lost."""
        for path in sorted(self.locks):
            self._extend(path, timedelta(seconds=self.ttl))

    def _extend(self, path: str, enough: timedelta) -> None:
        found = self.vault.read(path)
        held = _parse(found, self.locks[path])
        if held is None or held.nonce != self.nonce:
            raise self._lost(path, held)
        now = self.vault.now()
        if held.expires - now > enough - timedelta(seconds=1):
            return
        try:
            self.vault.write(path, self._mark(now), expect=found)
        except VaultConflict:
            raise self._lost(path, holder(self.vault, path, self.locks[path])) from None

    def release(self) -> list[str]:
        """Free the locks that are still this run's. Returns the ids of those that it had lost before.

        Goes on to the next when one fails, and raises the first failure at the end; what stays locked expires.
        """
        lost, failures = [], []
        for path in sorted(self.locks, reverse=True):
            try:
                if not _free(self.vault, path, self.locks[path], self.nonce):
                    lost.append(self.locks[path])
            except RotationError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return sorted(lost)

    def to_dict(self) -> dict[str, Any]:
        """Plain data without secrets."""
        return {
            "nonce": self.nonce,
            "owner": dict(vars(self.owner)),
            "ttl": self.ttl,
            "locks": dict(self.locks),
            "acquired": stamp(self.acquired),
            "taken_over": list(self.taken_over),
            "mounts": self.vault.mounts,
        }

    @classmethod
    def from_dict(cls, vault: Vault, data: Mapping[str, Any]) -> Lease:
        """The lease of an earlier task; `renew` or `check` then tells whether it is still held."""
        owner, acquired = Owner(**data["owner"]), moment(data["acquired"])
        return cls(
            vault, data["nonce"], owner, float(data["ttl"]), dict(data["locks"]), acquired, list(data["taken_over"])
        )

    def _mark(self, now: datetime) -> dict[str, Any]:
        return Holder(self.nonce, self.owner, self.acquired, now + timedelta(seconds=self.ttl)).to_dict()

    def _take(self, paths: list[str], settle: float) -> None:
        """Take some locks, or raise LockError naming who has one. On KV v1 all of them share one wait."""
        for _round in range(ROUNDS):
            unsure = [path for path in paths if self._claim(path)]
            if not unsure:
                return
            time.sleep(settle * random.uniform(1, 1.5))
            paths = [path for path in unsure if not self._is_own(path)]  # somebody wrote after this run: look who
        if paths:
            raise _fight(self.locks[paths[0]])

    def _claim(self, path: str) -> bool:
        """Write this run's nonce into a lock that is free. True: on KV v1, and whether it stays must be looked at."""
        for _round in range(ROUNDS):
            found = self.vault.read(path)
            held = _parse(found, self.locks[path])
            now = self.vault.now()
            reason = why_free(held, now, self.owner, is_alive)
            if held and reason is None:
                raise _busy(self.locks[path], held)
            try:
                self.vault.write(path, self._mark(now), expect=found)
            except VaultConflict:
                continue  # somebody was quicker: look who
            if held:
                self.taken_over.append(f"{self.locks[path]}: the lock of {held.owner} was taken over: {reason}")
            return found.kv == 1
        raise _fight(self.locks[path])

    def _is_own(self, path: str) -> bool:
        held = holder(self.vault, path, self.locks[path])
        return held is not None and held.nonce == self.nonce

    def _lost(self, path: str, held: Holder | None) -> LockError:
        now_with = f"{held.owner} has it now" if held else "it was released or removed"
        return LockError(
            f"{self.locks[path]}: this run has lost its lock: {now_with}",
            "nothing more is written by this run; see where it stands with the playbook rotation_status, then run again",
        )


def acquire(vault: Vault, locks: Mapping[str, str], owner: Owner, ttl: float = TTL, settle: float = SETTLE) -> Lease:
    """Take all locks (path -> installation id) in sorted order, or none.

    A lock whose lease has expired by Vault's clock, or whose owner is provably gone, is taken over; `taken_over` of the
    lease has a sentence for each. `settle` is the wait on KV v1 in seconds; there are two.
    Raises LockError that names who holds one and until when.
    """
    paths = sorted(locks)
    for path in paths:
        vault.locate(path)  # any answer of Vault's tells its time, too
    lease = Lease(vault, secrets.token_hex(16), owner, ttl, dict(locks), vault.now())
    try:
        lease._take(paths[:1], settle)  # alone: it decides between runs that want the same locks, so that one gets all
        lease._take(paths[1:], settle)
        if is_gone(owner, current_owner(os.getpid()), is_alive):
            raise LockError(
                f"the controller's process {owner.pid} has gone, so this orphan of it keeps no lock",
                "run the playbook again",
            )
    except BaseException as failure:
        _give_back(lease, failure)
        raise
    return lease


def holder(vault: Vault, path: str, name: str = "") -> Holder | None:
    """Who has the lock at a path, expired or not; None when it is free. `name` is the installation's id, for errors."""
    return _parse(vault.read(path), name or path)


def require_free(vault: Vault, path: str, name: str, owner: Owner) -> None:
    """What `acquire` would find, for a dry run: LockError where another run holds the lock."""
    held = holder(vault, path, name)
    if held is not None and why_free(held, vault.now(), owner, is_alive) is None:
        raise _busy(name, held)


def break_lock(vault: Vault, path: str, name: str = "") -> str:
    """Free a lock whoever has it, for the verb `unlock`. Returns what it broke, in words; "" when it was free."""
    found = vault.read(path)
    try:
        held = _parse(found, name or path)
    except LockError:
        broken = "a lock that could not be read"
    else:
        if held is None:
            return ""
        broken = f"the lock of {held.owner}, taken at {stamp(held.acquired)}, valid until {stamp(held.expires)}"
    vault.write(path, _released(vault), expect=found)
    return broken


def _give_back(lease: Lease, failure: BaseException) -> None:
    """Release what was taken before the failure, which stays the error; what cannot be released expires."""
    try:
        lease.release()
    except RotationError as error:
        if isinstance(failure, RotationError):
            failure.next_step += f" (a lock could not be released and expires by itself: {error.message})"


def _free(vault: Vault, path: str, name: str, nonce: str) -> bool:
    """Free a lock that is held under the nonce. False when another run has it; one that is free already is well."""
    found = vault.read(path)
    held = _parse(found, name)
    if held is None:
        return True
    if held.nonce != nonce:
        return False
    try:
        vault.write(path, _released(vault), expect=found)
    except VaultConflict:
        return False
    return True


def _released(vault: Vault) -> dict[str, Any]:
    """A free lock. It is not deleted: a delete knows no check-and-set, and would need one more right."""
    return {"schema": SCHEMA, "nonce": "", "released": stamp(vault.now())}


def _parse(found: Secret, name: str) -> Holder | None:
    try:
        return Holder.from_dict(found.data)
    except (KeyError, ValueError):
        raise LockError(
            f"{name}: the secret {found.path} is not a lock that this version can read",
            f"look at it in Vault; when no run is active, {_unlock(name)}",
        ) from None


def _busy(name: str, held: Holder) -> LockError:
    return LockError(
        f"{name} is locked by {held.owner} since {stamp(held.acquired)}, until {stamp(held.expires)} unless it renews",
        f"wait for that run; when it is certainly dead, {_unlock(name)}",
    )


def _fight(name: str) -> LockError:
    return LockError(f"{name}: several runs fight for its lock", "run again in a moment")


def _unlock(name: str) -> str:
    bot, _dummy, workspace = name.partition("/")
    where = f" -e workspace={workspace}" if workspace else ""
    return _redact.text(f"break the lock: ansible-playbook botops.rotation.unlock -e bot={bot}{where}")
