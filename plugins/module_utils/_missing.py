# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts are not on the new token yet, carried from run to run in an installation's notes (private).

The notes hold under `missing`, by host, `why` and `since`; no tokens. What is there counts only while the rotation is
`promoted`: it ends when no host is missing.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _notes
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry

Missing = dict[str, dict[str, str]]


def read(notes: Mapping[str, Any] | None) -> Missing:
    """What the notes say; nothing where they cannot be understood."""
    return {
        str(host): {key: str(said.get(key) or "") for key in ("why", "since")}
        for host, said in _notes.part(notes, "missing").items()
        if isinstance(said, Mapping)
    }


def hosts(registry: Registry, name: str) -> set[str]:
    """The hosts of the inventory that have a service which uses a token of the installation `name`."""
    return {
        service.host
        for service in registry.services
        if any(f"{each['bot']}/{each['workspace']}" == name for each in service.options["env"].values())
    }


def carry(here: Any, installation: Installation, missing: Mapping[str, str], known: Container[str]) -> list[str]:
    """Put the hosts that are missing now (host -> why) into the notes, under the lock, where they say something else.

    Gives a warning for each host that was missing and has no service of the installation any more (`known` has those
    that do): nobody has seen it on the new token.
    """
    before = read(_notes.read(here, installation))
    at = stamp(here.vault.now())
    after = {host: {"why": why, "since": before.get(host, {}).get("since") or at} for host, why in missing.items()}
    gone = sorted(host for host in before if host not in known)
    if after or before:
        _notes.put(here, installation, "missing", lambda _before: after)
    return [
        f"{host} was not on the new token ({before[host]['why']} since {before[host]['since']}), and the inventory has no "
        "service of it there any more: what still runs there has the old token"
        for host in gone
    ]


def listed(missing: Mapping[str, Mapping[str, str]], known: Container[str]) -> str:
    """In words, for a line of the status."""
    return ", ".join(
        f"{host} ({said['why']} since {said['since']}{'' if host in known else '; not in the inventory any more'})"
        for host, said in sorted(missing.items())
    )
