# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each host has to carry, as references and fingerprints (private to the collection, pure).

The shape of a service here is what the host agent takes: see `plugins/host_agent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Probe
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry, Service
from ansible_collections.botops.rotation.plugins.module_utils._registry_services import SERVICES
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import Problems

Row = Mapping[str, Any]
_COPIED = (
    "manager",
    "unit",
    "server_url",
    "restart",
    "active",
    "pid_file",
    "user",
    "reload",
    "recreate",
    "env_file",
    "env_format",
    "rendered_by",
    "health",
    "in_use",
)


def key(variable: Mapping[str, Any]) -> str:
    """The token key of a service's variable, `gobot/ibmcloud/bot`."""
    return f"{variable['bot']}/{variable['workspace']}/{variable.get('token') or 'bot'}"


def managed(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """The tokens that this run carries to services, by key."""
    return {
        f"{row['id']}/{name}": token for row in rows if row["action"] != "none" for name, token in row["tokens"].items()
    }


def bystanders(registry: Registry, rows: Iterable[Row]) -> set[str]:
    """Keys of the other tokens that the services of this run use: when one is dead, the service cannot be healthy."""
    tokens = managed(rows)
    used = [[key(variable) for variable in service.options["env"].values()] for service in registry.services]
    return {each for keys in used if tokens.keys() & set(keys) for each in keys} - tokens.keys()


def plan(
    registry: Registry, rows: Iterable[Row], others: Mapping[str, Probe | None], force: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Host -> its services that use a token of this run, in the order in which they are restarted.

    `others` is what is known of the bystanders; a token that is not in Vault at all is None there.
    """
    tokens = managed(rows)
    services = [
        service
        for service in registry.services
        if any(key(variable) in tokens for variable in service.options["env"].values())
    ]
    forward = _forward(services, tokens)
    hosts: dict[str, list[dict[str, Any]]] = {}
    for service in sorted(services, key=lambda each: each.options.get("order") or 0):
        hosts.setdefault(service.host, []).append(_service(service, tokens, forward, others, force))
    return hosts


def _forward(services: Iterable[Service], tokens: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Keys that never go back: their old token is not accepted, or they share a service or a rotation with one of those."""
    forward = {each for each, token in tokens.items() if not token["restorable"]}
    groups = [{key(variable) for variable in service.options["env"].values()} & tokens.keys() for service in services]
    groups += [
        {each for each in tokens if each.startswith(f"{row}/")} for row in {each.rpartition("/")[0] for each in tokens}
    ]
    return closure(forward, groups)


def closure(seed: Iterable[str], groups: Iterable[Iterable[str]]) -> set[str]:
    """The seed, and whatever shares a group with what is in it already."""
    reached, groups = set(seed), [set(group) for group in groups]
    while True:
        grown = reached.union(*(group for group in groups if group & reached))
        if grown == reached:
            return reached
        reached = grown


def _service(
    service: Service,
    tokens: Mapping[str, Mapping[str, Any]],
    forward: set[str],
    others: Mapping[str, Probe | None],
    force: bool,
) -> dict[str, Any]:
    keys = {variable: key(reference) for variable, reference in service.options["env"].items()}
    dead = sorted({each for each in keys.values() if each in others and (others[each] is None or others[each].dead)})
    return {
        **bare(service),
        "variables": {
            variable: {
                "key": each,
                "new": tokens[each]["new"],
                "old": tokens[each]["old"],
                "restorable": each not in forward,
            }
            for variable, each in keys.items()
            if each in tokens
        },
        "health_required": not dead,
        "health_note": f"it also uses {', '.join(dead)}, which is dead and not replaced in this run" if dead else "",
        "force": force,
    }


def bare(service: Service) -> dict[str, Any]:
    """A service as the host agent takes it, without what its variables have to be."""
    options = service.options
    return {
        "name": service.name,
        **{name: options.get(name) for name in _COPIED},
        "scope": options.get("scope") or "system",
        "order": options.get("order") or 0,
    }


def asked(entries: Any, place: str, installations: Iterable[str]) -> list[dict[str, Any]]:
    """Entries of `botops_services` as the host agent takes them for an audit, with the variables of these installations.

    RegistryError for what is wrong with them; `place` is where they stand.
    """
    problems = Problems()
    rows = SERVICES.read(entries, place, problems)
    if problems:
        raise RegistryError(list(problems), "correct it in the inventory")
    wanted, found = set(installations), []
    for row in rows:
        keys = {name: key(reference) for name, reference in row["env"].items()}
        used = {name: {"key": each, "new": ""} for name, each in keys.items() if each.rpartition("/")[0] in wanted}
        if used:
            shown = bare(Service("", row["name"], row))
            found.append({**{name: value for name, value in shown.items() if value is not None}, "variables": used})
    return found


def restored(services: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same services, with what they go back to as what they must have. Those that stay forward are left out."""
    back = []
    for service in services:
        variables = service["variables"]
        if all(variable["restorable"] and variable["old"] for variable in variables.values()):
            turned = {
                name: {**variable, "new": variable["old"], "old": variable["new"]}
                for name, variable in variables.items()
            }
            back.append({**service, "variables": turned, "force": True})
    return back
