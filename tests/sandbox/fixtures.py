# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a whole sandbox (fresh for a test, or one for a module), and the Slack sandbox alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox import Sandbox
from tests.sandbox.slack.threaded import ThreadedSlack


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own, in the demo's state: gobot's tokens dead, its services down, new tokens staged."""
    with Sandbox() as made:
        yield made


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    """The same, one for all tests of a module: for those that change nothing, or put it back."""
    with Sandbox() as made:
        yield made


@pytest.fixture
def bare_sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own in which all is well: every token alive, every service healthy, nothing staged."""
    with Sandbox(demo=False) as made:
        yield made


@pytest.fixture(scope="module")
def module_bare_sandbox() -> Iterator[Sandbox]:
    """The same, one for all tests of a module."""
    with Sandbox(demo=False) as made:
        yield made


@pytest.fixture(scope="module")
def _slack_server() -> Iterator[ThreadedSlack]:
    with ThreadedSlack() as made:
        yield made


@pytest.fixture
def slack(_slack_server: ThreadedSlack) -> ThreadedSlack:
    """The Slack sandbox alone, with a fresh small world: see `ThreadedSlack`."""
    _slack_server.reset()
    return _slack_server
