# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: hosts (of a test's own, or for a module), and a sandbox whose Slack they reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts import Hosts
from tests.sandbox import Sandbox


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Two hosts of the test's own."""
    with Hosts(2) as made:
        yield made


@pytest.fixture(scope="module")
def module_hosts() -> Iterator[Hosts]:
    """Two hosts for all tests of a module: for those that change nothing, or put it back."""
    with Hosts(2) as made:
        yield made


@pytest.fixture(scope="module")
def hosts_sandbox(module_hosts: Hosts) -> Iterator[Sandbox]:
    """OpenBao and a Slack for services on `module_hosts`: every token alive, nothing staged."""
    with Sandbox(demo=False, services=False, slack_at=module_hosts.gateway) as made:
        yield made
