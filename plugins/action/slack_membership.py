# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings bots back into the channels that a revoke took them out of."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _memberships, _reinstall
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, session


class ActionModule(GuardedAction):
    SHARED = EVERYTHING
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "installations": {"type": "list", "elements": "dict", "required": True},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        results: dict[str, Any] = {}
        for row in options["installations"]:
            name = f"{row['bot']}/{row['workspace']}"
            try:
                seen = here.store.read(here.registry.installation(row["bot"], row["workspace"]))
                found = _reinstall.restore_memberships(here, seen, row.get("old_fingerprint") or "", self.check)
            except RotationError as exc:  # the rotation goes on; what is missing is said
                found = {"joined": [], "there": [], "missing": [], "unknown": [exc.message]}
            if found is not None:
                results[name] = {**found, "said": _memberships.words(found)}
        return {"changed": any(found["joined"] for found in results.values()), "results": results}
