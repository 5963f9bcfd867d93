# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman, commands inside of its containers, and what a machine needs for hosts in containers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# Program -> Debian's package.
PROGRAMS = {"podman": "podman", "runc": "runc", "debootstrap": "debootstrap", "iptables": "iptables"}
PROGRAMS |= {"ssh": "openssh-client", "ssh-keygen": "openssh-client", "nsenter": "util-linux"}
PLUGINS = (Path("/usr/lib/cni/bridge"), Path("/usr/libexec/podman/netavark"), Path("/usr/lib/podman/netavark"))
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH_INSTANCES = 8192
"""Each systemd takes several; with the usual 128 sshd and path units fail silently from about 20 hosts on."""

_CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
# As a login gives a user's groups and environment.
_BECOME = 'exec setpriv --reuid="$0" --regid="$(id -g "$0")" --init-groups --reset-env "$@"'


class HostsError(Exception):
    """The hosts could not do what was asked; the text is for people."""


def environment() -> dict[str, str]:
    """The caller's environment with the directories of programs for administrators."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}


def podman(*argv: str, stdin: str | bytes | None = None, check: bool = True, timeout: float = 120.0) -> str:
    """Run podman and give what it prints on standard output; HostsError with its last words when it fails."""
    shown = f"podman {' '.join(argv[:3])}"
    return _run(["podman", "--runtime", "runc", *argv], environment(), shown, stdin, check, timeout)


def inside(
    pid: int, argv: Sequence[str], user: str = "root", stdin: str | bytes | None = None, check: bool = True
) -> str:
    """Run a command in the container whose first process is `pid`, as root with every capability or as another user.

    By nsenter, a hundred times as fast as `podman exec`, and with an environment of its own.
    """
    enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"]
    become = [] if user == "root" else ["sh", "-c", _BECOME, user]
    return _run([*enter, *become, *argv], _CLEAN, " ".join(argv[:3]), stdin, check, timeout=120.0)


def _run(
    command: list[str], env: dict[str, str], shown: str, stdin: str | bytes | None, check: bool, timeout: float
) -> str:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        command,
        input=data,
        stdin=subprocess.DEVNULL if data is None else None,
        capture_output=True,
        env=env,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode:
        said = (done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace")).strip()
        raise HostsError(f"{shown}: exit status {done.returncode}: {said[-600:]}")
    return done.stdout.decode(errors="replace")


def missing() -> list[str]:
    """Debian's packages that this machine lacks for hosts in containers."""
    path = environment()["PATH"]
    packages = [package for program, package in PROGRAMS.items() if not shutil.which(program, path=path)]
    if not any(plugin.exists() for plugin in PLUGINS):
        packages.append("containernetworking-plugins")
    return sorted(set(packages))


def obstacle() -> str:
    """Why hosts cannot be made on this machine, even if what is missing is installed; empty where they can."""
    if os.geteuid():
        return "containers that boot systemd need root here; run this as root, or in a virtual machine as root"
    packages = missing()
    if packages and not shutil.which("apt-get", path=environment()["PATH"]):
        return f"missing on this machine (names of Debian's packages): {', '.join(packages)}; install them"
    # Root in a container of its own may often not make containers: better said now than by podman.
    problem = _without_namespaces()
    return f"this machine may not make containers ({problem}); use one that may, or a virtual one" if problem else ""


def prepare() -> None:
    """Make sure that hosts can be made here: installs what is missing on a Debian. HostsError says what is in the way."""
    problem = obstacle()
    if problem:
        raise HostsError(problem)
    packages = missing()
    if packages:
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", *packages)
    _raise_inotify()


def _apt_get(*argv: str) -> None:
    # Another apt-get may be at work: wait for it.
    command: Sequence[str] = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *argv)
    env = {**environment(), "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostsError(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr.strip()[-600:]}")


def _without_namespaces() -> str:
    """What is said where namespaces cannot be made; empty where they can."""
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no unshare; install util-linux"
    return " ".join(done.stderr.split()) or f"unshare: exit status {done.returncode}" if done.returncode else ""


def _raise_inotify() -> None:
    try:
        if int(INSTANCES.read_text()) < ENOUGH_INSTANCES:
            INSTANCES.write_text(str(ENOUGH_INSTANCES))
    except OSError as error:
        raise HostsError(
            f"cannot raise {INSTANCES} to {ENOUGH_INSTANCES} ({error.strerror}); run this as root"
        ) from None
