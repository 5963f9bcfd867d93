#!/usr/bin/env python3
# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory of the embedded sandbox, as it wrote it when it came up; without a sandbox, an inventory with no hosts.

The sandbox is looked for in $BOTOPS_SANDBOX, else in `.sandbox` in the repository's root.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

EMPTY = {"_meta": {"hostvars": {}}, "all": {"children": ["bot_hosts"]}, "bot_hosts": {"hosts": []}}


def main(argv: list[str]) -> None:
    """Answer `--list` and `--host NAME`."""
    default = Path(__file__).resolve().parents[2] / ".sandbox"
    file = Path(os.environ.get("BOTOPS_SANDBOX") or default) / "inventory.json"
    try:
        inventory = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        inventory = EMPTY
    if argv[:1] == ["--host"]:
        print(json.dumps(inventory["_meta"]["hostvars"].get(argv[1], {})))
    else:
        print(json.dumps(inventory))


if __name__ == "__main__":
    main(sys.argv[1:])
