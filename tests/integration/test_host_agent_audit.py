# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state `audited` of the host program: what is there, with nothing locked, tried or changed."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.host_agent import _program

from tests.integration._host import Host, fingerprint, one
from tests.sandbox import tokens

KINDS = {"xoxb-": "bot token", "xapp-": "app-level token", "xoxe.xoxb-": "rotating bot token"}


def audited(host: Host, *rows: dict[str, Any]) -> dict[str, Any]:
    """The answer, to rows that do not say what is due."""
    for row in rows:
        row["variables"] = {name: {"key": each["key"], "new": ""} for name, each in row["variables"].items()}
    program = _program.build({"state": "audited", "check": False, "services": list(rows), "tokens": {}, "kinds": KINDS})
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=program, capture_output=True, timeout=60, check=False
    )
    host.no_secret_in(done.stdout.decode() + done.stderr.decode())
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()
    return json.loads(done.stdout.decode().strip()[len(_program.MARKER) :])


def command(host: Host, name: str, env_file: Path, pid: int = 0, **changes: Any) -> dict[str, Any]:
    """A service whose process is told by a pid file; its restart would not even work."""
    pid_file = host.directory / f"{name}.pid"
    pid_file.write_text(str(pid))
    unlike = {"manager": "command", "restart": ["/nowhere/restart"], "pid_file": str(pid_file), "server_url": None}
    host._ports.setdefault(name, 1)
    return host.row(name, env_file, **unlike, **changes)


def test_file_and_process_are_told_while_another_run_holds_the_file(host: Host) -> None:
    env_file = host.env_file("bot")
    before = env_file.stat()
    running = subprocess.Popen(["sleep", "60"], env={"TOKEN": host.new})
    try:
        with env_file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            answer = audited(host, command(host, "bot", env_file, running.pid), command(host, "stopped", env_file))
    finally:
        running.kill()
        running.wait()
    assert answer["changed"] is answer["failed"] is False
    told = one(answer, "bot")["variables"]["TOKEN"]
    assert (told["file"], told["process"]) == (fingerprint(host.old), [fingerprint(host.new)])
    assert one(answer, "bot")["same"] == "no" and one(answer, "bot")["active"] is True
    assert one(answer, "stopped")["active"] is False and one(answer, "stopped")["variables"]["TOKEN"]["process"] == []
    after = env_file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns) and host.leftovers() == []


def test_every_token_in_a_file_is_told_wherever_it_stands(host: Host) -> None:
    extra, app, rotating = tokens.bot(), tokens.app_level(), tokens.rotating_bot()
    host.secrets |= {extra, app, rotating}
    text = (
        f"# OLD={extra}\nTOKEN={host.old}\nTOKEN='{host.new}'\nURL=http://x/?t={app}&u=1\nR={rotating}\nN=xoxb-short\n"
    )
    (answer,) = audited(host, command(host, "bot", host.env_file("bot", text)))["files"].values()
    assert [(each["variable"], each["line"], each["fingerprint"], each["kind"]) for each in answer["tokens"]] == [
        ("", 1, fingerprint(extra), "bot token"),
        ("TOKEN", 2, fingerprint(host.old), "bot token"),
        ("TOKEN", 3, fingerprint(host.new), "bot token"),
        ("URL", 4, fingerprint(app), "app-level token"),
        ("R", 5, fingerprint(rotating), "rotating bot token"),
    ]


@pytest.mark.parametrize("case", ["no file", "a directory", "not its dialect", "damaged"])
def test_what_is_wrong_with_a_file_is_told_and_the_others_are_looked_at(host: Host, case: str) -> None:
    path = host.directory / "odd.env"
    if case == "a directory":
        path.mkdir()
    elif case != "no file":
        path.write_bytes(f"export TOKEN={host.old}\n".encode() if case == "not its dialect" else b"TOKEN=\xff\xfe\n")
    answer = audited(host, command(host, "odd", path), command(host, "well", host.env_file("well")))
    odd, shown = one(answer, "odd"), one(answer, "odd")["variables"]["TOKEN"]
    assert shown["file"] is None and (odd["error"] or shown["problem"])
    assert answer["files"][str(path)]["missing"] is (case == "no file")
    assert one(answer, "well")["variables"]["TOKEN"]["file"] == fingerprint(host.old) and not answer["failed"]


def test_a_service_s_own_proof_says_whether_it_has_what_its_file_has(host: Host) -> None:
    env_file = host.env_file("bot")
    quiet = subprocess.Popen(["sleep", "60"], env={})
    try:
        proof = {"in_use": {"started_after": True}}
        os.utime(env_file, (1, 1))
        assert one(audited(host, command(host, "bot", env_file, quiet.pid, **proof)), "bot")["same"] == "yes"
        os.utime(env_file)
        os.utime(env_file, (env_file.stat().st_atime + 60, env_file.stat().st_mtime + 60))
        assert one(audited(host, command(host, "bot", env_file, quiet.pid, **proof)), "bot")["same"] == "no"
        assert one(audited(host, command(host, "bot", env_file, quiet.pid)), "bot")["same"] == "unknown"
    finally:
        quiet.kill()
        quiet.wait()
