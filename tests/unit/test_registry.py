# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry is read whole: every mistake comes at once, with its place, and never with a secret."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry, load
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._fuzz import fuzz
from tests.unit.test_tokens import pieces

BASE = "generic/crn/v1/internal/slack_"
GOBOT = "botops_bots.gobot.installations.ibmcloud"
SERVICE = "hostvars.bot-host-1.botops_services[0]"


def good() -> dict[str, Any]:
    """The arguments of `load` for a registry without a mistake; each call gives a new one to break."""
    return {
        "workspaces": {
            "ibmcloud": {"name": "IBM Cloud Platform", "team_id": "T0123"},
            "compose": {"name": "Compose", "team_id": "E0124ABC"},
        },
        "bots": {
            "gobot": {
                "app_id": "A0123",
                "environment": "internal",
                "strategy": "staged",
                "required_scopes": ["chat:write", "users:read.email"],
                "owners": ["U0123", "S0456", "W0789", "B0123"],
                "channels": {"ibmcloud": ["C0123", "G0123"], "compose": []},
                "installations": {
                    "ibmcloud": {
                        "bot_token_path": f"{BASE}bot_token_for_gobot_in_ibmcloud",
                        "user_token_path": f"{BASE}app_token_for_gobot_in_ibmcloud",
                        "bot_user_id": "U0BOT",
                    },
                    "compose": {"bot_token_path": f"{BASE}bot_token_for_gobot_in_compose"},
                },
            },
            "ciebot": {"installations": {"ibmcloud": {"bot_token_path": f"{BASE}bot_token_for_ciebot_in_ibmcloud"}}},
        },
        "services": {
            "bot-host-1": [
                {
                    "name": "consumer",
                    "manager": "systemd",
                    "unit": "gobot-consumer@1.service",
                    "env_file": "/etc/gobot/consumer.env",
                    "env": {
                        "SLACK_BOT_TOKEN": {"bot": "gobot", "workspace": "ibmcloud"},
                        "SLACK_USER_TOKEN": {"bot": "gobot", "workspace": "ibmcloud", "token": "user"},
                    },
                    "health": {"url": "https://[::1]:8080/healthz"},
                },
                {
                    "name": "relay",
                    "manager": "command",
                    "restart": "relay --name 'two words'",
                    "active": ["relay", "status"],
                    "env_file": "/etc/gobot/relay.env",
                    "env": {"TOKEN": {"bot": "ciebot", "workspace": "ibmcloud", "token": "bot"}},
                    "in_use": {"started_after": True},
                },
            ],
            "bot-host-2": None,
            "bot-host-3": [
                {
                    "name": "events",
                    "manager": "supervisor",
                    "order": 5,
                    "env_file": "/etc/gobot/events.env",
                    "env": {"TOKEN": {"bot": "gobot", "workspace": "compose"}},
                    "in_use": {"url": "http://127.0.0.1:1/"},
                }
            ],
        },
        "notifier": {"compose": {"webhook_path": "generic/hook"}, "ibmcloud": {"token_path": "generic/announcer"}},
        "contact": {"name": "OSS ciebot", "slack": "U0123"},
        "record_mount": "team/kv",
    }


def problems_of(**arguments: Any) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        load(**arguments)
    assert str(caught.value).endswith("nothing has been contacted")
    return caught.value.problems


def broken(*path: Any, to: Any) -> dict[str, Any]:
    arguments = good()
    here = arguments
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = to
    return arguments


def test_a_good_registry_is_read() -> None:
    registry = load(**good())
    assert registry.workspaces["compose"].team_id == "E0124ABC"
    bot = registry.bots["gobot"]
    assert (bot.app_id, bot.environment, bot.strategy) == ("A0123", "internal", "staged")
    assert bot.required_scopes == ("chat:write", "users:read.email")
    assert bot.channels == {"ibmcloud": ("C0123", "G0123"), "compose": ()}
    assert registry.bots["ciebot"].environment == "internal"
    assert registry.contact == {"name": "OSS ciebot", "slack": "U0123"}
    assert registry.notifiers["compose"] == {"webhook_path": "generic/hook", "token_path": None}
    installation = registry.installation("gobot", "ibmcloud")
    assert (installation.id, installation.tokens) == ("gobot/ibmcloud", ("bot", "user"))
    assert installation.path("user") == f"{BASE}app_token_for_gobot_in_ibmcloud"
    assert registry.installation("gobot", "compose").tokens == ("bot",)


def test_paths_beside_a_token() -> None:
    arguments = good()
    installation = load(**arguments).installation("gobot", "compose")
    path = f"{BASE}bot_token_for_gobot_in_compose"
    assert load(**arguments).record_path(installation) == f"team/kv/{path}_rotation"
    for absent in (None, ""):
        arguments["record_mount"] = absent
        registry = load(**arguments)
        assert registry.record_path(installation) == f"{path}_rotation"
        assert registry.lock_path(installation) == f"{path}_lock"
        assert registry.notes_path(installation) == f"{path}_notes"


def test_options_have_every_key_with_its_default() -> None:
    consumer, relay, events = load(**good()).services
    assert (consumer.host, consumer.name) == ("bot-host-1", "consumer")
    assert consumer.options == {
        "name": "consumer",
        "manager": "systemd",
        "unit": "gobot-consumer@1.service",
        "scope": "system",
        "user": None,
        "reload": False,
        "recreate": None,
        "rendered_by": None,
        "server_url": None,
        "restart": None,
        "active": None,
        "pid_file": None,
        "order": 0,
        "env_file": "/etc/gobot/consumer.env",
        "env_format": "systemd",
        "env": {
            "SLACK_BOT_TOKEN": {"bot": "gobot", "workspace": "ibmcloud", "token": "bot"},
            "SLACK_USER_TOKEN": {"bot": "gobot", "workspace": "ibmcloud", "token": "user"},
        },
        "health": {"url": "https://[::1]:8080/healthz", "status": 200, "timeout": 30},
        "in_use": None,
    }
    assert relay.options["restart"] == ["relay", "--name", "two words"]
    assert (relay.options["active"], relay.options["pid_file"]) == (["relay", "status"], None)
    assert (relay.options["env_format"], relay.options["unit"]) == ("shell", None)
    assert relay.options["in_use"] == {"started_after": True}
    assert (events.options["unit"], events.options["order"]) == ("events", 5)
    assert events.options["server_url"] == "unix:///var/run/supervisor.sock"
    assert events.options["env_format"] == "systemd"
    assert events.options["in_use"] == {"url": "http://127.0.0.1:1/", "field": "fingerprint"}


def test_only_workspaces_and_bots_are_due() -> None:
    arguments = {key: good()[key] for key in ("workspaces", "bots")}
    registry = load(**arguments)
    assert (registry.services, registry.notifiers, registry.contact, registry.record_mount) == ([], {}, {}, None)


def test_reading_what_was_read_changes_nothing() -> None:
    arguments = good()
    first = load(**arguments)
    arguments["services"] = {host: [] for host in arguments["services"]}
    for service in first.services:
        arguments["services"][service.host].append(copy.deepcopy(service.options))
    arguments["notifier"] = first.notifiers
    assert load(**arguments) == first


PATH_IN = ("bots", "gobot", "installations", "ibmcloud", "bot_token_path")
CONSUMER = ("services", "bot-host-1", 0)
COMPOSE = f"{BASE}bot_token_for_gobot_in_compose"
MISTAKES = [
    # how it is broken, the place, and words that say what is wrong or would be right
    (("workspaces",), None, "botops_workspaces", "is nothing; a dictionary is due"),
    (
        ("workspaces", "ibmcloud"),
        "T0123",
        "botops_workspaces.ibmcloud",
        "is a text; a dictionary is due with name, team",
    ),
    (
        ("workspaces", "ibmcloud", "team_id"),
        "t0123",
        "botops_workspaces.ibmcloud.team_id",
        'is "t0123"; a Slack team id',
    ),
    (("workspaces", "ibmcloud", "team_id"), 123, "botops_workspaces.ibmcloud.team_id", "is a number"),
    (("workspaces", "ibmcloud", "team_id"), 123, "botops_workspaces.ibmcloud.team_id", "put it in quotes"),
    (("workspaces", "ibmcloud", "team_id"), "E0124ABC", "botops_workspaces.compose.team_id", "is the same as"),
    (("workspaces", "ibmcloud", "name"), "", "botops_workspaces.ibmcloud.name", "is empty"),
    (("workspaces", "ibmcloud", "nmae"), "x", "botops_workspaces.ibmcloud.nmae", "did you mean name?"),
    (("workspaces", "a/b"), {"name": "x", "team_id": "T1234"}, "botops_workspaces", 'has a key that is "a/b"'),
    (("workspaces", False), {"name": "x", "team_id": "T1234"}, "botops_workspaces", "has a key that is true or false"),
    (("bots",), {}, "botops_bots", "is empty; a dictionary is due"),
    (("bots",), [], "botops_bots", "is a list; a dictionary is due"),
    (("bots", "all"), {}, "botops_bots", "stands for every one"),
    (("bots", "gobot", "app_id"), "T0123", "botops_bots.gobot.app_id", "a Slack app id"),
    (("bots", "gobot", "chanels"), {}, "botops_bots.gobot.chanels", "is not known; did you mean channels?"),
    (("bots", "gobot", 5), {}, "botops_bots.gobot[5]", "is not known"),
    (("bots", "gobot", "environment"), "prod", "botops_bots.gobot.environment", "one of internal, staging, dev is due"),
    (("bots", "gobot", "strategy"), "refesh", "botops_bots.gobot.strategy", "did you mean refresh?"),
    (
        ("bots", "gobot", "required_scopes"),
        "chat:write",
        "botops_bots.gobot.required_scopes",
        "is a text; a list is due",
    ),
    (("bots", "gobot", "required_scopes", 0), "CHAT", "botops_bots.gobot.required_scopes[0]", "a Slack scope is due"),
    (("bots", "gobot", "owners", 1), "T0123", "botops_bots.gobot.owners[1]", "a Slack user or user group"),
    (
        ("bots", "gobot", "channels", "ibmcloud", 0),
        "#general",
        "botops_bots.gobot.channels.ibmcloud[0]",
        "channel's id",
    ),
    (("bots", "gobot", "channels", "cim"), ["C0123"], "botops_bots.gobot.channels.cim", "is no installation of gobot"),
    (("bots", "gobot", "installations"), None, "botops_bots.gobot.installations", "is missing"),
    (("bots", "gobot", "installations"), {}, "botops_bots.gobot.installations", "is empty"),
    (
        ("bots", "gobot", "installations", "ibmclod"),
        {"bot_token_path": "a/b"},
        "botops_bots.gobot.installations.ibmclod",
        "did you mean ibmcloud?",
    ),
    (PATH_IN, None, f"{GOBOT}.bot_token_path", "is missing; a path in Vault"),
    (PATH_IN, 5, f"{GOBOT}.bot_token_path", "is a number; a path in Vault"),
    (PATH_IN, "gobot", f"{GOBOT}.bot_token_path", "has no slash"),
    (PATH_IN, "/generic/gobot", f"{GOBOT}.bot_token_path", "begins or ends with a slash"),
    (PATH_IN, "generic/gobot/", f"{GOBOT}.bot_token_path", "begins or ends with a slash"),
    (PATH_IN, "generic//gobot", f"{GOBOT}.bot_token_path", "has an empty or a dotted segment"),
    (PATH_IN, "generic/../gobot", f"{GOBOT}.bot_token_path", "has an empty or a dotted segment"),
    (PATH_IN, "generic/go bot", f"{GOBOT}.bot_token_path", "has white space"),
    (PATH_IN, "generic/gobot\n", f"{GOBOT}.bot_token_path", "has white space"),
    (PATH_IN, "generic/gobot?x", f"{GOBOT}.bot_token_path", "a path in Vault"),
    (
        PATH_IN,
        COMPOSE,
        "botops_bots.gobot.installations.compose.bot_token_path",
        f"is the same path as {GOBOT}.bot_token",
    ),
    (
        (*PATH_IN[:-1], "user_token_path"),
        COMPOSE,
        "botops_bots.gobot.installations.compose.bot_token_path",
        "is the same",
    ),
    (
        (*PATH_IN[:-1], "user_token_path"),
        f"team/kv/{COMPOSE}_rotation",
        f"{GOBOT}.user_token_path",
        "the record of gobot/com",
    ),
    (
        (*PATH_IN[:-1], "user_token_path"),
        f"team/kv/{COMPOSE}_lock",
        f"{GOBOT}.user_token_path",
        "the lock of gobot/compose",
    ),
    (
        (*PATH_IN[:-1], "user_token_path"),
        f"team/kv/{COMPOSE}_notes",
        f"{GOBOT}.user_token_path",
        "the notes of gobot/comp",
    ),
    ((*PATH_IN[:-1], "bot_user_id"), "B0123", f"{GOBOT}.bot_user_id", "not the B... of the bot"),
    ((*PATH_IN[:-1], "token"), "x", f"{GOBOT}.token", "is not known"),
    (("notifier", "ibmclod"), {"token_path": "a/b"}, "botops_notifier.ibmclod", "did you mean ibmcloud?"),
    (("notifier", "ibmcloud"), {}, "botops_notifier.ibmcloud", "exactly one is due"),
    (("notifier", "ibmcloud", "webhook_path"), "a/b", "botops_notifier.ibmcloud", "exactly one is due"),
    (
        ("notifier", "ibmcloud", "token_path"),
        f"team/kv/{COMPOSE}_lock",
        "botops_notifier.ibmcloud.token_path",
        "the lock",
    ),
    (("contact", "slack"), "ciebot", "botops_contact.slack", "a Slack user, user group or channel"),
    (("contact", "mail"), "a@example.com", "botops_contact.mail", "is not known"),
    (("record_mount",), "/secret/", "botops_record_mount", 'is "/secret/"; a mount of Vault'),
    (("record_mount",), ["secret"], "botops_record_mount", "is a list; a mount of Vault"),
    (("services",), [], "hostvars", "was not collected by host"),
    (("services", "bot-host-1"), {}, "hostvars.bot-host-1.botops_services", "is a dictionary; a list is due"),
    (("services", "bot-host-1", 0), "consumer", SERVICE, "is a text; a dictionary is due with name"),
    ((*CONSUMER, "name"), None, f"{SERVICE}.name", "is missing"),
    ((*CONSUMER, "name"), "relay", "hostvars.bot-host-1.botops_services[1].name", f"is the name of {SERVICE} too"),
    (
        (*CONSUMER, "manager"),
        None,
        f"{SERVICE}.manager",
        "is missing; one of systemd, supervisor, command, podman is due",
    ),
    ((*CONSUMER, "manager"), "sytemd", f"{SERVICE}.manager", "did you mean systemd?"),
    ((*CONSUMER, "unit"), None, f"{SERVICE}.unit", "is missing; a systemd unit is due"),
    ((*CONSUMER, "unit"), "--now", f"{SERVICE}.unit", "a systemd unit is due"),
    ((*CONSUMER, "restart"), ["x"], f"{SERVICE}.restart", "is not for manager systemd; it belongs to command"),
    ((*CONSUMER, "scope"), "root", f"{SERVICE}.scope", "one of system, user is due"),
    ((*CONSUMER, "order"), "1", f"{SERVICE}.order", "is a text (a number without quotes is meant)"),
    ((*CONSUMER, "order"), True, f"{SERVICE}.order", "is true or false; a whole number is due"),
    ((*CONSUMER, "env_file"), "consumer.env", f"{SERVICE}.env_file", "the absolute path of an environment file"),
    ((*CONSUMER, "env_file"), "/etc/gobot/", f"{SERVICE}.env_file", "the absolute path of an environment file"),
    ((*CONSUMER, "env_format"), "dotenv", f"{SERVICE}.env_format", "one of systemd, shell, podman is due"),
    (
        (*CONSUMER, "env_file"),
        "/etc/gobot/relay.env",
        "hostvars.bot-host-1.botops_services[1].env_format",
        "another dialect",
    ),
    ((*CONSUMER, "env"), {}, f"{SERVICE}.env", "is empty"),
    ((*CONSUMER, "env", "1X"), {"bot": "gobot", "workspace": "ibmcloud"}, f"{SERVICE}.env", 'has a key that is "1X"'),
    ((*CONSUMER, "env", "SLACK_BOT_TOKEN", "bot"), "gobt", f"{SERVICE}.env.SLACK_BOT_TOKEN.bot", "did you mean gobot?"),
    ((*CONSUMER, "env", "SLACK_BOT_TOKEN", "bot"), None, f"{SERVICE}.env.SLACK_BOT_TOKEN.bot", "is missing"),
    (
        (*CONSUMER, "env", "SLACK_BOT_TOKEN", "workspace"),
        "cim",
        f"{SERVICE}.env.SLACK_BOT_TOKEN.workspace",
        "it is installed in: ibmcloud, compose",
    ),
    (
        (*CONSUMER, "env", "SLACK_USER_TOKEN", "workspace"),
        "compose",
        f"{SERVICE}.env.SLACK_USER_TOKEN.token",
        "gobot/compose has no user token; use its bot token, or set botops_bots.gobot.installations.compose.user_token_path",
    ),
    (
        (*CONSUMER, "env", "SLACK_BOT_TOKEN", "token"),
        "app",
        f"{SERVICE}.env.SLACK_BOT_TOKEN.token",
        "gobot/ibmcloud has no such token or secret; known: bot, user",
    ),
    ((*CONSUMER, "health", "url"), "ftp://host/", f"{SERVICE}.health.url", "an http or https URL is due"),
    ((*CONSUMER, "health", "url"), "http://", f"{SERVICE}.health.url", "names no host"),
    ((*CONSUMER, "health", "url"), "http://me:hush@host/", f"{SERVICE}.health.url", "holds a user name or a password"),
    ((*CONSUMER, "health", "url"), "http://host:99999/", f"{SERVICE}.health.url", "is not a URL"),
    ((*CONSUMER, "health", "url"), None, f"{SERVICE}.health.url", "is missing"),
    ((*CONSUMER, "health", "status"), 600, f"{SERVICE}.health.status", "is 600; an HTTP status is due"),
    ((*CONSUMER, "health", "timeout"), 0, f"{SERVICE}.health.timeout", "is 0; a number of seconds is due: more than 0"),
    ((*CONSUMER, "health", "timeout"), float("nan"), f"{SERVICE}.health.timeout", "is nan"),
    ((*CONSUMER, "health", "tries"), 3, f"{SERVICE}.health.tries", "is not known"),
    ((*CONSUMER, "in_use"), {}, f"{SERVICE}.in_use.url", "is missing"),
    ((*CONSUMER, "in_use"), {"started_after": False}, f"{SERVICE}.in_use", "{started_after: true} is due"),
    (
        (*CONSUMER, "in_use"),
        {"started_after": True, "url": "http://h/"},
        f"{SERVICE}.in_use",
        "{started_after: true} is due",
    ),
    (
        ("services", "bot-host-1", 1, "restart"),
        None,
        "hostvars.bot-host-1.botops_services[1].restart",
        "is missing; a command",
    ),
    (
        ("services", "bot-host-1", 1, "restart"),
        "x 'y",
        "hostvars.bot-host-1.botops_services[1].restart",
        "never closed",
    ),
    (("services", "bot-host-1", 1, "restart"), "", "hostvars.bot-host-1.botops_services[1].restart", "is empty"),
    (
        ("services", "bot-host-1", 1, "restart"),
        ["sleep", 5],
        "hostvars.bot-host-1.botops_services[1].restart[1]",
        "is a number",
    ),
    (
        ("services", "bot-host-1", 1, "pid_file"),
        "x.pid",
        "hostvars.bot-host-1.botops_services[1].pid_file",
        "absolute path",
    ),
    (
        ("services", "bot-host-1", 1, "unit"),
        "x",
        "hostvars.bot-host-1.botops_services[1].unit",
        "is not for manager command",
    ),
    (
        ("services", "bot-host-3", 0, "server_url"),
        "unix://run/s",
        "hostvars.bot-host-3.botops_services[0].server_url",
        "absolute",
    ),
]


@pytest.mark.parametrize(("path", "to", "place", "words"), MISTAKES)
def test_a_mistake_is_named_with_its_place(path: tuple[Any, ...], to: Any, place: str, words: str) -> None:
    problems = problems_of(**broken(*path, to=to))
    assert any(problem.startswith(f"{place}: ") and words in problem for problem in problems), problems
    assert len(problems) <= 3  # one mistake does not bring a page of others


@pytest.mark.parametrize("value", [None, "absent"])
def test_what_is_optional_may_be_null(value: str | None) -> None:
    arguments = good()
    for key in ("app_id", "required_scopes", "owners", "channels", "strategy", "environment"):
        if value is None:
            arguments["bots"]["gobot"][key] = None
        else:
            del arguments["bots"]["gobot"][key]
    assert load(**arguments).bots["gobot"].strategy == "staged"


def test_two_services_may_share_a_file_when_they_agree() -> None:
    arguments = good()
    first = arguments["services"]["bot-host-1"][0]
    other = {**copy.deepcopy(first), "name": "other", "unit": "other.service"}
    arguments["services"]["bot-host-1"].append(other)
    assert len(load(**arguments).services) == 4
    other["env"]["SLACK_BOT_TOKEN"]["workspace"] = "compose"
    (problem,) = problems_of(**arguments)
    assert problem.startswith("hostvars.bot-host-1.botops_services[2].env.SLACK_BOT_TOKEN: is another token than in")


def test_all_mistakes_come_at_once() -> None:
    arguments = good()
    arguments["workspaces"]["ibmcloud"]["team_id"] = "nope"
    arguments["bots"]["gobot"]["strategy"] = "nope"
    arguments["services"]["bot-host-1"][0]["env_file"] = "nope"
    arguments["services"]["bot-host-3"][0]["env"]["TOKEN"]["bot"] = "nope"
    arguments["notifier"]["nope"] = {"token_path": "a/b"}
    arguments["record_mount"] = "/"
    assert len(problems_of(**arguments)) == 6


@pytest.mark.parametrize("kind", tokens.MAKERS)
def test_a_pasted_secret_is_refused_and_not_quoted(kind: str) -> None:
    secret = tokens.MAKERS[kind]()
    for pasted in (secret, f" {secret}\n", secret[: len(secret) * 2 // 3], f"generic/{secret}"):
        arguments = broken(*PATH_IN, to=pasted)
        arguments["workspaces"]["compose"]["team_id"] = pasted
        arguments["bots"][pasted] = {"installations": {pasted: {pasted: pasted}}}
        arguments["services"]["bot-host-1"][0]["env"]["SLACK_BOT_TOKEN"]["bot"] = pasted
        arguments["services"]["bot-host-1"][1]["manager"] = pasted
        arguments["services"]["bot-host-3"][0]["health"] = {"url": f"http://host/?{pasted}", "status": pasted}
        problems = problems_of(**arguments)
        refused = [problem for problem in problems if "a secret belongs in Vault" in problem]
        assert any(problem.startswith(f"{GOBOT}.bot_token_path: ") for problem in refused)
        assert not pieces(secret) & pieces("\n".join(problems))


def everything(registry: Registry) -> list[str]:
    return [installation.id for installation in registry.select("all")]


def test_select() -> None:
    registry = load(**good())
    chosen = [
        (("all", None), ["gobot/ibmcloud", "gobot/compose", "ciebot/ibmcloud"]),
        (("ciebot, gobot,", ""), ["gobot/ibmcloud", "gobot/compose", "ciebot/ibmcloud"]),
        (("gobot", None), ["gobot/ibmcloud", "gobot/compose"]),
        (("gobot", "compose"), ["gobot/compose"]),
        (("gobot,ciebot,gobot", "compose"), ["gobot/compose"]),
        (("all", "ibmcloud"), ["gobot/ibmcloud", "ciebot/ibmcloud"]),
    ]
    for asked, found in chosen:
        assert [installation.id for installation in registry.select(*asked)] == found


@pytest.mark.parametrize(
    ("bot", "workspace", "words"),
    [
        ("gobt", None, 'unknown bot: "gobt"; next: did you mean gobot? known: gobot, ciebot'),
        ("gobot,nope", None, 'unknown bot: "nope"; next: known: gobot, ciebot'),
        ("gobot", "cim", 'unknown workspace: "cim"; next: known: ibmcloud, compose'),
        ("ciebot", "compose", "ciebot is installed in: ibmcloud"),
        ("", None, "no bot was named; next: -e bot=NAME"),
        (None, None, "no bot was named"),
        (",", None, "names no bot"),
        (["gobot"], None, "a list names no bot"),
        (5, None, "5 names no bot"),
    ],
)
def test_select_refuses_what_it_does_not_know(bot: Any, workspace: Any, words: str) -> None:
    with pytest.raises(RegistryError) as caught:
        load(**good()).select(bot, workspace)
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", tokens.MAKERS)
def test_select_does_not_echo_a_secret(kind: str) -> None:
    secret = tokens.MAKERS[kind]()
    registry = load(**good())
    for asked in (
        (secret, None),
        ("gobot", secret),
        (tokens.secret_part(secret), None),
        (f"gobot,{secret[:30]}", None),
    ):
        with pytest.raises(RegistryError) as caught:
            registry.select(*asked)
        assert not pieces(secret) & pieces(str(caught.value))
        assert "gobot" in str(caught.value) or "ibmcloud" in str(caught.value)


def test_an_installation_that_does_not_exist() -> None:
    registry = load(**good())
    with pytest.raises(RegistryError, match="no installation"):
        registry.installation("ciebot", "compose")
    with pytest.raises(RegistryError, match=r"next: set botops_bots\.gobot\.installations\.compose\.user_token_path"):
        registry.installation("gobot", "compose").path("user")


def test_strings_as_ansible_hands_them_over() -> None:
    """Values of variables are tagged subclasses of str; what is read of them is plain."""
    trust_as_template = pytest.importorskip("ansible.template").trust_as_template

    def tagged(value: Any) -> Any:
        if isinstance(value, dict):
            return {tagged(key): tagged(item) for key, item in value.items()}
        if isinstance(value, list):
            return [tagged(item) for item in value]
        return trust_as_template(value) if isinstance(value, str) else value

    registry = load(**tagged(good()))
    assert registry == load(**good())
    assert registry.bots["gobot"].installations["ibmcloud"].bot_token_path.__class__ is str
    assert registry.services[0].options["env_file"].__class__ is str


# --- whatever the input is -------------------------------------------------------------------------------------------
WORDS = st.sampled_from(
    [
        "gobot",
        "ibmcloud",
        "all",
        "name",
        "team_id",
        "installations",
        "bot_token_path",
        "manager",
        "systemd",
        "env",
        "bot",
    ]
)
KEYS = st.one_of(WORDS, st.text(max_size=8), st.integers(), st.booleans(), st.none())
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    WORDS,
    st.text(st.characters(exclude_categories=[]), max_size=20),
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)
PLACES = ("botops_workspaces", "botops_bots", "botops_notifier", "botops_contact", "botops_record_mount", "hostvars")


def outcome(arguments: dict[str, Any]) -> Registry | None:
    try:
        return load(**arguments)
    except RegistryError as error:
        assert error.problems
        for problem in error.problems:
            place, _colon, words = problem.partition(": ")
            assert place.startswith(PLACES)
            assert words
            assert "object at 0x" not in words
    return None


@fuzz(300)
@given(st.fixed_dictionaries({key: ANYTHING for key in good()}))
def test_arbitrary_input_never_raises_anything_else(arguments: dict[str, Any]) -> None:
    outcome(arguments)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((*path, key), *places(value[key], (*path, key)))]


@fuzz(500)
@given(st.lists(st.tuples(st.sampled_from(places(good())), ANYTHING), min_size=1, max_size=3))
def test_a_registry_broken_anywhere_never_raises_anything_else(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    arguments = good()
    for path, value in changes:
        try:
            here: Any = arguments
            for key in path[:-1]:
                here = here[key]
            here[path[-1]] = value
        except (KeyError, TypeError, IndexError):
            continue  # an earlier change took the place away
    outcome(arguments)


@fuzz(200)
@given(st.sampled_from(places(good())), st.sampled_from(list(tokens.MAKERS.values())), st.booleans())
def test_a_secret_pasted_anywhere_is_refused_and_never_quoted(path: tuple[Any, ...], maker: Any, as_key: bool) -> None:
    secret = maker()
    arguments = good()
    here: Any = arguments
    for key in path[:-1]:
        here = here[key]
    if as_key and len(path) > 1 and isinstance(here, dict) and here is not arguments["services"]:
        here[secret] = here[path[-1]]
    else:
        here[path[-1]] = secret
    assert not pieces(secret) & pieces("\n".join(problems_of(**arguments)))


NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True).filter(lambda name: name != "all")


@st.composite
def registries(draw: Any) -> dict[str, Any]:
    slugs = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    bots: dict[str, Any] = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        installed = draw(st.lists(st.sampled_from(slugs), min_size=1, unique=True))
        bots[name] = {
            "installations": {
                slug: {"bot_token_path": f"kv/{name}/{slug}/bot"}
                | draw(st.sampled_from([{}, {"user_token_path": f"kv/{name}/{slug}/user"}]))
                for slug in installed
            },
            "channels": {slug: ["C0123"] for slug in draw(st.lists(st.sampled_from(installed), unique=True))},
        }
    return {
        "workspaces": {slug: {"name": slug, "team_id": f"T{100 + n}"} for n, slug in enumerate(slugs)},
        "bots": bots,
    }


@settings(max_examples=200)
@given(registries(), st.sampled_from([None, "secret", "team/kv"]))
def test_whatever_is_right_is_read_and_can_be_selected(arguments: dict[str, Any], record_mount: str | None) -> None:
    registry = load(**arguments, record_mount=record_mount)
    rows = [f"{name}/{slug}" for name, bot in arguments["bots"].items() for slug in bot["installations"]]
    assert everything(registry) == rows
    assert [row for name in registry.bots for row in registry.select(name)] == registry.select("all")
    kept = [
        way(row)
        for row in registry.select("all")
        for way in (registry.record_path, registry.lock_path, registry.notes_path)
    ]
    paths = [row.path(token) for row in registry.select("all") for token in row.tokens]
    assert len(set(kept + paths)) == len(kept + paths)
