# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are not on the new token are carried in the notes from run to run, until one finds them on it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _missing

from tests.unit._core import MemoryVault, registry, service

KEY = "gobot/ibmcloud/bot"


class World:
    """One installation with services on h1 and h2."""

    def __init__(self) -> None:
        known = registry(
            service("a", KEY), service("b", KEY, host="h2"), service("c", "ciebot/ibmcloud/bot", host="h3")
        )
        self.installation = known.installation("gobot", "ibmcloud")
        self.path = known.notes_path(self.installation)
        self.locked: list[str] = []
        store = SimpleNamespace(before_write=lambda installation: self.locked.append(installation.id))
        self.here = SimpleNamespace(registry=known, vault=MemoryVault(), store=store)

    def carry(self, missing: dict[str, str], known: set[str] | None = None) -> list[str]:
        hosts = _missing.hosts(self.here.registry, "gobot/ibmcloud") if known is None else known
        return _missing.carry(self.here, self.installation, missing, hosts)

    @property
    def notes(self) -> dict[str, Any]:
        return self.here.vault.read(self.path).data or {}


def test_the_hosts_of_an_installation() -> None:
    assert _missing.hosts(World().here.registry, "gobot/ibmcloud") == {"h1", "h2"}


def test_nothing_missing_writes_nothing() -> None:
    world = World()
    assert world.carry({}) == [] and world.notes == {} and world.locked == []


def test_from_the_first_run_to_the_one_that_finds_it() -> None:
    world = World()
    world.here.vault.write(world.path, {"schema": 1, "announcements": {"m": {}}}, world.here.vault.read(world.path))
    world.carry({"h1": "unreachable"})
    first = world.notes["missing"]["h1"]
    assert first["why"] == "unreachable" and first["since"] and world.locked == ["gobot/ibmcloud"]
    assert world.carry({"h1": "unreachable"}) == [] and len(world.locked) == 1, "said already"
    world.carry({"h1": "limited away", "h2": "failed"})
    assert world.notes["missing"]["h1"] == {"why": "limited away", "since": first["since"]}
    assert world.carry({}) == []
    assert world.notes == {"schema": 1, "announcements": {"m": {}}}


def test_a_host_that_left_the_inventory_is_told_once() -> None:
    world = World()
    world.carry({"h1": "unreachable", "h2": "unreachable"})
    [warning] = world.carry({"h2": "unreachable"}, known={"h2"})
    assert warning.startswith("h1 was not on the new token (unreachable since ") and "old token" in warning
    assert world.carry({}, known={"h2"}) == [] and "missing" not in world.notes


@pytest.mark.parametrize(
    "notes", [None, {}, {"missing": None}, {"missing": ["h1"]}, {"missing": {"h1": "x"}}], ids=repr
)
def test_notes_that_say_nothing(notes: Any) -> None:
    assert _missing.read(notes) == {}


def test_in_words() -> None:
    said = {"h2": {"why": "unreachable", "since": "2026-11-23T02:00:00Z"}, "h1": {"why": "failed", "since": ""}}
    assert _missing.listed(said, {"h1"}) == (
        "h1 (failed since ), h2 (unreachable since 2026-11-23T02:00:00Z; not in the inventory any more)"
    )
