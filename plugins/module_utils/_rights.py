# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token must be allowed to do in Vault for a run, asked before anything is changed (private to the collection).

`docs/vault-policy.hcl` is the same in the form of a policy.
Capabilities: https://developer.hashicorp.com/vault/docs/concepts/policies#capabilities
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.botops.rotation.plugins.module_utils._errors import VaultDenied
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault

WRITE = ("create", "update", "read")


def missing(
    vault: Vault, registry: Registry, installations: Iterable[tuple[Installation, Iterable[str]]]
) -> dict[str, str]:
    """Installation id -> what is missing where, in words; nothing for those that may be rotated.

    Given are installations with the names of the tokens that change. One request for all of them.
    """
    needed: dict[str, dict[str, tuple[str, ...]]] = {
        installation.id: _needs(vault, registry, installation, names) for installation, names in installations
    }
    paths = sorted({path for needs in needed.values() for path in needs})
    if not paths:
        return {}
    held = vault.capabilities(paths)
    found = {}
    for name, needs in needed.items():
        lacks = [
            f"{capability} on {path}"
            for path, capabilities in needs.items()
            for capability in capabilities
            if capability not in held[path] and "root" not in held[path]
        ]
        if lacks:
            found[name] = ", ".join(lacks)
    return found


def denied(lacking: str, what: str = "this rotation") -> VaultDenied:
    """The error for what `missing` has found."""
    return VaultDenied(
        f"Vault does not allow what {what} needs: {lacking}",
        "add it to the policy of the token or role; docs/vault-policy.hcl has it whole",
    )


def _needs(
    vault: Vault, registry: Registry, installation: Installation, names: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """API path -> capabilities, for the tokens, record, lock and notes of an installation."""
    record = registry.record_path(installation)
    written = [installation.path(name) for name in names]
    written += [registry.lock_path(installation), registry.notes_path(installation)]
    emptied = [record]  # tokens that leave it are destroyed in its old versions too
    if registry.bots[installation.bot].strategy == "refresh":
        emptied.append(registry.refresh_path(installation))
    needs = {vault.locate(path).api(): WRITE for path in (*written, *emptied)}
    for place in map(vault.locate, emptied):
        if place.kv == 2:
            needs |= {place.api("metadata"): ("read",), place.api("destroy"): ("update",)}
    for name in installation.tokens:
        needs.setdefault(vault.locate(installation.path(name)).api(), ("read",))
    notifier = registry.notifiers.get(installation.workspace, {})
    if registry.bots[installation.bot].channels.get(installation.workspace):
        for path in filter(None, (notifier.get("token_path"), notifier.get("webhook_path"))):
            needs.setdefault(vault.locate(path).api(), ("read",))
    return needs
