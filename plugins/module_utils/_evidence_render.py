# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence for people: a page, Markdown, and the table that a run ends with (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _evidence, _look, _redact
from ansible_collections.botops.rotation.plugins.module_utils._report import MARKS, pipes

try:
    from tabulate import tabulate
except ImportError:  # _report says it
    tabulate = None

DIRECTORY = Path(__file__).parent / "_evidence_html"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDTH = 600  # of a year, in the page's own units
MOST = 60  # events of an installation that are shown, the last ones; a token that is refreshed has a thousand in a year


def headline(evidence: Mapping[str, Any]) -> str:
    summary = evidence["summary"]
    state = "intact" if summary["intact"] else f"NOT INTACT, findings: {summary['findings']}"
    return (
        f"Evidence for {evidence['year']}: {summary['renewed']} of {summary['installations']} installations renewed; "
        f"ledger {state}, {summary['lines']} lines"
    )


def table(evidence: Mapping[str, Any], paths: list[str]) -> str:
    """What the run ends with: a line for each installation, and what is wrong with a ledger."""
    if tabulate is None:
        return headline(evidence)
    lines = []
    for row in evidence["installations"]:
        event = next((each for each in reversed(row["events"]) if _evidence.is_renewal(each)), None)
        event = event or (row["events"][-1] if row["events"] else None)
        lines.append(
            [
                row["id"],
                row["status"],
                event["at"] if event else row["last_renewed"] or "-",
                fingerprints(event) if event else "-",
                proven(event) if event else "-",
                event["outcome"].replace("_", " ") if event else "-",
            ]
        )
    text = [
        headline(evidence),
        tabulate(
            lines,
            headers=["installation", str(evidence["year"]), "at", "old -> new", "proofs", "outcome"],
            tablefmt="plain",
            disable_numparse=True,
        ),
    ]
    for ledger in evidence["ledgers"]:
        text += [f"FINDING: {_evidence.words(ledger, each)}" for each in ledger["findings"]]
        text += [f"remark: {_evidence.words(ledger, each)}" for each in ledger["remarks"]]
        if "not compared" in ledger["head"]:
            text.append(f"{ledger['path']}: {ledger['head']}")
    return "\n".join([*text, *(f"evidence {path}" for path in paths)])


def fingerprints(event: Mapping[str, Any]) -> str:
    pairs = [
        f"{'' if name == 'bot' else f'{name} '}{each.get('old') or '(none)'} -> {each.get('new') or '(none)'}"
        for name, each in event["tokens"].items()
    ]
    return ", ".join(pairs) or "-"


def proven(event: Mapping[str, Any]) -> str:
    """How many of an event's proofs hold."""
    held = sum(proof.get("result") is True for proof in event["proofs"].values())
    return f"{held}/{len(event['proofs'])}" if event["proofs"] else "-"


def proofs(event: Mapping[str, Any]) -> list[list[str]]:
    return [
        [name.replace("_", " "), MARKS.get(proof.get("result"), "?"), str(proof.get("evidence", ""))]
        for name, proof in event["proofs"].items()
    ]


def markdown(evidence: Mapping[str, Any]) -> str:
    """The evidence as Markdown."""
    parts = [f"# {headline(evidence)}", f"Made {evidence['at']}.", "## Ledgers"]
    for ledger in evidence["ledgers"]:
        parts.append(f"### {ledger['path']}")
        parts.append(
            f"Ledger {ledger['ledger'] or '(unknown)'}: {ledger['lines']} lines, {ledger['from']} to {ledger['to']}, "
            f"{ledger['head']}. Hash of the last: `{ledger['hash']}`."
        )
        said = [f"- **Finding**: {_evidence.words(ledger, each)}" for each in ledger["findings"]]
        said += [f"- Remark: {_evidence.words(ledger, each)}" for each in ledger["remarks"]]
        parts += ["\n".join(said)] if said else []
    parts.append("## Installations")
    for row in evidence["installations"]:
        name = f" ({row['name']})" if row["name"] else ""
        parts.append(f"### {row['id']}{name}: {row['status']}")
        parts += [_since(row), earlier(row, evidence["year"])]
        parts += [_event(event) for event in row["events"][-MOST:]]
    if evidence["audits"]:
        lines = [[each["at"], each["scope"], each["outcome"], _evidence.who(each["by"])] for each in evidence["audits"]]
        parts += ["## Audits", pipes(lines, ["at", "of", "outcome", "by"])]
    return _redact.text("\n\n".join(each for each in parts if each) + "\n")


def earlier(row: Mapping[str, Any], year: int) -> str:
    """What is said of the events that are not shown."""
    more = len(row["events"]) - MOST
    return f"{more} earlier events of the year are in evidence-{year}.json." if more > 0 else ""


def _since(row: Mapping[str, Any]) -> str:
    if not row["known"]:
        return "It is not in the registry any more."
    return "" if row["status"] == "renewed" else f"Last renewed: {row['last_renewed'] or 'not in these ledgers'}."


def _event(event: Mapping[str, Any]) -> str:
    parts = [f"**{event['at']}, {event['kind']}: {event['outcome'].replace('_', ' ')}**, {fingerprints(event)}"]
    parts.append(f"By {_evidence.who(event['by'])}. Run {event['run_id']}, line {event['n']}.")
    parts += [event["reason"]] if event["reason"] else []
    parts += [pipes(proofs(event), ["proof", "", "evidence"])] if event["proofs"] else []
    return "\n\n".join(parts)


def page(evidence: Mapping[str, Any]) -> str:
    """The evidence as a page in one file."""
    text = _look.document(
        "page.html.j2",
        DIRECTORY / "style.css",
        evidence=evidence,
        headline=headline(evidence),
        words=_evidence.words,
        who=_evidence.who,
        fingerprints=fingerprints,
        proofs=proofs,
        is_renewal=_evidence.is_renewal,
        earlier=earlier,
        most=MOST,
        x=lambda at: place(evidence["year"], at),
        months=[(name, WIDTH * number / 12) for number, name in enumerate(MONTHS)],
        width=WIDTH,
    )
    return _redact.text(text)


def place(year: int, at: str) -> float:
    """Where a moment of the year is drawn, between 0 and WIDTH."""
    try:
        day = date.fromisoformat(at[:10])
    except ValueError:
        return 0.0
    begin, end = date(year, 1, 1), date(year, 12, 31)
    return round(WIDTH * (day - begin).days / ((end - begin).days + 1), 1)
