# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People are told once, where the bot is, by somebody who can."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _announce
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import about

from tests.unit._core import World, alive, dead, fp, registry, token

IBM, COMPOSE = "gobot/ibmcloud", "gobot/compose"


def rows(attempt: int = 1, old: Any = None, **world: Any) -> list[dict[str, Any]]:
    found = World(**world)
    for name in (IBM, COMPOSE):
        team = {"team_id": "T0456"} if name == COMPOSE else {}
        found.holds(name, token(f"old {name}"), old or dead())
        found.stages(name, token(f"new {name}"), alive(**team), attempt=attempt)
    return [found.row(name) for name in (IBM, COMPOSE)]


def marks(messages: list[dict[str, Any]]) -> list[str]:
    return [message["mark"] for message in messages]


def test_one_message_for_each_channel_of_each_row_that_changes() -> None:
    some = rows()
    messages = _announce.messages(registry(), some, "started")
    assert [(m["installation"], m["channel"]) for m in messages] == [
        (IBM, "C0123"),
        (IBM, "C0456"),
        (COMPOSE, "C0789"),
    ]
    assert _announce.messages(registry(), [{**some[0], "action": "converge"}], "started") == []
    assert len(set(marks(messages))) == 3
    assert "*gobot* gets a new Slack token in *IBM Cloud Platform*" in messages[0]["text"]
    assert messages[0]["blocks"][1]["elements"][0]["text"] == "Owners: <@U0123>, <!subteam^S0456>"


def test_one_thread_for_all_phases_of_a_rotation_in_every_attempt_and_a_windows_own() -> None:
    told = [_announce.messages(registry(), rows(attempt=n), phase) for n in (1, 2) for phase in ("started", "done")]
    assert [{message["thread"] for message in some} for some in told] == [{fp(f"new {IBM}"), fp(f"new {COMPOSE}")}] * 4
    window = {"id": "w", "start": "2027-01-15T01:00:00Z", "end": "2027-01-15T02:00:00Z", "zone": "Z", "sequence": 0}
    [row, *_dummy] = rows()
    assert _announce.messages(registry(), [{**row, "window": window}], "started")[0]["thread"] == "w"


def test_a_refresh_that_goes_well_is_not_told() -> None:
    routine = [{**row, "routine": True} for row in rows()]
    assert not _announce.messages(registry(), routine, "started") + _announce.messages(registry(), routine, "done")
    assert _announce.messages(registry(), routine, "failed")


def test_the_longest_of_the_last_times_is_expected() -> None:
    marks = {str(n): {"state": "sent", "seconds": seconds} for n, seconds in enumerate((9.0, 1, 2.5, 0.5, 1, 1))}
    assert _announce.expected({**marks, "x": {"state": "sent"}, "y": "?"}) == 2.5
    assert _announce.expected({}) is None
    assert [about(each) for each in (None, 0.2, 1.2, 89, 90, 200)] == [
        "",
        "about 1 second",
        "about 2 seconds",
        "about 89 seconds",
        "about 2 minutes",
        "about 4 minutes",
    ]


def test_marks_are_the_same_in_every_run_of_an_attempt() -> None:
    first, again = (_announce.messages(registry(), rows(), "started") for _dummy in range(2))
    assert marks(first) == marks(again)
    assert not set(marks(first)) & set(marks(_announce.messages(registry(), rows(attempt=2), "started")))
    assert not set(marks(first)) & set(marks(_announce.messages(registry(), rows(), "done")))


NOTIFIERS = {
    "a token": ({"token_path": "generic/announcer"}, {"kind": "token", "path": "generic/announcer"}),
    "a webhook": ({"webhook_path": "generic/hook"}, {"kind": "webhook", "path": "generic/hook"}),
}


@pytest.mark.parametrize("case", NOTIFIERS)
def test_the_notifier_posts_where_there_is_one(case: str) -> None:
    notifier, poster = NOTIFIERS[case]
    messages = _announce.messages(registry(notifier={"ibmcloud": notifier}), rows(), "started")
    assert messages[0]["poster"] == poster
    assert [m["channel"] for m in messages if m["installation"] == IBM] == (
        [""] if poster["kind"] == "webhook" else ["C0123", "C0456"]
    ), "a webhook posts to its own channel, once"
    assert messages[-1]["poster"]["kind"] == "installation"


def test_else_the_new_token_else_the_old_one_else_nobody() -> None:
    (row, *_dummy) = rows(old=alive())
    poster = _announce.messages(registry(), [row], "started")[0]["poster"]
    assert poster == {"kind": "installation", "fingerprint": fp(f"new {IBM}")}
    row["tokens"]["bot"]["new_life"] = "dead"
    poster = _announce.messages(registry(), [row], "started")[0]["poster"]
    assert poster == {"kind": "installation", "fingerprint": fp(f"old {IBM}")}
    row["tokens"]["bot"]["old_life"] = "unknown"
    assert _announce.messages(registry(), [row], "started")[0]["poster"] == {"kind": "nobody"}
    assert _announce.messages(registry(), [{**row, "tokens": {}}], "started")[0]["poster"] == {"kind": "nobody"}


def test_lengths_stay_within_slacks_limits() -> None:
    owners = [f"U{n:010}" for n in range(400)]
    known = registry(gobot={"owners": owners}, contact={"name": "OSS ciebot", "slack": "U0123"})
    lines = [f"service {n} " + "long " * 40 for n in range(500)]
    for message in _announce.messages(known, rows(), "failed", {IBM: {"fate": "long " * 2000, "lines": lines}}):
        blocks = [*message["blocks"], *message["details"]["blocks"]]
        assert all(len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")
        assert len(message["text"]) <= 3000, "chat.update takes 4,000 characters"
        context = message["blocks"][1]["elements"]
        assert len(context) <= 10 and all(len(element["text"]) <= 3000 for element in context)


def test_no_owners_and_no_contact_is_no_context() -> None:
    known = registry(gobot={"owners": []})
    assert all(len(message["blocks"]) == 1 for message in _announce.messages(known, rows(), "done"))
    known = registry(gobot={"owners": []}, contact={"name": "OSS ciebot", "slack": "U0123"})
    message = _announce.messages(known, rows(), "done", {IBM: {"seconds": "0.8 s"}})[0]
    assert message["blocks"][1]["elements"][0]["text"] == "Questions: OSS ciebot <@U0123>"
    assert message["text"].endswith("is available. It was unavailable for 0.8 s in this run.")
