# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit ends with on the terminal (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    from tabulate import tabulate
except ImportError:  # said by `table`
    tabulate = None
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

MOST = 40  # lines of each part: the rest is in the report
MARKS = {"alive": "yes", "dead": "no", "unknown": "?", "right": "yes", "wrong": "no"}


def table(audit: Mapping[str, Any], path: str = "") -> str:
    """A headline, a line for each token (of many: only of those with a finding), and what needs somebody."""
    if tabulate is None:
        raise RotationError("The Python package tabulate is not installed where ansible-playbook runs", "install it")
    parts = [_headline(audit), _tokens(audit), *_findings(audit)]
    if path:
        parts.append(f"report {path}")
    return "\n".join(part for part in parts if part)


def _headline(audit: Mapping[str, Any]) -> str:
    summary = audit["summary"]
    said = [f"{summary['tokens']} tokens: {summary['alive']} alive, {summary['dead']} dead"]
    said.append(f"{summary['overdue']} overdue, {summary['due']} due within {audit['due_within_days']} days")
    said.append(f"{summary['services']} services on {summary['hosts']} hosts: {summary['drift']} with drift")
    return f"audit: {'; '.join(said)}    run {audit['run_id']}"


def _tokens(audit: Mapping[str, Any]) -> str:
    rows = [row for row in audit["tokens"] if row["needed"]]  # the others are told together
    if len(rows) > MOST:
        named = {each["subject"] for each in audit["findings"] if each["kind"] != "unneeded"}
        rows = [row for row in rows if f"{row['installation']}/{row['token']}" in named]
    drift = [row["installation"] + "/" + row["token"] for row in audit["services"] if row["drift"]]
    used = [row["installation"] + "/" + row["token"] for row in audit["services"]]
    lines = []
    for row in rows[:MOST]:
        key = f"{row['installation']}/{row['token']}"
        services = f"{used.count(key) - drift.count(key)}/{used.count(key)}" if key in used else "-"
        lines.append(
            [
                row["installation"] if row["token"] == "bot" else f"{row['installation']} ({row['token']})",
                row["fingerprint"] or "(none)",
                "?" if row["age_days"] is None else f"{row['age_days']} d",
                (row["due_at"] or "?")[:10],
                MARKS[row["alive"]],
                MARKS[row["identity"]],
                _scopes(row),
                services,
                _state(row),
            ]
        )
    headers = ["installation", "token", "age", "due", "alive", "identity", "scopes", "services", "state"]
    return tabulate(lines, headers=headers, tablefmt="plain", disable_numparse=True) if lines else ""


def _scopes(row: Mapping[str, Any]) -> str:
    missing, excess = len(row["scopes_missing"]), len(row["scopes_excess"])
    return " ".join([f"-{missing}"] * bool(missing) + [f"+{excess}"] * bool(excess)) or (
        "ok" if row["alive"] == "alive" else "?"
    )


def _state(row: Mapping[str, Any]) -> str:
    if row["rotation"]:
        return f"half done ({row['rotation']['state'].replace('_', ' ')})"
    return "a new one waits" if row["pending"] else "overdue" if row["due"] == "overdue" else "-"


def _findings(audit: Mapping[str, Any]) -> list[str]:
    """What is so, once for all subjects of which the same is to be said; what ends the run non-zero comes first."""
    said: dict[tuple[str, str, str], list[str]] = {}
    for each in audit["findings"]:
        what = _alike(each)
        said.setdefault((each["kind"], what, each["next"] if what != each["kind"] else ""), []).append(each["subject"])
    lines = []
    for (kind, what, step), subjects in list(said.items())[:MOST]:
        listed = ", ".join(subjects[:4]) + (f" and {len(subjects) - 4} more" if len(subjects) > 4 else "")
        lines.append(f"{listed}: {kind.replace('_', ' ')}" + (f": {what}" if what != kind else ""))
        lines += [f"  next: {step}"] if step else []
    if len(said) > MOST:
        lines.append(f"and {len(said) - MOST} more; all of them are in the report")
    return lines


def _alike(finding: Mapping[str, Any]) -> str:
    """What is told of a finding; of those that need nobody today the kind alone."""
    return (
        finding["kind"] if finding["kind"] in ("unneeded", "age_unknown") and not finding["fails"] else finding["what"]
    )
