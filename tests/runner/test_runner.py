# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""check, rotate, audit, evidence and schedule as AWX runs them, on the spot and through `transmit | worker | process`; no token in what is left."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._leaks import leaks
from tests.e2e._world import world
from tests.runner._awx import Credential, Ended, Job, login
from tests.sandbox import Sandbox

WAYS = {"on the spot": "ibmcloud", "through a worker": "compose"}


@pytest.fixture(scope="module")
def credential(module_sandbox: Sandbox) -> Credential:
    return login(module_sandbox)


def job(
    sandbox: Sandbox, credential: Credential, folder: Path, way: str, template: str, *arguments: str, **answers: Any
) -> Ended:
    """Runs a job of a template in a way, and looks for tokens in whatever it leaves."""
    answers = {"bot": "gobot", "workspace": WAYS[way], **answers}
    before = sandbox.tokens()
    if way == "on the spot":
        done = Job(folder / "job", sandbox, credential, template, answers).run(*arguments)
    else:
        worker = folder / "worker"
        worker.mkdir(parents=True)
        done = Job(folder / "job", sandbox, credential, template, answers, worker).stream(
            folder / "out", "-vvvv", *arguments
        )
    left = [file for place in (done.artifacts, sandbox.dir / "kept") for file in place.rglob("*") if file.is_file()]
    assert {"command", "stdout", "rc", "status"} <= {file.name for file in left}
    secrets = [*before, *sandbox.tokens(), sandbox.vault_token, credential.secret_id]
    found = {
        str(file): seen for file in left if (seen := leaks(file.read_text(encoding="utf-8", errors="replace"), secrets))
    }
    assert not found, f"tokens were left: {found}"
    assert list(done.stats) == ["botops"] and done.stats["botops"]["schema"] == "botops.stats/1", done
    return done


@pytest.mark.xdist_group("runner")
@pytest.mark.parametrize("way", WAYS)
def test_what_awx_runs(module_sandbox: Sandbox, credential: Credential, tmp_path: Path, way: str) -> None:
    sandbox, row = module_sandbox, f"gobot/{WAYS[way]}"
    before = world(sandbox)
    check = job(sandbox, credential, tmp_path / "check", way, "botops rotate", "--check")
    assert check.status == 0, check
    stats = check.stats["botops"]
    assert (stats["kind"], stats["check"], stats["success"], stats["outcomes"]) == (
        "rotation",
        True,
        True,
        {row: "rotated"},
    )
    assert world(sandbox) == before

    rotate = job(sandbox, credential, tmp_path / "rotate", way, "botops rotate")
    assert rotate.status == 0, rotate
    stats = rotate.stats["botops"]
    assert (stats["check"], stats["outcomes"], stats["path"][:1]) == (False, {row: "rotated"}, "/")
    kept = json.loads(Path(stats["path"]).with_suffix(".json").read_text(encoding="utf-8"))
    assert stats["report"] == kept and kept["ledger"]["path"] == str(sandbox.dir / "kept/ledger.jsonl")
    lines = [json.loads(line) for line in (sandbox.dir / "kept/ledger.jsonl").read_text().splitlines()]
    assert lines[-1]["scope"] == row and lines[-1]["by"]["awx"]["user_name"] == "anna"
    assert lines[-1]["by"]["vault"] == {
        "name": "approle (rotation)",
        "entity_id": lines[-1]["by"]["vault"]["entity_id"],
    }

    audit = job(sandbox, credential, tmp_path / "audit", way, "botops audit", fail_on="dead,drift")
    assert audit.status == 0 and audit.stats["botops"]["kind"] == "audit", audit
    assert audit.stats["botops"]["report"]["summary"]["drift"] == 0

    evidence = job(sandbox, credential, tmp_path / "evidence", way, "botops evidence")
    assert evidence.status == 0 and evidence.stats["botops"]["outcomes"][row] == "renewed", evidence

    start = f"{datetime.now(timezone.utc) + timedelta(days=20):%Y-%m-%dT%H:%MZ}"
    schedule = job(sandbox, credential, tmp_path / "schedule", way, "botops schedule", window=f"{start}/PT1H")
    stats = schedule.stats["botops"]
    assert schedule.status == 0 and (stats["kind"], stats["outcomes"]) == ("schedule", {row: "scheduled"}), schedule
    (entry,) = stats["report"]["windows"]
    assert entry["window"]["start"].startswith(start[:16]) and entry["file"] == f"{sandbox.dir}/kept/reports/{ics(row)}"


def ics(row: str) -> str:
    return f"{row.replace('/', '-')}.ics"


@pytest.mark.xdist_group("runner")
def test_a_ledger_that_no_folder_keeps_is_missed(
    module_sandbox: Sandbox, credential: Credential, tmp_path: Path
) -> None:
    """The last one: no job after it finds the ledger whole."""

    def ran(name: str, template: str, **answers: Any) -> Ended:
        return job(module_sandbox, credential, tmp_path / name, "on the spot", template, **answers)

    ledger = module_sandbox.dir / "kept/ledger.jsonl"
    ran("before", "botops audit", fail_on="none")
    lost = json.loads(ledger.read_text().splitlines()[0])["ledger"]
    ledger.unlink()  # with the container of the job that wrote it
    after = ran("after", "botops audit", fail_on="none")
    assert after.status == 2 and lost in after.stats["botops"]["report"]["ledger"]["problem"], after
    evidence = ran("evidence", "botops evidence")
    assert evidence.status == 2 and evidence.stats["botops"]["success"] is False, evidence
    (found,) = [each for each in evidence.stats["botops"]["report"]["ledgers"] if each["findings"]]
    assert found["ledger"] == lost and "https://awx.example.com" in found["path"]
    assert ran("accepted", "botops evidence", accept_missing=lost).status == 0
