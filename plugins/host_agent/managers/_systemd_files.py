# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a restart of a unit would bring what is in the environment file to its processes (systemd.exec(5)).

`EnvironmentFile=` beats `Environment=` and `PassEnvironment=` wherever they stand; of several files the last one wins;
`UnsetEnvironment=` beats all. `-` before a path: the file need not be there.
"""

from __future__ import annotations

import errno
import os
import stat

from .. import _env_file, _env_systemd
from .._env_file import EnvFileError
from .._mask import fingerprint

_LARGEST = 1024 * 1024


class Verdict:
    """`problems` are in the way of a rotation, `warnings` are not."""

    def __init__(self, service: dict, unit: str, shown: dict[str, str]) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._service, self._unit, self._shown = service, unit, shown
        self._path: str = service["env_file"]
        self._variables: dict[str, dict] = service["variables"]
        files = list(_listed(shown.get("EnvironmentFiles", "")))
        mine = [number for number, (path, _optional) in enumerate(files) if _same(path, self._path)]
        if mine:
            self._judge_others(files, mine[-1])
            if service.get("env_format") not in (None, "systemd"):
                self.warnings.append(
                    f"unit {unit} reads {self._path} as systemd does, and env_format is {service['env_format']}"
                )
        else:
            self._judge_absent([path for path, _optional in files])
        unset = {word.partition("=")[0] for word in shown.get("UnsetEnvironment", "").split()} & set(self._variables)
        if mine and unset:
            self.problems.append(
                f"unit {unit} takes {', '.join(sorted(unset))} away again with UnsetEnvironment=; take that out of the unit"
            )

    def _judge_absent(self, others: list[str]) -> None:
        """The file is none of the unit's. A wrapper may read it, or the service itself; nothing else would."""
        if self._path in self._shown.get("ExecStart", ""):
            return
        if self._service.get("in_use"):
            self.warnings.append(
                f"unit {self._unit} has no EnvironmentFile={self._path}: that the service reads it is for its own "
                "proof to tell"
            )
            return
        has = f"only {', '.join(others)}" if others else "and none at all"
        passed = set(self._shown.get("PassEnvironment", "").split()) & set(self._variables)
        words = f"unit {self._unit} has no EnvironmentFile={self._path}, {has}: a restart would not bring a token to it"
        if passed:
            words += f" (it takes {', '.join(sorted(passed))} from systemd's own environment, which is not handled)"
        words += "; "
        if self._shown.get("NeedDaemonReload") == "yes":
            words += "the unit was changed on disk, so that `systemctl daemon-reload` may be all that lacks; otherwise "
        self.problems.append(
            f"{words}add that line to the unit, correct `env_file`, or state a proof with `in_use` where the service "
            "reads the file itself"
        )

    def _judge_others(self, files: list[tuple[str, bool]], mine: int) -> None:
        """The unit's other files: a later one may set a variable again, and one that is not there stops the start."""
        for number, (path, optional) in enumerate(files):
            if _same(path, self._path):
                continue
            try:
                data = _content(path)
                found = _env_file.values(_env_systemd, data) if data is not None else {}
            except FileNotFoundError:
                if not optional:
                    self.problems.append(
                        f"unit {self._unit} has EnvironmentFile={path}, which does not exist: it would not start; "
                        "create it, or put a `-` before its path in the unit"
                    )
                continue
            except OSError as problem:
                if number > mine:
                    self.warnings.append(
                        f"{path}, which unit {self._unit} reads after {self._path}, could not be read "
                        f"({os.strerror(problem.errno or 0)}); if it sets a variable too, that wins"
                    )
                continue
            except EnvFileError as problem:
                self.problems.append(f"unit {self._unit} has EnvironmentFile={path}, which {problem}")
                continue
            if number > mine:
                self._judge_later(path, found)

    def _judge_later(self, path: str, found: dict[bytes, bytes | None]) -> None:
        for name, each in self._variables.items():
            if name.encode() not in found:
                continue
            words = f"unit {self._unit} reads {name} from {path} after {self._path}, and the last one wins"
            cure = f"take {name} out of {path}, or give {path} as `env_file`"
            if fingerprint(found[name.encode()] or b"") == each["new"]:
                self.warnings.append(f"{words}: it is right now, and will not be after another rotation; {cure}")
            else:
                self.problems.append(f"{words}: a restart would not bring the token in {self._path} to it; {cure}")


def _listed(lines: str):
    """(path, need it not be there) of each environment file, in the order in which systemd reads them."""
    for line in lines.splitlines():
        path, _sign, options = line.rpartition(" (")
        optional = "ignore_errors=yes" in options
        if any(letter in path for letter in "*?["):
            import glob  # which few units need

            yield from ((each, optional) for each in sorted(glob.glob(path)))
        elif path:
            yield path, optional


def _same(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def _content(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or os.fstat(handle).st_size > _LARGEST:
            raise OSError(errno.EINVAL, "")
        return os.read(handle, _LARGEST)
    finally:
        os.close(handle)
