# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin end to end: `ansible-playbook` with a real host program and real services, and all that it prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration._host import Host, fingerprint, free_port, one

ROOT = Path(__file__).parents[2]
_PLAY = """---
- name: Carry tokens
  hosts: all
  gather_facts: false
  tasks:
    - name: Carry tokens
      botops.rotation.service_env:
        state: "{{ wanted_state }}"
        services: "{{ rows }}"
        tokens: "{{ secrets }}"
      register: carried
    - name: Keep what came back
      ansible.builtin.copy:
        content: "{{ carried | to_json }}"
        dest: "{{ result_file }}"
        mode: "0600"
      delegate_to: localhost
      check_mode: false
      diff: false
"""


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    try:
        file = made.env_file("one")
        made.add("one", file)
        made.start()
        made.await_health("one")
        yield made
    finally:
        made.close()


class Ran:
    def __init__(self, status: int, printed: str, result: dict) -> None:
        self.status, self.printed, self.result = status, printed, result

    @property
    def message(self) -> str:
        """What was printed, in one line and without the frames that Ansible draws around it."""
        return re.sub(r"\s+", " ", self.printed.replace("\\n", " "))


def play(host: Host, *options: str, **changes: object) -> Ran:
    """Run the play at -vvvv --diff; nothing that it prints may hold a token."""
    row = changes.pop("row", None) or host.row("one", host.directory / "one.env")
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "wanted_state": "applied",
        "rows": [row],
        "secrets": {"gobot/ibmcloud/bot": host.new},
        "result_file": str(host.directory / "result.json"),
        **changes,
    }
    (host.directory / "play.yml").write_text(_PLAY)
    (host.directory / "vars.json").write_text(json.dumps(variables))
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "bot-host,", "-vvvv", "--diff", *options]
        + ["-e", f"@{host.directory}/vars.json", str(host.directory / "play.yml")],
        capture_output=True, text=True, timeout=120, check=False, env=env, cwd=ROOT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    host.no_secret_in(printed)
    assert "Traceback" not in printed
    result = host.directory / "result.json"
    return Ran(done.returncode, printed, json.loads(result.read_text()) if result.exists() else {})


def test_check_then_run_then_again(host: Host) -> None:
    before = host.snapshot("one")
    check = play(host, "--check")
    assert check.status == 0, check.printed
    assert host.snapshot("one") == before
    assert check.result["changed"] and one(check.result, "one")["needs"] == "write"
    old, new = fingerprint(host.old), fingerprint(host.new)
    for ran in (check, play(host)):
        assert ran.status == 0, ran.printed
        assert f"-TOKEN=<{old}>" in ran.printed and f"+TOKEN=<{new}>" in ran.printed
        assert "failed" not in ran.result or ran.result["failed"] is False
    assert host.process_token("one") == host.new
    again = play(host)
    assert again.status == 0 and again.result["changed"] is False and f"+TOKEN=<{new}>" not in again.printed
    assert one(again.result, "one")["in_use"] == "yes"


def test_a_host_that_cannot_take_the_token_says_why(host: Host) -> None:
    row = host.row("one", host.directory / "missing.env")
    ran = play(host, row=row)
    assert ran.status == 2
    assert f"one: reading {host.directory}/missing.env: it does not exist; check `env_file`" in ran.message


def test_output_of_a_login_shell_does_not_matter(host: Host) -> None:
    wrapper = host.directory / "python"
    wrapper.write_text(f'#!/bin/sh\necho "Welcome! {{1}}"\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    assert play(host, ansible_python_interpreter=str(wrapper)).status == 0
    assert host.process_token("one") == host.new


@pytest.mark.parametrize(
    ("interpreter", "words"),
    [
        ("/nonexistent/python3", "without an answer"),
        ("/nonexistent/python3", "next: install Python 3.9 or later there"),
        ("/bin/true", "ended with exit status 0 and without an answer; it said: nothing"),
    ],
)
def test_a_host_without_python_is_told_so(host: Host, interpreter: str, words: str) -> None:
    ran = play(host, ansible_python_interpreter=interpreter)
    assert ran.status == 2 and words in ran.message
    assert host.process_token("one") == host.old


def test_a_python_that_is_too_old_is_told_so(host: Host) -> None:
    python = next(iter(sorted((Path.home() / ".pyenv" / "versions").glob("3.8*/bin/python3"))), None)
    if python is None:
        pytest.skip("no Python 3.8 under ~/.pyenv/versions")
    ran = play(host, ansible_python_interpreter=str(python))
    assert ran.status == 2 and "is too old for the host program, which needs 3.9 or later" in ran.message


def test_discovery_is_not_waited_for(host: Host) -> None:
    ran = play(host, "--check", ansible_python_interpreter="auto_silent")
    assert "/usr/bin/python3 -I -S -" in ran.printed and "changed: [bot-host]" in ran.printed


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"wanted_state": "@"}, "value of state must be one of"),
        ({"rows": ["@"]}, "unable to convert to dict"),
        (
            {"rows": [{"name": "@"}]},
            "services[0] has no manager, env_file, variables; next: give them as rotation_plan",
        ),
        (
            {"rows": [{"name": "x", "manager": "@", "env_file": "@", "variables": {"TOKEN": "@"}}]},
            "services[0].variables has no",
        ),
        ({"secrets": {"gobot/ibmcloud/bot": ["@"]}}, "tokens holds something else than text"),
        ({"secrets": "@"}, "unable to convert to dict"),
    ],
)
def test_a_token_in_the_wrong_place_is_refused_and_not_shown(host: Host, place: dict, words: str) -> None:
    ran = play(host, **json.loads(json.dumps(place).replace("@", host.new)))
    assert ran.status == 2 and words in ran.message
    assert host.process_token("one") == host.old


def test_a_fault_of_the_program_with_a_token_in_hand_is_one_masked_line(host: Host) -> None:
    row = host.row("one", host.directory / "one.env")
    row["health"]["timeout"] = host.new
    ran = play(host, row=row)
    assert ran.status == 2 and "ValueError: could not convert string to float" in ran.message
    assert "this is a fault of the collection: report this line" in ran.message
    assert host.process_token("one") == host.old


def test_a_host_that_does_not_answer_is_unreachable(host: Host) -> None:
    connection = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": free_port()}
    ran = play(host, **connection)
    assert ran.status == 4 and "unreachable=1" in ran.printed and "UNREACHABLE!" in ran.printed


def test_nothing_to_do_is_not_asked(host: Host) -> None:
    ran = play(host, rows=[], ansible_connection="ssh", ansible_port=free_port())
    assert "ok: [bot-host]" in ran.printed
