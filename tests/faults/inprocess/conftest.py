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
def servers() -> Iterator[Place]:
    with opened() as made:
        yield made


@pytest.fixture
def place(servers: Place) -> Iterator[Place]:
    """The servers, in the product's way as long as a test runs: others in this worker have the real ones."""
    with servers.installed():
        yield servers


@pytest.fixture(scope="session")
def due(servers: Place) -> Callable[[str], Undisturbed]:
    """What an undisturbed run does and leaves in a setting; asked for by tests that have the place, too."""
    return functools.cache(lambda name: undisturbed(servers, SETTINGS[name]))


@pytest.fixture
def count(request: pytest.FixtureRequest, place: Place) -> Callable[[str], Count]:
    """A counter of the test's cases, of a row."""
    return lambda row: Count(request.node.user_properties, row, place)
