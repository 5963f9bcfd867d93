# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for each worker, what an undisturbed run does there, and the number of cases of each row at the end."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.inprocess._judge import Count, Undisturbed, undisturbed
from tests.faults.inprocess._place import SETTINGS, Place, opened


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The rows; the numbers come with the reports, also from pytest-xdist's workers."""
    rows: dict[str, list[list[Any]]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for told in (value for key, value in report.user_properties if key == "inprocess"):
                    rows[told[0]].append(told)
    if rows:
        terminalreporter.section("cases of each row, in one process")
    for row, told in sorted(rows.items()):
        cases, bad, seconds = (sum(each[at] for each in told) for at in (1, 2, 3))
        terminalreporter.write_line(f"{row}: {cases - bad} of {cases} passed, {seconds / cases:.2f} s each")


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with opened() as made:
        yield made


@pytest.fixture(scope="session")
def due(place: Place) -> Callable[[str], Undisturbed]:
    """What an undisturbed run does and leaves in a setting."""
    return functools.cache(lambda name: undisturbed(place, SETTINGS[name]))


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[[str], Count]:
    """A counter of the test's cases, of a row."""
    return lambda row: Count(request.node.user_properties, row)
