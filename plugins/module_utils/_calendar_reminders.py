# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the messages that Slack keeps for their time in line with the window of an installation (private).

What is due follows from the window; what was planned is in the notes, and what still waits Slack tells. So whatever a run
died at, the next one plans what is missing, takes back what is wrong, and takes as its own what it finds. Slack takes a
message at most 120 days ahead: what lies beyond is planned by a later run.
https://docs.slack.dev/reference/methods/chat.scheduleMessage
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _speaker
from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._slack_messages import same_message
from ansible_collections.botops.rotation.plugins.module_utils._window import Window

FARTHEST = timedelta(days=120) - timedelta(minutes=10)  # Slack's clock is not Vault's
SOONEST = timedelta(minutes=2)
EARLIER = 300  # seconds; of a channel, Slack takes at most 30 messages for the same five minutes
STEPS = 12
Noted = dict[str, dict[str, Any]]


class Reminders:
    """The reminders of one installation. `message`: gives text and blocks for what is left, such as `1 day`."""

    def __init__(self, here: Any, installation: Installation, message: Any) -> None:
        self.here, self.installation, self.message = here, installation, message
        self.channels = here.registry.bots[installation.bot].channels.get(installation.workspace, ())
        self.warnings: list[str] = []

    def due(self, window: Window | None) -> dict[str, datetime]:
        """When each is to be posted, by `LEFT/CHANNEL`."""
        times = window.reminders() if window else {}
        return {f"{left}/{channel}": at for left, at in times.items() for channel in self.channels}

    def to_do(self, window: Window | None, noted: Noted, now: datetime) -> bool:
        """Whether Slack has to be asked at all."""
        due = self.due(window)
        plannable = any(now + SOONEST < at <= now + FARTHEST for at in due.values())
        return plannable or bool(self._stale(due, noted))

    @staticmethod
    def _stale(due: Mapping[str, datetime], noted: Noted) -> list[str]:
        return [key for key, entry in noted.items() if key not in due or entry.get("due") != stamp(due[key])]

    def settle(self, window: Window | None, noted: Noted, now: datetime) -> tuple[Noted, list[dict[str, Any]]]:
        """What is noted afterwards, and an entry for each reminder: {left, channel, at, state, evidence}.

        `state`: planned, later (beyond what Slack takes), passed (its time is over, or is too near), failed.
        """
        due, kept, found = self.due(window), dict(noted), []
        secret, waiting = self._reach()
        for key in self._stale(due, noted):
            self._take_back(secret, key, kept.pop(key), now)
        for key, at in due.items():
            state, evidence = self._state(key, at, kept, now), ""
            if state == "planned" and not self._stands(kept.get(key), waiting, now):
                state, evidence = self._make_up(secret, key, at, waiting, kept)
            left, _slash, channel = key.partition("/")
            found.append({"left": left, "channel": channel, "at": stamp(at), "state": state, "evidence": evidence})
        return kept, found

    @staticmethod
    def _state(key: str, at: datetime, noted: Noted, now: datetime) -> str:
        if at > now + FARTHEST:
            return "later"
        return "planned" if key in noted or at > now + SOONEST else "passed"

    @staticmethod
    def _stands(entry: Mapping[str, Any] | None, waiting: list[dict[str, Any]], now: datetime) -> bool:
        """Whether a reminder was posted, or Slack still has it."""
        if entry is None:
            return False
        posted = str(entry.get("at")) <= stamp(now + SOONEST)
        return posted or any(same_message(one["id"], str(entry.get("id"))) for one in waiting)

    def _make_up(
        self, secret: str, key: str, at: datetime, waiting: list[dict[str, Any]], kept: Noted
    ) -> tuple[str, str]:
        """Plans a reminder, and notes it in `kept`: its state and evidence."""
        left, _slash, channel = key.partition("/")
        before = kept.pop(key, None)
        try:
            kept[key] = {"due": stamp(at), **self._plan(secret, left, channel, at, waiting, kept)}
        except SlackError as exc:
            if exc.code != "time_in_past":
                return "failed", exc.message
            if before is None:  # by Slack's clock, which is ahead of Vault's
                return "passed", ""
            kept[key] = before
        return "planned", ""

    def expected(self, window: Window | None, noted: Noted, now: datetime) -> list[dict[str, Any]]:
        """The entries, of what is noted and what would be done; Slack is not asked."""
        found = []
        for key, at in self.due(window).items():
            left, _slash, channel = key.partition("/")
            state = self._state(key, at, noted, now)
            found.append({"left": left, "channel": channel, "at": stamp(at), "state": state, "evidence": ""})
        return found

    def _reach(self) -> tuple[str, list[dict[str, Any]]]:
        """A token that Slack accepts, and what its app has planned. A webhook plans nothing: then the bot does."""
        poster = _speaker.notifier(self.here.registry, self.installation.workspace)
        if not poster or poster["kind"] == "webhook":
            poster = {"kind": "installation", "fingerprint": ""}
        secrets = _speaker.secrets(self.here, self.installation, poster)
        return _speaker.with_any(secrets, lambda secret: (secret, self.here.slack.scheduled(secret)))

    def _plan(
        self, secret: str, left: str, channel: str, at: datetime, waiting: list[dict[str, Any]], kept: Noted
    ) -> dict[str, Any]:
        """Plans one, or finds that a run which died has: its id, and when it is posted."""
        text, blocks = self.message(left)
        first, ours = int(at.timestamp()), {entry["id"] for entry in kept.values()}
        times = [first - EARLIER * step for step in range(STEPS)]
        for one in waiting:
            if one["channel"] == channel and one["at"] in times and one["text"] == text and one["id"] not in ours:
                return {"id": one["id"], "at": _stamped(one["at"])}
        for when in times:
            try:
                return {"id": self._schedule(secret, channel, when, text, blocks), "at": _stamped(when)}
            except SlackError as exc:
                if exc.code != "restricted_too_many":
                    raise
        raise SlackError(f"Slack has too many messages for {channel} at that time", "restricted_too_many")

    def _schedule(self, secret: str, channel: str, at: int, text: str, blocks: list[dict[str, Any]]) -> str:
        slack = self.here.slack
        return _speaker.joining(slack, secret, channel, lambda: slack.schedule(secret, channel, at, text, blocks))

    def _take_back(self, secret: str, key: str, entry: Mapping[str, Any], now: datetime) -> None:
        """A reminder of a time that does not hold any more. Slack refuses where it was posted, or will be in a minute."""
        left, _slash, channel = key.partition("/")
        try:
            self.here.slack.unschedule(secret, channel, str(entry.get("id")))
        except SlackError as exc:
            if str(entry.get("due")) > stamp(now):
                self.warnings.append(
                    f"the reminder of {left} in {channel} could not be taken back ({exc.code}), and is posted at "
                    f"{entry.get('due')}"
                )


def _stamped(at: int) -> str:
    return stamp(datetime.fromtimestamp(at, timezone.utc))
