# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of the guide's data, and steps that several kinds share (private to the collection, pure).

Texts may name {bot}, {workspace} and {fingerprint}; links {app} (the app's settings), {manage} (the workspace's page of
installed apps), {custom} (its custom integrations); commands {where} (`-e bot=... -e workspace=...`).
"""

from __future__ import annotations

from dataclasses import dataclass

DOCS = "https://docs.slack.dev/"
TOKENS = DOCS + "authentication/tokens"
ROTATION = DOCS + "authentication/using-token-rotation"
REVOKE_METHOD = DOCS + "reference/methods/auth.revoke"
INSTALLING = DOCS + "authentication/installing-with-oauth"
VERIFYING = DOCS + "authentication/verifying-requests-from-slack"
HELP = "https://slack.com/help/articles/215770388-Create-and-regenerate-API-tokens"


@dataclass(frozen=True)
class Step:
    """One step, of a person where there is no `command`, else of this tool. `link`: where a person does it."""

    text: str
    command: str = ""
    link: str = ""


@dataclass(frozen=True)
class Guide:
    """How one kind of credential is renewed.

    `looks`: by what it is known. `life`: how long it is good for, and whether old and new overlap. `ends`: what else
    ends when it is revoked. `sources`: where this is from.
    """

    name: str
    title: str
    looks: str
    life: str
    ends: str
    steps: tuple[Step, ...]
    sources: tuple[str, ...]


READY = Step(
    "See that Vault, Slack and the hosts can be reached, before anything is ended", "rotate_bot {where} --check"
)
APPROVAL = Step(
    "Where the workspace approves apps: request the installation now, and wait until it is approved. This may take "
    "hours or days, and the bot works meanwhile",
    link="{app}/install-on-team",
)
REVOKE = Step(
    "Revoke it. There is no way back from here: every token of the app in this workspace ends, the bot leaves its "
    "channels, and it is down until the last step. Without this the installation gives the same token again",
    "revoke_bot -e revoke={fingerprint}",
)
PAGE = Step(
    "Open the page that installs the app again, and puts what Slack gives into Vault: nobody copies a token",
    "install_app {where}",
)
INSTALL = Step(
    "Where that page cannot be used: install the app at Slack (Install App; in a workspace that is not the app's own: "
    "with its Add to Slack link), copy the token, and give it to stage_token",
    link="{app}/install-on-team",
)
COPY_BOT = Step("Copy the Bot User OAuth Token", link="{app}/oauth")
STAGE = Step("Give it to the tool, which asks for it without showing it", "stage_token {where}")
STAGE_USER = Step("Give it to the tool, which asks for it without showing it", "stage_token {where} -e token=user")
ROTATE = Step("Carry it to every service, and prove it", "rotate_bot {where}")
INVITE = Step("Invite the bot into its channels again: /invite @{bot}, in each; into private ones nobody else can")
LEAKED = Step("Revoke it, where it was seen by others", "revoke_bot")
"""The tool asks for the token itself, without showing it."""
STAGE_NAMED = Step(
    "Where it is among the `secrets` of the registry: give it to the tool, which asks for it without showing it",
    "stage_token {where} -e token={name}",
)
ROTATE_NAMED = Step(
    "Carry it to every service, and prove it. While the old one lives too, the run ends as old_alive",
    "rotate_bot {where}",
)
PROVE_NAMED = Step("Prove that the old one is refused, and end the rotation", "rotate_bot {where}")
ELSEWHERE_TOO = Step(
    "Where the registry does not name it: put it where the old one was, restart what uses it, and see that it works"
)
ELSEWHERE = Step("Put the new value where the old one was, restart what uses it, and see that it works")
