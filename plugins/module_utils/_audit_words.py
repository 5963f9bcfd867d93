# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an audit is put into words, alike in all of its renderings (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Audit = Mapping[str, Any]
Row = Mapping[str, Any]
AHEAD = 90  # days that "what is due" looks ahead

HEADINGS = {
    "dead": "Dead tokens",
    "identity": "Tokens of another team or bot",
    "drift": "Services that do not run on Vault's token",
    "half_done": "Rotations that stand half done",
    "overdue": "Overdue",
    "unproven": "What is not proven",
    "due": "Due soon",
    "old_alive": "Old tokens that Slack still accepts",
    "pending": "New tokens that wait",
    "approval": "Approvals that are waited for",
    "scopes": "Scopes that are missing or in excess",
    "age_unknown": "Tokens of unknown age",
    "identity_unknown": "Tokens of a bot that nothing names",
    "unneeded": "Tokens that are not needed any more",
    "unexplained": "Tokens that no row of the registry explains",
    "unreachable": "Hosts that were not reached",
}


def day(moment: str | None) -> str:
    """The date of an ISO 8601 moment; empty when there is none."""
    return (moment or "")[:10]


def moment(at: str | None) -> str:
    """`2026-11-24 13:00 UTC`."""
    return (at or "")[:16].replace("T", " ") + " UTC" if at else ""


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def distance(days: int | None) -> str:
    """How far a due date is from the day of the audit."""
    if days is None:
        return "unknown"
    if days == 0:
        return "today"
    return f"in {count(days, 'day')}" if days > 0 else f"{count(-days, 'day')} ago"


def present(audit: Audit) -> list[Row]:
    """The tokens less those that are neither there nor needed."""
    return [token for token in audit["tokens"] if token["fingerprint"] or token["needed"]]


def key(token: Row) -> str:
    return f"{token['installation']}/{token['token']}"


def concerns(token: Row) -> list[str]:
    """What is to be said of a token besides its age and its life, shortest words first to last."""
    said = []
    if token["identity"] == "wrong":
        said.append("another team or bot")
    for words, scopes in (("lacks", token["scopes_missing"]), ("has more than it needs:", token["scopes_excess"])):
        if scopes:
            said.append(f"{words} {', '.join(scopes)}")
    if not token["needed"]:
        said.append("not needed any more")
    if token["pending"]:
        said.append(_since("a new one waits", token["pending"]["days"]))
    if token["previous"] and token["previous"]["alive"] == "alive":
        said.append(f"the old one {token['previous']['fingerprint']} is still accepted")
    if token["rotation"]:
        hours = token["rotation"]["hours"]
        state = str(token["rotation"]["state"]).replace("_", " ")
        said.append(f"rotation stands at {state}" + (f" for {hours:.0f} h" if hours is not None else ""))
    if token["approval"]:
        said.append(_since("approval is waited for", token["approval"]["days"]))
    return said


def _since(words: str, days: int | None) -> str:
    return f"{words} for {count(days, 'day')}" if days else words


def agreed(token: Row) -> str:
    """The window that was agreed for its rotation."""
    return moment(token["window"]["start"]) if token["window"] else ""


def ahead(audit: Audit) -> list[Row]:
    """The tokens that are overdue, or due within AHEAD days; the first one first."""
    due = [token for token in audit["tokens"] if token["due_in_days"] is not None and token["due_in_days"] <= AHEAD]
    return sorted(due, key=lambda token: (token["due_in_days"], key(token)))


def by_kind(findings: Iterable[Row]) -> dict[str, list[Row]]:
    """Findings by kind, each in the order in which the audit has them."""
    kinds: dict[str, list[Row]] = {}
    for finding in findings:
        kinds.setdefault(finding["kind"], []).append(finding)
    return kinds


def heading(kind: str) -> str:
    return HEADINGS.get(kind, kind.replace("_", " ").capitalize())


def headline(audit: Audit) -> str:
    """What there is to do, in a sentence."""
    summary = audit["summary"]
    if not summary["findings"]:
        return "Nothing needs anybody."
    failing = f", {summary['failing']:,} of them now" if summary["failing"] else ""
    return f"{count(summary['findings'], 'thing needs', 'things need')} somebody{failing}."


def place(service: Row) -> str:
    return f"{service['host']}/{service['service']}/{service['variable']}"


def stands(service: Row) -> str:
    """What its file and its process have; of two that differ, what is not Vault's current token."""
    if service["stands"] == service["runs"]:
        return f"file and process: {service['stands']}"
    both = (("file", service["stands"]), ("process", service["runs"]))
    return ", ".join(f"{where}: {what}" for where, what in both if what != "current")


def verdict(service: Row) -> str:
    """`good`: Vault's current token, `bad`: drift, `unknown`: it could not be seen, or does not run."""
    if service["drift"]:
        return "bad"
    return "good" if service["stands"] == service["runs"] == "current" else "unknown"
