# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.bench.audit [--installations 1000] [--services 5000] [--rate 600]`: how long an audit of many takes.

A real OpenBao, the Slack sandbox with a limit for auth.test by workspace (stricter than Slack, which counts by app, too),
and an inventory whose hosts have answered already: what remains is reading Vault, asking Slack, judging and writing.
It prints seconds and memory beside what they must not exceed, and ends with 1 where they do.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench._memory import peak
from tests.sandbox import _ports, bao
from tests.sandbox._process import Processes, wait_for
from tests.sandbox._state import ROOT
from tests.sandbox.slack.threaded import ThreadedSlack
from tests.sandbox.slack.world import World
from tests.sandbox.tokens import fingerprint

TEAMS = 5
PER_HOST = 20
MOST_RATIO, MOST_MEMORY = 1.2, 150.0
NOTHING = "---\n- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n"


@dataclass(frozen=True)
class Size:
    installations: int
    services: int
    rate: float  # calls a minute of auth.test in each workspace

    @property
    def tokens(self) -> int:
        return 2 * self.installations

    @property
    def seconds(self) -> float:
        """What Slack's rate alone takes."""
        return self.tokens / (TEAMS * self.rate / 60)


def registry(size: Size) -> dict[str, Any]:
    """Bots in all workspaces, each with a bot and a user token."""

    def row(bot: str, team: str) -> dict[str, str]:
        path = f"generic/crn/v1/internal/bots/slack_{{}}_token_for_{bot}_in_{team}"
        return {"bot_token_path": path.format("bot"), "user_token_path": path.format("user")}

    teams = [f"team{number}" for number in range(TEAMS)]
    bots = [f"bot{number}" for number in range(size.installations // TEAMS)]
    return {
        "botops_workspaces": {team: {"name": team.title(), "team_id": f"T0{team.upper()}"} for team in teams},
        "botops_bots": {
            bot: {
                "app_id": f"A0{bot.upper()}",
                "required_scopes": ["chat:write"],
                "owners": [f"U0{bot.upper()}"],
                "installations": {team: row(bot, team) for team in teams},
            }
            for bot in bots
        },
    }


def fill(world: World, rows: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Install all of them; path in Vault to what belongs there."""
    found: dict[str, dict[str, Any]] = {}
    for slug, team in rows["botops_workspaces"].items():
        world.add_team(team["team_id"], team["name"], slug)
    for name, bot in rows["botops_bots"].items():
        world.add_app(bot["app_id"], name, bot["required_scopes"], user_scopes=["chat:write"])
        for slug, paths in bot["installations"].items():
            of = world.install(name, slug)
            known = {"fingerprint": fingerprint(of.bot_token or ""), "at": "2026-06-01T00:00:00Z"}
            known["identity"] = {"team_id": of.team_id, "app_id": of.app_id, "user_id": of.bot_user_id}
            found[paths["bot_token_path"]] = {"value": of.bot_token}
            found[paths["user_token_path"]] = {"value": of.user_token}
            record = {"schema": 1, "rotation_id": "r", "state": "rotated", "current": {"bot": known}}
            found[f"{paths['bot_token_path']}_rotation"] = record
    return found


def hosts(size: Size, rows: dict[str, Any], held: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Host variables: services by turns of all installations, and what each host has answered: all is well."""
    every = [
        (bot, team, paths) for bot, row in rows["botops_bots"].items() for team, paths in row["installations"].items()
    ]
    found: dict[str, Any] = {}
    for number in range(size.services):
        bot, team, paths = every[number % len(every)]
        name, env_file = f"service-{number}", f"/etc/bots/{number}.env"
        token = fingerprint(held[paths["bot_token_path"]]["value"])
        host = found.setdefault(
            f"host-{number // PER_HOST}",
            {
                "botops_services": [],
                "service_audited": {"changed": False, "failed": False, "services": [], "files": {}},
            },
        )
        env = {"SLACK_BOT_TOKEN": {"bot": bot, "workspace": team}}
        host["botops_services"].append(
            {"name": name, "manager": "systemd", "unit": name, "env_file": env_file, "env": env}
        )
        shown = {"key": f"{bot}/{team}/bot", "file": token, "problem": "", "process": [token]}
        said = {"name": name, "env_file": env_file, "active": True, "same": "yes", "evidence": "", "error": ""}
        host["service_audited"]["services"].append({**said, "variables": {"SLACK_BOT_TOKEN": shown}})
        stands = {"variable": "SLACK_BOT_TOKEN", "line": 1, "fingerprint": token, "kind": "bot token"}
        host["service_audited"]["files"][env_file] = {"missing": False, "tokens": [stands]}
    return found


def write(directory: Path, variables: dict[str, Any], host_vars: dict[str, Any]) -> None:
    inventory = {"_meta": {"hostvars": host_vars}, "all": {"hosts": ["localhost", *host_vars], "vars": variables}}
    (directory / "inventory.json").write_text(json.dumps(inventory), encoding="utf-8")
    script = directory / "inventory.sh"
    script.write_text(f"#!/bin/sh\ncat {directory}/inventory.json\n", encoding="utf-8")
    script.chmod(0o755)
    (directory / "nothing.yml").write_text(NOTHING, encoding="utf-8")


def start(directory: Path, playbook: str) -> subprocess.Popen:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "VAULT_", "BOTOPS_"))}
    env |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_PROXY": "127.0.0.1", "HOME": str(directory)}
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), playbook, "-i", str(directory / "inventory.sh")]
    with (directory / "output").open("ab") as log:
        return subprocess.Popen([*argv, "--limit", "localhost"], cwd=directory, env=env, stdout=log, stderr=log)


def timed(directory: Path, playbook: str) -> float:
    began = time.monotonic()
    if start(directory, playbook).wait():
        sys.exit((directory / "output").read_text(encoding="utf-8")[-4000:])
    return time.monotonic() - began


def measure(directory: Path, size: Size, what: str) -> dict[str, float]:
    """Seconds and MB, of the audit and of a playbook that only loads the inventory. A metered run is never a timed one."""
    audit, nothing = str(ROOT / "audit_bots.yml"), str(directory / "nothing.yml")
    found = {"least": size.seconds}
    if what != "memory":
        found |= {"nothing": timed(directory, nothing), "seconds": timed(directory, audit)}
    if what != "seconds":
        found["memory of nothing"] = peak(start(directory, nothing)) / 1e6
        found["memory"] = peak(start(directory, audit)) / 1e6
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--installations", type=int, default=1000)
    parser.add_argument("--services", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=600)
    parser.add_argument("--only", choices=["seconds", "memory"], default="")
    options = vars(parser.parse_args(argv))
    what = options.pop("only")
    size = Size(**options)
    with tempfile.TemporaryDirectory(prefix="ba", dir="/tmp") as name, ThreadedSlack() as slack:
        directory, token = Path(name), secrets.token_hex(16)
        processes = Processes(directory)
        try:
            with _ports.claim() as block:
                server = bao.start(processes, directory, block.getsockname()[1] + 1, token)
                wait_for("OpenBao answers", server.alive)
                server.set_up()
                rows = registry(size)
                held = fill(slack.world, rows)
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(lambda each: server.put(*each), held.items()))
                variables = {"botops_vault_url": server.url, "botops_vault_token": token}
                variables |= {"botops_slack_api_url": f"{slack.url}/api/", **rows}
                write(directory, variables, hosts(size, rows, held))
                slack.world.limits.set({"auth.test": size.rate}, by_app=False)
                found = measure(directory, size, what)
        finally:
            processes.stop_all()
    return show(size, found)


def show(size: Size, found: dict[str, float]) -> int:
    """Print what was found; 1 where it is too much."""
    print(f"{size.installations} installations ({size.tokens} tokens), {size.services} services")
    missed = False
    if "seconds" in found:
        ratio = found["seconds"] / found["least"]
        missed = ratio > MOST_RATIO
        print(f"{found['seconds']:.1f} s, {found['nothing']:.1f} s of it to load the inventory")
        print(f"{ratio:.2f} times the {found['least']:.1f} s that Slack's rate takes; at most {MOST_RATIO}")
    if "memory" in found:
        more = found["memory"] - found["memory of nothing"]
        missed = missed or more > MOST_MEMORY
        print(
            f"{more:.0f} MB above the {found['memory of nothing']:.0f} MB of loading it; at most {MOST_MEMORY:.0f} MB"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
