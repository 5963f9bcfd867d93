# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told, where and by whom (private to the collection, pure).

A message's `mark` is the same in every run of one attempt of a rotation: by it a message is posted at most once.
Limits of blocks: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._decide import CHANGING
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry

Row = Mapping[str, Any]
TEXTS = {
    "started": ":arrows_counterclockwise: *{bot}* gets a new Slack token in *{workspace}* now. "
    "Its services restart within the next minutes; what is asked of it meanwhile may go unanswered.",
    "reinstalling": ":hourglass_flowing_sand: *{bot}* gets a new Slack token in *{workspace}* now. It is unavailable until "
    "its app has been installed again there, and its services have the token.",
    "done": ":white_check_mark: *{bot}* has its new Slack token in *{workspace}*, and is available. {detail}",
    "returning": ":leftwards_arrow_with_hook: *{bot}* goes back to its old Slack token in *{workspace}* now. "
    "Its services restart within the next minutes.",
    "returned": ":white_check_mark: *{bot}* is on its old Slack token in *{workspace}* again, and is available. {detail}",
    "failed": ":warning: The renewal of *{bot}*'s Slack token in *{workspace}* did not finish. {detail}",
}


def messages(
    registry: Registry, rows: Iterable[Row], phase: str, details: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The messages of a phase (a key of TEXTS): one for each channel of each installation that changes."""
    return [
        _message(registry, row, _phase(row, phase), channel, (details or {}).get(row["id"], ""))
        for row in rows
        if row["action"] in CHANGING
        for channel in _channels(registry, row)
    ]


def _phase(row: Row, phase: str) -> str:
    return "reinstalling" if phase == "started" and _reinstalls(row) else phase


def _reinstalls(row: Row) -> bool:
    """Whether the new token comes of a revoke and an installation: then its fingerprint is not known at the start."""
    return row["action"] == "reinstall" or bool(row["revoked_at"])


def _mark(row: Row, phase: str, channel: str) -> str:
    rotation = f"after-{row['old_fingerprint']}" if _reinstalls(row) else row["new_fingerprint"]
    return f"{rotation}.{row['attempt']}/{phase}/{channel or 'webhook'}"


def _channels(registry: Registry, row: Row) -> list[str]:
    """The channels of the bot in the row's workspace. A webhook posts to its own channel, whatever is asked for."""
    channels = list(registry.bots[row["bot"]].channels.get(row["workspace"], ()))
    return [""] if channels and registry.notifiers.get(row["workspace"], {}).get("webhook_path") else channels


def _message(registry: Registry, row: Row, phase: str, channel: str, detail: str) -> dict[str, Any]:
    text = TEXTS[phase].format(bot=row["bot"], workspace=row["workspace_name"], detail=detail).strip()
    context = _context(registry, row)
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}]
    if context:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": context[:3000]}]})
    return {
        "mark": _mark(row, phase, channel),
        "phase": phase,
        "installation": row["id"],
        "workspace": row["workspace"],
        "channel": channel,
        "poster": _poster(registry, row),
        "text": text,
        "blocks": blocks,
    }


def _poster(registry: Registry, row: Row) -> dict[str, str]:
    """Who posts: the workspace's notifier, else the live new token, else the live old one, else nobody."""
    notifier = registry.notifiers.get(row["workspace"], {})
    for kind in ("token_path", "webhook_path"):
        if notifier.get(kind):
            return {"kind": kind.removesuffix("_path"), "path": notifier[kind]}
    token = row["tokens"].get("bot", {})
    if token.get("new_life") == "alive":
        return {"kind": "installation", "fingerprint": token["new"]}
    if token.get("old_life") == "alive":
        return {"kind": "installation", "fingerprint": token["old"]}
    return {"kind": "nobody"}


def _context(registry: Registry, row: Row) -> str:
    """Owners and contact. https://docs.slack.dev/messaging/formatting-message-text has the forms of mentions."""
    owners = registry.bots[row["bot"]].owners
    mentions = [f"<!subteam^{owner}>" if owner.startswith("S") else f"<@{owner}>" for owner in owners]
    contact = registry.contact or {}
    parts = []
    if mentions:
        parts.append("Owners: " + ", ".join(mentions))
    if contact.get("name"):
        who = f"<@{contact['slack']}>" if contact.get("slack") else ""
        parts.append(f"Questions: {contact['name']} {who}".strip())
    return " | ".join(parts)
