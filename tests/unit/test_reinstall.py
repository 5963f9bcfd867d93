# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategy reinstall: what is decided, what the record says before and after the revoke, what is put back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _memberships,
    _notes,
    _reinstall,
    _revoke,
    _rotation,
    _services,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError, SlackUnavailable, StateError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, refused
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record, State
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey

from tests.unit._core import AT, IDENTITY, NOW, SCOPES, MemoryVault, World, alive, dead, registry, stored, token

ROW = "gobot/ibmcloud"
OLD, NEW = stored("old"), stored("new")
KNOWN = {"bot": Known(OLD.fingerprint, "", IDENTITY, SCOPES)}
REINSTALL = registry(gobot={"strategy": "reinstall"})


def world(probe: Probe | None = None, **record: Any) -> World:
    made = World(registry=REINSTALL).holds(ROW, OLD.token, probe or alive())
    if record:
        made.records[ROW] = Record(rotation_id="r1", **record)
    return made


# -- the state machine ---------------------------------------------------------------------------------------------


def revoked() -> Record:
    record = _rotation.revoke(Record(), {"bot": OLD}, KNOWN, "r1", AT)
    return _rotation.revoked(record, {OLD.fingerprint: Life.DEAD})


def test_from_the_revoke_to_the_end() -> None:
    record = _rotation.revoke(Record(), {"bot": OLD}, KNOWN, "r1", AT)
    assert (record.state, record.revoked_at, record.replaces) == (State.REVOKING, AT, {"bot": OLD.fingerprint})
    assert record.current["bot"].identity == IDENTITY, "what the new token is compared with"
    assert Record.from_dict(record.to_dict(), "x") == record and record.rotating == ("bot",)
    record = _rotation.revoked(record, {OLD.fingerprint: Life.DEAD})
    staged = _rotation.stage(record, "bot", NEW, {"bot": OLD}, {}, "r2")
    assert (staged.state, staged.rotation_id, staged.revoked_at) == (State.STAGED, "r1", AT)
    record = _rotation.begin(staged, {"bot": OLD}, {})
    record = _rotation.promoted(record, {"bot": NEW}, AT)
    record = _rotation.retire(record, {"bot": NEW}, {OLD.fingerprint: Life.DEAD}, AT)
    assert record.history[-1]["tokens"] == {"bot": {"old": OLD.fingerprint, "new": NEW.fingerprint}}
    again = _rotation.stage(record, "bot", stored("third"), {"bot": NEW}, {}, "r3")
    assert (again.rotation_id, again.revoked_at) == ("r3", ""), "the next rotation is another one"


def test_the_same_token_that_comes_back_is_refused() -> None:
    with pytest.raises(StateError, match="is the current one already"):
        _rotation.stage(revoked(), "bot", OLD, {"bot": OLD}, {}, "r2")


@pytest.mark.parametrize("life", [Life.ALIVE, Life.UNKNOWN])
def test_revoked_means_that_slack_refuses_it(life: Life) -> None:
    record = _rotation.revoke(Record(), {"bot": OLD}, KNOWN, "r1", AT)
    with pytest.raises(StateError, match="not known to be refused"):
        _rotation.revoked(record, {OLD.fingerprint: life})


def test_nothing_is_revoked_while_a_new_token_is_there() -> None:
    staged = _rotation.stage(Record(), "bot", NEW, {"bot": OLD}, {}, "r1")
    for record in (staged, _rotation.begin(staged, {"bot": OLD}, {})):
        with pytest.raises(StateError, match="its new token is there already"):
            _rotation.revoke(record, {"bot": OLD}, KNOWN, "r2", AT)
    with pytest.raises(StateError, match="no current token"):
        _rotation.revoke(Record(), {"bot": None}, {}, "r1", AT)


def test_waiting_can_be_given_up() -> None:
    record = _rotation.abort(revoked(), {"bot": OLD}, {}, AT)
    assert (record.state, record.revoked_at, record.history[-1]["outcome"]) == (State.ABORTED, "", "aborted")


# -- what is decided -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "choices", "action", "outcome", "words"),
    [
        (world(), {}, "reinstall", "rotated", ""),
        (world(dead()), {}, "reinstall", "rotated", ""),
        (world(refused("invalid_auth")), {}, "none", "nothing_staged", "unknown"),
        (
            world(current={"bot": Known(OLD.fingerprint, f"{NOW:%Y-%m-%dT%H:%M:%SZ}")}),
            {},
            "converge",
            "already",
            "due in",
        ),
        (world(dead(), state=State.REVOKED, revoked_at=AT), {}, "reinstall", "rotated", ""),
        (world(state=State.REVOKING, revoked_at=AT), {}, "reinstall", "rotated", ""),
        (world(dead(), state=State.REVOKED, revoked_at=AT), {"install": False}, "none", "waiting", f"since {AT}"),
        (world(dead(), state=State.REVOKED, revoked_at=AT), {"unattended": True}, "none", "refused", f"since {AT}"),
        (world(), {"install": False}, "none", "refused", "was not revoked"),
        (world(dead()).stages(ROW, NEW.token, alive()), {}, "promote", "rotated", ""),
    ],
    ids=[
        "due",
        "dead",
        "unknown",
        "young",
        "revoked",
        "revoking",
        "not installed",
        "unattended",
        "not revoked",
        "staged",
    ],
)
def test_what_is_decided(made: World, choices: dict[str, Any], action: str, outcome: str, words: str) -> None:
    row = made.row(**choices)
    assert (row["action"], row["outcome"]) == (action, outcome), row["reason"]
    assert words in row["reason"]
    if action == "reinstall":
        assert row["tokens"]["bot"]["old"] == row["old_fingerprint"] == OLD.fingerprint
        assert row["tokens"]["bot"]["new"] == ""


def test_a_revoked_installation_is_waited_for_whatever_the_strategy_is_now() -> None:
    made = replace(world(dead(), state=State.REVOKED, revoked_at=AT), registry=registry())
    assert made.row()["action"] == "reinstall"


# -- the revoke ----------------------------------------------------------------------------------------------------


class Slack:
    """A Slack that has one token and two channels; `answer` is what a revoke does."""

    def __init__(self, answer: str = "ok") -> None:
        self.answer, self.alive, self.revokes, self.channels = answer, True, 0, {"C1": "general", "C2": "quiet"}

    def revoke(self, token: str, test: bool = False) -> bool:
        self.revokes += 1
        self.alive = self.answer in ("refused", "lost")
        if self.answer == "refused":
            raise SlackError("Slack refused auth.revoke: no_permission", "no_permission")
        if self.answer in ("cut", "lost"):
            raise SlackUnavailable("auth.revoke got no answer", "unavailable")
        return True

    def probe(self, token: str) -> Probe:
        return alive() if self.alive else refused("invalid_auth" if self.answer == "vague" else "account_inactive")

    def conversations(self, token: str, kind: str) -> list[dict[str, str]]:
        if kind == "private_channel":
            raise SlackError("Slack refused users.conversations: missing_scope (needed: groups:read)", "missing_scope")
        return [{"id": each, "name": name} for each, name in self.channels.items()]

    def join(self, token: str, channel: str) -> str:
        if channel == "C2":
            return "is_archived"
        self.channels[channel] = "general"
        return ""


def here(slack: Slack) -> Any:
    vault = MemoryVault()
    store = RecordStore(vault, REINSTALL, "value", lambda _row: None)
    row = REINSTALL.installation("gobot", "ibmcloud")
    vault.write(row.bot_token_path, {"value": OLD.token}, vault.read(row.bot_token_path))
    return SimpleNamespace(vault=vault, store=store, registry=REINSTALL, slack=slack, row=row)


def survey(probe: Probe) -> Survey:
    return Survey(probes={OLD.fingerprint: probe})


@pytest.mark.parametrize("answer", ["ok", "cut", "vague"])
def test_a_revoke_is_sent_once_and_proven(answer: str) -> None:
    place = here(Slack(answer))
    seen = place.store.read(place.row)
    assert _reinstall.revoke(place, seen, survey(alive()), "r1").state is State.REVOKED
    assert place.slack.revokes == 1
    assert place.store.read(place.row).record.state is State.REVOKED
    saved = _notes.part(_notes.read(place, place.row), "memberships")
    assert [each["name"] for each in saved["channels"]] == ["general", "quiet"] and "groups:read" in saved["unknown"][0]
    again = _reinstall.revoke(place, place.store.read(place.row), survey(dead()), "r2")
    assert (again.state, again.rotation_id, place.slack.revokes) == (State.REVOKED, "r1", 1)


@pytest.mark.parametrize("answer", ["refused", "lost"])
def test_a_token_that_lives_on_is_said_and_can_be_revoked_again(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_revoke, "PAUSES", (0.0,))
    place = here(Slack(answer))
    with pytest.raises(StateError, match="was to be revoked, and is (refused|alive)"):
        _reinstall.revoke(place, place.store.read(place.row), survey(alive()), "r1")
    seen = place.store.read(place.row)
    assert seen.record.state is State.REVOKING
    place.slack.answer = "ok"
    assert _reinstall.revoke(place, seen, survey(alive()), "r2").state is State.REVOKED
    assert place.slack.revokes == 2


def test_a_token_of_which_nothing_is_known_is_not_revoked() -> None:
    place = here(Slack())
    with pytest.raises(StateError, match="not known"):
        _reinstall.revoke(place, place.store.read(place.row), survey(refused("invalid_auth")), "r1")
    assert place.slack.revokes == 0 and place.store.read(place.row).record == Record()


def test_a_dead_token_is_not_revoked_but_waited_for() -> None:
    place = here(Slack())
    assert _reinstall.revoke(place, place.store.read(place.row), survey(dead()), "r1").state is State.REVOKED
    assert place.slack.revokes == 0
    assert "was dead already" in _notes.part(_notes.read(place, place.row), "memberships")["unknown"][0]


# -- what is put back ----------------------------------------------------------------------------------------------


def test_channels_are_joined_again_or_listed() -> None:
    slack = Slack()
    slack.channels = {"C0": "there"}
    before = {
        "channels": [
            {"id": "C0", "name": "there", "private": False},
            {"id": "C1", "name": "general", "private": False},
            {"id": "C2", "name": "old", "private": False},
            {"id": "G1", "name": "secret", "private": True},
        ],
        "unknown": [],
    }
    found = _memberships.restore(slack, token("new"), before, "gobot")
    assert (found["joined"], found["there"]) == (["general"], ["there"])
    assert [each["name"] for each in found["missing"]] == ["old", "secret"]
    assert _memberships.words(found)[1].endswith("a member of #secret sends there: /invite @gobot")


def test_unavailability_is_counted_from_the_revoke() -> None:
    now = datetime(2026, 11, 23, 2, 0, tzinfo=timezone.utc)
    begun = f"{now - timedelta(seconds=20):%Y-%m-%dT%H:%M:%SZ}"
    entries = [
        {"name": "one", "installations": [ROW], "seconds_unavailable": 0.5},
        {"name": "two", "installations": [ROW], "seconds_unavailable": None},
        {"name": "three", "installations": ["gobot/compose"], "seconds_unavailable": 0.7},
    ]
    rows = [{"id": ROW, "revoked_at": begun}, {"id": "gobot/compose", "revoked_at": ""}]
    assert [each["seconds_unavailable"] for each in _services.since_revoke(entries, rows, now)] == [20.0, None, 0.7]
