# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told, where and by whom (private to the collection, pure).

A message's `mark` is the same in every run of one attempt of a rotation: by it a phase is told at most once. Its `thread`
is the same in all phases of a rotation, its window included: by it a channel has one message, which is changed.
Limits of blocks: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _speaker
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts, about, escaped, mention
from ansible_collections.botops.rotation.plugins.module_utils._decide import CHANGING
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._window import Window

Row = Mapping[str, Any]
Facts = Mapping[str, Any]
LOUD = ("moved", "cancelled")  # what is to be read in the channel, not in the thread alone
HISTORY = 5  # rotations that an expectation rests on
MOST_LINES = 30


def messages(
    registry: Registry,
    rows: Iterable[Row],
    phase: str,
    facts: Mapping[str, Facts] | None = None,
    texts: Texts | None = None,
) -> list[dict[str, Any]]:
    """The messages of a phase: one for each channel of each installation that changes. `facts`: by installation."""
    texts = texts or Texts()
    return [
        message(registry, row, _phase(row, phase), channel, (facts or {}).get(row["id"], {}), texts)
        for row in rows
        if row["action"] in CHANGING and not (row.get("routine") and phase != "failed")
        for channel in channels(registry, row)
    ]


def _phase(row: Row, phase: str) -> str:
    return "reinstalling" if phase == "started" and _reinstalls(row) else phase


def _reinstalls(row: Row) -> bool:
    """Whether the new token comes of a revoke and an installation: then its fingerprint is not known at the start."""
    return row["action"] == "reinstall" or bool(row["revoked_at"])


def _rotation(row: Row) -> str:
    """What names the rotation of a row in each of its runs."""
    return f"after-{row['old_fingerprint']}" if _reinstalls(row) else str(row["new_fingerprint"])


def channels(registry: Registry, row: Row) -> list[str]:
    """The channels of the bot in the row's workspace. A webhook posts to its own channel, whatever is asked for."""
    found = list(registry.bots[row["bot"]].channels.get(row["workspace"], ()))
    return [""] if found and registry.notifiers.get(row["workspace"], {}).get("webhook_path") else found


def message(
    registry: Registry, row: Row, phase: str, channel: str, facts: Facts, texts: Texts, name: str = ""
) -> dict[str, Any]:
    """One message. `name`: what its mark begins with, where that is not the rotation."""
    name = name or f"{_rotation(row)}.{row['attempt']}"
    window = Window.of(row.get("window"))
    known = {
        "bot": escaped(row["bot"]),
        "workspace": escaped(row["workspace_name"]),
        "owners": _owners(registry, row),
        "contact": _contact(registry),
        "expected": about(row.get("expected_unavailability")),
        "when": window.slack() if window else "",
        **facts,
    }
    known["lines"] = _few(facts.get("lines") or [])
    text, details = texts.render(phase, known), texts.render(f"{phase}.thread", known)
    return {
        "mark": f"{name}/{phase}/{channel or 'webhook'}",
        "thread": window.id if window else _rotation(row),
        "phase": phase,
        "installation": row["id"],
        "workspace": row["workspace"],
        "channel": channel,
        "poster": _speaker.of_row(registry, row),
        "text": text,
        "blocks": [_section(text), *_context(known)],
        "details": {"text": details, "blocks": [_section(details)] if details else [], "loud": phase in LOUD},
        "seconds": facts.get("measured"),
    }


def _few(lines: list[str]) -> list[str]:
    """So many lines as people read, each escaped."""
    more = [f"... and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return [escaped(line) for line in [*lines[:MOST_LINES], *more]]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}


def _context(known: Facts) -> list[dict[str, Any]]:
    """Owners and contact."""
    parts = [f"{label}: {known[key]}" for key, label in (("owners", "Owners"), ("contact", "Questions")) if known[key]]
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": " | ".join(parts)[:3000]}]}] if parts else []


def _owners(registry: Registry, row: Row) -> str:
    return ", ".join(map(mention, registry.bots[row["bot"]].owners))


def _contact(registry: Registry) -> str:
    contact = registry.contact or {}
    who = mention(contact["slack"]) if contact.get("slack") else ""
    return f"{escaped(contact.get('name') or '')} {who}".strip()


def expected(marks: Mapping[str, Any]) -> float | None:
    """The unavailability in seconds that an installation's last rotations lead to expect: the longest; None: unknown."""
    measured = [
        entry["seconds"]
        for entry in marks.values()
        if isinstance(entry, Mapping) and isinstance(entry.get("seconds"), (int, float))
    ]
    return max(measured[-HISTORY:], default=None)
