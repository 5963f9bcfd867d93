# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds ports that no other sandbox on the machine has or will take."""

from __future__ import annotations

import random
import socket

from tests.sandbox._process import SandboxError
from tests.sandbox.slack.app import listen

BLOCK = 20
"""Ports of one sandbox: Slack, OpenBao (two), one for each service, some to spare for tests."""
LOWEST, HIGHEST = 10_000, 32_000
"""Below the range that the kernel takes ports for outgoing connections from: a service can always get its port back."""


def claim() -> socket.socket:
    """Claim a block of ports: its first one comes bound, and being bound it keeps other sandboxes off the block."""
    starts = list(range(LOWEST, HIGHEST, BLOCK))
    random.shuffle(starts)
    for start in starts[:200]:
        try:
            first = listen(start)
        except OSError:
            continue
        if all(_is_free(port) for port in range(start + 1, start + BLOCK)):
            return first
        first.close()
    raise SandboxError(f"no {BLOCK} free ports in a row between {LOWEST} and {HIGHEST}")


def _is_free(port: int) -> bool:
    try:
        listen(port).close()
    except OSError:
        return False
    return True
