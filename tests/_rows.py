# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many cases there were of each row of what can fail, at the end of `make test-faults` and `make test-fuzz`.

A test tells its row by the marker `row`, and is one case then; one that has many cases appends `("row", [name, cases,
failed, seconds])` to its `user_properties`, which come with the reports from pytest-xdist's workers. `("ended", words)`, or
a dictionary of words and numbers, says how cases ended, where that is worth counting. Tests marked `fuzz` are counted
by what Hypothesis has made of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings

# Row: how the names of its cases begin.
ROWS = {
    "the controller is killed at a task": ("controller killed, ", "controller killed on the way back", "orphan of the"),
    "the controller is killed at a request": ("controller killed at", "rollback_bot killed at"),
    "a host is cut off, an orphan ends late": ("host cut off", "orphan on a host", "orphan, after"),
    "two runs together": ("two runs together",),
    "Vault fails at a request": ("Vault fails at a request",),
    "Slack fails at a request, proof of death": ("Slack fails at", "proof of death"),
    "services fail their health check": ("services fail",),
    "the way back fails, too": ("Vault fails while", "the way back meets"),
    "clock, lease, reused pid": ("the controller's clock", "lease expired"),
    "disk and environment file of a host": ("disk, mode",),
    "fuzzing: registry": ("test_registry",),
    "fuzzing: environment files": ("test_env_file",),
    "fuzzing: token strings": ("test_tokens", "test_redact"),
    "fuzzing: answers of Slack": ("test_answers.py::test_whatever_slack", "test_answers.py::test_only_slacks"),
    "fuzzing: answers of Vault": ("test_answers", "test_record", "test_lease"),
    "fuzzing: files of the spool": ("test_spool",),
    "reinstall: killed at each of its steps": ("reinstall: ",),
    "refresh: killed, failing, fifty at once": ("refresh: ",),
    "token scan": ("token scan",),
    "permissions": ("permissions",),
}
FEW = 1000  # cases of a fuzz test; below, as in `make test`, it is not worth a line


def pytest_itemcollected(item: pytest.Item) -> None:
    row = item.get_closest_marker("row")
    if row:
        item.user_properties.append(("row", [row.args[0], 1, None, None]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    before = getattr(handle, "cases", 0)
    try:
        return (yield)
    finally:
        cases = getattr(handle, "cases", 0) - before
        if item.get_closest_marker("fuzz") and settings().max_examples >= FEW:
            item.user_properties.append(("row", [item.nodeid.rpartition("/")[2], cases, None, None]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Each row with its cases, and under it the kinds of them: how many, how many went well, how long one takes."""
    kinds: dict[str, list[tuple[int, int, float, dict[str, int]]]] = defaultdict(list)
    for report in (each for some in terminalreporter.stats.values() for each in some):
        if getattr(report, "when", "") == "call" and not report.skipped:
            for name, *told in _told(report):
                kinds[name].append(tuple(told))
    rows: dict[str, list[str]] = defaultdict(list)
    for kind in kinds:
        rows[_row(kind)].append(kind)
    if rows:
        terminalreporter.section("cases of each row")
    for row in (each for each in (*ROWS, "others") if each in rows):
        terminalreporter.write_line(f"{row}: {_counted([case for kind in rows[row] for case in kinds[kind]])}")
        for kind in sorted(rows[row]):
            terminalreporter.write_line(f"    {kind}: {_counted(kinds[kind], more=True)}")


def _told(report: Any) -> Iterator[tuple[str, int, int, float, dict[str, int]]]:
    ended = dict(report.user_properties).get("ended", "")
    ended = ended if isinstance(ended, dict) else {ended: 1} if ended else {}
    for name, cases, failed, seconds in (value for key, value in report.user_properties if key == "row"):
        if failed is None:
            failed, seconds = (0 if report.passed else cases), report.duration
        yield name, cases, failed, seconds, ended


def _row(kind: str) -> str:
    return next((row for row, names in ROWS.items() if kind.startswith(names)), "others")


def _counted(told: list[tuple[int, int, float, dict[str, int]]], more: bool = False) -> str:
    cases, failed, seconds = (sum(each[at] for each in told) for at in range(3))
    text = f"{cases} cases, {f'{failed} failed' if failed else 'all passed'}"
    if not more:
        return text
    ended: Counter[str] = sum((Counter(each[3]) for each in told), Counter())
    words = ", ".join(f"{word}: {number}" for word, number in sorted(ended.items()))
    return f"{text}, {seconds / max(cases, 1):.2g} s each{f' ({words})' if words else ''}"
