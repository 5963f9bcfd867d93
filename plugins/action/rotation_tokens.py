# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the tokens of a plan to the tasks that carry them to hosts. The only action whose result holds tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, LEASE_OPTION, Session, session


class ActionModule(GuardedAction):
    SHARED = EVERYTHING
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {"plan": {"type": "dict", "required": True}, **LEASE_OPTION}
    YIELDS = ("tokens", "old_tokens")

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        rows = [row for row in options["plan"]["installations"] if row["action"] != "none"]
        tokens: dict[str, str] = {}
        old_tokens: dict[str, str] = {}
        with ThreadPoolExecutor(8) as pool:
            for new, old in pool.map(lambda row: self._of_row(here, row), rows):
                tokens.update(new)
                old_tokens.update(old)
        return {"changed": False, "tokens": tokens, "old_tokens": old_tokens, "_ansible_no_log": True}

    @staticmethod
    def _of_row(here: Session, row: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """New and restorable old tokens of a row, by key, found by the plan's fingerprints."""
        seen = here.store.read(here.registry.installation(row["bot"], row["workspace"]))
        new, old = {}, {}
        for name, token in row["tokens"].items():
            slot = seen.record.slot(name)
            held = {s.fingerprint: s.token for s in (seen.tokens.get(name), slot.pending, slot.previous) if s}
            if token["new"] not in held:
                raise StateError(
                    f"{row['id']}: the {name} token {token['new']} of the plan is not in Vault any more",
                    "somebody changed it meanwhile; run rotate_bot again",
                )
            new[f"{row['id']}/{name}"] = held[token["new"]]
            back = token["new"] if row["action"] == "converge" else token["old"]
            if back in held and (token["restorable"] or row["action"] == "converge"):
                old[f"{row['id']}/{name}"] = held[back]
        return new, old
