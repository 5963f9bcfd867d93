# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds or releases the locks of installations."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _lease
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import current_owner
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, LEASE_OPTION, Session, session


class ActionModule(GuardedAction):
    SHARED = EVERYTHING
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {"type": "str", "choices": ["held", "released", "broken"], "required": True},
        "installations": {"type": "list", "elements": "str", "default": []},
        "bot": {"type": "str"},
        "workspace": {"type": "str"},
        **LEASE_OPTION,
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        if options["state"] == "held":
            return self._hold(here, options["installations"])
        if options["state"] == "broken":
            return self._break(here, here.registry.select(options["bot"] or "", options["workspace"]))
        if self.check or not options["lease"]:
            return {"changed": False}
        try:
            lease = here.lease  # logs in to Vault
            for lost in lease.release() if lease else ():
                self.warn(f"{lost}: the lock was not this run's any more when it was to be released")
        except RotationError as exc:  # what was done is done: this must not hide it
            self.warn(f"a lock could not be released, and expires by itself: {exc}")
        return {"changed": True}

    def _hold(self, here: Session, installations: list[str]) -> dict[str, Any]:
        found = [here.registry.installation(*name.partition("/")[::2]) for name in installations]
        locks = {here.registry.lock_path(installation): installation.id for installation in found}
        owner = current_owner()
        if self.check:
            for path, name in locks.items():
                _lease.require_free(here.vault, path, name, owner)
            return {"changed": bool(locks), "lease": None, "taken_over": []}
        lease = _lease.acquire(here.vault, locks, owner)
        for line in lease.taken_over:
            self.warn(line)
        return {"changed": bool(locks), "lease": lease.to_dict(), "taken_over": lease.taken_over}

    def _break(self, here: Session, installations: list[Installation]) -> dict[str, Any]:
        broken = []
        for installation in installations:
            path = here.registry.lock_path(installation)
            if self.check:
                held = _lease.holder(here.vault, path, installation.id)
                words = f"the lock of {held.owner}" if held else ""
            else:
                words = _lease.break_lock(here.vault, path, installation.id)
            if words:
                broken.append(f"{installation.id}: {words}")
        return {"changed": bool(broken), "broken": broken}
