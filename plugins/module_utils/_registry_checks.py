# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no single value of a registry tells: whether its parts fit each other (private to the collection).

The parts come from `_registry_schema`; what was wrong in one is already missing from it, and is not reported again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._named import TOKENS
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import Problems, did_you_mean

SUFFIXES = {"record": "_rotation", "lock": "_lock", "notes": "_notes", "install": "_install", "refresh": "_refresh"}
Rows = Mapping[str, Any]


def beside(bot_token_path: str, what: str, record_mount: str | None) -> str:
    """The path of an installation's `record`, `lock`, `notes`, its chain of `refresh` tokens, or of what its `install` page
    got.
    """
    path = bot_token_path + SUFFIXES[what]
    return f"{record_mount}/{path}" if record_mount else path


def check_workspaces(workspaces: Rows, bots: Rows, notifiers: Rows, problems: Problems) -> None:
    """Every workspace that is named exists; a team is one workspace."""
    seen: dict[str, str] = {}
    for slug, workspace in workspaces.items():
        place = f"botops_workspaces.{slug}.team_id"
        team = workspace.get("team_id")
        if team in seen:
            problems.add(place, f"is the same as {seen[team]}; each workspace has a team id of its own")
        elif team:
            seen[team] = place
    for name, bot in bots.items():
        installations = bot.get("installations", {})
        for slug in installations:
            if workspaces and slug not in workspaces:
                words = f"is no workspace of botops_workspaces; {did_you_mean(slug, workspaces)}"
                problems.add(f"botops_bots.{name}.installations.{slug}", words)
        for slug in bot.get("channels", {}):
            if slug not in installations:
                words = f"is no installation of {name}; {did_you_mean(slug, installations, 'it is installed in')}"
                problems.add(f"botops_bots.{name}.channels.{slug}", words)
    for slug, notifier in notifiers.items():
        place = f"botops_notifier.{slug}"
        if workspaces and slug not in workspaces:
            problems.add(place, f"is no workspace of botops_workspaces; {did_you_mean(slug, workspaces)}")
        if len([path for path in notifier.values() if path]) != 1 and len(notifier) == 2:
            problems.add(place, "has both token_path and webhook_path, or neither; exactly one is due")


def token_paths(bots: Rows) -> Iterator[tuple[str, str]]:
    """Path and place of every token and other secret."""
    for name, bot in bots.items():
        for slug, installation in bot.get("installations", {}).items():
            place = f"botops_bots.{name}.installations.{slug}"
            for key in ("bot_token_path", "user_token_path"):
                if installation.get(key):
                    yield installation[key], f"{place}.{key}"
            for own, secret in installation.get("secrets", {}).items():
                if secret.get("path"):
                    yield secret["path"], f"{place}.secrets.{own}.path"


def _client_paths(bot: Rows) -> set[str]:
    """Where a bot's client secret is kept as the install page takes it: beside the client id."""
    secrets = [each for one in bot.get("installations", {}).values() for each in one.get("secrets", {}).values()]
    due = ("client_secret", "client_secret")
    return {each["path"] for each in secrets if each.get("path") and (each.get("kind"), each.get("field")) == due}


def check_paths(workspaces: Rows, bots: Rows, notifiers: Rows, record_mount: str | None, problems: Problems) -> None:
    """No two tokens share a path, and none stands where what is kept beside the bot token of an installation goes."""
    ours = {}
    for name, bot in bots.items():
        for slug, installation in bot.get("installations", {}).items():
            if installation.get("bot_token_path"):
                for what in SUFFIXES:
                    path = beside(installation["bot_token_path"], what, record_mount)
                    ours[path] = f"the {what} of {name}/{slug}"
    seen: dict[str, str] = {}
    for path, place in token_paths(bots):
        if path in seen:
            problems.add(place, f"is the same path as {seen[path]}; each token has a path of its own")
        seen.setdefault(path, place)
    others = [
        (notifier[key], f"botops_notifier.{slug}.{key}")
        for slug, notifier in notifiers.items()
        for key in ("token_path", "webhook_path")
        if notifier.get(key)
    ]
    for slug, workspace in workspaces.items():
        if workspace.get("admin_token_path"):
            others.append((workspace["admin_token_path"], f"botops_workspaces.{slug}.admin_token_path"))
    for name, bot in bots.items():
        path, place = bot.get("client_path"), f"botops_bots.{name}.client_path"
        if path in seen and path not in _client_paths(bot):
            problems.add(place, f"is the same path as {seen[path]}; client id and secret have a path of their own")
        if path:
            others.append((path, place))
        elif bot.get("strategy") == "refresh":
            problems.add(place, "is missing; the strategy refresh needs the path of the app's client id and secret")
        if (bot.get("strategy"), bot.get("oauth")) == ("refresh", "v1"):
            problems.add(f"botops_bots.{name}.oauth", "is v1; a classic app has no rotation mode, v2 is due")
    for path, place in [*token_paths(bots), *others]:
        if path in ours:
            problems.add(place, f"is where {ours[path]} is kept; choose another path")


def check_services(services: Mapping[str, list[tuple[str, Rows]]], bots: Rows, problems: Problems) -> None:
    """Names are unique on a host, references lead somewhere, and services that share a file agree on it."""
    for entries in services.values():
        seen: dict[tuple[str, ...], tuple[Any, str]] = {}
        for place, entry in entries:
            name, path, dialect = entry.get("name"), entry.get("env_file"), entry.get("env_format")
            other = name and _differs(seen, ("name", name), place, place)
            if other:
                problems.add(f"{place}.name", f"is the name of {other} too; each service of a host has its own")
            other = path and dialect and _differs(seen, ("dialect", path), dialect, place)
            if other:
                words = f"is {dialect}, but {other} reads the same file in another dialect; one is due"
                problems.add(f"{place}.env_format", words)
            other = path and _differs(seen, ("agent", path), entry.get("rendered_by"), place)
            if other:
                words = f"is another than for {other}, which reads the same file; who writes a file is one"
                problems.add(f"{place}.rendered_by", words)
            for variable, reference in (entry.get("env") or {}).items():
                at = f"{place}.env.{variable}"
                _check_reference(reference, bots, at, problems)
                other = path and _differs(seen, ("variable", path, variable), reference, place)
                if other:
                    problems.add(at, f"is another token than in {other}, which reads the same file; the two must agree")


def _differs(seen: dict[tuple[str, ...], tuple[Any, str]], key: tuple[str, ...], value: Any, place: str) -> str | None:
    """The place where `key` was seen first, when it had another value there."""
    first, where = seen.setdefault(key, (value, place))
    return None if first == value else where


def _check_reference(reference: Rows, bots: Rows, place: str, problems: Problems) -> None:
    name, slug = reference.get("bot"), reference.get("workspace")
    if not name or not bots:
        return
    if name not in bots:
        problems.add(f"{place}.bot", f"is no bot of botops_bots; {did_you_mean(name, bots)}")
        return
    installations = bots[name].get("installations")
    if not slug or not installations:
        return
    if slug not in installations:
        words = f"{name} is not installed there; {did_you_mean(slug, installations, 'it is installed in')}"
        problems.add(f"{place}.workspace", words)
        return
    known = (*TOKENS, *installations[slug].get("secrets", {}))
    token = reference.get("token")
    if token and token not in known:
        words = f"{name}/{slug} has no such token or secret; {did_you_mean(token, known)}"
        problems.add(f"{place}.token", words)
    elif reference.get("token") == "user" and not installations[slug].get("user_token_path"):
        problems.add(
            f"{place}.token",
            f"{name}/{slug} has no user token; use its bot token, or set"
            f" botops_bots.{name}.installations.{slug}.user_token_path",
        )
