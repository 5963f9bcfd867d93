# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduled messages: `chat.scheduleMessage`, `.deleteScheduledMessage`, `.scheduledMessages.list`, and their delivery.

Each follows its page, https://docs.slack.dev/reference/methods/<method>.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox import tokens
from tests.sandbox.slack._books import Channel, Scheduled, SlackError
from tests.sandbox.slack._caller import Caller
from tests.sandbox.slack.chat import LONGEST_TEXT, author, content_of, postable
from tests.sandbox.slack.methods import method
from tests.sandbox.slack.world import World

FARTHEST = 120 * 86_400
WINDOW, MOST_IN_WINDOW = 300, 30
"""At most so many messages for one channel in so many seconds."""

LAST_CALL = 60
"""Seconds before its time in which a message cannot be deleted any more."""


@method("chat.scheduleMessage", "chat:write", takes_json=True)
def schedule(caller: Caller) -> dict[str, Any]:
    """Keep a message for its time. Too long a text is refused and not cut."""
    channel = postable(caller)
    content = content_of(caller)
    at = _post_at(caller)
    if len(content["text"]) > LONGEST_TEXT:
        raise SlackError("msg_too_long")
    _check_window(caller.world, channel, at)
    made = Scheduled(
        id=tokens.slack_id("Q"),
        post_at=at,
        date_created=int(caller.world.clock.now()),
        fields={**author(caller, channel), **content, "via": "chat.scheduleMessage"},
    )
    caller.world.scheduled[made.id] = made
    shown = {"type": "delayed_message", "text": content["text"], "bot_id": made.fields["bot_id"]}
    return {"channel": channel.id, "scheduled_message_id": made.id, "post_at": str(at), "message": shown}


def _post_at(caller: Caller) -> int:
    try:
        at = int(str(caller.args.get("post_at", "")))
    except ValueError:
        raise SlackError("invalid_time") from None
    now = caller.world.clock.now()
    if at <= now:
        raise SlackError("time_in_past")
    if at > now + FARTHEST:
        raise SlackError("time_too_far")
    return at


def _check_window(world: World, channel: Channel, at: int) -> None:
    """No five minutes, wherever they begin, may have more than thirty messages of a channel."""
    counted = ("waiting", "posted")
    known = (one for one in world.scheduled.values() if one.state in counted and one.fields["channel_id"] == channel.id)
    times = sorted([at, *(one.post_at for one in known)])
    for first, last in zip(times, times[MOST_IN_WINDOW:]):
        if last - first < WINDOW:
            raise SlackError("restricted_too_many")


@method("chat.deleteScheduledMessage", "chat:write", takes_json=True)
def delete(caller: Caller) -> dict[str, Any]:
    """Take a message back, until one minute before its time."""
    ref = caller.args.get("channel")
    channel = caller.world.channel(ref, caller.team.id) if isinstance(ref, str) and ref else None
    if channel is None:
        raise SlackError("channel_not_found")
    found = caller.world.scheduled.get(str(caller.args.get("scheduled_message_id")))
    now = caller.world.clock.now()
    if found is None or found.state != "waiting" or not _mine(caller, found):
        raise SlackError("invalid_scheduled_message_id")
    if found.post_at - now <= LAST_CALL or found.fields["channel_id"] != channel.id:
        raise SlackError("invalid_scheduled_message_id")
    found.state = "deleted"
    return {}


def _mine(caller: Caller, one: Scheduled) -> bool:
    return (one.fields["app_id"], one.fields["team_id"]) == (caller.app.id, caller.team.id)


@method("chat.scheduledMessages.list", takes_json=True)
def scheduled_list(caller: Caller) -> dict[str, Any]:
    """The messages of the calling app that wait, by their time."""
    channel = caller.args.get("channel")
    if channel and caller.world.channel(str(channel), caller.team.id) is None:
        raise SlackError("invalid_channel")
    try:
        oldest, latest = float(caller.args.get("oldest") or 0), float(caller.args.get("latest") or "inf")
    except ValueError:
        raise SlackError("invalid_arguments") from None
    rows = [
        {
            "id": one.id,
            "channel_id": one.fields["channel_id"],
            "post_at": one.post_at,
            "date_created": one.date_created,
            "text": one.fields["text"],
        }
        for one in sorted(caller.world.scheduled.values(), key=lambda one: one.post_at)
        if one.state == "waiting"
        and _mine(caller, one)
        and (not channel or one.fields["channel_id"] == channel)
        and oldest <= one.post_at <= latest
    ]
    rows, cursor = caller.page(rows, 100, 1000)
    return {"scheduled_messages": rows, "response_metadata": {"next_cursor": cursor}}


def deliver(world: World) -> None:
    """Post what is due.

    What is never posted, without a word: a message with `metadata` (the page of chat.scheduleMessage says so), and, as
    the harder case where Slack's documents are silent, one of an app whose authorization has ended or whose bot is not
    in the channel any more.
    """
    now = world.clock.now()
    for one in sorted(world.scheduled.values(), key=lambda one: one.post_at):
        if one.state != "waiting" or one.post_at > now:
            continue
        one.state = "dropped"
        fields = one.fields
        channel = world.channels[fields["channel_id"]]
        of = world.installations[fields["app_id"], fields["team_id"]]
        there = fields["user_id"] in channel.members or (
            not channel.private and "chat:write.public" in of.scopes("bot" if fields["bot_id"] else "user")
        )
        if fields["metadata"] is None and of.active and there and not channel.archived:
            one.state = "posted"
            world.add_message(at=one.post_at, **fields)
