# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run: what was found, what is to be done, and what it is expected to end with (private).

The plan is what `--check` shows and what the real run follows; the report has the same schema with results added.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import (
    _announce,
    _batches,
    _calendar_gate,
    _decide_back,
    _hosts,
    _lease,
    _rights,
    _survey,
    _told,
)
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._case import Choices
from ansible_collections.botops.rotation.plugins.module_utils._decide import CHANGING, decide, refuse
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RegistryError,
    RotationError,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import (
    current_owner,
    is_alive,
    moment,
    why_free,
)
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Probe
from ansible_collections.botops.rotation.plugins.module_utils._record import State
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore, Seen, stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack

SCHEMA = "botops.rotation/1"


def make(
    registry: Registry,
    store: RecordStore,
    slack: Slack,
    choices: Choices,
    bot: str,
    workspace: str | None = None,
    force: bool = False,
    back: bool = False,
    rollout: Mapping[str, Any] | None = None,
    texts: Texts | None = None,
    ignore_window: bool = False,
    check: bool = False,
) -> dict[str, Any]:
    """Reads Vault and Slack, decides, and gives the plan, of a rotation or of the way `back`. Changes nothing.

    `rollout` is what `_batches.rollout` gives; by default all hosts are one batch. With `check` a row that is not in its
    window keeps what is planned for it.
    """
    texts = texts or Texts()
    selected = _selected(registry, bot, workspace, choices)
    survey = _survey.read(store, everything(registry))
    if not back:
        _survey.read_chains(survey, registry, store, selected)
    concern = [
        token
        for installation in selected
        if installation.id in survey.seen
        for token in _survey.of_concern(survey.seen[installation.id])
    ]
    now = store.vault.now()
    for installation in selected:
        seen = survey.seen.get(installation.id)
        ended = State.ROLLED_BACK if back else State.ROTATED
        if seen and seen.record.state is ended and _is_unfinished(seen, registry, store, now):
            survey.unfinished.add(installation.id)
            concern += [(installation.judged_as(name), seen.tokens.get(name)) for name in seen.record.replaces]
    _survey.ask(survey, slack, concern)
    if back:
        rows = [_decide_back.decide(installation, survey, registry) for installation in selected]
    else:
        rows = [decide(installation, survey, registry, choices, now) for installation in selected]
    rows = _calendar_gate.judge(registry, store.vault, rows, ignore_window, check)
    rows = _refuse_without_rights(rows, registry, store)
    others = _bystanders(registry, rows, survey, slack)
    names, phase = sorted({row["bot"] for row in rows}), "returning" if back else "started"
    actions = {row["action"] for row in rows}
    return {
        "schema": SCHEMA,
        "run_id": run_id(now, names),
        "at": stamp(now),
        "bots": names,
        "installations": rows,
        "hosts": _hosts.plan(registry, rows, others, force),
        "rollout": dict(rollout or _batches.rollout()),
        "messages": _announce.messages(registry, rows, phase, _told.at_start(registry, rows), texts),
        "reinstall_on": ["localhost"] if not check and actions & {"reinstall"} else [],
        "refresh_on": ["localhost"] if not check and actions & {"exchange", "refresh"} else [],
        "locks": [row["id"] for row in rows if row["action"] in CHANGING],
        "warnings": sorted(
            {*texts.problems, *(f"{row['id']}: {warning}" for row in rows for warning in row["warnings"])}
        ),
    }


def _selected(registry: Registry, bot: str, workspace: str | None, choices: Choices) -> list[Installation]:
    """The installations that are meant; of a scheduled refresh, those of the strategy refresh among them."""
    found = registry.select(bot, workspace)
    if not choices.refresh_only:
        return found
    refreshed = [each for each in found if registry.bots[each.bot].strategy == "refresh"]
    if not refreshed:
        names = ", ".join(sorted({each.bot for each in found}))
        raise RegistryError(
            [f"none of these bots has the strategy refresh: {names}"],
            "rotate_bot rotates them; in the registry, strategy: refresh is for apps in Slack's rotation mode",
        )
    return refreshed


def _is_unfinished(seen: Seen, registry: Registry, store: RecordStore, now: datetime) -> bool:
    """Whether the run that ended this rotation, or brought it back, did not come to its own end.

    Then it still has the lock that it held, or old versions of the record, with tokens in them, are not destroyed; and
    nobody may have been told.
    """
    record, name = seen.record, seen.installation.id
    if not record.history:
        return False
    try:
        held = _lease.holder(store.vault, registry.lock_path(seen.installation), name)
        ended = moment(record.history[-1].get("at"))
        died = held and held.acquired <= ended and why_free(held, now, current_owner(), is_alive) is not None
        return bool(died or (held is None and store.vault.old_versions(registry.record_path(seen.installation))))
    except VaultUnavailable:
        raise
    except (RotationError, ValueError):  # not readable, which is for those to say that need it
        return False


def _refuse_without_rights(rows: list[dict[str, Any]], registry: Registry, store: RecordStore) -> list[dict[str, Any]]:
    """Rows that Vault would not let be written are refused now, and not in the middle."""
    changing = [
        (registry.installation(row["bot"], row["workspace"]), list(row["tokens"]))
        for row in rows
        if row["action"] in CHANGING
    ]
    lacking = _rights.missing(store.vault, registry, changing)
    return [
        refuse(
            row,
            _rights.denied(lacking[row["id"]]),
        )
        if row["id"] in lacking
        else row
        for row in rows
    ]


def everything(registry: Registry) -> list[Installation]:
    """All installations: a token must not be another row's, whichever rows are rotated."""
    return [installation for bot in registry.bots.values() for installation in bot.installations.values()]


def run_id(now: datetime, names: list[str]) -> str:
    """Names a run, and a rotation: `20261123T020000Z-gobot-7f3a`."""
    name = names[0] if len(names) == 1 else f"{len(names)}-bots"
    return f"{now:%Y%m%dT%H%M%SZ}-{name}-{secrets.token_hex(2)}"


def _bystanders(
    registry: Registry, rows: list[dict[str, Any]], survey: _survey.Survey, slack: Slack
) -> dict[str, Probe | None]:
    """What is known of the tokens that services of this run use beside those that it carries."""
    tokens, concern = {}, []
    for key in _hosts.bystanders(registry, rows):
        installation, _slash, name = key.rpartition("/")
        if installation in survey.seen:
            seen = survey.seen[installation]
            tokens[key] = seen.tokens.get(name)
            concern.append((seen.installation.judged_as(name), tokens[key]))
    _survey.ask(survey, slack, concern)
    return {key: survey.probe(stored) for key, stored in tokens.items()}
