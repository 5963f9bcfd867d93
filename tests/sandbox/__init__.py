# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox: OpenBao, a Slack and bot services on three hosts, all on loopback, for the demo and for tests.

`python -m tests.sandbox up` starts it from the command line, `class Sandbox` from tests. See `_sandbox.Sandbox`.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Import the class only when it is asked for: the servers of the sandbox start faster without it."""
    if name == "Sandbox":
        from tests.sandbox._sandbox import Sandbox

        return Sandbox
    if name == "SandboxError":
        from tests.sandbox._process import SandboxError

        return SandboxError
    raise AttributeError(name)
