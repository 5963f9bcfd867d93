# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows and their reminders, with a Slack that has its limits: each person is told as often as promised."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _calendar, _calendar_gate, _window
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError

from tests.integration._desk import CHANNEL, Desk
from tests.sandbox.slack.threaded import ThreadedSlack

HELPER = {"token_path": "secret/helper"}
WINDOW = "2027-01-15T02:00+01:00/PT1H"
PLANNED = {
    "2027-01-08T01:00": ":alarm_clock:",
    "2027-01-14T01:00": ":alarm_clock:",
    "2027-01-15T00:00": ":alarm_clock:",
}


@pytest.fixture
def desk(slack: ThreadedSlack) -> Desk:
    return Desk(slack, HELPER)


def states(entry: dict) -> list[str]:
    return [one["state"] for one in entry["reminders"]]


def test_scheduled_told_and_planned(desk: Desk) -> None:
    entry = desk.schedule(WINDOW)
    assert entry["changed"] and not entry["error"] and states(entry) == ["planned"] * 3
    assert [one["state"] for one in entry["announcements"]] == ["sent"]
    assert desk.roots[0].startswith(":calendar: *robot* gets a new Slack token in *Team &lt;one&gt;* from <!date^")
    assert desk.waiting == PLANNED
    assert desk.notes["window"]["start"] == "2027-01-15T01:00:00Z"


def test_the_same_again_changes_nothing(desk: Desk) -> None:
    desk.schedule(WINDOW)
    before = desk.notes
    again = desk.schedule(WINDOW)
    assert not again["changed"] and states(again) == ["planned"] * 3
    assert (desk.notes, len(desk.roots), desk.waiting) == (before, 1, PLANNED)


def test_reminders_come_when_they_are_due_and_the_rotation_goes_on_in_the_same_message(desk: Desk) -> None:
    desk.schedule(WINDOW)
    desk.passes(days=45)
    assert sum("In 7 days:" in text for text in desk.roots) == 1
    desk.passes(days=6, hours=13, minutes=5)
    assert len(desk.roots) == 4 and not desk.waiting
    started = desk.tell("started", facts={"lines": ["consumer on host restarts"]})
    assert started["evidence"] and desk.roots[0].startswith(":arrows_counterclockwise:") and len(desk.roots) == 4
    assert desk.replies[-1][1], "shown in the channel, for nobody sees that a message of weeks ago has changed"
    desk.tell("done")
    assert _calendar.close(desk, desk.installation, False)["changed"] and "window" not in desk.notes
    assert desk.roots[0].startswith(":white_check_mark:")


def test_moved(desk: Desk) -> None:
    desk.schedule(WINDOW)
    moved = desk.schedule("2027-01-22T02:00/PT2H", "Europe/Berlin")
    assert moved["changed"] and moved["window"]["sequence"] == 1
    assert list(desk.waiting) == ["2027-01-15T01:00", "2027-01-21T01:00", "2027-01-22T00:00"]
    assert len(desk.roots) == 1 and "it was moved, and not from <!date^" in desk.roots[0]
    text, broadcast = desk.replies[-1]
    assert text.startswith(":calendar: *Moved*") and broadcast
    assert not desk.schedule("2027-01-22T02:00/PT2H", "Europe/Berlin")["changed"]


def test_cancelled(desk: Desk) -> None:
    desk.schedule(WINDOW)
    entry = desk.cancel()
    assert entry["changed"] and not entry["error"] and not desk.waiting and "window" not in desk.notes
    assert desk.roots[0].startswith(":no_entry_sign:") and desk.replies[-1][1]
    assert not desk.cancel()["changed"], "there is nothing to cancel"
    assert desk.schedule(WINDOW)["changed"] and len(desk.roots) == 2, "another window is another message"


def test_beyond_120_days_the_next_audit_plans(desk: Desk) -> None:
    entry = desk.schedule("2027-06-15T02:00Z/PT1H")
    assert states(entry) == ["later"] * 3 and not desk.waiting
    planned = []
    for _week in range(30):
        desk.passes(days=7)
        [entry] = desk.audit()
        assert not entry["error"] and not entry["warnings"]
        planned.append(entry["changed"])
    assert sum(planned) in (1, 2), "each was planned as soon as Slack took it, once"
    assert [f"In {left}:" for left in ("7 days", "1 day", "1 hour")] == [
        text.removeprefix(":alarm_clock: ").partition(" *")[0] for text in desk.roots[1:]
    ]


def test_a_window_soon_skips_what_is_past(desk: Desk) -> None:
    assert states(desk.schedule("2026-11-24T16:00Z/PT1H")) == ["passed", "passed", "planned"]
    assert states(desk.audit()[0]) == ["passed", "passed", "planned"] and len(desk.waiting) == 1
    desk.passes(hours=3, minutes=59)
    assert sum("In 1 hour:" in text for text in desk.roots) == 1
    desk.cancel()
    assert desk.roots[0].startswith(":no_entry_sign:")


def test_an_audit_plans_again_what_slack_has_lost(desk: Desk, slack: ThreadedSlack) -> None:
    """With the authorization of the app that planned them end its messages: the bot's own, revoked and installed again."""
    bot = Desk(slack)
    bot.schedule(WINDOW)
    slack.world.revoke("robot/one")
    for one in slack.world.scheduled.values():
        one.state = "dropped"
    bot.keeps("secret/robot", slack.world.install("robot", "one").bot_token)
    [entry] = bot.audit()
    assert entry["changed"] and states(entry) == ["planned"] * 3 and bot.waiting == PLANNED


def test_nothing_is_planned_twice_where_the_answer_was_lost(desk: Desk, slack: ThreadedSlack) -> None:
    slack.control.fault("cut", method="chat.scheduleMessage", when="after", times=1)
    entry = desk.schedule(WINDOW)
    assert states(entry) == ["failed", "planned", "planned"] and entry["error"]
    assert states(desk.audit()[0]) == ["planned"] * 3 and desk.waiting == PLANNED
    assert len(slack.world.scheduled) == 3


def test_a_run_that_dies_before_it_notes_is_followed_by_one_that_finds(desk: Desk, slack: ThreadedSlack) -> None:
    desk.schedule(WINDOW)
    notes = desk.notes
    notes["window"].pop("reminders")
    desk.puts("secret/robot_notes", notes)
    assert states(desk.schedule(WINDOW)) == ["planned"] * 3 and len(slack.world.scheduled) == 3


def test_thirty_messages_for_the_same_five_minutes_are_too_many(desk: Desk, slack: ThreadedSlack) -> None:
    at = int((desk.vault.now() + timedelta(days=30)).timestamp())
    for _dummy in range(30):
        slack.client(slack.token("helper/one")).chat_scheduleMessage(channel=CHANNEL, post_at=at, text="another's")
    window = desk.vault.now() + timedelta(days=37)
    entry = desk.schedule(f"{window:%Y-%m-%dT%H:%MZ}/PT1H")
    assert states(entry) == ["planned"] * 3 and not entry["error"]
    assert min(one.post_at for one in slack.world.scheduled.values()) == at - 300, "five minutes earlier"


def test_what_was_posted_early_is_not_planned_again(desk: Desk, slack: ThreadedSlack) -> None:
    at = int((desk.vault.now() + timedelta(days=1)).timestamp())
    for _dummy in range(30):
        slack.client(slack.token("helper/one")).chat_scheduleMessage(channel=CHANNEL, post_at=at, text="another's")
    desk.schedule(f"{desk.vault.now() + timedelta(days=2):%Y-%m-%dT%H:%MZ}/PT1H")
    desk.passes(hours=23, minutes=56)
    assert sum("In 1 day:" in text for text in desk.roots) == 1, "four minutes before its time"
    assert states(desk.audit()[0]) == ["passed", "planned", "planned"]
    desk.passes(minutes=10)
    assert sum("In 1 day:" in text for text in desk.roots) == 1


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clocks_that_differ_tell_nobody_twice(minutes: int, desk: Desk, slack: ThreadedSlack) -> None:
    """Vault's clock is behind that of Slack, or ahead of it, by ten minutes."""
    desk.schedule("2026-11-25T16:00Z/PT1H")
    desk.vault.skew = timedelta(minutes=minutes)
    for _step in range(30):
        desk.passes(hours=1)
        [entry] = desk.audit()
        assert not entry["error"], entry
    assert [sum(f"In {left}:" in text for text in desk.roots) for left in ("1 day", "1 hour")] == [1, 1]
    desk.schedule(f"{desk.vault.now() + timedelta(hours=1, minutes=5):%Y-%m-%dT%H:%MZ}/PT1H")
    assert not desk.audit()[0]["error"], "by Slack's clock the last reminder may be over"


def test_in_the_last_minute_nothing_is_taken_back_and_that_is_said(desk: Desk) -> None:
    desk.schedule("2026-11-24T14:00Z/PT1H")
    desk.passes(minutes=59, seconds=30)
    entry = desk.schedule("2026-11-25T14:00Z/PT1H")
    assert "could not be taken back (invalid_scheduled_message_id)" in entry["warnings"][0]
    desk.passes(minutes=1)
    assert len(desk.roots) == 2 and "it was moved" in desk.roots[0], "the message says what holds"


def test_slack_away_stops_nothing_and_is_caught_up_with(desk: Desk, slack: ThreadedSlack) -> None:
    fault = slack.control.fault("error", error="internal_error")
    desk.slack.timeout = 1
    entry = desk.schedule(WINDOW)
    assert entry["error"] and entry["announcements"][0]["state"] in ("failed", "unknown")
    assert desk.notes["window"]["start"] == "2027-01-15T01:00:00Z"
    slack.control.clear_faults(fault)
    assert states(desk.audit()[0]) == ["planned"] * 3


def test_the_bot_plans_where_the_notifier_is_a_webhook(slack: ThreadedSlack) -> None:
    desk = Desk(slack, {"webhook_path": "secret/hook"})
    desk.keeps("secret/hook", slack.control.add_hook("helper/one", CHANNEL))
    assert states(desk.schedule(WINDOW)) == ["planned"] * 3 and len(desk.roots) == 1
    assert {one.fields["app_id"] for one in slack.world.scheduled.values()} == {"A0ROBOT"}


def test_a_check_changes_nothing(desk: Desk, slack: ThreadedSlack) -> None:
    desk.schedule("2027-06-15T02:00Z/PT1H")
    desk.passes(days=100)
    before = (desk.notes, len(slack.world.requests))
    [entry] = desk.audit(check=True)
    assert states(entry) == ["planned"] * 3 and (desk.notes, len(slack.world.requests)) == before


def test_a_check_of_a_new_window_shows_what_would_be_done(desk: Desk, slack: ThreadedSlack) -> None:
    wanted = _window.parse(WINDOW, None, desk.vault.now())
    entry = _calendar.schedule(desk, desk.installation, wanted, Texts(), True)
    assert entry["changed"] and states(entry) == ["planned"] * 3
    assert [one["state"] for one in entry["announcements"]] == ["planned"]
    desk.schedule(WINDOW)
    before = (desk.notes, len(slack.world.requests))
    gone = _calendar.cancel(desk, desk.installation, Texts(), True)
    assert gone["changed"] and (desk.notes, len(slack.world.requests)) == before


# --- what a run asks of a window ---------------------------------------------------------------------------------------


def judged(desk: Desk, action: str = "promote", ignore: bool = False, check: bool = False, **more: str) -> dict:
    row = {
        "id": "robot/one",
        "bot": "robot",
        "workspace": "one",
        "action": action,
        "outcome": "rotated",
        "revoked_at": "",
    }
    row |= {"warnings": [], "tokens": {"bot": {"new": "1" * 12}}, **more}
    [found] = _calendar_gate.judge(desk.registry, desk.vault, [row], ignore, check)
    return found


def test_a_rotation_begins_in_its_window_alone(desk: Desk) -> None:
    assert judged(desk)["outcome"] == "rotated" and judged(desk)["window"] == {}
    desk.schedule(WINDOW)
    refused = judged(desk)
    assert (refused["action"], refused["outcome"]) == ("none", "refused")
    words = "2027-01-15 02:00 to 03:00 +01:00 (01:00 to 02:00 UTC)"
    assert refused["reason"] == f"this is not its window: {words}, in 51 days"
    assert "-e ignore_window=true" in refused["next_step"]
    desk.passes(days=51, hours=13)
    assert judged(desk)["outcome"] == "rotated" and judged(desk)["window"]["stands"] == "open"
    desk.passes(hours=1)
    assert "over since" in judged(desk)["reason"] and "agree on another time" in judged(desk)["next_step"]


@pytest.mark.parametrize("action", ["resume", "restore", "refresh", "converge", "none"])
def test_what_has_begun_may_be_finished_at_any_time(action: str, desk: Desk) -> None:
    desk.schedule(WINDOW)
    assert judged(desk, action)["outcome"] == "rotated"


def test_a_revoke_has_begun_it(desk: Desk) -> None:
    desk.schedule(WINDOW)
    assert judged(desk, "reinstall")["outcome"] == "refused"
    assert judged(desk, "reinstall", revoked_at="2026-11-24T11:00:00Z")["outcome"] == "rotated"


def test_an_emergency_is_recorded(desk: Desk) -> None:
    desk.schedule(WINDOW)
    row = judged(desk, ignore=True)
    assert row["outcome"] == "rotated" and row["window"]["ignored"] is True
    assert "ignore_window was given" in row["warnings"][0]


def test_a_check_tells_the_refusal_and_shows_the_plan(desk: Desk) -> None:
    desk.schedule(WINDOW)
    row = judged(desk, check=True)
    assert (row["action"], row["outcome"]) == ("promote", "refused") and row["tokens"]["bot"]["new"]


def test_no_window_while_a_rotation_is_under_way(desk: Desk) -> None:
    desk.puts("secret/robot_rotation", {"schema": 1, "state": "promoted", "rotation_id": "r", "tokens": {}})
    with pytest.raises(StateError, match="is under way"):
        desk.schedule(WINDOW)
