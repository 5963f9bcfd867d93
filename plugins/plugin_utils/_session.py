# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller action works with, made from its options: registry, Vault, records, Slack, lease (private)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _lease, _registry, _rights
from ansible_collections.botops.rotation.plugins.module_utils._errors import LockError, RegistryError, RotationError
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import current_owner
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault
from ansible_collections.botops.rotation.plugins.module_utils._vault_auth import VaultSettings
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction, plain

EVERYTHING = (_argspec.VAULT, _argspec.SLACK, _argspec.REGISTRY)
LEASE_OPTION = {"lease": {"type": "dict", "no_log": False}}


class _Once:
    """A property that is made when it is first asked for. functools.cached_property has, in Python 3.11, one lock for all
    sessions: threads would wait for each other's Vault.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, session: Any, _owner: type | None = None) -> Any:
        made = session.__dict__[self._name] = self._make(session)
        return made


@dataclass
class Session:
    """Made once in an action; each part is made when it is first asked for."""

    options: Mapping[str, Any]
    services: Mapping[str, Any]

    @_Once
    def registry(self) -> _registry.Registry:
        given = {name: self.options[name] for name in _argspec.REGISTRY}
        return _registry.load(services=self.services, **given)

    @_Once
    def vault(self) -> Vault:
        given = {name.removeprefix("vault_"): self.options[name] for name in _argspec.VAULT if name != "vault_field"}
        if not given["url"]:
            raise RotationError("No Vault is given", "set botops_vault_url in the inventory, or VAULT_ADDR")
        vault = Vault.connect(VaultSettings(**given))
        vault.know((self.options.get("lease") or {}).get("mounts") or {})
        return vault

    @_Once
    def slack(self) -> Slack:
        return Slack.of(self.options)

    @_Once
    def store(self) -> RecordStore:
        return RecordStore(self.vault, self.registry, self.options["vault_field"], self._before_write)

    @_Once
    def lease(self) -> _lease.Lease | None:
        data = self.options.get("lease")
        return _lease.Lease.from_dict(self.vault, data) if data else None

    @contextmanager
    def locked(self, rows: Iterable[Mapping[str, Any] | _registry.Installation], check: bool) -> Iterator[None]:
        """Holds the locks of rows, or of installations, for a while, where no earlier task has taken them.

        Asks Vault before whether it would let the records be written: VaultDenied says what is missing.
        """
        if self.lease is not None:
            yield
            return
        found = [
            row if isinstance(row, _registry.Installation) else self.registry.installation(row["bot"], row["workspace"])
            for row in rows
        ]
        for name, lacking in _rights.missing(self.vault, self.registry, [(each, ()) for each in found]).items():
            raise _rights.denied(lacking, f"a change of {name}")
        if check:
            yield
            return
        locks = {self.registry.lock_path(installation): installation.id for installation in found}
        self.lease = _lease.acquire(self.vault, locks, current_owner())
        try:
            yield
        finally:
            lease, self.lease = self.lease, None
            lease.release()

    def drop_own_lock(self, installation: _registry.Installation) -> None:
        """Frees a lock that an earlier attempt of this very process took and could not give back, Vault being down."""
        path = self.registry.lock_path(installation)
        held = _lease.holder(self.vault, path, installation.id)
        if held and held.owner == current_owner():
            _lease.break_lock(self.vault, path, installation.id)

    def registry_or_none(self, warn: Callable[[str], None], consequence: str = "") -> _registry.Registry | None:
        """The registry; None, with a warning that ends in what follows from it, where it is not valid."""
        try:
            return self.registry
        except RegistryError as exc:
            warn(f"the registry is not used{consequence}: {exc}")
            return None

    def _before_write(self, installation: _registry.Installation) -> None:
        path = self.registry.lock_path(installation)
        if self.lease is None or path not in self.lease.locks:
            raise LockError(f"{installation.id}: a write without its lock", "take it with rotation_lock, state held")
        self.lease.check([path])


def session(action: GuardedAction, options: Mapping[str, Any]) -> Session:
    """The session of an action. Its registry has the services of the whole inventory, as far as they can still matter.

    Where a plan or a lease is given, a plan has read and validated them, and holds what is left of them: looking at the
    variables of every host again would cost each action more than its work.
    """
    hosts = {} if options.get("plan") or options.get("lease") else action.task_vars.get("hostvars") or {}
    services = {str(host): plain(hosts[host].get("botops_services")) for host in hosts}
    return Session(options, services)
