# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spool takes a token whole or not at all, in a directory that is safe, and shows none; patience has an end."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _spool
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError, VaultDenied, VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._spool import Spool
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.sandbox.tokens import fingerprint
from tests.unit._core import assert_no_token
from tests.unit._fuzz import fuzz

ROW = "gobot/ibmcloud"
DOWN = VaultUnavailable("Vault: could not write generic/x: HTTP 503, Vault is sealed", "unseal Vault, then run again")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    (tmp_path / "spool").mkdir(mode=0o700)
    return Spool(str(tmp_path / "spool"))


class Time:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(_spool, "time", made)
    return made


def failing(time: Time, times: int, costs: float = 0.0) -> Callable[[], str]:
    """Something that Vault does not answer so many times, each of which takes so many seconds."""
    left = [times]

    def attempt() -> str:
        time.sleep(costs)
        if left[0]:
            left[0] -= 1
            raise DOWN
        return "done"

    return attempt


def test_patience_is_rewarded(time: Time) -> None:
    said: list[str] = []
    assert _spool.patiently(failing(time, 4), 120, said.append) == "done"
    assert said and "is sealed" in said[0] and "for 120 s more" in said[0]


@pytest.mark.parametrize("costs", [0.0, 8.0, 30.0])
def test_patience_has_an_end_and_tells_of_itself(time: Time, costs: float) -> None:
    said: list[str] = []
    began = time.now
    with pytest.raises(VaultUnavailable):
        _spool.patiently(failing(time, 1000, costs), 120, said.append)
    assert 120 <= time.now - began <= 120 + 2 * costs
    assert 120 / (_spool.LONGEST_PAUSE + costs + _spool.SAY) <= len(said) <= 13


def test_no_patience_is_one_attempt(time: Time) -> None:
    with pytest.raises(VaultUnavailable):
        _spool.patiently(failing(time, 1), 0, pytest.fail)


def test_a_refusal_is_not_waited_for(time: Time) -> None:
    def attempt() -> None:
        raise VaultDenied("no")

    with pytest.raises(VaultDenied):
        _spool.patiently(attempt, 120, pytest.fail)
    assert time.now == 1000.0


def test_what_is_put_in_is_found_and_gone_after_its_removal(spool: Spool) -> None:
    token = tokens.bot()
    path = Path(spool.put(ROW, "bot", token))
    assert path.name == f"gobot_ibmcloud_{fingerprint(token)}.json" and path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["token"] == token
    assert spool.put(ROW, "bot", token) == str(path), "twice is once"
    entry = spool.newest(ROW, "bot")
    assert (entry.token, entry.fingerprint, entry.problem) == (token, fingerprint(token), "")
    assert_no_token(repr(entry) + _spool.words(spool, entry), token)
    assert fingerprint(token) in _spool.words(spool, entry) and "from_spool=true" in _spool.words(spool, entry)
    with path.open("rb") as held:
        spool.remove(entry)
        assert not held.read().strip(b"\0"), "it is overwritten before it is taken away"
    assert os.listdir(spool.directory) == []


def test_the_newest_of_the_installation_counts(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    older, newer, user = tokens.bot(), tokens.bot(), tokens.user()
    for token, at in ((newer, "2026-11-23T03:00:00Z"), (older, "2026-11-23T02:00:00Z")):
        path = Path(spool.put(ROW, "bot", token))
        path.write_text(json.dumps({**json.loads(path.read_text()), "at": at}))
    spool.put(ROW, "user", user)
    assert (spool.newest(ROW, "bot").token, spool.newest(ROW, "user").token) == (newer, user)
    with pytest.raises(StateError, match="holds no bot token of gobot/compose"):
        spool.newest("gobot/compose", "bot")


@pytest.mark.parametrize("case", ["missing", "a file", "a link", "open to the group", "open to others"])
def test_a_directory_that_is_not_safe_is_refused(tmp_path: Path, case: str) -> None:
    place = tmp_path / "spool"
    if case == "a file":
        place.write_text("")
    elif case == "a link":
        (tmp_path / "real").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "real")
    elif case != "missing":
        place.mkdir()
        place.chmod(0o750 if "group" in case else 0o705)
    token = tokens.bot()
    for act in (Spool(str(place)).check, Spool(str(place)).entries, lambda: Spool(str(place)).put(ROW, "bot", token)):
        with pytest.raises(StateError) as refusal:
            act()
        assert str(place) in str(refusal.value) and "0700" in refusal.value.next_step
    assert token not in "".join(each.read_text() for each in tmp_path.rglob("*") if each.is_file())
    error = _spool.given_up(DOWN, Spool(str(place)), ROW, "bot", token)
    assert "was not stored" in error.message and "cannot be used" in error.message
    assert_no_token(str(error), token)


def test_another_users_directory_is_refused(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StateError, match="belongs to the user"):
        spool.check()


def test_a_full_disk_leaves_nothing_behind(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    token = tokens.bot()
    error = _spool.given_up(DOWN, spool, ROW, "bot", token)
    assert "was not stored" in error.message and "No space left" in error.message
    assert os.listdir(spool.directory) == []


def test_what_a_run_that_died_has_left_is_no_hindrance(spool: Spool) -> None:
    token = tokens.bot()
    file = Path(spool.put(ROW, "bot", token))
    file.rename(file.with_name(f".{file.name}.new"))
    assert spool.entries() == []
    spool.put(ROW, "bot", token)
    assert os.listdir(spool.directory) == [file.name]


def test_a_link_in_the_spool_is_not_followed(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("{}")
    Path(spool.directory, "x.json").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(Path(spool.directory, "y.json"), 0o600)
    assert all(entry.problem for entry in spool.entries()) and len(spool.entries()) == 2


@fuzz()
@given(
    st.binary(max_size=60)
    | st.fixed_dictionaries(
        {},
        optional={
            "schema": st.sampled_from([1, 2, "1"]),
            "installation": st.sampled_from([ROW, "x", 3, None]),
            "name": st.sampled_from(["bot", "user", "x", 1]),
            "token": st.sampled_from([tokens.bot(), "", 7]),
            "at": st.sampled_from(["2026-11-23T02:00:00Z", None]),
        },
    ).map(lambda data: json.dumps(data).encode())
)
def test_whatever_lies_in_the_spool_is_an_entry_with_words(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        file = Path(directory, "a.json")
        file.write_bytes(data)
        file.chmod(0o600)
        (entry,) = Spool(directory).entries()
        said = _spool.words(Spool(directory), entry)
        assert "next:" in said and bool(entry.problem) != bool(entry.installation)
        if entry.token:
            assert_no_token(said, entry.token)


@pytest.mark.parametrize("where", [True, False])
@pytest.mark.parametrize("name", ["bot", "user"])
def test_the_error_says_where_the_token_is(spool: Spool, where: bool, name: str) -> None:
    token: Any = tokens.bot() if name == "bot" else tokens.user()
    error = _spool.given_up(DOWN, spool if where else None, ROW, name, token)
    said = str(error)
    assert isinstance(error, VaultUnavailable)
    assert "is sealed" in said and "unseal" in said and fingerprint(token) in said
    assert ("from_spool=true" in said) == where and ("was not stored" in said) != where
    assert ("-e token=user" in said) == (name == "user") and ("botops_spool_dir" in said) != where
    assert_no_token(said, token)
