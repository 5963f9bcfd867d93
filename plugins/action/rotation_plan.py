# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a rotation: reads the registry, Vault and Slack, and changes nothing."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _batches, _plan, _refresh
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._argspec import ANNOUNCE, CALENDAR, REFRESH
from ansible_collections.botops.rotation.plugins.module_utils._case import Choices
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, session

FINGERPRINTS = ("accept_identity", "accept_scopes", "keep_old", "revoke_old")


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, ANNOUNCE, CALENDAR, REFRESH, _batches.ROLLOUT)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "bot": {"type": "str", "required": True},
        "workspace": {"type": "str"},
        **{name: {"type": "list", "elements": "str", "default": []} for name in FINGERPRINTS},
        "direction": {"type": "str", "choices": ["forward", "back"], "default": "forward"},
        "force": {"type": "bool", "default": False},
        "unattended": {"type": "bool", "default": False},
        "install": {"type": "bool", "default": True},
        "refresh_only": {"type": "bool", "default": False},
        "exchange_untried": {"type": "bool", "default": False},
        "refreshed": {"type": "dict"},
        "ignore_window": {"type": "bool", "default": False},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        rollout = _batches.rollout(options["rollout_serial"], options["rollout_pause"], options["soak"])
        here = session(self, options)
        here.registry.select(options["bot"], options["workspace"])  # before anything is contacted
        choices = Choices(
            **{name: frozenset(options[name]) for name in FINGERPRINTS},
            unattended=options["unattended"],
            install=options["install"],
            refresh_margin=_refresh.margin(options["refresh_margin"]),
            refresh_only=options["refresh_only"],
            exchange_untried=options["exchange_untried"],
            refreshed=options["refreshed"],
            rotation_days=options["rotation_days"],
            warn_days=options["warn_days"],
        )
        plan = _plan.make(
            here.registry,
            here.store,
            here.slack,
            choices,
            options["bot"],
            options["workspace"],
            options["force"],
            options["direction"] == "back",
            rollout,
            Texts(options["announcement_templates"]),
            options["ignore_window"],
            self.check,
        )
        return {"changed": False, "plan": plan}
