# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of evidence. The twin of these options is `LEDGER` in `plugins/module_utils/_argspec.py`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  ledger:
    description:
      - The ledger of evidence, a file of JSON lines to which lines are only ever added. It is made, with mode 0600, where it
        is missing. A relative path is in the directory that ansible-playbook was started in.
      - Taken from the inventory variable C(botops_ledger). Without it C(ledger.jsonl), beside the reports.
    type: path
  ledger_head:
    description:
      - A secret on a KV version 2 mount in which Vault keeps how many lines each ledger has, and the last one's hash, so that
        a ledger whose end was cut off, or that was replaced, is noticed.
      - Taken from C(botops_ledger_head). Without it C(botops_ledger) on the mount that C(botops_record_mount) names, where
        that is KV version 2; else there is none.
    type: str
"""
