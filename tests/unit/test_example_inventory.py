# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventory is a registry without a mistake, and holds the runbook's table verbatim."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry, load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "inventory" / "example"
# Bot, workspace and environment of the runbook's 13 rows; its "ciebotdpw" is ciebotwdp, as the path of that row shows.
ROWS = [
    ("gobot", "watsondataplatform", "internal"),
    ("gobot", "ibmcloud", "internal"),
    ("gobot", "ibmanalytics", "internal"),
    ("gobot", "compose", "internal"),
    ("ciebot", "watsondataplatform", "internal"),
    ("ciebot", "cim", "internal"),
    ("ciebot", "ibmcloud", "internal"),
    ("ciebotwdp", "watsondataplatform", "internal"),
    ("ciebotwdp", "cim", "internal"),
    ("ciebotwdp", "ibmcloud", "internal"),
    ("cietest", "ibmcloud", "staging"),
    ("cietest1", "ibmcloud", "staging"),
    ("ciedev1", "ibmcloud", "dev"),
]


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((EXAMPLE / name).read_text(encoding="utf-8"))


def registry_of(variables: dict[str, Any], services: dict[str, Any]) -> Registry:
    return load(
        workspaces=variables["botops_workspaces"],
        bots=variables["botops_bots"],
        services=services,
        notifier=variables.get("botops_notifier"),
        contact=variables.get("botops_contact"),
        record_mount=variables.get("botops_record_mount"),
    )


@pytest.fixture(scope="module")
def registry() -> Registry:
    hosts = read("hosts.yml")["all"]["children"]["bot_hosts"]["hosts"]
    return registry_of(
        read("group_vars/all.yml"), {host: read(f"host_vars/{host}.yml")["botops_services"] for host in hosts}
    )


def test_the_rows_are_those_of_the_runbook(registry: Registry) -> None:
    stem = "generic/crn/v1/{}/local/tip-oss-flow/global/ciebot/slack_{}_token_for_{}_in_{}"
    due = [(stem.format(env, "bot", bot, slug), stem.format(env, "app", bot, slug)) for bot, slug, env in ROWS]
    rows = registry.select("all")
    assert [(row.bot, row.workspace, registry.bots[row.bot].environment) for row in rows] == ROWS
    assert [(row.bot_token_path, row.user_token_path) for row in rows] == due
    assert "ciebotdpw" in (EXAMPLE / "group_vars" / "all.yml").read_text(encoding="utf-8")


def test_every_manager_and_dialect_has_an_example(registry: Registry) -> None:
    options = [service.options for service in registry.services]
    assert {entry["manager"] for entry in options} == {"systemd", "supervisor", "command", "podman"}
    assert {entry["env_format"] for entry in options} == {"systemd", "shell", "podman"}
    assert any(len({reference["workspace"] for reference in entry["env"].values()}) > 1 for entry in options)
    used = {
        reference["workspace"]
        for entry in options
        for reference in entry["env"].values()
        if reference["bot"] == "gobot"
    }
    assert used == set(registry.bots["gobot"].installations)


def test_ansible_reads_it_as_it_stands(registry: Registry, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(EXAMPLE), "--list"]
    environment = {**os.environ, "ANSIBLE_HOME": str(tmp_path), "ANSIBLE_LOCALHOST_WARNING": "false"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    hostvars = json.loads(done.stdout)["_meta"]["hostvars"]
    assert "localhost" not in hostvars
    variables = next(iter(hostvars.values()))
    services = {host: mine.get("botops_services") for host, mine in hostvars.items()}
    assert registry_of(variables, services) == registry
