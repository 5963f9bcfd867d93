# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts an audit's digest, each message once (private to the collection).

An audit may write nothing in Vault, so that nothing is noted of a message: it is posted once in the run, and not repeated
where its fate is not known. The next audit says the same again, if it is still so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _speaker
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, SlackError
from ansible_collections.botops.rotation.plugins.module_utils._post import ADVICE
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation

Message = Mapping[str, Any]


def post(here: Any, audit: Mapping[str, Any], messages: Iterable[Message]) -> tuple[list[dict[str, str]], list[str]]:
    """What was posted ({workspace, channel}), and why what was not. A message's `channels` are those of its workspace."""
    posted, failed = [], []
    for message in messages:
        workspace = message["workspace"]
        installation, poster = _poster(here.registry, audit, workspace)
        for channel in message.get("channels") or _channels(here.registry, workspace, poster):
            try:
                _send(here, audit, message, installation, poster, channel)
                posted.append({"workspace": workspace, "channel": channel})
            except RotationError as exc:
                advice = ADVICE.get(exc.code) if isinstance(exc, SlackError) else ""
                where = f"the digest for {workspace}" + (f" in {channel}" if channel else "")
                failed.append(f"{where} was not posted: {exc.message}" + (f"; next: {advice}" if advice else ""))
    return posted, failed


def _poster(registry: Any, audit: Mapping[str, Any], workspace: str) -> tuple[Installation | None, dict[str, str]]:
    """Who posts in a workspace: its notifier, else the first bot there that lives."""
    rows = [row for row in audit["tokens"] if row["workspace"] == workspace and row["token"] == "bot"]
    alive = next((row for row in rows if row["alive"] == "alive"), None)
    row = alive or next(iter(rows), None)
    installation = registry.installation(row["bot"], workspace) if row else None
    live = {"kind": "installation", "fingerprint": alive["fingerprint"]} if alive else {"kind": "nobody"}
    return installation, _speaker.notifier(registry, workspace) or live


def _channels(registry: Any, workspace: str, poster: Mapping[str, str]) -> list[str]:
    """The channels of all bots in a workspace. A webhook posts to its own."""
    if poster["kind"] == "webhook":
        return [""]
    return list(dict.fromkeys(each for bot in registry.bots.values() for each in bot.channels.get(workspace, ())))


def _send(
    here: Any,
    audit: Mapping[str, Any],
    message: Message,
    installation: Installation | None,
    poster: Mapping[str, str],
    channel: str,
) -> None:
    if poster["kind"] == "nobody" or installation is None:
        raise RotationError("there is no live token or notifier to post it with")
    secret = next(iter(_speaker.secrets(here, installation, poster)))
    if poster["kind"] == "webhook":
        here.slack.post_webhook(secret, message["text"], message["blocks"])
        return
    mark = f"{audit['run_id']}/{message['workspace']}/{channel}"
    here.slack.post(secret, channel, message["text"], message["blocks"], mark)
