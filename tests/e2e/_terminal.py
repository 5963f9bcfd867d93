# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook at a terminal of its own, and types the secret that it asks for."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.e2e._playbook import environment
from tests.sandbox import Sandbox

AT_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes standard input the terminal of the session, as a shell's is, and becomes the command."""


def at_terminal(sandbox: Sandbox, answer: str, *arguments: str, timeout: float = 60.0) -> tuple[int, str]:
    """ansible-playbook with arguments; `answer` is typed at its prompt. Exit status, and all that the screen showed."""
    argv = [sys.executable, "-c", AT_TERMINAL, "ansible-playbook", *arguments]
    terminal, theirs = pty.openpty()
    environ = environment(sandbox, Path(os.devnull))
    child = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=sandbox.dir, start_new_session=True
    )
    os.close(theirs)
    screen, typed, deadline = "", False, time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    read = os.read(terminal, 65536)
                except OSError:  # the terminal is closed: it has ended
                    break
                screen += read.decode(errors="replace")
            if not typed and "(not shown)" in screen and not termios.tcgetattr(terminal)[3] & termios.ECHO:
                time.sleep(0.3)  # Ansible drops what was typed before it asked, just after it switched the echo off
                os.write(terminal, answer.encode() + b"\r")
                typed = True
        return child.wait(max(1.0, deadline - time.monotonic())), screen
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        os.close(terminal)
