# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an old token may be revoked at the end of a rotation, and what is known after it was."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _verbs
from ansible_collections.botops.rotation.plugins.module_utils._errors import VaultDenied
from ansible_collections.botops.rotation.plugins.module_utils._liveness import refused
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, Slot, State, Stored

from tests.sandbox import tokens
from tests.unit._core import COMPOSE_ID, IBM_ID, World, alive, fp, token

ROTATING = [tokens.rotating_bot(), tokens.rotating_bot()]
OTHER = {"compose": COMPOSE_ID, "ciebot": "ciebot/ibmcloud"}


def staged() -> World:
    """The old token lives, a new one waits."""
    return World().holds(IBM_ID, token("old"), alive()).stages(IBM_ID, token("new"), alive())


def test_a_plan_with_it_ends_as_rotated_and_says_what_will_be_done() -> None:
    row = staged().row(revoke_old=frozenset({fp("old")}))
    assert row["outcome"] == "rotated"
    assert row["proofs"]["old_refused"]["result"] is None and "revoke_old" in row["proofs"]["old_refused"]["evidence"]
    assert any("is static" in warning for warning in row["warnings"])


def test_without_it_or_with_keep_old_nothing_changes() -> None:
    assert staged().row()["outcome"] == "old_alive"
    kept = staged().row(revoke_old=frozenset({fp("old")}), keep_old=frozenset({fp("old")}))
    assert kept["outcome"] == "rotated" and "keep_old" in kept["proofs"]["old_refused"]["evidence"]
    assert staged().row(revoke_old=frozenset({fp("new")}))["outcome"] == "old_alive"


@pytest.mark.parametrize("stage", ["current", "pending"])
@pytest.mark.parametrize("where", OTHER.values(), ids=list(OTHER))
def test_never_one_that_another_row_uses(stage: str, where: str) -> None:
    world = staged()
    _dummy = world.holds(where, token("old")) if stage == "current" else world.stages(where, token("old"))
    row = world.row(revoke_old=frozenset({fp("old")}))
    assert row["outcome"] == "refused" and f"{stage} of {where}/bot" in row["reason"]


def test_never_while_a_row_cannot_be_read() -> None:
    world = staged()
    world.errors[COMPOSE_ID] = VaultDenied("denied")
    assert COMPOSE_ID in world.row(revoke_old=frozenset({fp("old")}))["reason"]


def test_never_after_an_exchange() -> None:
    world = World().holds(IBM_ID, token("old"), alive()).stages(IBM_ID, ROTATING[0], alive())
    row = world.row(revoke_old=frozenset({fp("old")}))
    assert row["outcome"] == "refused" and "first refresh" in row["reason"]


def test_never_a_user_token_while_there_is_a_bot_token() -> None:
    world = World().holds(IBM_ID, token("bot"), alive()).holds(IBM_ID, token("old", "p"), alive(), "user")
    world.stages(IBM_ID, token("new", "p"), alive(), "user")
    row = world.row(revoke_old=frozenset({fp("old", "p")}))
    assert row["outcome"] == "refused" and fp("bot") in row["reason"]


def test_one_of_the_rotation_mode_ends_alone() -> None:
    world = World().holds(IBM_ID, ROTATING[0], alive()).stages(IBM_ID, ROTATING[1], alive())
    row = world.row(revoke_old=frozenset({tokens.fingerprint(ROTATING[0])}))
    assert (row["outcome"], row["warnings"]) == ("rotated", [])


def promoted(old: str, new: str) -> World:
    """As it is when a rotation is judged."""
    slot = Slot(pending=Stored(new), previous=Stored(old))
    record = Record("r1", State.PROMOTED, tokens={"bot": slot}, replaces={"bot": tokens.fingerprint(old)})
    world = World().holds(IBM_ID, new, alive())
    world.records[IBM_ID] = record
    return world.says(old, alive())


class Slack:
    """Revokes, and says of tokens what a world does."""

    def __init__(self, world: World, ends: tuple[str, ...]) -> None:
        self.world, self.ends, self.revoked = world, ends, []

    def probe(self, value: str) -> Any:
        return self.world.probes[tokens.fingerprint(value)]

    def revoke(self, value: str, test: bool = False) -> bool:
        assert not test
        self.revoked.append(value)
        for each in self.ends:
            self.world.says(each, refused("account_inactive"))
        return True


def retire(world: World, slack: Slack, *named: str, held: bool = True) -> dict[str, Any]:
    """What the verb `retired` says of the row, with the records of a world."""

    def before_write(_installation: Any) -> None:
        if not held:
            raise RuntimeError("the lock is lost")

    def save(seen: Any, _lives: Any, _keep: Any) -> Record:
        return replace(seen.record, state=State.ROTATED)

    store = SimpleNamespace(read=world.seen, retire=save, before_write=before_write)
    here = SimpleNamespace(registry=world.registry, store=store, slack=slack)
    (old, new) = (world.records[IBM_ID].slot("bot").previous, world.records[IBM_ID].slot("bot").pending)
    token_row = {"old": old.fingerprint, "new": new.fingerprint, "proofs": {"old_refused": {}}}
    row = {"bot": "gobot", "workspace": "ibmcloud", "action": "promote", "tokens": {"bot": token_row}}
    options = {"installations": [row], "keep_old": [], "revoke_old": list(named)}
    return _verbs.retired(here, options, False)["results"][IBM_ID]


def test_it_is_revoked_and_the_rotation_ends() -> None:
    world = promoted(token("old"), token("new"))
    slack = Slack(world, (token("old"),))
    result = retire(world, slack, fp("old"))
    assert (slack.revoked, result["outcome"], result["state"]) == ([token("old")], "rotated", "rotated")
    assert "revoked by this run" in result["old_refused"]["bot"]["evidence"]


def test_a_new_token_that_ends_with_it_is_the_loudest_failure() -> None:
    world = promoted(token("old"), token("new"))
    result = retire(world, Slack(world, (token("old"), token("new"))), fp("old"))
    assert result["outcome"] == "failed"
    assert "THE NEW BOT TOKEN" in result["reason"] and f"the old bot token {fp('old')} was revoked" in result["reason"]


def test_one_that_is_not_named_or_is_used_elsewhere_is_left_alone() -> None:
    world = promoted(token("old"), token("new"))
    slack = Slack(world, (token("old"),))
    assert retire(world, slack, fp("new"))["outcome"] == "old_alive"
    world.holds(COMPOSE_ID, token("old"))
    result = retire(world, slack, fp("old"))
    assert result["outcome"] == "old_alive" and f"current of {COMPOSE_ID}/bot" in result["reason"]
    assert slack.revoked == []


def test_a_run_that_has_lost_its_lock_revokes_nothing() -> None:
    world = promoted(token("old"), token("new"))
    slack = Slack(world, (token("old"),))
    with pytest.raises(RuntimeError):
        retire(world, slack, fp("old"), held=False)
    assert slack.revoked == []
