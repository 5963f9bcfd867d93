# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry looks like: the tables against which `_registry` reads it (private to the collection).

Slack's ids: https://docs.slack.dev/authentication/verifying-requests-from-slack and /reference/methods/oauth.v2.access.
Their lengths are not documented and have grown, so that only letters are checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._named import KINDS, TOKENS
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import (
    Choice,
    Field,
    Fields,
    Items,
    Problems,
    Table,
    Text,
)


def _slack_id(what: str, letters: str) -> Text:
    return Text(what, f"{letters[0]}0123", rf"[{letters}][A-Z0-9]{{2,30}}")


def _path_problem(value: str) -> str | None:
    """What is wrong with a Vault path `mount/path`; the words never quote it."""
    segments = value.split("/")
    if re.search(r"\s", value):
        return "has white space"
    if value.startswith("/") or value.endswith("/"):
        return "begins or ends with a slash"
    if len(segments) == 1:
        return "has no slash: it names a mount or a secret, not both"
    if any(segment in ("", ".", "..") for segment in segments):
        return "has an empty or a dotted segment"
    return None


def _all_problem(value: str) -> str | None:
    return 'is "all", which stands for every one' if value == "all" else None


_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}"
BOT_NAME = Text("a bot's name (letters, digits, _ . -)", "gobot", _NAME, _all_problem)
WORKSPACE_NAME = Text("a workspace's short name (letters, digits, _ . -)", "ibmcloud", _NAME, _all_problem)
PATH = Text(
    "a path in Vault, mount/path,",
    "generic/crn/v1/.../slack_bot_token_for_gobot_in_ibmcloud",
    r"[^/?#\\]+(?:/[^/?#\\]+)+",
    _path_problem,
)
MOUNT = Text("a mount of Vault without slashes around it", "secret", r"[^/\s?#\\]+(?:/[^/\s?#\\]+)*")
TEAM_ID = _slack_id("a Slack team id (T or E, capital letters and digits)", "TE")
APP_ID = _slack_id("a Slack app id (A, capital letters and digits)", "A")
# A bot has two ids; auth.test gives both, and it is the user's that stays the same over a reinstallation.
BOT_USER_ID = _slack_id("the id of the bot's user (U or W, capital letters and digits; not the B... of the bot)", "UW")
OWNER = _slack_id("the id of a Slack user or user group (U, W, B or S, capital letters and digits)", "USWB")
CHANNEL = _slack_id("a channel's id (C or G, capital letters and digits; its name can change)", "CG")
SCOPE = Text("a Slack scope", "chat:write", r"[a-z][a-z0-9_.:-]*")

WORKSPACES = Table(
    WORKSPACE_NAME,
    Fields(
        {
            "name": Field(Text("the workspace's name", "IBM Cloud Platform"), True),
            "team_id": Field(TEAM_ID, True),
            "admin_token_path": Field(PATH),
        }
    ),
    least=1,
)


def _taken(value: str) -> str | None:
    return "is the name of a token" if value in TOKENS else None


SECRET_NAME = Text("a secret's name (small letters, digits, _ -)", "signing", r"[a-z][a-z0-9_-]{0,39}", _taken)
_FIELD = Text("the key that holds it in the secret at its path", "client_secret", r"[^\s/]+")
CLIENT_ID = Text("the client id of the app (two numbers and a dot, not secret)", '"123.456"', r"\d+\.\d+")


class Secret:
    """A secret that is no token; a client secret is asked about together with its client's id."""

    due = "a dictionary is due with kind, path, field, client_id"

    def read(self, value: Any, place: str, problems: Problems) -> dict[str, Any]:
        fields = {"kind": Field(Choice(KINDS), True), "path": Field(PATH, True), "field": Field(_FIELD)}
        client = isinstance(value, Mapping) and value.get("kind") == "client_secret"
        elsewhere = {} if client else {"client_id": "is for the kind client_secret; take it out"}
        own = {"client_id": Field(CLIENT_ID, True)} if client else {}
        return Fields({**fields, **own}, elsewhere).read(value, place, problems)


INSTALLATION = Fields(
    {
        "bot_token_path": Field(PATH, True),
        "user_token_path": Field(PATH),
        "bot_user_id": Field(BOT_USER_ID),
        "secrets": Field(Table(SECRET_NAME, Secret()), default={}),
    }
)
BOTS = Table(
    BOT_NAME,
    Fields(
        {
            "app_id": Field(APP_ID),
            "environment": Field(Choice(("internal", "staging", "dev")), default="internal"),
            "strategy": Field(Choice(("staged", "reinstall", "refresh")), default="staged"),
            "required_scopes": Field(Items(SCOPE), default=()),
            "user_scopes": Field(Items(SCOPE), default=()),
            "client_path": Field(PATH),
            "oauth": Field(Choice(("v2", "v1")), default="v2"),
            "owners": Field(Items(OWNER), default=()),
            "channels": Field(Table(WORKSPACE_NAME, Items(CHANNEL)), default={}),
            "installations": Field(Table(WORKSPACE_NAME, INSTALLATION, least=1), True),
        }
    ),
    least=1,
)
NOTIFIERS = Table(WORKSPACE_NAME, Fields({"token_path": Field(PATH), "webhook_path": Field(PATH)}))
CONTACT = Fields(
    {
        "name": Field(Text("the name of who to ask", "OSS ciebot")),
        "slack": Field(_slack_id("the id of a Slack user, user group or channel", "UWBSCG")),
    }
)
