# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a lock, and whether it may be taken over: pure but for `current_owner` and `is_alive` (private).

The owner is the controller's main process (ansible-playbook): tasks run in forks that end with the task.
"""

from __future__ import annotations

import getpass
import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._errors import LockError

SCHEMA = 1


@dataclass(frozen=True)
class Owner:
    """A process, so that another one can tell whether it is gone. Empty fields: not known, then nothing is proven.

    `boot_id` and `pid_ns` say where `pid` means something; `start_time` (clock ticks since the boot, field 22 of
    proc(5) stat) tells it from a later process with the same pid.
    """

    login: str = ""
    host: str = ""
    boot_id: str = ""
    pid_ns: str = ""
    pid: int = 0
    start_time: int = 0
    awx_job: str = ""

    def __str__(self) -> str:
        job = f", AWX job {self.awx_job}" if self.awx_job else ""
        return f"{self.login or 'somebody'} on {self.host or 'an unknown host'} (pid {self.pid or 'unknown'}{job})"


@dataclass(frozen=True)
class Holder:
    """What a lock's secret says: who took it (`nonce`, one per lease), when, and until when (aware, UTC)."""

    nonce: str
    owner: Owner
    acquired: datetime
    expires: datetime

    def to_dict(self) -> dict[str, Any]:
        times = {"acquired": stamp(self.acquired), "expires": stamp(self.expires)}
        return {"schema": SCHEMA, "nonce": self.nonce, "owner": asdict(self.owner), **times}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Holder | None:
        """None for a lock that is free: no secret, or one with an empty nonce. ValueError for anything else."""
        if data is None or data.get("nonce") == "":
            return None
        if data.get("schema") != SCHEMA or not isinstance(data.get("nonce"), str):
            raise ValueError("not a lock of a known schema")
        return cls(data["nonce"], owner_from(data.get("owner")), moment(data["acquired"]), moment(data["expires"]))


def is_gone(owner: Owner, here: Owner, alive: Callable[[int, int], bool]) -> bool:
    """True only with proof: the owner ran where `here` runs, and `alive(pid, start_time)` says that it does not."""
    known = owner.boot_id and owner.pid_ns and owner.pid and owner.start_time
    same_place = (owner.boot_id, owner.pid_ns) == (here.boot_id, here.pid_ns)
    return bool(known and same_place and not alive(owner.pid, owner.start_time))


def why_free(holder: Holder | None, now: datetime, here: Owner, alive: Callable[[int, int], bool]) -> str | None:
    """Why a lock may be taken ("" where nobody holds it), or None where a live holder has it."""
    if holder is None:
        return ""
    if now >= holder.expires:
        return f"its lease expired at {stamp(holder.expires)}"
    return "its process is gone" if is_gone(holder.owner, here, alive) else None


def current_owner(pid: int | None = None, login: str = "") -> Owner:
    """The owner that the process `pid` is; default: ansible-playbook, when called from an Ansible action.

    What /proc does not tell is left empty. LockError when that process is gone: its orphans must lock nothing.
    """
    if pid is None:  # the parent as it was at the fork: an orphan's parent is another process
        parent = multiprocessing.parent_process()
        pid = (parent and parent.pid) or os.getppid()
    started = _stat(pid)[1]
    if not started and _stat(os.getpid())[1]:
        raise LockError(f"the controller's process {pid} is gone; this is an orphan of it", "run the playbook again")
    return Owner(
        login=login or os.environ.get("SUDO_USER") or _login(),
        host=socket.gethostname(),
        boot_id=_read("/proc/sys/kernel/random/boot_id").strip(),
        pid_ns=_link("/proc/self/ns/pid"),
        pid=pid,
        start_time=started,
        awx_job=os.environ.get("JOB_ID", "") if "AWX_HOST" in os.environ else "",
    )


def is_alive(pid: int, start_time: int) -> bool:
    """True while the process that started then is there; a zombie does nothing any more and counts as gone."""
    state, started = _stat(pid)
    return started == start_time and state not in ("Z", "X")


def owner_from(data: Any) -> Owner:
    """An owner from a lock's data; fields that are missing or of another type are left empty."""
    found = data if isinstance(data, Mapping) else {}
    empty = Owner()
    kept = {f.name: found.get(f.name) for f in fields(Owner)}
    return Owner(**{name: value for name, value in kept.items() if isinstance(value, type(getattr(empty, name)))})


def stamp(at: datetime) -> str:
    """As in records: 2026-11-23T02:00:00Z."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: Any) -> datetime:
    """The reverse of `stamp`; ValueError for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except TypeError:
        raise ValueError("not a time") from None


def _stat(pid: int) -> tuple[str, int]:
    """State and start time of a process, ("", 0) where there is none. The name before them may hold anything."""
    columns = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (columns[0], int(columns[19])) if len(columns) > 19 else ("", 0)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        return f"uid {os.getuid()}"
