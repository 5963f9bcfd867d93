# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test sanity` on a copy of the collection; arguments are passed on (`--test pylint`, paths, ...).

ansible-test keeps its virtual environments in the home directory and downloads the script that installs pip into them
from a place that is out of reach for many machines. Here its home is `.cache/sanity` (so a second run is quick, and the
user's home stays as it is), and a stand-in for that script takes pip from Python's own `ensurepip`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ansible_test

from tests.tools.stage import ROOT, outside_git, stage

HOME = ROOT / ".cache" / "sanity"
# Tests that need a program which is not a Python package; they are run where it is there.
OPTIONAL = {"pslint": "pwsh", "shellcheck": "shellcheck"}
GET_PIP = """# Stands in for get-pip.py; options that only that script knows are left out.
import subprocess
import sys

options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "ensurepip", "--upgrade"], check=True, stdout=subprocess.DEVNULL)
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *options]).returncode)
"""


def pip_versions() -> set[str]:
    """The versions of pip that this ansible-test installs (one, such as `24.2`)."""
    source = Path(ansible_test.__path__[0], "_internal", "python_requirements.py").read_text()
    return set(re.findall(r"\bpip='([\d.]+)'", source))


def prepare_home() -> None:
    """Put the stand-in where ansible-test looks for what it has downloaded before."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in pip_versions():
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)


def environment() -> dict[str, str]:
    """The caller's environment with the other home, and with the pip settings that the real home holds."""
    env = {**outside_git(), "HOME": str(HOME)}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    env.pop("ANSIBLE_HOME", None)
    for settings in (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        if settings.is_file():
            env.setdefault("PIP_CONFIG_FILE", str(settings))
    return env


def skipped() -> Iterator[str]:
    for test, program in OPTIONAL.items():
        if not shutil.which(program):
            print(f"sanity: {program} is not installed, its test {test} is left out", flush=True)
            yield f"--skip-test={test}"


def main(arguments: list[str]) -> int:
    """Run and return ansible-test's exit status."""
    prepare_home()
    if not (HOME / ".ansible" / "test" / "venv").is_dir():
        print("sanity: the first run builds virtual environments in .cache/sanity, which takes a minute", flush=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory(prefix="botops-sanity.") as directory:
        tree = stage(Path(directory))
        command = ["ansible-test", "sanity", "--color=no", f"--python={version}", *skipped(), *arguments]
        print(f"sanity: {' '.join(command)}", flush=True)
        return subprocess.run(command, cwd=tree, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
