# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift of a service in words: what kind it is, and what to do (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._audit_services import DRIFT

Row = Mapping[str, Any]


def sentence(row: Row) -> str:
    """What kind of drift it is, in a sentence."""
    stands, runs = row["stands"], row["runs"]
    if stands == "current":
        return f"its file has the current token, but it runs on {_a(runs)}: it was not restarted since, or has it from elsewhere"
    if runs == "current":
        return f"it runs on the current token, but its file has {_a(stands)}: it will lose it at the next start"
    if stands == "missing":
        return f"its file has no token, and it runs on {_a(runs)}"
    return f"its file has {_a(stands)}" + (f", and it runs on {_a(runs)}" if runs in DRIFT and runs != stands else "")


def _a(word: str) -> str:
    return {
        "previous": "an old token",
        "pending": "the token that waits",
        "other installation": "the token of another installation",
        "unknown": "an unknown token",
        "missing": "none",
        "unreadable": "what could not be read",
        "not running": "nothing, since it does not run",
    }.get(word, "the current token")


def next_step(row: Row) -> str:
    """What brings the service to the current token."""
    bot, _slash, workspace = row["installation"].partition("/")
    step = f"run rotate_bot -e bot={bot} -e workspace={workspace}: it brings every service to the current token"
    return f"find out whose token it is; then {step}" if "unknown" in (row["stands"], row["runs"]) else step
