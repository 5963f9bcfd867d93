# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a rollout goes: its batches, the pause between them, the soak after them (private to the collection, pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._argspec import Option
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

# Options of the action that plans: given raw, so that what is wrong with them is said here.
ROLLOUT = {
    "rollout_serial": Option({"type": "raw"}, "botops_rollout_serial"),
    "rollout_pause": Option({"type": "raw"}, "botops_rollout_pause"),
    "soak": Option({"type": "raw"}, "botops_soak"),
}
LONGEST = 7 * 24 * 3600  # seconds; a longer wait is a mistake in the unit
_PERCENT = re.compile(r"([0-9]+)\s*%")


def rollout(serial: Any = None, pause: Any = None, soak: Any = None) -> dict[str, Any]:
    """`{"serial": [1, "100%"], "pause": 0.0, "soak": 0.0}` from the inventory's variables; RotationError names the bad one.

    `serial` is what Ansible's keyword takes: a number of hosts, a percentage, or a list of these, of which the last goes
    on to the end. A text may list them with commas, as `-e` gives it. `pause` and `soak` are seconds.
    """
    if isinstance(serial, str):
        serial = serial.split(",")
    elif not isinstance(serial, (list, tuple)):
        serial = ["100%" if serial is None else serial]
    if not serial:
        raise _bad_serial("an empty list")
    return {
        "serial": [_size(each) for each in serial],
        "pause": _seconds("botops_rollout_pause", pause),
        "soak": _seconds("botops_soak", soak),
    }


def _size(value: Any) -> int | str:
    text = value.strip() if isinstance(value, str) else value
    percent = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if percent:
        if 1 <= int(percent[1]) <= 100:
            return f"{int(percent[1])}%"
    elif isinstance(text, int) and not isinstance(text, bool):
        if text >= 1:
            return int(text)
    elif isinstance(text, str) and re.fullmatch(r"[0-9]{1,9}", text) and int(text) >= 1:
        return int(text)
    raise _bad_serial(_shown(value))


def _shown(value: Any) -> str:
    """As people typed it; Ansible's numbers are not Python's own."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:g}" if is_number else _redact.shown(value)


def _bad_serial(words: str) -> RotationError:
    return RotationError(
        f"botops_rollout_serial is {words}",
        "give a number of hosts from 1, a percentage such as 30%, or a list of these such as [1, 30%, 100%]; nothing has "
        "been contacted",
    )


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", value):
        value = float(value)
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        words = _shown(value)
    elif 0 <= value <= LONGEST:
        return float(value)
    else:
        words = f"{value:g}"
    raise RotationError(
        f"{name} is {words}", f"give seconds, from 0 to {LONGEST} (a week), without a unit; nothing has been contacted"
    )


def cut(serial: Iterable[int | str], hosts: list[str]) -> list[list[str]]:
    """The hosts in batches, as Ansible cuts them: percentages are of all hosts, at least one."""
    sizes = [
        each if isinstance(each, int) else max(1, int(int(each.rstrip("%")) / 100.0 * len(hosts))) for each in serial
    ]
    found: list[list[str]] = []
    done = 0
    while done < len(hosts):
        size = sizes[min(len(found), len(sizes) - 1)]
        found.append(hosts[done : done + size])
        done += size
    return found
