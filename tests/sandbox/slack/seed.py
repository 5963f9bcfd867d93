# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of the demo, made from the registry: the inventory is the one source of teams, apps and channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.sandbox.slack.world import World

NOTIFIER = "notifier"
NOTIFIER_ID = "A0NOTIFY001"
USER_SCOPES = ["chat:write", "identify", "users:read"]
"""What the legacy user tokens of the bots may do."""

PRIVATE_CHANNEL = "C0PRIVATE01"
"""A private channel in ibmcloud, of which the registry knows nothing: gobot and ciebot are in it until a revoke."""


def read(path: Path) -> dict[str, Any]:
    """The registry's variables."""
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def installations(registry: dict[str, Any]) -> list[str]:
    """Every installation of the registry, as `bot/workspace`."""
    return [f"{bot}/{team}" for bot, row in registry["botops_bots"].items() for team in row["installations"]]


def fill(world: World, registry: dict[str, Any]) -> None:
    """Make teams, apps and channels, and install every bot of the registry in its channels."""
    people = sorted(
        {person for row in registry["botops_bots"].values() for person in row["owners"] if person[0] == "U"}
    )
    for slug, row in registry["botops_workspaces"].items():
        world.add_team(row["team_id"], row["name"], slug, people)
    for name, row in registry["botops_bots"].items():
        world.add_app(row["app_id"], name, row["required_scopes"], user_scopes=USER_SCOPES)
        for team, channels in row["channels"].items():
            for number, channel in enumerate(channels):
                if channel not in world.channels:
                    world.add_channel(channel, f"{team}-oss-{number}" if number else f"{team}-oss", team)
    world.add_channel(PRIVATE_CHANNEL, "oss-private", "ibmcloud", private=True)
    for installation in installations(registry):
        bot, _dummy, team = installation.partition("/")
        world.install(bot, team)
        for channel in registry["botops_bots"][bot]["channels"].get(team, []):
            world.invite(installation, channel)
    for installation in ("gobot/ibmcloud", "ciebot/ibmcloud"):
        world.invite(installation, PRIVATE_CHANNEL)
    _install_notifiers(world, registry)


def _install_notifiers(world: World, registry: dict[str, Any]) -> None:
    """The app that posts announcements: a member of every channel, or an incoming webhook into the first one."""
    world.add_app(NOTIFIER_ID, NOTIFIER, ["channels:history", "chat:write", "incoming-webhook"])
    for team, row in registry["botops_notifier"].items():
        world.install(NOTIFIER, team)
        channels = [one for one in world.channels.values() if one.team_id == world.team(team).id and not one.private]
        for channel in channels:
            world.invite(f"{NOTIFIER}/{team}", channel.id)
        if "webhook_path" in row:
            world.add_hook(f"{NOTIFIER}/{team}", channels[0].id)
