# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each case of an installation: what is done, what it ends with, why, and what to do next; never with a token."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._errors import VaultNotFound
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, refused, settle
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record, Slot, State, Stored
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._core import IDENTITY, SCOPES, World, alive, dead, fp, stored, token

ROW = "gobot/ibmcloud"
CIE = "ciebot/ibmcloud"  # neither app_id nor bot_user_id is in the registry
OLD, NEW, OTHER = token("old"), token("new"), token("other")
LIMITED = Probe(Life.UNKNOWN, "ratelimited", "Slack's rate limit stopped auth.test (429)")


def ready(old: Probe | None = None, new: Probe | None = None, **record: Any) -> World:
    """The normal case: the old token is dead, a new one waits."""
    return World().holds(ROW, OLD, old or dead()).stages(ROW, NEW, new or alive(), **record)


def known(name: str = "old", at: str = "2025-11-20T00:00:00Z") -> Known:
    return Known(fp(name), at, IDENTITY, SCOPES)


# name: (world, choices, action, outcome, words of the reason, words of the next step)
CASES: dict[str, tuple[World, dict[str, Any], str, str, str, str]] = {
    "dead current, good pending": (ready(), {}, "promote", "rotated", "", ""),
    "live current, good pending": (
        ready(old=alive()),
        {},
        "promote",
        "old_alive",
        f"still accepts the old token {fp('old')}",
        f"keep_old={fp('old')}",
    ),
    "live current that may live": (
        ready(old=alive()),
        {"keep_old": frozenset({fp("old")})},
        "promote",
        "rotated",
        "",
        "",
    ),
    "current of unknown life": (ready(old=LIMITED), {}, "promote", "rotated", "", ""),
    "no current token at all": (World().holds(ROW, None).stages(ROW, NEW, alive()), {}, "promote", "rotated", "", ""),
    "pending equal to current": (
        World().holds(ROW, OLD, alive()).stages(ROW, OLD),
        {},
        "none",
        "refused",
        f"new and old are the same token, {fp('old')}",
        "install the app again",
    ),
    "pending is another row's": (
        ready().holds("gobot/compose", NEW),
        {},
        "none",
        "refused",
        "is also that of gobot/compose/bot",
        "this row's own token",
    ),
    "pending is dead": (ready(new=dead()), {}, "none", "refused", "is dead: Slack answered token_revoked", "live"),
    "everything is dead": (ready(dead(), dead("account_inactive")), {}, "none", "refused", "account_inactive", "live"),
    "Slack is silent": (ready(new=LIMITED), {}, "none", "refused", "is unknown: Slack's rate limit", "run again when"),
    "invalid_auth alone": (
        ready(new=settle([refused("invalid_auth")])[0]),
        {},
        "none",
        "refused",
        "IP allowlist",
        "allowlist",
    ),
    "pending of another team": (ready(new=alive(team_id="T9")), {}, "none", "refused", "team T9", "of this bot"),
    "another team, even if accepted": (
        ready(new=alive(team_id="T9")),
        {"accept_identity": frozenset({fp("new")})},
        "none",
        "refused",
        "the registry says T0123",
        "of this bot",
    ),
    "another bot user": (
        ready(new=alive(user_id="U9")),
        {},
        "none",
        "refused",
        "changed user: its user is U9, and the registry says U0BOT",
        f"accept_identity={fp('new')}",
    ),
    "another bot user, accepted": (
        ready(new=alive(user_id="U9")),
        {"accept_identity": frozenset({fp("new")})},
        "promote",
        "rotated",
        "",
        "",
    ),
    "another user than the live old token's": (
        ready(old=alive(user_id="U8")),
        {},
        "none",
        "refused",
        "the live old token says U8",
        "accept_identity=",
    ),
    "lacking a required scope": (
        ready(new=alive(scopes=("im:write",))),
        {},
        "none",
        "refused",
        "lacks the required scopes chat:write",
        "install the app again",
    ),
    "lacking a scope of the old token": (
        ready(old=alive(scopes=("chat:write", "im:write"))),
        {},
        "none",
        "refused",
        "lacks im:write, which the old token had",
        f"accept_scopes={fp('new')}",
    ),
    "lacking a scope that the record knows of": (
        ready(current={"bot": Known(fp("old"), "", IDENTITY, ("im:write",))}),
        {},
        "none",
        "refused",
        "lacks im:write",
        "accept_scopes=",
    ),
    "lacking it, accepted": (
        ready(old=dead(), current={"bot": Known(fp("old"), "", IDENTITY, ("im:write",))}),
        {"accept_scopes": frozenset({fp("new")})},
        "promote",
        "rotated",
        "",
        "",
    ),
    "nothing to compare with": (
        World().holds(CIE, OLD, dead()).stages(CIE, NEW, alive()),
        {},
        "none",
        "refused",
        "botops_bots.ciebot.installations.ibmcloud.bot_user_id: U0BOT",
        f"accept_identity={fp('new')}",
    ),
    "nothing staged, young": (
        World().holds(ROW, OLD, alive()).stages(ROW, NEW, tokens={}, state=State.ROTATED, current={"bot": known()}),
        {"rotation_days": 400},
        "converge",
        "already",
        "rotated 368 days ago, due in 32 days",
        "",
    ),
    "nothing staged, old": (
        World().holds(ROW, OLD, alive()).stages(ROW, NEW, tokens={}, state=State.ROTATED, current={"bot": known()}),
        {},
        "converge",
        "nothing_staged",
        "368 days old (due at 365)",
        "stage_token -e bot=gobot -e workspace=ibmcloud",
    ),
    "nothing staged, of unknown age": (
        World().holds(ROW, OLD, alive()),
        {},
        "converge",
        "nothing_staged",
        "of unknown age",
        "stage_token",
    ),
    "nothing staged, dead": (World().holds(ROW, OLD, dead()), {}, "none", "nothing_staged", "is dead", "stage_token"),
    "nothing staged, unknown": (World().holds(ROW, OLD, LIMITED), {}, "none", "nothing_staged", "is unknown", "stage"),
    "nothing at all": (
        World().holds(ROW, None),
        {},
        "none",
        "nothing_staged",
        "there is no token at generic/gobot_ibmcloud",
        "stage_token",
    ),
    "overwritten by hand": (
        World().holds(ROW, NEW, alive()).stages(ROW, NEW, tokens={}, state=State.ROTATED, current={"bot": known()}),
        {},
        "adopt",
        "rotated",
        "",
        "",
    ),
    "overwritten by hand with a dead one": (
        World().holds(ROW, NEW, dead()).stages(ROW, NEW, tokens={}, state=State.ROTATED, current={"bot": known()}),
        {},
        "none",
        "refused",
        "the current bot token of gobot/ibmcloud",
        "live token",
    ),
    "rolled back, tried again": (ready(state=State.ROLLED_BACK, attempt=2), {}, "promote", "rotated", "", ""),
    "rolled back, unattended": (
        ready(state=State.ROLLED_BACK, attempt=2),
        {"unattended": True},
        "none",
        "refused",
        "was rolled back",
        "run rotate_bot yourself",
    ),
    "Vault has no such mount": (
        World(errors={ROW: VaultNotFound("Vault: no secret at generic/gobot_ibmcloud", "check the path")}),
        {},
        "none",
        "refused",
        "no secret at generic/gobot_ibmcloud",
        "check the path",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_table(case: str) -> None:
    world, choices, action, outcome, reason, next_step = CASES[case]
    name = CIE if case == "nothing to compare with" else ROW
    row = world.row(name, **choices)
    assert (row["action"], row["outcome"]) == (action, outcome), row["reason"]
    assert reason in row["reason"] and next_step in row["next_step"]
    if outcome == "refused" and row["tokens"]:
        assert name in row["reason"] or ROW in world.errors


MALFORMED = {
    "": "is empty",
    " \n": "nothing but white space",
    "xo" + "xb-12": "is truncated",
    f"{NEW}\n": "white space around it",
    f" {NEW}": "white space around it",
    tokens.user(): "is a user token; a bot token (xoxb-...) is due",
    tokens.app_level(): "is an app-level token",
    tokens.webhook(): "is a webhook URL",
    tokens.refresh(): "is a refresh token",
    tokens.session(): "is a browser session token",
    "hello": "is not a Slack token",
}


@pytest.mark.parametrize("case", range(len(MALFORMED)))
def test_a_malformed_pending_token(case: int) -> None:
    value, words = list(MALFORMED.items())[case]
    row = World().holds(ROW, OLD, dead()).stages(ROW, value, alive()).row()
    assert (row["action"], row["outcome"]) == ("none", "refused")
    assert f"the pending bot token of {ROW} {words}" in row["reason"] or words in row["reason"]
    assert "stage the token as Slack shows it" in row["next_step"]


def test_a_padded_current_token_is_only_warned_of() -> None:
    world = ready()
    world.padded.add((ROW, "bot"))
    row = world.row()
    assert row["outcome"] == "rotated" and "white space around it" in row["warnings"][0]


@pytest.mark.parametrize(
    ("value", "words"),
    [(token("u", "p"), ""), (tokens.bot(), "is a bot token; a user token (xoxp-...) is due")],
    ids=["right", "bot where user is due"],
)
def test_user_tokens(value: str, words: str) -> None:
    world = World().holds(ROW, OLD, alive()).holds(ROW, token("v", "p"), dead(), "user")
    world.stages(ROW, value, alive(user_id="U7"), "user", current={"user": Known(fp("v", "p"), "", {"user_id": "U7"})})
    row = world.row()
    if words:
        assert row["outcome"] == "refused" and f"the pending user token of {ROW} {words}" in row["reason"]
        return
    assert (row["action"], row["outcome"]) == ("promote", "rotated")
    assert list(row["tokens"]) == ["user"] and row["new_fingerprint"] == fp("u", "p")
    assert row["tokens"]["user"]["path"] == "generic/gobot_ibmcloud_user"


def test_a_user_token_for_a_row_without_one_is_refused_with_the_line_to_add() -> None:
    row = World().holds(CIE, OLD, dead()).stages(CIE, token("u", "p"), alive(), "user").row(CIE)
    assert row["outcome"] == "refused" and row["next_step"]


def test_the_headline_is_that_of_the_bot_token() -> None:
    row = ready().row()
    assert (row["old_fingerprint"], row["new_fingerprint"]) == (fp("old"), fp("new"))
    assert row["identity"] == IDENTITY and row["workspace_name"] == "IBM Cloud Platform"
    proofs = row["proofs"]
    assert {name: proofs[name]["result"] for name in proofs} == {
        "changed": True,
        "same_identity": True,
        "scopes": True,
        "old_refused": True,
        "in_use": None,
    }
    assert row["tokens"]["bot"]["restorable"] is False
    assert ready(old=alive()).row()["tokens"]["bot"]["restorable"] is True
    assert ready(old=LIMITED).row()["tokens"]["bot"]["restorable"] is False


# -- rotations that were under way ------------------------------------------------------------------------------------


def resumed(state: State, value: str, old: Probe, row: str = ROW, **more: Any) -> World:
    tokens_of_record = {"bot": Slot(stored("new", identity=IDENTITY, scopes=SCOPES), stored("old", identity=IDENTITY))}
    record = Record("r1", state, 1, tokens_of_record, {"bot": fp("old")}, **more)
    world = World(records={row: record}).holds(row, value)
    return world.says(OLD, old).says(NEW, alive())


@pytest.mark.parametrize("state", [State.PROMOTING, State.PROMOTED, State.RESTORING])
@pytest.mark.parametrize("current", [OLD, NEW], ids=["old", "new"])
@pytest.mark.parametrize("old", [alive(), dead()], ids=["alive", "dead"])
def test_a_rotation_under_way_is_resumed(state: State, current: str, old: Probe) -> None:
    row = resumed(state, current, old).row()
    assert (row["action"], row["state"], row["rotation_id"]) == ("resume", state.value, "r1")
    assert row["outcome"] == ("old_alive" if old.alive else "rotated")
    assert (row["old_fingerprint"], row["new_fingerprint"]) == (fp("old"), fp("new"))
    assert row["tokens"]["bot"]["restorable"] is old.alive


def test_a_resumed_run_proves_the_identity_as_the_first_did() -> None:
    """Where the registry has no ids and the old token is dead, the record is all that there is to compare with."""
    first = World().holds(CIE, OLD, dead()).stages(CIE, NEW, alive(), current={"bot": known()}).row(CIE)
    assert first["outcome"] == "rotated"
    promoted = {"bot": Known(fp("new"), "2026-11-23T02:00:00Z", IDENTITY, SCOPES)}
    again = resumed(State.PROMOTED, NEW, dead(), CIE, current=promoted).row(CIE)
    assert (again["action"], again["outcome"]) == ("resume", "rotated")


def adopted(row: str, **more: Any) -> World:
    now = {"bot": Known(fp("new"), "2026-11-23T02:00:00Z", IDENTITY, SCOPES)}
    record = Record("r1", State.PROMOTED, 1, {}, {"bot": fp("old")}, now, **more)
    return World(records={row: record}).holds(row, NEW, alive())


def test_an_adoption_is_resumed_with_the_old_token_known_by_its_fingerprint() -> None:
    row = adopted(ROW).row()
    assert (row["action"], row["outcome"], row["old_fingerprint"]) == ("resume", "rotated", fp("old"))
    assert row["tokens"]["bot"]["restorable"] is False and row["proofs"]["old_refused"]["result"] is None


def test_an_adoption_whose_identity_was_proven_is_resumed_without_ids_in_the_registry() -> None:
    assert adopted(CIE).row(CIE)["action"] == "resume"


def test_a_kept_older_token_is_not_taken_for_the_one_that_was_overwritten_by_hand() -> None:
    record = Record("r1", State.ROTATED, 1, {"bot": Slot(None, stored("kept"))}, {}, {"bot": known()})
    world = World(records={ROW: record}).holds(ROW, NEW, alive()).says(token("kept"), alive())
    row = world.row()
    assert (row["action"], row["old_fingerprint"]) == ("adopt", fp("old"))
    assert row["tokens"]["bot"]["restorable"] is False, "nobody asked Slack about the old token"
    assert row["proofs"]["old_refused"]["result"] is None


@pytest.mark.parametrize("state", [State.NONE, State.ROTATED, State.ABORTED])
def test_a_token_written_into_the_record_by_hand_is_staged_whatever_the_state_was(state: State) -> None:
    data = Record("r1", state, tokens={"bot": Slot(stored("new"))}).to_dict()
    assert Record.from_dict(data, "generic/x").state is State.STAGED


def test_a_token_that_is_nowhere_is_said_to_be() -> None:
    record = Record("r1", State.PROMOTED, 1, {}, {"bot": fp("old")})
    row = World(records={ROW: record}).holds(ROW, None).row()
    assert row["outcome"] == "refused" and "is nowhere in Vault" in row["reason"]


# -- whatever is found ------------------------------------------------------------------------------------------------

LIVES = st.sampled_from([alive(), alive(user_id="U9"), alive(team_id="T9"), alive(()), dead(), LIMITED])
VALUES = st.sampled_from([None, OLD, NEW, OTHER, "", NEW + "\n", token("u", "p"), tokens.app_level()])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_row_is_decided_without_a_fault(data: st.DataObject) -> None:
    """`World.row` asserts what must hold of each."""
    slots = {}
    for name in data.draw(st.sets(st.sampled_from(["bot", "user"]))):
        pending, previous = (data.draw(VALUES) for _dummy in range(2))
        slots[name] = Slot(*(Stored(each) if each is not None else None for each in (pending, previous)))
    replaces = {name: data.draw(st.sampled_from(["", fp("old"), fp("other")])) for name in slots}
    current = {name: known(data.draw(st.sampled_from(["old", "new"])), "sometime") for name in slots}
    record = Record("r1", data.draw(st.sampled_from(State)), 1, slots, replaces, current)
    row = data.draw(st.sampled_from([ROW, CIE]))
    world = World(records={row: record})
    for name in ("bot", "user"):
        value = data.draw(VALUES)
        world.current[row, name] = value.strip() if value else None
    world.probes = {Stored(value).fingerprint: data.draw(LIVES) for value in (OLD, NEW, OTHER, token("u", "p"))}
    decided = world.row(row)
    for each in decided["tokens"].values():
        old = next((probe for print_, probe in world.probes.items() if print_ == each["old"]), None)
        assert each["restorable"] <= bool(old and old.alive), "no way back is promised"
