# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a credential is, and whose: what the guide shows of it beside its steps (private to the collection)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.botops.rotation.plugins.module_utils import _guide, _named, _redact
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify, fingerprint

_GUIDES = {"webhook": "webhook", "signing_secret": "signing", "client_secret": "client"}
NOT_ASKED = (Kind.WEBHOOK, Kind.SESSION, Kind.UNKNOWN)  # what auth.test does not take, or is nobody's to send anywhere


def credential(
    slack: Slack, what: str, value: str, registry: Registry | None, secret: _named.NamedSecret | None = None
) -> tuple[dict[str, Any], _guide.Place]:
    """A credential by fingerprint: kind, life, whose it is, the guides that it may need; and its place.

    `secret`: what the registry says of one that is no token.
    """
    _redact.register(value)
    value = value.strip()
    kind = classify(value)
    if secret:
        probe, about = _named.ask(slack, secret, value), {}
    elif kind in NOT_ASKED:
        probe, about = Probe(Life.UNKNOWN, "", "Slack was not asked: auth.test takes no such credential"), {}
    else:
        probe, about = slack.whoami(value)
    owner = owner_of(registry, {**probe.identity, **{k: v for k, v in about.items() if k == "app_id"}})
    place = _guide.Place(
        bot=owner.bot if owner else "",
        workspace=owner.workspace if owner else "",
        app_id=_app_id(registry, owner) or str(about.get("app_id") or probe.identity.get("app_id") or ""),
        domain=urlsplit(str(about.get("url") or "")).netloc,
        fingerprint=fingerprint(value),
    )
    found = {
        "what": what,
        "fingerprint": place.fingerprint,
        "kind": secret.kind.replace("_", " ") if secret else kind.value,
        "life": probe.life.value,
        "evidence": probe.evidence,
        "identity": dict(probe.identity),
        "scopes": list(probe.scopes),
        "installation": owner.id if owner else "",
        "guides": [_GUIDES[secret.kind]] if secret else list(_guide.recognise(value, probe.scopes, about)),
    }
    return found, place


def placed(registry: Registry, installation: Installation, place: _guide.Place) -> _guide.Place:
    """The place of a token that an installation has in Vault."""
    app_id = _app_id(registry, installation) or place.app_id
    return replace(place, bot=installation.bot, workspace=installation.workspace, app_id=app_id)


def owner_of(registry: Registry | None, identity: Mapping[str, str]) -> Installation | None:
    """The installation of the registry that Slack's words on a token are of: by team, and app or bot user."""
    for bot in registry.bots.values() if registry else ():
        for installation in bot.installations.values():
            team = registry.workspaces[installation.workspace].team_id
            same = (bot.app_id, identity.get("app_id")), (installation.bot_user_id, identity.get("user_id"))
            if team == identity.get("team_id") and any(known and known == told for known, told in same):
                return installation
    return None


def _app_id(registry: Registry | None, installation: Installation | None) -> str:
    return registry.bots[installation.bot].app_id or "" if registry and installation else ""


def table(found: Iterable[Mapping[str, Any]], guides: Iterable[Mapping[str, Any]]) -> str:
    """The whole answer for a terminal: each credential in some lines, then what to do."""
    parts = [_lines(each) for each in found]
    return "\n\n".join([*parts, *(_guide.text(guide) for guide in guides)])


def _lines(found: Mapping[str, Any]) -> str:
    identity = found["identity"]
    who = ", ".join(
        f"{label} {identity[key]}"
        for label, key in (("user", "user"), ("of", "team"), ("team", "team_id"), ("app", "app_id"))
        if identity.get(key)
    )
    lines = [f"{found['what']}: {found['fingerprint']}, {found['kind']}, {found['life']} ({found['evidence']})"]
    if who:
        lines.append(
            f"  whose          {who}" + (f", the installation {found['installation']}" * bool(found["installation"]))
        )
    if found["scopes"]:
        lines.append(f"  scopes         {', '.join(found['scopes'])}")
    if len(found["guides"]) > 1:
        lines.append(f"  it may be      one of {', '.join(found['guides'])}: they cannot be told apart from here")
    return "\n".join(lines)
