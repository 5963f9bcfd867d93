# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the containers and the network of some hosts up, and takes them down without a trace."""

from __future__ import annotations

import ipaddress
import json
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tests.hosts._podman import HostsError, podman

MARK = "hosts.json"
LABEL = "botops.hosts"
BOT = Path(__file__).with_name("bot.py")
FIRST = 10
"""The last number of the first host's address, so that the gateway's and the network's own are left alone."""


@dataclass
class State:
    """What is written down of hosts that are up; the file is also the mark of a directory that `down` may remove."""

    prefix: str
    gateway: str = ""
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
    state = State(f"botops-{secrets.token_hex(4)}")
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
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: _run(directory, state, image, options, *row), state.addresses.items()))
    return state


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
    shutil.copy(BOT, share / "bot.py")
    for file in (share / "authorized_keys", share / "bot.py"):
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
    prefix = State.load(directory).prefix
    _end_connections(directory)
    containers = podman("ps", "--all", "--quiet", "--filter", f"label={LABEL}={prefix}").split()
    if containers:
        # Nothing in them is worth an orderly end.
        podman("rm", "--force", "--time", "0", "--volumes", *containers, timeout=300)
    if podman("network", "ls", "--quiet", "--filter", f"label={LABEL}={prefix}").split():
        podman("network", "rm", "--force", prefix)
    shutil.rmtree(directory)


def _end_connections(directory: Path) -> None:
    """End the persistent SSH connections to these hosts: they show their control path, which is in this directory."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "ssh" and any(
            str(directory / "cp") in word for word in process.info["cmdline"] or ()
        ):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
