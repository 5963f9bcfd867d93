# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a sandbox with means that are not the product's: Vault, environment files, processes, Slack's books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sandbox import Sandbox
from tests.sandbox._state import REGISTRY
from tests.sandbox.tokens import fingerprint


def world(sandbox: Sandbox, cli: bool = False) -> dict[str, Any]:
    """Everything that a run could change, to be compared as a whole. `cli`: Vault is dumped by the `bao` command."""
    return {
        "vault": sandbox.bao.dump() if cli else sandbox.bao.snapshot(),
        "files": files(sandbox),
        "pids": pids(sandbox),
        "messages": [(one["channel_id"], one["text"]) for one in sandbox.slack.messages()],
    }


def without_locks(vault: dict[str, Any]) -> dict[str, Any]:
    """Vault's content without the locks and notes: what must not be lost or changed by a run that was refused."""
    return {path: each for path, each in vault.items() if not path.endswith(("_lock", "_notes"))}


def files(sandbox: Sandbox) -> dict[str, tuple[Any, ...]]:
    """Every file in the directories of environment files: content, inode, mode, time of change."""
    found = {}
    for directory in (sandbox.dir / "hosts").glob("*/env"):
        for file in sorted(directory.iterdir()):
            about = file.lstat()
            content = file.read_bytes() if file.is_file() else None
            found[str(file)] = (content, about.st_ino, about.st_mode, about.st_mtime_ns)
    return found


def pids(sandbox: Sandbox) -> dict[str, int]:
    """Service -> its process; 0 when it does not run."""
    return {service.name: service.pid for service in sandbox.services()}


def carried(sandbox: Sandbox, name: str) -> dict[str, str]:
    """Variable -> fingerprint of the token that a service's process really has, from /proc/PID/environ."""
    service = sandbox.service(name)
    found = sandbox.process_env(service.pid)
    return {variable: fingerprint(found[variable]) for variable in service.variables}


def due(sandbox: Sandbox, name: str) -> dict[str, str]:
    """The same, as it has to be: what Vault has as current."""
    variables = sandbox.service(name).variables
    return {variable: fingerprint(sandbox.current(installation)) for variable, installation in variables.items()}


def in_files(sandbox: Sandbox, token: str) -> list[str]:
    """The environment files that hold a token."""
    return [path for path, (content, *_dummy) in files(sandbox).items() if content and token.encode() in content]


def messages_by(sandbox: Sandbox, installation_mark: str = "") -> dict[str, list[str]]:
    """Channel -> the texts that its messages have had, in order; what stands in threads is left out."""
    found: dict[str, list[str]] = {}
    for one in sandbox.slack.messages():
        if installation_mark in one["text"] and not one["thread_ts"]:
            found.setdefault(one["channel_id"], []).extend([*one["history"], one["text"]])
    return found


def pending(sandbox: Sandbox, installation: str, kind: str = "bot", mount: str | None = None) -> str | None:
    """The pending token in an installation's record."""
    record = sandbox.bao.get(sandbox.record_path(installation, mount)) or {}
    return ((record.get("tokens") or {}).get(kind, {}).get("pending") or {}).get("token")


def record(sandbox: Sandbox, installation: str, mount: str | None = None) -> dict[str, Any]:
    """An installation's record."""
    return sandbox.bao.get(sandbox.record_path(installation, mount)) or {}


def inventory_with(sandbox: Sandbox, directory: Path, registry: dict[str, Any]) -> Path:
    """An inventory of a test's own: the sandbox's hosts, with another registry. To be given with `-i`."""
    (directory / "group_vars").mkdir(parents=True)
    (directory / "group_vars" / "all.yml").write_text(json.dumps(registry), encoding="utf-8")
    script = next((REGISTRY.parents[1]).glob("hosts.*"))
    (directory / script.name).write_bytes(script.read_bytes())
    (directory / script.name).chmod(0o755)
    return directory


def reinstalled(sandbox: Sandbox, installation: str) -> str:
    """Revoke and reinstall as people do: the bot is invited into its channels again. Gives the new token."""
    token = sandbox.reissue(installation)
    bot, _dummy, workspace = installation.partition("/")
    for channel in sandbox.registry["botops_bots"][bot]["channels"].get(workspace, []):
        sandbox.slack.invite(installation, channel)
    return token
