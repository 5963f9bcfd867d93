# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit: of what was found one dictionary without secrets (private to the collection, pure).

docs/audit.md lists its keys. Whoever shows it (`_audit_markdown`, `_audit_page`, ...) decides nothing: what is drift, due or a
finding stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional

from ansible_collections.botops.rotation.plugins.module_utils import (
    _audit_services,
    _audit_tokens,
    _hosts,
    _plan,
    _redact,
)
from ansible_collections.botops.rotation.plugins.module_utils._audit_findings import KINDS, Findings
from ansible_collections.botops.rotation.plugins.module_utils._audit_read import Found
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Probe
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry

SCHEMA = 1
Answers = Mapping[str, Optional[Mapping[str, Any]]]  # what service_env gave for each host; None where it was not asked


@dataclass(frozen=True)
class Asked:
    """What was asked for: ages in days, kinds of findings that end the run non-zero, and who asks."""

    max_age: int
    due_within: int
    fail_on: tuple[str, ...]
    by: str
    check: bool = False


def keys(installations: Iterable[Installation]) -> set[str]:
    """Token keys, such as gobot/ibmcloud/bot."""
    return {f"{each.id}/{name}" for each in installations for name in each.tokens}


def of_services(registry: Registry, found: list[Found], answers: Answers) -> dict[str, Any]:
    """The part of the audit that is about hosts, for which Slack is not needed."""
    tokens = _audit_services.Tokens.of(found)
    wanted = keys(each.installation for each in found)
    given = {host: answer for host, answer in answers.items() if answer}
    return {
        "services": _audit_services.rows(registry, wanted, tokens, given),
        "unexplained": _audit_services.unexplained(registry, tokens, given),
        "hosts": _audit_services.hosts(_audit_services.by_host(registry, wanted), answers),
    }


def assemble(
    registry: Registry,
    found: list[Found],
    probes: Mapping[str, Probe],
    services: Mapping[str, Any],
    now: datetime,
    asked: Asked,
) -> dict[str, Any]:
    """The audit, of which `services` is what `of_services` gave."""
    users = _audit_tokens.users(registry, _hosts.key)
    terms = _audit_tokens.Terms(registry, probes, users, now, asked.max_age, asked.due_within)
    audit = {
        "schema": SCHEMA,
        "kind": "audit",
        "run_id": _plan.run_id(now, ["audit"]),
        "at": stamp(now),
        "by": asked.by,
        "check": asked.check,
        "max_age_days": asked.max_age,
        "due_within_days": asked.due_within,
        "fail_on": list(asked.fail_on),
        "tokens": _redact.clean([row for each in found for row in _audit_tokens.rows(each, terms)]),
        **services,
    }
    audit["findings"] = _findings(registry, found, audit, asked)
    return {**audit, "summary": _summary(audit)}


def _findings(registry: Registry, found: list[Found], audit: Mapping[str, Any], asked: Asked) -> list[dict[str, Any]]:
    findings = Findings(registry, asked.fail_on)
    under_way = {each.installation.id for each in found if each.locked_by}
    reached = {row["host"] for row in audit["hosts"] if row["reached"]}
    for row in audit["tokens"]:
        findings.of_token(row)
    for row in audit["services"]:
        if row["host"] in reached:  # of the others the host itself is the finding
            findings.of_service(row, row["installation"] in under_way)
    for row in audit["unexplained"]:
        findings.of_stray(row)
    for row in audit["hosts"]:
        findings.of_host(row)
    order = list(KINDS)
    return sorted(findings.all, key=lambda each: (not each["fails"], order.index(each["kind"])))


def _summary(audit: Mapping[str, Any]) -> dict[str, int]:
    tokens, services, findings = audit["tokens"], audit["services"], audit["findings"]
    return {
        "tokens": sum(row["fingerprint"] is not None for row in tokens),
        "alive": sum(row["alive"] == "alive" for row in tokens),
        "dead": sum(row["alive"] == "dead" for row in tokens),
        "services": len({(row["host"], row["service"]) for row in services}),
        "hosts": len(audit["hosts"]),
        "drift": len({(row["host"], row["service"]) for row in services if row["drift"]}),
        "overdue": sum(row["due"] == "overdue" for row in tokens),
        "due": sum(row["due"] == "soon" for row in tokens),
        "findings": len(findings),
        "failing": sum(each["fails"] for each in findings),
    }


def failure(audit: Mapping[str, Any]) -> str:
    """Why the run ends non-zero, in a line; nothing where it does not."""
    counts = {kind: sum(each["kind"] == kind and each["fails"] for each in audit["findings"]) for kind in KINDS}
    failing = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counts.items() if count)
    return f"{failing}; next: see the table below" if failing else ""
