# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine loses no token and knows no way back to a dead one, wherever the controller dies.

The machine below drives the real order of writes (`_record_store`) against a Vault in memory that stops at any write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _rotation
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record, Slot, State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore, Seen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit._core import AT, Crash, MemoryVault, assert_no_token, fp, registry, stored, token

REGISTRY = registry()
ROW = REGISTRY.installation("gobot", "ibmcloud")
NAMES = st.sampled_from(["bot", "user"])
CRASH = st.sampled_from([None, None, 0, 1, 2, 3])
KIND = {"bot": "b", "user": "p"}


class Rotations(RuleBasedStateMachine):
    """Vault and Slack as they are (`vault`, `truth`), and what the tool is told of them."""

    def __init__(self) -> None:
        super().__init__()
        self.vault = MemoryVault(self.watch)
        self.store = RecordStore(self.vault, REGISTRY, "value", lambda _row: None)
        self.truth: dict[str, Life] = {}  # of every token that was ever staged or current
        self.given_up: set[str] = set()  # discarded by name, or overwritten by a hand
        self.overwritten = False  # a hand wrote to current since the rotation began
        self.going_back = False
        self.count = 0

    def new(self, name: str) -> Stored:
        self.count += 1
        made = stored(str(self.count), KIND[name], at=AT)
        self.truth[made.fingerprint] = Life.ALIVE
        return made

    def read(self) -> Seen:
        return self.store.read(ROW)

    def held(self) -> set[str]:
        seen = self.read()
        slots = seen.record.tokens.values()
        kept = [*seen.tokens.values(), *(each for slot in slots for each in (slot.pending, slot.previous))]
        return {each.fingerprint for each in kept if each}

    def lives(self, silent: bool) -> dict[str, Life]:
        return dict.fromkeys(self.truth, Life.UNKNOWN) if silent else dict(self.truth)

    def watch(self, path: str, value: str) -> None:
        """Called before a token is written to its own path."""
        if self.going_back:
            assert self.truth[Stored(value).fingerprint] is Life.ALIVE, "went back to a token that is not alive"

    def attempt(self, act: Callable[[], Any], crash: int | None = None) -> None:
        before = dict(self.vault.stored)
        self.vault.fuel = crash
        try:
            act()
        except Crash:
            pass
        except StateError as refusal:
            assert refusal.next_step, refusal.message
            assert_no_token(str(refusal), *(token(str(n), kind) for n in range(self.count + 1) for kind in "bp"))
            if crash is None and not self.overwritten:
                assert self.vault.stored == before, f"a refusal left something behind: {refusal}"
        finally:
            self.vault.fuel = None
            self.going_back = False

    # -- what happens -----------------------------------------------------------------------------------------------

    @initialize(bot=st.booleans(), user=st.booleans())
    def installed(self, bot: bool, user: bool) -> None:
        for name, there in (("bot", bot), ("user", user)):
            if there:
                self.write_current(name, self.new(name))

    def write_current(self, name: str, value: Stored) -> None:
        path = ROW.path(name)
        self.vault.write(path, {"value": value.token}, self.vault.read(path))

    @rule(name=NAMES, silent=st.booleans(), again=st.booleans())
    def stage(self, name: str, silent: bool, again: bool) -> None:
        seen = self.read()
        waiting = seen.record.slot(name).pending
        new = waiting if again and waiting else self.new(name)
        self.attempt(lambda: self.store.stage(seen, name, new, self.lives(silent), f"r{self.count}"))
        if new.fingerprint not in self.held():
            self.given_up.add(new.fingerprint)  # refused: the operator still has it

    @rule(silent=st.booleans(), crash=CRASH)
    def promote(self, silent: bool, crash: int | None) -> None:
        if not self.read().record.under_way:
            self.overwritten = False
        self.attempt(lambda: self.store.promote(self.read(), self.lives(silent)), crash)

    @rule(silent=st.booleans(), crash=CRASH)
    def restore(self, silent: bool, crash: int | None) -> None:
        self.going_back = True
        self.attempt(lambda: self.store.restore(self.read(), self.lives(silent)), crash)

    @rule(silent=st.booleans(), keep=st.booleans())
    def retire(self, silent: bool, keep: bool) -> None:
        named = frozenset(self.truth) if keep else frozenset()
        self.attempt(lambda: self.store.retire(self.read(), self.lives(silent), named))

    @rule(silent=st.booleans(), discard=st.booleans())
    def abort(self, silent: bool, discard: bool) -> None:
        seen = self.read()
        named = {each.fingerprint for each in seen.record.pending.values()} if discard else set()
        self.attempt(lambda: self.store.abort(seen, self.lives(silent), frozenset(named)))
        self.given_up |= named - self.held()

    @rule(name=NAMES)
    def a_whole_rotation_that_keeps_the_old_token(self, name: str) -> None:
        self.stage(name, False, False)
        self.promote(False, None)
        self.retire(False, True)

    @rule(data=st.data())
    def dies(self, data: st.DataObject) -> None:
        living = sorted(each for each in self.truth if self.truth[each] is Life.ALIVE)
        if living:
            self.truth[data.draw(st.sampled_from(living))] = Life.DEAD

    @rule(name=NAMES)
    def a_hand_overwrites_current(self, name: str) -> None:
        before = self.held()
        self.write_current(name, self.new(name))
        self.given_up |= before - self.held()
        self.overwritten = True

    @precondition(lambda self: not self.read().record.pending and self.read().record.current)
    @rule(name=NAMES)
    def adopt(self, name: str) -> None:
        self.attempt(lambda: self.store.adopt(self.read(), [name], f"r{self.count}"))

    # -- what must hold ---------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        living = {each for each, life in self.truth.items() if life is not Life.DEAD}
        assert living - self.given_up <= self.held()

    @invariant()
    def what_is_written_is_what_is_read(self) -> None:
        record = self.read().record
        assert Record.from_dict(record.to_dict(), "generic/x") == record

    @invariant()
    def promoted_means_that_current_holds_it(self) -> None:
        seen = self.read()
        if seen.record.state is State.PROMOTED and not self.overwritten:
            for name, new in seen.record.pending.items():
                assert seen.tokens[name] == Stored(new.token)

    @invariant()
    def what_waits_is_not_current(self) -> None:
        seen = self.read()
        if not seen.record.under_way and not self.overwritten:
            waiting = {name: new.fingerprint for name, new in seen.record.pending.items()}
            now = {name: each.fingerprint for name, each in seen.tokens.items() if each}
            assert not waiting.items() & now.items()

    @invariant()
    def it_can_be_resumed(self) -> None:
        record = self.read().record
        if not record.under_way or self.overwritten:
            return
        twin = RecordStore(self.vault.copy(), REGISTRY, "value", lambda _row: None)
        assert twin.promote(twin.read(ROW), {}).state is State.PROMOTED
        seen = twin.read(ROW)
        assert all(seen.tokens[name].fingerprint == new.fingerprint for name, new in record.pending.items())
        everything = frozenset(self.truth)
        assert twin.retire(seen, {}, everything).state is State.ROTATED
        assert not twin.read(ROW).record.pending, "what was promoted does not wait any more"

    @invariant()
    def it_can_go_back_to_live_tokens(self) -> None:
        seen = self.read()
        old = {name: seen.record.slot(name).previous for name in seen.record.pending}
        if not seen.record.under_way or self.overwritten or not old or not all(old.values()):
            return
        twin = RecordStore(self.vault.copy(), REGISTRY, "value", lambda _row: None)
        lives = {each.fingerprint: Life.ALIVE for each in old.values()}
        assert twin.restore(twin.read(ROW), lives).state is State.ROLLED_BACK
        after = twin.read(ROW)
        assert all(after.tokens[name].fingerprint == each.fingerprint for name, each in old.items())
        assert set(after.record.pending) == set(old), "what was tried stays pending"


TestRotations = Rotations.TestCase
TestRotations.settings = settings(
    max_examples=80, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


# -- single steps -----------------------------------------------------------------------------------------------------

OLD, NEW = stored("old", at="2025-01-01T00:00:00Z"), stored("new", identity={"user_id": "U1"}, scopes=("chat:write",))
ALIVE, DEAD = {OLD.fingerprint: Life.ALIVE}, {OLD.fingerprint: Life.DEAD}


def staged(record: Record | None = None, current: Stored | None = OLD) -> Record:
    return _rotation.stage(record or Record(), "bot", NEW, {"bot": current}, {}, "r1")


def promoted(current: Stored | None = OLD) -> Record:
    begun = _rotation.begin(staged(current=current), {"bot": current}, {})
    return _rotation.promoted(begun, {"bot": NEW}, AT)


def test_a_rotation_from_beginning_to_end() -> None:
    record = staged()
    assert (record.state, record.rotation_id, record.attempt) == (State.STAGED, "r1", 1)
    record = _rotation.begin(record, {"bot": OLD}, {})
    assert record.state is State.PROMOTING and record.replaces == {"bot": OLD.fingerprint}
    assert record.slot("bot").previous.token == OLD.token
    record = _rotation.promoted(record, {"bot": NEW}, AT)
    assert record.current["bot"] == Known(NEW.fingerprint, AT, NEW.identity, NEW.scopes)
    record = _rotation.retire(record, {"bot": NEW}, DEAD, AT)
    assert (record.state, record.tokens) == (State.ROTATED, {"bot": Slot()})
    assert record.history[-1] == {
        "rotation_id": "r1",
        "at": AT,
        "outcome": "rotated",
        "tokens": {"bot": {"old": OLD.fingerprint, "new": NEW.fingerprint}},
    }


def test_each_step_done_twice_changes_nothing() -> None:
    record = staged()
    assert _rotation.stage(record, "bot", NEW, {"bot": OLD}, {}, "r2") == record
    record = _rotation.begin(record, {"bot": OLD}, {})
    assert _rotation.begin(record, {"bot": NEW}, {}) == record
    record = _rotation.promoted(record, {"bot": NEW}, AT)
    assert _rotation.promoted(record, {"bot": NEW}, "later") == record
    record = _rotation.retire(record, {"bot": NEW}, DEAD, AT)
    assert _rotation.retire(record, {"bot": NEW}, {}, "later") == record
    record = _rotation.abort(staged(), {"bot": OLD}, {}, AT, frozenset({NEW.fingerprint}))
    assert _rotation.abort(record, {"bot": OLD}, {}, "later") == record


def test_going_back_keeps_the_new_token_pending_and_counts_the_attempt() -> None:
    record = _rotation.restore(promoted(), {"bot": NEW}, ALIVE)
    record = _rotation.restored(record, {"bot": OLD}, AT)
    assert (record.state, record.attempt, record.tokens["bot"]) == (State.ROLLED_BACK, 2, Slot(NEW))
    assert record.current["bot"].fingerprint == OLD.fingerprint
    assert record.history[-1]["tokens"] == {"bot": {"old": OLD.fingerprint, "new": NEW.fingerprint}}
    assert _rotation.begin(record, {"bot": OLD}, {}).state is State.PROMOTING


def test_a_way_back_that_was_not_finished_is_tried_again_forward() -> None:
    record = _rotation.begin(_rotation.restore(promoted(), {"bot": NEW}, ALIVE), {"bot": OLD}, {})
    assert (record.state, record.attempt) == (State.PROMOTING, 2)


def test_what_the_record_knows_of_the_old_token_goes_along_with_it() -> None:
    """A resumed run has nothing else to compare the new token's identity with, once the old one is dead."""
    known = Known(OLD.fingerprint, "2025-11-23T02:00:00Z", {"user_id": "U1"}, ("chat:write",))
    bare = Stored(OLD.token)  # as it is read from its own path
    record = _rotation.begin(staged(Record(current={"bot": known})), {"bot": bare}, {})
    assert record.slot("bot").previous == Stored(OLD.token, known.identity, known.scopes, known.at)
    record = _rotation.restore(_rotation.promoted(record, {"bot": NEW}, AT), {"bot": NEW}, ALIVE)
    assert _rotation.restored(record, {"bot": bare}, AT).current["bot"] == known


def test_an_aborted_rotation_is_in_the_history_with_what_was_dropped() -> None:
    record = _rotation.retire(promoted(), {"bot": NEW}, DEAD, AT)
    third = stored("third")
    record = _rotation.stage(record, "bot", third, {"bot": NEW}, {}, "r2")
    record = _rotation.abort(record, {"bot": NEW}, {}, AT, frozenset({third.fingerprint}))
    assert record.history[-1] == {
        "rotation_id": "r2",
        "at": AT,
        "outcome": "aborted",
        "tokens": {"bot": {"old": NEW.fingerprint, "new": third.fingerprint}},
    }


def test_a_token_that_is_not_rotated_is_left_alone() -> None:
    kept = Slot(None, stored("kept", "p"))
    known = {"user": Known(fp("user", "p"))}
    record = _rotation.begin(staged(Record(tokens={"user": kept}, current=known)), {"bot": OLD}, {})
    record = _rotation.retire(_rotation.promoted(record, {"bot": NEW}, AT), {"bot": NEW}, DEAD, AT)
    assert record.tokens == {"bot": Slot(), "user": kept} and record.current["user"] == known["user"]
    assert set(record.history[-1]["tokens"]) == {"bot"}


def test_a_kept_old_token_stays_in_vault() -> None:
    record = _rotation.retire(promoted(), {"bot": NEW}, ALIVE, AT, frozenset({OLD.fingerprint}))
    assert record.state is State.ROTATED and record.slot("bot") == Slot(None, OLD)


def test_adoption_takes_what_a_hand_wrote() -> None:
    record = Record(state=State.ROTATED, current={"bot": Known(OLD.fingerprint)}, rotation_id="r0")
    adopted = _rotation.adopt(record, {"bot": NEW}, "r1", AT)
    assert (adopted.state, adopted.rotation_id) == (State.PROMOTED, "r1")
    assert adopted.replaces == {"bot": OLD.fingerprint} and adopted.rotating == ("bot",)
    assert _rotation.retire(adopted, {"bot": NEW}, {}, AT).history[-1]["tokens"]["bot"]["old"] == OLD.fingerprint


REFUSALS = {
    "staging while a rotation is under way": (
        lambda: _rotation.stage(promoted(), "bot", stored("3"), {"bot": NEW}, {}, "r2"),
        "is under way",
    ),
    "staging what is current": (lambda: staged(current=NEW), "reinstalling an app usually returns the same"),
    "staging over a token that may live": (
        lambda: _rotation.stage(staged(), "bot", stored("3"), {"bot": OLD}, {}, "r2"),
        f"discard={NEW.fingerprint}",
    ),
    "beginning with nothing": (lambda: _rotation.begin(Record(), {}, {}), "nothing is staged"),
    "beginning with what is current": (lambda: _rotation.begin(staged(), {"bot": NEW}, {}), "equals the current"),
    "promoting over a kept token that may live": (
        lambda: _rotation.begin(
            staged(Record(tokens={"bot": Slot(None, stored("kept"))})), {"bot": OLD}, {fp("kept"): Life.UNKNOWN}
        ),
        "would lose it",
    ),
    "promoted without being current": (
        lambda: _rotation.promoted(_rotation.begin(staged(), {"bot": OLD}, {}), {"bot": OLD}, AT),
        "does not hold the promoted",
    ),
    "promoted without having begun": (lambda: _rotation.promoted(staged(), {"bot": NEW}, AT), "not promoting"),
    "somebody wrote meanwhile": (
        lambda: _rotation.begin(promoted(), {"bot": stored("3")}, {}),
        "neither the old nor the new",
    ),
    "retiring while the old one lives": (lambda: _rotation.retire(promoted(), {"bot": NEW}, ALIVE, AT), "keep_old="),
    "retiring while Slack is silent": (
        lambda: _rotation.retire(promoted(), {"bot": NEW}, {}, AT),
        "not known to be refused",
    ),
    "retiring too early": (lambda: _rotation.retire(staged(), {"bot": NEW}, DEAD, AT), "not promoted"),
    "retiring what is not current any more": (
        lambda: _rotation.retire(promoted(), {"bot": stored("3")}, DEAD, AT),
        "does not hold the promoted",
    ),
    "going back from nothing": (lambda: _rotation.restore(staged(), {"bot": OLD}, ALIVE), "nothing to go back from"),
    "going back to a dead token": (lambda: _rotation.restore(promoted(), {"bot": NEW}, DEAD), "no way back"),
    "going back while Slack is silent": (lambda: _rotation.restore(promoted(), {"bot": NEW}, {}), "no way back"),
    "going back to no token": (lambda: _rotation.restore(promoted(None), {"bot": NEW}, {}), "no way back"),
    "going on back to a token that has died": (
        lambda: _rotation.restore(_rotation.restore(promoted(), {"bot": NEW}, ALIVE), {"bot": NEW}, DEAD),
        "no way back",
    ),
    "going back from an adoption": (
        lambda: _rotation.restore(_rotation.adopt(Record(), {"bot": NEW}, "r1", AT), {"bot": NEW}, ALIVE),
        "way back",
    ),
    "restored before it is": (
        lambda: _rotation.restored(_rotation.restore(promoted(), {"bot": NEW}, ALIVE), {"bot": NEW}, AT),
        "does not hold the old",
    ),
    "aborting what services may use": (lambda: _rotation.abort(promoted(), {"bot": NEW}, {}, AT), "may run on"),
    "aborting what is current already": (
        lambda: _rotation.abort(_rotation.begin(staged(), {"bot": OLD}, {}), {"bot": NEW}, {}, AT),
        "is current already",
    ),
    "dropping a token that may live": (lambda: _rotation.abort(staged(), {"bot": OLD}, {}, AT), "would be lost"),
    "adopting in the middle": (lambda: _rotation.adopt(staged(), {"bot": NEW}, "r2", AT), "overwritten by hand"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_say_why_and_what_next(case: str) -> None:
    act, words = REFUSALS[case]
    with pytest.raises(StateError) as caught:
        act()
    assert words in str(caught.value)
    assert caught.value.next_step
    assert_no_token(str(caught.value), OLD.token, NEW.token, token("3"), token("kept"))


def test_a_dead_pending_token_gives_way() -> None:
    third = stored("3")
    record = _rotation.stage(staged(), "bot", third, {"bot": OLD}, {NEW.fingerprint: Life.DEAD}, "r2")
    assert record.pending == {"bot": third} and record.rotation_id == "r1"
    aborted = _rotation.abort(staged(), {"bot": OLD}, {NEW.fingerprint: Life.DEAD}, AT)
    assert aborted.state is State.ABORTED and not aborted.pending


def test_a_new_token_that_died_after_its_promotion_can_be_replaced() -> None:
    lives = {OLD.fingerprint: Life.DEAD, NEW.fingerprint: Life.DEAD}
    record = _rotation.stage(promoted(), "bot", stored("3"), {"bot": NEW}, lives, "r2")
    assert record.state is State.STAGED and record.pending == {"bot": stored("3")}


def test_going_back_after_the_end_is_about_the_tokens_that_were_kept() -> None:
    """Of the last rotation, that is: what an earlier one has left is no way back from it."""
    kept, now = stored("kept"), stored("now")
    record = Record("r9", State.ROTATED, tokens={"bot": Slot(None, kept)}, replaces={"user": fp("other", "p")})
    with pytest.raises(StateError, match="no old token is kept"):
        _rotation.restore(record, {"bot": now}, {kept.fingerprint: Life.ALIVE})
    record = replace(record, replaces={"bot": kept.fingerprint})
    record = _rotation.restore(record, {"bot": now}, {kept.fingerprint: Life.ALIVE})
    assert record.state is State.RESTORING and record.pending == {"bot": now}
    assert record.replaces == {"bot": kept.fingerprint} and record.rotating == ("bot",)
