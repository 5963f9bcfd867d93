# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as Markdown, for a merge request, a ticket or a terminal (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _audit_words as words
from ansible_collections.botops.rotation.plugins.module_utils._report import pipes

# What Markdown or HTML would take for its own. An entity is never markup: https://github.github.com/gfm/#example-330
_ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in "&<>|\\`*[]~#"}


def render(audit: words.Audit) -> str:
    summary = audit["summary"]
    counts = (
        f"{summary['alive']} alive, {summary['dead']} dead, {summary['overdue']} overdue, {summary['due']} due within "
        f"{audit['due_within_days']} days. {summary['drift']} of {words.count(summary['services'], 'service')} with drift."
    )
    parts = [
        f"# Audit of {words.count(summary['tokens'], 'token')}: {words.headline(audit)}",
        f"{words.moment(audit['at'])}, by {_text(audit['by'])}. {counts}",
    ]
    for kind, findings in words.by_kind(audit["findings"]).items():
        lines = [[each["subject"], each["what"], each["next"], ", ".join(each["owners"])] for each in findings]
        heading = f"## {words.heading(kind)} ({len(findings)})"
        parts += [heading, _table(["which", "what", "next", "owners"], lines)]
    ahead = [
        [words.day(each["due_at"]), words.distance(each["due_in_days"]), words.key(each), words.agreed(each)]
        for each in words.ahead(audit)
    ]
    parts += [f"## Due in the next {words.AHEAD} days", _table(["due", "", "token", "window"], ahead)]
    parts += ["## Tokens", _table(_TOKEN, [_token(each) for each in words.present(audit)])]
    drifting = [_service(each) for each in audit["services"] if words.verdict(each) != "good"]
    parts += ["## Services that do not run on the current token", _table(_SERVICE, drifting)]
    return "\n\n".join(parts) + "\n"


_TOKEN = ["token", "fingerprint", "issued", "due", "alive", "identity", "else"]
_SERVICE = ["service", "token", "file", "process", "drift"]


def _token(token: words.Row) -> list[str]:
    due = f"{words.day(token['due_at'])} {words.distance(token['due_in_days'])}".strip()
    issued, found = words.day(token["issued_at"]) or "unknown", token["fingerprint"] or "none"
    return [words.key(token), found, issued, due, token["alive"], token["identity"], "; ".join(words.concerns(token))]


def _service(service: words.Row) -> list[str]:
    drift = "yes" if service["drift"] else "no"
    return [words.place(service), words.key(service), service["stands"], service["runs"], drift]


def _table(headers: list[str], lines: Iterable[Iterable[Any]]) -> str:
    cells = [[_text(cell) for cell in line] for line in lines]
    return pipes(cells, headers) if cells else "None."


def _text(value: object) -> str:
    """In one line, and only as text."""
    return " ".join(str(value).split()).translate(_ENTITIES)
