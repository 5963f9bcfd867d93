# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks on a real OpenBao, KV v1 and v2, with real processes that race, die and come late."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from ansible_collections.botops.rotation.plugins.module_utils._errors import LockError, VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._lease import (
    Lease,
    acquire,
    break_lock,
    holder,
    require_free,
)
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import (
    Holder,
    Owner,
    current_owner,
    is_alive,
    stamp,
)
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault, VaultSettings

from tests.integration._bao import Fault, running, settings
from tests.sandbox._process import wait_for
from tests.sandbox.bao import Bao

BOTH = pytest.mark.parametrize("mount", ["generic", "secret"])
SPAWN = multiprocessing.get_context("spawn")
QUICK = 0.05  # seconds of settling, where nobody races


@pytest.fixture(scope="module")
def server() -> Iterator[Bao]:
    with running() as started:
        yield started


@pytest.fixture
def vault(server: Bao) -> Vault:
    return Vault.connect(settings(server))


@pytest.fixture
def locks(mount: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Two locks of the test's own."""
    name = request.node.name.partition("[")[0]
    return {f"{mount}/{name}/{workspace}_lock": f"gobot/{workspace}" for workspace in ("ibmcloud", "compose")}


@pytest.fixture
def me() -> Owner:
    return current_owner(os.getpid())


@pytest.fixture
def elsewhere(me: Owner) -> Owner:
    """A run on another machine, which cannot be proven gone."""
    return replace(me, host="ctl-2", login="bob", boot_id="another", pid=4711, start_time=1)


def seen(server: Bao, path: str) -> dict[str, Any]:
    """A lock as the command line shows it."""
    mount, _dummy, rest = path.partition("/")
    data = json.loads(server.cli("kv", "get", "-format=json", f"-mount={mount}", rest))["data"]
    return data["data"] if mount == "secret" else data


@BOTH
def test_a_lease_is_taken_renewed_and_released(server: Bao, vault: Vault, locks: dict[str, str], me: Owner) -> None:
    lease = acquire(vault, locks, me, ttl=60, settle=QUICK)
    for path in locks:
        lock = seen(server, path)
        assert lock["schema"] == 1 and lock["nonce"] == lease.nonce and lock["owner"] == asdict(me)
    assert lease.taken_over == []

    resumed = Lease.from_dict(vault, json.loads(json.dumps(lease.to_dict())))
    resumed.ttl = 600
    resumed.check()
    resumed.renew()
    path = min(locks)
    left = holder(vault, path).expires - vault.now()
    assert timedelta(seconds=595) < left <= timedelta(seconds=601)
    assert resumed.release() == [] and resumed.release() == []
    assert all(seen(server, path)["nonce"] == "" and holder(vault, path) is None for path in locks)
    with pytest.raises(LockError, match="was released or removed"):
        lease.check([path])


@BOTH
def test_a_later_task_need_not_ask_for_the_mounts(vault: Vault, locks: dict[str, str], me: Owner, mount: str) -> None:
    lease = acquire(vault, locks, me, ttl=60, settle=QUICK)
    later = Vault.connect(VaultSettings(url="http://127.0.0.1:1", token="none", retries=0))
    later.know(json.loads(json.dumps(lease.to_dict()))["mounts"])
    assert later.locate(min(locks)) == vault.locate(min(locks))
    with pytest.raises(VaultUnavailable):
        later.locate("another/mount/of/another")
    lease.release()


@BOTH
def test_a_live_holder_is_named_and_nothing_is_kept(
    server: Bao, vault: Vault, locks: dict[str, str], me: Owner, elsewhere: Owner
) -> None:
    last = max(locks)
    theirs = acquire(vault, {last: locks[last]}, elsewhere, ttl=60, settle=QUICK)
    with pytest.raises(LockError, match=rf"{locks[last]} is locked by bob on ctl-2 \(pid 4711\).* until 20") as caught:
        acquire(vault, locks, me, ttl=60, settle=QUICK)
    with pytest.raises(LockError, match=f"{locks[last]} is locked by bob"):
        require_free(vault, last, locks[last], me)
    require_free(vault, min(locks), locks[min(locks)], me)
    assert "botops.rotation.unlock -e bot=gobot -e workspace=ibmcloud" in caught.value.next_step
    assert holder(vault, min(locks)) is None
    assert holder(vault, last).nonce == theirs.nonce


@BOTH
def test_an_expired_lease_is_taken_over_by_vaults_clock(
    server: Bao, vault: Vault, locks: dict[str, str], me: Owner, elsewhere: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    past, soon = (vault.now() + timedelta(seconds=seconds) for seconds in (-1, 30))
    first, last = sorted(locks)
    server.put(first, Holder("n1", elsewhere, past, past).to_dict())
    server.put(last, Holder("n2", elsewhere, past, soon).to_dict())
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + 3600)  # the controller's clock is an hour off
    with pytest.raises(LockError, match=locks[last]):
        acquire(vault, locks, me, ttl=60, settle=QUICK)
    for path in locks:
        server.put(path, Holder("n1", elsewhere, past, past).to_dict())
    lease = acquire(vault, locks, me, ttl=60, settle=QUICK)
    assert [f"lease expired at {stamp(past)}" in said for said in lease.taken_over] == [True, True]


def _hold(url: str, locks: dict[str, str], done: Any) -> None:
    acquire(Vault.connect(VaultSettings(url, token="root")), locks, current_owner(os.getpid()), ttl=600, settle=QUICK)
    done.set()
    time.sleep(60)


@BOTH
def test_a_dead_owner_is_taken_over_at_once(server: Bao, vault: Vault, locks: dict[str, str], me: Owner) -> None:
    held = SPAWN.Event()
    process = SPAWN.Process(target=_hold, args=(server.url, locks, held))
    process.start()
    assert held.wait(20)
    with pytest.raises(LockError, match=f"pid {process.pid}"):
        acquire(vault, locks, me, ttl=60, settle=QUICK)
    process.kill()
    owner = holder(vault, min(locks)).owner
    wait_for("the owner is gone", lambda: not is_alive(owner.pid, owner.start_time))  # a zombie already is
    lease = acquire(vault, locks, me, ttl=60, settle=QUICK)
    process.join()
    assert (
        len(lease.taken_over) == 2 and f"(pid {process.pid}) was taken over: its process is gone" in lease.taken_over[0]
    )


@BOTH
def test_an_orphan_keeps_no_lock(vault: Vault, locks: dict[str, str]) -> None:
    """Its controller was there when it began, and was killed: nobody would release what it takes."""
    with subprocess.Popen(["sleep", "60"]) as controller:
        owner = current_owner(controller.pid)
        controller.kill()
    with pytest.raises(LockError, match=f"process {owner.pid} has gone"):
        acquire(vault, locks, owner, ttl=60, settle=QUICK)
    assert [holder(vault, path) for path in locks] == [None, None]


@BOTH
def test_a_lost_lease_writes_and_frees_nothing(
    server: Bao, vault: Vault, locks: dict[str, str], me: Owner, elsewhere: Owner
) -> None:
    lease = acquire(vault, locks, me, ttl=60, settle=QUICK)
    path = min(locks)
    soon = vault.now() + timedelta(seconds=60)
    server.put(path, Holder("theirs", elsewhere, soon, soon).to_dict())
    for call in (lease.renew, lease.check, lambda: lease.check([path])):
        with pytest.raises(LockError, match=f"{locks[path]}: this run has lost its lock: bob on ctl-2"):
            call()
    lease.check([max(locks)])
    assert lease.release() == [locks[path]]
    assert seen(server, path)["nonce"] == "theirs" and seen(server, max(locks))["nonce"] == ""


@BOTH
def test_check_extends_only_what_is_half_over(vault: Vault, locks: dict[str, str], me: Owner) -> None:
    lease = acquire(vault, locks, me, ttl=60, settle=QUICK)
    fault = Fault("").between(vault)
    lease.check()
    assert "POST" not in fault.seen
    lease.ttl = 200
    lease.check()
    assert fault.seen.count("POST") == 2


@BOTH
def test_a_lock_is_broken_on_demand_and_says_whose(
    server: Bao, vault: Vault, locks: dict[str, str], me: Owner, elsewhere: Owner
) -> None:
    path = min(locks)
    acquire(vault, {path: locks[path]}, elsewhere, ttl=60, settle=QUICK)
    assert "the lock of bob on ctl-2 (pid 4711), taken at" in break_lock(vault, path, locks[path])
    assert break_lock(vault, path, locks[path]) == ""
    server.put(path, {"value": "not a lock"})
    with pytest.raises(LockError, match="is not a lock that this version can read") as caught:
        acquire(vault, locks, me, ttl=60, settle=QUICK)
    assert "unlock" in caught.value.next_step
    assert break_lock(vault, path) == "a lock that could not be read"


@BOTH
@pytest.mark.parametrize("step", ["cut", "lost"])
def test_a_fault_on_the_way_loses_no_lock(
    vault: Vault, locks: dict[str, str], me: Owner, step: str, mount: str
) -> None:
    locks = {f"{path}_{step}": name for path, name in locks.items()}
    Fault("POST", step, step).between(vault)
    if step == "lost":  # twice in a row: the write is given up
        with pytest.raises(VaultUnavailable):
            acquire(vault, locks, me, ttl=60, settle=QUICK)
        assert [holder(vault, path) for path in locks] == [None, None]
        Fault("POST", step).between(vault)
    lease = acquire(vault, locks, me, ttl=60, settle=QUICK)
    Fault("POST", step).between(vault)
    assert lease.release() == [] and [holder(vault, path) for path in locks] == [None, None]


def test_what_cannot_be_released_says_so_and_frees_the_rest(vault: Vault, me: Owner) -> None:
    locks = {f"secret/partly/{name}_lock": f"gobot/{name}" for name in "ab"}
    lease = acquire(vault, locks, me, ttl=60)

    def gone() -> None:
        raise requests.ConnectionError("lost on the way")

    Fault("POST", gone, gone).between(vault)
    with pytest.raises(VaultUnavailable):
        lease.release()
    assert [holder(vault, path) is None for path in sorted(locks)] == [True, False]


# Races

ROUNDS = {"generic": 6, "secret": 30}


def _race(url: str, mount: str, barrier: Any, results: Any) -> None:
    """Try to get the same locks as the other racer, round by round, and use them for a moment."""
    vault, me = Vault.connect(VaultSettings(url, token="root")), current_owner(os.getpid())
    vault.now()
    for number in range(ROUNDS[mount]):
        locks = {f"{mount}/race/{number}/{name}_lock": f"gobot/{name}" for name in "ab"}
        barrier.wait(30)
        try:
            lease = acquire(vault, locks, me, ttl=60)
            lease.check()
            results.put((number, lease.nonce))
        except LockError as error:
            results.put((number, str(error)))


@BOTH
def test_of_two_racing_processes_exactly_one_gets_the_locks(server: Bao, vault: Vault, mount: str) -> None:
    barrier, results = SPAWN.Barrier(2), SPAWN.Queue()
    racers = [SPAWN.Process(target=_race, args=(server.url, mount, barrier, results)) for _dummy in range(2)]
    for racer in racers:
        racer.start()
    outcomes: dict[int, list[str]] = {}
    for _dummy in range(2 * ROUNDS[mount]):
        number, outcome = results.get(timeout=30)
        outcomes.setdefault(number, []).append(outcome)
    for racer in racers:
        racer.join(10)
        assert racer.exitcode == 0
    for number, said in outcomes.items():
        winner, loser = sorted(said, key=len)
        assert len(winner) == 32 and "is locked by" in loser, said
        holders = [holder(vault, f"{mount}/race/{number}/{name}_lock") for name in "ab"]
        assert [held.nonce for held in holders] == [winner, winner]


def test_on_kv_v1_a_write_held_back_past_the_wait_is_found_before_the_next_write(
    server: Bao, me: Owner, elsewhere: Owner
) -> None:
    """What KV v1 cannot give: for a moment both believe to hold the lock. The one that was overwritten finds out."""
    lock = {"generic/late_lock": "gobot/ibmcloud"}
    early, late = Vault.connect(settings(server)), Vault.connect(settings(server))
    taken: list[Lease] = []
    Fault("POST", lambda: taken.append(acquire(early, lock, elsewhere, ttl=60, settle=QUICK))).between(late)
    lease = acquire(late, lock, me, ttl=60, settle=QUICK)
    lease.check()
    with pytest.raises(LockError, match="this run has lost its lock"):
        taken[0].check()
    assert taken[0].release() == ["gobot/ibmcloud"]
    lease.check()


def test_on_kv_v2_a_write_held_back_does_nothing(server: Bao, me: Owner, elsewhere: Owner) -> None:
    lock = {"secret/late_lock": "gobot/ibmcloud"}
    early, late = Vault.connect(settings(server)), Vault.connect(settings(server))
    taken: list[Lease] = []
    Fault("POST", lambda: taken.append(acquire(early, lock, elsewhere, ttl=60))).between(late)
    with pytest.raises(LockError, match="is locked by bob"):
        acquire(late, lock, me, ttl=60)
    taken[0].check()
