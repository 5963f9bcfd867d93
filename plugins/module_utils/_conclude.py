# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each installation ended with, and what people are told of it (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _proofs
from ansible_collections.botops.rotation.plugins.module_utils._outcome import Plan, Results, stop_before_promotion
from ansible_collections.botops.rotation.plugins.module_utils._services import installation, of_row

UNDER_WAY = ("promoting", "promoted", "restoring")
Row = dict[str, Any]


def conclude(
    plan: Plan,
    prepared: Mapping[str, Any],
    judged: Mapping[str, Any],
    promoted: Mapping[str, Any],
    retired: Mapping[str, Any],
    restored: Mapping[str, Any],
    stop: Mapping[str, Any] | None,
    restore: Results | None = None,
    check: bool = False,
) -> list[Row]:
    """The rows with what each installation ended with.

    `promoted`, `retired` and `restored` are what the action `rotation` gave, `restore` what the hosts gave on their way
    back.
    """
    if check:
        return [_expected(row, prepared, judged, stop) for row in plan["installations"]]
    rows = []
    for row in plan["installations"]:
        ended = _ended(row, judged, retired, restored, stop, restore or {})
        for answer in (promoted, restored, retired):
            ended["state"] = ((answer.get("results") or {}).get(row["id"]) or {}).get("state") or ended["state"]
        rows.append(ended)
    return rows


def _expected(row: Mapping[str, Any], prepared: Mapping[str, Any], judged: Mapping[str, Any], stop: Any) -> Row:
    """What the real run would end with."""
    row = dict(row)
    if stop and row["action"] != "none":
        return {**row, "outcome": "refused", **_because(stop)}
    services = of_row(row, judged["services"])
    if row["action"] == "converge" and any(_would_differ(service, row["id"]) for service in services):
        row.update(outcome="converged", reason="hosts carry another token than the current one", next_step="")
    if row["action"] != "none":  # what the rollout does not come to stays as it is
        row.update(_shortfall(row, [service for service in services if service["host"] not in prepared["hosts"]]))
    return row


def _missing(services: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Host -> why its services are not known to be on the new token."""
    return {
        service["host"]: service["absent"] or service["status"] for service in services if service["status"] != "ok"
    }


def _ended(
    row: Mapping[str, Any],
    judged: Mapping[str, Any],
    retired: Mapping[str, Any],
    restored: Mapping[str, Any],
    stop: Mapping[str, Any] | None,
    restore: Results,
) -> Row:
    services = of_row(row, judged["services"])
    row = {**row, "proofs": dict(row["proofs"])}
    if row["action"] == "none":
        return row
    if stop_before_promotion(stop):
        begun = stop.get("written") or row["state"] in UNDER_WAY
        return {**row, "outcome": "failed" if begun else "refused", **_because(stop)}
    if row["id"] in judged["back"]:
        asked = {service["host"] for service in services} & judged["restore"].keys()
        return _gone_back(row, services, restored, {host: restore.get(host) or {} for host in asked})
    _set_in_use(row, _in_use(services))
    if row["action"] == "converge":
        if any(_differed(service, row["id"]) for service in services):
            row.update(outcome="converged", reason="hosts were brought to the current token", next_step="")
    elif row["id"] in judged["proven"]:
        _apply_retirement(row, retired)
    return {**row, **_shortfall(row, services, stop)}


def _shortfall(
    row: Mapping[str, Any], services: Iterable[Mapping[str, Any]], stop: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What services leave to be desired, worst first; nothing when all are well. `stop`: what ended the rollout."""
    services = list(services)
    by_status: dict[str, list[Mapping[str, Any]]] = {"failed": [], "unproven": [], "absent": [], "ok": []}
    for service in services:
        by_status[service["status"]].append(service)
    if by_status["failed"]:
        return {
            "outcome": "failed",
            "reason": f"not on the new token or not healthy: {_failures(by_status['failed'])}",
            "next_step": "mend these services, then run rotate_bot again: it goes on from here",
            "missing": _missing(services),
        }
    if by_status["unproven"] and row["action"] != "converge":
        return {
            "outcome": "partial",
            "reason": f"nobody can say which token these run on: {_names(by_status['unproven'])}",
            "next_step": "give them an in_use endpoint in botops_services, then run rotate_bot again",
            "missing": _missing(services),
        }
    if by_status["absent"]:
        return {"outcome": "partial", **_absent(by_status["absent"], stop), "missing": _missing(services)}
    return {}


def _names(services: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(f"{service['name']} on {service['host']}" for service in services)


def _failures(services: list[Mapping[str, Any]]) -> str:
    """The services that failed, and why the first did."""
    ill = ((service["health_after"] or {}).get("evidence") for service in services if service["in_use"] != "no")
    why = next((service["error"] for service in services if service["error"]), None)
    return f"{_names(services)}: {why or next(filter(None, ill), '') or services[0]['in_use_evidence']}"


def _gone_back(row: Row, services: list[Mapping[str, Any]], restored: Mapping[str, Any], restore: Results) -> Row:
    failed = [service for service in services if service["status"] == "failed"]
    what = _failures(failed) if failed else "a service that shares its tokens"
    untouched = sorted({service["host"] for service in services if service["status"] == "absent"})
    if untouched:
        what += f"; the rollout stopped there, and did not touch {', '.join(untouched)}"
    _set_in_use(row, _proofs.proof(False, "rolled back"))
    stuck = sorted(host for host, result in restore.items() if _lost(result))
    problem = f"these hosts did not go back: {', '.join(stuck)}" if stuck else ""
    if row["id"] not in (restored.get("results") or {}):
        problem = f"Vault did not: {restored.get('reason') or restored.get('msg') or 'it was not asked'}"
    if problem:
        return {
            **row,
            "outcome": "failed",
            "reason": f"failed: {what}; going back to the old token failed too: {problem}",
            "next_step": "run rotate_bot again: it goes on from here",
        }
    return {
        **row,
        "outcome": "rolled_back",
        "reason": f"failed: {what}",
        "next_step": "mend it, then run rotate_bot again: the new token is still pending",
    }


def _lost(result: Mapping[str, Any]) -> bool:
    """Whether a host did not do what it was asked, or did not say so."""
    return not result or bool(result.get("failed") or result.get("unreachable"))


def _set_in_use(row: Row, proof: _proofs.Proof) -> None:
    """Services take tokens by installation, so what is in use is one proof for all of its tokens."""
    row["proofs"]["in_use"] = proof
    row["tokens"] = {
        name: {**token, "proofs": {**token["proofs"], "in_use": proof} if token["proofs"] else {}}
        for name, token in row["tokens"].items()
    }


def _apply_retirement(row: Row, retired: Mapping[str, Any]) -> None:
    """What Slack said of old and new when it was asked last."""
    answer = (retired.get("results") or {}).get(row["id"])
    if answer is None:
        row.update(
            outcome="failed",
            reason=f"the last proof was not made: {retired.get('reason') or retired.get('msg') or 'the run had stopped'}",
            next_step="run rotate_bot again: it goes on from here",
        )
        return
    for name, proof in answer["old_refused"].items():
        token = row["tokens"][name]
        row["tokens"] = {**row["tokens"], name: {**token, "proofs": {**token["proofs"], "old_refused": proof}}}
        if name == "bot" or len(row["tokens"]) == 1:
            row["proofs"]["old_refused"] = proof
    row.update({key: answer[key] for key in ("outcome", "reason", "next_step")})


def _would_differ(service: Mapping[str, Any], row: str) -> bool:
    return _differed({**service, "changed": service["status"] != "absent" or service["needs"] != "nothing"}, row)


def _differed(service: Mapping[str, Any], row: str) -> bool:
    """Whether a service that was changed had carried another token of this row, not only of another one."""
    own = (variable for variable in service["variables"].values() if installation(variable) == row)
    return service["changed"] and any(
        variable["before"] != variable["new"] or set(variable["process_before"]) - {variable["new"]} for variable in own
    )


def _in_use(services: list[Mapping[str, Any]]) -> _proofs.Proof:
    yes = [service for service in services if service["status"] == "ok"]
    evidence = f"{len(yes)}/{len(services)}"
    if len(yes) == len(services):
        return _proofs.proof(True, evidence if services else "no service uses it")
    rest = "; ".join(
        f"{service['name']} on {service['host']}: "
        f"{service['absent'] or service['error'] or service['in_use_evidence'] or service['status']}"
        for service in services
        if service["status"] != "ok"
    )
    return _proofs.proof(False, f"{evidence}: {rest}")


def unfinished(plan: Plan, stop: Mapping[str, Any] | None) -> list[Row]:
    """The rows of a run that could not be judged: whatever was going on is said to have failed."""
    because = (
        _because(stop)
        if stop
        else {"reason": "what it came to could not be judged", "next_step": "run rotation_status"}
    )
    return [
        {**row, "outcome": "failed", **because} if row["action"] != "none" else dict(row)
        for row in plan["installations"]
    ]


def _because(stop: Mapping[str, Any]) -> dict[str, str]:
    return {"reason": f"{stop['phase']}: {stop['reason']}", "next_step": stop.get("next_step", "")}


def _absent(services: list[Mapping[str, Any]], stop: Mapping[str, Any] | None) -> dict[str, str]:
    named = ", ".join(sorted({f"{service['host']} ({service['absent']})" for service in services}))
    because = f"; {stop['phase']}: {stop['reason']}" if stop and not stop_before_promotion(stop) else ""
    return {
        "reason": f"not on the new token: the services on {named}{because}",
        "next_step": "run rotate_bot again when these hosts are there: it brings them to the current token",
    }
