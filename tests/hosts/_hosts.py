# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`class Hosts`: some hosts, up and down, and what tests do with them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.hosts import _image, _podman, _start
from tests.hosts._podman import HostsError, inside, podman
from tests.hosts._start import State

T = TypeVar("T")
BOOT = 60.0
"""Seconds that a boot may take."""


class Hosts:
    """Hosts in one directory (default: a new one in /tmp).

    `with Hosts(3) as hosts:` brings them up and takes them down; `Hosts.attach(directory)` are some that are up.
    `packages` are installed beside the usual ones (an image of its own); `options` go to `podman run`.
    """

    user = "ops"
    password_user = "opspw"

    def __init__(
        self,
        count: int = 1,
        dir: str | Path | None = None,
        packages: Sequence[str] = (),
        options: Sequence[str] = (),
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.count, self.packages, self.options = count, tuple(packages), tuple(options)
        self.dir = Path(dir or tempfile.mkdtemp(prefix="hosts-", dir="/tmp")).absolute()
        self._say = say or (lambda line: None)
        self._state: State | None = None
        self._pids: dict[str, int] = {}

    @classmethod
    def attach(cls, dir: str | Path) -> Hosts:
        """The hosts that are up in a directory; HostsError when there are none."""
        hosts = cls(dir=dir)
        hosts._state = State.load(hosts.dir)
        return hosts

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.down()

    # Up and down

    def up(self) -> None:
        """Start them all and wait until they have booted. What goes wrong takes them down again."""
        try:
            _podman.prepare()
            image = _image.ensure(self.packages, self._say)
            self._state = _start.start(self.dir, self.count, image, self.options)
            self.each(self._wait)
            self._say(f"{self.count} hosts have booted, {self.names[0]} at {self.address(self.names[0])}")
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Remove containers, network and directory. Some that are half up, or already down, are fine."""
        _start.stop(self.dir)
        self._state = None
        self._pids.clear()

    def _wait(self, name: str) -> None:
        deadline = time.monotonic() + BOOT
        while (state := self._boot_state(name)) in ("", "offline", "initializing", "starting"):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        if state != "running":
            failed = self.run(name, ["systemctl", "--failed", "--plain", "--no-legend"], check=False)
            raise HostsError(f"{name} did not boot: {state or 'no answer'}; failed units: {failed.strip() or 'none'}")

    def _boot_state(self, name: str) -> str:
        # Waits for the end of the boot, once systemd is so far that it can be asked; "degraded": a unit failed.
        return self.run(name, ["systemctl", "is-system-running", "--wait"], check=False).strip()

    # Where things are

    @property
    def state(self) -> State:
        """Names and addresses of hosts that are up."""
        if self._state is None:
            raise HostsError("the hosts are not up")
        return self._state

    @property
    def names(self) -> list[str]:
        """The hosts' names, as the inventory has them: host-1, host-2, ..."""
        return list(self.state.addresses)

    @property
    def gateway(self) -> str:
        """The controller's address on the hosts' network: what listens here can be reached from the hosts."""
        return self.state.gateway

    @property
    def key(self) -> Path:
        """The private key of both users."""
        return self.dir / "key"

    @property
    def known_hosts(self) -> Path:
        """The hosts' public keys, by address. All hosts of a set have the same one."""
        return self.dir / "known_hosts"

    @property
    def password(self) -> str:
        """What sudo asks `password_user` for; another one in each set of hosts."""
        return (self.dir / "password").read_text(encoding="utf-8").strip()

    def address(self, name: str) -> str:
        """A host's address."""
        return self.state.addresses[name]

    def container(self, name: str) -> str:
        """A host's container."""
        return f"{self.state.prefix}-{name}"

    def _pid(self, name: str) -> int:
        """The host's first process, as this machine knows it."""
        if name not in self._pids:
            self._pids[name] = int(podman("inspect", "--format", "{{.State.Pid}}", self.container(name)))
        return self._pids[name]

    def inventory(self) -> dict[str, Any]:
        """An Ansible inventory: group `bot_hosts`, over SSH as `user`, becoming root with sudo."""
        ssh = f"-o UserKnownHostsFile={self.known_hosts} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
        variables = {
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": ssh,
            "ansible_control_path_dir": self.state.control,
            "ansible_become": True,
            "ansible_timeout": 60,  # sudo on a busy machine takes its time to ask
        }
        rows = {name: {"ansible_host": self.address(name)} for name in self.names}
        return {"all": {"children": {"bot_hosts": {"hosts": rows, "vars": variables}}}}

    # Looking at them, and changing them, behind the product's back

    def run(
        self, name: str, argv: Sequence[str], stdin: str | bytes | None = None, check: bool = True, user: str = "root"
    ) -> str:
        """Run a command on a host, from outside, and give its output; HostsError when it fails, unless not `check`."""
        return inside(self._pid(name), argv, user, stdin, check)

    def put(self, name: str, path: str, text: str, mode: int = 0o644, owner: str = "root:root") -> None:
        """Write a file on a host, and the directories above it."""
        script = 'umask 077; mkdir -p -m 0755 "$(dirname "$1")" && cat > "$1" && chown "$2" "$1" && chmod "$3" "$1"'
        self.run(name, ["sh", "-c", script, "sh", path, owner, f"{mode:o}"], stdin=text)

    def disconnect(self) -> None:
        """End SSH's persistent connections, so that the next one is made anew."""
        _start.end_connections(self.state.control)

    def each(self, action: Callable[[str], T], at_once: int = 8) -> list[T]:
        """Call for each host's name, several at once; the results in the order of the names."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(action, self.names))
