# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with the Slack sandbox, a Vault in memory, and a clock for both: for what people are told over weeks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _announce, _calendar, _registry, _window
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._post import Poster
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack

from tests.sandbox.slack import scheduled
from tests.sandbox.slack.threaded import ThreadedSlack
from tests.unit._core import MemoryVault

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
CHANNEL = "C0GENERAL1"


class ClockedVault(MemoryVault):
    """A Vault whose time is that of the sandbox, but for `skew`."""

    def __init__(self, slack: ThreadedSlack) -> None:
        super().__init__()
        self.slack, self.skew = slack, timedelta()

    def now(self) -> datetime:
        return datetime.fromtimestamp(int(self.slack.world.clock.now()), timezone.utc) + self.skew


class Desk:
    """robot in the team `one`, which helper tells of (`notifier`: another, or None for robot itself).

    It is all that `_calendar` and `_post` want of a session.
    """

    def __init__(
        self, slack: ThreadedSlack, notifier: dict[str, str] | None = None, at: datetime = NOW, **registry: Any
    ) -> None:
        slack.world.clock.set(at.timestamp())
        self.sandbox, self.vault, self.slack = slack, ClockedVault(slack), Slack(f"{slack.url}/api/", timeout=5)
        given: dict[str, Any] = {
            "workspaces": {"one": {"name": "Team <one>", "team_id": "T0TEAM1"}},
            "bots": {
                "robot": {
                    "owners": ["U0PERSON1", "S0OWNERS1"],
                    "channels": {"one": [CHANNEL]},
                    "installations": {"one": {"bot_token_path": "secret/robot"}},
                }
            },
            "contact": {"name": "OSS & friends", "slack": "U0PERSON1"},
            "notifier": {"one": notifier} if notifier else None,
            **registry,
        }
        self.registry = _registry.load(services={}, **given)
        self.store = RecordStore(self.vault, self.registry, "value", lambda _installation: None)
        self.keeps("secret/robot", slack.token("robot/one"))
        self.keeps("secret/helper", slack.token("helper/one"))

    def locked(self, _installations: Any, _check: bool) -> AbstractContextManager[None]:
        """They are held by somebody above."""
        return nullcontext()

    def keeps(self, path: str, value: str) -> None:
        self.puts(path, {"value": value})

    def puts(self, path: str, data: dict[str, Any]) -> None:
        self.vault.write(path, data, self.vault.read(path))

    def stages(self, name: str, token: str) -> None:
        """A new token waits in the record of `robot` or `helper`."""
        self.puts(f"secret/{name}_rotation", {"schema": 1, "tokens": {"bot": {"pending": {"token": token}}}})

    @property
    def installation(self) -> _registry.Installation:
        return self.registry.installation("robot", "one")

    @property
    def notes(self) -> dict[str, Any]:
        return self.vault.read("secret/robot_notes").data or {}

    # What people do

    def schedule(self, window: str, zone: str | None = None, texts: Texts | None = None) -> dict[str, Any]:
        wanted = _window.parse(window, zone, self.vault.now())
        return _calendar.schedule(self, self.installation, wanted, texts or Texts(), False)

    def cancel(self) -> dict[str, Any]:
        return _calendar.cancel(self, self.installation, Texts(), False)

    def audit(self, check: bool = False) -> list[dict[str, Any]]:
        every = [each for bot in self.registry.bots.values() for each in bot.installations.values()]
        return _calendar.plan_due(self, every, Texts(), check)

    def tell(self, phase: str, texts: Texts | None = None, facts: Mapping[str, Any] | None = None, **row: Any) -> Any:
        """A phase of a rotation, in the one channel; what became of it."""
        notes = self.notes
        window = _calendar.of_notes(notes)
        row = {
            "id": "robot/one",
            "bot": "robot",
            "workspace": "one",
            "workspace_name": "Team <one>",
            "action": "promote",
            "attempt": 1,
            "revoked_at": "",
            "old_fingerprint": "0" * 12,
            "new_fingerprint": "1" * 12,
            "window": _calendar.describe(window, self.vault.now()),
            "expected_unavailability": _announce.expected(notes.get("announcements") or {}),
            "tokens": {"bot": {}},
            **row,
        }
        [message] = _announce.messages(self.registry, [row], phase, {"robot/one": facts or {}}, texts)
        if message["poster"]["kind"] == "nobody":
            message["poster"] = {"kind": "installation", "fingerprint": ""}
        return Poster(self, False).post(message)

    # What is there

    def passes(self, **time: float) -> None:
        """Time goes by, and Slack posts what is due."""
        self.sandbox.world.clock.advance(timedelta(**time).total_seconds())
        scheduled.deliver(self.sandbox.world)

    @property
    def roots(self) -> list[str]:
        """What stands in the channel itself."""
        return [one.text for one in self.sandbox.world.messages if not one.thread_ts]

    @property
    def replies(self) -> list[tuple[str, bool]]:
        """What stands in threads, and whether the channel sees it."""
        return [(one.text, one.broadcast) for one in self.sandbox.world.messages if one.thread_ts]

    @property
    def waiting(self) -> dict[str, str]:
        """What Slack keeps: when, to the first word of what."""
        return {
            f"{datetime.fromtimestamp(one.post_at, timezone.utc):%Y-%m-%dT%H:%M}": one.fields["text"].partition(" ")[0]
            for one in self.sandbox.world.scheduled.values()
            if one.state == "waiting"
        }
