# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as a whole: it comes up as promised, does not disturb a second one, and goes without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.sandbox import Sandbox, SandboxError, tokens
from tests.sandbox._process import wait_for
from tests.sandbox._state import ROOT
from tests.sandbox.env_exec import parse

GOBOT = ["gobot/watsondataplatform", "gobot/ibmcloud", "gobot/ibmanalytics", "gobot/compose"]
GOBOT_SERVICES = ["gobot-consumer", "gobot-events", "gobot-web", "gobot-reports", "gobot-scheduler"]


def processes_of(directory: Path | str) -> list[str]:
    """The command lines of running processes that have to do with a directory, or work in it."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        if process.pid == os.getpid() or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        try:
            if str(directory) in " ".join(process.info["cmdline"] or []) or process.cwd().startswith(str(directory)):
                found.append(" ".join(process.info["cmdline"]))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def cli(directory: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m tests.sandbox`."""
    argv = [sys.executable, "-m", "tests.sandbox", *args, "--dir", str(directory)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def short_dir(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A directory for a sandbox that is not there yet."""
    directory = tmp_path_factory.mktemp("s") / "sandbox"
    yield directory
    cli(directory, "down")


class TestDemoState:
    """What `up` promises."""

    def test_gobot_is_down_with_new_tokens_staged(self, module_sandbox: Sandbox) -> None:
        """The old tokens are dead, the staged ones alive and of the same bot, and the record follows the schema."""
        for installation in GOBOT:
            current = module_sandbox.current(installation)
            record = module_sandbox.bao.get(module_sandbox.record_path(installation))
            assert record is not None
            assert (record["schema"], record["state"], record["attempt"]) == (1, "staged", 1)
            pending = record["tokens"]["bot"]["pending"]
            states = {one["value"]: one["state"] for one in module_sandbox.slack.tokens()}
            assert (states[current], states[pending["token"]]) == ("replaced", "live")
            assert pending["fingerprint"] == tokens.fingerprint(pending["token"])
            assert record["current"]["bot"]["fingerprint"] == tokens.fingerprint(current)
            issued = module_sandbox.slack.installation(installation)
            assert pending["identity"]["user_id"] == issued["bot_user_id"]
            assert record["tokens"]["bot"]["previous"] is None
            assert record["tokens"]["user"] == {"pending": None, "previous": None}

    def test_services_are_as_unhealthy_as_their_tokens_are_dead(self, module_sandbox: Sandbox) -> None:
        """gobot's services answer 503, ciebot's 200; what runs has what its environment file says."""
        services = module_sandbox.services()
        assert len(services) >= 6
        for service in services:
            status, body = module_sandbox.health(service.name)
            assert status == (503 if service.name.startswith("gobot") else 200)
            env = module_sandbox.process_env(service.pid)
            file = parse(Path(service.env_file).read_text(encoding="utf-8"))
            for variable, installation in service.variables.items():
                assert env[variable] == file[variable] == module_sandbox.current(installation)
                assert body["fingerprints"][variable] == tokens.fingerprint(env[variable])

    def test_services_cover_what_they_should(self, module_sandbox: Sandbox) -> None:
        """Three hosts with gobot on each, all of gobot's workspaces, some of ciebot's, one service with several."""
        services = module_sandbox.services("gobot-")
        assert {one.host for one in services} == {"bot-host-1", "bot-host-2", "bot-host-3"}
        assert {used for one in services for used in one.variables.values()} == set(GOBOT)
        assert any(len(one.variables) > 1 for one in services)
        assert len({used for one in module_sandbox.services("ciebot-") for used in one.variables.values()}) > 1

    def test_vault_has_every_token_of_the_registry(self, module_sandbox: Sandbox) -> None:
        """13 installations, both tokens, under `value`; and the dump of the command line sees the same."""
        dump = module_sandbox.bao.dump()
        installations = module_sandbox.installations()
        assert len(installations) == 13
        for installation in installations:
            for kind in ("bot", "user"):
                path = module_sandbox.path(installation, kind)
                assert dump[path] == {"data": module_sandbox.bao.get(path)}
                assert dump[path]["data"]["value"] in module_sandbox.tokens()
        assert module_sandbox.bao.snapshot() == dump
        assert any(set(entry["data"]) > {"value"} for entry in dump.values() if "value" in entry["data"])
        mounts = module_sandbox.bao.request("GET", "sys/mounts")[1]["data"]
        assert mounts["generic/"]["options"] == {"version": "1"}
        assert mounts["secret/"]["options"] == {"version": "2"}

    def test_dump_and_snapshot_of_kv_v2(self, module_sandbox: Sandbox) -> None:
        """With the version, which a rewrite of equal data changes; a soft-deleted secret has no data."""
        bao = module_sandbox.bao
        for path in ("secret/a/kept", "secret/a/deleted", "secret/a/kept"):
            bao.put(path, {"value": "x"})
        bao.delete("secret/a/deleted")
        for found in (bao.dump(), bao.snapshot()):
            assert {path: entry for path, entry in found.items() if path.startswith("secret/")} == {
                "secret/a/kept": {"data": {"value": "x"}, "version": 2},
                "secret/a/deleted": {"data": None, "version": 1},
            }
        for name in ("kept", "deleted"):
            bao.request("DELETE", f"secret/metadata/a/{name}")

    def test_announcements_are_possible_everywhere(self, module_bare_sandbox: Sandbox) -> None:
        """In each workspace of gobot there is somebody who can post: a notifier's token, a webhook, or gobot itself."""
        registry = module_bare_sandbox.registry
        for team, notifier in registry["botops_notifier"].items():
            [path] = notifier.values()
            assert module_bare_sandbox.bao.get(path), f"nothing in Vault for the notifier of {team}"
        assert "chat:write.public" in registry["botops_bots"]["gobot"]["required_scopes"]

    def test_no_token_is_in_a_log_or_an_argument(self, module_sandbox: Sandbox) -> None:
        """Outside of Vault and the services' environment files no token is on disk, in no argument either."""
        every = [*module_sandbox.tokens(), module_sandbox.vault_token]
        allowed = {module_sandbox.dir / "vault-token", *(Path(one.env_file) for one in module_sandbox.services())}
        texts = {"arguments": "\n".join(processes_of(module_sandbox.dir))}
        for file in module_sandbox.dir.rglob("*"):
            if file.is_file() and file not in allowed:
                texts[str(file)] = file.read_bytes().decode("utf-8", "replace")
        assert len(texts) > 5
        for place, text in texts.items():
            assert not [token for token in every if tokens.secret_part(token)[:12] in text], place


class TestHealth:
    """A service's health follows what Slack says."""

    def test_health_follows_revoke_and_a_new_token(self, bare_sandbox: Sandbox) -> None:
        """Revoked: 503, with Slack's reason. The new token in the file and a restart: 200 within a second."""
        bare_sandbox.revoke("ciebot/cim")
        bare_sandbox.wait_health("ciebot-incidents", healthy=False, timeout=3)
        assert bare_sandbox.health("ciebot-incidents")[1]["errors"] == {"SLACK_BOT_TOKEN": "account_inactive"}
        token = bare_sandbox.reissue("ciebot/cim")
        service = bare_sandbox.service("ciebot-incidents")
        Path(service.env_file).write_text(f"SLACK_BOT_TOKEN={token}\n", encoding="utf-8")
        began = time.monotonic()
        bare_sandbox.restart("ciebot-incidents")
        bare_sandbox.wait_health("ciebot-incidents")
        assert time.monotonic() - began < 3
        after = bare_sandbox.service("ciebot-incidents")
        assert after.pid != service.pid
        assert bare_sandbox.process_env(after.pid)["SLACK_BOT_TOKEN"] == token

    def test_a_killed_service_comes_back(self, module_bare_sandbox: Sandbox) -> None:
        """supervisor starts a service that was killed again."""
        pid = module_bare_sandbox.service("ciebot-events").pid
        os.kill(pid, signal.SIGKILL)
        wait_for("another process", lambda: module_bare_sandbox.service("ciebot-events").pid not in (0, pid))
        module_bare_sandbox.wait_health("ciebot-events")


class TestEnvExec:
    """An environment file means to the sandbox's services what it means to systemd: systemd.exec(5), EnvironmentFile=."""

    @pytest.mark.parametrize(
        ("text", "variables"),
        [
            ("A=b\n# c\n; d\n\nB= e f \n", {"A": "b", "B": "e f"}),
            ('A=\'b "c" $d\'\nB="e \\"f\\" \\$g"\n', {"A": 'b "c" $d', "B": 'e "f" $g'}),
            ("A=1\nA=2\n", {"A": "2"}),
            ("export A=1\nno equal sign\nB=2", {"B": "2"}),
            ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
            ('A=one\\\ntwo\nB=a"b"c\n', {"A": "onetwo", "B": 'a"b"c'}),
            ("A=\nB=''\nC=$A`id`\n", {"A": "", "B": "", "C": "$A`id`"}),
            ("", {}),
        ],
    )
    def test_parse(self, text: str, variables: dict[str, str]) -> None:
        """Quotes, comments, continued lines, `export`, duplicates, carriage returns."""
        assert parse(text) == variables

    def test_what_is_not_utf8_stops_the_service(self, tmp_path: Path) -> None:
        """A byte that is not UTF-8 stops a unit; the message names the file and nothing of what is in it."""
        (tmp_path / "x.env").write_bytes(b"A=secret\xff\n")
        argv = [
            sys.executable,
            "-I",
            "-S",
            str(ROOT / "tests/sandbox/env_exec.py"),
            str(tmp_path / "x.env"),
            "/bin/true",
        ]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
        assert done.returncode == 1
        assert "x.env" in done.stderr
        assert "secret" not in done.stderr


class TestUpAndDown:
    """The command line, and what is left behind."""

    def test_up_status_stage_down(self, short_dir: Path) -> None:
        """Up in under 15 s, a second up says so, stage and reissue print no token, and down leaves nothing."""
        began = time.monotonic()
        up = cli(short_dir, "up", "--bare")
        assert up.returncode == 0, up.stderr
        assert time.monotonic() - began < 15
        assert "rotate_bot.yml -e bot=gobot" in up.stdout
        assert "a sandbox is up in" in cli(short_dir, "up").stdout
        sandbox = Sandbox.attach(short_dir)
        stage = cli(short_dir, "stage", "ciebot", "--workspace", "cim")
        assert stage.returncode == 0, stage.stderr
        record = sandbox.bao.get(sandbox.record_path("ciebot/cim"))
        assert record is not None
        assert record["tokens"]["bot"]["pending"]["fingerprint"] in stage.stdout
        reissue = cli(short_dir, "reissue", "cietest")
        token = sandbox.slack.installation("cietest/ibmcloud")["bot_token"]
        file = short_dir / "reissued" / "cietest_in_ibmcloud"
        assert file.read_text(encoding="utf-8").strip() == token
        assert file.stat().st_mode & 0o777 == 0o600
        unknown = cli(short_dir, "stage", "nobody")
        assert (unknown.returncode, "gobot/ibmcloud" in unknown.stderr) == (1, True)
        printed = "".join(one.stdout + one.stderr for one in (up, stage, reissue, unknown, cli(short_dir, "status")))
        assert not [one for one in sandbox.tokens() if tokens.secret_part(one)[:12] in printed]
        self._goes_without_a_trace(sandbox, lambda: cli(short_dir, "down"))

    def test_python_api_goes_without_a_trace(self) -> None:
        """`with Sandbox()`: no process, no file, no port, and nothing in the home directory."""
        with Sandbox(demo=False) as sandbox:
            assert processes_of(sandbox.dir)
        assert not processes_of(sandbox.dir)
        assert not sandbox.dir.exists()
        assert not (Path.home() / ".vault-token").exists()
        sandbox.down()

    def _goes_without_a_trace(self, sandbox: Sandbox, down: Callable[[], Any]) -> None:
        ports = {urlsplit(url).port for url in (sandbox.vault_url, sandbox.slack_url)}
        ports |= {service.port for service in sandbox.services()}
        down()
        assert not sandbox.dir.exists()
        assert not processes_of(sandbox.dir)
        listening = {one.laddr.port for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
        assert not listening & ports

    def test_two_at_once(self) -> None:
        """Two sandboxes started at the same moment do not know of each other."""
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _dummy: Sandbox(demo=False), range(2))
            try:
                list(pool.map(Sandbox.up, (first, second)))
                assert not {one.port for one in first.services()} & {one.port for one in second.services()}
                assert not set(first.tokens()) & set(second.tokens())
                first.revoke("ciebot/cim")
                first.wait_health("ciebot-incidents", healthy=False)
                first.down()
                second.wait_health()
            finally:
                list(pool.map(Sandbox.down, (first, second)))

    def test_long_directory_has_its_sockets_elsewhere(self, tmp_path: Path) -> None:
        """A Unix socket's path is short: with a long directory the sockets go elsewhere, and go away with the rest."""
        directory = tmp_path / ("d" * 100)
        with Sandbox(directory, demo=False) as sandbox:
            sockets = Path(sandbox.supervisor("bot-host-1").socket_path).parent
            assert sockets.exists()
            assert not sockets.is_relative_to(directory)
        assert not sockets.exists()
        assert not directory.exists()

    def test_half_a_sandbox_is_taken_down(self, short_dir: Path) -> None:
        """Killed parts, a killed `up`: down removes what is left, and up starts afresh."""
        up = subprocess.Popen([sys.executable, "-m", "tests.sandbox", "up", "--dir", str(short_dir)], cwd=ROOT)
        wait_for("its first process", lambda: list(short_dir.glob("run/*.json")))
        up.kill()
        up.wait()
        assert cli(short_dir, "down").returncode == 0
        assert not short_dir.exists()
        wait_for("no process is left", lambda: not processes_of(short_dir), timeout=3)
        assert cli(short_dir, "down").returncode == 0

    def test_down_touches_no_directory_that_is_not_its_own(self, tmp_path: Path) -> None:
        """A directory with something else in it is neither used nor removed."""
        (tmp_path / "mine").write_text("precious", encoding="utf-8")
        assert cli(tmp_path, "down").returncode == 0
        up = cli(tmp_path, "up")
        assert (up.returncode, "is not empty" in up.stderr) == (1, True)
        assert (tmp_path / "mine").read_text(encoding="utf-8") == "precious"

    def test_status_without_a_sandbox(self, tmp_path: Path) -> None:
        """The message says what to type."""
        status = cli(tmp_path / "none", "status")
        assert (status.returncode, "python -m tests.sandbox up" in status.stderr) == (1, True)
        with pytest.raises(SandboxError):
            Sandbox.attach(tmp_path / "none")


class TestInventory:
    """What Ansible sees."""

    def run(self, *args: str, **env: str) -> Any:
        """The inventory script's answer."""
        argv = [str(ROOT / "inventory" / "sandbox" / "hosts.sh"), *args]
        done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, check=True, timeout=30)
        return json.loads(done.stdout)

    def test_without_a_sandbox_there_are_no_hosts(self, tmp_path: Path) -> None:
        """An inventory with no hosts, not an error."""
        assert self.run("--list", BOTOPS_SANDBOX=str(tmp_path)) == {"_meta": {"hostvars": {}}}

    def test_ansible_reads_it(self, module_sandbox: Sandbox) -> None:
        """ansible-inventory: three hosts, the registry, Vault's token by lookup only."""
        argv = [str(Path(sys.executable).with_name("ansible-inventory")), "--list"]
        done = subprocess.run(argv, env=module_sandbox.env, capture_output=True, text=True, check=True, timeout=30)
        found = json.loads(done.stdout)
        assert found["bot_hosts"]["hosts"] == ["bot-host-1", "bot-host-2", "bot-host-3"]
        variables = found["_meta"]["hostvars"]["bot-host-2"]
        assert len(variables["botops_bots"]) == 6
        assert [one["name"] for one in variables["botops_services"]] == [
            "gobot-web",
            "gobot-reports",
            "ciebot-incidents",
        ]
        assert module_sandbox.vault_token not in done.stdout
        listed = self.run("--list", BOTOPS_SANDBOX=str(module_sandbox.dir))
        assert listed["_meta"]["hostvars"]["bot-host-1"]["botops_services"]
