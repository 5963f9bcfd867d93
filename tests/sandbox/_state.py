# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written down of a sandbox that is up, and where things are in the repository."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.sandbox._process import SandboxError

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = ROOT / "inventory" / "sandbox" / "group_vars" / "all.yml"
MARK = "sandbox.json"


@dataclass
class State:
    """What is written down of a sandbox that is up; the file is also the mark of a directory that `down` may remove."""

    slack_url: str
    vault_url: str
    sockets: str
    ports: dict[str, int]
    slack_at: str = ""

    @classmethod
    def load(cls, directory: Path) -> State:
        """The state of the sandbox in a directory."""
        try:
            return cls(**json.loads((directory / MARK).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise SandboxError(f"no sandbox is up in {directory}; start one: python -m tests.sandbox up") from None

    def save(self, directory: Path) -> None:
        """Write it down."""
        (directory / MARK).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def for_ansible(directory: Path) -> dict[str, str]:
    """The variables that point Ansible at a sandbox, whatever directory it is started in."""
    return {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "BOTOPS_SANDBOX": str(directory),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
