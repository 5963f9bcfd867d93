# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages, channels and incoming webhooks of the Slack sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebhookClient
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.threaded import ThreadedSlack

METADATA = {"event_type": "rotation", "event_payload": {"run": "1"}}


def error_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error code that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


def grant(slack: ThreadedSlack, *scopes: str) -> None:
    """Reinstall robot in the team `one` with more scopes."""
    slack.control.install("robot/one", scopes=list(scopes))


def test_post_answers_with_the_resolved_channel(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.postMessage: the channel's id comes back, also for a name."""
    answer = slack.client().chat_postMessage(channel="#general", text="hello")
    of = slack.world.installation("robot/one")
    assert (answer["channel"], answer["message"]["text"]) == ("C0GENERAL1", "hello")
    assert answer["message"]["bot_id"] == of.bot_id
    assert answer["message"]["ts"] == answer["ts"]
    assert [one["text"] for one in slack.control.messages("C0GENERAL1")] == ["hello"]


def test_timestamps_are_unique_and_rise(slack: ThreadedSlack) -> None:
    """`ts` is a message's id in its channel."""
    sent = [slack.client().chat_postMessage(channel="C0GENERAL1", text="hello")["ts"] for _dummy in range(5)]
    assert sorted(set(sent), key=float) == sent


def test_post_needs_membership_or_chat_write_public(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.postMessage: not_in_channel; chat:write.public opens public ones."""
    assert error_of(slack.client().chat_postMessage, channel="C0RANDOM1", text="hello") == "not_in_channel"
    grant(slack, "chat:write.public")
    assert slack.client().chat_postMessage(channel="C0RANDOM1", text="hello")["ok"]


def test_private_channel_without_the_bot_is_not_there(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.postMessage: channel_not_found, chat:write.public or not."""
    grant(slack, "chat:write.public")
    assert error_of(slack.client().chat_postMessage, channel="C0SECRET1", text="hello") == "channel_not_found"
    assert slack.client().chat_postMessage(channel="C0INSIDE1", text="hello")["ok"]


def test_channel_of_another_team_is_not_there(slack: ThreadedSlack) -> None:
    """A token sees its own workspace only."""
    assert error_of(slack.client().chat_postMessage, channel="C0GENERAL2", text="hello") == "channel_not_found"
    assert error_of(slack.client().chat_postMessage, channel="C0NOWHERE", text="hello") == "channel_not_found"


def test_post_errors_of_content(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.postMessage: no_text, invalid_blocks, is_archived, ..."""
    post, metadata = slack.client().chat_postMessage, {"event_type": "x"}
    assert error_of(slack.client().api_call, "chat.postMessage", json={"channel": "C0GENERAL1"}) == "no_text"
    assert error_of(post, channel="C0GENERAL1", text="x", blocks=[{"type": "divider"}] * 51) == "invalid_blocks"
    assert error_of(post, channel="C0GENERAL1", text="x", metadata=metadata) == "invalid_metadata_format"
    slack.control.call("archive", channel="C0GENERAL1")
    assert error_of(post, channel="C0GENERAL1", text="x") == "is_archived"


def test_long_text_is_cut_with_a_warning(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.postMessage: more than 40,000 characters are truncated."""
    answer = slack.client().chat_postMessage(channel="C0GENERAL1", text="a" * 40_001)
    assert (len(answer["message"]["text"]), answer["warning"]) == (40_000, "message_truncated")


def test_update_changes_only_own_messages(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.update"""
    ts = slack.client().chat_postMessage(channel="C0GENERAL1", text="hello", blocks=[{"type": "divider"}])["ts"]
    answer = slack.client().chat_update(channel="C0GENERAL1", ts=ts, text="good bye")
    assert (answer["text"], answer["ts"]) == ("good bye", ts)
    assert answer["message"]["blocks"] == [{"type": "divider"}]
    [message] = slack.control.messages()
    assert (message["text"], message["history"]) == ("good bye", ["hello"])
    other = slack.client(slack.token("helper/one")).chat_update
    assert error_of(other, channel="C0GENERAL1", ts=ts, text="x") == "cant_update_message"
    assert error_of(slack.client().chat_update, channel="C0GENERAL1", ts="1.000001", text="x") == "message_not_found"
    assert error_of(slack.client().chat_update, channel="C0GENERAL1", ts=ts, text="a" * 4_001) == "msg_too_long"


def test_history_with_and_without_metadata(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.history: newest first; include_all_metadata."""
    slack.client().chat_postMessage(channel="C0GENERAL1", text="first", metadata=METADATA)
    slack.client().chat_postMessage(channel="C0GENERAL1", text="second")
    plain = slack.client().conversations_history(channel="C0GENERAL1")["messages"]
    assert [one["text"] for one in plain] == ["second", "first"]
    assert "metadata" not in plain[1]
    full = slack.client().conversations_history(channel="C0GENERAL1", include_all_metadata=True)["messages"]
    assert full[1]["metadata"] == METADATA


def test_threads(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.replies: the message, then what answers it, oldest first.

    The channel's history has an answer only where it was broadcast; an answer to an answer is in the same thread.
    """
    client = slack.client()
    root = client.chat_postMessage(channel="C0GENERAL1", text="root")["ts"]
    first = client.chat_postMessage(channel="C0GENERAL1", text="first", thread_ts=root, metadata=METADATA)
    client.chat_postMessage(channel="C0GENERAL1", text="second", thread_ts=first["ts"], reply_broadcast=True)
    assert first["message"]["thread_ts"] == root
    thread = client.conversations_replies(channel="C0GENERAL1", ts=root, include_all_metadata=True)["messages"]
    assert [one["text"] for one in thread] == ["root", "first", "second"] and thread[1]["metadata"] == METADATA
    shown = client.conversations_history(channel="C0GENERAL1")["messages"]
    assert [(one["text"], one.get("subtype")) for one in shown] == [("second", "thread_broadcast"), ("root", None)]
    assert error_of(client.conversations_replies, channel="C0GENERAL1", ts="1.000001") == "thread_not_found"
    other = slack.client(slack.token("helper/one")).conversations_replies
    assert error_of(other, channel="C0GENERAL1", ts=root) == "missing_scope"


def test_an_answer_to_what_is_gone_is_no_answer(slack: ThreadedSlack) -> None:
    """https://github.com/slack-go/slack/issues/1571: it goes into the channel, and only the answer shows that it did."""
    root = slack.client().chat_postMessage(channel="C0GENERAL1", text="root")["ts"]
    slack.client().chat_delete(channel="C0GENERAL1", ts=root)
    answer = slack.client().chat_postMessage(channel="C0GENERAL1", text="late", thread_ts=root)
    assert "thread_ts" not in answer["message"]
    assert [one["text"] for one in slack.client().conversations_history(channel="C0GENERAL1")["messages"]] == ["late"]


def test_history_bounds_and_pages(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.history: oldest and latest exclude themselves."""
    sent = [slack.client().chat_postMessage(channel="C0GENERAL1", text=str(number))["ts"] for number in range(5)]
    read = slack.client().conversations_history
    assert [one["ts"] for one in read(channel="C0GENERAL1", oldest=sent[3])["messages"]] == sent[4:]
    within = read(channel="C0GENERAL1", oldest=sent[3], inclusive=True)["messages"]
    assert [one["ts"] for one in within] == [sent[4], sent[3]]
    pages = [(page["messages"], page["has_more"]) for page in read(channel="C0GENERAL1", limit=2)]
    assert [one["ts"] for messages, _dummy in pages for one in messages] == sent[::-1]
    assert [has_more for _dummy, has_more in pages] == [True, True, False]


def test_history_needs_scope_and_membership(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.history: channels:history, groups:history by kind."""
    read = slack.client().conversations_history
    assert (
        error_of(slack.client(slack.token("helper/one")).conversations_history, channel="C0GENERAL1") == "missing_scope"
    )
    assert error_of(read, channel="C0RANDOM1") == "not_in_channel"
    assert error_of(read, channel="C0INSIDE1") == "missing_scope"
    grant(slack, "groups:history")
    assert read(channel="C0INSIDE1")["ok"]
    assert error_of(read, channel="C0SECRET1") == "channel_not_found"


def test_users_conversations_is_public_only_by_default(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/users.conversations: types default to public_channel; a scope for each
    type; rows lack is_member and num_members; the last next_cursor is empty."""
    answer = slack.client().users_conversations()
    assert [one["id"] for one in answer["channels"]] == ["C0GENERAL1"]
    assert not {"is_member", "num_members"} & set(answer["channels"][0])
    assert answer["response_metadata"]["next_cursor"] == ""
    with pytest.raises(SlackApiError) as caught:
        slack.client().users_conversations(types="public_channel,private_channel")
    assert caught.value.response["needed"] == "channels:read,groups:read"
    grant(slack, "groups:read")
    both = slack.client().users_conversations(types="public_channel,private_channel")["channels"]
    assert [one["id"] for one in both] == ["C0GENERAL1", "C0INSIDE1"]


def test_users_conversations_in_pages(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/users.conversations: limit 1 to 999, cursor."""
    slack.control.invite("robot/one", "C0RANDOM1")
    pages = slack.client().users_conversations(limit=1)
    assert [one["id"] for page in pages for one in page["channels"]] == ["C0GENERAL1", "C0RANDOM1"]
    assert error_of(slack.client().users_conversations, limit=1000) == "invalid_limit"
    assert error_of(slack.client().users_conversations, cursor="%%") == "invalid_cursor"


def test_join_is_idempotent_and_public_only(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/conversations.join: already_in_channel is a warning."""
    bot = slack.control.installation("robot/one")["bot_user_id"]
    answer = slack.client().conversations_join(channel="C0RANDOM1")
    assert answer["channel"]["is_member"] is True
    assert "warning" not in answer.data
    assert bot in slack.control.members("C0RANDOM1")
    again = slack.client().conversations_join(channel="C0RANDOM1")
    assert (again["warning"], again["response_metadata"]["warnings"]) == ("already_in_channel", ["already_in_channel"])
    assert error_of(slack.client().conversations_join, channel="C0SECRET1") == "channel_not_found"
    join = slack.client().conversations_join
    assert error_of(join, channel="C0INSIDE1") == "method_not_supported_for_channel_type"
    assert error_of(slack.client(slack.token("helper/one")).conversations_join, channel="C0RANDOM1") == "missing_scope"


def test_webhook_posts_and_answers_ok(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: plain text `ok`, no ts."""
    answer = WebhookClient(slack.control.add_hook("robot/one", "C0RANDOM1")).send(text="hello")
    assert (answer.status_code, answer.body) == (200, "ok")
    [message] = slack.control.messages("C0RANDOM1")
    assert (message["text"], message["via"]) == ("hello", "webhook")


def test_webhook_errors(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: 400, 404, 410, with the error as text."""
    url = slack.control.add_hook("robot/one", "C0RANDOM1")
    assert WebhookClient(url).send().status_code == 400
    unknown = WebhookClient(url[:-24] + "a" * 24).send(text="hello")
    assert (unknown.status_code, unknown.body) == (404, "no_service")
    slack.control.call("archive", channel="C0RANDOM1")
    archived = WebhookClient(url).send(text="hello")
    assert (archived.status_code, archived.body) == (410, "channel_is_archived")


def test_webhook_dies_with_the_authorization(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth: a revoke removes the app's webhooks."""
    url = slack.control.add_hook("robot/one", "C0RANDOM1")
    slack.client().auth_revoke()
    slack.control.install("robot/one")
    assert WebhookClient(url).send(text="hello").status_code == 404


def test_install_with_incoming_webhook(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth: the scope incoming-webhook comes with a URL."""
    issued = slack.control.install("robot/one", scopes=["incoming-webhook"], channel="C0GENERAL1")
    assert WebhookClient(issued["webhook_urls"][0]).send(text="hello").body == "ok"
