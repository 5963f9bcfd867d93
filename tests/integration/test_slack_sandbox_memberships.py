# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in which channel of the Slack sandbox, and how that is lost and won back."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebhookClient
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.threaded import ThreadedSlack

READ = ["channels:read", "groups:read"]


def refusal_of(call: Any, *args: Any, **kwargs: Any) -> Any:
    """The answer that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return caught.value.response


def error_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error code that Slack refuses a call with."""
    return str(refusal_of(call, *args, **kwargs)["error"])


def grant(slack: ThreadedSlack, *scopes: str) -> None:
    """Reinstall robot in the team `one` with more scopes."""
    slack.control.install("robot/one", scopes=list(scopes))


def user_grant(slack: ThreadedSlack, *scopes: str) -> None:
    """Give robot's user token, which is that of a person in every channel, more scopes."""
    slack.control.configure("robot", user_scopes=["chat:write", "users:read", *scopes])
    slack.control.install("robot/one")


def test_list_shows_public_channels_and_own_private_ones(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.list: public by default; a scope for each type."""
    rows = slack.client().conversations_list()["channels"]
    assert [(row["id"], row["is_member"]) for row in rows] == [("C0GENERAL1", True), ("C0RANDOM1", False)]
    assert rows[0]["num_members"] == 3
    assert error_of(slack.client().conversations_list, types="private_channel") == "missing_scope"
    grant(slack, *READ)
    both = slack.client().conversations_list(types="public_channel,private_channel")["channels"]
    assert [row["id"] for row in both] == ["C0GENERAL1", "C0RANDOM1", "C0INSIDE1"]
    assert error_of(slack.client().conversations_list, types="channel") == "invalid_types"


def test_list_leaves_out_archived_ones_where_asked(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.list: exclude_archived is off by default."""
    slack.control.call("archive", channel="C0RANDOM1")
    assert len(slack.client().conversations_list()["channels"]) == 2
    assert [row["id"] for row in slack.client().conversations_list(exclude_archived=True)["channels"]] == ["C0GENERAL1"]


def test_pages_may_be_shorter_than_asked_for(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/users.conversations: fewer than `limit` may be returned, even if the end
    has not been reached; only an empty next_cursor is the end."""
    grant(slack, *READ)
    slack.control.limit_pages(1)
    types = "public_channel,private_channel"
    for call in (slack.client().users_conversations, slack.client().conversations_list):
        pages = [page["channels"] for page in call(types=types, limit=200)]
        assert len(pages) == (2 if call.__name__ == "users_conversations" else 3)
        assert all(len(page) == 1 for page in pages)
    assert error_of(slack.client().conversations_list, limit=1000) == "invalid_limit"
    assert error_of(slack.client().conversations_list, cursor="%%") == "invalid_cursor"


def test_info(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.info: by id; num_members only when it is asked for."""
    info = slack.client().conversations_info
    channel = info(channel="C0RANDOM1")["channel"]
    assert (channel["name"], channel["is_member"], channel["is_private"]) == ("random", False, False)
    assert "num_members" not in channel
    assert info(channel="C0RANDOM1", include_num_members=True)["channel"]["num_members"] == 1
    for ref in ("general", "#general", "C0GENERAL2", "C0SECRET1"):
        assert error_of(info, channel=ref) == "channel_not_found"
    assert refusal_of(info, channel="C0INSIDE1")["needed"] == "groups:read"


def test_members(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.members: user ids, those of bot users included."""
    members = slack.client().conversations_members
    everybody = {"U0PERSON1", *(slack.world.installation(f"{bot}/one").bot_user_id for bot in ("robot", "helper"))}
    assert set(members(channel="C0GENERAL1")["members"]) == everybody
    assert {user for page in members(channel="C0GENERAL1", limit=1) for user in page["members"]} == everybody
    assert members(channel="C0RANDOM1")["members"] == ["U0PERSON1"]
    assert error_of(members, channel="C0SECRET1") == "channel_not_found"


def test_join_takes_an_id_only(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.join: `channel` is the id of the conversation."""
    assert error_of(slack.client().conversations_join, channel="#random") == "channel_not_found"
    slack.control.call("archive", channel="C0RANDOM1")
    assert error_of(slack.client().conversations_join, channel="C0RANDOM1") == "is_archived"


def test_a_person_invites_the_bot_into_a_private_channel(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.invite: a member's user token with groups:write.invites."""
    bot = slack.control.installation("robot/one")["bot_user_id"]
    invite = slack.client(slack.token(kind="user")).conversations_invite
    assert error_of(invite, channel="C0SECRET1", users=[bot]) == "missing_scope"
    user_grant(slack, "channels:write.invites")
    assert refusal_of(invite, channel="C0SECRET1", users=[bot])["needed"] == "groups:write,groups:write.invites"
    user_grant(slack, "groups:write.invites")
    assert invite(channel="C0SECRET1", users=[bot])["channel"]["id"] == "C0SECRET1"
    assert slack.control.memberships("robot/one") == ["C0GENERAL1", "C0INSIDE1", "C0SECRET1"]
    assert error_of(invite, channel="C0SECRET1", users=[bot]) == "already_in_channel"


def test_a_bot_invites_where_it_is_itself(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.invite: not_in_channel, cant_invite_self; a private channel
    without the caller is not there."""
    grant(slack, "channels:manage", "groups:write")
    invite, own = slack.client().conversations_invite, slack.world.installation("robot/one").bot_user_id
    helper = slack.world.installation("helper/one").bot_user_id
    assert invite(channel="C0INSIDE1", users=[helper])["ok"]
    assert error_of(invite, channel="C0RANDOM1", users=[helper]) == "not_in_channel"
    assert error_of(invite, channel="C0SECRET1", users=[own]) == "channel_not_found"
    assert error_of(invite, channel="C0GENERAL1", users=[own]) == "cant_invite_self"
    assert error_of(invite, channel="C0GENERAL1", users=["U0NOBODY"]) == "user_not_found"
    assert error_of(invite, channel="C0GENERAL1", users="") == "no_user"


def test_invite_of_several_is_all_or_nothing_without_force(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.invite: `errors` names each; `force` goes on."""
    grant(slack, "channels:manage", "groups:write")
    invite, helper = slack.client().conversations_invite, slack.world.installation("helper/one").bot_user_id
    answer = refusal_of(invite, channel="C0INSIDE1", users=[helper, "U0NOBODY"])
    assert answer["errors"] == [{"user": "U0NOBODY", "ok": False, "error": "user_not_found"}]
    assert helper not in slack.control.members("C0INSIDE1")
    assert invite(channel="C0INSIDE1", users=[helper, "U0NOBODY"], force=True)["errors"] == answer["errors"]
    assert helper in slack.control.members("C0INSIDE1")


def test_a_deactivated_bot_user_cannot_be_invited(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.revoke: the bot user is deactivated until the next install."""
    user_grant(slack, "groups:write")
    of = slack.control.installation("helper/one")
    invite = slack.client(slack.token(kind="user")).conversations_invite
    slack.client(of["bot_token"]).auth_revoke()
    assert error_of(invite, channel="C0INSIDE1", users=[of["bot_user_id"]]) == "cant_invite"
    slack.control.install("helper/one")
    assert invite(channel="C0INSIDE1", users=[of["bot_user_id"]])["ok"]


def test_snapshot_revoke_and_restore(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.revoke and conversations.join: what a revoke takes, the new token
    gets back by itself in public channels; a private one is closed until somebody invites the bot."""
    grant(slack, *READ)
    url = slack.control.add_hook("robot/one", "C0GENERAL1")
    rows = slack.client().users_conversations(types="public_channel,private_channel")["channels"]
    before = {row["id"]: row["is_private"] for row in rows}
    assert before == {"C0GENERAL1": False, "C0INSIDE1": True}
    assert slack.client().auth_revoke(test=True)["revoked"] is False
    assert slack.control.memberships("robot/one") == sorted(before)
    assert slack.client().auth_revoke()["revoked"] is True
    assert slack.control.memberships("robot/one") == []
    assert [hook["live"] for hook in slack.control.webhooks("robot/one")] == [False]
    assert WebhookClient(url).send(text="hello").status_code == 404
    grant(slack, *READ, "channels:join")
    assert slack.client().conversations_join(channel="C0GENERAL1")["channel"]["is_member"]
    assert error_of(slack.client().conversations_join, channel="C0INSIDE1") == "channel_not_found"
    assert slack.control.memberships("robot/one") == ["C0GENERAL1"]


def test_leave(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.leave: not being there is told, and no error."""
    leave = slack.client().conversations_leave
    assert error_of(leave, channel="C0GENERAL1") == "missing_scope"
    grant(slack, "channels:manage")
    assert "not_in_channel" not in leave(channel="C0GENERAL1").data
    assert leave(channel="C0GENERAL1")["not_in_channel"] is True


def test_faults_strike_these_methods_too(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/apis/web-api/rate-limits; a cut after a join: the bot is in, and nobody told it."""
    slack.control.fault("rate_limited", method="conversations.list", times=1)
    assert refusal_of(slack.client().conversations_list).status_code == 429
    slack.control.fault("cut", method="conversations.join", when="after", times=1)
    with pytest.raises(OSError, match="closed connection"):
        slack.client().conversations_join(channel="C0RANDOM1")
    assert "C0RANDOM1" in slack.control.memberships("robot/one")
    slack.control.fault("status", method="auth.revoke", status=500, times=1)
    assert refusal_of(slack.client().auth_revoke).status_code == 500
    assert slack.client().auth_test()["ok"]


def test_books_have_webhooks_by_fingerprint(slack: ThreadedSlack) -> None:
    """A webhook's URL is a secret: the books show its fingerprint."""
    path = slack.control.add_hook("robot/one", "C0GENERAL1").removeprefix(slack.url)
    books = slack.control.call("books")
    assert [hook["channel_id"] for hook in books["webhooks"]] == ["C0GENERAL1"]
    assert path.rsplit("/", 1)[-1] not in str(books)
