# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement about a lock's owner, without Vault."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._errors import LockError
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import (
    SCHEMA,
    Holder,
    Owner,
    current_owner,
    is_alive,
    is_gone,
    moment,
    stamp,
    why_free,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit._fuzz import fuzz

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=timezone.utc)
HERE = Owner("alice", "ctl", "boot-1", "pid:[1]", 100, 5000)
OTHER = replace(HERE, pid=200, start_time=7000)


def dead(pid: int, start_time: int) -> bool:
    return False


def living(pid: int, start_time: int) -> bool:
    return True


def held_by(owner: Owner, expires: datetime = NOW + timedelta(minutes=5)) -> Holder:
    return Holder("n1", owner, NOW - timedelta(minutes=1), expires)


def test_gone_is_an_owner_of_this_boot_and_namespace_whose_process_is_not_there() -> None:
    assert is_gone(OTHER, HERE, dead)
    assert not is_gone(OTHER, HERE, living)


@pytest.mark.parametrize("unlike", [{"boot_id": "boot-2"}, {"pid_ns": "pid:[2]"}])
def test_gone_is_not_proven_from_another_place(unlike: dict[str, str]) -> None:
    assert not is_gone(replace(OTHER, **unlike), HERE, dead)


@pytest.mark.parametrize("unknown", [{"boot_id": ""}, {"pid_ns": ""}, {"pid": 0}, {"start_time": 0}])
def test_gone_is_not_proven_by_what_is_not_known(unknown: dict) -> None:
    place = {key: value for key, value in unknown.items() if key in ("boot_id", "pid_ns")}
    assert not is_gone(replace(OTHER, **unknown), replace(HERE, **place), dead)


def test_a_reused_pid_is_another_process() -> None:
    asked = []
    is_gone(OTHER, HERE, lambda *process: bool(asked.append(process)))
    assert asked == [(200, 7000)]
    mine = current_owner(os.getpid())
    assert is_alive(mine.pid, mine.start_time)
    assert not is_alive(mine.pid, mine.start_time + 1)


def test_a_lock_is_free_when_nobody_holds_it_or_the_holder_is_past() -> None:
    assert why_free(None, NOW, HERE, living) == ""
    assert why_free(held_by(OTHER), NOW, HERE, living) is None
    assert why_free(held_by(OTHER), NOW, HERE, dead) == "its process is gone"
    elsewhere = replace(OTHER, boot_id="boot-2")
    assert why_free(held_by(elsewhere), NOW, HERE, dead) is None
    assert "expired" in (why_free(held_by(elsewhere, NOW), NOW, HERE, living) or "")
    assert why_free(held_by(elsewhere, NOW + timedelta(seconds=1)), NOW, HERE, living) is None


@given(st.builds(Owner), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.text(min_size=1))
def test_a_holder_survives_the_way_through_vault(owner: Owner, at: datetime, nonce: str) -> None:
    at = at.replace(tzinfo=timezone.utc, microsecond=0)
    holder = Holder(nonce, owner, at, at + timedelta(seconds=60))
    assert Holder.from_dict(holder.to_dict()) == holder
    assert moment(stamp(at)) == at


LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
PLAIN = LEAF | LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(st.text(max_size=8), LEAF, max_size=2)
TIMES = st.sampled_from([stamp(NOW), "2026-11-23", "yesterday", "9999-12-31T23:59:59Z", ""]) | PLAIN
LOCKS = st.fixed_dictionaries(  # mostly what a lock has, with whatever in place of some of it
    {},
    optional={
        "schema": st.just(SCHEMA) | PLAIN,
        "nonce": st.sampled_from(["", "n1", "n2"]) | PLAIN,
        "owner": st.dictionaries(st.sampled_from([field.name for field in fields(Owner)]), PLAIN, max_size=3) | PLAIN,
        "acquired": TIMES,
        "expires": TIMES,
    },
)


@fuzz()
@given(LOCKS)
def test_what_is_no_lock_is_told_from_a_free_one(data: dict) -> None:
    try:
        holder = Holder.from_dict(data)
    except (KeyError, ValueError):
        return
    assert (holder is None) == (data.get("nonce") == "")
    assert holder is None or (str(holder.owner) and Holder.from_dict(holder.to_dict()) == holder)


def test_fields_of_a_wrong_type_prove_nothing() -> None:
    data = {**held_by(OTHER).to_dict(), "owner": {"pid": "200", "boot_id": 7, "pid_ns": "pid:[1]", "login": "bob"}}
    holder = Holder.from_dict(data)
    assert holder is not None and holder.owner == Owner("bob", pid_ns="pid:[1]")
    assert str(holder.owner) == "bob on an unknown host (pid unknown)"


def test_an_orphan_has_no_owner_to_lock_for() -> None:
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        impossible = int(file.read()) + 1
    with pytest.raises(LockError, match="is gone"):
        current_owner(impossible)


def test_the_owner_is_told_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "carol")
    monkeypatch.setenv("JOB_ID", "77")
    monkeypatch.delenv("AWX_HOST", raising=False)
    owner = current_owner(os.getpid())
    assert owner.login == "carol" and owner.awx_job == "" and owner.boot_id and owner.pid_ns
    monkeypatch.setenv("AWX_HOST", "https://awx.example.com")
    assert "AWX job 77" in str(current_owner(os.getpid()))
