# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hook of every action that leaves evidence: adds what it did to the ledger, with who did it (private)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _ledger_add, _ledger_head
from ansible_collections.botops.rotation.plugins.module_utils._errors import LockError, RotationError
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import current_owner, stamp
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import Session

FILE = "ledger.jsonl"
# What AWX gives a job as extra variables (awx_user_name, ...).
AWX = ("user_name", "job_id", "job_template_name", "workflow_job_id", "workflow_job_name", "schedule_name")


def path(options: Mapping[str, Any]) -> str:
    """Where the ledger is: `botops_ledger`, else beside the reports."""
    return options["ledger"] or os.path.join(options.get("report_dir") or "reports", FILE)


def keep(
    action: GuardedAction, here: Session, options: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Adds entries to the ledger; what the report says of it, or None where there was nothing to add.

    It raises nothing: `problem` in the answer belongs into the report and the exit status. Where Vault does not answer,
    the lines are written all the same, with this machine's time.
    """
    if not entries:
        return None
    who, problem, heads, at = _who(action), "", None, stamp(datetime.now(timezone.utc))
    try:
        who["vault"] = here.vault.identity()
        at = stamp(here.vault.now())
        heads, _why = _ledger_head.of(here.vault, options["ledger_head"], options["record_mount"])
    except RotationError as exc:
        if options["ledger_head"] or options["record_mount"]:
            problem = f"the ledger's head in Vault was not written: {exc}"
    kept = _ledger_add.add(path(options), [{**entry, "by": who} for entry in entries], at, heads)
    kept["problem"] = kept["problem"] or problem
    if who.get("awx") and not os.path.isabs(path(options)):
        action.warn(
            "the ledger is in the job's own folder, which AWX throws away; next: set botops_ledger to a file in a folder "
            "that is mounted into the job"
        )
    return kept


def _who(action: GuardedAction) -> dict[str, Any]:
    """Who ran it, as the controller and AWX tell."""
    try:
        owner = current_owner()
        who: dict[str, Any] = {"login": owner.login, "host": owner.host}
    except LockError:
        who = {}
    found = {name: action.variable(f"awx_{name}") for name in AWX}
    awx = {name: str(value) for name, value in found.items() if value not in (_argspec.UNSET, None, "")}
    return {**who, "awx": awx} if awx else who
