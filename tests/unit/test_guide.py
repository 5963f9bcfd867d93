# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide: each kind is recognised, has its steps, links and commands; docs/guide.md is made of it."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _guide, _guided, _registry
from ansible_collections.botops.rotation.plugins.module_utils._guide_steps import Guide
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe

from tests.sandbox import tokens
from tests.tools import guide as tool
from tests.tools.stage import ROOT

PLACE = _guide.Place("gobot", "ibmcloud", "A0123", "ibmcloud.slack.com", "1a2b3c4d5e6f")
GRANULAR = ("chat:write", "users:read")
# What is given, what auth.test tells of it, and the kinds that it may be.
SAMPLES = {
    "bot": (tokens.bot, GRANULAR, {}, ("bot",)),
    "bot that nobody was asked about": (tokens.bot, (), {}, ("bot",)),
    "classic bot": (tokens.bot, ("identify", "bot:basic"), {}, ("classic", "custom-bot", "hubot")),
    "custom bot": (tokens.legacy_bot, ("identify", "bot:basic"), {}, ("custom-bot", "hubot")),
    "user": (tokens.user, GRANULAR, {}, ("user",)),
    "classic user": (tokens.user, ("identify", "bot", "channels:read"), {}, ("classic",)),
    "test token": (tokens.user, ("identify", "read", "post", "client", "apps"), {}, ("test",)),
    "user that nobody was asked about": (tokens.user, (), {}, ("user", "classic", "test", "service")),
    "rotating bot": (tokens.rotating_bot, GRANULAR, {}, ("rotating",)),
    "rotating user": (tokens.rotating_user, GRANULAR, {"ok": True}, ("rotating",)),
    "configuration": (tokens.rotating_user, (), {"ok": True, "expires_in": 40000}, ("configuration",)),
    "one of the two": (tokens.rotating_user, (), {}, ("rotating", "configuration")),
    "refresh": (tokens.refresh, (), {}, ("refresh",)),
    "app-level": (tokens.app_level, (), {}, ("app",)),
    "workflow": (tokens.workflow, (), {}, ("workflow",)),
    "workspace app": (tokens.workspace, (), {}, ("retired",)),
    "old client": (tokens.legacy_client, (), {}, ("retired",)),
    "session": (tokens.session, (), {}, ("session",)),
    "cookie": (tokens.session_cookie, (), {}, ("session",)),
    "webhook": (tokens.webhook, (), {}, ("webhook",)),
    "workflow's URL": (tokens.workflow_webhook, (), {}, ("trigger", "webhook")),
    "signing or client secret": (lambda: secrets.token_hex(16), (), {}, ("signing", "client")),
    "verification token": (lambda: tokens.alnum(24), (), {}, ("verification",)),
    "something else": (lambda: "correct horse", (), {}, ("unknown",)),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_each_kind_is_recognised(sample: str) -> None:
    make, scopes, about, due = SAMPLES[sample]
    assert _guide.recognise(f" {make()}\n", scopes, about) == due


def test_each_guide_is_reached_but_those_that_only_a_person_knows() -> None:
    reached = {name for *_dummy, due in SAMPLES.values() for name in due}
    assert set(_guide.GUIDES) - reached == {"remove"}


@pytest.mark.parametrize("name", _guide.GUIDES)
def test_each_guide_is_whole(name: str) -> None:
    guide: Guide = _guide.GUIDES[name]
    assert guide.title and guide.looks and guide.life and guide.ends
    assert len(guide.steps) > 1 and guide.sources
    assert all(source.startswith("https://") for source in guide.sources)
    assert not any(step.command and step.link for step in guide.steps), "a step is the tool's or a person's"
    for step in _guide.told(guide, PLACE)["steps"]:
        assert "{" not in step["text"] + step["command"] + step["link"]
        assert step["text"][0].isupper() and not step["text"].endswith("."), step["text"]
        assert step["who"] == ("tool" if step["command"] else "you")
        assert not step["link"] or re.fullmatch(r"https://[\w./?=:-]+", step["link"])


@pytest.mark.parametrize("name", _guide.GUIDES)
def test_each_command_is_a_playbook_with_options_that_its_role_takes(name: str) -> None:
    for step in _guide.told(_guide.GUIDES[name], PLACE)["steps"]:
        if not step["command"]:
            continue
        called, *rest = step["command"].removeprefix("ansible-playbook botops.rotation.").split()
        text = (ROOT / "playbooks" / f"{called}.yml").read_text(encoding="utf-8")
        for imported in re.findall(r"import_playbook: botops\.rotation\.(\w+)", text):
            text += (ROOT / "playbooks" / f"{imported}.yml").read_text(encoding="utf-8")
        options = [word.partition("=")[0] for word in rest if "=" in word]
        roles = [ROOT / f"roles/rotation/tasks/{entry}.yml" for entry in re.findall(r"tasks_from: (\w+)", text)]
        known = "".join(path.read_text(encoding="utf-8") for path in roles if path.is_file())
        assert all(re.search(rf"\b{option}\b", known) for option in options), step["command"]


def test_links_and_commands_are_of_the_place() -> None:
    shown = _guide.text(_guide.told(_guide.GUIDES["bot"], PLACE))
    for due in (
        "https://api.slack.com/apps/A0123/install-on-team",
        "https://api.slack.com/apps/A0123/oauth",
        "ansible-playbook botops.rotation.stage_token -e bot=gobot -e workspace=ibmcloud",
        "-e revoke=1a2b3c4d5e6f",
        "/invite @gobot",
    ):
        assert due in shown
    custom = _guide.text(_guide.told(_guide.GUIDES["custom-bot"], PLACE))
    assert "https://ibmcloud.slack.com/apps/manage/custom-integrations" in custom


def test_without_a_place_the_links_lead_to_where_it_is_chosen() -> None:
    shown = _guide.text(_guide.told(_guide.GUIDES["bot"], _guide.Place()))
    assert "https://api.slack.com/apps\n" in shown and "/apps/\n" not in shown
    assert "-e bot=BOT -e workspace=WORKSPACE" in shown and "FINGERPRINT" in shown
    assert "https://my.slack.com/apps/manage" in _guide.text(_guide.told(_guide.GUIDES["hubot"], _guide.Place()))


@pytest.mark.parametrize("make", tokens.MAKERS.values(), ids=list(tokens.MAKERS))
def test_what_is_shown_of_a_credential_holds_nothing_of_it(make: type) -> None:
    value = make()
    slack = _Slack(Probe(Life.ALIVE, "ok", "Slack accepted it", {"team_id": "T0123"}, GRANULAR))
    found, place = _guided.credential(slack, "the token that was given", value, None)
    shown = _guided.table([found], [_guide.told(_guide.GUIDES[name], place) for name in found["guides"]])
    assert found["fingerprint"] == tokens.fingerprint(value) and found["fingerprint"] in shown
    assert tokens.secret_part(value)[:12] not in shown + str(found)


def test_a_webhook_or_a_session_is_sent_nowhere() -> None:
    for value in (tokens.webhook(), tokens.session(), secrets.token_hex(16)):
        slack = _Slack(Probe(Life.ALIVE))
        found, _place = _guided.credential(slack, "it", value, None)
        assert found["life"] == "unknown" and not slack.asked


def test_the_owner_is_found_by_team_and_app_or_bot_user() -> None:
    registry = _registry.load(
        workspaces={"ibmcloud": {"name": "IBM Cloud", "team_id": "T0123"}, "cim": {"name": "CIM", "team_id": "T0456"}},
        bots={
            "gobot": {
                "app_id": "A0123",
                "installations": {slug: {"bot_token_path": f"secret/{slug}"} for slug in ("ibmcloud", "cim")},
            },
            "ciebot": {"installations": {"cim": {"bot_token_path": "secret/ciebot", "bot_user_id": "U0123"}}},
        },
    )
    for identity, due in (
        ({"team_id": "T0456", "app_id": "A0123"}, "gobot/cim"),
        ({"team_id": "T0456", "user_id": "U0123"}, "ciebot/cim"),
        ({"team_id": "T0123", "user_id": "U0123"}, None),
        ({"team_id": "T0456"}, None),
        ({}, None),
    ):
        owner = _guided.owner_of(registry, identity)
        assert (owner.id if owner else None) == due
    assert _guided.owner_of(None, {"team_id": "T0456", "app_id": "A0123"}) is None


def test_the_page_is_that_of_the_data() -> None:
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(), "run python -m tests.tools.guide --write"


def test_links_within_the_page_lead_somewhere() -> None:
    text = tool.page()
    headings = {tool._anchor(line[3:]) for line in text.splitlines() if line.startswith("## ")}
    assert set(re.findall(r"\(#([^)]+)\)", text)) == headings
    assert Path(ROOT / "docs/operations.md").is_file()


class _Slack:
    """Answers like Slack, and remembers whether it was asked."""

    def __init__(self, probe: Probe) -> None:
        self.answer, self.asked = probe, False

    def whoami(self, _token: str) -> tuple[Probe, dict[str, str]]:
        self.asked = True
        return self.answer, {"url": "https://ibmcloud.slack.com/"}
