# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run hands on to whoever started it, such as the next node of a workflow in AWX (private to the collection, pure).

It is the statistic `botops`: {schema, kind, run_id, check, success, outcomes, path, report}. The report is in
it because a job's folder is thrown away; one that is too large for a database that keeps it is left out (null).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SCHEMA = "botops.stats/1"
LARGEST = 512 * 1024  # bytes of a report as JSON


def of(
    kind: str, report: Mapping[str, Any], *, success: bool, outcomes: Mapping[str, Any], path: str = ""
) -> dict[str, Any]:
    """`kind`: rotation, revocation, audit, evidence or schedule. `outcomes`: what each thing that the run was about ended with.

    In the shape in which Ansible takes statistics out of an action's result, as from set_stats. The last of a run counts:
    nothing is added up.
    """
    small = len(json.dumps(report)) <= LARGEST
    statistic = {
        "schema": SCHEMA,
        "kind": kind,
        "run_id": report.get("run_id", ""),
        "check": bool(report.get("check")),
        "success": success,
        "outcomes": dict(outcomes),
        "path": path,
        "report": dict(report) if small else None,
    }
    return {"data": {"botops": statistic}, "per_host": False, "aggregate": False}
