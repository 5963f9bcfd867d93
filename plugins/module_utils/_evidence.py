# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence for a year: what ledgers prove of each installation, and whether they can be believed (private, pure).

Its schema is `botops.evidence/1`: docs/report.md lists every key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _ledger_check
from ansible_collections.botops.rotation.plugins.module_utils._ledger import Entry

SCHEMA = "botops.evidence/1"
RENEWALS = ("rotation", "refresh")
RENEWED = ("rotated", "refreshed")


@dataclass
class Looked:
    """A ledger that was looked at, or that is missing. `head`: what Vault says of it, in words."""

    path: str
    checked: _ledger_check.Checked = field(default_factory=_ledger_check.Checked)
    head: str = ""


def look(path: str, data: bytes | None, problem: str, heads: Mapping[str, Any] | None, why: str) -> Looked:
    """A file, of which `data` is None where it could not be read. `heads` is None where Vault has none, for the reason `why`."""
    if data is None:
        looked = Looked(path)
        looked.checked.find(None, f"cannot be read: {problem}")
        return looked
    looked = Looked(path, _ledger_check.check(data))
    if heads is None:
        looked.head = (
            f"not compared with Vault: {why}. That the end was cut off, or all of it made anew, would not be noticed"
        )
    elif looked.checked.ledger:
        _ledger_check.against(looked.checked, heads.get(looked.checked.ledger))
        looked.head = "compared with its head in Vault"
    return looked


def missing(looked: Iterable[Looked], heads: Mapping[str, Any], accepted: Iterable[str]) -> list[Looked]:
    """The ledgers that Vault knows and that nobody has brought. One that is accepted is a remark."""
    have, accepted = {each.checked.ledger for each in looked}, set(accepted)
    found = []
    for name, head in sorted(heads.items()):
        if name in have:
            continue
        lost = Looked(f"{head.get('path')} on {head.get('host')}", _ledger_check.Checked(name), "known to Vault")
        what = f"was not looked at: Vault knows {head.get('n')} lines of it, the last of {head.get('at')}"
        if name in accepted:
            lost.checked.remark(None, f"{what}; that it is missing was accepted")
        else:
            lost.checked.find(None, f"{what}; bring the file (-e ledger=FILE,FILE), or -e accept_missing={name}")
        found.append(lost)
    return found


def assemble(looked: list[Looked], rows: Iterable[Mapping[str, str]], year: int, at: str) -> dict[str, Any]:
    """The evidence as data. `rows`: {id, name} of each installation of the registry."""
    entries = sorted(
        (entry for each in looked for entry in each.checked.entries), key=lambda entry: str(entry.get("at"))
    )
    names = {row["id"]: row["name"] for row in rows}
    scopes = {
        entry["scope"]
        for entry in entries
        if entry.get("kind") in (*RENEWALS, "rollback", "revoke") and _in(entry, year)
    }
    ledgers = [_ledger(each) for each in looked]
    installations = [
        _installation(name, names.get(name, ""), name in names, entries, year)
        for name in [*names, *sorted(scopes - names.keys())]
    ]
    renewed = sum(row["status"] == "renewed" for row in installations)
    findings = sum(len(each["findings"]) for each in ledgers)
    return {
        "schema": SCHEMA,
        "year": year,
        "at": at,
        "ledgers": ledgers,
        "installations": installations,
        "audits": [_event(entry) for entry in entries if entry.get("kind") == "audit" and _in(entry, year)],
        "summary": {
            "installations": len(names),
            "renewed": renewed,
            "lines": sum(each["lines"] for each in ledgers),
            "findings": findings,
            "intact": not findings,
        },
    }


def _in(entry: Entry, year: int) -> bool:
    return str(entry.get("at", ""))[:4] == f"{year:04}"


def _ledger(looked: Looked) -> dict[str, Any]:
    entries = looked.checked.entries
    return {
        "ledger": looked.checked.ledger,
        "path": looked.path,
        "lines": len(entries),
        "from": str(entries[0].get("at", "")) if entries else "",
        "to": str(entries[-1].get("at", "")) if entries else "",
        "hash": entries[-1]["hash"] if entries else "",
        "head": looked.head,
        "findings": looked.checked.findings,
        "remarks": looked.checked.remarks,
    }


def _installation(name: str, words: str, known: bool, entries: list[Entry], year: int) -> dict[str, Any]:
    own = [entry for entry in entries if entry.get("scope") == name and entry.get("kind") != "audit"]
    events = [_event(entry) for entry in own if _in(entry, year)]
    renewals = [event for event in events if is_renewal(event)]
    before = [entry for entry in own if is_renewal(entry) and str(entry.get("at", ""))[:4] <= f"{year:04}"]
    return {
        "id": name,
        "name": words,
        "known": known,
        "status": "renewed" if renewals else "not renewed",
        "last_renewed": str(before[-1]["at"]) if before else "",
        "events": events,
    }


def is_renewal(entry: Mapping[str, Any]) -> bool:
    """Whether a token was proven to be new: every proof of a rotation held."""
    return entry.get("kind") in RENEWALS and entry.get("outcome") in RENEWED


def _event(entry: Entry) -> dict[str, Any]:
    """What is shown of a line; what a later version of the tool wrote may lack any of it."""
    return {
        **{key: entry.get(key) or "" for key in ("at", "kind", "scope", "outcome", "reason", "run_id", "rotation_id")},
        **{key: entry.get(key) or {} for key in ("tokens", "proofs", "by", "summary")},
        "n": entry["n"],
        "hash": entry["hash"],
    }


def who(by: Mapping[str, Any]) -> str:
    """By whom, in words: what Vault says first, for the rest is what the run itself says."""
    vault, awx = by.get("vault") or {}, by.get("awx") or {}
    parts = []
    if vault:
        parts.append("Vault " + ", entity ".join(each for each in (vault.get("name"), vault.get("entity_id")) if each))
    if awx:
        parts.append(f"AWX user {awx.get('user_name') or 'nobody (a schedule)'}, job {awx.get('job_id', '?')}")
    if by.get("login"):
        parts.append(f"{by['login']} on {by.get('host')}")
    return "; ".join(parts)


def failure(evidence: Mapping[str, Any]) -> str:
    """Why the run ends non-zero, in a line; empty where every ledger is intact."""
    found = [words(each, finding) for each in evidence["ledgers"] for finding in each["findings"]]
    if not found:
        return ""
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return f"the ledger is not intact: {'; '.join(found[:3])}{more}; next: see what is listed below, keep the file as it is"


def words(ledger: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    """A finding or remark with its place."""
    place = ledger["path"] if finding["line"] is None else f"{ledger['path']}, line {finding['line']}"
    return f"{place}: {finding['what']}"
