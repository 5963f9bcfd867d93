# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a leaked token's end: why, and what to do next (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._registry import Bot

SETTINGS = "https://api.slack.com/apps"
Words = dict[str, str]


def next_step(result: Mapping[str, Any], bot: Bot | None, single: bool) -> Words:
    """`reason` and `next_step` of a result; `single`: a token of Slack's rotation mode, which ends alone."""
    app = f"{SETTINGS}/{(bot and bot.app_id) or result['identity'].get('app_id') or ''}".rstrip("/")
    by_hand = (
        f"revoke it by hand: {app}, OAuth & Permissions, Revoke All OAuth Tokens; or remove the app in the workspace"
    )
    outcome, evidence = result["outcome"], result["evidence"]
    if outcome == "alive":
        return _words(f"THE TOKEN IS STILL ALIVE: {evidence}", f"run this again at once; else {by_hand}")
    if outcome == "unknown":
        return _words(
            f"WHETHER THE TOKEN IS DEAD IS NOT KNOWN: {evidence}",
            f"run this again, from where the app's IP allowlist lets it in; else {by_hand}",
        )
    if outcome == "refused":
        return _words(f"Slack does not revoke it: {evidence}", by_hand)
    if outcome == "not_ours":
        return _words(
            f"it was not revoked: {evidence}{_whose(result)}",
            "to end it all the same, run this again with -e unknown=true",
        )
    return _words(_ended_with_it(result, single), _after(result, app, single))


def _words(reason: str, next_step: str) -> Words:
    return {"reason": reason, "next_step": next_step}


def _whose(result: Mapping[str, Any]) -> str:
    """Who Slack says that it is."""
    identity = result["identity"]
    known = [f"{label} {identity[key]}" for label, key in _WHOSE if identity.get(key)]
    return f" (it is of {', '.join(known)})" if known else ""


_WHOSE = (("user", "user"), ("workspace", "team"), ("team", "team_id"), ("app", "app_id"))


def _ended_with_it(result: Mapping[str, Any], single: bool) -> str:
    """What a revoke ends beside the token: https://docs.slack.dev/reference/methods/auth.revoke and
    https://docs.slack.dev/authentication/using-token-rotation
    """
    if result["outcome"] == "dead_already":
        return "it was dead before"
    if single:
        return "nothing else ended with it: the app is in Slack's rotation mode"
    would = "would end with it" if result["outcome"] == "would_revoke" else "ended with it"
    channels = result["channels"]
    named = ", ".join(f"#{each['name']}" + " (private)" * each["private"] for each in channels[:20])
    more = f" and {len(channels) - 20} more" if len(channels) > 20 else ""
    member = f"the bot's place in {named}{more}" if channels else "the bot's place in its channels"
    dead = [f"the {each['what']} token {each['fingerprint']}" for each in result["others"] if each["life"] == "dead"]
    tokens = f" (of this installation: {', '.join(dead)})" if dead and result["outcome"] == "revoked" else ""
    return f"{would}: every token of the app in this workspace{tokens}, {member}, the app's webhooks there"


def _after(result: Mapping[str, Any], app: str, single: bool) -> str:
    if result["outcome"] == "would_revoke":
        return "run this without --check"
    if not result["installation"]:
        return f"no row of the registry has it: tell its owner to install the app again{_whose(result)}"
    bot, _slash, workspace = result["installation"].partition("/")
    where = f"-e bot={bot} -e workspace={workspace}"
    if result["go_on"]:
        return f"a new token waits: ansible-playbook botops.rotation.rotate_bot {where}"
    current = "current bot" in result["stages"] or any(
        each["what"] == "current bot" and each["life"] != "alive" for each in result["others"]
    )
    if not (current or "current user" in result["stages"]):
        return "nothing: no service runs on it"
    if single:
        return (
            f"refresh it: ansible-playbook botops.rotation.refresh_tokens {where} -e margin=12, where the bot has the strategy "
            f"refresh; else the steps are those of ansible-playbook botops.rotation.rotation_guide {where}"
        )
    return (
        f"install the app again, with ansible-playbook botops.rotation.install_app {where} (or at {app}/install-on-team and "
        f"with stage_token {where}), then ansible-playbook botops.rotation.rotate_bot {where}; each step: rotation_guide {where}"
    ).replace(f"{SETTINGS}/install-on-team", SETTINGS)
