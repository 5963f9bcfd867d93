# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of tokens in the Slack sandbox: install, reinstall, revoke, and what auth.test says of them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox import tokens
from tests.sandbox.slack.threaded import SCOPES, ThreadedSlack


def error_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error code that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


def test_auth_test_of_a_bot(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.test: user and user_id are the bot user; bot_id only for bots."""
    of = slack.world.installation("robot/one")
    assert slack.client().auth_test().data == {
        "ok": True,
        "url": "https://one.slack.com/",
        "team": "Team one",
        "user": "robot",
        "team_id": "T0TEAM1",
        "user_id": of.bot_user_id,
        "bot_id": of.bot_id,
        "is_enterprise_install": False,
    }


def test_auth_test_of_a_user(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.test: a user token has no bot_id."""
    answer = slack.client(slack.token(kind="user")).auth_test()
    assert (answer["user_id"], answer.get("bot_id")) == ("U0PERSON1", None)


def test_tokens_have_their_real_shape(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/tokens, and the patterns of gitleaks and noseyparker."""
    bot, user = slack.token().split("-"), slack.token(kind="user").split("-")
    assert bot[0] == "xo" + "xb"
    assert [part.isdigit() for part in bot[1:3]] == [True, True]
    assert len(bot[3]) == 24
    assert bot[3].isalnum()
    assert user[0] == "xo" + "xp"
    assert all(part.isdigit() and len(part) == 12 for part in user[1:4])
    assert len(user[4]) == 32


def test_reinstall_gives_the_same_tokens(slack: ThreadedSlack) -> None:
    """https://github.com/slackapi/bolt-python/issues/969: reinstalling an app normally returns the same token."""
    before = slack.control.installation("robot/one")
    after = slack.control.install("robot/one")
    assert (after["bot_token"], after["user_token"]) == (before["bot_token"], before["user_token"])


def test_new_tokens_only_after_a_revoke(slack: ThreadedSlack) -> None:
    """https://github.com/slackapi/bolt-js/issues/1813, https://github.com/slackapi/bolt-python/issues/1029"""
    before = slack.control.installation("robot/one")
    slack.client().auth_revoke()
    after = slack.control.install("robot/one")
    assert after["bot_token"] != before["bot_token"]
    assert after["user_token"] != before["user_token"]
    assert slack.client(after["bot_token"]).auth_test()["user_id"] == before["bot_user_id"]


def test_bot_user_may_change_over_a_revoke(slack: ThreadedSlack) -> None:
    """Slack does not promise that the bot user's id survives revoke and reinstall: it is a setting here."""
    before = slack.control.installation("robot/one")
    slack.control.configure("robot", keep_bot_user=False)
    slack.control.revoke("robot/one")
    after = slack.control.install("robot/one")
    assert after["bot_user_id"] != before["bot_user_id"]
    assert after["bot_id"] != before["bot_id"]
    assert error_of(slack.client(before["bot_token"]).auth_test) == "invalid_auth"


def test_scopes_add_up_over_reinstalls(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth: scopes are additive; only a revoke shrinks them."""
    slack.control.configure("robot", bot_scopes=["chat:write.public"])
    assert "chat:write.public" not in slack.client().auth_test().headers["x-oauth-scopes"]
    assert slack.control.install("robot/one")["scopes"] == sorted([*SCOPES, "chat:write.public"])
    slack.control.revoke("robot/one")
    assert slack.control.install("robot/one")["scopes"] == ["chat:write.public"]


def test_revoke_with_test_revokes_nothing(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.revoke: `test` only tries."""
    assert slack.client().auth_revoke(test=True)["revoked"] is False
    assert slack.client().auth_test()["ok"]


@pytest.mark.parametrize("kind", ["bot", "user"])
def test_revoke_ends_the_whole_authorization(slack: ThreadedSlack, kind: str) -> None:
    """https://docs.slack.dev/authentication/using-token-rotation: without rotation mode, auth.revoke usually ends the
    whole authorization: here every token of the app in that workspace, and only there."""
    old = slack.control.installation("robot/one")
    assert slack.client(slack.token(kind=kind)).auth_revoke()["revoked"] is True
    assert error_of(slack.client(old["bot_token"]).auth_test) == "account_inactive"
    assert error_of(slack.client(old["user_token"]).auth_test) == "token_revoked"
    assert slack.client(slack.token("robot/two")).auth_test()["ok"]
    assert slack.client(slack.token("helper/one")).auth_test()["ok"]


def test_revoke_by_get_form_and_json(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.revoke is documented as GET; slack_sdk sends a POST. `test` is seen in
    the query and in a form, and not in a JSON body, which the page does not name: such a call revokes."""
    for query, body, kind in (("?test=1", None, ""), ("", "test=true", "application/x-www-form-urlencoded")):
        asked = urllib.request.Request(f"{slack.url}/api/auth.revoke{query}", body.encode() if body else None)
        asked.add_header("Authorization", f"Bearer {slack.token()}")
        if kind:
            asked.add_header("Content-Type", kind)
        with urllib.request.urlopen(asked, timeout=5) as answer:
            assert json.loads(answer.read()) == {"ok": True, "revoked": False}
    assert slack.client().api_call("auth.revoke", json={"test": True})["revoked"] is True


def test_revoke_drops_memberships_and_webhooks(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.revoke: the bot user loses its memberships;
    https://docs.slack.dev/authentication/installing-with-oauth: the webhooks go. Neither comes back by itself."""
    bot = slack.control.installation("robot/one")["bot_user_id"]
    slack.control.add_hook("robot/one", "C0GENERAL1")
    assert bot in slack.control.members("C0GENERAL1")
    slack.client().auth_revoke()
    again = slack.control.install("robot/one")
    assert again["bot_user_id"] == bot
    assert bot not in slack.control.members("C0GENERAL1") + slack.control.members("C0INSIDE1")
    assert again["webhook_urls"] == []
    assert error_of(slack.client().chat_postMessage, channel="C0GENERAL1", text="hello") == "not_in_channel"


def test_old_tokens_are_invalid_after_the_reinstall(slack: ThreadedSlack) -> None:
    """https://github.com/slackapi/bolt-python/issues/1029: first account_inactive, after the reinstall invalid_auth."""
    old = slack.control.installation("robot/one")
    slack.control.revoke("robot/one")
    assert error_of(slack.client(old["bot_token"]).auth_test) == "account_inactive"
    slack.control.install("robot/one")
    assert error_of(slack.client(old["bot_token"]).auth_test) == "invalid_auth"
    assert error_of(slack.client(old["user_token"]).auth_test) == "invalid_auth"


def test_a_dead_token_cannot_revoke(slack: ThreadedSlack) -> None:
    """A dead token is refused by every method alike."""
    old = slack.token()
    slack.control.revoke("robot/one")
    assert error_of(slack.client(old).auth_revoke) == "account_inactive"


def test_rotation_mode_revokes_one_token(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/using-token-rotation: with rotation mode, only the token given is revoked;
    access tokens then have the prefix of rotating ones."""
    slack.control.configure("helper", rotation=True, user_scopes=["chat:write"])
    slack.control.revoke("helper/one")
    new = slack.control.install("helper/one")
    slack.control.invite("helper/one", "C0GENERAL1")
    assert new["bot_token"].startswith("xo" + "xe.xo" + "xb-1-")
    slack.client(new["bot_token"]).auth_revoke()
    assert slack.client(new["user_token"]).auth_test()["ok"]
    assert new["bot_user_id"] in slack.control.members("C0GENERAL1")


def test_expired_token(slack: ThreadedSlack) -> None:
    """token_expired: https://docs.slack.dev/authentication/using-token-rotation"""
    slack.control.set_token_state(slack.token(), "expired")
    assert error_of(slack.client().auth_test) == "token_expired"


def test_bots_info_tells_the_app(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/bots.info: from bot_id to app_id, with the scope users:read."""
    of = slack.control.installation("robot/one")
    bot = slack.client().bots_info(bot=of["bot_id"])["bot"]
    assert (bot["app_id"], bot["user_id"], bot["deleted"]) == ("A0ROBOT", of["bot_user_id"], False)
    assert error_of(slack.client().bots_info, bot="B0NOBODY") == "bot_not_found"
    assert error_of(slack.client(slack.token("helper/one")).bots_info, bot=of["bot_id"]) == "missing_scope"


def test_users_info(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/users.info; a revoke deactivates the bot user
    (https://docs.slack.dev/reference/methods/auth.revoke)."""
    bot = slack.control.installation("helper/one")["bot_user_id"]
    user = slack.client().users_info(user=bot)["user"]
    assert (user["name"], user["is_bot"], user["deleted"]) == ("helper", True, False)
    slack.control.revoke("helper/one")
    assert slack.client().users_info(user=bot)["user"]["deleted"] is True
    assert slack.client().users_info(user="U0PERSON1")["user"]["is_bot"] is False
    assert error_of(slack.client().users_info, user="U0NOBODY") == "user_not_found"
    assert error_of(slack.client(slack.token("helper/two")).users_info, user=bot) == "missing_scope"


def test_team_info(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/team.info"""
    team = slack.client().team_info()["team"]
    assert (team["id"], team["name"], team["domain"]) == ("T0TEAM1", "Team one", "one")


def test_books_show_requests_without_tokens(slack: ThreadedSlack) -> None:
    """The sandbox's own books name a token by its fingerprint."""
    token = slack.token()
    slack.client().auth_test()
    slack.client().chat_postMessage(channel="C0GENERAL1", text="hello")
    asked = slack.control.requests()
    assert [(one["method"], one["fingerprint"], one["outcome"]) for one in asked] == [
        ("auth.test", tokens.fingerprint(token), "ok"),
        ("chat.postMessage", tokens.fingerprint(token), "ok"),
    ]
    assert tokens.secret_part(token) not in str(slack.control.call("books"))
