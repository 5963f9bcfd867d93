# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are no tokens, from staging to rollback: a webhook URL, a signing secret, a client secret."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._health import failing_with, service_changed
from tests.e2e._leaks import leaks
from tests.e2e._playbook import Run, run
from tests.e2e._world import record, world
from tests.sandbox import Sandbox
from tests.sandbox.tokens import fingerprint

pytestmark = pytest.mark.xdist_group("named-e2e")
IBM, CHANNEL = "gobot/ibmcloud", "C0CLOUDOSS1"
FOLDER = "generic/crn/v1/internal/local/tip-oss-flow/global/ciebot"
USED = {
    "gobot-consumer": {"SLACK_WEBHOOK_URL": "alerts", "SLACK_SIGNING_SECRET": "signing"},
    "gobot-scheduler": {"SLACK_CLIENT_SECRET": "client"},
}


@dataclass
class Named:
    """A sandbox in which gobot has secrets in ibmcloud, which two of its services use."""

    sandbox: Sandbox
    directory: Path
    paths: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> path and field
    values: list[str] = field(default_factory=list)  # all that there ever were

    def begin(self) -> None:
        registry = self.sandbox.registry["botops_bots"]
        client = registry["gobot"]["client_path"]
        self.paths = {
            "alerts": (f"{FOLDER}/slack_webhook_for_gobot_in_ibmcloud", "value"),
            "signing": (f"{FOLDER}/slack_signing_secret_for_gobot", "value"),
            "client": (client, "client_secret"),
        }
        kinds = {"alerts": "webhook", "signing": "signing_secret", "client": "client_secret"}
        own: dict[str, dict[str, Any]] = {
            name: {"kind": kinds[name], "path": path, "field": key} for name, (path, key) in self.paths.items()
        }
        own["client"]["client_id"] = self.sandbox.slack.credentials("gobot")["client_id"]
        registry["gobot"]["installations"]["ibmcloud"]["secrets"] = own
        (self.directory / "registry.json").write_text(json.dumps({"botops_bots": registry}), encoding="utf-8")
        for name in ("alerts", "signing"):
            self.sandbox.bao.put(self.paths[name][0], {"value": self.new(name), "owner": "OSS ciebot"})

    def new(self, name: str) -> str:
        """Another value, as Slack gives one."""
        slack = self.sandbox.slack
        make = {
            "alerts": lambda: slack.add_hook(IBM, CHANNEL),
            "signing": lambda: secrets.token_hex(16),
            "client": lambda: slack.regenerate_secret("gobot"),
        }
        self.values.append(make[name]())
        return self.values[-1]

    def current(self, name: str) -> str:
        path, key = self.paths[name]
        return self.sandbox.bao.get(path)[key]

    def carried(self) -> dict[str, str]:
        """Secret -> fingerprint of what the process that uses it really has."""
        found = {}
        for service, variables in USED.items():
            environment = self.sandbox.process_env(self.sandbox.service(service).pid)
            found.update({name: fingerprint(environment[each]) for each, name in variables.items()})
        return found

    def due(self) -> dict[str, str]:
        return {name: fingerprint(self.current(name)) for name in self.paths}

    def run(self, *args: str, playbook: str | None = None, stdin: str | None = None) -> Run:
        given = ("-e", "bot=gobot", "-e", "workspace=ibmcloud", "-e", f"@{self.directory}/registry.json", *args)
        done = run(self.sandbox, *given, stdin=stdin, **({"playbook": playbook} if playbook else {}))
        text = done.stdout + done.stderr + "".join(each.read_text(encoding="utf-8") for each in done.reports)
        assert leaks(text, [*self.values, *self.sandbox.tokens()]) == []
        return done

    def stage(self, name: str, value: str) -> Run:
        given = ("-e", f"token={name}", "-e", "token_file=-", "-vvvv", "--diff")
        return self.run(*given, playbook="botops.rotation.stage_token", stdin=value)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Named]:
    """Nobody has brought the secrets to their services yet."""
    with Sandbox(demo=False) as sandbox, ExitStack() as changed:
        made = Named(sandbox, tmp_path_factory.mktemp("named"))
        made.begin()
        for service, variables in USED.items():
            own = sandbox.service(service).variables
            bot = {each: {"bot": "gobot", "workspace": one.split("/")[1]} for each, one in own.items()}
            more = {each: {"bot": "gobot", "workspace": "ibmcloud", "token": name} for each, name in variables.items()}
            changed.enter_context(service_changed(sandbox, service, env={**bot, **more}))
        yield made


def test_staged_rotated_and_rolled_back(named: Named) -> None:
    done = named.run()
    assert (done.status, done.outcomes) == (0, {IBM: "converged"}), done
    assert named.carried() == named.due()

    old = {name: named.current(name) for name in named.paths}
    new = {name: named.new(name) for name in named.paths}
    for name, value in new.items():
        done = named.stage(name, value)
        assert done.status == 0 and fingerprint(value) in done.end, done
    before = world(named.sandbox)
    keep = ("-e", f"keep_old={fingerprint(old['alerts'])},{fingerprint(old['client'])}")
    done = named.run("--check", "--diff")
    assert done.status != 0 and done.outcomes == {IBM: "old_alive"} and "keep_old=" in done.end, done
    assert world(named.sandbox) == before

    done = named.run(*keep, "-vvvv", "--diff")
    assert (done.status, done.outcomes) == (0, {IBM: "rotated"}), done
    assert {name: named.current(name) for name in named.paths} == new and named.carried() == named.due()
    assert named.sandbox.bao.get(named.paths["alerts"][0])["owner"] == "OSS ciebot"
    proofs = {name: token["proofs"] for name, token in done.row(IBM)["tokens"].items()}
    assert all(each["changed"]["result"] and each["in_use"]["result"] for each in proofs.values())
    assert [proofs[name]["same_identity"]["result"] for name in new] == [True, None, True]
    assert [proofs[name]["old_refused"]["result"] for name in new] == [False, None, False]
    assert any("the old one is refused, is not proven" in each for each in done.report["warnings"])
    assert not [one for one in named.sandbox.slack.messages() if one["via"] == "webhook" and not one["text"]]

    done = named.run(playbook="botops.rotation.rollback_bot")
    assert (done.status, done.outcomes) == (0, {IBM: "rolled_back"}), done
    assert {name: named.current(name) for name in named.paths} == old and named.carried() == named.due()
    assert record(named.sandbox, IBM)["tokens"]["signing"]["pending"]["token"] == new["signing"]


def test_a_service_that_fails_with_a_new_webhook_goes_back_by_itself(named: Named) -> None:
    pending = record(named.sandbox, IBM)["tokens"]
    given = ",".join(slot["pending"]["fingerprint"] for slot in pending.values() if slot["pending"])
    done = named.run("-e", f"discard={given}", playbook="botops.rotation.abort_rotation")
    assert done.status == 0, done
    old, new = named.current("alerts"), named.new("alerts")
    assert named.stage("alerts", new).status == 0
    with failing_with(named.sandbox, "gobot-consumer", new):
        done = named.run("-e", f"keep_old={fingerprint(old)}")
    assert done.status != 0 and done.outcomes == {IBM: "rolled_back"}, done
    assert named.current("alerts") == old and named.carried() == named.due()
    shown = named.run(playbook="botops.rotation.rotation_status")
    assert f"alerts secret {fingerprint(old)} {fingerprint(new)}" in shown.text, shown
