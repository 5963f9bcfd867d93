# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The heads of ledgers in Vault: how many lines each has, and the last one's hash (private to the collection).

A chain shows that a line was changed; that its end was cut off, or that all of it was made anew, only somebody else can
tell. One secret on KV v2 has the heads of all controllers' ledgers, by id, and is written with check-and-set:
{schema, ledgers: {id: {n, hash, at, host, path}}}. KV v1 has no check-and-set; there is no head there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _notes
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError, VaultConflict

SCHEMA = 1
NAME = "botops_ledger"
TRIES = 6  # another controller may write at the same time

Head = dict[str, Any]


class Heads:
    """The heads at a path."""

    def __init__(self, vault: Any, path: str) -> None:
        self._vault = vault
        self.path = path

    def read(self) -> dict[str, Head]:
        """Ledger's id -> its head."""
        return {name: dict(head) for name, head in _notes.part(self._vault.read(self.path).data, "ledgers").items()}

    def put(self, ledger: str, head: Mapping[str, Any], before: Head | None) -> None:
        """Replaces a ledger's head, which must be as before. VaultConflict where somebody else has written it."""
        for last in (False,) * (TRIES - 1) + (True,):
            secret = self._vault.read(self.path)
            known = _notes.part(secret.data, "ledgers")
            if (known.get(ledger) or None) != (before or None):
                raise VaultConflict(
                    f"Vault's head of the ledger {ledger} at {self.path} was changed in the meantime", "run evidence"
                )
            data = {**(secret.data or {}), "schema": SCHEMA, "ledgers": {**known, ledger: dict(head)}}
            try:
                self._vault.write(self.path, data, expect=secret)
                return
            except VaultConflict:
                if last:
                    raise


def of(vault: Any, path: str | None, record_mount: str | None) -> tuple[Heads | None, str]:
    """The heads, or why there are none. `path`: `botops_ledger_head`; else it is on the mount of the records.

    StateError where that path is on KV v1: it would seem to protect.
    """
    if not path and not record_mount:
        return None, "botops_ledger_head is not set"
    place = path or f"{record_mount}/{NAME}"
    if vault.locate(place).kv == 2:
        return Heads(vault, place), ""
    if path:
        raise StateError(f"botops_ledger_head {path} is on KV v1, which has no check-and-set", "name a path on KV v2")
    return None, f"{record_mount} is KV v1, which has no check-and-set"
