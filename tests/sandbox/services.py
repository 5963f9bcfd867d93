# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bot services of the sandbox: three hosts' worth, with their environment files.

Together they use all four workspaces of gobot and all three of ciebot; two take tokens of several workspaces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ServiceSpec:
    """A service: its host, and the installation whose bot token each of its variables takes.

    `template` is its environment file, with `{VARIABLE}` where a token goes. `in_use`: the inventory names the health
    page as proof of use, too.
    """

    host: str
    name: str
    variables: dict[str, str]
    template: str
    in_use: bool = False

    def env_file(self, tokens: dict[str, str]) -> str:
        """The environment file's text, given the bot token of each installation."""
        text = self.template
        for variable, installation in self.variables.items():
            text = text.replace(f"{{{variable}}}", tokens[installation])
        return text


SERVICES = (
    ServiceSpec(
        "bot-host-1",
        "gobot-consumer",
        {"SLACK_BOT_TOKEN": "gobot/ibmcloud"},
        "# gobot-consumer: reads commands from IBM Cloud Platform\nLOG_LEVEL=info\n"
        'QUEUE="commands and replies"\nSLACK_BOT_TOKEN={SLACK_BOT_TOKEN}\n',
    ),
    ServiceSpec(
        "bot-host-1",
        "gobot-events",
        {"SLACK_BOT_TOKEN": "gobot/watsondataplatform"},
        "SLACK_BOT_TOKEN='{SLACK_BOT_TOKEN}'\n\n; how many events at once\nWORKERS=4\n",
    ),
    ServiceSpec(
        "bot-host-1",
        "ciebot-consumer",
        {"SLACK_BOT_TOKEN": "ciebot/ibmcloud"},
        "SLACK_BOT_TOKEN={SLACK_BOT_TOKEN}\nLOG_LEVEL=debug\n",
    ),
    ServiceSpec(
        "bot-host-2",
        "gobot-web",
        {"GOBOT_TOKEN": "gobot/compose"},
        'PUBLIC_URL=https://gobot.example.com/?a=b&c=$d\nGOBOT_TOKEN="{GOBOT_TOKEN}"\n',
        in_use=True,
    ),
    ServiceSpec(
        "bot-host-2",
        "gobot-reports",
        {"SLACK_TOKEN_ANALYTICS": "gobot/ibmanalytics", "SLACK_TOKEN_COMPOSE": "gobot/compose"},
        "# weekly reports, to two workspaces\nSLACK_TOKEN_ANALYTICS={SLACK_TOKEN_ANALYTICS}\n"
        "SLACK_TOKEN_COMPOSE={SLACK_TOKEN_COMPOSE}\nREPORT_DAY=mon",
    ),
    ServiceSpec(
        "bot-host-2",
        "ciebot-incidents",
        {"SLACK_BOT_TOKEN": "ciebot/cim"},
        "SLACK_BOT_TOKEN={SLACK_BOT_TOKEN}\n",
        in_use=True,
    ),
    ServiceSpec(
        "bot-host-3",
        "gobot-scheduler",
        {"SLACK_TOKEN_CLOUD": "gobot/ibmcloud", "SLACK_TOKEN_WATSON": "gobot/watsondataplatform"},
        "TZ=UTC\nSLACK_TOKEN_CLOUD={SLACK_TOKEN_CLOUD}\nSLACK_TOKEN_WATSON={SLACK_TOKEN_WATSON}\n# end\n",
    ),
    ServiceSpec(
        "bot-host-3",
        "ciebot-events",
        {"SLACK_BOT_TOKEN": "ciebot/watsondataplatform"},
        "LANG=C.UTF-8\nSLACK_BOT_TOKEN={SLACK_BOT_TOKEN}\n",
    ),
)

HOSTS = tuple(dict.fromkeys(spec.host for spec in SERVICES))


@dataclass(frozen=True)
class Service:
    """A service of a running sandbox. `pid` is 0 while it does not run; `state` is supervisor's word, as RUNNING."""

    host: str
    name: str
    pid: int
    state: str
    env_file: str
    port: int
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def health_url(self) -> str:
        """Its health page."""
        return f"http://127.0.0.1:{self.port}/healthz"


def inventory_entry(spec: ServiceSpec, env_file: str, port: int, server_url: str) -> dict[str, Any]:
    """The service as the inventory's `botops_services` has it."""
    url = f"http://127.0.0.1:{port}/healthz"
    parts = {variable: installation.partition("/") for variable, installation in spec.variables.items()}
    entry: dict[str, Any] = {
        "name": spec.name,
        "manager": "supervisor",
        "server_url": server_url,
        "env_file": env_file,
        "env": {name: {"bot": bot, "workspace": team, "token": "bot"} for name, (bot, _dummy, team) in parts.items()},
        "health": {"url": url, "status": 200, "timeout": 30},
    }
    return {**entry, "in_use": {"url": url, "field": "fingerprint"}} if spec.in_use else entry
