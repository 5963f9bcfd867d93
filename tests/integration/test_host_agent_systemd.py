# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manager `systemd` against a stand-in for systemctl that runs a real process; real units are tested on real hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration._host import Host, one

# Knows one unit, x.service. `load`, `fail` and `files` in its directory say what it claims.
_SYSTEMCTL = """#!/bin/sh
cd @
echo "$*" >> calls
for unit; do :; done
[ "$1" = --no-ask-password ] && shift
case "$1" in
show)
    [ -f fail-show ] && { echo 'Failed to connect to bus: No such file' >&2; exit 1; }
    [ "$unit" = x.service ] && echo "LoadState=$(cat load)" || echo LoadState=not-found
    pid=$(cat pid 2>/dev/null); kill -0 "$pid" 2>/dev/null && state=active || { state=failed; pid=0; }
    printf 'ActiveState=%s\\nSubState=x\\nResult=exit-code\\nMainPID=%s\\nControlGroup=\\n' "$state" "$pid"
    printf 'EnvironmentFiles=%s (ignore_errors=no)\\nNeedDaemonReload=no\\n' "$(cat files)" ;;
restart)
    [ -f fail-restart ] && { echo 'Job for x.service failed.' >&2; exit 1; }
    kill "$(cat pid)" 2>/dev/null
    sh ./start & ;;
esac
"""


@pytest.fixture
def unit(host: Host) -> Iterator[tuple[dict, Path, dict]]:
    """A row for x.service, the stand-in's directory, and the environment in which the program finds the stand-in."""
    folder = host.directory / "systemctl.d"
    folder.mkdir()
    file = host.env_file("x")
    (folder / "systemctl").write_text(_SYSTEMCTL.replace("@", str(folder)))
    (folder / "systemctl").chmod(0o755)
    (folder / "load").write_text("loaded")
    (folder / "files").write_text(str(file))
    command = " ".join(host.command("x", file))
    (folder / "start").write_text(f"cd {folder}\necho $$ > pid\nexec {command} > /dev/null 2>&1\n")
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    subprocess.run(["systemctl", "restart", "--", "x.service"], env=env, check=True, stdout=subprocess.DEVNULL)
    host.await_health("x")
    yield host.row("x", file, manager="systemd", unit="x.service"), folder, env
    subprocess.run(["kill", (folder / "pid").read_text().strip()], check=False)


def test_a_unit_is_asked_for_once_and_restarted_once(host: Host, unit: tuple[dict, Path, dict]) -> None:
    row, folder, env = unit
    (folder / "calls").unlink()
    answer = host.run("applied", row, env=env)
    assert not answer["failed"] and one(answer, "x")["in_use"] == "yes" and one(answer, "x")["warnings"] == []
    calls = [call.split()[1:] for call in (folder / "calls").read_text().splitlines()]
    assert calls[0][0] == "show" and [call for call in calls if call[0] == "restart"] == [
        ["restart", "--", "x.service"]
    ]
    assert not host.run("applied", row, env=env)["changed"]


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ("not-found", "unit x.service does not exist on this host; correct `unit`, or install it"),
        ("masked", "unit x.service is masked; `systemctl unmask` it"),
        ("bad-setting", "unit x.service has a setting that systemd refuses"),
        ("odd", "unit x.service is in load state odd"),
    ],
)
def test_a_unit_that_cannot_be_restarted_is_named_before_any_write(
    host: Host, unit: tuple[dict, Path, dict], load: str, words: str
) -> None:
    row, folder, env = unit
    (folder / "load").write_text(load)
    answer = host.run("applied", row, env=env)
    assert answer["failed"] and not answer["changed"] and words in answer["msg"]
    assert host.old in Path(row["env_file"]).read_text()


def test_a_host_without_systemd_and_a_restart_that_fails_are_told_in_words(
    host: Host, unit: tuple[dict, Path, dict]
) -> None:
    row, folder, env = unit
    (folder / "fail-restart").touch()
    answer = host.run("applied", row, env=env)
    assert "`systemctl restart x.service` ended with 1: Job for x.service failed.; the unit is active" in answer["msg"]
    assert host.old in Path(row["env_file"]).read_text()
    (folder / "fail-show").touch()
    answer = host.run("preflight", row, env=env)
    assert "systemctl show x.service ended with 1: Failed to connect to bus" in answer["msg"]
    answer = host.run("preflight", row, env={"PATH": str(Path(sys.executable).parent / "none")})
    assert "could not be run: No such file or directory" in answer["msg"]
