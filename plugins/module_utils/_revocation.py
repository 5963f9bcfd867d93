# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a revocation: its JSON, its Markdown, the table that it ends with (private to the collection).

Its schema is `botops.revocation/1`: docs/report.md lists every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._report import ledger_words, pipes
from ansible_collections.botops.rotation.plugins.module_utils._revoke import DEAD

try:
    from tabulate import tabulate
except ImportError:  # _report says it
    tabulate = None

SCHEMA = "botops.revocation/1"
GOOD = (*DEAD, "would_revoke")


def assemble(
    run_id: str, rows: list[dict[str, Any]], warnings: list[str], started: str, finished: str, check: bool
) -> dict[str, Any]:
    """The whole report as data, without secrets."""
    outcomes: dict[str, int] = {}
    for row in rows:
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "check": check,
        "started": started,
        "finished": finished,
        "tokens": rows,
        "ledger": None,
        "warnings": warnings,
        "summary": {
            "outcomes": outcomes,
            "longest_alive": max((row["seconds"] for row in rows if row["seconds"] is not None), default=None),
            "success": all(row["outcome"] in GOOD for row in rows),
        },
    }


def table(report: Mapping[str, Any], path: str = "") -> str:
    """What the run ends with: a headline, a line for each token, what ended with it and what is next."""
    lines = [headline(report), _rows(report["tokens"])]
    for row in report["tokens"]:
        name = f"{row['fingerprint'] or row['source']}"
        if row["reason"]:
            lines.append(f"{name}: {_outcome(row)}: {row['reason']}")
        if row["services"]:
            down = "down until there is a new token" if row["outcome"] in DEAD else "would be down"
            lines.append(f"  {down}: {', '.join(row['services'])}")
        if row["next_step"]:
            lines.append(f"  next: {row['next_step']}")
    if report["ledger"] and report["ledger"]["problem"]:
        lines.append(f"ledger: {report['ledger']['problem']}")
    lines += [f"warning: {warning}" for warning in report["warnings"]]
    return "\n".join([*lines, f"report {path}"] if path else lines)


def headline(report: Mapping[str, Any]) -> str:
    rows, seconds = report["tokens"], report["summary"]["longest_alive"]
    counts = sorted(report["summary"]["outcomes"].items())
    what = ", ".join(f"{outcome.replace('_', ' ')} {count}" for outcome, count in counts)
    dead = f", dead {seconds:.1f} s after the start" if seconds is not None else ""
    run = "check (nothing was changed)" if report["check"] else f"run {report['run_id']}"
    return f"leaked tokens: {what} of {len(rows)}{dead}    {run}"


def _outcome(row: Mapping[str, Any]) -> str:
    return row["outcome"].replace("_", " ")


def _rows(rows: list[dict[str, Any]]) -> str:
    if tabulate is None:
        return ""
    lines = [
        [
            row["installation"] or "-",
            row["fingerprint"] or "-",
            row["kind"] or "-",
            ", ".join(row["stages"]) or "-",
            row["life_before"],
            "-" if row["seconds"] is None else f"{row['seconds']:.1f}",
            _outcome(row),
        ]
        for row in rows
    ]
    headers = ["installation", "token", "kind", "is the", "before", "seconds", "outcome"]
    return tabulate(lines, headers=headers, tablefmt="plain", disable_numparse=True)


def failure(report: Mapping[str, Any]) -> str:
    """Why the run ends non-zero, in a line; empty when every token is dead, and that was kept."""
    bad = [row for row in report["tokens"] if row["outcome"] not in GOOD]
    if not bad and report["ledger"] and report["ledger"]["problem"]:
        return f"every token is dead, but the evidence was not kept: {report['ledger']['problem']}"
    words = "; ".join(f"{row['fingerprint'] or row['source']}: {_outcome(row)}: {row['reason']}" for row in bad)
    return f"{words}; next: {bad[0]['next_step']}" if bad else ""


def markdown(report: Mapping[str, Any]) -> str:
    """The report for people."""
    parts = [f"# {headline(report)}", f"Started {report['started']}, finished {report['finished']}.", "## Tokens"]
    for row in report["tokens"]:
        parts.append(f"### {row['fingerprint'] or row['source']}: {_outcome(row)}")
        identity = row["identity"]
        facts = [
            ["installation", row["installation"] or "none of the registry"],
            ["kind", row["kind"]],
            ["is the", ", ".join(row["stages"])],
            ["told by", " ".join(each for each in (row["source"], row["link"]) if each)],
            ["whose", ", ".join(f"{key} {value}" for key, value in identity.items())],
            ["evidence", row["evidence"]],
            ["seconds from start to dead", "" if row["seconds"] is None else f"{row['seconds']:.1f}"],
            ["channels", ", ".join(f"#{each['name']} ({each['id']})" for each in row["channels"])],
            ["services", ", ".join(row["services"])],
            *([each["what"], f"{each['fingerprint']}: {each['life']} ({each['evidence']})"] for each in row["others"]),
        ]
        parts.append(pipes([fact for fact in facts if fact[1]], ["", ""]))
        if row["reason"]:
            parts.append(row["reason"] + (f"\n\nNext: {row['next_step']}" if row["next_step"] else ""))
    if report["ledger"]:
        parts += ["## Ledger", ledger_words(report["ledger"])]
    if report["warnings"]:
        parts += ["## Warnings", "\n".join(f"- {warning}" for warning in report["warnings"])]
    return "\n\n".join(parts) + "\n"
