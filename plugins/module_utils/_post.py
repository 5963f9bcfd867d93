# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts announcements at most once, whatever happens in between (private to the collection).

The notes of an installation (a secret without tokens, beside its record) say of each message that it is being sent,
before it is, and that it was sent, after. A message that was being sent when a run died is looked up in the channel
where the poster may read it; where it may not, it is reported and not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _notes, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackError,
    SlackUnavailable,
    TokenError,
)
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation

Message = Mapping[str, Any]
KEPT = 200  # marks kept in the notes
# What to do when Slack refuses a post: https://docs.slack.dev/reference/methods/chat.postMessage
ADVICE = {
    "not_in_channel": "invite the bot to the channel, or give the workspace a notifier (botops_notifier)",
    "channel_not_found": "correct the channel in botops_bots, or invite the poster to it where it is private",
    "is_archived": "name another channel in botops_bots",
    "missing_scope": "give the app chat:write, or the workspace a notifier (botops_notifier)",
}


class Poster:
    """Posts messages for a session: its Vault, records and Slack."""

    def __init__(self, here: Any, check: bool) -> None:
        self.here = here
        self.check = check

    def post(self, message: Message) -> dict[str, Any]:
        """What became of one message: `state` is sent, already, planned, failed or unknown, with `evidence`."""
        said = {key: message[key] for key in ("mark", "phase", "installation", "workspace", "channel", "text")}
        said.update(ts="", evidence="", posted_by=message["poster"]["kind"])
        try:
            state, more = self._post(message)
        except RotationError as exc:
            state, more = "failed", {"evidence": exc.message}
        return {**said, "state": state, **more}

    def _post(self, message: Message) -> tuple[str, dict[str, str]]:
        known = self._marks(message).get(message["mark"])
        if known and known["state"] == "sent":
            return "already", {"ts": known.get("ts", ""), "evidence": f"posted at {known['at']}"}
        if message["poster"]["kind"] == "nobody":
            return "failed", {"evidence": "there is no live token or notifier to post it with"}
        if self.check:
            return "planned", {}
        secret = self._credential(message)
        if known:
            found = self._look_up(message, secret, known["at"])
            if found:
                self._note(message, "sent", found)
                return "already", {**found, "evidence": "found in the channel"}
        self._note(message, "sending", {})
        # KV v1 cannot refuse a note that comes after another run has posted: that run had taken the lock.
        self.here.store.before_write(self._installation(message))
        try:
            told = self._send(message, secret)
        except SlackUnavailable as exc:  # it may have been posted
            return "unknown", {"evidence": f"{exc.message}; whether it was posted is not known, so it is not repeated"}
        except SlackError as exc:
            self._note(message, "refused", {})
            advice = ADVICE.get(exc.code)
            return "failed", {"evidence": exc.message + (f"; next: {advice}" if advice else "")}
        self._note(message, "sent", told)
        return "sent", told

    def _send(self, message: Message, secret: str) -> dict[str, str]:
        slack = self.here.slack
        if message["poster"]["kind"] == "webhook":
            return slack.post_webhook(secret, message["text"], message["blocks"])
        what = (secret, message["channel"], message["text"], message["blocks"], message["mark"])
        try:
            return slack.post(*what)
        except SlackError as exc:  # refused, so it was not posted
            if exc.code != "not_in_channel" or slack.join(secret, message["channel"]):
                raise
            return slack.post(*what)

    def _look_up(self, message: Message, secret: str, at: str) -> dict[str, str] | None:
        """Whether a message that was being sent did arrive. None when it is known that it did not."""
        told = self._marks(message)[message["mark"]]
        if told["state"] == "refused":
            return None
        cannot = TokenError(f"an earlier run was posting it at {at}, and whether it arrived is not known; not repeated")
        if message["poster"]["kind"] == "webhook":
            raise cannot
        oldest = datetime.strptime(at, "%Y-%m-%dT%H:%M:%S%z") - timedelta(minutes=5)
        try:
            return self.here.slack.find(secret, message["channel"], message["mark"], str(oldest.timestamp()))
        except SlackError:
            raise cannot from None

    def _credential(self, message: Message) -> str:
        poster, store = message["poster"], self.here.store
        if "path" in poster:
            data = self.here.vault.read(poster["path"]).data or {}
            value = data.get(store.token_field)
            if not isinstance(value, str) or not value.strip():
                raise TokenError(f"the notifier's secret {poster['path']} has no field {store.token_field}")
            _redact.register(value.strip())
            return value.strip()
        seen = store.read(self._installation(message))
        slot = seen.record.slot("bot")
        for stored in (seen.tokens.get("bot"), slot.pending, slot.previous):
            if stored and stored.fingerprint == poster["fingerprint"]:
                return stored.token
        raise TokenError(f"the token {poster['fingerprint']} that was to post it is not in Vault any more")

    def _installation(self, message: Message) -> Installation:
        return self.here.registry.installation(*message["installation"].split("/", 1))

    def _marks(self, message: Message) -> dict[str, Any]:
        return _notes.part(_notes.read(self.here, self._installation(message)), "announcements")

    def _note(self, message: Message, state: str, told: Mapping[str, str]) -> None:
        entry = {"state": state, "at": stamp(self.here.vault.now()), **told}

        def change(marks: dict[str, Any]) -> dict[str, Any]:
            return dict(list({**marks, message["mark"]: entry}.items())[-KEPT:])

        _notes.put(self.here, self._installation(message), "announcements", change)
