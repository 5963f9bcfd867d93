# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts said to what happens next (private to the collection, pure).

Three questions: `prepare` (after the preflight: is there work, may it start, in which batches?), `halted` (between two
batches: does the rollout go on?) and `judge` (after the rollout: which hosts and tokens go back, which rotations are
proven?). What each installation ended with is in `_conclude`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _batches, _hosts
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
    """Whether there is anything to do (`work`), on which `hosts` in which batches, who is `absent`, why not (`stop`)."""
    stop = _nobody(plan, preflight)
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
    batches = _batches.cut(plan["rollout"]["serial"], [] if stop else hosts)
    return {
        "work": bool(changing or hosts) and not stop,
        "stop": stop,
        "hosts": [] if stop else hosts,
        "serial": [len(batch) for batch in batches],
        "later": [batch[0] for batch in batches[1:]],  # the host by which a batch is told that has one before it
        "soak_on": ["localhost"] if batches and plan["rollout"]["soak"] else [],
        "absent": absent,
        "skip_unreachable": skip_unreachable,
        # Where a failure ends the rollout: what is there may go back. Elsewhere services are down without the new token.
        "stops": {host: any(may_go_back(service) for service in services) for host, services in plan["hosts"].items()},
        "locks": sorted({*changing, *touched}),
    }


def _nobody(plan: Plan, preflight: Results) -> dict[str, str] | None:
    """A stop where a limit leaves out every host: promoting would leave all services behind."""
    if not plan["hosts"] or any(preflight.get(host) for host in plan["hosts"]):
        return None
    names = ", ".join(list(plan["hosts"])[:5])
    reason = (
        f"--limit leaves out every host that has services of this run ({names}{', ...' * (len(plan['hosts']) > 5)})"
    )
    return {"phase": "preflight", "reason": reason, "next_step": "name some of them in --limit, beside localhost"}


def halted(prepared: Mapping[str, Any], rollout: Results) -> dict[str, str] | None:
    """Why no further batch may start, from what the hosts said so far: something failed that may go back."""
    for host, said in rollout.items():
        lost = said.get("unreachable") and not prepared["skip_unreachable"]
        if prepared["stops"].get(host) and (lost or said.get("failed")):
            return _stop(f"rollout to {host}", said)
    return None


def next_batch(prepared: Mapping[str, Any], first: str) -> str:
    """What comes next, in words: the batch that the host `first` begins, or the second look after the soak."""
    if first not in prepared["later"]:
        return "the services are looked at again"
    number = prepared["later"].index(first) + 1
    begin = sum(prepared["serial"][:number])
    hosts = prepared["hosts"][begin : begin + prepared["serial"][number]]
    names = ", ".join(hosts[:5]) + f", ... {len(hosts)} hosts" * (len(hosts) > 5)
    return f"batch {number + 1} of {len(prepared['serial'])} ({names}) begins"


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
    absent = dict(prepared.get("absent") or {})  # nothing is known where the run stopped before it was prepared
    if prepared.get("skip_unreachable"):
        absent |= {host: "unreachable" for host, said in rollout.items() if said.get("unreachable")}
    services = [
        entry
        for host, planned in plan["hosts"].items()
        for entry in of_host(
            host, planned, absent, *(said.get(host) or {} for said in (preflight, rollout, verified or {}))
        )
    ]
    promoted = {row["id"]: row for row in plan["installations"] if row["action"] in CHANGING}
    if stop_before_promotion(stop):
        promoted = {}
    failed = [service for service in services if service["status"] == "failed" and service["may_go_back"]]
    groups = [set(service["installations"]) for service in services]
    back = _hosts.closure({each for service in failed for each in service["installations"]}, groups) & promoted.keys()
    turned = {
        host: _hosts.restored(
            service
            for service in planned
            if back & {installation(v) for v in _variables([service])}
            # An agent renders what is current in Vault also on hosts that the rollout did not come to.
            and (rollout.get(host) or (service.get("rendered_by") is not None and host not in absent))
        )
        for host, planned in plan["hosts"].items()
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
