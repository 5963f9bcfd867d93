# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report says all that was decided, for machines and for people, and no token ever gets into it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _report
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

from tests.sandbox import tokens
from tests.unit._core import AT, IBM_ID, assert_no_token, fp, rows

RUN_ID = "20261123T020000Z-gobot-7f3a"


def planned(installations: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    plan = {"schema": "botops.rotation/1", "run_id": RUN_ID, "at": AT, "bots": ["gobot"], "warnings": []}
    return {**plan, "installations": installations, **more}


def served(**more: Any) -> dict[str, Any]:
    """A service as the outcome gives it."""
    key = f"{IBM_ID}/bot"
    variable = {"key": key, "new": "n", "before": None, "after": "n", "process_before": [], "process_after": ["n"]}
    service = {
        "host": "bot-host-2",
        "name": "gobot-consumer",
        "unit": "gobot-consumer.service",
        "installations": [IBM_ID],
        "may_go_back": False,
        "variables": {"SLACK_BOT_TOKEN": variable},
        "needs": "write",
        "restarted": True,
        "changed": True,
        "restored": False,
        "health_before": {"ok": False, "evidence": "503"},
        "health_after": {"ok": True, "evidence": "200"},
        "health_note": "",
        "in_use": "yes",
        "in_use_evidence": "process 7",
        "seconds_unavailable": 0.83,
        "still_down": False,
        "down_before": True,
        "status": "ok",
        "error": "",
        "warnings": [],
    }
    return {**service, **more}


def message(state: str = "sent", **more: Any) -> dict[str, Any]:
    said = {"mark": "m", "phase": "done", "installation": IBM_ID, "workspace": "ibmcloud", "channel": "C0123"}
    return {**said, "text": "hello", "ts": "1.0", "evidence": "", "posted_by": "token", "state": state, **more}


def made(
    services: list[dict[str, Any]] | None = None,
    messages: list[dict[str, Any]] | None = None,
    check: bool = False,
    some: list[dict[str, Any]] | None = None,
    **plan: Any,
) -> dict[str, Any]:
    some = rows() if some is None else some
    return _report.assemble(planned(some, **plan), some, services or [], messages or [], AT, check)


def test_the_report_survives_json() -> None:
    report = made([served()], [message()])
    assert json.loads(_report.dumps(report)) == report
    assert report["schema"] == "botops.rotation/1" and report["summary"]["success"] is True
    for key in ("bot", "workspace", "old_fingerprint", "new_fingerprint", "outcome", "identity"):
        assert report["installations"][0][key]
    assert set(report["installations"][0]["proofs"]) == {"changed", "same_identity", "scopes", "old_refused", "in_use"}


def test_the_table_of_a_run() -> None:
    quick = served(host="h1", name="quick", seconds_unavailable=0.1, down_before=False)
    text = _report.table(made([served(), quick], [message(), message()]), f"reports/{RUN_ID}.md")
    lines = text.splitlines()
    assert lines[0] == f"gobot: rotated 2 of 2 installations, 2 services on 2 hosts    run {RUN_ID}"
    assert lines[1].split()[:4] == ["workspace", "old", "->", "new"]
    assert f"{fp('old ' + IBM_ID)} -> {fp('new ' + IBM_ID)}" in lines[2] and "IBM Cloud Platform" in lines[2]
    assert "Compose" in lines[3]
    assert lines[-1] == (
        "longest unavailability 0.8 s in this run (gobot-consumer on bot-host-2; down since before it)    "
        f"announced in 1 channel    report reports/{RUN_ID}.md"
    )


def test_the_table_says_what_to_do_for_each_row_that_is_not_well() -> None:
    some = rows()
    some[0].update(outcome="failed", reason="it broke", next_step="mend it")
    report = made(some=some, messages=[message("failed", evidence="channel_not_found")], warnings=["look here"])
    text = _report.table(report)
    assert f"{IBM_ID}: failed: it broke\n  next: mend it" in text
    assert "the announcement 'done' is failed: channel_not_found" in text and "warning: look here" in text
    assert not report["summary"]["success"]
    assert _report.failure(report).startswith(f"{IBM_ID}: failed; 1 announcements were not posted")


def test_a_row_without_tokens_has_its_line() -> None:
    some = [{**rows()[0], "tokens": {}, "proofs": {}, "outcome": "nothing_staged"}]
    text = _report.table(made(some=some, check=True))
    assert text.startswith("gobot: nothing staged 1 of 1 installations")
    assert "check (nothing was changed)" in text and "IBM Cloud Platform" in text


@pytest.mark.parametrize(("state", "good"), [("sent", True), ("already", True), ("planned", True), ("unknown", False)])
def test_only_a_message_that_may_be_missing_spoils_a_run(state: str, good: bool) -> None:
    assert made(messages=[message(state)])["summary"]["success"] is good


def test_several_bots_are_told_apart() -> None:
    text = _report.table(made(bots=["ciebot", "gobot"]))
    assert text.startswith("ciebot, gobot: ") and "gobot: Compose" in text


def test_markdown_holds_every_row_service_and_announcement() -> None:
    text = _report.markdown(made([served()], [message("sent", channel="")], warnings=["look here"]))
    for piece in ("IBM Cloud Platform", "Compose", "gobot-consumer", "bot-host-2", "(webhook)", "- look here"):
        assert piece in text
    assert "0.8 s (down before)" in text and "? -> yes" not in text and "no -> yes" in text


def test_markdown_tables_survive_what_hosts_say() -> None:
    text = _report.markdown(made([served(in_use_evidence="first | second\nthird")]))
    line = next(line for line in text.splitlines() if "gobot-consumer" in line)
    assert "first \\| second third" in line and line.replace("\\|", "").count("|") == 8


def test_what_is_written_is_whole_and_for_machines_and_people(tmp_path: Path) -> None:
    report = made([served()], [message()])
    path = _report.write(report, str(tmp_path / "new" / "reports"))
    folder = Path(path).parent
    assert sorted(os.listdir(folder)) == [f"{RUN_ID}.json", f"{RUN_ID}.md"]
    assert json.loads((folder / f"{RUN_ID}.json").read_text()) == report
    assert Path(path).read_text() == _report.markdown(report)


def test_no_token_is_written_even_where_a_host_has_said_it(tmp_path: Path) -> None:
    secret = tokens.bot()
    some = rows()
    some[0].update(outcome="failed", reason=f"said {secret}", next_step="mend it")
    report = made([served(error=f"it said {secret}", in_use_evidence=secret)], some=some, warnings=[secret])
    folder = Path(_report.write(report, str(tmp_path))).parent
    for name in os.listdir(folder):
        assert_no_token((folder / name).read_text(), secret)


def test_a_report_that_cannot_be_written_says_where_and_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RotationError) as refusal:
        _report.write(made(), str(tmp_path / "file" / "reports"))
    assert str(tmp_path) in str(refusal.value) and "Not a directory" in str(refusal.value)
    assert "botops_report_dir" in refusal.value.next_step


def test_a_report_that_fails_leaves_the_one_before_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _report.write(made(), str(tmp_path))
    before = (tmp_path / f"{RUN_ID}.json").read_text()

    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RotationError, match="No space left on device"):
        _report.write(made([served()]), str(tmp_path))
    assert (tmp_path / f"{RUN_ID}.json").read_text() == before
    assert sorted(os.listdir(tmp_path)) == [f"{RUN_ID}.json", f"{RUN_ID}.md"]


def test_text_that_is_no_unicode_is_written_all_the_same(tmp_path: Path) -> None:
    _report.write(made([served(in_use_evidence="caf\udce9")]), str(tmp_path))
