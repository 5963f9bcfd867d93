# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.sandbox up|down|stage|reissue|status`: the sandbox from the command line."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from tests.sandbox._process import SandboxError
from tests.sandbox._sandbox import Sandbox
from tests.sandbox._state import MARK, ROOT
from tests.sandbox.tokens import fingerprint


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; 0, or 1 with a message on standard error."""
    options = _parser().parse_args(argv)
    directory = Path(options.dir or os.environ.get("BOTOPS_SANDBOX") or ROOT / ".sandbox").absolute()
    try:
        return int(options.run(directory, options) or 0)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
    except ValueError as error:
        print(f"sandbox: the Slack sandbox refused: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("sandbox: interrupted", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--dir", help="where all of its files are (default: $BOTOPS_SANDBOX, else .sandbox in the repository)"
    )
    some = argparse.ArgumentParser(add_help=False)
    some.add_argument("bot", help="a bot of the registry, such as gobot")
    some.add_argument("--workspace", help="only this workspace, such as ibmcloud (default: all of the bot's)")
    verbs = parser.add_subparsers(required=True, metavar="up|down|status|stage|reissue")
    up = verbs.add_parser("up", parents=[common], help="start it, with new tokens of gobot staged")
    up.add_argument("--bare", action="store_true", help="with every token alive and nothing staged")
    up.set_defaults(run=_up)
    verbs.add_parser("down", parents=[common], help="end it without a trace").set_defaults(run=_down)
    verbs.add_parser("status", parents=[common], help="how its services are").set_defaults(run=_status)
    stage = verbs.add_parser("stage", parents=[common, some], help="revoke, reinstall, and stage the new bot tokens")
    stage.set_defaults(run=_stage)
    reissue = verbs.add_parser(
        "reissue", parents=[common, some], help="revoke and reinstall; the new tokens go into files"
    )
    reissue.set_defaults(run=_reissue)
    return parser


def _up(directory: Path, options: argparse.Namespace) -> int:
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:5.1f} s  {line}", flush=True)

    if (directory / MARK).exists():
        try:
            Sandbox.attach(directory)
        except SandboxError:
            say(f"removing what is left of a sandbox in {directory}")
            Sandbox(directory).down()
        else:
            print(f"a sandbox is up in {directory}; for a fresh one: python -m tests.sandbox down, then up again")
            return 0
    Sandbox(directory, demo=not options.bare, say=say).up()
    say(f"ready: {directory}")
    print(_how_to_go_on(directory))
    return 0


def _how_to_go_on(directory: Path) -> str:
    """What to type next, with paths only where they are needed."""
    bin_directory = Path(sys.executable).parent
    on_path = shutil.which("ansible-playbook") == str(bin_directory / "ansible-playbook")
    prefix = "" if on_path else f"{os.path.relpath(bin_directory, ROOT)}/"
    where = "" if directory == ROOT / ".sandbox" else f"BOTOPS_SANDBOX={directory} "
    lines = [
        f"\nNow, in {ROOT}:",
        f"  {where}{prefix}ansible-playbook rotate_bot.yml -e bot=gobot --check",
        f"  {where}{prefix}ansible-playbook rotate_bot.yml -e bot=gobot",
        "and in the end:",
        f"  {where}{prefix}python -m tests.sandbox down",
    ]
    return "\n".join(lines)


def _down(directory: Path, options: argparse.Namespace) -> None:
    began = time.monotonic()
    Sandbox(directory).down()
    print(f"{time.monotonic() - began:5.1f} s  no sandbox is left in {directory}")


def _status(directory: Path, options: argparse.Namespace) -> None:
    sandbox = Sandbox.attach(directory)
    print(f"Slack {sandbox.slack_url}   OpenBao {sandbox.vault_url}")
    for service in sandbox.services():
        status, body = sandbox.health(service.name)
        detail = body.get("errors") or body.get("fingerprints") or "no answer"
        print(f"{service.host}  {service.name:<17} {service.state:<8} pid {service.pid:<7} health {status}  {detail}")


def _chosen(sandbox: Sandbox, options: argparse.Namespace) -> list[str]:
    known = sandbox.installations()
    chosen = [one for one in known if one.split("/") in ([options.bot, options.workspace or one.split("/")[1]],)]
    if not chosen:
        raise SandboxError(f"no such installation; there are: {', '.join(known)}")
    return chosen


def _stage(directory: Path, options: argparse.Namespace) -> None:
    sandbox = Sandbox.attach(directory)
    for installation in _chosen(sandbox, options):
        token = sandbox.reissue(installation)
        sandbox.stage(installation, token)
        print(f"{installation}: revoked and reinstalled, new bot token {fingerprint(token)} staged in Vault")


def _reissue(directory: Path, options: argparse.Namespace) -> None:
    sandbox = Sandbox.attach(directory)
    for installation in _chosen(sandbox, options):
        token = sandbox.reissue(installation)
        file = directory / "reissued" / installation.replace("/", "_in_")
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(token + "\n", encoding="utf-8")
        print(f"{installation}: revoked and reinstalled, new bot token {fingerprint(token)} in {file}")


if __name__ == "__main__":
    sys.exit(main())
