# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules' documentation says is what their action plugins take and give.

The documentation is read and its fragments are merged as ansible-doc does it.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.utils.plugin_docs import get_docstring

from tests.sandbox import tokens
from tests.tools.stage import ROOT

COLLECTION = "botops.rotation"
PACKAGE = f"ansible_collections.{COLLECTION}.plugins"
ACTIONS = sorted(path.stem for path in (ROOT / "plugins/action").glob("[a-z]*.py"))
# What runs on hosts; all others run on the controller and share options.
ON_HOSTS = {"service_env"}
CONTROLLER = [name for name in ACTIONS if name not in ON_HOSTS]
GROUP = f"{COLLECTION}.rotation"
SUPPORT = {"full", "partial", "none", "N/A"}
TYPES = {"str": str, "list": list, "dict": dict, "bool": bool, "int": int, "float": (int, float)}


class Fragments:
    """Loads the fragments of the collection by import: Ansible's own loader is one per process, and others want it too."""

    @staticmethod
    def get(name: str) -> type | None:
        collection, _dot, plugin = name.rpartition(".")
        assert collection == COLLECTION, name
        fragment = importlib.import_module(f"{PACKAGE}.doc_fragments.{plugin}").ModuleDocFragment
        fragment.ansible_name = name
        return fragment


@functools.cache
def documentation(name: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """DOCUMENTATION with its fragments, EXAMPLES, RETURN."""
    path = str(ROOT / f"plugins/modules/{name}.py")
    doc, examples, returned, _metadata = get_docstring(path, Fragments, collection_name=COLLECTION, is_module=True)
    return doc, examples, returned


def action(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule


def spec(name: str) -> dict[str, dict[str, Any]]:
    """What the action's validator takes."""
    plugin = action(name)
    shared = {option: each.spec for group in plugin.SHARED for option, each in group.items()}
    assert not set(shared) & set(plugin.OPTIONS), "an option is declared twice"
    return {**shared, **plugin.OPTIONS}


def shape(option: Mapping[str, Any]) -> dict[str, Any]:
    """What documentation and argument spec both say of an option, as comparable."""
    keys = ("type", "elements", "choices", "default")
    return {"required": bool(option.get("required")), **{key: option.get(key) for key in keys}}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_a_module_that_documents_it(name: str) -> None:
    doc = documentation(name)[0]
    assert doc["version_added"] == "0.1.0"
    assert doc["author"] == ["botops.rotation contributors (@botops)"]
    assert doc["short_description"] and doc["description"]


def test_every_module_has_an_action() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py")) == ACTIONS


@pytest.mark.parametrize("name", ACTIONS)
def test_the_documented_options_are_those_that_are_taken(name: str) -> None:
    documented = {option: shape(each) for option, each in documentation(name)[0]["options"].items()}
    assert documented == {option: shape(each) for option, each in spec(name).items()}


@pytest.mark.parametrize("name", CONTROLLER)
def test_the_places_that_an_option_is_taken_from_are_named(name: str) -> None:
    options = documentation(name)[0]["options"]
    for group in action(name).SHARED:
        for option, each in group.items():
            text = " ".join(options[option]["description"])
            assert f"C({each.variable})" in text, option
            if each.env:
                assert f"E({each.env})" in text and f"E({each.env}_FILE)" in text, option
            else:
                assert "E(" not in text, option
            if each.default is not None:
                assert re.search(rf"then V\({str(each.default).removesuffix('.0')}\)", text, re.IGNORECASE), option


@pytest.mark.parametrize("name", ACTIONS)
def test_every_module_states_its_attributes(name: str) -> None:
    attributes = documentation(name)[0]["attributes"]
    assert {"check_mode", "diff_mode", "idempotent"} <= set(attributes)
    for attribute, each in attributes.items():
        assert each["support"] in SUPPORT, attribute
        assert each["description"], attribute
        if each["support"] in ("partial", "N/A"):
            assert each.get("details"), f"{attribute}: what is supported, and what is not?"


@pytest.mark.parametrize("name", CONTROLLER)
def test_controller_actions_are_members_of_the_group(name: str) -> None:
    assert documentation(name)[0]["attributes"]["action_group"]["membership"] == [GROUP]


def test_the_action_group_holds_every_controller_action_and_no_other() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    assert list(groups) == ["rotation"]
    assert sorted(groups["rotation"]) == CONTROLLER


# --- what comes back ---------------------------------------------------------------------------------------------------


def keys(returned: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, each in returned.items():
        yield f"{parent}{name}", each
        yield from keys(each.get("contains") or {}, f"{parent}{name}.")


@pytest.mark.parametrize("name", ACTIONS)
def test_every_key_that_comes_back_is_described(name: str) -> None:
    returned = documentation(name)[2]
    assert returned
    for key, each in keys(returned):
        assert each["description"], key
        assert each["type"] in TYPES, key
        assert (each["type"] == "list") == ("elements" in each), key
        if each.get("sample") is not None:
            assert isinstance(each["sample"], TYPES[each["type"]]), key
    for key, each in returned.items():
        assert each["returned"], key


def test_one_action_alone_gives_tokens() -> None:
    assert [name for name in ACTIONS if action(name).YIELDS] == ["rotation_tokens"]
    assert sorted(documentation("rotation_tokens")[2]) == sorted(action("rotation_tokens").YIELDS)


def below(name: str, parent: str) -> set[str]:
    """The documented keys just below a key that comes back."""
    found = {
        key.removeprefix(f"{parent}.") for key, _each in keys(documentation(name)[2]) if key.startswith(f"{parent}.")
    }
    return {key for key in found if "." not in key}


def util(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.module_utils.{name}")


def plan() -> dict[str, Any]:
    """A plan of one installation that has a live token and nothing staged, with one service."""
    registry = util("_registry").load(
        workspaces={"ibmcloud": {"name": "IBM Cloud", "team_id": "T0123"}},
        bots={"gobot": {"installations": {"ibmcloud": {"bot_token_path": "secret/gobot"}}}},
        services={
            "bot-host-1": [
                {
                    "name": "gobot-consumer",
                    "manager": "systemd",
                    "unit": "gobot-consumer.service",
                    "env_file": "/etc/gobot/consumer.env",
                    "env": {"SLACK_BOT_TOKEN": {"bot": "gobot", "workspace": "ibmcloud"}},
                }
            ]
        },
    )
    store, now = Mock(), datetime(2026, 11, 23, 2, tzinfo=timezone.utc)
    store.vault.now.return_value = now
    secret = util("_vault").Secret("secret/gobot", 2)
    current = util("_record_store").Current(secret, util("_record").Stored(tokens.bot()))
    store.read = lambda installation: util("_record_store").Seen(
        installation, util("_record").Record(), secret, {"bot": current}
    )
    slack = Mock()
    slack.probe.return_value = util("_liveness").Probe(util("_liveness").Life.ALIVE)
    return util("_plan").make(registry, store, slack, util("_decide").Choices(), "gobot")


def test_the_plan_is_described_key_by_key() -> None:
    made = plan()
    assert set(made) == below("rotation_plan", "plan")
    (row,) = made["installations"]
    assert row["action"] == "converge"
    assert set(row) == below("rotation_plan", "plan.installations")
    assert set(row["tokens"]["bot"]) == below("rotation_plan", "plan.installations.tokens")


def test_what_hosts_take_is_described_key_by_key() -> None:
    service = plan()["hosts"]["bot-host-1"][0]
    described = documentation("service_env")[0]["options"]["services"]["suboptions"]
    assert set(service) == set(described)


def test_the_outcome_is_described_key_by_key() -> None:
    made = plan()
    prepared = util("_outcome").prepare(made, {})
    judged = util("_outcome").judge(made, prepared, {}, {})
    assert set(prepared) == below("rotation_outcome", "prepared")
    assert set(judged) == below("rotation_outcome", "judged")
    assert set(judged["services"][0]) == below("rotation_outcome", "judged.services")


def test_announcements_are_described_key_by_key() -> None:
    message = {key: "" for key in ("mark", "phase", "workspace", "channel", "text")} | {
        "installation": "gobot/ibmcloud"
    }
    here = Mock()
    here.vault.read.return_value.data = None  # nothing is noted
    posted = util("_post").Poster(here, check=True).post({**message, "poster": {"kind": "nobody"}})
    assert set(posted) == below("slack_message", "announcements")


def test_where_an_installation_stands_is_described_key_by_key() -> None:
    installation = util("_registry").Installation("gobot", "ibmcloud", "secret/gobot")
    survey = util("_survey").Survey(errors={"gobot/ibmcloud": util("_errors").VaultDenied("denied")})
    assert set(util("_status")._entry(None, installation, survey)) == below("vault_token_info", "installations")
    current = util("_record_store").Current(None, util("_record").Stored(tokens.bot()))
    seen = util("_record_store").Seen(installation, util("_record").Record(), None, {"bot": current})
    assert set(util("_status")._tokens(seen)["bot"]) == below("vault_token_info", "installations.tokens")


def test_what_slack_says_is_described_key_by_key() -> None:
    alive = util("_liveness").Probe(util("_liveness").Life.ALIVE)
    told = action("slack_token_info")._told
    assert set(told(tokens.bot(), alive)) == below("slack_token_info", "tokens")
    always = {
        key
        for key, each in documentation("slack_token_info")[2]["tokens"]["contains"].items()
        if each["returned"] == "always"
    }
    assert set(told(tokens.app_level(), None)) == always


def test_the_lease_is_described_key_by_key() -> None:
    owner = util("_lease_owner").Owner()
    lease = util("_lease").Lease(
        SimpleNamespace(mounts={}), "", owner, 1.0, {}, datetime(2026, 11, 23, tzinfo=timezone.utc)
    )
    assert set(lease.to_dict()) == below("rotation_lock", "lease")


# --- examples ----------------------------------------------------------------------------------------------------------


def tasks(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        blocks = [block for key in ("block", "rescue", "always") for block in entry.get(key, [])]
        yield from tasks(blocks) if blocks else [entry]


def module_of(task: Mapping[str, Any]) -> str:
    """The one key of a task that holds a dot, which only a fully qualified name does."""
    names = [key for key in task if "." in key]
    assert len(names) == 1, f"{task.get('name')}: a module by its full name is due"
    return names[0]


@pytest.mark.parametrize("name", ACTIONS)
def test_the_examples_are_tasks_that_could_be_run(name: str) -> None:
    found = list(tasks(DataLoader().load(documentation(name)[1])))
    assert f"{COLLECTION}.{name}" in {module_of(task) for task in found}
    for task in found:
        assert re.match(r"[A-Z]", task["name"])
        module = module_of(task).removeprefix(f"{COLLECTION}.")
        if module not in ACTIONS:
            continue
        options, given = spec(module), task[f"{COLLECTION}.{module}"]
        assert set(given) <= set(options), f"{task['name']}: options that {module} does not have"
        assert {option for option, each in options.items() if each.get("required")} <= set(given), task["name"]
        for option, value in given.items():
            choices = options[option].get("choices")
            assert not choices or value in choices, f"{task['name']}: {option}"
