# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what Slack says of tokens: kind, life, identity, scopes."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._argspec import SLACK
from ansible_collections.botops.rotation.plugins.module_utils._liveness import settle
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._tokens import classify, fingerprint, problem
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction


class ActionModule(GuardedAction):
    SHARED = (SLACK,)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "tokens": {"type": "list", "elements": "str", "required": True, "no_log": True}
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        tokens = options["tokens"]
        for token in tokens:
            _redact.register(token)
        slack = Slack.of(options)
        asked = [token for token in tokens if problem(token, "bot") is None or problem(token, "user") is None]
        # Which of them are of one app is not known, so none speaks for another.
        probes = {token: settle([slack.probe(token)])[0] for token in asked}
        return {"changed": False, "tokens": [self._told(token, probes.get(token)) for token in tokens]}

    @staticmethod
    def _told(token: str, probe: Any) -> dict[str, Any]:
        told = {"fingerprint": fingerprint(token), "kind": classify(token).value}
        if probe is None:
            return {**told, "life": "unknown", "evidence": f"Slack was not asked: it {problem(token, 'bot')}"}
        return {
            **told,
            "life": probe.life.value,
            "code": probe.code,
            "evidence": probe.evidence,
            "identity": dict(probe.identity),
            "scopes": list(probe.scopes),
        }
