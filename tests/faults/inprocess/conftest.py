# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for each worker, and what an undisturbed run does there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest

from tests.faults.inprocess._judge import Count, Undisturbed, undisturbed
from tests.faults.inprocess._place import SETTINGS, Place, opened


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with opened() as made:
        yield made


@pytest.fixture(scope="session")
def due(place: Place) -> Callable[[str], Undisturbed]:
    """What an undisturbed run does and leaves in a setting."""
    return functools.cache(lambda name: undisturbed(place, SETTINGS[name]))


@pytest.fixture
def count(request: pytest.FixtureRequest, place: Place) -> Callable[[str], Count]:
    """A counter of the test's cases, of a row."""
    return lambda row: Count(request.node.user_properties, row, place)
