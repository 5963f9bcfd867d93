# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes of an installation: the secret beside its record that holds what grows and has no token in it (private).

{schema, announcements: {mark: {state, at, ...}}, memberships: {of, at, channels, unknown}}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation


def read(here: Any, installation: Installation) -> dict[str, Any]:
    """What is noted, with an empty mapping for each part that is not there."""
    data = here.vault.read(here.registry.notes_path(installation)).data
    return _shaped(data)


def update(here: Any, installation: Installation, change: Callable[[dict[str, Any]], None]) -> None:
    """Reads the notes, changes them, and writes them; needs the installation's lock."""
    path = here.registry.notes_path(installation)
    secret = here.vault.read(path)
    data = _shaped(secret.data)
    change(data)
    here.store.before_write(installation)
    here.vault.write(path, data, expect=secret)


def _shaped(data: Any) -> dict[str, Any]:
    data = dict(data or {"schema": 1})
    for part in ("announcements", "memberships"):
        data[part] = dict(data.get(part) or {})
    return data
