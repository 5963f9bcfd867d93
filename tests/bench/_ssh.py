# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parallel ssh without Ansible: one `ssh` for each host, all at once, with the very settings that Ansible uses."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What Ansible's ssh connection adds by itself, where it has a key and no password.
_ANSIBLES = (
    "-o", "KbdInteractiveAuthentication=no",
    "-o", "PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey",
    "-o", "PasswordAuthentication=no",
    "-o", "ConnectTimeout=10",
)  # fmt: skip


class SshError(Exception):
    """A command on a host failed; the text is for people."""


@dataclass(frozen=True)
class Ssh:
    """How hosts are reached. `arguments` are those of ansible.cfg and of the inventory; sockets go to `control`."""

    user: str
    key: Path
    arguments: tuple[str, ...]
    control: Path
    addresses: Mapping[str, str]

    def command(self, host: str, script: Sequence[str]) -> list[str]:
        """The command line that runs `script` on a host as root."""
        return [
            "ssh", *self.arguments, *_ANSIBLES, "-o", f"IdentityFile={self.key}", "-o", f"User={self.user}",
            "-o", f"ControlPath={self.control}/%C", self.addresses[host], f"sudo -n {shlex.join(script)}",
        ]  # fmt: skip

    def everywhere(self, scripts: Mapping[str, Sequence[str]], stdin: Mapping[str, bytes] | None = None) -> None:
        """Run a script on each host, all at once; SshError names the hosts where it failed."""
        asyncio.run(self._everywhere(scripts, stdin or {}))

    async def _everywhere(self, scripts: Mapping[str, Sequence[str]], stdin: Mapping[str, bytes]) -> None:
        done = await asyncio.gather(
            *(self._one(host, script, stdin.get(host, b"")) for host, script in scripts.items())
        )
        failed = [f"{host}: {text}" for host, text in zip(scripts, done, strict=True) if text]
        if failed:
            raise SshError("\n".join(failed))

    async def _one(self, host: str, script: Sequence[str], data: bytes) -> str:
        # The first ssh to a host leaves a process behind that keeps the connection, and with it standard error, open:
        # so that is a file, which nobody has to wait for the end of.
        with tempfile.TemporaryFile() as said:
            process = await asyncio.create_subprocess_exec(
                *self.command(host, script), stdin=asyncio.subprocess.PIPE, stdout=said, stderr=said
            )
            await process.communicate(data)
            if not process.returncode:
                return ""
            said.seek(0)
            return f"exit status {process.returncode}: {said.read().decode(errors='replace').strip()[-200:]}"

    def open(self, hosts: Sequence[str]) -> None:
        """Open a connection to each host, and leave it open."""
        self.everywhere({host: ["true"] for host in hosts})


def close(control: Path) -> None:
    """End all connections whose sockets are in a directory, and wait until they are gone."""
    sockets = list(control.glob("*")) if control.is_dir() else []
    ends = [
        subprocess.Popen(
            ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "host"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for socket in sockets
    ]  # fmt: skip
    for end in ends:
        end.wait(timeout=20)
    for socket in sockets:
        if os.path.lexists(socket):
            socket.unlink(missing_ok=True)
