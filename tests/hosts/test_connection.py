# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations over SSH as it is found in the field: sudo, jump hosts, changed keys, hosts without Python, narrow rights.

The tests share two hosts and a sandbox. Each stages what it needs and puts back what it changes on a host.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._playbook import Run, run
from tests.hosts import Bots, Hosts
from tests.sandbox import Sandbox

INSTALLATION = "gobot/ibmcloud"
Rotate = Callable[..., Run]


@pytest.fixture(scope="module")
def bots(module_hosts: Hosts, hosts_sandbox: Sandbox) -> Bots:
    made = Bots(module_hosts, hosts_sandbox, per_host=1, installations=[INSTALLATION])
    made.up()
    return made


@pytest.fixture
def rotate(bots: Bots, tmp_path: Path) -> Iterator[Rotate]:
    """Stage a new token and rotate with an inventory of the test's own: more variables for all, and for single hosts."""
    number = itertools.count()

    def go(*args: str, extra: Any = None, rows: Any = None, env: Any = None, stage: bool = True) -> Run:
        if stage:
            bots.stage()
        inventory = bots.write_inventory(tmp_path / f"inventory-{next(number)}", extra, rows)
        bots.hosts.disconnect()
        return run(bots.sandbox, "-i", str(inventory), "-e", "bot=gobot", "-e", "workspace=ibmcloud", *args, env=env)

    yield go
    bots.hosts.disconnect()


def everywhere(bots: Bots, **variables: Any) -> dict[str, dict[str, Any]]:
    return dict.fromkeys(bots.hosts.names, variables)


def assert_rotated(bots: Bots, done: Run) -> None:
    """Vault's current token is the staged one; each service has it in file and process, and is healthy."""
    assert (done.status, done.outcomes) == (0, {INSTALLATION: "rotated"}), done.end
    seen = bots.look(INSTALLATION)
    assert seen["vault"][INSTALLATION]["state"] == "rotated"
    for row in seen["services"]:
        assert row["carried"] == row["in_file"] == row["due"], row
        assert row["health"] == 200, row


def assert_nothing_promoted(bots: Bots, done: Run, *words: str) -> None:
    """The run was refused with these words; the new token still waits, and no file was touched."""
    assert done.status != 0, done
    for word in words:
        assert word in done.text, done.end
    seen = bots.look(INSTALLATION)
    about = seen["vault"][INSTALLATION]
    assert about["pending"] not in (None, about["current"]), about
    assert {row["in_file"]["SLACK_BOT_TOKEN"] for row in seen["services"]} == {about["current"]}
    assert not any("Traceback" in text for text in (done.stdout, done.stderr)), done


class TestSudo:
    def test_without_a_password(self, bots: Bots, rotate: Rotate) -> None:
        assert_rotated(bots, rotate())
        for service in bots.services:
            about = bots.hosts.run(service.host, ["stat", "--format=%U:%G %a", service.env_file])
            assert about.strip() == "root:root 600"
            # Nothing is copied to a host: neither Ansible's own directory nor a file in /tmp.
            left = ["sh", "-c", "ls -A ~ops | grep ansible; ls /tmp | grep -v ^systemd-private"]
            assert bots.hosts.run(service.host, left, check=False) == ""

    def test_with_a_password(self, bots: Bots, rotate: Rotate) -> None:
        hosts = bots.hosts
        secret = f"{{{{ lookup('ansible.builtin.file', '{hosts.dir}/password') }}}}"
        variables = {"ansible_user": hosts.password_user, "ansible_become_password": secret}
        done = rotate(rows=everywhere(bots, **variables))
        assert_rotated(bots, done)
        assert hosts.password not in done.stdout + done.stderr

    def test_a_password_that_nobody_gave(self, bots: Bots, rotate: Rotate) -> None:
        done = rotate(rows=everywhere(bots, ansible_user=bots.hosts.password_user))
        assert_nothing_promoted(bots, done, "host-1", "password", "-K")

    def test_a_wrong_password(self, bots: Bots, rotate: Rotate) -> None:
        variables = {"ansible_user": bots.hosts.password_user, "ansible_become_password": "wrong"}
        done = rotate(rows={"host-2": variables})
        assert_nothing_promoted(bots, done, "host-2", "password", "-K")

    def test_a_sudo_that_does_not_come_to_ask(self, bots: Bots, rotate: Rotate) -> None:
        """Ansible waits for its prompt and takes the host for one that is not reached. It is there, so it is not skipped."""
        hosts, pam = bots.hosts, "/etc/pam.d/sudo"
        hosts.run("host-2", ["sed", "--in-place=.kept", "1a auth required pam_exec.so quiet /bin/sleep 40", pam])
        variables = {
            "ansible_user": hosts.password_user,
            "ansible_become_password": hosts.password,
            "ansible_timeout": 15,
        }
        try:
            done = rotate("-e", "skip_unreachable=true", rows={"host-2": variables})
        finally:
            hosts.run("host-2", ["mv", f"{pam}.kept", pam])
        assert_nothing_promoted(bots, done, "host-2", "sudo did not ask for its password", "passprompt_override")
        assert done.recap["host-2"]["unreachable"] == 0 and hosts.password not in done.stdout + done.stderr

    def test_become_set_for_all_is_not_for_the_controller(self, bots: Bots, rotate: Rotate, tmp_path: Path) -> None:
        called = tmp_path / "called"
        (tmp_path / "bin").mkdir()
        sudo = tmp_path / "bin" / "sudo"
        sudo.write_text(f"#!/bin/sh\necho $* >> {called}\nexit 1\n")
        sudo.chmod(0o755)
        path = f"{tmp_path / 'bin'}:{bots.sandbox.env['PATH']}"
        variables = {"ansible_become": True, "ansible_become_user": "root", "ansible_become_method": "sudo"}
        assert_rotated(bots, rotate(extra=variables, env={"PATH": path}))
        assert not called.exists(), called.read_text()


class TestTheWay:
    def test_through_a_jump_host(self, bots: Bots, rotate: Rotate, tmp_path: Path) -> None:
        hosts, config = bots.hosts, tmp_path / "ssh_config"
        jump, far = (hosts.address(name) for name in hosts.names)
        config.write_text(
            f"Host *\n  User ops\n  IdentityFile {hosts.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {hosts.known_hosts}\n  StrictHostKeyChecking yes\nHost {far}\n  ProxyJump {jump}\n"
        )
        began = hosts.run("host-2", ["date", "+%s"]).strip()
        assert_rotated(bots, rotate(rows={"host-2": {"ansible_ssh_common_args": f"-F {config}"}}))
        # By name: on a busy machine the process is gone before journald has looked up its unit.
        names = ["--identifier=sshd", "--identifier=sshd-session"]
        log = hosts.run("host-2", ["journalctl", *names, f"--since=@{began}", "--output=cat"])
        accepted = [line for line in log.splitlines() if line.startswith("Accepted")]
        assert accepted, log
        assert all(f"from {jump} " in line for line in accepted), accepted

    def test_a_changed_host_key(self, bots: Bots, rotate: Rotate) -> None:
        hosts = bots.hosts
        with changed_key(hosts, "host-2"):
            done = rotate()
            assert_nothing_promoted(bots, done, "host-2", "REMOTE HOST IDENTIFICATION HAS CHANGED")
        assert_rotated(bots, rotate(stage=False))


@contextmanager
def changed_key(hosts: Hosts, name: str) -> Iterator[None]:
    """The host has another key than before, as after a reinstallation, or with somebody in the middle."""
    config = "/etc/ssh/sshd_config.d/hosts.conf"
    script = (
        f"ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/other && cp {config} /var/tmp/kept"
        f" && sed -i 's#^HostKey.*#HostKey /etc/ssh/other#' {config} && systemctl restart ssh"
    )
    hosts.run(name, ["sh", "-c", script])
    try:
        yield
    finally:
        hosts.run(name, ["sh", "-c", f"mv /var/tmp/kept {config} && rm /etc/ssh/other* && systemctl restart ssh"])


class TestTheHost:
    def test_no_program_may_run_in_tmp(self, bots: Bots, rotate: Rotate) -> None:
        hosts = bots.hosts
        for name in hosts.names:
            hosts.run(name, ["mount", "-o", "remount,noexec", "/tmp"])
        try:
            hosts.run("host-1", ["sh", "-c", "cp /bin/true /tmp/true; ! /tmp/true; rm /tmp/true"])
            assert_rotated(bots, rotate())
        finally:
            for name in hosts.names:
                hosts.run(name, ["mount", "-o", "remount,exec", "/tmp"])

    def test_no_python(self, bots: Bots, rotate: Rotate) -> None:
        hosts = bots.hosts
        hosts.run("host-2", ["mv", "/usr/bin/python3", "/usr/bin/python3-away"])
        try:
            done = rotate()
        finally:
            hosts.run("host-2", ["mv", "/usr/bin/python3-away", "/usr/bin/python3"])
        assert_nothing_promoted(bots, done, "host-2", "install Python 3.9 or later there")
        assert_rotated(bots, rotate(stage=False))

    def test_a_python_named_that_is_not_there(self, bots: Bots, rotate: Rotate) -> None:
        done = rotate(rows={"host-2": {"ansible_python_interpreter": "/opt/python/bin/python3"}})
        assert_nothing_promoted(bots, done, "host-2", "ansible_python_interpreter")

    @pytest.mark.parametrize("version", ["3.8.18", "2.7.18"])
    def test_an_old_python(self, bots: Bots, rotate: Rotate, version: str) -> None:
        """The interpreter is a stand-in that claims its version: Debian has none that is so old any more."""
        program = "#!/bin/sh\nexec /usr/bin/python3 -c 'import sys; sys.version_info = @; exec(sys.stdin.read())'\n"
        if version.startswith("2."):  # what Python 2 says of the option -I
            program = '#!/bin/sh\necho "Unknown option: -I\nusage: $0 [option] ... [-c cmd | -m mod | file | -]" >&2\nexit 2\n'
        numbers = tuple(map(int, version.split(".")))
        bots.hosts.put("host-2", "/opt/old/python", program.replace("@", str(numbers)), mode=0o755)
        done = rotate(rows={"host-2": {"ansible_python_interpreter": "/opt/old/python"}})
        assert_nothing_promoted(bots, done, "host-2", "3.9 or later")


class TestTheFile:
    def test_an_acl_is_kept(self, bots: Bots, rotate: Rotate) -> None:
        service = bots.on("host-1")[0]
        bots.hosts.run(service.host, ["setfacl", "--modify", "user:ops:r,mask:r", service.env_file])
        show = ["getfacl", "--omit-header", "--absolute-names", service.env_file]
        before = bots.hosts.run(service.host, show)
        assert "user:ops:r--" in before
        try:
            assert_rotated(bots, rotate())
            assert bots.hosts.run(service.host, show) == before
        finally:
            bots.hosts.run(service.host, ["setfacl", "--remove-all", service.env_file])

    def test_a_directory_that_the_user_may_write_but_not_list(self, bots: Bots, rotate: Rotate) -> None:
        with unprivileged(bots, "1730") as rows:
            assert_rotated(bots, rotate(rows=rows))

    def test_a_directory_that_the_user_may_only_pass(self, bots: Bots, rotate: Rotate) -> None:
        with unprivileged(bots, "0710") as rows:
            assert_nothing_promoted(bots, rotate(rows=rows), "host-2", "/srv/bots/bot-1.env")


@contextmanager
def unprivileged(bots: Bots, mode: str) -> Iterator[dict[str, dict[str, Any]]]:
    """On host-2 nobody becomes root: the file is of user ops, in a directory of root that group ops may `mode`."""
    service = bots.on("host-2")[0]
    drop_in = f"/run/systemd/system/{service.unit}.d/file.conf"
    bots.hosts.put("host-2", drop_in, "[Service]\nEnvironmentFile=\nEnvironmentFile=/srv/bots/bot-1.env\n")
    script = (
        f"mkdir /srv/bots && cp {service.env_file} /srv/bots/bot-1.env && chown ops:ops /srv/bots/bot-1.env"
        f" && chown root:ops /srv/bots && chmod {mode} /srv/bots && systemctl daemon-reload"
        f" && mv {service.env_file} {service.env_file}.away && ln -s /srv/bots/bot-1.env {service.env_file}"
    )
    bots.hosts.run("host-2", ["sh", "-c", script])
    command = ["sudo", "-n", "systemctl"]
    row = bots.entry(service) | {"env_file": "/srv/bots/bot-1.env", "manager": "command", "env_format": "systemd"}
    row |= {"restart": [*command, "restart", service.unit], "active": [*command, "is-active", service.unit]}
    row |= {"in_use": {"url": row["health"]["url"], "field": "fingerprint"}}
    row.pop("unit")
    try:
        yield {"host-2": {"ansible_become": False, "botops_services": [row]}}
    finally:
        script = (
            f"cp --remove-destination /srv/bots/bot-1.env {service.env_file} && chown root:root {service.env_file}"
            f" && rm -r {service.env_file}.away /srv/bots {drop_in} && systemctl daemon-reload"
        )
        bots.hosts.run("host-2", ["sh", "-c", script])


class TestLimit:
    def test_without_the_controller(self, bots: Bots, rotate: Rotate) -> None:
        done = rotate("--limit", "host-1")
        assert_nothing_promoted(bots, done, "--limit 'host-1,localhost'")

    def test_one_host_then_the_rest(self, bots: Bots, rotate: Rotate) -> None:
        done = rotate("--limit", "host-1,localhost")
        assert done.status != 0, done
        assert "host-2" in done.end, done
        here, there = bots.services
        assert bots.carried(here) == bots.due(here)
        assert bots.carried(there) != bots.due(there)
        assert_rotated(bots, rotate(stage=False))


class TestAudit:
    def test_a_file_that_was_put_back_is_named_and_nothing_else(self, bots: Bots, rotate: Rotate) -> None:
        """Somebody restored an environment file of before the rotation; the service still runs on the new token."""
        old = bots.sandbox.current(INSTALLATION)
        assert_rotated(bots, rotate())
        drifted, well = bots.on("host-2")[0], bots.on("host-1")[0]
        text = bots.hosts.run(drifted.host, ["cat", drifted.env_file])
        before = bots.look(INSTALLATION)
        restored = text.replace(bots.sandbox.current(INSTALLATION), old)
        bots.hosts.put(drifted.host, drifted.env_file, restored, mode=0o600)
        try:
            done = audit(bots)
        finally:
            bots.hosts.put(drifted.host, drifted.env_file, text, mode=0o600)
        rows = {row["host"]: (row["stands"], row["runs"], row["drift"]) for row in done.report["services"]}
        assert rows == {drifted.host: ("previous", "current", True), well.host: ("current", "current", False)}
        fails = [(each["kind"], each["subject"]) for each in done.report["findings"] if each["fails"]]
        assert fails == [("drift", f"{drifted.host}/{drifted.name}/SLACK_BOT_TOKEN")] and done.status != 0, done
        assert set(done.changed.values()) == {0} and old not in done.stdout + done.stderr
        again = audit(bots)
        assert again.status == 0 and not any(row["drift"] for row in again.report["services"]), again
        assert bots.look(INSTALLATION) == before


def audit(bots: Bots) -> Run:
    inventory = bots.write_inventory()
    choice = ("-e", "bot=gobot", "-e", "workspace=ibmcloud")
    return run(bots.sandbox, "-i", str(inventory), *choice, playbook="botops.rotation.audit_bots")
