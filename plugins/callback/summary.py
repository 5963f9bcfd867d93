# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints, as the last thing of a run, the table that the run has decided on; and masks what looks like a token."""

from __future__ import annotations

DOCUMENTATION = """
name: summary
type: aggregate
short_description: Ends a rotation's output with its table, and masks tokens in all of it
version_added: 0.1.0
author: botops.rotation contributors (@botops)
description:
  - Prints the C(table) of the last result that has one, from M(botops.rotation.rotation_outcome) or
    M(botops.rotation.vault_token_info), after Ansible's own recap; where several modules gave one, such as
    M(botops.rotation.slack_token) before a rotation, the last of each. It decides nothing.
  - Masks whatever looks like a Slack or Vault token in everything that Ansible prints or logs, for instance a token that
    was given by mistake with C(-e), which Ansible shows at C(-vvvv). This is a second net; results are masked where they
    are made.
requirements:
  - Listed in C(callbacks_enabled) of C(ansible.cfg).
"""

import gc
import logging

from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display
from ansible_collections.botops.rotation.plugins.module_utils import _redact


class CallbackModule(CallbackBase):
    """Remembers the last table of each action, and prints them at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "botops.rotation.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._tables: dict[str, str] = {}
        _mask_display(Display)

    def v2_runner_on_ok(self, result) -> None:
        self._remember(result)

    def v2_runner_on_failed(self, result, ignore_errors: bool = False) -> None:
        self._remember(result)

    def v2_playbook_on_stats(self, stats) -> None:
        if self._tables:
            self._display.display("\n\n".join(self._tables.values()))
        gc.freeze()  # Python ends now: it need not look for garbage in all that an inventory of thousands leaves

    def _remember(self, result) -> None:
        table = result.result.get("table")
        if isinstance(table, str):
            self._tables[getattr(getattr(result, "task", None), "action", "")] = table


def _mask_display(display: type[Display]) -> None:
    """Ansible has no hook for what it prints, so the one method that prints and logs is wrapped, once."""
    if getattr(display.display, "masks_tokens", False):
        return
    plain = display.display

    def masked(self, msg, *args, **kwargs):
        return plain(self, _redact.text(msg) if isinstance(msg, str) else msg, *args, **kwargs)

    masked.masks_tokens = True
    display.display = masked
    logging.getLogger("ansible").addFilter(_redact.Filter())
