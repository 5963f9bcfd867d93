# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of evidence: a file of JSON lines, each of which seals the one before it (private to the collection).

A line is one JSON object in canonical form (sorted keys, no blanks, ASCII). `hash` is SHA-256 over the canonical form of
all its other keys, `prev` the `hash` of the line before it, `n` its number. The first line, of kind `begin`, names the
ledger. Lines are only ever added. docs/operations.md has the keys.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError

SCHEMA = "botops.ledger/1"
PATIENCE = 60.0  # seconds for which another run's writing is waited for; it may be waiting for Vault
BLOCK = 65536

Entry = dict[str, Any]


@dataclass(frozen=True)
class Tail:
    """Where a ledger ends: its id (empty: there is none yet), the last whole line, and what stands torn behind that."""

    ledger: str = ""
    n: int = 0
    hash: str = ""
    torn: bytes = b""


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The one form in which an entry is written and hashed."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()


def digest(entry: Mapping[str, Any]) -> str:
    """What an entry's `hash` has to be."""
    return hashlib.sha256(canonical({key: value for key, value in entry.items() if key != "hash"})).hexdigest()


def seal(entry: Mapping[str, Any], n: int, prev: str) -> Entry:
    """The entry as a line: with schema, number, `prev` and `hash`. Whatever looks like a secret is masked before."""
    line = {**_redact.clean(dict(entry)), "schema": SCHEMA, "n": n, "prev": prev}
    return {**line, "hash": digest(line)}


def parse(raw: bytes) -> Entry | None:
    """A line as an object; None where it is not one."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_whole(entry: Entry | None, raw: bytes) -> bool:
    """Whether a line is what was written: in canonical form, with the right hash."""
    return entry is not None and canonical(entry) == raw and entry.get("hash") == digest(entry)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """The file, made with mode 0600 where it is missing, and this process's alone meanwhile. StateError, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StateError(
                        f"another run has kept the ledger {path} to itself for {PATIENCE:.0f} s",
                        "see who has it open (fuser -v)",
                    ) from None
                time.sleep(0.05)
        yield file
    finally:
        os.close(file)


def tail(file: int, path: Path) -> Tail:
    """Where the open file ends. StateError where its last whole line, or its first, is not what was written."""
    size = os.fstat(file).st_size
    end, text = size, b""
    while end and text.count(b"\n") < 2:
        begin = max(0, end - BLOCK)
        text, end = os.pread(file, end - begin, begin) + text, begin
    whole, _newline, torn = text.rpartition(b"\n")
    if not whole:
        return Tail(torn=torn)
    last = whole.rpartition(b"\n")[2]
    entry, first = parse(last), _first(file)
    if not is_whole(entry, last) or not first:
        raise StateError(
            f"the ledger {path} is not as it was written, so nothing was added to it",
            "run evidence, which names the line; keep the file, but move it away: a new ledger begins",
        )
    return Tail(first, int(entry["n"]), entry["hash"], torn)


def _first(file: int) -> str:
    """The ledger's id, from its first line, or the second where the first was left torn."""
    begin = os.pread(file, BLOCK, 0).split(b"\n")[:2]
    return next((entry["ledger"] for entry in map(parse, begin) if entry and isinstance(entry.get("ledger"), str)), "")


def lines(after: Tail, entries: Sequence[Mapping[str, Any]], begin: Mapping[str, Any]) -> list[Entry]:
    """The lines to add: where there is no ledger yet, one that begins it comes first.

    A line that was left torn stays, and the first line behind it tells what it was.
    """
    new = [dict(entry) for entry in entries]
    if not after.ledger:
        new.insert(0, {**begin, "kind": "begin", "ledger": str(uuid.uuid4())})
    if after.torn:
        new[0]["torn"] = {"bytes": len(after.torn), "sha256": hashlib.sha256(after.torn).hexdigest()}
    sealed, n, prev = [], after.n, after.hash
    for entry in new:
        n += 1
        sealed.append(seal(entry, n, prev))
        prev = sealed[-1]["hash"]
    return sealed


def add(
    file: int, path: Path, after: Tail, sealed: Sequence[Entry], write: Callable[[int, bytes], int] = os.write
) -> None:
    """Writes lines, all of them or none. OSError where the disk does not take them."""
    size = os.fstat(file).st_size
    data = (b"\n" if after.torn else b"") + b"".join(canonical(line) + b"\n" for line in sealed)
    try:
        if write(file, data) != len(data):
            raise OSError(28, "No space left on device")
        os.fsync(file)
        if not size:
            _sync_folder(path.parent)
    except OSError:
        os.ftruncate(file, size)
        raise


def _sync_folder(folder: Path) -> None:
    opened_folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened_folder)
    finally:
        os.close(opened_folder)
