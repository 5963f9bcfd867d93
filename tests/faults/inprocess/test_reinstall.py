# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed before or after each write of a run that revokes, waits for an installation and rotates; then it
is run again. It ends as if nobody had killed it: the old token alone was ended, the new one is in use, each message is there
once.

Between two writes, to Vault or to Slack, a run that dies leaves the same. With BOTOPS_EVERY_REQUEST=1 it dies at each read, too.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

import pytest

from tests.faults.inprocess._judge import Count, Undisturbed, Watch
from tests.faults.inprocess._place import SETTINGS, Place
from tests.faults.inprocess._reinstall import Reinstall

ROW = "reinstall: controller killed at a request to {}"
EVERY = bool(os.environ.get("BOTOPS_EVERY_REQUEST"))
CHANGES = ("chat_", "auth_revoke", "oauth_", "conversations_join")
CASES = [
    (setting, fault, target)
    for setting, fault in (("v1", "killed"), ("v2", "killed after"))
    for target in ("vault", "slack")
]


def steps(due: Undisturbed, target: str) -> list[int]:
    """The numbers of the requests that change something there."""
    asked = [line for line in due.log if ("/v1/" in line) == (target == "vault")]
    reads = ("GET", "POST /v1/sys/", "POST /v1/auth/")
    changing = [not line.startswith(reads) if target == "vault" else line.startswith(CHANGES) for line in asked]
    return [number for number, changes in enumerate(changing, 1) if changes or EVERY]


@functools.cache
def reinstalled(place: Place, setting: str) -> Undisturbed:
    """What such a run does and leaves that nobody disturbs."""
    case = Reinstall(place, SETTINGS[setting])
    result, run = case.rotate()
    assert result["outcomes"] == {"gobot/one": "rotated"} and result["success"], run.said
    assert case.ended() == 1 and case.snapshot()[case.path]["value"] == case.new
    return Undisturbed(dict(place.weather.counts), list(place.weather.log), case.state(), case.announced())


def reinstall_case(place: Place, due: Undisturbed, setting: str, target: str, fault: str, at: int) -> list[str]:
    """One case; what is wrong with it."""
    case = Reinstall(place, SETTINGS[setting])
    watch = Watch(case, f"reinstall, {setting}, {fault}, request {at} to {target}", due)
    place.weather.set(target, at, fault)
    watch.run()
    if not place.weather.struck:
        watch.complain("the fault struck nothing")
    watch.converges()
    if case.ended() != 1:
        watch.complain(f"{case.ended()} tokens were ended, and the old one is one")
    return watch.problems


@pytest.mark.parametrize(("setting", "fault", "target"), CASES)
def test_killed_at_every_step(
    setting: str, fault: str, target: str, place: Place, count: Callable[[str], Count]
) -> None:
    counted, due = count(ROW.format(target.capitalize())), reinstalled(place, setting)
    for at in steps(due, target):
        counted.add(reinstall_case(place, due, setting, target, fault, at))
    counted.check()
