# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `chat.*` methods: https://docs.slack.dev/reference/methods/chat.postMessage, chat.update, chat.delete"""

from __future__ import annotations

from typing import Any

from tests.sandbox.slack._books import Channel, Message, SlackError
from tests.sandbox.slack._caller import Caller
from tests.sandbox.slack.conversations import by_id, visible
from tests.sandbox.slack.methods import method
from tests.sandbox.slack.world import World

LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000
MOST_BLOCKS = 50
MOST_ATTACHMENTS = 100


def content_of(caller: Caller) -> dict[str, Any]:
    """The checked content of a message: text, blocks, attachments, metadata. An empty `metadata` is as none."""
    blocks, attachments = caller.structure("blocks"), caller.structure("attachments")
    text = str(caller.args.get("text") or "")
    if not (text or blocks or attachments):
        raise SlackError("no_text")
    if blocks is not None and not (isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)):
        raise SlackError("invalid_blocks_format")
    if len(blocks or []) > MOST_BLOCKS or not all(block.get("type") for block in blocks or []):
        raise SlackError("invalid_blocks")
    if len(attachments or []) > MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    metadata = caller.structure("metadata") or None
    if metadata is not None and not (isinstance(metadata, dict) and {"event_type", "event_payload"} <= set(metadata)):
        raise SlackError("invalid_metadata_format")
    return {"text": text, "blocks": blocks, "attachments": attachments, "metadata": metadata}


def postable(caller: Caller) -> Channel:
    """The channel of a message to post: the caller is in it, or may post into any public one."""
    channel = visible(caller, caller.args.get("channel"))
    if not caller.is_member(channel) and "chat:write.public" not in caller.scopes:
        raise SlackError("not_in_channel")
    if channel.archived:
        raise SlackError("is_archived")
    return channel


def thread_of(world: World, channel: Channel, ts: Any) -> str | None:
    """The thread that a message with this `ts` is in or begins; None where there is no such message."""
    known = (one for one in world.messages if (one.channel_id, one.ts) == (channel.id, ts))
    return next((one.thread_ts or one.ts for one in known), None)


def author(caller: Caller, channel: Channel) -> dict[str, Any]:
    """What a message says of where it is and who wrote it.

    A thread whose message is not there (any more) is passed over without a word, and the message goes into the channel
    itself: https://github.com/slack-go/slack/issues/1571
    """
    thread = thread_of(caller.world, channel, caller.args.get("thread_ts"))
    return {
        "team_id": caller.team.id,
        "channel_id": channel.id,
        "app_id": caller.app.id,
        "bot_id": caller.installation.bot_id if caller.token.kind == "bot" else None,
        "user_id": caller.token.user_id,
        "thread_ts": thread,
        "broadcast": bool(thread and caller.flag("reply_broadcast")),
    }


@method("chat.postMessage", "chat:write", takes_json=True)
def post_message(caller: Caller) -> dict[str, Any]:
    """Post a message: as a member, or with chat:write.public into a public channel. Too long a text is cut."""
    channel, content = postable(caller), content_of(caller)
    too_long = len(content["text"]) > LONGEST_TEXT
    content["text"] = content["text"][:LONGEST_TEXT]
    message = caller.world.add_message(**author(caller, channel), **content, via="chat.postMessage")
    answer: dict[str, Any] = {"channel": channel.id, "ts": message.ts, "message": message.as_slack()}
    if too_long:
        answer.update(warning="message_truncated", response_metadata={"warnings": ["message_truncated"]})
    return answer


@method("chat.update", "chat:write", takes_json=True)
def update(caller: Caller) -> dict[str, Any]:
    """Change a message of the caller's own. What is left out stays, except the text; an empty list or object removes."""
    channel, found = _own(caller, "cant_update_message")
    if channel.archived:
        raise SlackError("is_inactive")
    window = caller.team.edit_window
    if window is not None and caller.world.clock.now() - float(found.ts) > window:
        raise SlackError("edit_window_closed")
    cleared = caller.structure("metadata") == {}
    content = content_of(caller)
    if len(content["text"]) > LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    found.history.append(found.text)
    found.text = content["text"]
    for name in ("blocks", "attachments", "metadata"):
        if content[name] is not None:
            setattr(found, name, content[name] or None)
    if cleared:
        found.metadata = None
    return {"channel": channel.id, "ts": found.ts, "text": found.text, "message": found.as_slack()}


@method("chat.delete", "chat:write", takes_json=True)
def delete(caller: Caller) -> dict[str, Any]:
    """Take a message of the caller's own away."""
    channel, found = _own(caller, "cant_delete_message")
    caller.world.messages.remove(found)
    return {"channel": channel.id, "ts": found.ts}


def _own(caller: Caller, otherwise: str) -> tuple[Channel, Message]:
    """The channel, by its id, and the message that the call names, which is the caller's; else the error `otherwise`."""
    channel, ts = by_id(caller), caller.args.get("ts")
    known = (one for one in caller.world.messages if (one.channel_id, one.ts) == (channel.id, ts))
    found = next(known, None)
    if found is None:
        raise SlackError("message_not_found")
    if found.user_id != caller.token.user_id or found.via == "webhook":
        raise SlackError(otherwise)
    return channel, found
