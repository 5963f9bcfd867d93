# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No token is in the arguments or the environment of any process of a run, nor in any file that it leaves, even killed.

What a run prints, logs and returns is looked at by tests/e2e; here it is also printed as loudly as Ansible can, and
kept in a log and in a fact cache, so that these files are among those that are searched.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults._judge import Reference, holds, pieces_of
from tests.faults._runs import Case
from tests.faults._setting import Setting
from tests.faults._watch import Watch
from tests.sandbox import Sandbox, tokens

SHARED = [Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path(pwd.getpwuid(os.getuid()).pw_dir) / ".ansible"]
"""Where programs put temporary files when they are not told where; Ansible takes ~ from the list of users."""
LARGEST = 10_000_000
ALLOWED = ("*/env/*", "vault-token")
"""In a sandbox, the files that are there to hold tokens: the services', and the caller's own for Vault."""


def test_the_watch_sees_what_it_is_to_see(tmp_path: Path) -> None:
    """Arguments, environments and short-lived files, of a process and of its children."""
    token = {where: tokens.bot() for where in ("arguments", "environment", "file")}
    script = (
        f"echo {token['file']} > short; sleep 0.3; rm short; : {token['arguments']}; A={token['environment']} sleep 0.1"
    )
    run = subprocess.Popen(["/bin/sh", "-c", script], cwd=tmp_path)
    with Watch(run.pid, tmp_path) as watch:
        run.wait()
    for where, value in token.items():
        assert any(holds(content, pieces_of([value])) for content in watch.seen), where


@pytest.mark.parametrize("kv", [pytest.param(kv, marks=pytest.mark.row(f"token scan, KV v{kv}")) for kv in (1, 2)])
def test_processes_and_files(kv: int, setting: Callable[[int], Setting]) -> None:
    scan(Case(setting(kv)))


def scan(case: Case) -> None:
    """A rotation under observation."""
    began = time.time()
    run = case.start("loud", "-vvvv", "--diff", **_loud(case))
    with Watch(run.pid, case.directory) as watch:
        done = case.done("loud", run)
    assert done.status == 0 and "task path:" in done.printed, done
    pieces = _pieces(case.setting.sandbox)
    found = [where for content, where in watch.seen.items() if holds(content, pieces)]
    assert not found, f"a token was in {found}"
    assert sum(" -I -" in line for line in watch.arguments()) >= 1, watch.arguments()
    assert watch.looks > 50, "it was not looked often enough"
    left = [str(file) for file in _files(case.setting.sandbox, began) if holds(file.read_bytes(), pieces)]
    assert not left, f"a token is in {left}"
    case.end()


@pytest.mark.row("token scan, killed")
@pytest.mark.parametrize("task", ["Fetch the tokens for the hosts", "Write environment files, restart, and prove"])
@pytest.mark.parametrize("kind", ["start", "end"])
def test_files_of_a_killed_run(
    task: str, kind: str, setting: Callable[[int], Setting], undisturbed: Callable[[int], Reference]
) -> None:
    """Killed with the tokens in hand: what it leaves anywhere, before another run could tidy up."""
    events = undisturbed(1).events
    number = next(one.number for one in events if one.kind == kind and one.task.startswith(task))
    case, began = Case(setting(1)), time.time()
    with case.killed("all", number) as killed:
        assert killed.said.get("killed") and killed.gone()
    sandbox = case.setting.sandbox
    pieces = _pieces(sandbox)
    left = [str(file) for file in _files(sandbox, began) if holds(file.read_bytes(), pieces)]
    assert not left, f"a token is in {left}"
    case.end()


def _loud(case: Case) -> dict[str, str]:
    return {
        "ANSIBLE_LOG_PATH": str(case.directory / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(case.directory / "facts"),
    }


def _pieces(sandbox: Sandbox) -> set[bytes]:
    return pieces_of([*sandbox.tokens(), sandbox.vault_token])


def _files(sandbox: Sandbox, since: float) -> Iterator[Path]:
    """The files of a sandbox, and all others on the machine that were written since then and could be the run's."""
    for directory in (sandbox.dir, *SHARED):
        for folder, folders, names in os.walk(directory):
            if directory != sandbox.dir:
                folders[:] = [name for name in folders if Path(folder, name) != sandbox.dir]
            for file in (Path(folder, name) for name in names):
                if _could_be_the_run_s(file, since) and not any(file.match(allowed) for allowed in ALLOWED):
                    yield file


def _could_be_the_run_s(file: Path, since: float) -> bool:
    try:
        about = file.lstat()
        return (
            file.is_file()
            and not file.is_symlink()
            and about.st_mtime >= since - 1
            and about.st_size <= LARGEST
            and about.st_uid == os.getuid()
        )
    except OSError:
        return False
