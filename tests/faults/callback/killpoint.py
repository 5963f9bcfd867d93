# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests only: counts where a run is (the start of each task, its end on each host), and stops it where it is told.

$KILLPOINT_LOG: a file that gets a line for each event: number, start or end, task, host. Events of the start of a task
come before anything of it is done; those of its end after its result has been taken in.
$KILLPOINT_AT: the number of the event at which to stop. $KILLPOINT_FDS: two descriptors, of a pipe that is written to
when it is reached, and of one from which an answer is awaited: `next` (go on to the next event) or `end` (of the run).
"""

from __future__ import annotations

DOCUMENTATION = """
name: killpoint
type: aggregate
short_description: Counts where a run is, and stops it where it is told
description: Counts where a run is, and stops it where it is told.
"""

import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Counts; decides nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "killpoint"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._count = 0
        self._at = int(os.environ.get("KILLPOINT_AT") or 0)
        self._fds = [int(fd) for fd in os.environ.get("KILLPOINT_FDS", "").split()]

    def _event(self, kind, task, host=""):
        self._count += 1
        name = task.get_name().rpartition(" : ")[2]
        with open(os.environ["KILLPOINT_LOG"], "a", encoding="utf-8") as file:
            file.write(f"{self._count}\t{kind}\t{name}\t{host}\n")
        if self._fds and self._at and self._count >= self._at:
            tell, listen = self._fds
            os.write(tell, b"%d\n" % self._count)
            if os.read(listen, 8).strip() == b"end":
                self._at = 0

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._event("start", task)

    def v2_playbook_on_handler_task_start(self, task):
        self._event("start", task)

    def _end(self, result):
        self._event("end", result.task, result.host.get_name())

    def v2_runner_on_ok(self, result):
        self._end(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._end(result)

    def v2_runner_on_skipped(self, result):
        self._end(result)

    def v2_runner_on_unreachable(self, result):
        self._end(result)
