# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds to a ledger what a run did, and tells Vault where it ends now (private to the collection).

First the file, then its head in Vault: a run that dies in between, or that Vault does not answer, leaves lines that Vault
does not know, and the next line says so. The head is never moved over a file that is not the one it was made from.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _ledger
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._ledger_head import Head, Heads

ADVICE = "run evidence, which tells what is missing"


def add(path: str, entries: Sequence[Mapping[str, Any]], at: str, heads: Heads | None) -> dict[str, Any]:
    """Adds the entries; what a report says of it: {path, ledger, first, last, hash, problem}.

    `problem` is empty where file and head are well. It raises nothing that a person could bring about.
    """
    file = Path(path).resolve()
    kept: dict[str, Any] = {"path": str(path), "ledger": "", "first": None, "last": None, "hash": "", "problem": ""}
    place = {"host": _host(), "path": str(file)}
    try:
        with _ledger.opened(file) as opened:
            after = _ledger.tail(opened, file)
            known, problem = _read(heads)
            own = known.get(after.ledger) if after.ledger else None
            noted, doubt = _compare(opened, after, own, known, place, heads is not None and not problem)
            new = [{**entry, "at": at} for entry in entries]
            sealed = _ledger.lines(after, [{**new[0], **noted}, *new[1:]], {"at": at, **place})
            _ledger.add(opened, file, after, sealed)
            ledger = after.ledger or sealed[0]["ledger"]
            kept.update(ledger=ledger, first=sealed[0]["n"], last=sealed[-1]["n"], hash=sealed[-1]["hash"])
            if heads and not problem and not (doubt and own):
                problem = _tell(heads, ledger, {"n": kept["last"], "hash": kept["hash"], "at": at, **place}, own)
            kept["problem"] = doubt or problem
    except OSError as exc:
        kept["problem"] = (
            f"the ledger {file} cannot be written: {exc.strerror}; next: set botops_ledger to a file that can be"
        )
    except RotationError as exc:
        kept["problem"] = str(exc)
    return kept


def _host() -> str:
    """Where the ledger is kept. A job's own container has a new name each time: that is its AWX's address, which stays.

    So a job misses the ledger that the one before it wrote, where no folder is mounted that outlives jobs.
    """
    return os.environ.get("AWX_HOST") or socket.gethostname()


def _read(heads: Heads | None) -> tuple[dict[str, Head], str]:
    try:
        return (heads.read() if heads else {}), ""
    except RotationError as exc:
        return {}, f"the ledger's head in Vault could not be read: {exc}"


def _tell(heads: Heads, ledger: str, head: Head, before: Head | None) -> str:
    try:
        heads.put(ledger, head, before)
        return ""
    except RotationError as exc:
        return f"the ledger's head in Vault could not be written: {exc}"


def _compare(
    file: int, after: _ledger.Tail, own: Head | None, known: Mapping[str, Head], place: Mapping[str, str], asked: bool
) -> tuple[dict[str, Any], str]:
    """What the new lines have to say of the ones before them, and what is wrong, against what Vault knows."""
    if not asked:
        return {}, ""
    if not after.ledger:
        return {}, _vanished(known, place)
    if own is None:
        return {"unconfirmed": {"from": 1, "to": after.n}}, ""
    if own["n"] > after.n:
        return {}, (
            f"the ledger {place['path']} ends with line {after.n}, and Vault knows {own['n']}: its end was cut off; "
            f"next: {ADVICE}"
        )
    if own["n"] == after.n and own["hash"] == after.hash:
        return {}, ""
    if own["n"] < after.n and _hash_of(file, own["n"]) == own["hash"]:
        return {"unconfirmed": {"from": own["n"] + 1, "to": after.n}}, ""
    return {}, (
        f"line {own['n']} of the ledger {place['path']} is not the one that Vault knows: the file was replaced; "
        f"next: {ADVICE}"
    )


def _vanished(known: Mapping[str, Head], place: Mapping[str, str]) -> str:
    """What was in this place and is not any more."""
    for name, head in known.items():
        if (head.get("host"), head.get("path")) == (place["host"], place["path"]):
            return (
                f"Vault knows a ledger {name} of {head['n']} lines in {place['path']}, which is not there any more; a new "
                f"one has begun; next: {ADVICE}, and give it the old file, too"
            )
    return ""


def _hash_of(file: int, n: int) -> str:
    """The hash of the line with a number; empty where there is none."""
    with open(f"/proc/self/fd/{file}", "rb") as whole:
        found = (_ledger.parse(raw) or {} for raw in whole)
        return next((str(entry.get("hash")) for entry in found if entry.get("n") == n), "")
