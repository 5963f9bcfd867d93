# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the install page that need no server: states, rows, addresses, what Slack answered, HTML."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from unittest.mock import Mock

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _install_approval,
    _install_board,
    _install_flow,
    _install_judge,
    _install_words,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, SlackError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._install_board import Board, Row
from ansible_collections.botops.rotation.plugins.module_utils._install_html import STATES, Page
from ansible_collections.botops.rotation.plugins.module_utils._install_states import LIFETIME, States
from ansible_collections.botops.rotation.plugins.module_utils._install_wait import Address
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens

ONE = "gobot/ibmcloud"


class TestStates:
    def test_good_once(self) -> None:
        states = States()
        state = states.issue(ONE)
        assert states.look(state).installation == ONE and not states.look(state).wrong
        assert states.consume(state) and not states.consume(state)
        assert states.look(state).wrong == "used"

    def test_for_ten_minutes(self) -> None:
        now = [1000.0]
        states = States(lambda: now[0])
        state = states.issue(ONE)
        now[0] += LIFETIME + 1
        assert states.look(state).wrong == "expired" and not states.consume(state)

    def test_those_of_another_run_are_forged(self) -> None:
        assert States().look(States().issue(ONE)).wrong == "forged"

    @given(st.one_of(st.none(), st.text()), st.integers(0, 200))
    def test_anything_else_is_forged(self, other: str | None, at: int) -> None:
        states = States()
        state = states.issue(ONE)
        assert states.look(other).wrong == "forged"
        changed = state[:at] + ("0" if state[at : at + 1] != "0" else "1") + state[at + 1 :]
        assert states.look(changed).wrong == "forged" and not states.consume(changed)

    def test_cookies_take_it_as_it_is(self) -> None:
        assert all(each.isalnum() or each in ".-_" for each in States().issue(ONE))


def board(*states: str) -> Board:
    return Board(
        Row(f"gobot/{n}", str(n), "gobot", f"Team {n}", state, required=("a",)) for n, state in enumerate(states)
    )


class TestBoard:
    def test_a_settled_row_stays(self) -> None:
        rows = board("staged", "waiting")
        assert rows.change("gobot/0", "x", state="denied").state == "staged" and rows.news() == []
        rows.change("gobot/1", "gobot/1: denied", state="denied")
        assert rows.news() == ["gobot/1: denied"] and rows.news() == [] and not rows.settled
        rows.change("gobot/1", "done", state="unchanged")
        assert rows.settled

    def test_versions(self) -> None:
        rows = board("waiting")
        before = rows.version
        rows.change("gobot/0", opened=False)
        assert rows.version == before and rows.wait_for_change(before, 0) == before
        rows.change("gobot/0", opened=True)
        assert rows.wait_for_change(before, 5) == before + 1
        assert not rows.wait_until_seen(0)
        rows.shown(rows.version)
        assert rows.wait_until_seen(0)

    def test_missing_scopes(self) -> None:
        assert board("waiting").rows[0].missing == []
        assert board("waiting").change("gobot/0", granted=("b",)).missing == ["a"]


class TestHtml:
    @pytest.mark.parametrize("state", sorted(STATES))
    def test_each_state_in_words(self, state: str) -> None:
        page = Page(board(state), "/x/", "gobot", "soon", "https://a.example.com/slack/oauth_redirect", False)
        shown = page.whole()
        assert STATES[state][0] in shown and 'lang="en"' in shown and "{{" not in shown
        assert ("/x/install/0" in shown) == (state not in ("staged", "unchanged", "installed"))

    def test_what_others_say_is_escaped_and_tokens_are_masked(self) -> None:
        rows = board("waiting")
        rows.change("gobot/0", reason="<script>alert(1)</script>", next_step=tokens.bot())
        shown = Page(rows, "/", "gobot", "soon", "https://a.example.com/", True).whole()
        assert "<script>alert" not in shown and "<redacted bot token>" in shown

    @pytest.mark.parametrize("which", sorted(_install_words.PROBLEMS))
    def test_each_problem_has_a_page(self, which: str) -> None:
        page = Page(board("waiting"), "/", "gobot", "soon", "https://a.example.com/", True)
        assert _install_words.PROBLEMS[which][0] in page.problem(which).replace("&#39;", "'")
        assert "There is nothing here" in page.problem("<x>")


OPTIONS = {"install_url": None, "install_bind": "127.0.0.1:0", "install_cert": None, "install_redirect_url": None}


@pytest.mark.parametrize(
    ("options", "url", "redirect", "elsewhere"),
    [
        ({}, "http://127.0.0.1:8080/", "http://127.0.0.1:8080/slack/oauth_redirect", False),
        ({"install_cert": "c"}, "https://127.0.0.1:8080/", "https://127.0.0.1:8080/slack/oauth_redirect", False),
        (
            {"install_bind": "0.0.0.0:1", "install_url": "https://a.example.com/p"},
            "https://a.example.com/p/",
            "https://a.example.com/p/slack/oauth_redirect",
            False,
        ),
        (
            {"install_redirect_url": "https://b.example.com/x"},
            "http://127.0.0.1:8080/",
            "https://b.example.com/x",
            True,
        ),
    ],
    ids=["plain", "certificate", "proxy", "pasted"],
)
def test_addresses(options: dict[str, Any], url: str, redirect: str, elsewhere: bool) -> None:
    address = Address.of({**OPTIONS, **options}, 8080)
    assert (address.url, address.redirect_uri, address.is_elsewhere) == (url, redirect, elsewhere)


@pytest.mark.parametrize(
    "wrong", ["a.example.com", "ftp://a.example.com", "https://a.example.com:0", "https://a/?b", "https://[x"]
)
def test_addresses_that_cannot_work(wrong: str) -> None:
    with pytest.raises(RotationError):
        Address.of({**OPTIONS, "install_url": wrong}, 8080)


ODD = st.one_of(
    st.none(), st.integers(), st.text(), st.booleans(), st.lists(st.integers()), st.dictionaries(st.text(), st.text())
)
FIELDS = ("app_id", "team", "scope", "expires_in", "refresh_token", "authed_user", "enterprise", "incoming_webhook")


@pytest.mark.fuzz
@given(st.dictionaries(st.sampled_from((*FIELDS, "is_enterprise_install", "bot_user_id")), ODD))
def test_a_token_is_not_lost_for_what_is_beside_it(beside: dict[str, Any]) -> None:
    token = tokens.bot()
    assert _install_flow._granular({**beside, "access_token": token, "token_type": "bot"}).bot_token == token
    classic = _install_flow._classic({**beside, "access_token": tokens.user(), "bot": {"bot_access_token": token}})
    assert classic.bot_token == token


def test_an_answer_without_a_token_is_an_error() -> None:
    for answer in ({}, {"access_token": 7}, {"authed_user": {"id": "U1"}}):
        with pytest.raises(TokenError):
            _install_flow._granular(answer)


TARGET = _install_flow.Target(ONE, "ibmcloud", "T1", "A1", ("chat:write",))


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, None),
        ({"team_id": "T2"}, "another workspace, T2"),
        ({"team_id": None}, "whole Enterprise"),
        ({"is_enterprise_install": True}, "whole Enterprise"),
        ({"app_id": "A2"}, "app A2"),
        ({"app_id": None}, None),
        ({"bot_token": None}, "no bot token"),
    ],
    ids=["right", "team", "no-team", "enterprise", "app", "app-not-told", "no-bot"],
)
def test_whether_it_is_for_the_row(about: dict[str, Any], said: str | None) -> None:
    right = {"team_id": "T1", "app_id": "A1", "bot_token": "x", "is_enterprise_install": False}
    found = _install_judge.wrong(TARGET, Mock(**{**right, **about}))
    assert (found is None) if said is None else said in found[0]


@pytest.mark.parametrize(
    "code", ["invalid_code", "code_already_used", "bad_client_secret", "bad_redirect_uri", "fancy_error"]
)
def test_each_refusal_says_what_next(code: str) -> None:
    reason, after = _install_words.of_error(SlackError(f"refused: {code}", code), "https://a.example.com/", "kv/client")
    assert code in reason and after
    assert "fancy_error" in _install_words.of_denial("fancy_error")[0]
    assert "<b>" not in _install_words.of_denial("<b>")[0]


def test_since_when_approval_is_waited_for() -> None:
    now = datetime(2026, 11, 23, 2, tzinfo=timezone.utc)
    assert _install_approval.words("2026-11-20T01:00:00Z", now) == "since 2026-11-20 01:00 UTC (3 days)"
    assert _install_approval.words("2026-11-23T01:00:00Z", now).endswith("(1 hour)")
    assert "unknown" in _install_approval.words("once", now)
    assert _install_approval.since({"approval": "x"}) == "" and _install_approval.since(None) == ""


def test_ctrl_c_ends_the_waiting_alone() -> None:
    rows = board("waiting")
    rows.end("it was interrupted")
    rows.end("the time is over")
    assert rows.ended == "it was interrupted" and _install_board.SETTLED == ("staged", "unchanged")
