# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.hosts possible|prepare|up|down|status|stage|look|run`: hosts with bots on them, from the command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import yaml

from tests.hosts._hosts import Hosts
from tests.hosts._podman import HostsError, obstacle, prepare
from tests.hosts._start import MARK, ROOT
from tests.hosts.bots import Bots
from tests.sandbox import Sandbox, SandboxError

USUAL = Path(__file__).with_name("services.yml")


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; 0, or 1 with a message on standard error."""
    options = _parser().parse_args(argv)
    directory = Path(options.dir or os.environ.get("BOTOPS_HOSTS") or ROOT / ".hosts").absolute()
    try:
        options.run(directory, options)
        return 0
    except (HostsError, SandboxError) as error:
        print(f"hosts: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("hosts: interrupted", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", help="where all files are (default: $BOTOPS_HOSTS, else .hosts in the repository)")
    verbs = parser.add_subparsers(required=True, metavar="possible|prepare|up|down|status|stage|look|run")
    possible = verbs.add_parser("possible", parents=[common], help="whether hosts can be made here; says why not")
    possible.add_argument("--boot", action="store_true", help="install what is missing, and boot one to see it")
    possible.set_defaults(run=_possible)
    verbs.add_parser(
        "prepare", parents=[common], help="install what is missing on a Debian (as root), or say what is missing"
    ).set_defaults(run=_prepare)
    up = verbs.add_parser("up", parents=[common], help="start hosts, a sandbox and bots; new tokens of gobot staged")
    up.add_argument("--count", type=int, default=3, help="how many hosts (default: 3)")
    up.add_argument("--services", type=Path, default=USUAL, help="the bots on each host (default: services.yml here)")
    up.add_argument("--bare", action="store_true", help="with every token alive and nothing staged")
    up.set_defaults(run=_up)
    verbs.add_parser("down", parents=[common], help="end all without a trace").set_defaults(run=_down)
    verbs.add_parser("status", parents=[common], help="how the bots are").set_defaults(run=_status)
    stage = verbs.add_parser("stage", parents=[common], help="revoke, reinstall, and stage the new bot tokens")
    stage.add_argument("bot", help="a bot of the registry, such as gobot")
    stage.add_argument("--alive", action="store_true", help="Slack goes on accepting the old tokens")
    stage.set_defaults(run=_stage)
    look = verbs.add_parser("look", parents=[common], help="what Vault, files, processes and health pages say, as JSON")
    look.add_argument("bot", help="only the services of this bot")
    look.set_defaults(run=_look)
    run = verbs.add_parser("run", parents=[common], help="run a command on a host as root, with nsenter")
    run.add_argument("host")
    run.add_argument("argv", nargs="+")
    run.set_defaults(run=_run)
    return parser


def _possible(directory: Path, options: argparse.Namespace) -> None:
    problem = obstacle()
    if problem:
        raise HostsError(problem)
    if options.boot:  # nothing else tells whether a kernel lets systemd boot in a container, above all one in another
        with Hosts():
            pass
    print("hosts: they can be made here")


def _prepare(directory: Path, options: argparse.Namespace) -> None:
    prepare()
    print("hosts: nothing is missing")


def _up(directory: Path, options: argparse.Namespace) -> None:
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:5.1f} s  {line}", flush=True)

    if (directory / MARK).exists():
        raise HostsError(f"there are hosts in {directory}; take them down first: python -m tests.hosts down")
    hosts = Hosts(options.count, directory, say=say)
    hosts.up()
    sandbox = Sandbox(directory / "sandbox", demo=False, say=say, services=False, slack_at=hosts.gateway)
    try:
        sandbox.up()
        bots = _bots(hosts, sandbox, options.services)
        bots.up()
        say(f"{len(bots.services)} bots are healthy on {options.count} hosts")
        if not options.bare:
            _stage_all(bots, "gobot", alive=False)
            say("gobot: tokens revoked, the app reinstalled, new tokens staged in Vault; its services are down")
    except BaseException:
        sandbox.down()
        hosts.down()
        raise
    playbook = f"ansible-playbook -i {bots.directory} rotate_bot.yml -e bot=gobot"
    print(f"\nNow, in {ROOT}, with .venv/bin on your PATH:\n  {playbook} --check\n  {playbook}")
    print(f"and in the end:\n  python -m tests.hosts down{f' --dir {options.dir}' if options.dir else ''}")


def _bots(hosts: Hosts, sandbox: Sandbox, services: Path | None = None) -> Bots:
    """The bots of a file; without one, those that were put on these hosts."""
    kept = hosts.dir / "services.yml"
    if services:
        kept.write_text(services.read_text(encoding="utf-8"), encoding="utf-8")
    rows = yaml.safe_load(kept.read_text(encoding="utf-8"))
    return Bots(
        hosts,
        sandbox,
        services={name: row["env"] for name, row in rows.items()},
        managers={name: row["manager"] for name, row in rows.items() if "manager" in row},
    )


def _attached(directory: Path) -> Bots:
    return _bots(Hosts.attach(directory), Sandbox.attach(directory / "sandbox"))


def _down(directory: Path, options: argparse.Namespace) -> None:
    began = time.monotonic()
    Sandbox(directory / "sandbox").down()
    Hosts(dir=directory).down()
    print(f"{time.monotonic() - began:5.1f} s  no hosts are left in {directory}")


def _status(directory: Path, options: argparse.Namespace) -> None:
    bots = _attached(directory)
    print(f"Slack {bots.sandbox.slack_url_outside}   OpenBao {bots.sandbox.vault_url}")
    for service in bots.services:
        status, body = bots.health(service)
        detail = body.get("errors") or body.get("fingerprints") or "no answer"
        address = bots.hosts.address(service.host)
        print(f"{service.host:<8} {address:<12} {service.name:<16} {service.manager:<10} health {status}  {detail}")


def _stage_all(bots: Bots, bot: str, alive: bool) -> dict[str, str]:
    used = {each for service in bots.services for each in service.variables.values() if each.startswith(f"{bot}/")}
    if not used:
        raise HostsError(f"no service here takes a token of {bot}")
    old = [bots.sandbox.current(each) for each in sorted(used)]
    made = bots.stage(*sorted(used))
    for token in old if alive else ():
        bots.sandbox.slack.set_token_state(token, "live")
    return made


def _stage(directory: Path, options: argparse.Namespace) -> None:
    for installation in _stage_all(_attached(directory), options.bot, options.alive):
        print(f"{installation}: reinstalled, new bot token staged in Vault")


def _look(directory: Path, options: argparse.Namespace) -> None:
    """Fingerprints only: `current` and `pending` by the bao command, the rest from the hosts with nsenter."""
    bots = _attached(directory)
    seen = bots.look(f"{options.bot}/")
    print(json.dumps(seen, indent=1))


def _run(directory: Path, options: argparse.Namespace) -> None:
    print(Hosts.attach(directory).run(options.host, options.argv), end="")


if __name__ == "__main__":
    sys.exit(main())
