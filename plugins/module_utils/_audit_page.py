# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as one HTML page that needs no other file (private to the collection, pure).

The tables are the page; its script draws the year's chart from their rows, and sorts and filters them.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ansible_collections.botops.rotation.plugins.module_utils import _audit_matrix, _audit_words, _look

DIRECTORY = Path(__file__).parent / "_audit_html"
OPEN = 60  # rows of a table up to which it is open at first
SOME = 8  # and of findings that do not fail the audit
FEW = 20  # and among many matrices those with drift, while they are few and small
# The sign and the word of a verdict: nothing is told by colour alone.
SIGNS = {"good": "✓", "bad": "✕", "wait": "◔", "unknown": "?"}
LIVES = {"alive": "good", "dead": "bad"}
DUES = {"ok": "good", "soon": "wait", "overdue": "bad"}


def render(audit: _audit_words.Audit) -> str:
    """The page. Everything in it that comes from the audit is escaped."""
    drifting = [service for service in audit["services"] if service["drift"]]
    tokens = sorted(_audit_words.present(audit), key=_by_due)
    return _look.document(
        "page.html.j2",
        DIRECTORY / "audit.css",
        [_look.CHART, DIRECTORY / "year.js", DIRECTORY / "rows.js"],
        audit=audit,
        summary=audit["summary"],
        tokens=tokens,
        dated=any(token["due_at"] for token in tokens),
        kinds=_audit_words.by_kind(audit["findings"]),
        ahead=_audit_words.ahead(audit),
        matrices=_audit_matrix.by_bot(_audit_matrix.build(audit)),
        drifting=drifting,
        drift_ids={_audit_words.place(service): f"drift-{number}" for number, service in enumerate(drifting)},
        unreached=[host for host in audit["hosts"] if not host["reached"]],
        words=_audit_words,
        day_number=day_number,
        signs=SIGNS,
        lives=LIVES,
        dues=DUES,
        most=OPEN,
        some=SOME,
        few=FEW if len(drifting) <= FEW else 0,
    )


def _by_due(token: _audit_words.Row) -> tuple[bool, int, str]:
    days = token["due_in_days"]
    return days is None, days or 0, _audit_words.key(token)


def day_number(moment: str | None) -> int | str:
    """Days since 1970-01-01, which is what the chart's axis counts; empty when there is no such moment."""
    return (date.fromisoformat(moment[:10]) - date(1970, 1, 1)).days if moment else ""
