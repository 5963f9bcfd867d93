# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of evidence in a real Chromium: in light, dark and on a phone, without a network, for a screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _evidence,
    _evidence_render,
    _ledger_add,
    _ledger_entries,
)

from tests.e2e._install import needs_chromium
from tests.integration._browser import LOOKS, opened, serious

pytestmark = [needs_chromium, pytest.mark.xdist_group("audit-page")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence with all that there may be: renewals, failures, an audit, a remark, a finding."""
    folder = tmp_path_factory.mktemp("evidence")
    path, by = folder / "ledger.jsonl", {"login": "anna", "host": "controller-1"}
    proofs = {name: {"result": result, "evidence": name * 9} for name, result in (("changed", True), ("in_use", False))}
    tokens = {"bot": {"old": "1a2b3c4d5e6f", "new": "9f8e7d6c5b4a"}}
    for month, outcome in enumerate(("rotated", "failed", "rotated"), 3):
        entry = _ledger_entries._entry(
            "rotation", "gobot/ibmcloud", "run", outcome, tokens=tokens, proofs=proofs, by=by
        )
        _ledger_add.add(
            str(path), [entry, _ledger_entries.of_audit("run", "all", {}, {})], f"2026-{month:02}-09T02:00:00Z", None
        )
    path.write_bytes(path.read_bytes().replace(b"failed", b"passed") + b'{"torn')
    looked = _evidence.look(str(path), path.read_bytes(), "", None, "the mount is KV v1")
    rows = [{"id": "gobot/ibmcloud", "name": "IBM Cloud Platform"}, {"id": "gobot/compose", "name": "Compose"}]
    made = folder / "evidence.html"
    made.write_text(
        _evidence_render.page(_evidence.assemble([looked], rows, 2026, "2027-01-02T00:00:00Z")), encoding="utf-8"
    )
    return made


@pytest.mark.parametrize("look", LOOKS)
def test_it_suits_eyes_and_screen_readers(browser: Any, page: Path, look: str) -> None:
    with opened(browser, page, **LOOKS[look]) as shown:
        assert serious(shown) == []
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shown.locator("article").count() == 2 and shown.locator("circle").count() == 2
        assert "number 4 was changed" in shown.locator("section").first.inner_text()
