# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`systemctl`, of the system or of one user, with as few calls as will do: the first `show` asks for all units at once."""

from __future__ import annotations

import os

from .._mask import HostError
from ._run import foreign, run, runtime

_PROPERTIES = (
    "ActiveExitTimestampMonotonic,ActiveState,CanReload,ControlGroup,EnvironmentFiles,ExecMainCode,ExecMainStatus,"
    "ExecStart,InactiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic,InvocationID,LoadState,MainPID,NRestarts,"
    "NeedDaemonReload,PassEnvironment,RemainAfterExit,Result,SubState,TimeoutStartUSec,TimeoutStopUSec,Type,"
    "UnsetEnvironment"
)
_SECONDS = 20.0
_MANAGE = "org.freedesktop.systemd1.manage-units"
_POLKIT = (
    "org.freedesktop.PolicyKit1",
    "/org/freedesktop/PolicyKit1/Authority",
    "org.freedesktop.PolicyKit1.Authority",
)
_UNITS = {"y": 31557600.0, "month": 2629800.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0}
_UNITS.update(ms=1e-3, us=1e-6)
_all: dict[tuple[str, str | None], Systemctl] = {}


def systemctl(scope: str, user: str | None) -> Systemctl:
    """The one for a scope (`system` or `user`) and a user (None: who runs this program)."""
    return _all.setdefault((scope, user), Systemctl(scope, user))


class Systemctl:
    def __init__(self, scope: str, user: str | None) -> None:
        self._for_user = scope == "user"
        self._user = user
        self._expected: list[str] = []
        self._seen: dict[str, dict[str, str]] = {}
        self.command = "systemctl --user" if self._for_user else "systemctl"

    def expect(self, unit: str) -> None:
        """It will be asked for `unit`: may as well ask for all at once."""
        if unit not in self._expected:
            self._expected.append(unit)

    def reach(self) -> list[str]:
        """Get ready to talk to a user's systemd; what is odd about it. Raises HostError where there is none."""
        if not self._for_user:
            return []
        import pwd

        self._user = self._user or pwd.getpwuid(os.geteuid()).pw_name
        trouble = foreign(self._user)
        if trouble:
            raise HostError(trouble)
        cure = f"let it run without a login: `loginctl enable-linger {self._user}`"
        if not os.path.exists(f"{runtime(pwd.getpwnam(self._user).pw_uid)}/systemd/private"):
            raise HostError(f"the systemd of user {self._user} does not run, and no service of {self._user}; {cure}")
        if os.path.exists(f"/var/lib/systemd/linger/{self._user}"):
            return []
        return [f"the systemd of user {self._user} ends, and with it the service, when {self._user} logs out; {cure}"]

    def may_restart(self) -> bool | None:
        """Whether this program's user may restart units of the system. None: polkit decides for each, when it is done."""
        if self._for_user or os.geteuid() == 0:
            return True
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as stream:
            begun = stream.read().rpartition(")")[2].split()[19]
        me = ["unix-process", "2", "pid", "u", str(os.getpid()), "start-time", "t", begun]
        # org.freedesktop.PolicyKit1.Authority(7): only root may ask it about one unit. Without polkit nobody answers, and
        # only root may restart.
        argv = [
            "busctl",
            "--system",
            "call",
            *_POLKIT,
            "CheckAuthorization",
            "(sa{sv})sa{ss}us",
            *me,
            _MANAGE,
            "0",
            "0",
            "",
        ]
        status, output, _complaint = run(argv, _SECONDS)
        return (output.startswith("(bba{ss}) true") or None) if status == 0 else False

    def run(self, *arguments: str, seconds: float = _SECONDS) -> tuple[int, str, str]:
        """(exit status, output, its complaint)."""
        argv = [*self.command.split(), "--no-ask-password", *arguments]
        return run(argv, seconds, user=self._user if self._for_user else None)

    def first(self, unit: str) -> dict[str, str]:
        """The properties of a unit, from the one call that asks for all that are expected; once, later ones ask anew."""
        if unit not in self._seen and unit in self._expected and len(self._expected) > 1:
            try:
                self._seen.update(self._show(self._expected))
            except HostError:  # one of them may be at fault: ask for each, to tell which
                pass
            self._expected = []
        return self._seen.pop(unit, None) or self.show(unit)

    def show(self, unit: str) -> dict[str, str]:
        """The properties of a unit. A property that has several lines has them in one text."""
        return self._show([unit])[unit]

    def _show(self, units: list[str]) -> dict[str, dict[str, str]]:
        status, output, complaint = self.run("show", f"--property={_PROPERTIES}", "--", *units)
        blocks = output.strip("\n").split("\n\n")
        if status != 0 or len(blocks) != len(units):
            raise HostError(f"{self.command} show {units[0]} ended with {status}: {complaint or 'no message'}")
        return {unit: _properties(block) for unit, block in zip(units, blocks)}


def _properties(block: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in block.splitlines():
        name, _sign, value = line.partition("=")
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def seconds(span: str) -> float | None:
    """A time span as `show` prints it (`1min 30s`); None for `infinity` and for what is none."""
    total = 0.0
    for word in span.split():
        number = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        try:
            total += float(number) * _UNITS[word[len(number) :]]
        except (KeyError, ValueError):
            return None
    return total if span else None
