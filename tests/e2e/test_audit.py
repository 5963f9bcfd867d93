# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""audit_bots, with a policy that lets it read only: of a system that is well, and of one in which much is planted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.e2e._drift import CLEAN, HOST, PLANTS, Garden, Tokens
from tests.e2e._playbook import Run, run
from tests.e2e._world import world
from tests.sandbox import Sandbox, tokens
from tests.sandbox._records import identity
from tests.sandbox._state import ROOT
from tests.sandbox.tokens import fingerprint

GONE = "bot-host-5"
FORMS = (".csv", ".html", ".json", ".md", ".prom")


@dataclass(repr=False)
class Story:
    """A system that is well, audited; the same with much planted, audited, and what was there around that."""

    sandbox: Sandbox
    well: Run
    planted: Run
    before: dict[str, Any]
    after: dict[str, Any]
    given: Tokens


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with Sandbox(demo=False) as sandbox:
        reader = _reader(sandbox)
        well = _audit(sandbox, reader)
        given = _plant_tokens(sandbox)
        with Garden(sandbox, given):
            _add_unreachable(sandbox)
            before = world(sandbox)
            planted = _audit(sandbox, reader, "-e", "digest=true", "-e", "fail_on=dead,drift,overdue,half_done")
            yield Story(sandbox, well, planted, before, world(sandbox), given)


def _audit(sandbox: Sandbox, reader: str, *args: str) -> Run:
    given = ("-e", json.dumps({"botops_vault_token": reader}))
    return run(sandbox, *given, *args, playbook=str(ROOT / "audit_bots.yml"))


def _reader(sandbox: Sandbox) -> str:
    """A token of Vault's with the policy that is shipped, alone."""
    ask = sandbox.bao.request
    policy = (ROOT / "docs/vault-policy-audit.hcl").read_text(encoding="utf-8")
    assert ask("POST", "sys/policies/acl/audit", {"policy": policy})[0] == 204
    options = {"policies": ["audit"], "no_default_policy": True, "ttl": "1h"}
    return ask("POST", "auth/token/create", options)[1]["auth"]["client_token"]


def _ago(days: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _record(sandbox: Sandbox, installation: str, days: float, **more: Any) -> None:
    """A record of a rotation so many days ago."""
    known = {
        "fingerprint": fingerprint(sandbox.current(installation)),
        "at": _ago(days),
        "identity": identity(sandbox.slack.installation(installation), "bot"),
    }
    record = {"schema": 1, "rotation_id": "r", "state": "rotated", "current": {"bot": known}, **more}
    sandbox.bao.put(sandbox.record_path(installation), record)


def _plant_tokens(sandbox: Sandbox) -> Tokens:
    """One thing to find of each kind, in installations that no service uses, and the tokens for drift."""
    given = Tokens(
        current=sandbox.current("gobot/ibmcloud"),
        previous=tokens.bot(),
        pending=tokens.bot(),
        workspace=sandbox.current("gobot/compose"),
        bot=sandbox.current("ciebot/ibmcloud"),
        user=sandbox.current("gobot/ibmcloud", "user"),
    )
    waits = {"bot": {"pending": {"token": given.pending, "at": _ago(3)}}}
    past = [{"rotation_id": "r", "at": _ago(90), "outcome": "rotated", "tokens": {"bot": {}}}]
    past[0]["tokens"] = {"bot": {"old": fingerprint(given.previous), "new": fingerprint(given.current)}}
    _record(sandbox, "gobot/ibmcloud", 90, state="staged", tokens=waits, history=past)
    sandbox.revoke("cietest/ibmcloud")
    _record(sandbox, "cietest1/ibmcloud", 400)
    _record(sandbox, "ciedev1/ibmcloud", 350)
    half = {"bot": {"pending": {"token": tokens.bot(), "at": _ago(2)}}}
    begun = datetime.now(timezone.utc) - timedelta(hours=50)
    _record(
        sandbox,
        "ciebotwdp/ibmcloud",
        90,
        state="promoting",
        rotation_id=f"{begun:%Y%m%dT%H%M%SZ}-ciebotwdp-7f3a",
        tokens=half,
    )
    sandbox.slack.remove_scope("ciebotwdp/watsondataplatform", "team:read")
    sandbox.bao.put(sandbox.path("ciebotwdp/cim"), {"value": sandbox.current("gobot/ibmanalytics")})
    return given


def _add_unreachable(sandbox: Sandbox) -> None:
    """A host that nobody reaches, with a service, and a token in a file that no row explains."""
    file = sandbox.inventory_file
    inventory = json.loads(file.read_text())
    service = {**inventory["_meta"]["hostvars"]["bot-host-1"]["botops_services"][0], "name": "gone"}
    inventory["_meta"]["hostvars"][GONE] = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "botops_services": [service],
    }
    inventory["bot_hosts"]["hosts"].append(GONE)
    file.write_text(json.dumps(inventory))
    env_file = sandbox.dir / "hosts" / HOST / "well.env"
    env_file.write_text(f"{env_file.read_text()}# {tokens.bot()}\nAPP={tokens.app_level()}\n")


def findings(of: Run, kind: str) -> dict[str, dict[str, Any]]:
    return {each["subject"]: each for each in of.report["findings"] if each["kind"] == kind}


@pytest.mark.xdist_group("audit")
class TestAudit:
    def test_a_system_that_is_well_ends_well(self, story: Story) -> None:
        assert story.well.status == 0, story.well
        report = story.well.report
        assert report["schema"] == 1 and report["kind"] == "audit"
        assert {each["kind"] for each in report["findings"]} == {"age_unknown", "identity_unknown", "unneeded"}
        assert report["summary"]["tokens"] == report["summary"]["alive"] == 26
        assert len(report["services"]) == 10 and not any(row["drift"] for row in report["services"])
        assert (
            {row["runs"] for row in report["services"]} == {row["stands"] for row in report["services"]} == {"current"}
        )
        unknown = {
            row["installation"] for row in report["tokens"] if row["token"] == "bot" and row["identity"] != "right"
        }
        assert unknown == {"cietest/ibmcloud"}  # which may not ask for its app, and has no bot_user_id in the registry
        assert not any(row["needed"] for row in report["tokens"] if row["token"] == "user")

    def test_nothing_is_changed(self, story: Story) -> None:
        assert set(story.well.changed.values()) == set(story.planted.changed.values()) == {0}
        unread = {**story.after, "messages": story.before["messages"]}
        assert unread == story.before

    def test_each_form_of_the_report_is_there(self, story: Story) -> None:
        run_id = story.planted.report["run_id"]
        written = sorted(path.name for path in (story.planted.directory / "reports").iterdir())
        assert written == sorted([*(f"{run_id}{suffix}" for suffix in FORMS), "ledger.jsonl"])

    @pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
    def test_drift_is_found_and_named(self, story: Story, plant: Any) -> None:
        (row,) = [each for each in story.planted.report["services"] if each["service"] == plant.name]
        assert (row["stands"], row["runs"], row["drift"]) == (plant.stands, plant.runs, True), row
        finding = findings(story.planted, "drift")[f"{HOST}/{plant.name}/TOKEN"]
        assert (
            finding["fails"] and finding["what"] and "rotate_bot -e bot=gobot -e workspace=ibmcloud" in finding["next"]
        )

    def test_drift_is_found_nowhere_else(self, story: Story) -> None:
        assert set(findings(story.planted, "drift")) == {f"{HOST}/{plant.name}/TOKEN" for plant in PLANTS}
        rows = [each for each in story.planted.report["services"] if each["service"] in {one.name for one in CLEAN}]
        assert [(row["stands"], row["runs"]) for row in rows] == [("current", "current")] * len(CLEAN)

    def test_what_was_planted_in_vault_and_slack_is_found(self, story: Story) -> None:
        one = {
            "dead": "cietest/ibmcloud/bot",
            "overdue": "cietest1/ibmcloud/bot",
            "due": "ciedev1/ibmcloud/bot",
            "half_done": "ciebotwdp/ibmcloud/bot",
            "identity": "ciebotwdp/cim/bot",
            "scopes": "ciebotwdp/watsondataplatform/bot",
            "pending": "gobot/ibmcloud/bot",
            "unreachable": GONE,
        }
        assert {kind: set(findings(story.planted, kind)) for kind in one} == {
            kind: {each} for kind, each in one.items()
        }
        assert "for 50 hours" in findings(story.planted, "half_done")[one["half_done"]]["what"]
        strays = {
            row["variable"]: row["kind"] for row in story.planted.report["unexplained"] if "well.env" in row["env_file"]
        }
        assert strays == {"line 3": "bot token", "APP": "app-level token"}

    def test_it_says_so_and_ends_non_zero(self, story: Story) -> None:
        assert story.planted.status != 0
        assert f"drift {len(PLANTS)}" in story.planted.text and "overdue 1" in story.planted.text
        assert story.planted.end.startswith("audit: ") and "next: " in story.planted.end

    def test_owners_are_told_once_for_each_workspace(self, story: Story) -> None:
        posted = [(one["team_id"], one["channel_id"]) for one in story.sandbox.slack.messages()]
        assert len(posted) == len(set(posted)) and len({team for team, _channel in posted}) == 3
        said = story.planted.of("botops.rotation.bots_audit")[-1]["posted"]
        assert len(said) == len(posted)

    def test_no_token_is_in_what_it_leaves(self, story: Story) -> None:
        left = "".join(path.read_text() for path in (story.planted.directory / "reports").iterdir())
        shown = left + story.planted.stdout + story.planted.stderr + story.well.stdout
        secret = [*story.sandbox.tokens(), *(vars(story.given).values())]
        assert not [each for each in secret if each in shown]

    def test_an_unknown_word_is_refused_before_anything_is_contacted(self, story: Story) -> None:
        asked = len(story.sandbox.slack.requests())
        refused = _audit(story.sandbox, "", "-e", "fail_on=deat")
        assert refused.status != 0 and "did you mean dead?" in refused.text
        assert len(story.sandbox.slack.requests()) == asked


@pytest.mark.alone
def test_it_is_quick(bare_sandbox: Sandbox) -> None:
    took: list[float] = []
    while len(took) < 3 and min(took, default=9) > 8:  # whatever else the machine does
        at = time.monotonic()
        done = _audit(bare_sandbox, bare_sandbox.vault_token)
        took.append(time.monotonic() - at)
        assert done.status == 0 and done.report["summary"]["services"] == 8
    assert min(took) <= 8, took
