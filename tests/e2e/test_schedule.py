# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window from its agreement to the rotation that ends it, as whole playbooks: told, reminded, refused, kept, forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from slack_sdk import WebClient

from tests.e2e._playbook import Run, run
from tests.sandbox import Sandbox
from tests.sandbox._state import ROOT

SCHEDULE = str(ROOT / "schedule_rotation.yml")
NOTIFIER = "generic/crn/v1/internal/local/tip-oss-flow/global/notifier/slack_bot_token_for_notifier_in_ibmcloud"
MINE = ("-e", "bot=gobot", "-e", "workspace=ibmcloud")


@dataclass
class Story:
    """What was run, in order, and what was in Slack after each step."""

    sandbox: Sandbox
    runs: dict[str, Run] = field(default_factory=dict)
    slack: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def step(self, name: str, *args: str, **more: Any) -> None:
        self.runs[name] = run(self.sandbox, *args, **more)
        self.slack[name] = self.sandbox.slack.messages()
        self.notes[name] = self.sandbox.bao.get(self.sandbox.path("gobot/ibmcloud") + "_notes") or {}

    def forget(self) -> None:
        """Slack has lost the reminders."""
        token = self.sandbox.bao.get(NOTIFIER)["value"]
        client = WebClient(token, base_url=self.sandbox.slack.api_url)
        for one in client.chat_scheduledMessages_list()["scheduled_messages"]:
            client.chat_deleteScheduledMessage(channel=one["channel_id"], scheduled_message_id=one["id"])

    def waiting(self) -> int:
        return sum(one["state"] == "waiting" for one in self.sandbox.slack.scheduled())


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    start = datetime.now(timezone.utc).replace(second=0, microsecond=0) + timedelta(days=20)
    window = f"window={start:%Y-%m-%dT%H:%M}Z/PT1H"
    with Sandbox() as sandbox:
        told = Story(sandbox)
        told.step("scheduled", *MINE, "-e", window, playbook=SCHEDULE)
        told.planned = told.waiting()  # type: ignore[attr-defined]
        told.step("checked", *MINE, "--check")
        told.step("refused", "-e", "bot=gobot")
        told.step("status", "-e", "bot=gobot", playbook="botops.rotation.rotation_status")
        told.forget()
        told.step("audited", *MINE, "-e", "fail_on=none", playbook="botops.rotation.audit_bots")
        told.step("emergency", *MINE, "-e", "ignore_window=true")
        told.step("cancelled", *MINE, "-e", "cancel=true", playbook=SCHEDULE)
        yield told


@pytest.mark.xdist_group("schedule")
class TestSchedule:
    def test_scheduled(self, story: Story) -> None:
        done = story.runs["scheduled"]
        assert done.status == 0, done
        [message] = story.slack["scheduled"][:1]
        assert message["text"].startswith(":calendar: *gobot* gets a new Slack token in *IBM Cloud Platform*")
        assert story.planned == 3 * len({one["channel_id"] for one in story.slack["scheduled"]})  # type: ignore[attr-defined]
        assert "7 days, 1 day, 1 hour" in done.end and "gobot/ibmcloud" in done.end
        calendar = (done.directory / "reports/gobot-ibmcloud.ics").read_text()
        assert "METHOD:PUBLISH" in calendar and story.notes["scheduled"]["window"]["id"] in calendar
        stats = done.of("botops.rotation.rotation_window")[0]["ansible_stats"]["data"]["botops"]
        assert (stats["kind"], stats["success"], stats["outcomes"]) == (
            "schedule",
            True,
            {"gobot/ibmcloud": "scheduled"},
        )

    def test_a_check_tells_the_refusal_and_shows_the_plan(self, story: Story) -> None:
        done = story.runs["checked"]
        assert done.status != 0 and done.outcomes == {"gobot/ibmcloud": "refused"}, done
        [row] = done.of("botops.rotation.rotation_plan")[0]["plan"]["installations"]
        assert row["action"] == "promote" and row["proofs"] and "this is not its window" in done.end
        assert story.slack["checked"] == story.slack["scheduled"]

    def test_refused_outside_of_it_and_the_others_go_on(self, story: Story) -> None:
        done = story.runs["refused"]
        assert done.status != 0 and done.outcomes.pop("gobot/ibmcloud") == "refused", done
        assert set(done.outcomes.values()) == {"rotated"} and "-e ignore_window=true" in done.end

    def test_status_shows_it(self, story: Story) -> None:
        assert story.runs["status"].end.count("its window: ") == 1

    def test_an_audit_plans_what_is_missing(self, story: Story) -> None:
        done = story.runs["audited"]
        assert done.status == 0, done
        [planned] = done.of("botops.rotation.rotation_window")
        assert planned["changed"] and {one["state"] for one in planned["windows"][0]["reminders"]} == {"planned"}
        assert story.slack["audited"] == story.slack["status"], "nobody is told twice"

    def test_an_emergency_is_recorded_and_ends_the_window(self, story: Story) -> None:
        done = story.runs["emergency"]
        assert done.status == 0 and done.row("gobot/ibmcloud")["window"]["ignored"] is True, done
        assert any("ignore_window was given" in each for each in done.report["warnings"])
        assert "window" not in story.notes["emergency"] and story.waiting() == 0
        first = story.slack["scheduled"][0]
        [root] = [one for one in story.slack["emergency"] if one["ts"] == first["ts"]]
        assert root["text"].startswith(":white_check_mark:") and len(root["history"]) == 2, "one message for all of it"

    def test_nothing_is_left_to_cancel(self, story: Story) -> None:
        done = story.runs["cancelled"]
        assert done.status == 0 and "no window is recorded" in done.end, done
        assert done.of("botops.rotation.rotation_window")[0]["ansible_stats"]["data"]["botops"]["outcomes"] == {}
        assert done.changed["localhost"] == 0 and story.slack["cancelled"] == story.slack["emergency"]
