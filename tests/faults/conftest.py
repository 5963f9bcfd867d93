# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for each worker of pytest, and what an undisturbed run leaves in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest

from tests.faults._judge import Reference, reference
from tests.faults._setting import Setting
from tests.sandbox import Sandbox


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker("fault")


@pytest.fixture(scope="session")
def shared() -> Iterator[Sandbox]:
    """The sandbox of this worker: all of its cases begin with `Setting.begin`."""
    with Sandbox(demo=False) as made:
        yield made


@pytest.fixture(scope="session")
def setting(shared: Sandbox) -> Callable[[int], Setting]:
    """The setting of a KV version."""
    return functools.cache(lambda kv: Setting(shared, kv))


@pytest.fixture(scope="session")
def undisturbed(setting: Callable[[int], Setting]) -> Callable[[int], Reference]:
    """What an undisturbed run leaves with a KV version; made once for each worker."""
    return functools.cache(lambda kv: reference(setting(kv)))
