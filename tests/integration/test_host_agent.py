# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host program against a real supervisord: what it changes, proves and predicts when all is well or a host is odd."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration._host import Host, fingerprint, one
from tests.sandbox import tokens

PYENV = Path.home() / ".pyenv" / "versions"


@pytest.fixture
def pair(host: Host) -> list[dict]:
    """Two healthy services on one file."""
    file = host.env_file("both")
    for name in ("one", "two"):
        host.add(name, file)
    host.start()
    host.await_health("one", "two")
    return [host.row(name, file) for name in ("one", "two")]


def test_new_tokens_reach_the_processes_of_two_services_on_one_file(host: Host, pair: list[dict]) -> None:
    before = host.snapshot("one", "two")
    answer = host.run("applied", *pair)
    assert answer["changed"] and not answer["failed"] and answer["msg"] == ""
    for name in ("one", "two"):
        service = one(answer, name)
        assert host.process_token(name) == host.new
        assert host.pid(name) != before["pids"][name]
        assert service["needs"] == "write" and service["changed"] and service["restarted"] and not service["restored"]
        assert service["in_use"] == "yes" and service["health_before"]["ok"] and service["health_after"]["ok"]
        assert 0 < service["seconds_unavailable"] < 10 and not service["down_before"]
        assert service["error"] is None and service["warnings"] == []
        assert service["variables"]["TOKEN"] == {
            "key": "gobot/ibmcloud/bot",
            "file_before": fingerprint(host.old),
            "file_after": fingerprint(host.new),
            "process_before": [fingerprint(host.old)],
            "process_after": [fingerprint(host.new)],
        }
    assert (host.directory / "both.env").read_text() == f"# both\nTOKEN={host.new}\nOTHER='1'\n"
    assert host.leftovers() == []
    after = host.snapshot("one", "two")
    for state in ("applied", "verified", "preflight"):
        again = host.run(state, *pair)
        assert not again["changed"] and not again["failed"]
        assert [service["needs"] for service in again["services"]] == ["nothing", "nothing"]
    assert host.snapshot("one", "two") == after


def test_supervisor_is_reached_over_tcp_with_a_password(host: Host, pair: list[dict]) -> None:
    answer = host.run("applied", *({**row, "server_url": host.inet_url()} for row in pair))
    assert not answer["failed"] and host.process_token("one") == host.process_token("two") == host.new
    wrong = host.run("preflight", {**pair[0], "server_url": host.inet_url("a-wrong-word")})
    assert "answered getProcessInfo with HTTP 401; check `server_url` and its user name and password" in wrong["msg"]
    assert "rotation:" not in wrong["msg"] and "a-wrong-word" not in wrong["msg"]


@pytest.mark.parametrize(("state", "check"), [("preflight", False), ("applied", True), ("restored", True)])
def test_a_prediction_changes_nothing_and_is_what_the_run_then_does(
    host: Host, pair: list[dict], state: str, check: bool
) -> None:
    before = host.snapshot("one", "two")
    predicted = host.run(state, *pair, check=check)
    assert host.snapshot("one", "two") == before
    real = host.run("applied", *pair)
    for guess, fact in zip(predicted["services"], real["services"]):
        assert guess["needs"] == fact["needs"] == "write"
        assert not guess["restarted"]
        if check:
            assert guess["changed"] and guess["variables"]["TOKEN"]["file_after"] == fingerprint(host.new)


@pytest.mark.parametrize("state", ["applied", "restored"])
def test_a_file_that_changed_since_the_preflight_is_left_alone(host: Host, pair: list[dict], state: str) -> None:
    """The program was held up until another rotation was over: its own tokens are dead by now."""
    newer = tokens.bot()
    host.env_file("both", f"TOKEN={newer}\n")
    before = host.snapshot("one", "two")
    rows = [
        {**row, "variables": {"TOKEN": {**row["variables"]["TOKEN"], "seen": fingerprint(host.old)}}} for row in pair
    ]
    answer = host.run(state, *rows)
    assert answer["failed"] and not answer["changed"]
    assert f"had {fingerprint(host.old)} for TOKEN when it was looked at" in one(answer, "one")["error"]
    assert f"has {fingerprint(newer)} now" in one(answer, "one")["error"]
    assert host.snapshot("one", "two") == before


def test_verified_names_what_is_missing(host: Host, pair: list[dict]) -> None:
    answer = host.run("verified", *pair)
    assert answer["failed"] and not answer["changed"]
    assert f"TOKEN is {fingerprint(host.old)}, {fingerprint(host.new)} is due" in one(answer, "one")["error"]
    assert "is not on the token that it must have" in one(answer, "one")["error"]


def test_a_process_on_the_old_token_is_restarted_although_the_file_is_right(host: Host, pair: list[dict]) -> None:
    host.env_file("both", f"TOKEN={host.new}\n")
    inode = (host.directory / "both.env").stat().st_ino
    answer = host.run("applied", *pair)
    assert [service["needs"] for service in answer["services"]] == ["restart", "restart"]
    assert host.process_token("one") == host.new
    assert (host.directory / "both.env").stat().st_ino == inode


def test_restored_brings_the_old_tokens_back(host: Host, pair: list[dict]) -> None:
    assert not host.run("applied", *pair)["failed"]
    swapped = host.variable(new=fingerprint(host.old), old=fingerprint(host.new))
    rows = [{**row, "variables": {"TOKEN": swapped}} for row in pair]
    answer = host.run("restored", *rows)
    assert not answer["failed"] and all(service["restored"] for service in answer["services"])
    assert host.process_token("one") == host.process_token("two") == host.old
    assert not host.run("restored", *rows)["changed"]


def test_a_token_that_slack_refused_is_not_restored(host: Host, pair: list[dict]) -> None:
    before = host.snapshot("one", "two")
    dead = host.variable(restorable=False)
    answer = host.run("restored", *[{**row, "variables": {"TOKEN": dead}} for row in pair])
    assert answer["failed"] and "was not accepted by Slack in this run" in answer["msg"]
    assert host.snapshot("one", "two") == before


def test_mode_owner_attributes_and_a_symbolic_link_are_kept(host: Host) -> None:
    file = host.env_file("real")
    os.chmod(file, 0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 54321)
    entries = [(1, 6, -1), (2, 4, 65534), (4, 4, -1), (16, 4, -1), (32, 0, -1)]  # acl(5), as the kernel stores it
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(file, "system.posix_acl_access", acl)
        os.setxattr(file, "user.note", b"kept")
    except OSError:
        pytest.skip("the file system of /tmp has no access control lists")
    link = host.directory / "link.env"
    link.symlink_to("real.env")
    host.add("one", link)
    host.start()
    host.await_health("one")
    before = os.stat(file)
    assert not host.run("applied", host.row("one", link))["failed"]
    after = os.stat(file)
    assert link.is_symlink() and os.readlink(link) == "real.env"
    assert host.new in file.read_text() and host.old not in file.read_text()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(file, "system.posix_acl_access") == acl and os.getxattr(file, "user.note") == b"kept"


BAD = {
    "missing": (None, "it does not exist"),
    "empty": (b"", "is empty"),
    "directory": ("directory", "it is a directory"),
    "fifo": ("fifo", "it is not a regular file"),
    "loop": ("loop", "symbolic links go in a circle"),
    "not UTF-8": (b"TOKEN=x\nA=\xff\n", "line 2 has a byte that is not UTF-8"),
    "NUL": (b"TOKEN=\0\n", "NUL byte in line 1"),
    "open quote": (b"A='x\n", "an open quote"),
    "computed": (b"TOKEN=$(cat /x)\n", "line 1: TOKEN is computed by the shell"),
    "huge": (b"#" * 2_000_000, "has 2000000 bytes"),
}


@pytest.fixture(scope="module")
def sound() -> Iterator[tuple[Host, dict]]:
    """A host with one sound service, for tests that change nothing."""
    made = Host()
    try:
        file = made.env_file("good")
        made.add("sound", file)
        made.start()
        made.await_health("sound")
        yield made, made.row("sound", file)
    finally:
        made.close()


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_an_error_that_names_it_before_any_write(sound: tuple[Host, dict], case: str) -> None:
    content, words = BAD[case]
    host, row = sound
    bad = host.directory / f"{case.replace(' ', '-')}.bad"
    if content == "directory":
        bad.mkdir()
    elif content == "fifo":
        os.mkfifo(bad)
    elif content == "loop":
        bad.symlink_to(bad.name)
    elif content is not None:
        bad.write_bytes(content)
    unsound = {**row, "name": "unsound", "unit": "sound", "env_file": str(bad)}
    unsound["env_format"] = "shell" if case == "computed" else "systemd"
    before = host.snapshot("sound")
    for state in ("preflight", "applied"):
        answer = host.run(state, row, unsound)
        assert answer["failed"] and not answer["changed"]
        assert words in one(answer, "unsound")["error"] and str(bad) in one(answer, "unsound")["error"]
        assert answer["msg"].startswith("unsound: ")
    assert host.snapshot("sound") == before and host.leftovers() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\r\nTOKEN=@\r\nB=2\r\n", "A=1\r\nTOKEN=@\r\nB=2\r\n"),
        ('TOKEN="@"\nA=1', 'TOKEN="@"\nA=1'),
        ("TOKEN=@\n#\nTOKEN='@'\n", "TOKEN=@\n#\nTOKEN='@'\n"),
        ("A=1", "A=1\nTOKEN=@\n"),
    ],
)
def test_an_odd_file_is_edited_as_systemd_reads_it(host: Host, text: str, expected: str) -> None:
    file = host.env_file("odd", text.replace("@", host.old))
    host.add("one", file)
    host.start()
    host.await_health("one")
    answer = host.run("applied", host.row("one", file))
    assert not answer["failed"] and one(answer, "one")["in_use"] == "yes"
    assert file.read_bytes().decode() == expected.replace("@", host.new)


def test_a_line_with_export_is_named_since_systemd_ignores_it(host: Host) -> None:
    file = host.env_file("odd", f"export TOKEN={host.old}\n")
    host.add("one", file)
    host.start()
    host.await_health("one")
    answer = host.run("applied", host.row("one", file))
    assert not answer["failed"] and host.process_token("one") == host.new
    assert "line 1 looks as if it sets TOKEN, but a systemd file does not" in one(answer, "one")["warnings"][0]


def test_all_problems_come_at_once(host: Host, pair: list[dict]) -> None:
    rows = [
        {**pair[0], "unit": "nobody"},
        {**pair[1], "server_url": "unix:///nonexistent/s.sock", "env_file": "/nonexistent/x.env"},
        {**pair[1], "name": "three", "manager": "upstart"},
        {**pair[1], "name": "four", "variables": {"TOKEN": host.variable(new="0" * 12)}},
        {**pair[1], "name": "five", "env_format": "podman"},
    ]
    answer = host.run("preflight", *rows)
    assert [line.partition(":")[0] for line in answer["msg"].splitlines()] == ["one", "two", "three", "four", "five"]
    for words in (
        "knows no program nobody; correct `unit`",
        "reading /nonexistent/x.env: it does not exist",
        "supervisor does not answer at unix:///nonexistent/s.sock",
        "manager 'upstart' is not known",
        "has to be the token of gobot/ibmcloud/bot for it and another for one",
        "is podman for it and systemd for another service",
    ):
        assert words in answer["msg"]


def test_a_token_that_was_not_sent_is_an_error_before_any_write(host: Host, pair: list[dict]) -> None:
    before = host.snapshot("one", "two")
    rows = [{**row, "variables": {"TOKEN": host.variable(new="0" * 12)}} for row in pair]
    answer = host.run("applied", *rows)
    assert f"no token with the fingerprint {'0' * 12} was sent for TOKEN" in answer["msg"]
    assert host.snapshot("one", "two") == before


@pytest.mark.parametrize("proof", [{"url": "@", "field": "slack.fingerprint"}, {"started_after": True}])
def test_a_program_that_loads_its_file_needs_a_proof_of_its_own(host: Host, proof: dict) -> None:
    file, nothing = host.env_file("load"), host.env_file("nothing", "A=1\n")
    host.add("one", nothing, "--load", str(file))
    host.start()
    host.await_health("one")
    plain = host.row("one", file)
    row = {**plain, "in_use": {**proof, "url": plain["health"]["url"]} if "url" in proof else proof}
    answer = host.run("applied", row)
    assert not answer["failed"] and one(answer, "one")["in_use"] == "yes"
    assert "none of 1 processes shows it" in one(answer, "one")["in_use_evidence"]
    assert "by the service's own proof" in one(answer, "one")["in_use_evidence"]
    assert not host.run("applied", row)["changed"]
    # The same without a proof is unknown, which is no failure and no reason to restart.
    answer = host.run("applied", plain)
    assert not answer["failed"] and not answer["changed"] and one(answer, "one")["in_use"] == "unknown"
    # And a service that was not restarted says so itself.
    file.write_text(f"TOKEN={host.old}\n")
    host.rpc.stopProcess("one")
    host.rpc.startProcess("one")
    host.await_health("one")
    subprocess.run(["sleep", "0.1"], check=True)  # the file's time has to differ from the process's by its resolution
    file.write_text(f"TOKEN={host.new}\n")
    answer = host.run("preflight", row)
    assert one(answer, "one")["in_use"] == "no" and one(answer, "one")["needs"] == "restart"


def test_it_runs_on_python_39(host: Host, pair: list[dict]) -> None:
    python = next(iter(sorted(PYENV.glob("3.9*/bin/python3"))), None)
    if python is None:
        pytest.skip("no Python 3.9 under ~/.pyenv/versions")
    answer = host.run("applied", *pair, python=str(python))
    assert not answer["failed"] and host.process_token("one") == host.new


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8"])
def test_an_older_python_says_what_to_do(version: str) -> None:
    python = next(iter(sorted(PYENV.glob(f"{version}*/bin/python"))), None)
    if python is None:
        pytest.skip(f"no Python {version} under ~/.pyenv/versions")
    host = Host()
    try:
        program = host.program("applied", [host.row("one", host.env_file("one"))])
        done = subprocess.run([str(python), "-"], input=program, capture_output=True, timeout=20, check=False)
        assert done.stderr == b"" and f"Python {version}".encode() in done.stdout
        assert b"too old for the host program, which needs 3.9 or later" in done.stdout
    finally:
        host.close()


def test_the_file_of_another_user_is_refused_with_the_remedy(host: Host) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    os.chmod(host.directory, 0o755)
    readable, secret = host.env_file("readable"), host.env_file("secret")
    readable.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    secret.chmod(stat.S_IRUSR)
    rows = [
        host.row(name, file, manager="command", restart=["/bin/true"], health=None)
        for name, file in (("one", readable), ("two", secret))
    ]
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    answer = host.run("preflight", *rows, python=python, user=65534, group=65534, extra_groups=[], cwd="/")
    assert "is not writable for this user; run with become" in one(answer, "one")["error"]
    assert "permission denied; run with become" in one(answer, "two")["error"]


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_full_or_read_only_disk_leaves_file_and_service_as_they_are(host: Host, trouble: str) -> None:
    mount = host.directory / "disk"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", mount], check=False).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        file = mount / "x.env"
        file.write_text(f"TOKEN={host.old}\n")
        other = host.env_file("other")
        for name, path in (("one", file), ("two", other)):
            host.add(name, path)
        host.start()
        host.await_health("one", "two")
        if trouble == "full":
            with pytest.raises(OSError), open(mount / "filler", "wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 1024)
        else:
            subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        before = host.snapshot("one", "two")
        answer = host.run("applied", host.row("two", other), host.row("one", file))
        words = "no space is left on the device" if trouble == "full" else "the file system is read-only"
        assert answer["failed"] and not answer["changed"] and words in one(answer, "one")["error"]
        assert file.read_text() == f"TOKEN={host.old}\n" and host.snapshot("one", "two") == before
        assert [path.name for path in mount.iterdir() if "botops" in path.name] == []
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


def test_what_a_killed_run_left_behind_is_removed(host: Host, pair: list[dict]) -> None:
    stale = host.directory / ".both.env.botops-new"
    stale.write_text(f"TOKEN={tokens.bot()}\n")
    assert not host.run("applied", *pair)["failed"]
    assert not stale.exists()
