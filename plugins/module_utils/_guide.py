# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which guide a credential needs, and the guide as text (private to the collection, pure)."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._guide_apps import APPS
from ansible_collections.botops.rotation.plugins.module_utils._guide_legacy import LEGACY
from ansible_collections.botops.rotation.plugins.module_utils._guide_secrets import SECRETS
from ansible_collections.botops.rotation.plugins.module_utils._guide_steps import Guide, Step
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify

GUIDES: dict[str, Guide] = {guide.name: guide for guide in (*APPS, *LEGACY, *SECRETS)}
SETTINGS = "https://api.slack.com/apps"
WIDTH = 110

_ALWAYS = {
    Kind.ROTATING_BOT: ("rotating",),
    Kind.REFRESH: ("refresh",),
    Kind.APP: ("app",),
    Kind.WORKFLOW: ("workflow",),
    Kind.WORKSPACE: ("retired",),
    Kind.LEGACY: ("retired",),
    Kind.SESSION: ("session",),
}
_ONE_NUMBER = re.compile(r"xoxb-\d+-[A-Za-z0-9]+")  # gitleaks: slack-legacy-bot-token
# What Slack's answers tell of old kinds in x-oauth-scopes, where new ones have scopes such as chat:write.
_CLASSIC_BOT, _CLASSIC_USER = "bot:basic", "bot"
_TEST = frozenset({"read", "post", "client"})


def recognise(value: str, scopes: Iterable[str] = (), about: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """The names of the guides that a credential may need, the likeliest first; more than one where it cannot be told.

    `scopes` and `about`: of Slack's answer to auth.test, where it accepted the token. Never raises.
    """
    value, scopes, about = value.strip(), frozenset(scopes), about or {}
    kind = classify(value)
    if kind is Kind.BOT:
        if _ONE_NUMBER.fullmatch(value):
            return ("custom-bot", "hubot")
        return ("classic", "custom-bot", "hubot") if _CLASSIC_BOT in scopes else ("bot",)
    if kind is Kind.USER:
        if scopes >= _TEST:
            return ("test",)
        if _CLASSIC_USER in scopes:
            return ("classic",)
        return ("user",) if scopes else ("user", "classic", "test", "service")
    if kind is Kind.ROTATING_USER:  # one beginning for both
        if "expires_in" in about:
            return ("configuration",)
        return ("rotating",) if about else ("rotating", "configuration")
    if kind is Kind.WEBHOOK:
        return ("webhook",) if "/services/" in value else ("trigger", "webhook")
    return _ALWAYS.get(kind) or _nameless(value)


def _nameless(value: str) -> tuple[str, ...]:
    """What has no beginning of its own; samples only, no lengths are documented."""
    if re.fullmatch(r"[0-9a-f]{32,33}", value):
        return ("signing", "client")
    return ("verification",) if re.fullmatch(r"[A-Za-z0-9]{24}", value) else ("unknown",)


@dataclass(frozen=True)
class Place:
    """Where a credential belongs, as far as it is known; links and commands are made of it."""

    bot: str = ""
    workspace: str = ""
    app_id: str = ""
    domain: str = ""
    fingerprint: str = ""
    name: str = ""  # of a secret of the installation

    def fill(self, text: str) -> str:
        """A text, link or command of a guide, for this place."""
        bot, workspace = self.bot or "BOT", self.workspace or "WORKSPACE"
        apps = f"https://{self.domain or 'my.slack.com'}/apps/manage"
        filled = text.format(
            bot=bot,
            workspace=workspace,
            where=f"-e bot={bot} -e workspace={workspace}",
            fingerprint=self.fingerprint or "FINGERPRINT",
            name=self.name or "NAME",
            app=f"{SETTINGS}/{self.app_id}" if self.app_id else SETTINGS,
            manage=apps,
            custom=f"{apps}/custom-integrations",
        )
        if not self.app_id and filled.startswith(f"{SETTINGS}/"):
            return SETTINGS  # the list of apps: choose it there
        return filled


def told(guide: Guide, place: Place) -> dict[str, Any]:
    """A guide for a place, as plain data."""
    return {
        "name": guide.name,
        "title": guide.title,
        "looks": guide.looks,
        "life": guide.life,
        "ends": guide.ends,
        "steps": [_step(step, place) for step in guide.steps],
        "sources": list(guide.sources),
    }


def _step(step: Step, place: Place) -> dict[str, str]:
    command = f"ansible-playbook botops.rotation.{place.fill(step.command)}" if step.command else ""
    return {
        "who": "tool" if step.command else "you",
        "text": place.fill(step.text),
        "command": command,
        "link": place.fill(step.link) if step.link else "",
    }


def text(guide: Mapping[str, Any]) -> str:
    """What `told` gives, for a terminal."""
    facts = (("known by", "looks"), ("life", "life"), ("a revoke ends", "ends"))
    lines = [f"{guide['title']} ({guide['name']})"]
    lines += [_wrapped(f"  {label:<15}", guide[key]) for label, key in facts]
    for number, step in enumerate(guide["steps"], 1):
        lines.append(_wrapped(f"  {number:>2}. {step['who']:<6}", step["text"]))
        lines += [f"{'':12}{more}" for more in (step["command"], step["link"]) if more]
    return "\n".join([*lines, f"  {'read':<15}{' '.join(guide['sources'])}"])


def _wrapped(first: str, words: str) -> str:
    return textwrap.fill(
        words,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def markdown() -> str:
    """All guides, for docs/guide.md."""
    parts = []
    for guide in GUIDES.values():
        made = told(guide, Place())
        steps = []
        for number, step in enumerate(made["steps"], 1):
            command = f"<br>`{step['command']}`" if step["command"] else ""
            link = f"<br><{step['link']}>" if step["link"] else ""
            steps.append(f"| {number} | {step['who']} | {step['text']}{command}{link} |")
        parts += [
            f"## {guide.title}",
            f"`kind={guide.name}`",
            f"| | |\n|---|---|\n| known by | {guide.looks} |\n| life | {guide.life} |\n| a revoke ends | {guide.ends} |",
            "| | who | step |\n|---|---|---|\n" + "\n".join(steps),
            "Sources: " + ", ".join(f"<{source}>" for source in guide.sources),
        ]
    return "\n\n".join(parts) + "\n"
