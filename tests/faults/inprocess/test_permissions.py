# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped policy suffices for every verb, alone; each capability taken from it is named before anything is changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.action import rotation_lock

from tests.e2e._playbook import run
from tests.faults.inprocess._case import Case
from tests.faults.inprocess._judge import Count
from tests.faults.inprocess._pipeline import Failed
from tests.faults.inprocess._place import POLICY, SETTINGS, Place
from tests.sandbox import Sandbox
from tests.sandbox.tokens import fingerprint

ROW = "permissions"
RULES: dict[str, list[str]] = {
    path: re.findall(r'"(\w+)"', words)
    for path, words in re.findall(r'^path "([^"]+)" \{\s*capabilities = \[([^\]]*)\]', POLICY, re.MULTILINE)
}
TAKEN = [(path, capability) for path, capabilities in RULES.items() for capability in capabilities]
VERBS = ("rotate", "stage", "abort", "rollback", "unlock", "status")


def without(path: str, capability: str) -> str:
    """The policy with one capability less."""
    rules = {each: [word for word in words if (each, word) != (path, capability)] for each, words in RULES.items()}
    quoted = {each: ", ".join(f'"{word}"' for word in words or ["deny"]) for each, words in rules.items()}
    return "".join(f'path "{each}" {{ capabilities = [{words}] }}\n' for each, words in quoted.items())


def begin(place: Place, setting: str, verb: str) -> Case:
    """A case that is ready for a verb, with all rights."""
    case = Case(place, SETTINGS[setting], old_alive=verb == "rollback")
    case.credentials = {"vault_token": place.token}
    if verb == "rollback":
        result, _run = case.rotate(keep_old=[fingerprint(case.old)])
        assert result["success"], result
    if verb == "stage":  # over a pending token that is dead
        case.world.set_token_state(case.old, "live")
        record = place.bao.get(case.record) or {}
        record["tokens"]["bot"]["pending"] = None
        place.bao.put(case.record, {**record, "state": "none"})
    if verb == "unlock":
        place.begin_run()
        case.run().task("hold the lock", rotation_lock, state="held", installations=["gobot/one"])
    return case


def act(case: Case, verb: str) -> tuple[bool, str]:
    """Whether a verb succeeds, and what it says."""
    pipeline = case.run()

    def file(token: str) -> str:
        path = case.place.directory / "token"
        path.write_text(token)
        return str(path)

    try:
        if verb in ("rotate", "rollback"):
            result: dict[str, Any] = pipeline.rotate(back=verb == "rollback")
            outcome = result["outcomes"].get("gobot/one")
            words = f"{result['table']} {result['failure']}"
            return outcome == {"rotate": "rotated", "rollback": "rolled_back"}[verb], words
        if verb == "stage":
            shown = pipeline.stage(case.new, file)
        elif verb == "abort":
            shown = pipeline.abort(discard=[fingerprint(case.new)])
        else:
            shown = pipeline.status() if verb == "status" else pipeline.unlock()
        error = "".join(
            row.get("error", "") + row.get("next_step", "") for row in shown.get("installations", []) if row["error"]
        )
        return not error, error
    except Failed as failure:
        return False, str(failure)


def taken_case(place: Place, setting: str, verb: str, path: str, capability: str) -> tuple[bool, list[str]]:
    """Whether the verb went well all the same, and what is wrong."""
    case = begin(place, setting, verb)
    case.credentials = {"vault_token": place.policy("less", without(path, capability))}
    before = case.snapshot()
    well, words = act(case, verb)
    name = f"{setting}, {verb} without {capability} on {path}"
    if well:
        return True, []
    problems = [] if re.search(rf"\b{capability}\b", words) else [f"{name}: not named: {words}"]
    if case.snapshot() != before:
        problems.append(f"{name}: something was changed before: {words}")
    return False, problems


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_shipped_policy_suffices(setting: str, place: Place, count: Callable[[str], Count]) -> None:
    counted = count(ROW)
    for verb in VERBS:
        case = begin(place, setting, verb)
        well, words = act(case, verb)
        counted.add([] if well else [f"{setting}, {verb}: {words}"])
    counted.check()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_each_capability_taken_away_is_named(
    setting: str, verb: str, place: Place, count: Callable[[str], Count]
) -> None:
    counted = count(ROW)
    refused = 0
    for path, capability in TAKEN:
        well, problems = taken_case(place, setting, verb, path, capability)
        counted.add(problems)
        refused += not well
    counted.check()
    assert refused >= (1 if verb == "status" else 2)


@pytest.fixture(scope="module")
def limited() -> Iterator[Sandbox]:
    """A sandbox in the demo's state, whose tool has the shipped policy alone: the demo's paths are as it allows."""
    with Sandbox() as sandbox:
        given = {"policies": ["shipped"], "no_default_policy": True}
        sandbox.bao.request("PUT", "sys/policies/acl/shipped", {"policy": POLICY})
        token = sandbox.bao.request("POST", "auth/token/create", given)[1]["auth"]["client_token"]
        inventory = json.loads(sandbox.inventory_file.read_text())
        inventory["all"]["vars"]["botops_vault_token"] = token
        sandbox.inventory_file.write_text(json.dumps(inventory))
        yield sandbox


def test_the_shipped_policy_suffices_for_playbooks(limited: Sandbox, count: Callable[[str], Count]) -> None:
    counted = count(ROW)
    for playbook in ("rotation_status", "rotate_bot", "unlock"):
        done = run(limited, "-e", "bot=gobot", playbook=f"botops.rotation.{playbook}")
        counted.add([] if done.status == 0 else [f"{playbook}: {done.text}"])
    counted.check()
