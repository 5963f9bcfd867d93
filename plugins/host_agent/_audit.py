# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state `audited`: what environment files and processes have. Nothing is locked, tried or changed.

It is not known here what is due: whether a process has what its file has is judged here, all else on the controller.

    {"state": "audited", "services": [...], "kinds": {prefix of a token: its kind}}
    -> {"services": [{"name", "env_file", "active", "same", "evidence", "error",
                      "variables": {name: {"key", "file", "problem", "process": [fingerprint]}}}],
        "files": {env_file: {"missing": bool, "tokens": [{"variable", "line", "fingerprint", "kind"}]}}}

`same`: whether the processes have what the file has, `yes`, `no` or `unknown`. `variable` is empty for a token outside of
an assignment, such as one in a comment.
"""

from __future__ import annotations

import os
import re

from . import _env_file
from ._env_file import EnvFileError
from ._files import LARGEST, opened, why
from ._mask import HostError, fingerprint, remember, unforeseen
from ._service import Service


class File:
    """An environment file as it is now. Who writes one replaces it whole, so it is read without a lock."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.data, self.modified, self.problem, self.missing = b"", 0.0, "", False
        try:
            fd = opened(path, os.path.realpath(path))
            with open(fd, "rb") as stream:
                self.modified = os.fstat(fd).st_mtime
                self.data = stream.read(LARGEST)
        except HostError as problem:
            self.problem, self.missing = str(problem), not os.path.exists(path)
        except OSError as problem:
            self.problem = f"reading {path}: {why(problem)}"


def audited(payload: dict) -> dict:
    """The answer to a payload."""
    kinds = {prefix.encode(): kind for prefix, kind in payload["kinds"].items()}
    services = [Service(row) for row in payload["services"]]
    files = {service.row["env_file"]: File(service.row["env_file"]) for service in services}
    formats = {service.row["env_file"]: service.format for service in services}
    for service in services:
        try:
            service.find_manager()  # of all first: it asks for them together
        except HostError:
            pass  # `_look` says so
    return {
        "changed": False,
        "failed": False,
        "msg": "",
        "services": [_look(service, files[service.row["env_file"]]) for service in services],
        "files": {
            path: {"missing": file.missing, "tokens": list(_tokens(file, formats[path], kinds))}
            for path, file in files.items()
        },
    }


def _look(service: Service, file: File) -> dict:
    found = {
        "name": service.name, "env_file": file.path, "active": None, "same": "unknown", "evidence": "", "error": file.problem,
        "variables": {
            name: {"key": each["key"], "file": None, "problem": "", "process": []}
            for name, each in service.variables.items()
        },
    }  # fmt: skip
    service.file = file
    for name, shown in found["variables"].items():
        if not file.problem:
            _read(service, name, shown)
        service.target[name] = service.result["variables"][name]["file_after"] = shown["file"]
    try:
        _ask(service, found)
    except HostError as problem:
        found["evidence"] = str(problem)
    except Exception as problem:  # noqa: BLE001 - the others are looked at all the same
        found["evidence"] = unforeseen(problem)
    return found


def _read(service: Service, name: str, shown: dict) -> None:
    """What the file has for one variable."""
    try:
        kind = _env_file.dialect(service.format)
        value = _env_file.read(kind, service.file.data, [name])[name]
        if value:
            remember(value)
            shown["file"] = fingerprint(value)
        lines = _env_file.stray(kind, service.file.data, name)
        if lines:
            shown["problem"] = f"line {lines[0]} looks as if it sets it, which a {service.format} file does not"
    except EnvFileError as problem:
        shown["problem"] = str(problem)


def _ask(service: Service, found: dict) -> None:
    """What the processes have."""
    service.find_manager()
    problem = service.manager.problem()  # which may be one of a restart only
    found["active"] = service.manager.state().active
    found["same"], found["evidence"], survey = service.use(service.manager.pids())
    if problem and not survey.pids:
        found["evidence"] = problem
    for name, shown in found["variables"].items():
        shown["process"] = survey.fingerprints(name)


def _tokens(file: File, dialect: str, kinds: dict):
    """Every token in a file, wherever it stands."""
    prefixes = b"|".join(re.escape(prefix) for prefix in sorted(kinds, key=len, reverse=True))
    try:
        spans = [(each.start, each.end, each.name) for each in _env_file.parse(_env_file.dialect(dialect), file.data)]
    except EnvFileError:
        spans = []
    for match in re.finditer(rb"(?<![A-Za-z0-9])(" + prefixes + rb")[\w+/=.-]{8,}", file.data):
        remember(match.group())
        within = (name for start, end, name in spans if start <= match.start() < end)
        yield {
            "variable": next(within, b"").decode("utf-8", "replace"),
            "line": _env_file.number_of(file.data, match.start()),
            "fingerprint": fingerprint(match.group()),
            "kind": kinds[match.group(1)],
        }
