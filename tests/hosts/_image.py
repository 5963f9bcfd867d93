# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of the hosts: made with debootstrap by `image.sh`, kept under the hash of its recipe."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.hosts._podman import HostsError, environment, podman

RECIPE = Path(__file__).with_name("image.sh")
NAME = "localhost/botops-host"
_LOCK = Path("/var/tmp/botops-host-image.lock")


def ensure(packages: Sequence[str], say: Callable[[str], None]) -> str:
    """The name of the image with these packages beside the usual ones; made if there is none of today's recipe."""
    recipe = RECIPE.read_bytes() + " ".join(sorted(packages)).encode()
    name = f"{NAME}:{hashlib.sha256(recipe).hexdigest()[:12]}"
    if _exists(name):
        return name
    with _LOCK.open("w") as lock:  # who comes second finds it made
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _exists(name):
            say("make the image of the hosts from Debian's packages; takes a minute or two, once")
            _make(name, packages)
    return name


def _exists(name: str) -> bool:
    return bool(podman("images", "--quiet", name, check=False).strip())


def _make(name: str, packages: Sequence[str]) -> None:
    directory = Path(tempfile.mkdtemp(prefix="botops-host-image-", dir="/var/tmp"))
    try:
        root, archive = directory / "root", directory / "root.tar"
        _run([str(RECIPE), str(root), *packages])
        # --numeric-owner and extended attributes: the file system of the image, not of this machine.
        _run(["tar", "--create", "--numeric-owner", "--xattrs", f"--file={archive}", f"--directory={root}", "."])
        podman("import", "--quiet", str(archive), name, timeout=300)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise HostsError(f"{Path(command[0]).name}: exit status {done.returncode}; the end of what it said:\n{end}")
