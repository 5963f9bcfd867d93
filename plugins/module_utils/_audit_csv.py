# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as CSV: a row for each token, each variable of a service, and each token that no row explains (private, pure).

RFC 4180. The first column tells which of these a row is, and what a row has no word for is empty.
"""

from __future__ import annotations

import csv
import io

from ansible_collections.botops.rotation.plugins.module_utils import _audit_words as words

COLUMNS = (
    *("row", "installation", "bot", "workspace", "environment", "token", "kind", "owners", "fingerprint"),
    *("issued_at", "age_days", "age_from", "due_at", "due_in_days", "due", "alive", "alive_evidence", "identity"),
    *("identity_evidence", "scopes_missing", "scopes_excess", "needed", "concerns", "window"),
    *("host", "service", "variable", "env_file", "file", "process", "current", "previous"),
    *("stands", "runs", "drift", "evidence"),
)
# Spreadsheets take a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render(audit: words.Audit) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore")
    writer.writeheader()
    rows = [{**each, "row": "token", "concerns": words.concerns(each)} for each in audit["tokens"]]
    rows += [{**each, "row": "service"} for each in audit["services"]]
    rows += [{**each, "row": "unexplained", "evidence": each.get("whose", "")} for each in audit["unexplained"]]
    for row in rows:
        writer.writerow({column: _cell(row[column]) for column in COLUMNS if column in row})
    return text.getvalue()


def _cell(value: object) -> str | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    if isinstance(value, dict):  # a window
        value = "/".join(str(each) for each in value.values())
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
