# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of itself in the ledger: one entry for each thing that it did (private to the collection, pure).

An entry has `kind`, `scope` (an installation's id, or what an audit looked at), `run_id`, `rotation_id`, `outcome`, `reason`,
`tokens` ({bot: {old, new}}, fingerprints) and `proofs` ({name: {result, evidence}}).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._revoke import DEAD

Entry = dict[str, Any]


def _entry(kind: str, scope: str, run_id: str, outcome: str, **more: Any) -> Entry:
    empty = {"rotation_id": "", "reason": "", "tokens": {}, "proofs": {}}
    return {"kind": kind, "scope": scope, "run_id": run_id, "outcome": outcome, **empty, **more}


def of_report(report: Mapping[str, Any]) -> list[Entry]:
    """An entry for each installation that a run of rotate_bot or rollback_bot did something with, or was to."""
    return [_of_row(report["run_id"], row) for row in report["installations"] if _acted(row)]


def _acted(row: Mapping[str, Any]) -> bool:
    return row["action"] != "none" and (row["action"], row["outcome"]) != ("converge", "already")


def _of_row(run_id: str, row: Mapping[str, Any]) -> Entry:
    tokens = {name: {"old": token["old"], "new": token["new"]} for name, token in row["tokens"].items()}
    return _entry(
        "rollback" if row["action"] == "restore" else "rotation",
        row["id"],
        run_id,
        row["outcome"],
        rotation_id=row["rotation_id"],
        reason=row["reason"],
        tokens=tokens,
        proofs={name: dict(proof) for name, proof in row["proofs"].items()},
    )


def of_revocation(report: Mapping[str, Any]) -> list[Entry]:
    """An entry for each token that revoke_bot was given and that was not dead already."""
    return [_of_token(report["run_id"], row) for row in report["tokens"] if row["outcome"] != "dead_already"]


def _of_token(run_id: str, row: Mapping[str, Any]) -> Entry:
    name = "user" if "user" in str(row["kind"]) else "bot"
    return _entry(
        "revoke",
        row["installation"] or "none of the registry",
        run_id,
        row["outcome"],
        reason=row["reason"],
        tokens={name: {"old": row["fingerprint"], "new": None}},
        proofs={"old_refused": {"result": row["outcome"] in DEAD or None, "evidence": row["evidence"]}},
    )


def of_audit(run_id: str, scope: str, summary: Mapping[str, Any], findings: Mapping[str, int]) -> Entry:
    """The entry of an audit of what `scope` says (`all`, or names of bots). `findings`: how many of each kind.

    `summary` is the audit's own, with `failing`, the number of findings that make it end non-zero.
    """
    return _entry(
        "audit",
        scope,
        run_id,
        "failing" if summary.get("failing") else "findings" if findings else "clean",
        summary=dict(summary),
        findings=dict(findings),
    )
