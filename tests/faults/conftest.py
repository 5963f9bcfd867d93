# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for each worker of pytest, and what an undisturbed run leaves in it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator

import pytest

from tests.faults._judge import Reference, reference
from tests.faults._proven import Proven
from tests.faults._setting import Setting
from tests.sandbox import Sandbox


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker("fault")


@pytest.hookimpl(trylast=True)  # of what the markers have left
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the cases in one process, which wait most of their time, among those with playbooks, which compute."""
    waiting = [item for item in items if "inprocess" in item.nodeid]
    computing = [item for item in items if "inprocess" not in item.nodeid]
    place = {item: at / len(kind) for kind in (waiting, computing) for at, item in enumerate(kind)}
    items.sort(key=place.__getitem__)


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


@pytest.fixture(scope="session")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Proven]:
    """What killed runs have left from which a rerun was judged with a KV version, by any of pytest's workers."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
    return functools.cache(lambda kv: Proven(shared / f"proven-kv{kv}"))
