# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/audit.md names every key of an audit that was really made, every kind of finding, and the real defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _audit_findings
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, Slot, State

from tests.tools.stage import ROOT
from tests.unit._audited import ago, audit, found, registry, says
from tests.unit._core import fp, stored

TEXT = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([a-z_]+)(?:\[\])?`", TEXT))


def keys(value: Any) -> set[str]:
    """All keys, however deep."""
    if isinstance(value, Mapping):
        return {str(key) for key in value}.union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def test_each_key_is_named() -> None:
    where = registry(required_scopes=["team:read"])
    waits = {"bot": Slot(pending=stored("new", at=ago(3)))}
    record = Record(rotation_id="20261120T020000Z-gobot-7f3a", state=State.PROMOTING, tokens=waits)
    notes = {"approval": {"since": ago(2)}, "window": {"start": ago(0), "end": ago(0)}}
    stray = [{"variable": "", "line": 5, "fingerprint": fp("x"), "kind": "bot token"}]
    made = [
        audit(where, found(where, record=record), answer=says(fp("x"), fp("x"), tokens=stray)),
        audit(where, found(where, notes=notes)),
        audit(where, found(where, record=Record(tokens={"bot": Slot(previous=stored("old"))}))),
    ]
    assert made[0]["unexplained"] and made[0]["findings"] and made[1]["tokens"][0]["window"]
    assert keys(made) - NAMED == set()


def test_each_kind_and_the_defaults_are_named() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (yes)? ?\|$", TEXT, re.MULTILINE)
    assert {kind: bool(fails) for kind, fails in rows if kind in _audit_findings.KINDS} == {
        kind: kind in _audit_findings.DEFAULT for kind in _audit_findings.KINDS
    }
    assert f"`{','.join(_audit_findings.DEFAULT)}`" in TEXT


def test_an_approval_and_a_window_are_shown_once() -> None:
    where = registry()
    notes = {"approval": {"since": ago(2)}, "window": {"start": ago(0), "end": ago(0)}}
    first, second = audit(where, found(where, notes=notes))["tokens"]
    assert first["approval"] == {"since": ago(2), "days": 2} and second["approval"] is None
    assert first["window"] == notes["window"] and second["window"] is None
    gone = {**notes, "window": {**notes["window"], "cancelled": True}}
    assert audit(where, found(where, notes=gone))["tokens"][0]["window"] is None
