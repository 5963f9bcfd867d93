# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host program when things go wrong: what goes back, what goes forward, and that nothing is left half done."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.botops.rotation.plugins.host_agent import _program

from tests.integration._host import Host, fingerprint, one
from tests.sandbox._process import wait_for


def services(host: Host, *names: str, arguments: dict[str, list[str]] | None = None) -> dict[str, dict]:
    """Healthy services, each with a file of its own."""
    files = {name: host.env_file(name) for name in names}
    for name, file in files.items():
        host.add(name, file, *(arguments or {}).get(name, []))
    host.start()
    host.await_health(*[name for name in names if not (arguments or {}).get(name)])
    return {name: host.row(name, file) for name, file in files.items()}


def never_healthy(row: dict) -> None:
    row["health"] |= {"status": 201, "timeout": 1}


@pytest.mark.row("services fail their health check, the old token alive, a host")
def test_all_services_of_the_bot_go_back_and_others_stay(host: Host) -> None:
    rows = services(host, "first", "bad", "later", "other")
    rows["other"]["variables"] = {"TOKEN": host.variable(key="ciebot/ibmcloud/bot")}
    never_healthy(rows["bad"])
    rows["bad"]["force"] = True
    before = host.snapshot("first", "bad", "later", "other")
    answer = host.run("applied", *rows.values())
    assert answer["failed"] and answer["changed"]
    assert answer["msg"].startswith("bad: is not healthy after 1 s: ") and "201 is due" in answer["msg"]
    after = host.snapshot("first", "bad", "later", "other")
    for name in ("first", "bad", "later"):
        assert host.process_token(name) == host.old and one(answer, name)["restored"], name
        assert after["files"][host.directory / f"{name}.env"][0] == before["files"][host.directory / f"{name}.env"][0]
        assert one(answer, name)["in_use"] == "no"
        assert one(answer, name)["variables"]["TOKEN"]["file_after"] == fingerprint(host.old)
        assert any("went back to the old token, because bad failed" in each for each in one(answer, name)["warnings"])
    # `later` had not been restarted yet, so it was not touched at all; `first` was restarted twice.
    assert after["pids"]["later"] == before["pids"]["later"] and not one(answer, "later")["restarted"]
    assert after["pids"]["first"] != before["pids"]["first"]
    assert one(answer, "first")["error"] is None and "going back" in one(answer, "bad")["error"]
    assert host.process_token("other") == host.new and not one(answer, "other")["restored"]
    assert host.leftovers() == []


@pytest.mark.row("services fail their health check, the old token dead, a host")
def test_a_service_whose_old_token_is_dead_goes_forward_whole(host: Host) -> None:
    rows = services(host, "first", "bad", "later")
    for row in rows.values():
        row["variables"] = {"TOKEN": host.variable(restorable=False)}
    never_healthy(rows["bad"])
    answer = host.run("applied", *rows.values())
    assert answer["failed"] and [each["restored"] for each in answer["services"]] == [False] * 3
    for name in rows:
        assert host.process_token(name) == host.new
        assert host.old not in (host.directory / f"{name}.env").read_text()
    assert one(answer, "first")["in_use"] == "yes" and one(answer, "first")["error"] is None
    assert "was not accepted by Slack in this run" in one(answer, "first")["warnings"][0]


@pytest.mark.row("services fail their health check, the old token mixed, a host")
def test_mixed_each_file_goes_back_or_forward_whole(host: Host) -> None:
    rows = services(host, "live", "bad")
    both = host.variable()
    rows["bad"]["variables"] = {"TOKEN": both, "SECOND": host.variable(key="gobot/compose/bot", restorable=False)}
    never_healthy(rows["bad"])
    answer = host.run("applied", *rows.values())
    assert host.process_token("live") == host.old and one(answer, "live")["restored"]
    assert host.process_token("bad") == host.new and not one(answer, "bad")["restored"]
    text = (host.directory / "bad.env").read_text()
    assert f"TOKEN={host.new}\n" in text and f"SECOND={host.new}\n" in text


@pytest.mark.row("services fail their health check, the old token mixed, a host")
def test_services_that_share_a_file_go_together(host: Host) -> None:
    file = host.env_file("both", f"TOKEN={host.old}\nSECOND={host.old}\n")
    for name in ("bad", "dead"):
        host.add(name, file)
    host.start()
    host.await_health("bad", "dead")
    bad = host.row("bad", file, health={"url": "http://127.0.0.1:1/", "timeout": 1}, force=True)
    dead = host.row("dead", file)
    dead["variables"] = {"SECOND": host.variable(key="ciebot/ibmcloud/bot", restorable=False)}
    answer = host.run("applied", bad, dead)
    assert answer["failed"] and not any(each["restored"] for each in answer["services"])
    assert file.read_text() == f"TOKEN={host.new}\nSECOND={host.new}\n"


def test_dead_before_is_the_normal_case(host: Host) -> None:
    """The old token is dead, the service is down or in a start loop, and the new token brings it up."""
    host.accept(host.new)
    file = host.env_file("one")
    host.add("one", file, "--picky")
    host.add("two", file)
    host.start()
    host.await_health("two")
    wait_for("supervisor gives up", lambda: host.rpc.getProcessInfo("one")["statename"] == "FATAL")
    rows = [host.row(name, file, host.variable(restorable=False)) for name in ("one", "two")]
    assert not host.run("preflight", *rows)["failed"]
    answer = host.run("applied", *rows)
    assert not answer["failed"]
    for name, active in (("one", False), ("two", True)):
        service = one(answer, name)
        assert service["down_before"] and service["active_before"] is active
        assert service["health_before"]["ok"] is False and service["health_after"]["ok"] and service["in_use"] == "yes"


def test_a_service_that_gave_up_is_not_waited_for(host: Host) -> None:
    host.accept(host.old)
    file = host.env_file("one")
    host.add("one", file, "--picky")
    host.start()
    host.await_health("one")
    row = host.row("one", file, host.variable(restorable=False))
    row["health"]["timeout"] = 60
    begun = time.monotonic()
    answer = host.run("applied", row)
    assert time.monotonic() - begun < 20
    assert "program one is FATAL" in one(answer, "one")["error"]


def test_unhealthy_on_a_live_token_is_refused_without_force(host: Host) -> None:
    rows = services(host, "one")
    host.accept(host.new)
    rows["one"]["variables"] = {"TOKEN": host.variable()}
    before = host.snapshot("one")
    for state in ("preflight", "applied"):
        answer = host.run(state, rows["one"])
        assert answer["failed"] and "is unhealthy already, on tokens that Slack accepts" in answer["msg"]
        assert "-e force=true" in answer["msg"]
    assert host.snapshot("one") == before
    assert not host.run("applied", {**rows["one"], "force": True})["failed"]
    assert host.process_token("one") == host.new


def test_a_health_url_that_never_answers_is_bounded(host: Host) -> None:
    rows = services(host, "one", arguments={"one": ["--deaf"]})
    rows["one"]["health"]["timeout"] = 1
    host.await_health("one")
    begun = time.monotonic()
    answer = host.run("applied", {**rows["one"], "force": True})
    assert time.monotonic() - begun < 20
    assert "no answer within 1 s" in one(answer, "one")["error"] and one(answer, "one")["restored"]
    assert host.process_token("one") == host.old


def test_health_that_cannot_be_asked_for_is_reported_only(host: Host) -> None:
    rows = services(host, "one")
    host.accept()
    row = {**rows["one"], "health_required": False, "health_note": "it also uses gobot/compose/bot, which is dead"}
    answer = host.run("applied", row)
    service = one(answer, "one")
    assert not answer["failed"] and service["in_use"] == "yes" and service["health_after"]["ok"] is False
    assert "which is dead" in service["health_after"]["evidence"]
    assert not host.run("verified", row)["failed"]


def test_without_a_health_check_a_service_has_to_stay_up(host: Host) -> None:
    rows = services(host, "steady", "picky", arguments={"picky": ["--picky"]})
    host.await_health("picky")
    host.accept(host.old)
    for row in rows.values():
        row["health"] = None
    rows["steady"]["variables"] = {"TOKEN": host.variable(key="ciebot/ibmcloud/bot")}
    begun = time.monotonic()
    answer = host.run("applied", *rows.values())
    assert 5 <= time.monotonic() - begun < 25
    assert one(answer, "steady")["health_after"] == {"ok": True, "evidence": "active for 5 s; no health check"}
    assert one(answer, "steady")["in_use"] == "yes" and one(answer, "steady")["seconds_unavailable"] < 5
    assert "picky" in answer["msg"] and one(answer, "picky")["restored"]
    assert host.process_token("picky") == host.old


def test_a_service_that_is_just_being_stopped_is_started_again(host: Host) -> None:
    """As a run leaves it that is killed between stop and start."""
    rows = services(host, "one", arguments={"one": ["--slow"]})
    host.await_health("one")
    host.rpc.stopProcess("one", False)
    answer = host.run("applied", {**rows["one"], "variables": {"TOKEN": host.variable(restorable=False)}})
    assert not answer["failed"] and host.process_token("one") == host.new


# -- the manager `command` --------------------------------------------------------------------------------------------


@pytest.fixture
def by_command(host: Host) -> Iterator[dict]:
    """A service that scripts start and stop, with a pid file."""
    file = host.env_file("cmd", f"export TOKEN='{host.old}'\n")
    pid_file = host.directory / "cmd.pid"
    command = " ".join(host.command("cmd", file)[5:])
    script = host.directory / "restart.sh"
    script.write_text(
        f"#!/bin/sh\n[ -f {pid_file} ] && kill $(cat {pid_file}) && while kill -0 $(cat {pid_file}) 2>/dev/null; "
        f"do sleep 0.02; done\n. {file}\nnohup {command} &\necho $! > {pid_file}\n"
    )
    script.chmod(0o755)
    subprocess.run([script], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    host.await_health("cmd")
    extra = {"manager": "command", "restart": [str(script)], "pid_file": str(pid_file), "env_format": "shell"}
    yield host.row("cmd", file, **extra)
    subprocess.run(["kill", pid_file.read_text().strip()], check=False)


def _command_token(row: dict) -> str:
    pid = Path(row["pid_file"]).read_text().strip()
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(pair.decode().partition("=")[2] for pair in pairs if pair.startswith(b"TOKEN="))


def test_a_service_that_a_command_restarts(host: Host, by_command: dict) -> None:
    answer = host.run("applied", by_command)
    assert not answer["failed"] and _command_token(by_command) == host.new
    assert Path(by_command["env_file"]).read_text() == f"export TOKEN='{host.new}'\n"
    service = one(answer, "cmd")
    assert service["in_use"] == "yes" and service["active_before"] is True and service["seconds_unavailable"] > 0
    assert not host.run("applied", by_command)["changed"]


def test_a_restart_command_that_fails_or_is_not_there(host: Host, by_command: dict) -> None:
    answer = host.run("applied", {**by_command, "restart": ["/bin/sh", "-c", "exit 3"]})
    assert "`/bin/sh -c exit 3` ended with exit status 3" in answer["msg"]
    assert _command_token(by_command) == host.old and host.old in Path(by_command["env_file"]).read_text()
    answer = host.run("preflight", {**by_command, "restart": ["/nonexistent/restart"]})
    assert "/nonexistent/restart is not there or not executable" in answer["msg"]
    answer = host.run("preflight", {**by_command, "restart": None})
    assert "has no `restart` command" in answer["msg"]


def test_without_pid_file_and_proof_the_use_is_unknown_and_said(host: Host, by_command: dict) -> None:
    row = {**by_command, "active": ["/bin/true"]}
    answer = host.run("applied", {**row, "pid_file": None})
    assert not answer["failed"] and one(answer, "cmd")["in_use"] == "unknown"
    assert "state a proof with `in_use`" in one(answer, "cmd")["warnings"][0]
    assert not host.run("applied", {**row, "pid_file": None})["changed"]


# -- two runs, and runs that are cut ----------------------------------------------------------------------------------


def test_a_second_run_waits_for_the_first_and_sees_its_file(host: Host) -> None:
    rows = services(host, "one")
    file = Path(rows["one"]["env_file"])
    holder = os.open(file, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    second = subprocess.Popen([sys.executable, "-I", "-S", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    second.stdin.write(host.program("applied", [rows["one"]]))
    second.stdin.close()
    wait_for("the second run has the file open", lambda: _has_open(second.pid, file))
    # The first run replaces the file, as it does, and lets go.
    replacement = file.with_name("x.env")
    replacement.write_text(f"TOKEN={host.old}\nADDED=1\n")
    replacement.rename(file)
    assert second.poll() is None
    os.close(holder)
    output = second.stdout.read().decode()
    second.wait(30)
    host.no_secret_in(output)
    assert _program.MARKER in output and '"failed": false' in output
    assert file.read_text() == f"TOKEN={host.new}\nADDED=1\n"


def _has_open(pid: int, file: Path) -> bool:
    try:
        return any(link.resolve() == file for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


@pytest.mark.parametrize("cut", [signal.SIGHUP, signal.SIGTERM])
def test_a_run_whose_controller_is_gone_ends_what_it_began(host: Host, cut: signal.Signals) -> None:
    rows = services(host, "one")
    host.accept(host.old)  # it will not become healthy, so the run is caught while it waits
    row = {**rows["one"], "health": {**rows["one"]["health"], "timeout": 3}}
    run = subprocess.Popen([sys.executable, "-I", "-S", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    run.stdin.write(host.program("applied", [row]))
    run.stdin.close()
    old = host.pid("one")
    wait_for("the service was restarted", lambda: host.pid("one") not in (0, old))
    run.stdout.close()
    run.send_signal(cut)
    assert run.wait(30) == 0
    assert host.process_token("one") == host.old and host.old in Path(row["env_file"]).read_text()
    assert host.leftovers() == []


def test_a_run_whose_controller_is_gone_before_it_begins_changes_nothing(host: Host) -> None:
    """It has come late, after a pause of its machine or for a lock: another run may have gone on meanwhile."""
    rows = services(host, "one")
    file, old = Path(rows["one"]["env_file"]), host.pid("one")
    before = file.read_bytes()
    with file.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        run = subprocess.Popen([sys.executable, "-I", "-S", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        run.stdin.write(host.program("applied", [rows["one"]]))
        run.stdin.close()
        wait_for("the run has the file open", lambda: _has_open(run.pid, file))
        run.stdout.close()
    assert run.wait(30) == 0
    assert file.read_bytes() == before and host.pid("one") == old
    assert host.leftovers() == []


def test_a_run_that_is_killed_leaves_a_whole_file_and_the_next_run_ends_it(host: Host) -> None:
    rows = services(host, "one")
    host.accept(host.old)
    run = subprocess.Popen([sys.executable, "-I", "-S", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    run.stdin.write(host.program("applied", [{**rows["one"], "health": {**rows["one"]["health"], "timeout": 30}}]))
    run.stdin.close()
    wait_for("the file is written", lambda: host.new in Path(rows["one"]["env_file"]).read_text())
    run.kill()
    run.wait()
    host.accept(host.new)
    answer = host.run("applied", {**rows["one"], "variables": {"TOKEN": host.variable(restorable=False)}})
    assert not answer["failed"] and host.process_token("one") == host.new
