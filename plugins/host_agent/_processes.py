# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of a service carry in their environments (/proc, proc(5)): fingerprints only."""

from __future__ import annotations

import os
import time

from ._mask import fingerprint


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name: state, parent, ...; empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()
    except OSError:
        return []


def alive(pid: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and fields[0] not in ("Z", "X")


def tree(roots: list[int]) -> list[int]:
    """`roots`, as far as they are alive, with all their descendants."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        fields = _stat(pid)
        if fields and fields[0] not in ("Z", "X"):
            children.setdefault(int(fields[1]), []).append(pid)
    found, todo = [], [pid for pid in roots if alive(pid)]
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.append(pid)
            todo += children.get(pid, [])
    return sorted(found)


_HIERARCHIES = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")  # version 1, both, version 2


def in_cgroup(path: str) -> list[int]:
    """The processes of a control group and of those below it, as systemd names it (`/system.slice/x.service`)."""
    for hierarchy in _HIERARCHIES:
        if os.path.exists(f"{hierarchy}{path}/cgroup.procs"):
            return sorted(
                filter(alive, {pid for folder, _dirs, _names in os.walk(hierarchy + path) for pid in _in(folder)})
            )
    return _in_cgroup_by_process(path)


def _in(folder: str) -> list[int]:
    try:
        with open(f"{folder}/cgroup.procs", encoding="utf-8") as stream:
            return [int(line) for line in stream if line != "0\n"]  # 0: one that is not to be seen from here
    except OSError:  # it is gone, or one of threads only, whose processes are in the group above
        return []


def _in_cgroup_by_process(path: str) -> list[int]:
    """The same where the hierarchy is not mounted as usual: each process tells in which groups it is."""
    found = []
    for pid in _pids():
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as stream:
                groups = [line.rstrip("\n").split(":", 2)[2] for line in stream if line.count(":") >= 2]
        except OSError:
            continue
        if any(group == path or group.startswith(path + "/") for group in groups) and alive(pid):
            found.append(pid)
    return sorted(found)


def environment(pid: int) -> dict[str, bytes] | None:
    """The environment a process was started with; None when it cannot be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            pairs = [pair.partition(b"=") for pair in stream.read().split(b"\0") if pair]
    except OSError:
        return None
    return {name.decode("utf-8", "replace"): value for name, sign, value in pairs if sign}


def started(pid: int) -> float | None:
    """When a process was started, seconds since the epoch, to about 10 ms; None when it is gone."""
    fields = _stat(pid)
    if len(fields) < 20:
        return None
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age


class Survey:
    """What was seen: `carried[variable][fingerprint]` are pids, `pids` all, `closed` those that could not be read."""

    def __init__(self, pids: list[int], names: list[str]) -> None:
        self.pids, self.closed = pids, []
        self.carried: dict[str, dict[str, list[int]]] = {name: {} for name in names}
        for pid in pids:
            values = environment(pid)
            if values is None:
                self.closed.append(pid)
                continue
            for name in names:
                if values.get(name):
                    self.carried[name].setdefault(fingerprint(values[name]), []).append(pid)

    def fingerprints(self, name: str) -> list[str]:
        return sorted(self.carried[name])

    def verdicts(self, target: dict[str, str]) -> dict[str, tuple[str, str]]:
        """Variable -> (`yes`, `no` or `unknown`, evidence) for the fingerprints that the variables must have.

        No: a process carries another token. Yes: at least one carries the right one, none another.
        """
        return {name: self._one(name, wanted) for name, wanted in target.items()}

    def _one(self, name: str, wanted: str) -> tuple[str, str]:
        carried = self.carried[name]
        others = {each: pids for each, pids in carried.items() if each != wanted}
        if others:
            seen = ", ".join(f"{each} (process {', '.join(map(str, pids))})" for each, pids in sorted(others.items()))
            return "no", f"{name}: still {seen}"
        if wanted in carried:
            return "yes", f"{name}: {len(carried[wanted])} of {len(self.pids)} processes carry {wanted}"
        if not self.pids:
            return "unknown", f"{name}: no process found"
        if self.closed:
            return "unknown", f"{name}: the environment of {len(self.closed)} processes is not readable for this user"
        return "unknown", f"{name}: none of {len(self.pids)} processes shows it in its environment"
