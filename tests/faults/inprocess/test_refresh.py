# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed, or Vault or Slack fails, at every request of a run that refreshes a token; then it is run again.

It ends as if nothing had been: the newest token is in use, its refresh token is one that Slack takes, nobody was told. Slack
has issued one pair, and one more only where its answer was lost.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.inprocess._judge import Count, Undisturbed, Watch
from tests.faults.inprocess._place import SETTINGS, Place
from tests.faults.inprocess._refreshing import Refreshing
from tests.sandbox.slack.faults import Fault

KILLED, FAILS = "refresh: controller killed at a request to {}", "refresh: {} fails at a request"
# What happens to requests before the new token is staged: the rest is that of any rotation, and is taken now and then.
CASES = (
    ("v1", "vault", "killed", 1, 12),
    ("v2", "vault", "killed after", 2, 9),
    ("v1+v2", "vault", "killed after", 9, 0),
    ("v2", "slack", "killed", 3, 0),
    ("v1", "slack", "killed after", 2, 0),
    ("v1", "vault", "hangs after", 7, 0),
    ("v2", "vault", "cut after", 5, 0),
    ("v2", "vault", "403", 7, 0),
    ("v1", "vault", "half an answer", 9, 0),
)
ASKED = "oauth_v2_access"


@functools.cache
def refreshed(place: Place, setting: str) -> Undisturbed:
    """What such a run does and leaves that nobody disturbs."""
    case = Refreshing(place, SETTINGS[setting])
    result, run = case.rotate()
    assert result["outcomes"] == {"gobot/one": "rotated"} and result["success"], run.said
    assert case.refreshes == case.begun + 1 and not case.at_risk() and case.announced() == []
    due = Undisturbed(dict(place.weather.counts), list(place.weather.log), case.state(), case.announced())
    before = case.snapshot()
    case.rotate()
    assert case.snapshot() == before, "a second run changes nothing"
    return due


def requests(due: Undisturbed, target: str, often: int, seldom: int) -> list[int]:
    """Numbers of requests: from where the chain is read to the staging every `often`th, of the rest every `seldom`th."""
    log = [line for line in due.log if ("/v1/" in line) == (target == "vault")]
    if target == "slack":
        return list(range(1, len(log) + 1, often))
    own = [number for number, line in enumerate(log, 1) if line.endswith("_refresh") and "GET" not in line]
    near = range(own[0] - 12, own[-1] + 18)
    rest = range(1, len(log) + 1, seldom) if seldom else ()
    return sorted({*near[::often], *(each for each in rest if each not in near)})


def refresh_case(
    place: Place, due: Undisturbed, setting: str, target: str, fault: str, at: int, spool: Path | None = None
) -> list[str]:
    """One case; what is wrong with it."""
    case = Refreshing(place, SETTINGS[setting], spool=spool)
    watch = Watch(case, f"refresh, {setting}, {fault}, request {at} to {target}", due)
    place.weather.set(target, at, fault)
    watch.run()
    if not place.weather.struck:
        watch.complain("the fault struck nothing")
    asked_in_vain = ASKED in place.weather.struck and fault == "killed after"
    watch.converges()
    judge(watch, case, 2 if asked_in_vain else 1, fault)
    return watch.problems


def judge(watch: Watch, case: Refreshing, pairs: int, fault: str) -> None:
    """What must hold at the end: one pair was issued, or one more where an answer, or what was to be kept, was lost."""
    issued = case.refreshes - case.begun
    lost = fault.startswith("killed") or fault in ("403",)
    if not (issued == pairs or (lost and issued == 2)):
        watch.complain(f"{issued} pairs were issued, and {pairs} are due")
    watch.complain(*case.at_risk(), *case.shown("\n".join(watch.said)))


@pytest.mark.parametrize(("setting", "target", "fault", "often", "seldom"), CASES)
def test_at_every_request(
    setting: str, target: str, fault: str, often: int, seldom: int, place: Place, count: Callable[[str], Count]
) -> None:
    due = refreshed(place, setting)
    counted = count((KILLED if fault.startswith("killed") else FAILS).format(target.capitalize()))
    for at in requests(due, target, often, seldom):
        counted.add(refresh_case(place, due, setting, target, fault, at))
    counted.check()


def slack_case(place: Place, due: Undisturbed, kind: str, times: int | None, options: dict[str, object]) -> list[str]:
    """Slack fails at the refresh itself, once or as long as the run goes on."""
    case = Refreshing(place, SETTINGS["v2"])
    watch = Watch(case, f"refresh, Slack: {kind} {options}, {times or 'always'}", due)
    fault = case.world.faults.add(Fault(kind, method="oauth.v2.access", times=times, options=options))
    watch.run()
    if not fault.hits:
        watch.complain("the fault struck nothing")
    if times == 1 and not watch.last.get("success"):
        watch.complain(f"one cut answer is asked for again: {watch.last.get('table')}")
    case.world.faults.clear()
    watch.converges()
    processed = options.get("when") == "after"
    judge(watch, case, 1 + (fault.hits if processed else 0), "")
    return watch.problems


@pytest.mark.parametrize(
    ("kind", "options"),
    (
        ("cut", {"when": "before"}),
        ("cut", {"when": "after"}),
        ("status", {"status": 503}),
        ("error", {"error": "internal_error"}),
    ),
)
def test_slack_fails_at_the_refresh(
    kind: str, options: dict[str, object], place: Place, count: Callable[[str], Count]
) -> None:
    counted, due = count(FAILS.format("Slack")), refreshed(place, "v2")
    for times in (1, None):
        counted.add(slack_case(place, due, kind, times, options))
    counted.check()


def spool_case(place: Place, due: Undisturbed, fault: str, folder: Path) -> list[str]:
    """Vault goes away when Slack has answered, and stays away: the pair is in the spool, and the next run takes it."""
    folder.mkdir(mode=0o700)
    case = Refreshing(place, SETTINGS["v2"], grace=0, spool=folder)
    watch = Watch(case, f"refresh, v2, {fault} from the answer on", due)
    begun = next(n for n, line in enumerate(due.log) if ASKED in line)
    place.weather.set("vault", sum("/v1/" in line for line in due.log[:begun]) + 1, fault, lasting=True)
    watch.run()
    held = sorted(folder.iterdir())
    if watch.last.get("success") or len(held) != 2:
        watch.complain(f"{len(held)} files are in the spool: {watch.last.get('table')}")
    watch.converges()
    watch.complain(*(f"left in the spool: {each.name}" for each in folder.iterdir()))
    judge(watch, case, 1, "")
    return watch.problems


@pytest.mark.parametrize("fault", ("sealed", "hangs"))
def test_vault_goes_away_when_slack_has_answered(
    fault: str, place: Place, count: Callable[[str], Count], tmp_path: Path
) -> None:
    counted = count(FAILS.format("Vault"))
    counted.add(spool_case(place, refreshed(place, "v2"), fault, tmp_path / "spool"))
    counted.check()


@pytest.mark.parametrize("static", (False, True), ids=("refresh", "exchange"))
def test_an_answer_that_slack_does_not_repeat_is_said_to_be_lost(static: bool, place: Place) -> None:
    """Killed when Slack has answered, and it takes the used token no more: services go on, and the install page is next."""
    case = Refreshing(place, SETTINGS["v2"], static=static, grace=0)
    case.world.faults.add(
        Fault("cut", method=f"oauth.v2.{'exchange' if static else 'access'}", times=1, options={"when": "after"})
    )
    result, run = case.rotate()
    told = result["table"]
    assert result["outcomes"] == {"gobot/one": "refused"} and "is used up: it was given to Slack at" in told, run.said
    assert "install_app -e bot=gobot -e workspace=one" in told
    assert case.snapshot()[case.path]["value"] == case.old and case.world.tokens[case.old].state == "live"
