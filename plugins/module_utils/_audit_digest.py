# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of an audit: what owners are told in Slack, of what needs them and of nothing else (private, pure).

Limits: 50 blocks, 150 characters of a header, 3,000 of a section, https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _audit_words as words
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import escaped, mention

# The rest is for whoever runs the audit: an owner can do nothing about a host that was not reached.
THEIRS = ("dead", "identity", "drift", "half_done", "overdue", "old_alive", "due", "pending", "approval", "scopes")
MOST = 12  # findings that are told to owners one by one
GROUPS = 20  # owners that are told of; each takes a section and a divider
LONGEST = 240  # characters of what is said of one


def messages(audit: words.Audit) -> list[dict[str, Any]]:
    """`{workspace, owners, text, blocks}` for each workspace where somebody has something to do; often none."""
    theirs: dict[str, list[words.Row]] = {}
    for finding in audit["findings"]:
        if finding["workspace"] and finding["owners"] and (finding["kind"] in THEIRS or finding["fails"]):
            theirs.setdefault(finding["workspace"], []).append(finding)
    names = {token["workspace"]: token["workspace_name"] for token in audit["tokens"]}
    return [_message(audit, slug, names.get(slug, slug), findings) for slug, findings in sorted(theirs.items())]


def _message(audit: words.Audit, slug: str, name: str, findings: list[words.Row]) -> dict[str, Any]:
    groups: dict[tuple[str, ...], list[words.Row]] = {}
    for kind in words.by_kind(findings).values():
        for finding in kind:
            groups.setdefault(tuple(finding["owners"]), []).append(finding)
    heading = f"Slack tokens in {name}: {words.count(len(findings), 'thing needs', 'things need')} somebody"
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": heading[:150]}}]
    for owners, each in list(groups.items())[:GROUPS]:
        blocks += [_section(_told(owners, each)), {"type": "divider"}]
    rest = f"{words.count(len(groups) - GROUPS, 'more owner')} in the report. " if len(groups) > GROUPS else ""
    note = f"{rest}Audit of {words.moment(audit['at'])}, {escaped(audit.get('run_id', ''))}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": note}]})
    counts = ", ".join(f"{words.heading(kind)}: {len(each)}" for kind, each in words.by_kind(findings).items())
    owners = list(dict.fromkeys(owner for group in groups for owner in group))
    return {"workspace": slug, "owners": owners, "text": escaped(f"{heading}. {counts}"), "blocks": blocks}


def _told(owners: Iterable[str], findings: list[words.Row]) -> str:
    """What owners are told: whom it is for, then what is so and what is next, once where several have the same."""
    alike: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        alike.setdefault((finding["what"], finding["next"]), []).append(finding["subject"])
    lines = [", ".join(map(mention, owners))]
    for (what, step), subjects in list(alike.items())[:MOST]:
        which = ", ".join(f"*{_short(subject, 80)}*" for subject in subjects[:3])
        more = f" and {len(subjects) - 3} more" if len(subjects) > 3 else ""
        lines.append(f"• {which}{more}: {_short(what)}\n    Next: {_short(step)}")
    if len(alike) > MOST:
        lines.append(f"and {len(alike) - MOST} more in the report")
    return "\n".join(lines)


def _short(text: str, most: int = LONGEST) -> str:
    plain = " ".join(text.split())
    return escaped(plain if len(plain) <= most else plain[: most - 3] + "...")


def _section(text: str) -> dict[str, Any]:
    whole = text if len(text) <= 3000 else text[:2990].rpartition("\n")[0] + "\n..."
    return {"type": "section", "text": {"type": "mrkdwn", "text": whole}}
