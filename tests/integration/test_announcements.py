# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A channel has one message for a rotation, changed as it goes, whatever Slack does; and nothing is told twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts

from tests.integration._desk import CHANNEL, Desk
from tests.sandbox.slack.threaded import ThreadedSlack

HELPER = {"token_path": "secret/helper"}
DONE = {"measured": 0.8, "seconds": "0.8 s", "lines": ["changed: yes", "consumer on host: 0.8 s"]}


def test_one_message_that_is_changed_and_a_thread(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    first = desk.tell("started", facts={"lines": ["consumer on host restarts"]})
    assert first["state"] == "sent" and "now. Its services restart within the next minutes" in desk.roots[0]
    last = desk.tell("done", facts=DONE)
    assert (last["state"], last["ts"]) == ("sent", first["ts"]) and "was changed" in last["evidence"]
    [root] = desk.roots
    assert root.endswith("is available. It was unavailable for 0.8 s in this run.")
    assert desk.replies == [
        (":arrows_counterclockwise: What is done now:\n• consumer on host restarts", False),
        (":white_check_mark: What was done and proven:\n• changed: yes\n• consumer on host: 0.8 s", False),
    ]
    message = slack.world.messages[0]
    assert message.blocks[0]["text"]["text"] == message.text and "Team &lt;one&gt;" in message.text
    context = message.blocks[1]["elements"][0]["text"]
    assert context == "Owners: <@U0PERSON1>, <!subteam^S0OWNERS1> | Questions: OSS &amp; friends <@U0PERSON1>"


def test_again_nothing_is_said_and_nothing_changed(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    for phase in ("started", "done"):
        desk.tell(phase)
    before, notes = len(slack.world.requests), desk.notes
    assert [desk.tell(phase)["state"] for phase in ("started", "done")] == ["already"] * 2
    assert (len(slack.world.requests), desk.notes) == (before, notes)


def test_another_attempt_changes_the_same_message(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    desk.tell("started")
    desk.tell("failed", facts={"fate": "It runs on its old token again.", "lines": ["rolled back: <!channel> & x"]})
    assert "did not finish. It runs on its old token again." in desk.roots[0]
    assert "&lt;!channel&gt; &amp; x" in desk.replies[0][0], "what a service says calls nobody"
    assert desk.tell("started", attempt=2)["state"] == desk.tell("done", attempt=2)["state"] == "sent"
    assert len(desk.roots) == 1 and len(desk.replies) == 1


def test_who_was_overtaken_does_not_call_a_rotation_failed_that_another_run_has_ended(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    desk.tell("started")
    done = desk.tell("done", facts=DONE)
    said = desk.tell("failed", facts={"fate": "It may be unavailable."})
    assert (said["state"], said["ts"]) == ("already", done["ts"]) and "another run had ended it" in said["evidence"]
    assert "is available" in desk.roots[0] and len(desk.replies) == 1


def test_what_was_measured_is_expected_the_next_time(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    desk.tell("done", facts={"measured": 1.3, "seconds": "1.3 s"})
    desk.tell("started", new_fingerprint="2" * 12)
    assert "unavailable for about 2 seconds." in desk.roots[1]
    desk.tell("started", new_fingerprint="3" * 12, facts={"down": True})
    assert "has been unavailable since its old token ended" in desk.roots[2]


GONE = {
    "it was deleted": lambda slack: slack.world.messages.clear(),
    "too old to be changed": lambda slack: (slack.world.set_edit_window("one", 60), slack.world.clock.advance(120)),
}


@pytest.mark.parametrize("case", GONE)
def test_what_cannot_be_changed_is_posted_anew_and_said(case: str, slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    desk.tell("started")
    GONE[case](slack)
    told = desk.tell("done", facts=DONE)
    assert told["state"] == "sent" and "posted anew, since the message before could not be changed" in told["evidence"]
    assert "has its new Slack token" in desk.roots[-1] and len(desk.replies) == 1
    assert slack.world.messages[-1].thread_ts == told["ts"], "the details are below the new one"


def test_another_poster_posts_anew(slack: ThreadedSlack) -> None:
    helper, robot = Desk(slack, HELPER), Desk(slack)
    helper.tell("started")
    robot.vault = robot.store.vault = helper.vault
    assert "cant_update_message" in robot.tell("done")["evidence"] and len(robot.roots) == 2


def test_a_webhook_posts_each_phase(slack: ThreadedSlack) -> None:
    desk = Desk(slack, {"webhook_path": "secret/hook"})
    desk.keeps("secret/hook", slack.control.add_hook("helper/one", CHANNEL))
    assert [desk.tell(phase, facts=DONE)["state"] for phase in ("started", "done", "done")] == [
        "sent",
        "sent",
        "already",
    ]
    assert len(desk.roots) == 2 and not desk.replies


def test_details_of_a_message_of_before_are_shown_in_the_channel(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    desk.tell("started")
    desk.passes(hours=2)
    desk.tell("done", facts=DONE)
    assert [broadcast for _text, broadcast in desk.replies] == [True]


def test_the_bot_tells_of_itself_with_whichever_token_lives(slack: ThreadedSlack) -> None:
    """Without a notifier: the same bot user with another token changes what it has posted."""
    desk = Desk(slack)
    desk.tell("started")
    slack.world.revoke("robot/one")
    new = slack.world.install("robot", "one").bot_token
    desk.stages("robot", new)
    told = desk.tell("done", facts=DONE)
    assert told["state"] == "sent" and "was changed" in told["evidence"] and len(desk.roots) == 1


def test_the_notifier_survives_its_own_rotation(slack: ThreadedSlack) -> None:
    """Its secret is dead until it is promoted; the new token waits in its record, and it is out of its channels."""
    slack.world.configure("helper", bot_scopes=["chat:write", "channels:join"])
    bots = {
        "robot": {"channels": {"one": [CHANNEL]}, "installations": {"one": {"bot_token_path": "secret/robot"}}},
        "helper": {"installations": {"one": {"bot_token_path": "secret/helper"}}},
    }
    desk = Desk(slack, HELPER, bots=bots)
    slack.world.revoke("helper/one")
    dead = desk.tell("started")
    assert dead["state"] == "failed" and "account_inactive" in dead["evidence"]
    new = slack.world.install("helper", "one").bot_token
    desk.stages("helper", new)
    assert desk.tell("started")["state"] == "sent", "the first"
    desk.keeps("secret/helper", new)
    assert desk.tell("done")["state"] == "sent" and len(desk.roots) == 1, "the last"


CUT = {
    "the message": ("chat.postMessage", 0, 1, 0, "unknown"),
    "its details": ("chat.postMessage", 1, 1, 1, "unknown"),
}


@pytest.mark.parametrize("case", CUT)
def test_what_may_have_been_posted_is_not_repeated(case: str, slack: ThreadedSlack) -> None:
    method, skip, roots, replies, state = CUT[case]
    desk = Desk(slack, HELPER)
    slack.control.fault("cut", method=method, when="after", skip=skip, times=1)
    told = desk.tell("started", facts=DONE | {"lines": ["one"]})
    assert (told["state"], len(desk.roots), len(desk.replies)) == (state, roots, replies)
    assert "so it is not repeated" in told["evidence"] or "not repeated" in told["evidence"]
    desk.tell("started", facts={"lines": ["one"]})
    assert len(desk.roots) == 1 and len(desk.replies) == replies, "helper may not read the channel"


def test_what_arrived_is_found_where_the_channel_may_be_read(slack: ThreadedSlack) -> None:
    desk = Desk(slack)
    slack.control.fault("cut", method="chat.postMessage", when="after", times=1)
    assert desk.tell("started", facts={"lines": ["one"]})["state"] == "unknown"
    told = desk.tell("done", facts=DONE)
    assert told["state"] == "sent" and len(desk.roots) == 1, "the message that nobody knew of is changed"
    again = desk.tell("started", facts={"lines": ["one"]})
    assert again["state"] == "sent" and len(desk.roots) == 1 and len(desk.replies) == 2


def test_a_rate_limit_is_waited_for_and_nothing_is_posted_twice(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    slack.control.fault("rate_limited", method="chat.postMessage", retry_after=1, times=1)
    assert desk.tell("started")["state"] == "sent" and len(desk.roots) == 1


def test_a_change_that_fails_is_told_and_made_the_next_time(slack: ThreadedSlack) -> None:
    desk = Desk(slack, HELPER)
    desk.tell("started")
    fault = slack.control.fault("error", method="chat.update", error="is_inactive")
    assert desk.tell("done", facts=DONE)["state"] == "failed" and not desk.replies
    slack.control.clear_faults(fault)
    assert desk.tell("done", facts=DONE)["state"] == "sent" and len(desk.roots) == len(desk.replies) == 1


def test_templates_of_the_users_own(slack: ThreadedSlack, tmp_path: Path) -> None:
    (tmp_path / "done.j2").write_text("{{ bot }} is back{% if seconds %} after {{ seconds }}{% endif %}: {{ owners }}")
    (tmp_path / "done.thread.j2").write_text("")
    (tmp_path / "started.j2").write_text("{{ no_such_thing }}")
    (tmp_path / "failed.j2").write_text("{{ ''.__class__.__mro__ }}")
    (tmp_path / "finished.j2").write_text("x")
    texts, desk = Texts(str(tmp_path)), Desk(slack, HELPER)
    assert len(texts.problems) == 3 and any("finished.j2 is of no phase" in each for each in texts.problems)
    desk.tell("started", texts)
    assert "gets a new Slack token" in desk.roots[0], "a template that cannot be used does not keep people from knowing"
    desk.tell("done", texts, DONE)
    assert desk.roots == ["robot is back after 0.8 s: <@U0PERSON1>, <!subteam^S0OWNERS1>"] and not desk.replies


def test_a_directory_without_templates_is_said(tmp_path: Path) -> None:
    for each in (tmp_path, tmp_path / "nowhere"):
        assert "there is no template" in Texts(str(each)).problems[0]
