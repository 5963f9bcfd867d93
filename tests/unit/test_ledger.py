# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: lines are added whole or not at all, and whatever is done to it afterwards is found and named by its line."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _argspec,
    _ledger,
    _ledger_add,
    _ledger_check,
    _ledger_entries,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._ledger_head import Heads
from ansible_collections.botops.rotation.plugins.plugin_utils import _ledger as _hook
from hypothesis import given
from hypothesis import strategies as st

from tests.unit._core import AT, MemoryVault, assert_no_token, token

PLACE = "secret/botops_ledger"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "ledger.jsonl"


def add(path: Path, *names: str, heads: Heads | None = None) -> dict[str, Any]:
    """Adds a rotation for each name."""
    entries = [_ledger_entries._entry("rotation", name, "run", "rotated") for name in names]
    return _ledger_add.add(str(path), entries, AT, heads)


def well(path: Path, *names: str, heads: Heads | None = None) -> dict[str, Any]:
    kept = add(path, *names, heads=heads)
    assert kept["problem"] == ""
    return kept


def check(path: Path, heads: Heads | None = None) -> _ledger_check.Checked:
    checked = _ledger_check.check(path.read_bytes())
    if heads:
        _ledger_check.against(checked, heads.read().get(checked.ledger))
    return checked


def heads() -> Heads:
    return Heads(MemoryVault(), PLACE)


class Down(Heads):
    """Vault does not answer."""

    def __init__(self) -> None:
        super().__init__(None, PLACE)

    def read(self) -> dict[str, Any]:
        raise VaultUnavailable("Vault: no answer in time")


def found(checked: _ledger_check.Checked) -> list[tuple[int | None, str]]:
    return [(each["line"], each["what"]) for each in checked.findings]


# --- what is written --------------------------------------------------------------------------------------------------


def test_lines_seal_each_other(path: Path) -> None:
    known = heads()
    first = well(path, "gobot/ibmcloud", "gobot/compose", heads=known)
    second = well(path, "ciebot/ibmcloud", heads=known)
    assert (first["first"], first["last"], second["first"], second["last"]) == (1, 3, 4, 4)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["begin", "rotation", "rotation", "rotation"]
    assert lines[0]["ledger"] == first["ledger"] == second["ledger"]
    for line, before in zip(lines[1:], lines):
        assert line["prev"] == before["hash"]
        rest = json.dumps(
            {key: each for key, each in line.items() if key != "hash"}, sort_keys=True, separators=(",", ":")
        )
        assert line["hash"] == hashlib.sha256(rest.encode()).hexdigest()
    checked = check(path, known)
    assert (checked.findings, checked.remarks, len(checked.entries)) == ([], [], 4)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.lists(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)), min_size=1))
def test_whatever_an_entry_holds_is_verified(entries: list[dict[str, Any]]) -> None:
    after = _ledger.Tail()
    lines = _ledger.lines(after, entries, {"at": AT})
    data = b"".join(_ledger.canonical(line) + b"\n" for line in lines)
    checked = _ledger_check.check(data)
    assert (checked.findings, len(checked.entries)) == ([], len(entries) + 1)


def test_no_token_gets_in(path: Path) -> None:
    secret = token("leaked")
    _ledger_add.add(str(path), [{"kind": "rotation", "reason": f"somebody wrote {secret}"}], AT, None)
    assert_no_token(path.read_text(), secret)


def test_a_line_is_whole_or_not_there(path: Path) -> None:
    well(path, "gobot/ibmcloud")
    before = path.read_bytes()
    with _ledger.opened(path) as file:
        after = _ledger.tail(file, path)
        new = _ledger.lines(after, [{"kind": "rotation"}], {})
        with pytest.raises(OSError, match="No space left"):
            _ledger.add(file, path, after, new, lambda to, data: os.write(to, data[: len(data) // 2]))
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_written_is_a_problem_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = add(tmp_path / "file" / "ledger.jsonl", "gobot/ibmcloud")
    assert "cannot be written" in kept["problem"] and "botops_ledger" in kept["problem"]
    assert (kept["first"], kept["last"], kept["ledger"]) == (None, None, "")


def _many(path: Path, name: str) -> None:
    for number in range(20):
        add(path, f"{name}/{number}", f"{name}/{number}b")


def test_controllers_on_one_file_take_turns(path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    runs = [fork.Process(target=_many, args=(path, str(number))) for number in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    checked = check(path)
    assert (checked.findings, checked.last) == ([], 161)
    pairs = [entry["scope"] for entry in checked.entries[1:]]
    assert all(second == f"{first}b" for first, second in zip(pairs[::2], pairs[1::2]))


def test_two_controllers_have_a_ledger_and_a_head_each(tmp_path: Path) -> None:
    known = heads()
    kept = [well(tmp_path / name / "ledger.jsonl", "gobot/ibmcloud", heads=known) for name in ("one", "two", "one")]
    assert kept[0]["ledger"] == kept[2]["ledger"] != kept[1]["ledger"]
    assert {name: head["n"] for name, head in known.read().items()} == {kept[0]["ledger"]: 3, kept[1]["ledger"]: 2}
    for name in ("one", "two"):
        assert check(tmp_path / name / "ledger.jsonl", known).findings == []


# --- a run that died --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [0, 2], ids=["in the first line", "later"])
@pytest.mark.parametrize("size", [1, 40])
def test_a_torn_line_is_named_and_stays(path: Path, whole: int, size: int) -> None:
    well(path, "gobot/ibmcloud", "gobot/compose")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:whole]) + lines[whole][:size])
    assert (
        whole + 1,
        f"torn: {size} bytes without an end. A run died while it wrote them; the next one that adds a line names them in it",
    ) in found(check(path))
    well(path, "ciebot/ibmcloud")
    assert path.read_bytes().splitlines()[whole] == lines[whole][:size]
    checked = check(path)
    assert checked.findings == [] and [each["line"] for each in checked.remarks] == [whole + 1]
    well(path, "again/ibmcloud")
    assert check(path).findings == []


def test_a_line_put_where_one_was_torn_is_found(path: Path) -> None:
    well(path, "gobot/ibmcloud")
    with path.open("ab") as file:
        file.write(b'{"kind":"ro')
    well(path, "gobot/compose")
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:2], b'{"kind":"xx', *lines[3:], b""]))
    assert found(check(path)) == [(3, "is no line of a ledger: it was changed or put in")]


def test_lines_that_vault_heard_of_late_are_named_by_the_next(path: Path) -> None:
    known = heads()
    well(path, "gobot/ibmcloud", heads=known)
    assert "could not be read" in add(path, "gobot/compose", heads=Down())["problem"]
    checked = check(path, known)
    (finding,) = found(checked)
    assert finding[1].startswith("number 3 is not known to Vault: a run could not tell it, or they were put in")
    well(path, "ciebot/ibmcloud", heads=known)
    checked = check(path, known)
    assert checked.findings == []
    (remark,) = checked.remarks
    assert remark["what"] == "number 3 is of a run that could not tell Vault; number 4 says so"


# --- tampering --------------------------------------------------------------------------------------------------------


def edit(line: bytes, reseal: bool = False, **more: Any) -> bytes:
    entry = {**json.loads(line), **more}
    if reseal:
        entry["hash"] = _ledger.digest(entry)
    return _ledger.canonical(entry)


def chained(lines: list[bytes]) -> list[bytes]:
    """Seals all lines anew, as somebody would who knows how."""
    made, prev = [], ""
    for number, line in enumerate(lines, 1):
        made.append(edit(line, True, n=number, prev=prev))
        prev = json.loads(made[-1])["hash"]
    return made


CHANGES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], list[tuple[int | None, str]]]] = {
    "changed": (
        lambda lines: [*lines[:2], edit(lines[2], outcome="failed"), *lines[3:]],
        [(3, "number 3 was changed")],
    ),
    "changed and sealed": (
        lambda lines: [*lines[:2], edit(lines[2], True, outcome="failed"), *lines[3:]],
        [(3, "number 3 is not the line that number 4 was written after")],
    ),
    "one byte": (
        lambda lines: [*lines[:2], lines[2].replace(b"rotated", b"rotatee"), *lines[3:]],
        [(3, "number 3 was changed")],
    ),
    "a blank": (lambda lines: [*lines[:2], lines[2] + b" ", *lines[3:]], [(3, "number 3 was changed")]),
    "garbage": (lambda lines: [*lines[:2], b"\xff", *lines[3:]], [(3, "is no line"), (4, "number 3 is missing")]),
    "missing": (lambda lines: lines[:2] + lines[3:], [(3, "number 3 is missing before number 4")]),
    "two missing": (lambda lines: lines[:1] + lines[3:], [(2, "numbers 2 to 3 are missing before number 4")]),
    "the first missing": (
        lambda lines: lines[1:],
        [(1, "number 1 is missing before number 2"), (1, "the first line does not begin a ledger")],
    ),
    "swapped": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        [(2, "number 3 stands where number 2 is due"), (3, "number 2 stands where number 4 is due")],
    ),
    "moved to the end": (
        lambda lines: [*lines[:2], *lines[3:], lines[2]],
        [(3, "number 4 stands where number 3 is due"), (5, "number 3 stands where number 6 is due")],
    ),
    "twice": (lambda lines: [*lines[:3], lines[2], *lines[3:]], [(4, "number 3 stands in line 3 already")]),
    "an empty line": (lambda lines: [*lines[:2], b"", *lines[2:]], [(3, "is no line of a ledger")]),
    "nothing left": (lambda lines: [], [(None, "there is no line in it")]),
    "the end cut off": (lambda lines: lines[:3], [(None, "Vault knows 5 lines, so numbers 4 to 5 are missing")]),
    "made anew": (
        lambda lines: chained([*lines[:2], edit(lines[2], scope="gobot/other"), *lines[3:]]),
        [(None, "number 5 is not the line that Vault knows")],
    ),
    "made anew, and shorter": (
        lambda lines: chained(lines[:2] + lines[3:]),
        [(None, "Vault knows 5 lines, so number 5 is missing")],
    ),
    "put in at the end": (
        lambda lines: chained([*lines, lines[2]]),
        [(None, "number 6 is not known to Vault")],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_tampering_is_found_and_named(path: Path, name: str) -> None:
    known = heads()
    well(path, "gobot/ibmcloud", "gobot/compose", heads=known)
    well(path, "ciebot/ibmcloud", "ciebot/compose", heads=known)
    assert check(path, known).findings == []
    change, due = CHANGES[name]
    path.write_bytes(b"".join(line + b"\n" for line in change(path.read_bytes().splitlines())))
    checked = check(path)
    if checked.ledger:
        _ledger_check.against(checked, known.read()[checked.ledger])
    names = found(checked)
    for line, words in due:
        assert any(line == at and words in what for at, what in names), names
    if not any(line is None for line, _words in due):  # the chain by itself tells, and of no other line
        assert len([at for at, _what in names if at]) == len(due), names


@pytest.mark.parametrize("name", ["the end cut off", "made anew", "made anew, and shorter"])
def test_a_run_that_finds_it_says_so_and_leaves_the_head(path: Path, name: str) -> None:
    known = heads()
    well(path, "gobot/ibmcloud", "gobot/compose", "ciebot/ibmcloud", "ciebot/compose", heads=known)
    before = known.read()
    path.write_bytes(b"".join(line + b"\n" for line in CHANGES[name][0](path.read_bytes().splitlines())))
    kept = add(path, "gobot/ibmcloud", heads=known)
    assert "run evidence" in kept["problem"] and kept["last"], kept
    assert known.read() == before and check(path, known).findings


def test_a_run_adds_nothing_to_an_end_that_was_changed(path: Path) -> None:
    well(path, "gobot/ibmcloud")
    path.write_bytes(path.read_bytes().replace(b"rotated", b"rotatee"))
    before = path.read_bytes()
    assert "not as it was written" in add(path, "gobot/compose")["problem"]
    assert path.read_bytes() == before


def test_a_ledger_that_is_gone_is_missed_by_the_next_run(path: Path) -> None:
    known = heads()
    old = well(path, "gobot/ibmcloud", heads=known)
    path.unlink()
    kept = add(path, "gobot/compose", heads=known)
    assert old["ledger"] in kept["problem"] and "not there any more" in kept["problem"]
    assert set(known.read()) == {old["ledger"], kept["ledger"]}
    assert check(path, known).findings == []  # by itself it is well; evidence asks for the other


# --- the hook of the actions ------------------------------------------------------------------------------------------


class Vaults:
    """A session's Vault: one that answers, or not."""

    def __init__(self, alive: bool, kv: int = 2) -> None:
        self.memory, self.alive, self.kv = MemoryVault(), alive, kv

    def now(self) -> Any:
        if not self.alive:
            raise VaultUnavailable("Vault: no answer in time")
        return self.memory.now()

    def identity(self) -> dict[str, str]:
        self.now()
        return {"name": "approle (rotation)", "entity_id": "e-1"}

    def locate(self, path: str) -> Any:
        return SimpleNamespace(kv=self.kv)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)


def keep(path: Path | None, vault: Vaults, head: str | None = PLACE, awx: dict[str, str] | None = None) -> Any:
    """What the hook gives, and what it warned of."""
    warned: list[str] = []
    action = SimpleNamespace(variable=lambda name: (awx or {}).get(name, _argspec.UNSET), warn=warned.append)
    options = {"ledger": path and str(path), "ledger_head": head, "record_mount": None, "report_dir": "reports"}
    entry = _ledger_entries._entry("rotation", "gobot/ibmcloud", "run", "rotated")
    return _hook.keep(action, SimpleNamespace(vault=vault), options, [entry]), warned


def last(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text().splitlines()[-1])


def test_the_hook_tells_who_it_was(path: Path) -> None:
    vault = Vaults(True)
    kept, warned = keep(path, vault, awx={"awx_user_name": "anna", "awx_job_id": "7"})
    assert (kept["problem"], warned) == ("", []) and Heads(vault, PLACE).read()[kept["ledger"]]["n"] == 2
    by = last(path)["by"]
    assert by["vault"] == {"name": "approle (rotation)", "entity_id": "e-1"}
    assert by["awx"] == {"user_name": "anna", "job_id": "7"} and by["login"] and by["host"]


def test_without_vault_the_line_is_written_and_the_head_is_missed(path: Path) -> None:
    kept, _warned = keep(path, Vaults(False))
    assert kept["last"] == 2 and "head in Vault was not written" in kept["problem"] and "vault" not in last(path)["by"]
    kept, _warned = keep(path, Vaults(False), head=None)
    assert kept["last"] == 3 and kept["problem"] == "", "where there is no head, none is missed"


def test_a_head_on_kv_v1_is_refused(path: Path) -> None:
    kept, _warned = keep(path, Vaults(True, kv=1))
    assert kept["last"] == 2 and "is on KV v1" in kept["problem"]


def test_a_job_of_awx_misses_the_ledger_of_the_one_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each runs in a container of its own, with another name: where nothing is mounted, the file is gone each time."""
    monkeypatch.setenv("AWX_HOST", "https://awx.example.com")
    known = heads()
    for host in ("job-7", "job-8"):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        kept = add(path, "gobot/ibmcloud", heads=known)
        path.unlink()
    assert f"{path}, which is not there any more" in kept["problem"]
    assert {head["host"] for head in known.read().values()} == {"https://awx.example.com"}


def test_a_job_of_awx_whose_ledger_is_thrown_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept, (warning,) = keep(None, Vaults(True), awx={"awx_job_id": "7"})
    assert kept["path"] == "reports/ledger.jsonl" and "set botops_ledger" in warning
