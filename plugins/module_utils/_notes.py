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

from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation


def read(here: Any, installation: Installation) -> dict[str, Any]:
    """What is noted; empty where nothing is."""
    return dict(here.vault.read(here.registry.notes_path(installation)).data or {})


def part(notes: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """One part of the notes, empty where it is not there or is no mapping."""
    found = (notes or {}).get(name)
    return dict(found) if isinstance(found, Mapping) else {}


def put(
    here: Any, installation: Installation, name: str, change: Callable[[dict[str, Any]], Mapping[str, Any]]
) -> None:
    """Reads the notes, and writes them with `change(part)` as that part, where it differs; needs the lock.

    An empty part is left out.
    """
    path = here.registry.notes_path(installation)
    secret = here.vault.read(path)
    before = part(secret.data, name)
    after = dict(change(dict(before)))
    if after == before:
        return
    data = {key: value for key, value in (secret.data or {"schema": 1}).items() if key != name}
    here.store.before_write(installation)
    here.vault.write(path, {**data, **({name: after} if after else {})}, expect=secret)
