# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that systemd runs, for the system or for a user; their processes are those of the unit's control group.

A `oneshot` unit that does not stay active is not started: it runs when its timer or somebody wants it to, and reads the
file then. One that runs just now is waited for.
"""

from __future__ import annotations

import _thread
import os
import time

from .. import _processes
from .._mask import HostError
from . import State
from ._systemd_ctl import seconds, systemctl
from ._systemd_files import Verdict
from ._systemd_shown import is_oneshot, passing, proof, words

_LOAD_PROBLEMS = {
    "not-found": "does not exist on this host; correct `unit`, or install it",
    "masked": "is masked; `{0} unmask` it, or take it out of botops_services",
    "bad-setting": "has a setting that systemd refuses; see `{0} status`",
    "error": "could not be loaded; see `{0} status`",
}
_LONG_STOP = 5.0  # of a stop that takes longer people are told
_MARGIN, _UNLIMITED, _LONGEST = 10.0, 120.0, 600.0  # seconds to wait for a restart, see _patience
_locks: dict[str, _thread.LockType] = {}  # by unit: services of one unit are restarted at the same time
_begun: dict[str, float] = {}  # by unit, when its last restart began, seconds since the epoch


class Manager:
    finds_processes = True

    def __init__(self, service: dict) -> None:
        unit = service.get("unit") or service["name"]
        self.unit = unit if unit.endswith(".service") else f"{unit}.service"
        self._service = service
        self._reloads = bool(service.get("reload"))
        self._ctl = systemctl(service.get("scope") or "system", service.get("user"))
        self._ctl.expect(self.unit)
        self._key = f"{self._ctl.command} {service.get('user')} {self.unit}"
        _locks.setdefault(self._key, _thread.allocate_lock())
        self._shown: dict[str, str] = {}
        self._fresh = False  # whether what was shown may still serve for `state`
        self._odd: list[str] = []

    # -- before anything is changed --------------------------------------------------------------------------------

    def problem(self) -> str | None:
        try:
            self._odd += self._ctl.reach()
            self._shown, self._fresh = self._ctl.first(self.unit), True
        except HostError as problem:
            return str(problem)
        load = self._shown.get("LoadState", "")
        if load != "loaded":
            why = _LOAD_PROBLEMS.get(load, f"is in load state {load}").format(self._ctl.command)
            return f"unit {self.unit} {why}"
        verdict = Verdict(self._service, self.unit, self._shown)
        self._odd += verdict.warnings
        if self._reloads and self._shown.get("CanReload") != "yes":
            verdict.problems.append(
                f"unit {self.unit} cannot be reloaded (it has no ExecReload=); take `reload` out of botops_services"
            )
        allowed = self._ctl.may_restart()
        cure = "run with become, or let polkit allow it"
        if allowed is None:
            self._odd.append(f"whether this user may restart unit {self.unit} is only seen when it is done; {cure}")
        elif not allowed:
            verdict.problems.append(f"unit {self.unit} may not be restarted by this user; {cure}")
        return "; ".join(verdict.problems) or None

    def warnings(self) -> list[str]:
        odd, self._odd = self._odd, []
        if self._shown.get("NeedDaemonReload") == "yes":
            odd.append(
                f"unit {self.unit} was changed on disk; it is restarted as systemd knows it, until somebody runs "
                f"`{self._ctl.command} daemon-reload`"
            )
        return odd

    # -- what it is doing ------------------------------------------------------------------------------------------

    def state(self) -> State:
        if self._fresh:
            self._fresh = False
        else:
            self._shown = self._ctl.show(self.unit)
        shown = self._shown
        active, said = shown.get("ActiveState", ""), f"unit {self.unit} is {words(shown)}"
        if passing(self._shown):
            return State(True if active == "activating" else None, True, said)
        return State(active in ("active", "reloading", "refreshing"), active in ("failed", "inactive"), said)

    @property
    def momentary(self) -> bool:
        """Whether it has done its work when its start is done, so that it need not be watched afterwards."""
        return is_oneshot(self._shown)

    def incarnation(self) -> str:
        """Another one after each start, as of the last `state`."""
        return self._shown.get("InvocationID", "")

    def lives(self) -> bool:
        """Whether a process of it is seen, without asking systemd."""
        return bool(self.pids())

    def pids(self) -> list[int]:
        group, main = self._shown.get("ControlGroup", ""), int(self._shown.get("MainPID") or 0)
        found = _processes.in_cgroup(group) if group not in ("", "/") else []
        if (
            self._service.get("env_format") == "podman"
        ):  # a container has a group of its own, its parent is in the unit's
            found = _processes.tree(found)
        return found or _processes.tree([main] if main else [])

    def proof(self, modified: float, right: bool) -> tuple[str, str] | None:
        """For a unit without processes: (`yes` or `no`, evidence), from `modified`, when its file, if right, was written."""
        return proof(self.unit, self._shown, modified) if right else None

    # -- changing it -----------------------------------------------------------------------------------------------

    @property
    def way(self) -> str:
        """How it takes a new token, as of the last `state`: `restart`, `reload` or `wait` (for its end, if it runs)."""
        if passing(self._shown):
            return "wait"
        return "reload" if self._reloads and self._shown.get("ActiveState") == "active" else "restart"

    def wait(self, patience: float) -> None:
        """Wait until a unit that comes and goes is gone."""
        deadline = time.monotonic() + patience
        while self.state().active:
            if time.monotonic() >= deadline:
                raise HostError(
                    f"unit {self.unit} is a oneshot that still runs after {patience:.0f} s, with the token that it was "
                    "started with; it is not interrupted: run again when it has ended"
                )
            time.sleep(0.1)

    def restart(self) -> None:
        """Restart it, or reload where that is its way. Waits as long as systemd does, see `_patience`.

        Another service of this run may be of the same unit: a restart that began when the file was written already will do.
        """
        with _locks[self._key]:
            if _begun.get(self._key, 0.0) < os.stat(self._service["env_file"]).st_mtime:
                _begun[self._key] = time.time()
                self._restart()

    def _restart(self) -> None:
        verb, begun = self.way, time.monotonic()
        if verb == "restart" and self._near_its_limit():
            self._ctl.run("reset-failed", "--", self.unit)
        status, complaint = self._do(verb)
        if status != 0:
            self.state()
            if self._shown.get("Result") == "start-limit-hit":
                self._ctl.run("reset-failed", "--", self.unit)
                status, complaint = self._do(verb)
        if status != 0:
            self.state()
            raise HostError(
                f"`{self._ctl.command} {verb} {self.unit}` ended with {status}: {complaint}; the unit is "
                f"{words(self._shown)}; see {self._log()}"
            )
        if time.monotonic() - begun > _LONG_STOP:
            self._tell_long_stop()

    def _near_its_limit(self) -> bool:
        """A service whose token died has often reached its start limit, which would refuse this start too."""
        shown = self._shown
        calm = shown.get("ActiveState") == "active" and shown.get("Result") == "success"
        return not calm or shown.get("NRestarts", "0") != "0"

    def _do(self, verb: str) -> tuple[int, str]:
        patience = self._patience()
        try:
            status, _output, complaint = self._ctl.run(verb, "--", self.unit, seconds=patience)
        except HostError:
            self.state()
            raise HostError(
                f"`{self._ctl.command} {verb} {self.unit}` did not end within {patience:.0f} s; the unit is "
                f"{words(self._shown)}; see {self._log()}, end its processes by hand if it must be, then run again"
            ) from None
        return status, complaint or "no message"

    def _patience(self) -> float:
        """Seconds for a restart: what the unit allows for its stop (the signal, then SIGKILL) and its start, in bounds."""
        stop, start = (seconds(self._shown.get(f"Timeout{each}USec", "")) for each in ("Stop", "Start"))
        allowed = (_UNLIMITED if stop is None else 2 * stop) + (_UNLIMITED if start is None else start)
        return min(_LONGEST, allowed + _MARGIN)

    def _tell_long_stop(self) -> None:
        self.state()
        began, ended = (
            int(self._shown.get(f"{each}TimestampMonotonic") or 0) / 1e6 for each in ("ActiveExit", "InactiveEnter")
        )
        if ended - began > _LONG_STOP:
            self._odd.append(
                f"unit {self.unit} took {ended - began:.0f} s to stop: does it end on SIGTERM? systemd kills it after "
                f"TimeoutStopSec= ({self._shown.get('TimeoutStopUSec', '?')})"
            )

    def _log(self) -> str:
        return f"`journalctl {'--user ' if 'user' in self._ctl.command else ''}-u {self.unit} -n 20`"
