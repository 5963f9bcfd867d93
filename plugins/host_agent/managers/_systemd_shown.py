# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the properties of a unit, as `systemctl show` has them, say of its state."""

from __future__ import annotations

import time

_TOLERANCE = 0.02


def words(shown: dict[str, str]) -> str:
    """Its state, for people."""
    said = f"{shown.get('ActiveState')} ({shown.get('SubState')}, result {shown.get('Result', '?')}"
    status = shown.get("ExecMainStatus", "0")
    if status != "0":
        said += f", {'exit status' if shown.get('ExecMainCode') == '1' else 'signal'} {status}"
    again = int(shown.get("NRestarts") or 0)
    return said + (f", started again {again} times by systemd)" if again else ")")


def is_oneshot(shown: dict[str, str]) -> bool:
    """Whether its start is its work."""
    return shown.get("Type") == "oneshot"


def passing(shown: dict[str, str]) -> bool:
    """Whether it comes and goes."""
    return is_oneshot(shown) and shown.get("RemainAfterExit") != "yes"


def proof(unit: str, shown: dict[str, str], modified: float) -> tuple[str, str] | None:
    """For a oneshot without processes: (`yes` or `no`, evidence) from when its file was written. None for any other."""
    if passing(shown):
        return "yes", f"unit {unit} is a oneshot that does not run now: its next start reads the file"
    if not is_oneshot(shown) or shown.get("ActiveState") != "active":
        return None
    begun = int(shown.get("InactiveExitTimestampMonotonic") or 0) / 1e6
    late = time.time() - (time.clock_gettime(time.CLOCK_MONOTONIC) - begun) - modified
    said = f"unit {unit} is a oneshot without processes; it was started {abs(late):.1f} s"
    if late >= -_TOLERANCE:
        return "yes", f"{said} after the file was written"
    return "no", f"{said} before the file was written"
