# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a run's rows, as facts for the texts of announcements (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._services import of_row

Row = dict[str, Any]
Service = Mapping[str, Any]
Facts = dict[str, Any]


def at_start(registry: Registry, rows: Iterable[Row]) -> dict[str, Facts]:
    """What is said when the change of a row begins, by its id: which services restart."""
    found = {}
    for row in rows:
        names = [f"{each.name} on {each.host}" for each in registry.services if _uses(each.options, row)]
        token = row["tokens"].get("bot") or {}
        down = token.get("old_life") == "dead" and row["action"] != "restore"
        found[row["id"]] = {"down": down, "lines": [f"{name} restarts" for name in sorted(names)]}
    return found


def _uses(options: Mapping[str, Any], row: Row) -> bool:
    return any(
        (variable["bot"], variable["workspace"]) == (row["bot"], row["workspace"])
        for variable in options["env"].values()
    )


def at_end(rows: Iterable[Row], services: list[Service]) -> dict[str, tuple[list[Row], dict[str, Facts]]]:
    """Phase -> the rows that it is said of, and the facts of each by its id."""
    told: dict[str, tuple[list[Row], dict[str, Facts]]] = {name: ([], {}) for name in ("done", "returned", "failed")}
    for row in rows:
        own = of_row(row, services)
        if row["outcome"] in ("rotated", "old_alive"):
            phase, facts = "done", {**_measured(own), "lines": _proofs(row) + _restarts(own)}
        elif row["action"] == "restore" and row["outcome"] == "rolled_back":
            phase, facts = "returned", {**_measured(own), "lines": _restarts(own)}
        elif row["outcome"] in ("rolled_back", "failed", "partial"):
            phase, facts = "failed", {"fate": _fate(row, own), "lines": _problems(row, own)}
        else:
            continue
        told[phase][0].append(row)
        told[phase][1][row["id"]] = facts
    return told


def _measured(services: list[Service]) -> Facts:
    """For how long the bot was away: as long as the service that was longest."""
    seconds = [each["seconds_unavailable"] for each in services if each["seconds_unavailable"] is not None]
    return {"measured": round(max(seconds), 1), "seconds": f"{max(seconds):.1f} s"} if seconds else {}


def _proofs(row: Row) -> list[str]:
    words = {True: "yes", False: "no", None: "not known"}
    return [
        f"{name.replace('_', ' ')}: {words[proof['result']]} ({proof['evidence']})"
        for name, proof in row["proofs"].items()
    ]


def _restarts(services: list[Service]) -> list[str]:
    return [
        f"{each['name']} on {each['host']}: {each['seconds_unavailable']:.1f} s"
        for each in services
        if each["seconds_unavailable"] is not None
    ]


def _fate(row: Row, services: list[Service]) -> str:
    affected = sorted({each["name"] for each in services if each["status"] != "ok"})
    if row["outcome"] == "rolled_back":
        return "It runs on its old token again."
    if row["outcome"] == "partial":
        return f"Still to come: {', '.join(affected)}."
    return f"Affected: {', '.join(affected)}." if affected else "Its operators are at it."


def _problems(row: Row, services: list[Service]) -> list[str]:
    affected = [
        f"{each['name']} on {each['host']}: {each['absent'] or each['status']}"
        for each in services
        if each["status"] != "ok"
    ]
    return [f"{row['outcome'].replace('_', ' ')}: {row['reason']}", *affected]
