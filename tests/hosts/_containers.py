# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services in containers of podman on this machine, and the host program run here as root.

The image holds nothing but links and empty directories: a container gets this machine's /usr and Python, read-only.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.hosts._podman import environment, missing, podman
from tests.integration._host import SERVICE, Host

IMAGE = "localhost/botops-pod"
PYTHON = f"{sys.base_prefix}/bin/python3"


def require() -> None:
    """Skip where there can be no containers, and say why."""
    lacking = [package for package in missing() if package in ("podman", "runc")]
    if os.geteuid():
        pytest.skip("containers need root here; run the tests as root")
    if lacking:
        pytest.skip(f"missing on this machine: {', '.join(lacking)}; `make test-hosts` installs them on Debian")


class Containers(Host):
    """Containers are named with a prefix of this set's own; `name` stands for one without it."""

    def __init__(self) -> None:
        super().__init__()
        self._prefix = f"pod-{uuid.uuid4().hex[:6]}"
        self.image = f"{IMAGE}:{self._prefix[4:]}"
        self.files: dict[str, Path] = {}
        self._services: dict[str, list[str]] = {}
        podman("import", "--quiet", "-", self.image, stdin=_archive())

    def close(self) -> None:
        for name in self.all():
            podman("rm", "--force", "--time", "0", name, check=False)
        podman("rmi", "--force", self.image, check=False)
        super().close()

    def full(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def all(self) -> list[str]:
        """The names of all containers of this set, running or not."""
        names = podman("ps", "--all", "--format", "{{.Names}}", "--filter", f"name=^{self._prefix}-").split()
        return sorted(names)

    def options(self, name: str) -> list[str]:
        """What each container gets: limits that podman needs in a container, Python, the service's files."""
        kept = [f"{each}:{each}:ro" for each in ("/usr", sys.base_prefix, str(SERVICE), str(self.directory))]
        limits = [
            "--ulimit",
            "nofile=4096:4096",
            "--ulimit",
            "nproc=4096:4096",
            "--network",
            "host",
            "--stop-timeout",
            "1",
        ]
        return ["--name", self.full(name), *limits, *(word for each in kept for word in ("-v", each))]

    def container(self, name: str, *arguments: str, options: list[str] | None = None, verb: str = "run") -> None:
        """Start a service in a container; `options` take the place of `--detach --env-file FILE`."""
        file = self.files[name] = self.env_file(name, f"# {name}\nTOKEN={self.old}\nOTHER='1'\n")
        chosen = ["--detach", "--env-file", str(file)] if options is None else options
        podman(verb, *self.options(name), *chosen, self.image, *self.service(name, *arguments))
        if verb == "create":
            podman("start", self.full(name))
        self.await_health(name)

    def service(self, name: str, *arguments: str) -> list[str]:
        """The command of a service, without what reads the file."""
        if name not in self._services:
            command = self.command(name, self.files[name], *arguments)
            self._services[name] = [PYTHON, *command[command.index(str(SERVICE)) - 2 :]]
        return self._services[name]

    def row(self, name: str, env_file: Path | None = None, *given: Any, **changes: Any) -> dict[str, Any]:
        mine = {"manager": "podman", "unit": self.full(name), "env_format": "podman", "user": None, "recreate": None}
        return super().row(name, env_file or self.files[name], *given, **{**mine, **changes})

    # -- looking at it with podman and /proc ------------------------------------------------------------------------

    def inspect(self, name: str) -> dict[str, Any]:
        return json.loads(podman("inspect", "--type", "container", self.full(name)))[0]

    def environ(self, name: str) -> dict[str, str]:
        """The environment of the container's first process."""
        data = Path(f"/proc/{self.inspect(name)['State']['Pid']}/environ").read_bytes()
        return dict(pair.decode().split("=", 1) for pair in data.split(b"\0") if pair)


def stand_in(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `podman` is a script that may call the real one as PODMAN."""
    real = shutil.which("podman", path=environment()["PATH"])
    folder.mkdir()
    (folder / "podman").write_text("#!/bin/sh\n" + script.replace("PODMAN", str(real)))
    (folder / "podman").chmod(0o755)
    return {**environment(), "PATH": f"{folder}:{environment()['PATH']}"}


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("usr", "proc", "dev", "sys", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name in ("lib", "lib64", "bin", "sbin"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(entry)
    return buffer.getvalue()


def shell(script: str, **env: str) -> None:
    subprocess.run(["sh", "-euc", script], check=True, env={**environment(), **env}, stdout=subprocess.DEVNULL)
