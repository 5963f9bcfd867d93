# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case of each row of the fault suite, for `make test`; all of them are run by `make test-faults`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults._judge import Reference
from tests.faults._runs import Case
from tests.faults._setting import Setting
from tests.faults.test_cut import cut_off
from tests.faults.test_health import fail_and_mend
from tests.faults.test_kill import kill_and_run_again
from tests.faults.test_scan import scan
from tests.faults.test_together import two_together
from tests.faults.test_way_back import vault_fails

pytestmark = [pytest.mark.sample, pytest.mark.xdist_group("faults")]
Settings = Callable[[int], Setting]
References = Callable[[int], Reference]


@pytest.mark.parametrize(
    ("kv", "mode", "kind", "task"),
    [
        (1, "all", "end", "Make the new tokens current in Vault"),
        (2, "main", "start", "Write environment files, restart, and prove that the processes have the new tokens"),
        (2, "late", "start", "Announce the start"),
    ],
)
def test_killed(kv: int, mode: str, kind: str, task: str, setting: Settings, undisturbed: References) -> None:
    due = undisturbed(kv)
    number = next(event.number for event in due.events if (event.kind, event.task) == (kind, task))
    kill_and_run_again(setting(kv), due, mode, number)


@pytest.mark.parametrize("kv", [1, 2])
def test_together(kv: int, setting: Settings, undisturbed: References) -> None:
    two_together(setting(kv), undisturbed(kv), at_the_lock=True)


def test_cut_off(setting: Settings, undisturbed: References) -> None:
    cut_off(setting(1), undisturbed(1), "start")


def test_services_fail(setting: Settings, undisturbed: References) -> None:
    fail_and_mend(setting(1), undisturbed(1), "all", "mixed")


def test_way_back(setting: Settings, undisturbed: References) -> None:
    vault_fails(setting(2), undisturbed(2), "503", 2, "forward")


def test_scan(setting: Settings) -> None:
    scan(Case(setting(1)))
