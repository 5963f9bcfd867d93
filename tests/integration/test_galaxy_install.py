# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users get it: built, installed in an empty place, and found there without the clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# What a user has no use for, or must not get: the environment, caches, the sandbox with its servers, a clone's own files.
UNWANTED = (".venv", ".cache", ".ansible", ".sandbox", ".git", ".ci", "ansible.cfg", "collections", "reports",
            "rotate_bot.yml", "tests/sandbox", "inventory/sandbox")  # fmt: skip
WANTED = ("README.md", "requirements.txt", "bindep.txt", "meta/runtime.yml", "meta/execution-environment.yml",
          "playbooks/rotate_bot.yml", "LICENSES/GPL-3.0-or-later.txt")  # fmt: skip


def run(*command: str, cwd: Path) -> str:
    """Standard output of an Ansible command that runs away from the clone, with nothing of the caller's Ansible settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    env |= {"ANSIBLE_HOME": str(cwd / "home"), "ANSIBLE_COLLECTIONS_PATH": str(cwd), "PATH": f"{BIN}:{env['PATH']}"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with TemporaryDirectory(prefix="botops-galaxy.") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def tarball(place: Path) -> Path:
    run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(place), cwd=place)
    (built,) = place.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(place: Path, tarball: Path) -> Path:
    run("ansible-galaxy", "collection", "install", "--offline", str(tarball), "-p", str(place), cwd=place)
    return place / "ansible_collections/botops/rotation"


pytestmark = pytest.mark.xdist_group("galaxy")


def test_the_tarball_holds_the_collection_and_nothing_else(tarball: Path) -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert tarball.name == f"botops-rotation-{version}.tar.gz"
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
        links = [member.name for member in archive if member.issym() or member.islnk()]
    assert [name for name in names if name in UNWANTED or name.startswith(tuple(f"{each}/" for each in UNWANTED))] == []
    assert [name for name in names if name.endswith((".pyc", ".tar.gz")) or ".ready-" in name] == []
    assert sorted(set(WANTED) - set(names)) == []
    assert links == []


@pytest.mark.parametrize("kind, folder", [("module", "modules"), ("callback", "callback")])
def test_the_installed_plugins_are_found_and_documented(place: Path, installed: Path, kind: str, folder: str) -> None:
    files = {path.stem for path in (ROOT / "plugins" / folder).glob("[!_]*.py")}
    listed = json.loads(run("ansible-doc", "-l", "-t", kind, "--json", "botops.rotation", cwd=place))
    assert files, "nothing to look for"
    assert set(listed) == {f"botops.rotation.{name}" for name in files}
    assert all(listed.values()), "a plugin without a short description"


def test_the_installed_playbook_runs_by_its_name(place: Path, installed: Path) -> None:
    shown = run("ansible-playbook", "botops.rotation.rotate_bot", "-e", "bot=gobot", "--list-tasks", cwd=place)
    assert f"playbook: {installed}/playbooks/rotate_bot.yml" in shown
