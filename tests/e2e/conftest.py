# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the tests that share a sandbox in one worker."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pytest-xdist 3.8 writes an xdist_group into `_nodeid`, where pytest 9.2 no longer looks; put it where it does."""
    for item in items:
        named = getattr(item, "_nodeid", "")
        if "@" in named and item.nodeid != named and hasattr(item, "_id"):
            item._id = type(item._id).parse(named)
