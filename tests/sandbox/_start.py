# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the parts of a sandbox up, and takes them down without a trace."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox import _inventory, _ports, bao
from tests.sandbox._process import Processes, SandboxError, environment, wait_for
from tests.sandbox._state import MARK, REGISTRY, ROOT, State
from tests.sandbox.services import HOSTS, SERVICES, ServiceSpec, inventory_entry
from tests.sandbox.slack import seed
from tests.sandbox.slack.app import listen, url_of
from tests.sandbox.slack.client import SlackControl
from tests.sandbox.supervisor import Supervisor

INSTALL_PAGE = 19
"""The port of a sandbox's block that an install page listens at."""

LONGEST_SOCKET = 90
"""A Unix socket's path may have 107 bytes, and supervisor adds some while it starts."""


def start(
    directory: Path, say: Callable[[str], None], services: Sequence[ServiceSpec] = SERVICES, slack_at: str = ""
) -> State:
    """Start everything, with all installations installed, their tokens in Vault, and the services healthy with them.

    `slack_at`: an address of this machine at which Slack answers, too, on the same port as on loopback.
    """
    _make(directory)
    processes = Processes(directory)
    with _ports.claim() as sock:
        first = sock.getsockname()[1]
        state = State(
            slack_url=url_of(sock),
            vault_url=f"http://127.0.0.1:{first + 1}",
            sockets=_socket_directory(directory),
            ports={spec.name: first + 3 + number for number, spec in enumerate(services)},
            slack_at=slack_at,
        )
        state.save(directory)
        with ExitStack() as more:
            sockets = [sock, *([more.enter_context(listen(first, slack_at))] if slack_at else [])]
            fds = tuple(one.fileno() for one in sockets)
            argv = [sys.executable, "-m", "tests.sandbox.slack", "--registry", str(REGISTRY)]
            argv += [f"--fd={number}" for number in fds]
            processes.start("slack", argv, environment(HOME=str(directory)), ROOT, fds=fds)
    vault = bao.start(processes, directory, first + 1, _vault_token(directory))
    hosts = [supervisor(directory, state, host) for host in (HOSTS if services else ())]
    slack = SlackControl(state.slack_url)
    wait_for("the Slack sandbox answers", lambda: processes.check() or slack.alive())
    say(f"Slack sandbox at {state.slack_url}")
    issued = {
        installation: slack.installation(installation) for installation in seed.installations(seed.read(REGISTRY))
    }
    _start_services(processes, hosts, state, {name: row["bot_token"] for name, row in issued.items()})
    wait_for("OpenBao answers", lambda: processes.check() or vault.alive())
    vault.set_up()
    _fill_vault(vault, slack, issued)
    _open_to_installs(vault, slack, first + INSTALL_PAGE)
    say(f"OpenBao at {state.vault_url}, {len(issued)} installations' tokens in it")
    for spec in services:
        wait_for(
            f"{spec.name} is healthy", lambda name=spec.name: processes.check() or health(state.ports[name])[0] == 200
        )
    if services:
        say(f"{len(services)} bot services healthy on {len(hosts)} hosts")
    _write_inventory(directory, state, hosts)
    return state


def _make(directory: Path) -> None:
    if (directory / MARK).exists():
        raise SandboxError(f"there is a sandbox in {directory}; take it down first: python -m tests.sandbox down")
    if directory.exists() and any(directory.iterdir()):
        raise SandboxError(f"{directory} is not empty and not a sandbox's; name another directory")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / MARK).write_text("{}\n", encoding="utf-8")


def _socket_directory(directory: Path) -> str:
    """Where the sockets go: into the sandbox's directory, or, where its path is too long, into one of their own."""
    if len(os.fsencode(directory / f"{HOSTS[0]}.sock")) <= LONGEST_SOCKET:
        return str(directory)
    return tempfile.mkdtemp(prefix="botops-s-", dir="/tmp")


def _vault_token(directory: Path) -> str:
    """A new root token, and the file that holds it."""
    token = f"sandbox-{secrets.token_hex(16)}"
    file = directory / "vault-token"
    file.touch(mode=0o600)
    file.write_text(token + "\n", encoding="utf-8")
    return token


def supervisor(directory: Path, state: State, host: str) -> Supervisor:
    """The supervisor of a host."""
    return Supervisor(host, directory / "hosts" / host, Path(state.sockets) / f"{host}.sock")


def _start_services(processes: Processes, hosts: list[Supervisor], state: State, tokens: dict[str, str]) -> None:
    for host in hosts:
        (host.directory / "env").mkdir(parents=True)
        specs = [spec for spec in SERVICES if spec.host == host.host]
        for spec in specs:
            file = host.env_file(spec.name)
            file.touch(mode=0o600)
            file.write_text(spec.env_file(tokens), encoding="utf-8")
        host.configure([(spec, state.ports[spec.name]) for spec in specs], processes.logs)
        host.start(processes, state.slack_url + "/api/")
    with ThreadPoolExecutor(len(hosts) or 1) as pool:
        list(pool.map(Supervisor.wake, hosts))


def _fill_vault(vault: bao.Bao, slack: SlackControl, issued: dict[str, dict[str, Any]]) -> None:
    """Put every token where the registry says, in the field `value`; some secrets have a second key beside it."""
    registry = seed.read(REGISTRY)
    for number, (installation, row) in enumerate(issued.items()):
        bot, _dummy, team = installation.partition("/")
        paths = registry["botops_bots"][bot]["installations"][team]
        beside = {"owner": "OSS ciebot"} if number % 3 == 0 else {}
        vault.put(paths["bot_token_path"], {"value": row["bot_token"], **beside})
        vault.put(paths["user_token_path"], {"value": row["user_token"]})
    for team, row in registry["botops_notifier"].items():
        notifier = slack.installation(f"{seed.NOTIFIER}/{team}")
        if "token_path" in row:
            vault.put(row["token_path"], {"value": notifier["bot_token"]})
        else:
            vault.put(row["webhook_path"], {"value": notifier["webhook_urls"][0]})


def _open_to_installs(vault: bao.Bao, slack: SlackControl, port: int) -> None:
    """Client ids and secrets in Vault where the registry says, and the apps' redirect URL on a port of the sandbox."""
    for bot, row in seed.read(REGISTRY)["botops_bots"].items():
        if "client_path" in row:
            slack.configure(bot, redirect_uris=[f"http://127.0.0.1:{port}/slack/oauth_redirect"], local_redirects=True)
            known = slack.credentials(bot)
            vault.put(row["client_path"], {name: known[name] for name in ("client_id", "client_secret")})


def _write_inventory(directory: Path, state: State, hosts: list[Supervisor]) -> None:
    entries: dict[str, list[dict[str, Any]]] = {}
    for host in hosts:
        entries[host.host] = [
            inventory_entry(spec, str(host.env_file(spec.name)), state.ports[spec.name], host.server_url)
            for spec in SERVICES
            if spec.host == host.host
        ]
    made = _inventory.build(directory, state.vault_url, state.slack_url + "/api/", entries)
    port = urlsplit(state.slack_url).port or 0
    made["all"]["vars"]["botops_install_bind"] = f"127.0.0.1:{port + INSTALL_PAGE}"
    (directory / "inventory.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def stop(directory: Path) -> None:
    """End every process of the sandbox in a directory and remove it; nothing there is fine."""
    if not (directory / MARK).exists():
        if directory.exists() and not any(directory.iterdir()):
            directory.rmdir()
        return
    Processes(directory).stop_all()
    try:
        sockets = State.load(directory).sockets
        if Path(sockets) != directory:
            shutil.rmtree(sockets, ignore_errors=True)
    except SandboxError:
        pass  # it had not come that far
    shutil.rmtree(directory)


def health(port: int) -> tuple[int, dict[str, Any]]:
    """Status and body of the health page on a port; status 0 when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        connection.close()
