# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.hosts possible`, by which continuous integration decides: yes here, and else one line of why not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.tools.stage import ROOT

# As nobody in a user namespace, as root in a container that may not mount, on a machine without apt-get and podman.
WAYS: dict[str, tuple[list[str], Mapping[str, str] | None, str]] = {
    "no root": (["unshare", "--user"], None, "need root here; run this as root"),
    "no rights": (
        ["setpriv", "--inh-caps=-all", "--bounding-set=-sys_admin"],
        None,
        "may not make containers (unshare",
    ),
    "no packages": ([], {"PATH": "/none"}, "missing on this machine (names of Debian's packages): "),
}


def possible(before: list[str], env: Mapping[str, str] | None, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-m", "tests.hosts", "possible", *options]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_hosts_can_be_made_here() -> None:
    done = possible([], None, "--boot")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_why_not_is_said_in_one_line(way: str) -> None:
    before, env, words = WAYS[way]
    done = possible(before, env)
    assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("hosts: ") and done.stdout == ""
