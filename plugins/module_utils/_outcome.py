# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts said to what happens next, and to what each installation ended with (private, pure).

Three questions, asked in this order: `prepare` (after the preflight: is there work, may it start?), `judge` (after
the rollout: which hosts and tokens go back, which rotations are proven?), `conclude` (after Vault has followed: what did
each installation end with, and what are people told of it?).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _hosts, _proofs
from ansible_collections.botops.rotation.plugins.module_utils._decide import CHANGING

UNDER_WAY = ("promoting", "promoted", "restoring")
Plan = Mapping[str, Any]
Row = dict[str, Any]
Results = Mapping[
    str, Mapping[str, Any]
]  # host -> what `service_env` gave there; nothing for a host that was not tried


def prepare(plan: Plan, preflight: Results, skip_unreachable: bool = False) -> dict[str, Any]:
    """Whether there is anything to do (`work`), on which `hosts`, who is `absent`, and why it must not start (`stop`)."""
    stop = None
    absent: dict[str, str] = {}
    for host in plan["hosts"]:
        result = preflight.get(host) or {}
        if not result:
            absent[host] = "limited away"
        elif result.get("unreachable"):
            absent[host] = "unreachable"
            if not skip_unreachable:
                stop = stop or _stop(
                    f"preflight of {host}", result, "bring it back, or go on without it: -e skip_unreachable=true"
                )
        elif result.get("failed"):
            stop = stop or _stop(f"preflight of {host}", result)
    hosts = [host for host in plan["hosts"] if host not in absent and _needs(preflight[host])]
    changing = [row["id"] for row in plan["installations"] if row["action"] in CHANGING]
    touched = sorted({_installation(variable) for host in hosts for variable in _variables(plan["hosts"][host])})
    return {
        "work": bool(changing or hosts) and not stop,
        "stop": stop,
        "hosts": [] if stop else hosts,
        "absent": absent,
        # Where a failure ends the rollout: what is there may go back. Elsewhere services are down without the new token.
        "stops": {host: any(_may_go_back(service) for service in services) for host, services in plan["hosts"].items()},
        "locks": sorted({*changing, *touched}),
    }


def _stop(phase: str, result: Mapping[str, Any], next_step: str = "") -> dict[str, str]:
    return {"phase": phase, "reason": str(result.get("msg") or "no answer"), "next_step": next_step}


def _needs(result: Mapping[str, Any]) -> bool:
    return any(service.get("needs") != "nothing" for service in result.get("services") or [])


def _may_go_back(service: Mapping[str, Any]) -> bool:
    return all(variable["restorable"] for variable in service["variables"].values())


def _variables(services: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (variable for service in services for variable in service["variables"].values())


def _installation(variable: Mapping[str, Any]) -> str:
    return variable["key"].rpartition("/")[0]


def judge(
    plan: Plan,
    prepared: Mapping[str, Any],
    preflight: Results,
    rollout: Results,
    stop: Any = None,
    verified: Results | None = None,
) -> dict[str, Any]:
    """What the rollout came to: `services` (one entry per service), and the rows that go `back` or are `proven`.

    A row goes back when one of its services failed and every old token that is concerned is accepted by Slack.
    With it go the rows that share a service with it.
    """
    services = [
        entry
        for host, planned in plan["hosts"].items()
        for entry in _services(host, planned, prepared["absent"], preflight.get(host) or {}, rollout.get(host) or {})
    ]
    services = [_after_soak(service, (verified or {}).get(service["host"]) or {}) for service in services]
    changing = {row["id"] for row in plan["installations"] if row["action"] in CHANGING}
    back = {
        each
        for service in services
        if service["status"] == "failed" and service["may_go_back"]
        for each in service["installations"]
    }
    while True:  # rows that share a service with one that goes back
        grown = back.union(*(s["installations"] for s in services if back & set(s["installations"])), set())
        if grown == back:
            break
        back = grown
    back &= set() if stop_before_promotion(stop) else changing
    tried = [host for host in plan["hosts"] if rollout.get(host)]
    restore = {
        host: turned
        for host in tried
        if (turned := _hosts.restored(s for s in plan["hosts"][host] if _touches(s, back)))
    }
    proven = [
        row["id"]
        for row in plan["installations"]
        if row["action"] in CHANGING
        and row["action"] != "restore"
        and row["id"] not in back
        and not stop_before_promotion(stop)
        and _all_in_use(row, services)
    ]
    return {"services": services, "back": sorted(back), "restore": restore, "proven": proven}


def _after_soak(service: dict[str, Any], verified: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as the second look at the service, after the soak, leaves it."""
    if not verified or service["status"] not in ("ok", "unproven"):
        return service
    seen = next((each for each in verified.get("services") or [] if each["name"] == service["name"]), None)
    error = seen.get("error") if seen else verified.get("msg") or "no answer"
    if not error and seen.get("in_use") != "no":
        return service
    return {**service, "status": "failed", "error": f"after the soak: {error or seen.get('in_use_evidence')}"}


def stop_before_promotion(stop: Any) -> bool:
    return bool(stop) and not str(stop.get("phase", "")).startswith("rollout")


def _touches(service: Mapping[str, Any], rows: set[str]) -> bool:
    return any(_installation(variable) in rows for variable in service["variables"].values())


def _services(
    host: str,
    planned: Iterable[Mapping[str, Any]],
    absent: Mapping[str, str],
    preflight: Mapping[str, Any],
    rollout: Mapping[str, Any],
) -> Iterable[dict[str, Any]]:
    """One entry per service of a host: what it carried before and after, and its status.

    `ok`: its process has the new tokens, and it is healthy where that can be asked; `failed`; `unproven`: nobody can
    say what its process has; `absent`: the host was not reached, or not meant to be.
    """
    before = {service["name"]: service for service in preflight.get("services") or []}
    after = {service["name"]: service for service in rollout.get("services") or []}
    for service in planned:
        name = service["name"]
        seen, did = before.get(name) or {}, after.get(name)
        last = did or seen
        lost = bool(rollout.get("unreachable")) or (bool(rollout) and did is None)
        yield {
            "host": host,
            "name": name,
            "unit": service["unit"] or name,
            "installations": sorted({_installation(variable) for variable in service["variables"].values()}),
            "may_go_back": _may_go_back(service),
            "variables": _fingerprints(service, last),
            "needs": seen.get("needs"),
            "restarted": bool(did and did.get("restarted")),
            "changed": bool(did and did.get("changed")),
            "restored": bool(did and did.get("restored")),
            "health_before": seen.get("health_before"),
            "health_after": (did or {}).get("health_after") or seen.get("health_before"),
            "health_note": service["health_note"],
            "in_use": last.get("in_use", "unknown"),
            "in_use_evidence": last.get("in_use_evidence", absent.get(host, "")),
            "seconds_unavailable": None if _down(did) else (did or {}).get("seconds_unavailable"),
            "still_down": _down(did),
            "down_before": bool(last.get("down_before")),
            "status": _status(service, absent.get(host), seen, did, lost),
            "error": (did or {}).get("error") or (str(rollout.get("msg") or "") if lost else ""),
            "warnings": list(last.get("warnings") or []),
        }


def _down(did: Mapping[str, Any] | None) -> bool:
    """Whether a service was restarted and did not become healthy."""
    return bool(did and did.get("restarted")) and (did.get("health_after") or {}).get("ok") is False


def _status(
    service: Mapping[str, Any], absent: str | None, seen: Mapping[str, Any], did: Mapping[str, Any] | None, lost: bool
) -> str:
    if absent:
        return "absent"
    if lost or (did and did.get("error")):
        return "failed"
    if did is None and seen.get("needs") != "nothing":
        return "absent"  # the rollout ended before it came to this host
    in_use = (did or seen).get("in_use")
    if in_use == "no":
        return "failed"
    health = (did or {}).get("health_after") or seen.get("health_before") or {}
    if service["health_required"] and health.get("ok") is False:
        return "failed"
    return "ok" if in_use == "yes" else "unproven"


def _fingerprints(service: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any]:
    said = last.get("variables") or {}
    return {
        name: {
            "key": variable["key"],
            "new": variable["new"],
            "before": (said.get(name) or {}).get("file_before"),
            "after": (said.get(name) or {}).get("file_after"),
            "process_before": (said.get(name) or {}).get("process_before") or [],
            "process_after": (said.get(name) or {}).get("process_after") or [],
        }
        for name, variable in service["variables"].items()
    }


def _of(row: Mapping[str, Any], services: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [service for service in services if row["id"] in service["installations"]]


def _all_in_use(row: Mapping[str, Any], services: Iterable[Mapping[str, Any]]) -> bool:
    return all(service["status"] == "ok" for service in _of(row, services))


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
    services = _of(row, judged["services"])
    if row["action"] == "converge" and any(_would_differ(service, row["id"]) for service in services):
        row.update(outcome="converged", reason="hosts carry another token than the current one", next_step="")
    if row["action"] != "none":  # what the rollout does not come to stays as it is
        row.update(_shortfall(row, [service for service in services if service["host"] not in prepared["hosts"]]))
    return row


def _ended(
    row: Mapping[str, Any],
    judged: Mapping[str, Any],
    retired: Mapping[str, Any],
    restored: Mapping[str, Any],
    stop: Mapping[str, Any] | None,
    restore: Results,
) -> Row:
    services = _of(row, judged["services"])
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
    return {**row, **_shortfall(row, services)}


def _shortfall(row: Mapping[str, Any], services: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What services leave to be desired, worst first; nothing when all are well."""
    by_status: dict[str, list[Mapping[str, Any]]] = {"failed": [], "unproven": [], "absent": [], "ok": []}
    for service in services:
        by_status[service["status"]].append(service)
    if by_status["failed"]:
        return {
            "outcome": "failed",
            "reason": f"not on the new token or not healthy: {_failures(by_status['failed'])}",
            "next_step": "mend these services, then run rotate_bot again: it goes on from here",
        }
    if by_status["unproven"] and row["action"] != "converge":
        return {
            "outcome": "partial",
            "reason": f"nobody can say which token these run on: {_names(by_status['unproven'])}",
            "next_step": "give them an in_use endpoint in botops_services, then run rotate_bot again",
        }
    return {"outcome": "partial", **_absent(by_status["absent"])} if by_status["absent"] else {}


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
    own = (variable for variable in service["variables"].values() if _installation(variable) == row)
    return service["changed"] and any(
        variable["before"] != variable["new"] or set(variable["process_before"]) - {variable["new"]} for variable in own
    )


def _in_use(services: list[Mapping[str, Any]]) -> _proofs.Proof:
    yes = [service for service in services if service["status"] == "ok"]
    evidence = f"{len(yes)}/{len(services)}"
    if len(yes) == len(services):
        return _proofs.proof(True, evidence if services else "no service uses it")
    rest = "; ".join(
        f"{service['name']} on {service['host']}: {service['error'] or service['in_use_evidence'] or service['status']}"
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


def tell(rows: Iterable[Row], services: list[Mapping[str, Any]]) -> dict[str, tuple[list[Row], dict[str, str]]]:
    """What people are told at the end: phase -> the rows that it is said of, and a detail for each."""
    done: list[Row] = []
    returned: list[Row] = []
    failed: list[Row] = []
    details: dict[str, str] = {}
    for row in rows:
        if row["outcome"] in ("rotated", "old_alive"):
            done.append(row)
            seconds = [s["seconds_unavailable"] for s in _of(row, services) if s["seconds_unavailable"] is not None]
            details[row["id"]] = f"It was unavailable for {max(seconds):.1f} s in this run." if seconds else ""
        elif row["action"] == "restore" and row["outcome"] == "rolled_back":
            returned.append(row)
        elif row["outcome"] in ("rolled_back", "failed", "partial"):
            failed.append(row)
            affected = sorted({s["name"] for s in _of(row, services) if s["status"] != "ok"})
            details[row["id"]] = {
                "rolled_back": "It runs on its old token again.",
                "failed": f"Affected: {', '.join(affected)}." if affected else "Its operators are at it.",
                "partial": f"Still to come: {', '.join(affected)}.",
            }[row["outcome"]]
    return {"done": (done, details), "returned": (returned, details), "failed": (failed, details)}


def _because(stop: Mapping[str, Any]) -> dict[str, str]:
    return {"reason": f"{stop['phase']}: {stop['reason']}", "next_step": stop.get("next_step", "")}


def _absent(services: list[Mapping[str, Any]]) -> dict[str, str]:
    named = ", ".join(
        sorted({f"{service['host']} ({service['in_use_evidence'] or 'not reached'})" for service in services})
    )
    return {
        "reason": f"not on the new token: the services on {named}",
        "next_step": "run rotate_bot again when these hosts are there: it brings them to the current token",
    }
