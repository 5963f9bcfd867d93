# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channels that a bot is in, which a revoke takes from it (private to the collection).

Revoking drops a bot's memberships: https://docs.slack.dev/reference/methods/auth.revoke. It can join public channels
by itself (https://docs.slack.dev/reference/methods/conversations.join); into a private one somebody has to invite it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack

KINDS = {"public_channel": "public", "private_channel": "private"}


def snapshot(slack: Slack, token: str) -> dict[str, Any]:
    """{channels: [{id, name, private}], unknown: [why a kind of channels could not be listed]}."""
    channels: list[dict[str, Any]] = []
    unknown = []
    for kind, word in KINDS.items():
        try:
            found = slack.conversations(token, kind)
        except SlackError as exc:
            unknown.append(f"{word} channels: {exc.message}")
            continue
        channels += [{"id": each["id"], "name": each["name"], "private": word == "private"} for each in found]
    return {"channels": channels, "unknown": unknown}


def restore(slack: Slack, token: str, before: Mapping[str, Any], bot: str) -> dict[str, Any]:
    """Joins what can be joined: {joined: [name], there: [name], missing: [{id, name, reason, next_step}], unknown}."""
    now = {each["id"] for each in snapshot(slack, token)["channels"]}
    result: dict[str, Any] = {"joined": [], "there": [], "missing": [], "unknown": list(before.get("unknown") or [])}
    for channel in before.get("channels") or []:
        if channel["id"] in now:
            result["there"].append(channel["name"])
            continue
        code = "it is private" if channel["private"] else slack.join(token, channel["id"])
        if not code:
            result["joined"].append(channel["name"])
            continue
        invite = f"a member of #{channel['name']} sends there: /invite @{bot}"
        result["missing"].append({"id": channel["id"], "name": channel["name"], "reason": code, "next_step": invite})
    return result


def words(result: Mapping[str, Any]) -> list[str]:
    """What is not as it was before, and who can mend it; nothing where all is."""
    said = [f"not in #{each['name']} any more ({each['reason']}): {each['next_step']}" for each in result["missing"]]
    return said + [f"what it was in is not known, so look after it: {each}" for each in result["unknown"]]
