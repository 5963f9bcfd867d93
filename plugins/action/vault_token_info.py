# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells where installations stand in Vault: stages by fingerprint, state, lock, next step."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _spool, _status
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, session


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, _argspec.SPOOL)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "bot": {"type": "str", "required": True},
        "workspace": {"type": "str"},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        selected = here.registry.select(options["bot"], options["workspace"])
        if options["spool_dir"]:
            self._tell_of_spool(_spool.Spool(options["spool_dir"]), {each.id for each in selected})
        rows = _status.read(here, selected, self.warn)
        return {"changed": False, "installations": rows, "table": _status.table(rows)}

    def _tell_of_spool(self, spool: _spool.Spool, selected: set[str]) -> None:
        """A warning for each token of the selection that waits in the spool, and for each file that is damaged."""
        try:
            for entry in spool.entries():
                if entry.problem or entry.installation in selected:
                    self.warn(_spool.words(spool, entry))
        except StateError as exc:
            self.warn(str(exc))
