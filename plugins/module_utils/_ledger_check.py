# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a ledger: which lines were changed, are missing or stand elsewhere (private to the collection, pure).

What it finds is named by the file's line, as an editor counts. A *finding* is what should not be; a *remark* what the
ledger itself explains: a line that a dying run left torn, lines that Vault heard of late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _ledger
from ansible_collections.botops.rotation.plugins.module_utils._ledger import Entry


@dataclass
class Checked:
    """A ledger that was looked at. `entries`: the lines that are as they were written, in the order of the file.

    A finding is {line: number or None, what: words}; so is a remark.
    """

    ledger: str = ""
    entries: list[Entry] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last(self) -> int:
        return max((entry["n"] for entry in self.entries), default=0)

    def find(self, line: int | None, what: str) -> None:
        self.findings.append({"line": line, "what": what})

    def remark(self, line: int | None, what: str) -> None:
        self.remarks.append({"line": line, "what": what})


def check(data: bytes) -> Checked:
    """Verifies the text of a ledger by itself, without its head in Vault."""
    checked = Checked()
    *raws, torn = data.split(b"\n")
    lines = [(number, raw, _ledger.parse(raw)) for number, raw in enumerate(raws, 1)]
    numbers = {entry["n"] for _line, _raw, entry in lines if _numbered(entry)}
    seen: dict[int, tuple[int, Entry]] = {}
    left: tuple[int, bytes] | None = None  # a line that is none; the next may tell that a run died while it wrote it
    for line, raw, entry in lines:
        if not _numbered(entry):
            _report_left(checked, left, None)
            left = (line, raw)
            continue
        _report_left(checked, left, entry)
        left = None
        if _ledger.is_whole(entry, raw):
            checked.entries.append(entry)
        else:
            checked.find(line, f"number {entry['n']} was changed: it is not what its hash was made of")
        _follows(checked, line, entry, seen, numbers)
    _report_left(checked, left, None)
    if torn:
        checked.find(
            len(raws) + 1,
            f"torn: {len(torn)} bytes without an end. A run died while it wrote them; the next one that adds a line names "
            "them in it",
        )
    _name(checked, lines)
    return checked


def _numbered(entry: Entry | None) -> bool:
    number = entry.get("n") if entry else None
    return isinstance(number, int) and not isinstance(number, bool)


def _name(checked: Checked, lines: list[tuple[int, bytes, Entry | None]]) -> None:
    """The ledger's id, which its first line has."""
    first = next((entry for _line, _raw, entry in lines if _numbered(entry)), None)
    if not first:
        checked.find(None, "there is no line in it")
    elif first.get("kind") == "begin" and isinstance(first.get("ledger"), str):
        checked.ledger = first["ledger"]
    else:
        checked.find(1, "the first line does not begin a ledger: what stood before it is missing")


def _report_left(checked: Checked, left: tuple[int, bytes] | None, after: Entry | None) -> None:
    """A line that is none: torn, as the one after it says, or changed."""
    if left is None:
        return
    line, raw = left
    said = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    if after and after.get("torn") == said:
        checked.remark(line, f"torn: a run died while it wrote it; number {after['n']} says so")
    else:
        checked.find(line, "is no line of a ledger: it was changed or put in")


def _follows(checked: Checked, line: int, entry: Entry, seen: dict[int, tuple[int, Entry]], numbers: set[int]) -> None:
    """Whether a line is the one that was written after those `seen`: number -> the file's line, and the entry."""
    n, due = entry["n"], max(seen, default=0) + 1
    missing = [number for number in range(due, n) if number not in numbers]
    if missing:
        checked.find(line, f"{spans(missing)} missing before number {n}")
    if n in seen:
        checked.find(line, f"number {n} stands in line {seen[n][0]} already: it was put in")
    elif n < due or len(missing) < n - due:
        checked.find(line, f"number {n} stands where number {due} is due: the lines were reordered")
    if n == 1 and entry.get("prev") != "":
        checked.find(line, "number 1 was written after another line, which is missing")
    if n - 1 in seen and n not in seen and entry.get("prev") != seen[n - 1][1].get("hash"):
        checked.find(
            seen[n - 1][0], f"number {n - 1} is not the line that number {n} was written after: it was replaced"
        )
    seen.setdefault(n, (line, entry))


def spans(numbers: Iterable[int]) -> str:
    """`number 4 is`, or `numbers 4 to 6, 9 are`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    one = len(found) == 1 and found[0][0] == found[0][1]
    words = ", ".join(f"{first} to {last}" if first != last else str(first) for first, last in found)
    return f"number {words} is" if one else f"numbers {words} are"


def against(checked: Checked, head: Mapping[str, Any] | None) -> None:
    """Compares a ledger with its head in Vault (None: Vault knows none of it), and adds what is found."""
    said = [
        (entry["n"], entry["unconfirmed"]) for entry in checked.entries if isinstance(entry.get("unconfirmed"), dict)
    ]
    for n, late in said:
        checked.remark(
            None,
            f"{spans(range(int(late['from']), int(late['to']) + 1))} of a run that could not tell Vault; number {n} says so",
        )
    if head is None:
        checked.find(
            None, "Vault knows no ledger of this id: its head was not written, or the file is not that of a run"
        )
        return
    n, last = int(head["n"]), checked.last
    if n > last:
        checked.find(None, f"the end was cut off: Vault knows {n} lines, so {spans(range(last + 1, n + 1))} missing")
        return
    if not any(entry["n"] == n and entry["hash"] == head["hash"] for entry in checked.entries):
        checked.find(
            None, f"number {n} is not the line that Vault knows: the file was replaced or made anew from there on"
        )
    elif n < last:
        checked.find(
            None,
            f"{spans(range(n + 1, last + 1))} not known to Vault: a run could not tell it, or they were put in. The next "
            "run that adds a line names them in it",
        )
