# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts said to what happens next (private to the collection, pure).

Two questions: `prepare` (after the preflight: is there work, may it start?) and `judge` (after the rollout: which hosts
and tokens go back, which rotations are proven?). What each installation ended with is in `_conclude`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _hosts
from ansible_collections.botops.rotation.plugins.module_utils._decide import CHANGING
from ansible_collections.botops.rotation.plugins.module_utils._services import (
    installation,
    may_go_back,
    of_host,
    of_row,
)

Plan = Mapping[str, Any]
Results = Mapping[str, Mapping[str, Any]]  # host -> what `service_env` gave there; nothing for one that was not tried


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
    touched = sorted({installation(variable) for host in hosts for variable in _variables(plan["hosts"][host])})
    return {
        "work": bool(changing or hosts) and not stop,
        "stop": stop,
        "hosts": [] if stop else hosts,
        "absent": absent,
        # Where a failure ends the rollout: what is there may go back. Elsewhere services are down without the new token.
        "stops": {host: any(may_go_back(service) for service in services) for host, services in plan["hosts"].items()},
        "locks": sorted({*changing, *touched}),
    }


def _stop(phase: str, result: Mapping[str, Any], next_step: str = "") -> dict[str, str]:
    return {"phase": phase, "reason": str(result.get("msg") or "no answer"), "next_step": next_step}


def _needs(result: Mapping[str, Any]) -> bool:
    return any(service.get("needs") != "nothing" for service in result.get("services") or [])


def _variables(services: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (variable for service in services for variable in service["variables"].values())


def judge(
    plan: Plan,
    prepared: Mapping[str, Any],
    preflight: Results,
    rollout: Results,
    stop: Mapping[str, Any] | None = None,
    verified: Results | None = None,
) -> dict[str, Any]:
    """What the rollout came to: `services` (one entry per service), and the rows that go `back` or are `proven`.

    A row goes back when one of its services failed and every old token that is concerned is accepted by Slack.
    With it go the rows that share a service with it.
    """
    services = [
        entry
        for host, planned in plan["hosts"].items()
        for entry in of_host(
            host, planned, prepared["absent"], *(said.get(host) or {} for said in (preflight, rollout, verified or {}))
        )
    ]
    promoted = {row["id"]: row for row in plan["installations"] if row["action"] in CHANGING}
    if stop_before_promotion(stop):
        promoted = {}
    failed = [service for service in services if service["status"] == "failed" and service["may_go_back"]]
    groups = [set(service["installations"]) for service in services]
    back = _hosts.closure({each for service in failed for each in service["installations"]}, groups) & promoted.keys()
    turned = {
        host: _hosts.restored(service for service in planned if back & {installation(v) for v in _variables([service])})
        for host, planned in plan["hosts"].items()
        if rollout.get(host)
    }
    proven = [
        name
        for name, row in promoted.items()
        if row["action"] != "restore"
        and name not in back
        and all(service["status"] == "ok" for service in of_row(row, services))
    ]
    return {
        "services": services,
        "back": sorted(back),
        "restore": {host: some for host, some in turned.items() if some},
        "proven": proven,
    }


def stop_before_promotion(stop: Mapping[str, Any] | None) -> bool:
    """Whether the run stopped before the rollout. A stop in a rollout says so in its phase."""
    return bool(stop) and not str(stop.get("phase", "")).startswith("rollout")
