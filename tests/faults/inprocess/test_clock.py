# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No lost update: the controller's clock is wrong, and a run goes on after another one has taken its lock over."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Callable
from copy import copy

import pytest

from tests.faults.inprocess._case import Case
from tests.faults.inprocess._judge import Count, Undisturbed, Watch
from tests.faults.inprocess._place import SETTINGS, Place
from tests.sandbox._state import ROOT

CLOCK, TAKEN_OVER = "the controller's clock an hour off", "lease expired or pid reused: another run at a request"
WITHOUT_VAULT = ("_spool.py", "_ledger.py", "slack_token.py")
"""What goes on where Vault, whose clock counts, does not answer."""
WALL_CLOCK = {"time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime", "ctime"}


@pytest.fixture(params=(-3600.0, 3600.0), ids=("behind", "ahead"))
def wrong_clock(request: pytest.FixtureRequest, place: Place, monkeypatch: pytest.MonkeyPatch) -> float:
    """For everything in this process but the Slack sandbox."""
    right = time.time
    slack = place.slack._thread
    monkeypatch.setattr(time, "time", lambda: right() + (threading.current_thread() is not slack) * request.param)
    return float(request.param)


@pytest.mark.parametrize("setting", SETTINGS)
def test_clock_an_hour_off(
    setting: str, wrong_clock: float, place: Place, due: Callable[[str], Undisturbed], count: Callable[[str], Count]
) -> None:
    counted = count(CLOCK)
    for at in range(0, due(setting).counts["vault"] + 1, 6):  # 0: undisturbed
        case = Case(place, SETTINGS[setting])
        watch = Watch(case, f"{setting}, clock {wrong_clock:+.0f} s, killed at request {at}", due(setting))
        place.clock.off = wrong_clock
        place.weather.set("vault", at, "killed")
        watch.run()
        watch.converges()
        record = case.snapshot()[case.record]
        began = time.strptime(record["history"][-1]["at"], "%Y-%m-%dT%H:%M:%SZ")
        if abs(time.mktime(began) - time.timezone - (time.time() - wrong_clock)) > 120:
            watch.complain(f"a time of the controller's clock is in the record: {record['history'][-1]['at']}")
        counted.add(watch.problems)
    counted.check()


def test_nothing_asks_the_controllers_clock(count: Callable[[str], Count]) -> None:
    counted = count(CLOCK)
    for file in sorted(ROOT.glob("plugins/*/*.py")):
        if "host_agent" in file.parts or file.name in WITHOUT_VAULT:
            continue
        asked = [
            f"{file.name}:{node.lineno}"
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
            and node.attr in WALL_CLOCK
            and isinstance(node.value, ast.Name)
            and node.value.id in ("time", "datetime", "date")
        ]
        counted.add([f"{where} reads the controller's clock" for where in asked])
    counted.check()


def overtaken_case(place: Place, due: Undisturbed, setting: str, at: int) -> list[str]:
    """At a request of one run another one comes, takes its lock over, and rotates; then the first goes on."""
    case = Case(place, SETTINGS[setting])
    watch = Watch(case, f"{setting}, another run at request {at}", due)
    weather, ended = place.weather, []

    def another() -> None:
        owner, kept = place.owner_number_now, copy(weather.__dict__)
        weather.set()
        result, _run = case.rotate()
        ended.append(result)
        weather.__dict__.update(kept)
        place.owner_number_now = owner

    weather.meanwhile = another
    weather.set("vault", at, "another run")
    watch.run()
    if not ended or not (ended[0]["success"] or ended[0]["failure"]):
        watch.complain(f"the other run ended {ended}")
    stale = setting == "v1" and " PUT " in f" {weather.struck.replace('POST', 'PUT')} "
    weather.meanwhile = lambda: None
    if stale:  # KV v1 cannot refuse a write whose last check is made: it converges all the same
        weather.late.append(lambda: None)
    else:
        watch.last = {}
    watch.converges()
    return watch.problems


@pytest.mark.parametrize("setting", SETTINGS)
def test_another_run_at_every_request(
    setting: str, place: Place, due: Callable[[str], Undisturbed], count: Callable[[str], Count]
) -> None:
    counted = count(TAKEN_OVER)
    for at in range(1, due(setting).counts["vault"] + 1, 2 if setting == "v1" else 5):
        counted.add(overtaken_case(place, due(setting), setting, at))
    counted.check()
