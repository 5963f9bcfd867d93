# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts announcements in Slack, each at most once."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils._post import Poster
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, LEASE_OPTION, session


class ActionModule(GuardedAction):
    SHARED = EVERYTHING
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "messages": {"type": "list", "elements": "dict", "required": True},
        **LEASE_OPTION,
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        poster = Poster(session(self, options), self.check)
        results = [poster.post(message) for message in options["messages"]]
        for result in results:
            if result["state"] in ("failed", "unknown"):
                self.warn(
                    f"{result['installation']}: the announcement '{result['phase']}' is {result['state']}: "
                    f"{result['evidence']}"
                )
        return {
            "changed": any(result["state"] in ("sent", "planned") for result in results),
            "announcements": results,
        }
