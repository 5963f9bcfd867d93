# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells where installations stand in Vault: stages by fingerprint, state, lock, next step."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _status
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, session


class ActionModule(GuardedAction):
    SHARED = EVERYTHING
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "bot": {"type": "str", "required": True},
        "workspace": {"type": "str"},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        selected = here.registry.select(options["bot"], options["workspace"])
        rows = _status.read(here, selected)
        return {"changed": False, "installations": rows, "table": _status.table(rows)}
