# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests only: writes every task result, as any callback gets it, as a line of JSON into the file $E2E_RESULTS."""

from __future__ import annotations

DOCUMENTATION = """
name: e2e_results
type: aggregate
short_description: Writes task results as lines of JSON
description: Writes task results as lines of JSON into the file $E2E_RESULTS.
"""

import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Collects; decides nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "e2e_results"
    CALLBACK_NEEDS_ENABLED = True

    def _note(self, kind, result):
        task = result.task
        line = {
            "kind": kind,
            "host": result.host.get_name(),
            "task": task.get_name(),
            "action": task.action,
            "result": result.result,
        }
        with open(os.environ["E2E_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._note("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._note("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._note("skipped", result)
