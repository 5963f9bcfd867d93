# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install page is about: rows, targets and apps, from registry, Vault and Slack (private to the collection)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _clients, _install_approval, _rights, _survey
from ansible_collections.botops.rotation.plugins.module_utils import _install_board as _b
from ansible_collections.botops.rotation.plugins.module_utils._install_flow import App, Target
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation

# What Slack lists of tokens and no app can ask for: https://docs.slack.dev/reference/scopes
NOT_ASKED = frozenset({"identify", "bot", "bot:basic"})


@dataclass(frozen=True)
class Plan:
    """`clients`: client id and secret by bot; `notes`: what people should know, in sentences."""

    rows: list[_b.Row]
    targets: dict[str, Target]
    clients: dict[str, tuple[str, str]]
    client_paths: dict[str, str]
    notes: list[str]


def make(here: Any, installations: list[Installation]) -> Plan:
    """Reads everything and judges it: RotationError with all that is in the way."""
    paths = _clients.paths(here.registry, (each.bot for each in installations))
    clients = {bot: _clients.read(here.vault, bot, path) for bot, path in paths.items()}
    _require_rights(here, installations)
    survey = _survey.read(here.store, installations)
    for error in survey.errors.values():
        raise error
    for seen in survey.seen.values():
        _survey.ask(survey, here.slack, _survey.of_concern(seen))
    single = len(paths) == 1
    rows, targets, notes = [], {}, []
    for each in installations:
        seen = survey.seen[each.id]
        target = _target(here, each, seen, survey, each.workspace if single else f"{each.bot}.{each.workspace}")
        targets[each.id] = target
        rows.append(_row(here, each, seen, survey, target))
    silent = [each.id for each in installations if each.user_token_path and not targets[each.id].user_scopes]
    if silent:
        notes.append(f"No user token is asked for, since the bot has no user_scopes: {', '.join(silent)}")
    return Plan(rows, targets, clients, {each.id: paths[each.bot] for each in installations}, notes)


def _require_rights(here: Any, installations: list[Installation]) -> None:
    """Whether Vault would let the token be kept and staged, asked before anybody installs anything."""
    lacking = list(_rights.missing(here.vault, here.registry, [(each, ()) for each in installations]).values())
    needs: dict[str, tuple[str, ...]] = {}
    for each in installations:
        place = here.vault.locate(here.registry.install_path(each))
        needs[place.api()] = _rights.WRITE
        if place.kv == 2:
            needs |= {place.api("metadata"): ("read",), place.api("destroy"): ("update",)}
    held = here.vault.capabilities(sorted(needs))
    for path, due in needs.items():
        lacking += [f"{one} on {path}" for one in due if one not in held[path] and "root" not in held[path]]
    if lacking:
        raise _rights.denied(", ".join(lacking), "an installation")


def _target(here: Any, each: Installation, seen: Seen, survey: _survey.Survey, key: str) -> Target:
    bot = here.registry.bots[each.bot]
    return Target(
        id=each.id,
        key=key,
        team_id=here.registry.workspaces[each.workspace].team_id,
        app_id=bot.app_id,
        scopes=tuple(sorted({*bot.required_scopes, *_had(seen, survey)} - NOT_ASKED)),
        user_scopes=bot.user_scopes,
    )


def _had(seen: Seen, survey: _survey.Survey) -> Iterable[str]:
    """The scopes of the current token, which the new one has to have, too: as Slack says, else as the record does."""
    current = seen.tokens.get("bot")
    probe = survey.probe(current)
    if probe and probe.alive and probe.scopes:
        return probe.scopes
    known = seen.record.current.get("bot")
    return known.scopes if known and current and known.fingerprint == current.fingerprint else ()


def _row(here: Any, each: Installation, seen: Seen, survey: _survey.Survey, target: Target) -> _b.Row:
    pending = seen.record.slot("bot").pending
    probe = survey.probe(pending)
    row = _b.Row(each.id, target.key, each.bot, here.registry.workspaces[each.workspace].name, required=target.scopes)
    if pending and probe and probe.alive and not seen.record.under_way:
        changes = {"state": _b.STAGED, "granted": probe.scopes, "fingerprint": pending.fingerprint}
        return _b.Row(
            **{**vars(row), **changes, "next_step": "run rotate_bot: it carries the new token to the services"}
        )
    since = _install_approval.read(here, each)
    if since:
        reason, after = (
            "an admin of the workspace has to approve the app",
            "click Add to Slack again when it is approved",
        )
        return _b.Row(**{**vars(row), "state": _b.APPROVAL, "since": since, "reason": reason, "next_step": after})
    return row


def app(here: Any, plan: Plan, bot: str, authorize_url: str, redirect_uri: str) -> App:
    """The app of a bot. A classic one has an address of its own: the same without the version."""
    version = 1 if here.registry.bots[bot].oauth == "v1" else 2
    if version == 1:
        authorize_url = authorize_url.replace("/oauth/v2/authorize", "/oauth/authorize")
    client_id, client_secret = plan.clients[bot]
    return App(client_id, client_secret, authorize_url, redirect_uri, version)


def waiting(rows: Iterable[_b.Row]) -> str:
    """What is not there yet, in a sentence."""
    return "; ".join(
        f"{row.id} is {row.state}" + f": {row.reason}" * bool(row.reason) for row in rows if not row.settled
    )


def results(rows: Iterable[_b.Row]) -> Mapping[str, Any]:
    return {row.id: row.result() for row in rows}
