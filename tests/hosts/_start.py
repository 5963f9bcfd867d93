# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the containers and the network of some hosts up, and takes them down without a trace."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tests.hosts._podman import HostsError, podman

MARK = "hosts.json"
LABEL = "botops.hosts"
ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = (ROOT / "tests" / "sandbox" / "bot.py", ROOT / "tests" / "sandbox" / "env_exec.py")
"""What hosts find in /opt/botops."""
LONGEST_CONTROL = 45
"""Bytes for the directory of SSH's control sockets: a Unix socket's path may have 107, and ssh adds 58."""
FIRST = 10
"""The last number of the first host's address, so that the gateway's and the network's own are left alone."""


@dataclass
class State:
    """What is written down of hosts that are up; the file is also the mark of a directory that `down` may remove."""

    prefix: str
    gateway: str = ""
    control: str = ""
    addresses: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, directory: Path) -> State:
        """The state of the hosts in a directory."""
        try:
            return cls(**json.loads((directory / MARK).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise HostsError(f"no hosts are up in {directory}; start some: python -m tests.hosts up") from None

    def save(self, directory: Path) -> None:
        """Write it down."""
        (directory / MARK).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def start(directory: Path, count: int, image: str, options: Sequence[str]) -> State:
    """Start `count` containers on a network of their own; does not wait until they have booted."""
    if (directory / MARK).exists():
        raise HostsError(f"there are hosts in {directory}; take them down first: python -m tests.hosts down")
    if not 1 <= count <= 200:
        raise HostsError(f"{count} hosts: 1 to 200 fit into a network")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = State(f"botops-{secrets.token_hex(4)}", control=_control_directory(directory))
    state.save(directory)  # from here on `stop` finds everything
    _share(directory)
    podman("network", "create", "--label", f"{LABEL}={state.prefix}", state.prefix)
    network = _network(state.prefix)
    state.gateway = str(network[1])
    state.addresses = {f"host-{number + 1}": str(network[FIRST + number]) for number in range(count)}
    state.save(directory)
    public = (directory / "share" / "host_key.pub").read_text(encoding="utf-8").rsplit(" ", 1)[0]
    known = "".join(f"{address} {public}\n" for address in state.addresses.values())
    (directory / "known_hosts").write_text(known, encoding="utf-8")
    chosen = [*_weight(), *options]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: _run(directory, state, image, chosen, *row), state.addresses.items()))
    return state


def _weight() -> list[str]:
    """Options by which the kernel gives each host as much processor time as any process here.

    By itself podman puts all containers into one control group, which together gets as much as one process: while a
    controller's forty are at work, the services of forty hosts would hardly start. With systemd as its manager of groups
    they get a half.
    """
    return ["--cgroup-parent=/"] if podman("info", "--format", "{{.Host.CgroupManager}}").strip() == "cgroupfs" else []


def _control_directory(directory: Path) -> str:
    """Where ssh keeps its sockets: in the hosts' directory, or, where its path is too long, in one of their own."""
    inside = str(directory / "cp")
    return inside if len(os.fsencode(inside)) <= LONGEST_CONTROL else tempfile.mkdtemp(prefix="hosts-cp-", dir="/tmp")


def _network(name: str) -> ipaddress.IPv4Network:
    """The network's addresses; the first one is the gateway's, which is this machine."""
    about = json.loads(podman("network", "inspect", name))[0]
    return ipaddress.IPv4Network(about["subnets"][0]["subnet"])


def _share(directory: Path) -> None:
    """Keys, a password and the bot, in a directory that each host mounts at /opt/botops, read only."""
    share = directory / "share"
    share.mkdir(mode=0o755)
    for file, comment in ((directory / "key", "ops"), (share / "host_key", "host")):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    password = secrets.token_urlsafe(12)
    for file, text in ((directory / "password", f"{password}\n"), (share / "passwords", f"opspw:{password}\n")):
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    shutil.copy(directory / "key.pub", share / "authorized_keys")
    for program in PROGRAMS:
        shutil.copy(program, share)
    for file in (share / "authorized_keys", *(share / program.name for program in PROGRAMS)):
        file.chmod(0o644)


def _run(directory: Path, state: State, image: str, options: Sequence[str], name: str, address: str) -> None:
    # More open files than runc allows by itself, or systemd does not boot. SYS_PTRACE: as on a real host, root may read
    # the environment of another user's process.
    podman(
        "run", "--detach", "--name", f"{state.prefix}-{name}", "--hostname", name, "--label", f"{LABEL}={state.prefix}",
        "--systemd=always", "--cap-add=SYS_PTRACE", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096",
        "--network", state.prefix, "--ip", address, "--volume", f"{directory / 'share'}:/opt/botops:ro", "--pull=never",
        *options, image, "/sbin/init",
    )  # fmt: skip


def stop(directory: Path) -> None:
    """Remove the containers, the network and the directory of hosts; none there is fine."""
    if not (directory / MARK).exists():
        if directory.exists() and not any(directory.iterdir()):
            directory.rmdir()
        return
    state = State.load(directory)
    prefix = state.prefix
    end_connections(state.control)
    containers = podman("ps", "--all", "--quiet", "--filter", f"label={LABEL}={prefix}").split()
    if containers:
        # Nothing in them is worth an orderly end.
        podman("rm", "--force", "--time", "0", "--volumes", *containers, timeout=300)
    if podman("network", "ls", "--quiet", "--filter", f"label={LABEL}={prefix}").split():
        podman("network", "rm", "--force", prefix)
    shutil.rmtree(state.control, ignore_errors=True)
    shutil.rmtree(directory)


def end_connections(control: str) -> None:
    """End the persistent SSH connections to these hosts: they show the path of their control socket."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "ssh" and any(control in word for word in process.info["cmdline"] or ()):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
