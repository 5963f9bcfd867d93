# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/report.md names every key of a plan and of a report that were really made, and none that is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from unittest.mock import Mock

import pytest
from ansible_collections.botops.rotation.plugins.host_agent._service import Service
from ansible_collections.botops.rotation.plugins.module_utils import (
    _conclude,
    _decide,
    _ledger_add,
    _liveness,
    _outcome,
    _plan,
    _post,
    _record,
    _record_store,
    _registry,
    _report,
    _vault,
)

from tests.sandbox import tokens
from tests.tools.stage import ROOT

AT = "2026-11-23T02:00:00Z"
SECTION = re.compile(r"^#+ .*`(.+)`$", re.MULTILINE)
NAME = re.compile(r"`([^`]+)`")


def make_plan() -> dict[str, Any]:
    """A plan of one staged installation, with one service and one channel."""
    variable = {"SLACK_BOT_TOKEN": {"bot": "gobot", "workspace": "ibmcloud"}}
    service = {"name": "gobot-consumer", "manager": "systemd", "unit": "gobot.service", "env_file": "/etc/gobot.env"}
    registry = _registry.load(
        workspaces={"ibmcloud": {"name": "IBM Cloud", "team_id": "T0123"}},
        bots={
            "gobot": {
                "app_id": "A0123",
                "channels": {"ibmcloud": ["C0123"]},
                "installations": {"ibmcloud": {"bot_token_path": "secret/gobot"}},
            }
        },
        services={"bot-host-1": [{**service, "env": variable}]},
    )
    secret = _vault.Secret("secret/gobot", 2)
    current = _record_store.Current(secret, _record.Stored(tokens.bot()))
    slot = _record.Slot(pending=_record.Stored(tokens.bot()))
    record = _record.Record("some-rotation", _record.State.STAGED, tokens={"bot": slot})
    store, slack = Mock(), Mock()
    store.vault.now.return_value = datetime(2026, 11, 23, 2, tzinfo=timezone.utc)
    store.vault.capabilities = lambda paths: {path: ["root"] for path in paths}
    store.read = lambda installation: _record_store.Seen(installation, record, secret, {"bot": current})
    identity = {"team_id": "T0123", "user_id": "U0123", "app_id": "A0123"}
    new = slot.pending.token
    slack.probe = lambda asked: (
        _liveness.Probe(_liveness.Life.ALIVE, "ok", "Slack accepted it", identity)
        if asked == new
        else _liveness.refused("token_revoked")
    )
    return _plan.make(registry, store, slack, _decide.Choices(), "gobot")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mapping[str, Any]]:
    """Heading in the documentation -> what it describes, from one run without its I/O."""
    plan = make_plan()
    (row,) = plan["hosts"]["bot-host-1"]
    before = {**Service(row).result, "needs": "write"}
    after = {**before, "restarted": True, "changed": True, "in_use": "yes", "seconds_unavailable": 0.5}
    preflight, rollout = ({"bot-host-1": {"services": [each]}} for each in (before, after))
    prepared = _outcome.prepare(plan, preflight)
    judged = _outcome.judge(plan, prepared, preflight, rollout)
    retired = {"outcome": "rotated", "reason": "", "next_step": "", "old_refused": {}}
    rows = _conclude.conclude(plan, prepared, judged, {}, {"results": {"gobot/ibmcloud": retired}}, {}, None)
    unread = {**plan["messages"][0], "poster": {"kind": "nobody"}}
    here = Mock()
    here.vault.read.return_value.data = None  # nothing is noted
    posted = [_post.Poster(here, check=True).post(unread)]
    report = _report.assemble(plan, rows, judged["services"], posted, AT, check=False)
    assert report["installations"][0]["outcome"] == "rotated"
    installation, service = report["installations"][0], report["services"][0]
    return {
        "report": report,
        "installations[]": installation,
        "installations[].tokens.TOKEN": installation["tokens"]["bot"],
        "installations[].proofs.PROOF": installation["proofs"]["in_use"],
        "services[]": service,
        "services[].variables.VARIABLE": service["variables"]["SLACK_BOT_TOKEN"],
        "announcements[]": report["announcements"][0],
        "ledger": _ledger_add.add(
            str(tmp_path_factory.mktemp("ledger") / "ledger.jsonl"), [{"kind": "audit"}], AT, None
        ),
        "summary": report["summary"],
        "summary.longest_unavailability": report["summary"]["longest_unavailability"],
        "plan": plan,
        "hosts.HOST[]": row,
        "messages[]": plan["messages"][0],
    }


def described() -> dict[str, set[str]]:
    """Heading -> the keys in the first column of the table below it."""
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8").partition("## As Markdown")[0]
    parts = SECTION.split(text)[1:]
    return {
        heading: {
            key for line in body.splitlines() if line.startswith("| `") for key in NAME.findall(line.split("|")[1])
        }
        for heading, body in zip(parts[::2], parts[1::2])
        if not heading.startswith("botops.")
    }


def test_every_part_has_a_section_and_every_section_a_part(made: dict[str, Mapping[str, Any]]) -> None:
    assert set(described()) == set(made)


def test_every_key_is_described_and_no_other(made: dict[str, Mapping[str, Any]]) -> None:
    assert described() == {heading: set(part) for heading, part in made.items()}


def test_the_schema_and_the_proofs_are_named(made: dict[str, Mapping[str, Any]]) -> None:
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    assert f"schema `{made['report']['schema']}`" in text
    line = next(line for line in text.splitlines() if line.startswith("The proofs are"))
    assert set(NAME.findall(line)) == set(made["installations[]"]["proofs"])


def test_every_outcome_is_named() -> None:
    source = (ROOT / "plugins/module_utils/_conclude.py").read_text() + (
        ROOT / "plugins/module_utils/_decide.py"
    ).read_text()
    outcomes = set(re.findall(r'outcome="(\w+)"|"outcome": "(\w+)"', source))
    names = {name for pair in outcomes for name in pair if name}
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("| `outcome`"))
    assert names <= set(NAME.findall(line))
