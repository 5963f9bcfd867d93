# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence for a year: what is shown of each installation, which ledgers are asked for, and that no line breaks the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _evidence,
    _evidence_render,
    _ledger_add,
    _ledger_entries,
)
from ansible_collections.botops.rotation.plugins.module_utils._ledger_head import Heads

from tests.tools.stage import ROOT
from tests.unit._core import MemoryVault, assert_no_token, token

ROWS = [{"id": "gobot/ibmcloud", "name": "IBM Cloud Platform"}, {"id": "gobot/compose", "name": "Compose"}]
BY = {
    "login": "anna",
    "host": "controller-1",
    "vault": {"name": "approle", "entity_id": "e-1"},
    "awx": {"user_name": "anna", "job_id": "7"},
}
PROOFS = {
    "changed": {"result": True, "evidence": "a <b> | c"},
    "old_refused": {"result": None, "evidence": "not asked"},
}


def rotation(scope: str, outcome: str = "rotated", **more: Any) -> dict[str, Any]:
    tokens = {"bot": {"old": "1a2b3c4d5e6f", "new": "9f8e7d6c5b4a"}}
    entry = _ledger_entries._entry("rotation", scope, "run-1", outcome, rotation_id="r-1", tokens=tokens, proofs=PROOFS)
    return {**entry, "by": BY, **more}


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    """Two years of a ledger: renewed in both, a failure, a revoke, an audit; and a second one that nobody brings."""
    heads = Heads(MemoryVault(), "secret/botops_ledger")
    path = str(tmp_path / "ledger.jsonl")
    audit = _ledger_entries.of_audit("run-4", "all", {"tokens": 2, "failing": 1}, {"dead": 1})
    for at, entry in (
        ("2025-12-31T23:59:59Z", rotation("gobot/compose")),
        ("2026-01-01T00:00:00Z", rotation("gobot/ibmcloud", "failed", reason="a service failed")),
        ("2026-02-28T12:00:00Z", rotation("gobot/ibmcloud")),
        ("2026-03-01T00:00:00Z", {**audit, "by": BY}),
        ("2026-12-31T23:59:59Z", rotation("gone/ibmcloud")),
    ):
        assert not _ledger_add.add(path, [entry], at, heads)["problem"]
    other = _ledger_add.add(str(tmp_path / "other.jsonl"), [rotation("gobot/compose")], "2026-06-01T00:00:00Z", heads)
    looked = [_evidence.look(path, Path(path).read_bytes(), "", heads.read(), "")]
    return {"looked": looked, "heads": heads.read(), "other": other["ledger"], "path": path}


def evidence(made: dict[str, Any], year: int = 2026, accepted: tuple[str, ...] = ()) -> dict[str, Any]:
    looked = [*made["looked"], *_evidence.missing(made["looked"], made["heads"], accepted)]
    return _evidence.assemble(looked, ROWS, year, "2027-01-02T00:00:00Z")


def test_each_installation_says_when_it_was_renewed(made: dict[str, Any]) -> None:
    rows = {row["id"]: row for row in evidence(made)["installations"]}
    assert list(rows) == ["gobot/ibmcloud", "gobot/compose", "gone/ibmcloud"]
    assert [each["outcome"] for each in rows["gobot/ibmcloud"]["events"]] == ["failed", "rotated"]
    assert rows["gobot/ibmcloud"]["last_renewed"] == "2026-02-28T12:00:00Z"
    assert (rows["gobot/compose"]["status"], rows["gobot/compose"]["last_renewed"]) == (
        "not renewed",
        "2025-12-31T23:59:59Z",
    )
    assert rows["gone/ibmcloud"]["known"] is False
    earlier = evidence(made, 2025)
    assert [row["status"] for row in earlier["installations"]] == ["not renewed", "renewed"]
    assert evidence(made)["summary"] == {"installations": 2, "renewed": 2, "lines": 6, "findings": 1, "intact": False}
    assert [each["outcome"] for each in evidence(made)["audits"]] == ["failing"]


def test_a_ledger_that_nobody_brings_is_a_finding_until_it_is_accepted(made: dict[str, Any]) -> None:
    assert made["other"] in _evidence.failure(evidence(made))
    accepted = evidence(made, accepted=(made["other"],))
    assert _evidence.failure(accepted) == "" and accepted["summary"]["intact"]
    assert accepted["ledgers"][1]["remarks"]


def test_a_file_that_is_not_there_is_a_finding() -> None:
    looked = _evidence.look("reports/ledger.jsonl", None, "No such file or directory", None, "KV v1")
    failure = _evidence.failure(_evidence.assemble([looked], ROWS, 2026, ""))
    assert "reports/ledger.jsonl: cannot be read: No such file or directory" in failure


def test_without_a_head_the_evidence_says_what_it_cannot_see(made: dict[str, Any]) -> None:
    data = Path(made["path"]).read_bytes()
    cut = data[: data.rindex(b"\n", 0, -1) + 1]
    looked = _evidence.look("ledger.jsonl", cut, "", None, "the mount is KV v1")
    shown = _evidence.assemble([looked], ROWS, 2026, "")
    assert shown["summary"]["intact"] and "would not be noticed" in _evidence_render.table(shown, [])


def test_what_is_shown_is_all_there_and_escaped(made: dict[str, Any]) -> None:
    shown = evidence(made)
    page, text, table = (
        _evidence_render.page(shown),
        _evidence_render.markdown(shown),
        _evidence_render.table(shown, []),
    )
    for found in (page, text, table):
        assert "gobot/compose" in found and "9f8e7d6c5b4a" in found and made["other"] in found
    assert "a &lt;b&gt; | c" in page and "<b>" not in page
    assert "a <b> \\| c" in text
    assert "Vault approle, entity e-1; AWX user anna, job 7; anna on controller-1" in text
    assert page.count('class="dot') == 3 and "http" not in page.partition("<style>")[2].replace("http-equiv", "")
    assert "FINDING: " in table


def test_no_token_is_shown(made: dict[str, Any]) -> None:
    secret = token("leaked")
    shown = evidence(made)
    shown["installations"][0]["events"][0]["reason"] = f"somebody wrote {secret}"
    assert_no_token(_evidence_render.page(shown) + _evidence_render.markdown(shown), secret)


def test_lines_of_a_later_version_are_shown_as_far_as_they_go(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    _ledger_add.add(
        str(path),
        [{"kind": "rotation", "scope": "gobot/ibmcloud", "outcome": "rotated"}, {"kind": "new"}],
        "2026-06-01T00:00:00Z",
        None,
    )
    shown = _evidence.assemble([_evidence.look(str(path), path.read_bytes(), "", None, "")], ROWS, 2026, "")
    assert shown["summary"]["renewed"] == 1
    assert _evidence_render.page(shown) and _evidence_render.markdown(shown) and _evidence_render.table(shown, [])


def test_of_a_thousand_refreshes_the_last_are_shown(made: dict[str, Any]) -> None:
    shown = evidence(made)
    shown["installations"][0]["events"] *= 500
    page, text = _evidence_render.page(shown), _evidence_render.markdown(shown)
    for found in (page, text):
        assert "940 earlier events of the year are in evidence-2026.json" in found and len(found) < 100_000


@pytest.mark.parametrize(
    ("at", "due"), [("2028-01-01T00:00:00Z", 0.0), ("2028-07-01T00:00:00Z", 298.4), ("2028-12-31T00:00:00Z", 598.4)]
)
def test_a_moment_is_drawn_where_it_is_in_its_year(at: str, due: float) -> None:
    assert _evidence_render.place(2028, at) == due
    assert _evidence_render.place(2028, "nonsense") == 0.0


def test_the_documentation_names_every_key(made: dict[str, Any]) -> None:
    shown = json.loads(json.dumps(evidence(made)))
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8").partition("## Evidence")[2]
    parts = (
        shown,
        shown["ledgers"][0],
        shown["installations"][0],
        shown["installations"][0]["events"][0],
        shown["summary"],
    )
    assert [key for part in parts for key in part if f"`{key}`" not in text] == []
