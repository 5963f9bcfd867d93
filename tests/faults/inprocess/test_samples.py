# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case of each row, for `make test`: those at which a rotation has the most to lose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.inprocess import (
    test_clock,
    test_permissions,
    test_refresh,
    test_reinstall,
    test_restore,
    test_rollback,
    test_slack,
    test_vault,
)
from tests.faults.inprocess._judge import Undisturbed, undisturbed
from tests.faults.inprocess._place import SETTINGS, Place

pytestmark = pytest.mark.sample
Due = Callable[[str], Undisturbed]


def last(due: Undisturbed, of: str, setting: str) -> int:
    """The number of the last write of a secret, by the end of its path, in an undisturbed run."""
    to_vault = [line for line in due.log if "/v1/" in line]
    return max(
        number
        for number, line in enumerate(to_vault, 1)
        if line.startswith("POST") and line.endswith(of) and "destroy" not in line
    )


@pytest.mark.parametrize("fault", ("killed", "killed after", "hangs after", "cut after", "half an answer"))
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_new_token_becomes_current(setting: str, fault: str, place: Place, due: Due) -> None:
    at = last(due(setting), "in_one", setting)
    assert not test_vault.vault_case(place, due(setting), setting, fault, False, at)


def test_vault_is_sealed_before_the_end_is_recorded(place: Place, due: Due) -> None:
    at = last(due("v2"), "_rotation", "v2")
    assert not test_vault.vault_case(place, due("v2"), "v2", "sealed", True, at)


@pytest.mark.parametrize("way", ("429", "cut after"))
def test_slack_fails_at_the_announcement(way: str, place: Place, due: Due) -> None:
    calls = [line for line in due("v2").log if "/v1/" not in line]
    at = calls.index("chat_postMessage") + 1
    assert not test_slack.slack_case(place, due("v2"), way, *test_slack.WAYS[way], at, False)


def test_only_proof_of_death_counts_as_death(place: Place, due: Due) -> None:
    assert not test_slack.death_case(place, due("v2"), "old", "org_login_required")


def test_the_way_back_fails(place: Place) -> None:
    at = test_restore.region(place, "v2")[8]
    due = undisturbed(place, SETTINGS["v2"])
    assert not test_restore.restore_case(place, due, "v2", "hangs", True, at, on=True)


def test_rollback_dies_before_it_is_announced(place: Place) -> None:
    due = test_rollback.rolled_back(place, "v2")
    assert not test_rollback.rollback_case(place, due, "v2", "killed after", last(due, "_rotation", "v2"))


@pytest.mark.parametrize("call", ("auth_revoke", "oauth_v2_access", "chat_update"))
def test_a_reinstallation_dies_when_slack_has_done_what_it_asked(call: str, place: Place) -> None:
    due = test_reinstall.reinstalled(place, "v2")
    at = [line for line in due.log if "/v1/" not in line].index(call) + 1
    assert not test_reinstall.reinstall_case(place, due, "v2", "slack", "killed after", at)


def test_another_run_before_the_new_token_becomes_current(place: Place, due: Due) -> None:
    at = last(due("v2"), "in_one", "v2")
    assert not test_clock.overtaken_case(place, due("v2"), "v2", at)


def test_a_capability_is_missing(place: Place) -> None:
    path, capability = "secret/destroy/generic/crn/v1/*", "update"
    well, problems = test_permissions.taken_case(place, "v2", "rotate", path, capability)
    assert (well, problems) == (False, [])


def test_a_refresh_dies_when_slack_has_answered(place: Place) -> None:
    due = test_refresh.refreshed(place, "v2")
    at = [line for line in due.log if "/v1/" not in line].index(test_refresh.ASKED) + 1
    assert not test_refresh.refresh_case(place, due, "v2", "slack", "killed after", at)
