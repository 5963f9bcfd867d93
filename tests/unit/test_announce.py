# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People are told once, where the bot is, by somebody who can."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _announce

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
    for message in _announce.messages(known, rows(), "failed", {IBM: "long " * 2000}):
        assert all(len(block["text"]["text"]) <= 3000 for block in message["blocks"] if block["type"] == "section")
        context = message["blocks"][1]["elements"]
        assert len(context) <= 10 and all(len(element["text"]) <= 3000 for element in context)


def test_no_owners_and_no_contact_is_no_context() -> None:
    known = registry(gobot={"owners": []})
    assert all(len(message["blocks"]) == 1 for message in _announce.messages(known, rows(), "done"))
    known = registry(gobot={"owners": []}, contact={"name": "OSS ciebot", "slack": "U0123"})
    message = _announce.messages(known, rows(), "done", {IBM: "It was unavailable for 0.8 s in this run."})[0]
    assert message["blocks"][1]["elements"][0]["text"] == "Questions: OSS ciebot <@U0123>"
    assert message["text"].endswith("is available. It was unavailable for 0.8 s in this run.")
