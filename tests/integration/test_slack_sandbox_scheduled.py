# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the Slack sandbox that are scheduled, changed and deleted.

Source, where a test names no other: https://docs.slack.dev/reference/methods/chat.scheduleMessage
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.threaded import ThreadedSlack

METADATA = {"event_type": "rotation", "event_payload": {"run": "1"}}
GENERAL = "C0GENERAL1"


def error_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error code that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


def schedule(slack: ThreadedSlack, seconds: float = 3600, channel: str = GENERAL, **more: Any) -> Any:
    """Schedule a message so many seconds from now."""
    at = int(slack.world.clock.now() + seconds)
    return slack.client().chat_scheduleMessage(**{"channel": channel, "post_at": at, "text": "later", **more})


def waiting(slack: ThreadedSlack, **query: Any) -> list[str]:
    """The ids that chat.scheduledMessages.list gives."""
    return [one["id"] for one in slack.client().chat_scheduledMessages_list(**query)["scheduled_messages"]]


def test_a_message_comes_at_its_time(slack: ThreadedSlack) -> None:
    """The answer has the id and the time (as text, as the page shows it); the message is there at that time."""
    answer = schedule(slack, 3600)
    assert answer["scheduled_message_id"].startswith("Q")
    assert (answer["channel"], answer["message"]["type"]) == (GENERAL, "delayed_message")
    slack.control.advance_clock(3500)
    assert slack.control.messages() == []
    slack.control.advance_clock(101)
    [message] = slack.control.messages(GENERAL)
    assert (message["text"], message["ts"].partition(".")[0]) == ("later", answer["post_at"])
    assert waiting(slack) == []


def test_times_that_are_refused(slack: ThreadedSlack) -> None:
    """time_in_past, time_too_far (120 days), invalid_time."""
    assert error_of(schedule, slack, -10) == "time_in_past"
    assert error_of(schedule, slack, 120 * 86_400 + 60) == "time_too_far"
    assert schedule(slack, 120 * 86_400 - 60)["ok"]
    assert error_of(schedule, slack, post_at="tomorrow") == "invalid_time"


def test_content_and_channel_that_are_refused(slack: ThreadedSlack) -> None:
    """msg_too_long instead of cutting; channel_not_found, not_in_channel, is_archived, no_text."""
    assert error_of(schedule, slack, text="a" * 40_001) == "msg_too_long"
    empty = {"channel": GENERAL, "post_at": int(time.time() + 3600)}
    assert error_of(slack.client().api_call, "chat.scheduleMessage", json=empty) == "no_text"
    assert error_of(schedule, slack, channel="C0RANDOM1") == "not_in_channel"
    assert error_of(schedule, slack, channel="C0SECRET1") == "channel_not_found"
    slack.control.call("archive", channel=GENERAL)
    assert error_of(schedule, slack) == "is_archived"


def test_thirty_messages_in_five_minutes(slack: ThreadedSlack) -> None:
    """restricted_too_many: more than 30 for a channel within five minutes."""
    for _dummy in range(30):
        schedule(slack, 3600)
    assert error_of(schedule, slack, 3600) == "restricted_too_many"
    assert error_of(schedule, slack, 3600 + 290) == "restricted_too_many"
    assert error_of(schedule, slack, 3600 - 290) == "restricted_too_many"
    assert schedule(slack, 3600 + 310)["ok"]
    assert schedule(slack, 3600, channel="C0INSIDE1")["ok"]


def test_a_message_with_metadata_is_never_posted(slack: ThreadedSlack) -> None:
    """The page says so: accepted, and not posted."""
    assert schedule(slack, 3600, metadata=METADATA)["ok"]
    slack.control.advance_clock(3700)
    assert slack.control.messages() == []
    assert [one["state"] for one in slack.control.scheduled()] == ["dropped"]


def test_a_revoke_ends_what_is_scheduled(slack: ThreadedSlack) -> None:
    """Slack's documents are silent; the harder case: a bot that is out of the channel posts nothing there."""
    schedule(slack, 3600)
    slack.client().auth_revoke()
    slack.control.install("robot/one")
    slack.control.advance_clock(3700)
    assert slack.control.messages() == []


def test_delete_until_a_minute_before(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage: not within 60 seconds of its time, not twice,
    not after; the channel has to be that of the message."""
    first, second = (schedule(slack, seconds)["scheduled_message_id"] for seconds in (3600, 7200))
    delete = slack.client().chat_deleteScheduledMessage
    assert error_of(delete, channel="C0NOWHERE", scheduled_message_id=first) == "channel_not_found"
    assert error_of(delete, channel="C0RANDOM1", scheduled_message_id=first) == "invalid_scheduled_message_id"
    assert error_of(delete, channel=GENERAL, scheduled_message_id="Q0NOTHING") == "invalid_scheduled_message_id"
    assert delete(channel=GENERAL, scheduled_message_id=first)["ok"]
    assert error_of(delete, channel=GENERAL, scheduled_message_id=first) == "invalid_scheduled_message_id"
    slack.control.advance_clock(7200 - 59)
    assert error_of(delete, channel=GENERAL, scheduled_message_id=second) == "invalid_scheduled_message_id"
    slack.control.advance_clock(60)
    assert error_of(delete, channel=GENERAL, scheduled_message_id=second) == "invalid_scheduled_message_id"
    assert len(slack.control.messages()) == 1


def test_list(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.scheduledMessages.list: the app's own, by channel and time, in pages;
    no scope is needed."""
    ids = [schedule(slack, 3600 * hour)["scheduled_message_id"] for hour in (1, 2, 3)]
    inside = schedule(slack, 5400, channel="C0INSIDE1")["scheduled_message_id"]
    assert waiting(slack) == [ids[0], inside, ids[1], ids[2]]
    assert waiting(slack, channel="C0INSIDE1") == [inside]
    later = int(time.time() + 6000)
    assert waiting(slack, oldest=str(later)) == ids[1:]
    assert waiting(slack, latest=str(later)) == [ids[0], inside]
    pages = slack.client().chat_scheduledMessages_list(limit=3)
    assert [len(page["scheduled_messages"]) for page in pages] == [3, 1]
    row = slack.client().chat_scheduledMessages_list()["scheduled_messages"][0]
    assert (row["channel_id"], row["text"], type(row["post_at"])) == (GENERAL, "later", int)
    helper = slack.client(slack.token("helper/one"))
    assert helper.chat_scheduledMessages_list()["scheduled_messages"] == []
    assert error_of(helper.chat_deleteScheduledMessage, channel=GENERAL, scheduled_message_id=ids[0]) == (
        "invalid_scheduled_message_id"
    )
    assert error_of(slack.client().chat_scheduledMessages_list, channel="C0NOWHERE") == "invalid_channel"
    assert error_of(slack.client().chat_scheduledMessages_list, cursor="%%") == "invalid_cursor"


def test_a_cut_schedule_may_have_taken_effect(slack: ThreadedSlack) -> None:
    """There is no key against doing it twice: only the list tells."""
    slack.control.fault("cut", method="chat.scheduleMessage", when="after", times=1)
    with pytest.raises(OSError, match="closed connection"):
        schedule(slack)
    assert len(waiting(slack)) == 1
    slack.control.fault("rate_limited", method="chat.scheduleMessage", times=1)
    assert error_of(schedule, slack) == "ratelimited"


# chat.update and chat.delete


def test_update_takes_an_id_and_keeps_or_clears(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.update: what is left out stays, an empty list or object removes."""
    client = slack.client()
    ts = client.chat_postMessage(channel=GENERAL, text="a", blocks=[{"type": "divider"}], metadata=METADATA)["ts"]
    assert error_of(client.chat_update, channel="#general", ts=ts, text="b") == "channel_not_found"
    client.chat_update(channel=GENERAL, ts=ts, text="b")
    [kept] = slack.control.messages()
    assert (kept["blocks"], kept["metadata"]) == ([{"type": "divider"}], METADATA)
    client.chat_update(channel=GENERAL, ts=ts, text="c", blocks=[], metadata={})
    [cleared] = slack.control.messages()
    assert (cleared["text"], cleared["blocks"], cleared["metadata"]) == ("c", None, None)


def test_update_in_its_window_and_not_in_an_archive(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.update: edit_window_closed, is_inactive."""
    ts = slack.client().chat_postMessage(channel=GENERAL, text="a")["ts"]
    slack.control.set_edit_window("one", 60)
    assert slack.client().chat_update(channel=GENERAL, ts=ts, text="b")["ok"]
    slack.control.advance_clock(120)
    assert error_of(slack.client().chat_update, channel=GENERAL, ts=ts, text="c") == "edit_window_closed"
    slack.control.set_edit_window("one", None)
    slack.control.call("archive", channel=GENERAL)
    assert error_of(slack.client().chat_update, channel=GENERAL, ts=ts, text="c") == "is_inactive"


def test_delete_of_own_messages(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/chat.delete: message_not_found, cant_delete_message."""
    ts = slack.client().chat_postMessage(channel=GENERAL, text="a")["ts"]
    other = slack.client(slack.token("helper/one"))
    assert error_of(other.chat_delete, channel=GENERAL, ts=ts) == "cant_delete_message"
    assert slack.client().chat_delete(channel=GENERAL, ts=ts)["ts"] == ts
    assert error_of(slack.client().chat_delete, channel=GENERAL, ts=ts) == "message_not_found"
