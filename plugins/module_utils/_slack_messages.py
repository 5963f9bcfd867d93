# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said in Slack's channels: the calls about messages, for `_slack.Slack` (private to the collection).

A post is sent once, because a connection that was cut says nothing about whether Slack has processed it. Only a rate limit
is waited for: it says that nothing was done. What may be repeated without harm (changing, deleting, reading) is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Blocks = list[dict[str, Any]]
EVENT = "botops_rotation"
ATTEMPTS = 4  # for what may be repeated; slack_sdk counts them over all handlers


class Messages:
    """A part of `Slack`, which gives `_call` and `rows`."""

    def post(
        self, token: str, channel: str, text: str, blocks: Blocks, mark: str, thread: str = "", broadcast: bool = False
    ) -> dict[str, str]:
        """Posts once; `mark` goes along as metadata, by which `find` can look the post up.

        `thread`: the `ts` of the message in whose thread it goes; with `broadcast` it is shown in the channel, too.
        https://docs.slack.dev/reference/methods/chat.postMessage
        """
        where = {"thread_ts": thread, "reply_broadcast": broadcast} if thread else {}
        answer = self._call(
            token,
            "chat_postMessage",
            waits=True,
            channel=channel,
            text=text,
            blocks=blocks,
            metadata={"event_type": EVENT, "event_payload": {"mark": mark}},
            unfurl_links=False,
            **where,
        )
        return {"channel": str(answer.get("channel") or channel), "ts": str(answer.get("ts") or "")}

    def update(self, token: str, channel: str, ts: str, text: str, blocks: Blocks) -> None:
        """Changes a message of the token's own user; its metadata stays. The same again does no harm, so it is retried.

        https://docs.slack.dev/reference/methods/chat.update
        """
        self._call(token, "chat_update", attempts=ATTEMPTS, channel=channel, ts=ts, text=text, blocks=blocks)

    def find(self, token: str, channel: str, mark: str, oldest: str, thread: str = "") -> dict[str, str] | None:
        """The post with this mark since `oldest` (Unix seconds), or in a thread, where the token may read the channel.

        https://docs.slack.dev/reference/methods/conversations.history, conversations.replies
        """
        where = {"ts": thread} if thread else {"oldest": oldest}
        method = "conversations_replies" if thread else "conversations_history"
        answer = self._call(
            token, method, attempts=ATTEMPTS, channel=channel, include_all_metadata=True, limit=200, **where
        )
        for message in _rows(answer, "messages"):
            if _mark(message) == mark:
                return {"channel": channel, "ts": str(message.get("ts") or "")}
        return None

    def schedule(self, token: str, channel: str, at: int, text: str, blocks: Blocks) -> str:
        """Has a message posted at a time (Unix seconds); its id. Sent once, and without metadata: with it Slack takes the
        message and never posts it. https://docs.slack.dev/reference/methods/chat.scheduleMessage
        """
        answer = self._call(
            token, "chat_scheduleMessage", waits=True, channel=channel, post_at=at, text=text, blocks=blocks
        )
        return str(answer.get("scheduled_message_id") or "")

    def unschedule(self, token: str, channel: str, message: str) -> None:
        """Takes a scheduled message back: invalid_scheduled_message_id where it was posted, or will be within a minute.

        https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage
        """
        self._call(
            token, "chat_deleteScheduledMessage", attempts=ATTEMPTS, channel=channel, scheduled_message_id=message
        )

    def scheduled(self, token: str) -> list[dict[str, Any]]:
        """What the token's app has scheduled and was not posted yet: {id, channel, at (Unix seconds), text}.

        https://docs.slack.dev/reference/methods/chat.scheduledMessages.list
        """
        return [
            {
                "id": str(row.get("id") or ""),
                "channel": str(row.get("channel_id") or ""),
                "at": int(row["post_at"]) if str(row.get("post_at") or "").isdigit() else 0,
                "text": str(row.get("text") or ""),
            }
            for row in self.rows(token, "chat_scheduledMessages_list", "scheduled_messages", limit=100)
        ]

    def _call(self, token: str, method: str, attempts: int = 1, waits: bool = False, **arguments: Any) -> Any:
        raise NotImplementedError

    def rows(self, token: str, method: str, key: str, **given: Any) -> Iterator[dict[str, Any]]:
        raise NotImplementedError


def same_message(one: str, other: str) -> bool:
    """Whether two ids name the same scheduled message: some of Slack's answers leave out the first letter."""
    return bool(one) and one.lstrip("Q") == other.lstrip("Q")


def _rows(answer: Any, name: str) -> list[Mapping[str, Any]]:
    rows = answer.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _mark(message: Mapping[str, Any]) -> Any:
    data: Any = message
    for key in ("metadata", "event_payload", "mark"):
        data = data.get(key) if isinstance(data, Mapping) else None
    return data
