# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the collection, as a real tree, to where Ansible's tools look for one.

`python -m tests.tools.stage DIR` makes `DIR/ansible_collections/botops/rotation` and prints that path. The copy holds
what git tracks or would track (so: what is in the work tree, without anything ignored) less the link farm under
`collections/`, which only serves a clone. It is a git work tree of its own, as `ansible-test` wants.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def outside_git() -> dict[str, str]:
    """The environment without what git sets for its hooks, which would point every git command at one repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def git(directory: Path, *arguments: str) -> str:
    """Standard output of a git command; a work tree of another owner is accepted, as in a container."""
    command = ["git", "-c", f"safe.directory={directory}", *arguments]
    return subprocess.run(command, cwd=directory, env=outside_git(), check=True, stdout=subprocess.PIPE).stdout.decode()


def project_files(root: Path = ROOT) -> list[str]:
    """Paths, relative to the root, of what git tracks or would track and what exists. Links are named, not followed."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted({name for name in listed.split("\0") if name and os.path.lexists(root / name)})


def stage(directory: Path) -> Path:
    """Make the copy under `directory`, which must exist, and return the collection's root in it."""
    tree = directory / "ansible_collections" / "botops" / "rotation"
    for name in project_files():
        if not name.startswith("collections/"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    return tree


if __name__ == "__main__":
    print(stage(Path(sys.argv[1]).resolve()))
