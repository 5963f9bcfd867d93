# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the collection, as a real tree, to where Ansible's tools look for one.

`python -m tests.tools.stage DIR` makes `DIR/ansible_collections/botops/rotation` and prints that path. The copy holds
what git tracks or would track (so: what is in the work tree, without anything ignored) less the link farm under
`collections/`, which only serves a clone. It is a git work tree of its own, as `ansible-test` wants.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def project_files(root: Path = ROOT) -> list[str]:
    """Paths, relative to the repository root, of the files that git tracks or would track and that exist."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout.decode()
    return sorted({name for name in listed.split("\0") if name and (root / name).is_file()})


def stage(directory: Path) -> Path:
    """Make the copy under `directory`, which must exist, and return the collection's root in it."""
    tree = directory / "ansible_collections" / "botops" / "rotation"
    for name in project_files():
        if not name.startswith("collections/"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    subprocess.run(["git", "add", "--all"], cwd=tree, check=True)
    return tree


if __name__ == "__main__":
    print(stage(Path(sys.argv[1]).resolve()))
