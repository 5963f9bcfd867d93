# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for each worker of pytest, what an undisturbed run leaves in it, and the table of rows at the end."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults._judge import Reference, reference
from tests.faults._setting import Setting
from tests.sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(name): the row of issue 3's table that a case belongs to")
    config.addinivalue_line("markers", "sample: one case of a row, for `make test`")


def pytest_itemcollected(item: pytest.Item) -> None:
    """The row travels with the reports from pytest-xdist's workers."""
    row = item.get_closest_marker("row")
    if row:
        item.user_properties.append(("row", row.args[0]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The number of cases of each row, how many went well, and how long one takes."""
    rows: dict[str, list[tuple[Any, str]]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            told = dict(getattr(report, "user_properties", ()))
            if "row" in told and getattr(report, "when", "") == "call":
                rows[told["row"]].append((report, told.get("ended", "")))
    if rows:
        terminalreporter.section("cases of each row")
    for row, cases in sorted(rows.items()):
        well = sum(report.passed for report, _ended in cases)
        seconds = sum(report.duration for report, _ended in cases) / len(cases)
        ended = [word for _report, word in cases if word]
        counted = ", ".join(f"{word}: {ended.count(word)}" for word in sorted(set(ended)))
        terminalreporter.write_line(
            f"{row}: {well} of {len(cases)} passed, {seconds:.1f} s each{f' ({counted})' if counted else ''}"
        )


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
