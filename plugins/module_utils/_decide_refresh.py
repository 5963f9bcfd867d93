# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides for an installation of the strategy refresh, of which nothing waits to become current (private, pure).

Its action is `exchange` (a static token enters Slack's rotation mode), `refresh` (its token ends soon), or `converge`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _refresh_words
from ansible_collections.botops.rotation.plugins.module_utils._case import World, entry, to_come
from ansible_collections.botops.rotation.plugins.module_utils._chain import Chain
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._record import State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen, stamp


def decide(row: dict[str, Any], seen: Seen, world: World, now: datetime) -> None:
    """Fills in the row; StateError where the person at the keyboard has to do something first."""
    current, chain = seen.tokens.get("bot"), world.survey.chains[row["id"]]
    tried = None if world.choices.refreshed is None else world.choices.refreshed.get(row["id"])
    if tried and tried.get("reason"):
        raise StateError(tried["reason"], tried.get("next_step", ""))
    if _holds_still(seen, world, now):
        stay(row, seen, world)
        row["reason"] = "the new token was rolled back, and is not tried again while the old one goes on"
        row["next_step"] = f"to try it now: rotate_bot -e bot={row['bot']} -e workspace={row['workspace']}"
    elif tried is None and chain.waiting(seen, now):
        _come(row, seen, world, "refresh")
    elif current is None or not current.rotates:
        _static(row, seen, world, current, tried is not None)
    else:
        _rotating(row, seen, world, current, chain, now, tried is not None)


def _come(row: dict[str, Any], seen: Seen, world: World, how: str) -> None:
    """A new token comes of this run."""
    current = seen.tokens.get("bot")
    row.update(action=how, outcome="rotated", reason="", next_step="")
    row.update(routine=how == "refresh" and current is not None and current.rotates)
    row["tokens"]["bot"] = to_come(seen, world.survey, True)


def _static(row: dict[str, Any], seen: Seen, world: World, current: Stored | None, tried: bool) -> None:
    installation, probe = seen.installation, world.survey.probe(current)
    if current is None or probe is None or probe.dead:
        what = f"the current token {current.fingerprint} is dead" if current else "there is no current token"
        row.update(outcome="nothing_staged", reason=f"{what}: it cannot be exchanged")
        row["next_step"] = _refresh_words.install(installation)
        return
    if not probe.alive:
        raise StateError(
            f"whether Slack accepts the current token {current.fingerprint} is not known: {probe.evidence}",
            "run it again when Slack answers",
        )
    if world.choices.refresh_only or tried:
        stay(row, seen, world)
        row["reason"] = "its token is static: it has not entered Slack's rotation mode"
        row["next_step"] = f"when it is to: rotate_bot -e bot={installation.bot} -e workspace={installation.workspace}"
        return
    if world.registry.bots[installation.bot].environment == "internal" and not _tried(world):
        if not world.choices.exchange_untried:
            raise StateError(
                f"{installation.bot} is a bot of production, and no bot of staging is in Slack's rotation mode yet: it "
                "cannot be left again",
                "rotate a bot with environment: staging and strategy: refresh first; or say that you mean it with "
                "-e exchange_untried=true",
            )
        row["warnings"].append("no bot of staging is in Slack's rotation mode yet (exchange_untried)")
    _come(row, seen, world, "exchange")


def _tried(world: World) -> bool:
    """Whether a bot of staging is in Slack's rotation mode."""
    held = (
        world.survey.seen[each.id].tokens.get("bot")
        for bot in world.registry.bots.values()
        if (bot.environment, bot.strategy) == ("staging", "refresh")
        for each in bot.installations.values()
        if each.id in world.survey.seen
    )
    return any(token is not None and token.rotates for token in held)


def _rotating(
    row: dict[str, Any], seen: Seen, world: World, current: Stored, chain: Chain, now: datetime, tried: bool
) -> None:
    if chain.refresh is None:
        raise _refresh_words.no_chain(seen.installation)
    probe, ends = world.survey.probe(current), chain.ends(current)
    dead = probe is not None and probe.dead
    if not tried and (dead or ends is None or ends - now < timedelta(hours=world.choices.refresh_margin)):
        _come(row, seen, world, "refresh")
        return
    stay(row, seen, world)
    if ends:
        after = stamp(ends - timedelta(hours=world.choices.refresh_margin))
        row["reason"] = f"its token lives until {stamp(ends)}, and is refreshed after {after}"


def stay(row: dict[str, Any], seen: Seen, world: World) -> None:
    """Services are brought to the current token, where they lack it."""
    row.update(action="converge", outcome="already", next_step="")
    row["tokens"]["bot"] = entry(seen, "bot", None, seen.tokens["bot"], world.survey)


def comes_first(row: dict[str, Any], seen: Seen, world: World, now: datetime) -> bool:
    """Whether what waits or is under way is no reason to go on with it: it has ended meanwhile, so that only the next token
    helps; or it was rolled back, and a scheduled refresh leaves it alone."""
    record = seen.record
    new = record.slot("bot").pending or (seen.tokens.get("bot") if record.under_way else None)
    probe = world.survey.probe(new)
    ended = bool(new and new.rotates and probe and probe.dead)
    return ended or _holds_still(seen, world, now)


def _holds_still(seen: Seen, world: World, now: datetime) -> bool:
    if not (world.choices.refresh_only and seen.record.state is State.ROLLED_BACK):
        return False
    ends = world.survey.chains[seen.installation.id].ends(seen.tokens.get("bot"))
    return ends is not None and ends - now >= timedelta(hours=world.choices.refresh_margin)
