# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence from end to end: a rotation leaves its lines, evidence believes them, and nothing that is done to them later."""

from __future__ import annotations

import json

from tests.e2e._leaks import leaks
from tests.e2e._playbook import run
from tests.sandbox import Sandbox
from tests.sandbox._state import ROOT

HEAD = "secret/botops_ledger"
EVIDENCE = str(ROOT / "evidence.yml")


def test_what_a_rotation_leaves_and_what_evidence_makes_of_it(sandbox: Sandbox) -> None:
    head = ("-e", f"botops_ledger_head={HEAD}")
    before = sandbox.current("gobot/ibmcloud")
    done = run(
        sandbox, "-e", "bot=gobot", "-e", "workspace=ibmcloud", "-e", "awx_user_name=anna", "-e", "awx_job_id=7", *head
    )
    assert done.status == 0, done
    file = done.directory / "reports" / "ledger.jsonl"
    begin, line = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    row = done.row("gobot/ibmcloud")
    assert (begin["kind"], line["kind"], line["scope"], line["outcome"]) == (
        "begin",
        "rotation",
        "gobot/ibmcloud",
        "rotated",
    )
    assert line["tokens"]["bot"] == {"old": row["old_fingerprint"], "new": row["new_fingerprint"]}
    assert line["proofs"] == row["proofs"] and line["rotation_id"] == row["rotation_id"]
    assert line["by"]["awx"] == {"user_name": "anna", "job_id": "7"} and line["by"]["vault"]["name"] == "token"
    assert done.report["ledger"] == {
        "path": "reports/ledger.jsonl",
        "ledger": begin["ledger"],
        "first": 1,
        "last": 2,
        "hash": line["hash"],
        "problem": "",
    }
    kept = sandbox.bao.get(HEAD)["ledgers"][begin["ledger"]]
    assert (kept["n"], kept["hash"]) == (2, line["hash"])

    shown = run(sandbox, *head, playbook=EVIDENCE, directory=done.directory)
    assert shown.status == 0 and "1 of 13 installations renewed; ledger intact, 2 lines" in shown.end, shown
    pages = sorted(path.name for path in (done.directory / "reports").glob("evidence-*"))
    assert [name.partition(".")[2] for name in pages] == ["html", "json", "md"]
    texts = [path.read_text(encoding="utf-8") for path in (done.directory / "reports").iterdir()]
    assert leaks("\n".join([*texts, shown.stdout]), [*sandbox.tokens(), before, sandbox.vault_token]) == []

    file.write_text(
        file.read_text(encoding="utf-8").replace('"user_name":"anna"', '"user_name":"otto"'), encoding="utf-8"
    )
    found = run(sandbox, *head, playbook=EVIDENCE, directory=done.directory)
    assert found.status == 2 and "line 2: number 2 was changed" in found.text, found
    file.unlink()
    gone = run(sandbox, *head, playbook=EVIDENCE, directory=done.directory)
    assert gone.status == 2 and f"accept_missing={begin['ledger']}" in gone.text, gone

    # A ledger that cannot be written stops nothing, and is not kept silent either.
    place = ("-e", "botops_ledger=/proc/nowhere/ledger.jsonl")
    done = run(sandbox, "-e", "bot=gobot", "-e", "workspace=compose", *place)
    assert done.status == 2 and done.outcomes == {"gobot/compose": "rotated"}, done
    assert (
        "ledger: the ledger /proc/nowhere/ledger.jsonl cannot be written" in done.end
        and done.report["ledger"]["problem"]
    )
