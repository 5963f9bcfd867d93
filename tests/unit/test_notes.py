# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes beside a record: a part of them is changed, the others stay, whoever else has written meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _notes

from tests.unit._core import MemoryVault, registry

KNOWN = registry()
INSTALLATION = KNOWN.installation("gobot", "ibmcloud")
PATH = KNOWN.notes_path(INSTALLATION)


class Counting(MemoryVault):
    reads = 0

    def read(self, path: str) -> Any:
        self.reads += 1
        return super().read(path)


@pytest.fixture
def here() -> Any:
    return SimpleNamespace(registry=KNOWN, vault=Counting(), store=SimpleNamespace(before_write=lambda _each: None))


def noted(here: Any) -> dict[str, Any]:
    return _notes.read(here, INSTALLATION)


def test_one_part_is_changed_and_emptied(here: Any) -> None:
    _notes.put(here, INSTALLATION, "a", lambda before: {**before, "x": 1})
    _notes.put(here, INSTALLATION, "b", lambda before: {**before, "y": 2})
    assert noted(here) == {"schema": 1, "a": {"x": 1}, "b": {"y": 2}}
    _notes.put(here, INSTALLATION, "a", lambda before: {})
    assert noted(here) == {"schema": 1, "b": {"y": 2}}


def test_what_was_written_last_is_not_read_again(here: Any) -> None:
    first = _notes.put(here, INSTALLATION, "a", lambda before: {"x": 1})
    here.vault.reads = 0
    second = _notes.put(here, INSTALLATION, "a", lambda before: {**before, "y": 2}, first)
    assert here.vault.reads <= 2, "those of the vault's own write"
    assert second.data == noted(here) == {"schema": 1, "a": {"x": 1, "y": 2}}


def test_what_somebody_wrote_meanwhile_is_kept(here: Any) -> None:
    first = _notes.put(here, INSTALLATION, "a", lambda before: {"x": 1})
    _notes.put(here, INSTALLATION, "b", lambda before: {"y": 2})
    _notes.put(here, INSTALLATION, "a", lambda before: {**before, "z": 3}, first)
    assert noted(here) == {"schema": 1, "a": {"x": 1, "z": 3}, "b": {"y": 2}}


def test_what_would_not_differ_is_not_written(here: Any) -> None:
    first = _notes.put(here, INSTALLATION, "a", lambda before: {"x": 1})
    here.store.before_write = None  # is not come to
    assert _notes.put(here, INSTALLATION, "a", lambda before: before, first) == first
