# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench QUICK=1`: every kind of run does its work; what it measures on a busy machine is nobody's figure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts import Hosts
from tests.hosts._podman import podman
from tests.tools.stage import ROOT

KINDS = {"tool", "check", "by_hand", "limit", "limit_open", "outage", "memory"}


def test_a_quick_bench_makes_all_its_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    results = json.loads((tmp_path / "results.json").read_text())
    assert {one["what"] for one in results["samples"]} == KINDS
    assert {one["by"] for one in results["samples"] if one["what"] == "outage"} == {"tool", "restart"}
    assert "whole run / limit, 2 hosts" in done.stdout


def test_a_host_shares_its_weight_with_no_other(hosts: Hosts) -> None:
    """Each is a control group of its own right under the root, as each process of a controller is."""
    if podman("info", "--format", "{{.Host.CgroupManager}}").strip() != "cgroupfs":
        pytest.skip("systemd manages this machine's control groups, and gives all containers a half")
    for name in hosts.names:
        groups = Path(f"/proc/{hosts._pid(name)}/cgroup").read_text().splitlines()
        (group,) = [line.split(":")[2] for line in groups if "cpu" in line.split(":")[1].split(",")] or [
            line.split(":")[2] for line in groups if line.startswith("0::")
        ]
        assert group.split("/")[1].startswith("libpod-"), group
