# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes of an installation: the secret beside its record that holds what grows and has no token in it (private).

{schema, announcements: {mark: {state, at, ...}}, memberships: {of, at, channels, unknown}, missing: {host: ...},
 approval: {since}}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._errors import VaultConflict
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret


def secret(here: Any, installation: Installation) -> Secret:
    """The secret that holds them."""
    return here.vault.read(here.registry.notes_path(installation))


def read(here: Any, installation: Installation) -> dict[str, Any]:
    """What is noted; empty where nothing is."""
    return dict(secret(here, installation).data or {})


def part(notes: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """One part of the notes, empty where it is not there or is no mapping."""
    found = (notes or {}).get(name)
    return dict(found) if isinstance(found, Mapping) else {}


def put(
    here: Any,
    installation: Installation,
    name: str,
    change: Callable[[dict[str, Any]], Mapping[str, Any]],
    found: Secret | None = None,
) -> Secret:
    """Writes the notes with `change(part)` as that part, where it differs, and gives what is there then; needs the lock.

    An empty part is left out. `found`: the notes as this run has read or written them last. Where there are others by now,
    those are read.
    """
    if found is not None:
        try:
            return _put(here, installation, name, change, found)
        except VaultConflict:
            pass
    return _put(here, installation, name, change, secret(here, installation))


def _put(
    here: Any,
    installation: Installation,
    name: str,
    change: Callable[[dict[str, Any]], Mapping[str, Any]],
    found: Secret,
) -> Secret:
    before = part(found.data, name)
    after = dict(change(dict(before)))
    if after == before:
        return found
    data = {key: value for key, value in (found.data or {"schema": 1}).items() if key != name}
    here.store.before_write(installation)
    return here.vault.write(found.path, {**data, **({name: after} if after else {})}, expect=found)
