# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes when each play and task began, as lines of JSON, to the file that BOTOPS_BENCH_CLOCK names."""

from __future__ import annotations

DOCUMENTATION = """
name: clock
type: notification
short_description: Writes when plays and tasks began
description: For C(make bench).
"""

import json
import os
import time

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "clock"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._file = open(os.environ["BOTOPS_BENCH_CLOCK"], "a", encoding="utf-8")  # noqa: SIM115 - kept to the end

    def _write(self, **what) -> None:
        self._file.write(json.dumps({"at": time.time(), **what}) + "\n")
        self._file.flush()

    def v2_playbook_on_play_start(self, play) -> None:
        self._write(play=play.get_name())

    def v2_playbook_on_task_start(self, task, is_conditional) -> None:
        self._write(task=task.get_name())

    def v2_playbook_on_stats(self, stats) -> None:
        self._write(stats=True)
