# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading channels, `users.conversations`, `conversations.history` and `.replies`: https://docs.slack.dev/reference/methods"""

from __future__ import annotations

from typing import Any

from tests.sandbox.slack._books import Channel, SlackError
from tests.sandbox.slack._caller import Caller
from tests.sandbox.slack.methods import method

READ_SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}


def shown(channel: Channel) -> dict[str, Any]:
    """A channel as lists show it: without is_member and num_members."""
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "context_team_id": channel.team_id,
        "created": 1700000000,
    }


def visible(caller: Caller, ref: object) -> Channel:
    """The channel of an argument (id or name); a private one without the caller is not there: channel_not_found."""
    channel = caller.world.channel(ref, caller.team.id) if isinstance(ref, str) and ref else None
    if channel is None or (channel.private and not caller.is_member(channel)):
        raise SlackError("channel_not_found")
    return channel


def by_id(caller: Caller) -> Channel:
    """The channel of the argument `channel`, as `visible` has it, but by its id alone."""
    channel = visible(caller, caller.args.get("channel"))
    if channel.id != caller.args["channel"]:
        raise SlackError("channel_not_found")
    return channel


def read_scope(channel: Channel) -> str:
    """The scope that reading about a channel needs."""
    return READ_SCOPES[channel.type]


def types_of(caller: Caller) -> list[str]:
    """The kinds of channels that the argument `types` asks for; each needs its scope."""
    types = [kind.strip() for kind in (caller.args.get("types") or "public_channel").split(",")]
    if not set(types) <= set(READ_SCOPES):
        raise SlackError("invalid_types")
    caller.need(*(READ_SCOPES[kind] for kind in types))
    return types


@method("users.conversations", accepted=tuple(READ_SCOPES.values()))
def users_conversations(caller: Caller) -> dict[str, Any]:
    """The channels that a user (default: the token's) is in. One scope for each kind that is asked for."""
    types = types_of(caller)
    user = caller.args.get("user") or caller.token.user_id
    rows = [
        shown(channel)
        for channel in caller.world.channels.values()
        if channel.team_id == caller.team.id
        and user in channel.members
        and channel.type in types
        and not (channel.private and not caller.is_member(channel))
        and not (channel.archived and caller.flag("exclude_archived"))
    ]
    rows, cursor = caller.page(rows, 100, 999)
    return {"channels": rows, "response_metadata": {"next_cursor": cursor}}


@method("conversations.history", accepted=("channels:history", "groups:history", "im:history", "mpim:history"))
def conversations_history(caller: Caller) -> dict[str, Any]:
    """The messages of a channel, newest first; the metadata that apps put on them only when it is asked for.

    What is said in a thread is not among them, but where it was broadcast.
    """
    channel = _readable(caller)
    rows = [
        message.as_slack(with_metadata=caller.flag("include_all_metadata"))
        for message in reversed(caller.world.messages)
        if message.channel_id == channel.id
        and _within(message.ts, caller)
        and (not message.thread_ts or message.broadcast)
    ]
    rows, cursor = caller.page(rows, 100, 999)
    answer: dict[str, Any] = {"messages": rows, "has_more": bool(cursor), "pin_count": 0}
    if cursor:
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer


@method("conversations.replies", accepted=("channels:history", "groups:history", "im:history", "mpim:history"))
def conversations_replies(caller: Caller) -> dict[str, Any]:
    """A message and what is said in its thread, oldest first."""
    channel, ts = _readable(caller), str(caller.args.get("ts") or "")
    rows = [
        message.as_slack(with_metadata=caller.flag("include_all_metadata"))
        for message in caller.world.messages
        if message.channel_id == channel.id and ts in (message.ts, message.thread_ts)
    ]
    if not any(row["ts"] == ts for row in rows):
        raise SlackError("thread_not_found")
    rows, cursor = caller.page(rows, 1000, 1000)
    answer: dict[str, Any] = {"messages": rows, "has_more": bool(cursor)}
    if cursor:
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer


def _readable(caller: Caller) -> Channel:
    """The channel of the argument `channel`, whose messages the caller may read."""
    if not {"channels:history", "groups:history"} & set(caller.scopes):
        caller.need("channels:history")
    channel = by_id(caller)
    caller.need("groups:history" if channel.private else "channels:history")
    if not caller.is_member(channel):
        raise SlackError("not_in_channel")
    return channel


def _within(ts: str, caller: Caller) -> bool:
    """Whether a message lies between `oldest` and `latest`, the two themselves only with `inclusive`."""
    try:
        at, oldest = float(ts), float(caller.args.get("oldest") or 0)
        latest = float(caller.args.get("latest") or "inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    return oldest < at < latest or (caller.flag("inclusive") and at in (oldest, latest))
