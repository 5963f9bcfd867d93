# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What marks a test as one that throws anything at the code: `make test-fuzz` runs these, with the profile `faults`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings


def fuzz(cases: int = 100) -> Callable[[Any], Any]:
    """Above `@given`: so many cases in an ordinary run, and as many as the profile says where that is more."""

    def marked(test: Any) -> Any:
        _count(test.hypothesis)
        return pytest.mark.fuzz(settings(max_examples=max(cases, settings().max_examples))(test))

    return marked


def _count(handle: Any) -> None:
    """Count the cases in `handle.cases`, for the summary (tests/_rows.py), by the way that Hypothesis leaves for others."""
    inner, handle.cases = handle.inner_test, 0

    @functools.wraps(inner)
    def counted(*args: Any, **more: Any) -> None:
        handle.cases += 1
        inner(*args, **more)

    handle.inner_test = counted
