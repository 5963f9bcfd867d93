# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each service, in one entry, from what its host said before, during and after the rollout (private, pure).

`status` of an entry: `ok`: its processes have the new tokens, and it is healthy where that can be asked; `failed`;
`unproven`: nobody can say what its processes have; `absent`: its host was not reached, or not meant to be. Then `absent`
says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import moment

NOT_TOUCHED = "not touched"  # the rollout had ended before it came to this host
Entry = dict[str, Any]
Said = Mapping[str, Any]  # what `service_env` gave on one host; empty where it was not asked


def installation(variable: Mapping[str, Any]) -> str:
    """The id of the installation that a variable holds a token of."""
    return variable["key"].rpartition("/")[0]


def may_go_back(service: Mapping[str, Any]) -> bool:
    return all(variable["restorable"] for variable in service["variables"].values())


def of_row(row: Mapping[str, Any], entries: Iterable[Entry]) -> list[Entry]:
    """The entries of the services that use a row's tokens."""
    return [entry for entry in entries if row["id"] in entry["installations"]]


def of_host(
    host: str,
    planned: Iterable[Mapping[str, Any]],
    absent: Mapping[str, str],
    preflight: Said,
    rollout: Said,
    verified: Said,
) -> Iterable[Entry]:
    """An entry for each service that is `planned` on a host. `absent` says why hosts were not reached."""
    before = {service["name"]: service for service in preflight.get("services") or []}
    after = {service["name"]: service for service in rollout.get("services") or []}
    for service in planned:
        name = service["name"]
        seen, did = before.get(name) or {}, after.get(name)
        last = did or seen
        lost = bool(rollout.get("unreachable")) or (bool(rollout) and did is None)
        status = _status(service, absent.get(host), seen, did, lost)
        entry = {
            "host": host,
            "name": name,
            "unit": service["unit"] or name,
            "installations": sorted({installation(variable) for variable in service["variables"].values()}),
            "may_go_back": may_go_back(service),
            "variables": _fingerprints(service, last),
            "needs": seen.get("needs"),
            "restarted": bool(did and did.get("restarted")),
            "changed": bool(did and did.get("changed")),
            "restored": bool(did and did.get("restored")),
            "health_before": seen.get("health_before"),
            "health_after": (did or {}).get("health_after") or seen.get("health_before"),
            "health_note": service["health_note"],
            "in_use": last.get("in_use", "unknown"),
            "in_use_evidence": last.get("in_use_evidence", ""),
            "seconds_unavailable": None if _down(did) else (did or {}).get("seconds_unavailable"),
            "still_down": _down(did),
            "down_before": bool(last.get("down_before")),
            "status": status,
            "absent": absent.get(host, NOT_TOUCHED) if status == "absent" else "",
            "error": (did or {}).get("error") or (str(rollout.get("msg") or "") if lost else ""),
            "warnings": list(last.get("warnings") or []),
        }
        yield _after_soak(entry, verified)


def _after_soak(service: Entry, verified: Said) -> Entry:
    """The entry as the second look at the service, after the soak, leaves it."""
    if not verified or service["status"] not in ("ok", "unproven"):
        return service
    seen = next((each for each in verified.get("services") or [] if each["name"] == service["name"]), None)
    error = seen.get("error") if seen else verified.get("msg") or "no answer"
    if not error and seen.get("in_use") != "no":
        return service
    return {**service, "status": "failed", "error": f"after the soak: {error or seen.get('in_use_evidence')}"}


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
        return "absent"
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


def since_revoke(entries: Iterable[Entry], rows: Iterable[Mapping[str, Any]], now: datetime) -> list[Entry]:
    """The entries, where a token that they use was revoked by this rotation with the unavailability counted from then."""
    begun = {row["id"]: moment(row["revoked_at"]) for row in rows if row.get("revoked_at")}
    counted = []
    for entry in entries:
        since = [begun[name] for name in entry["installations"] if name in begun]
        if since and entry["seconds_unavailable"] is not None:
            entry = {
                **entry,
                "seconds_unavailable": max((now - min(since)).total_seconds(), entry["seconds_unavailable"]),
            }
        counted.append(entry)
    return counted
