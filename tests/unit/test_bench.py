# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics of `make bench`: ratios of medians, growth, bars; phases; which runs are made; what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bench import _figures, _phases, _plan, _publish, _show


def sample(what: str, seconds: float = 1.0, hosts: int = 40, installations: int = 1, **more: Any) -> dict[str, Any]:
    return {"what": what, "seconds": seconds, "hosts": hosts, "installations": installations, "round": 1, **more}


def held(samples: list[dict[str, Any]], begins: str) -> _figures.Bar:
    return next(each for each in _figures.bars(samples) if each.name.startswith(begins))


# -- ratios ------------------------------------------------------------------------------------------------------------


def test_ratios_are_of_medians_at_the_most_hosts() -> None:
    samples = [sample("tool", each, apply=each / 2) for each in (10.0, 90.0, 12.0)]  # one round was disturbed
    samples += [sample("limit", each) for each in (5.0, 6.0, 60.0)]
    samples += [sample("tool", 1000.0, hosts=5), sample("limit", 1.0, hosts=5), sample("limit_open", 4.0)]
    assert held(samples, "whole run / limit").value == 2.0
    assert held(samples, "apply phase / limit, 40").value == 1.0
    assert held(samples, "apply phase / limit over open connections").value == 6.0 / 4.0


@pytest.mark.parametrize(
    ("value", "asked", "met"),
    [
        (2.5, {"most": 2.5}, True),
        (2.51, {"most": 2.5}, False),
        (2.5, {"least": 2.5}, True),
        (2.49, {"least": 2.5}, False),
        (None, {"most": 2.5}, None),
        (1.0, {}, None),
    ],
)
def test_a_bar_is_met_up_to_and_at_it(value: float | None, asked: dict[str, float], met: bool | None) -> None:
    assert _figures.Bar("x", value, **asked).met is met


def test_what_was_not_measured_has_no_figure() -> None:
    assert {each.value for each in _figures.bars([])} == {None}
    assert {each.met for each in _figures.bars([sample("tool", apply=1.0)])} == {None}


def test_more_installations_are_compared_on_the_same_hosts() -> None:
    samples = [sample("tool", 10.0, apply=1.0), sample("tool", 12.0, installations=13), sample("tool", 4.0, hosts=5)]
    assert held(samples, "13 installations / 1").value == pytest.approx(1.2)


def test_the_reason_for_a_missed_bar_is_processor_time() -> None:
    samples = [sample("tool", 9.0, apply=3.0, busy=17.1), sample("limit", 3.0, busy=5.7)]
    said = _show.reason(samples, 2)
    assert (
        "2 processors" in said and "for 95% of the time of rotate_bot and for 95% of the time of parallel ssh" in said
    )
    assert "rotate_bot 428 ms, parallel ssh 142 ms" in said
    assert _show.reason([sample("tool", 6.0, apply=3.0, busy=11.0), samples[1]], 2) == "", "all bars are met"
    assert _show.reason([sample("tool", 9.0, apply=3.0), sample("limit", 3.0)], 2) == "", (
        "an older file has no such figure"
    )


# -- growth ------------------------------------------------------------------------------------------------------------


def test_growth_is_time_per_added_host_from_five_to_the_most() -> None:
    samples = [sample("tool", 2.0 + 0.25 * hosts, hosts=hosts) for hosts in (1, 5, 20, 40)]
    samples += [sample("limit", 0.2 * hosts, hosts=hosts) for hosts in (1, 5, 20, 40)]
    assert _figures.growth(samples, "tool") == pytest.approx(0.25)
    assert held(samples, "time per added host").value == pytest.approx(1.25)


def test_growth_needs_two_numbers_of_hosts() -> None:
    assert _figures.growth([sample("tool", hosts=1), sample("tool", hosts=40)], "tool") is None


# -- outages -----------------------------------------------------------------------------------------------------------


def test_outages_are_compared_service_by_service() -> None:
    samples = [sample("outage", by="tool", outages={"a": each, "b": 2.0}) for each in (1.0, 1.2, 9.0)]
    samples += [sample("outage", by="restart", outages={"a": 1.0, "b": 1.0, "c": 1.0})]
    assert _figures.outage_ratios(samples) == {"a": 1.2, "b": 2.0}
    assert held(samples, "outage / bare restart, median").value == pytest.approx(1.6)
    assert held(samples, "outage / bare restart, worst").value == 2.0


# -- phases ------------------------------------------------------------------------------------------------------------


def test_phases_cover_the_whole_run() -> None:
    events = [{"at": 11.0, "play": "Plan"}, {"at": 11.5, "task": "t"}, {"at": 14.0, "play": "Roll out"}]
    events += [{"at": 14.5, "task": "t"}, {"at": 20.0, "stats": True}]
    phases = _phases.plays(events, began=10.0, ended=20.5)
    assert phases == {"start": 1.0, "Plan": 3.0, "Roll out": 6.0, "end": 0.5}
    assert _phases.tasks(events, ended=20.5) == {"(Plan)": 0.5, "t": 2.5 + 5.5, "(Roll out)": 0.5, "end": 0.5}
    assert _phases.in_words({"Roll out": 6.0, "Soak": 0.01}) == "roll out 6.0"


# -- the runs ----------------------------------------------------------------------------------------------------------


def test_every_round_has_all_contestants_and_begins_with_another_one() -> None:
    rounds = [[step for step in _plan.steps([1, 40], [1, 13], 3) if step.round == number] for number in (1, 2, 3)]
    for steps in rounds:
        at_the_most = {step.name for step in steps if (step.hosts, step.installations) == (40, 1)}
        assert {"tool", "check", "limit", "by_hand", "limit_open", "outage tool", "outage restart"} <= at_the_most
        assert [step.name for step in steps if step.installations == 13 and step.name == "tool"] == ["tool"]
    assert len({next(step.name for step in steps if step.fresh) for steps in rounds}) == 3


def test_a_run_that_needs_new_tokens_gets_them() -> None:
    steps = _plan.steps([2], [1], 1)
    for before, step in zip(steps, steps[1:], strict=False):
        # A check changes nothing, so the run after it finds what was staged for it.
        assert step.fresh or before.name == "check" or step.name in _plan.KEEPS


# -- what is left ------------------------------------------------------------------------------------------------------

ABOUT = {"at": "2026-01-01", "commit": "abc", "processors": 2, "processor": "x", "ansible_core": "2", "python": "3"}
RESULTS = {
    "environment": {**ABOUT, "rounds": 1},
    "samples": [sample("tool", 9.0, apply=5.0, phases={"Plan": 1.0, "Roll out": 5.0}), sample("limit", 3.0)],
}


def test_the_text_tells_a_missed_bar_and_where_the_time_went() -> None:
    text = _show.text(RESULTS)
    assert "whole run / limit, 40 hosts" in text and "MISSED" in text
    assert "rotate_bot, 40 hosts, seconds: plan 1.0, roll out 5.0" in text


def test_the_plot_is_the_same_for_the_same_samples(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a", "b"):
        assert _show.plot(RESULTS, tmp_path / name)
    for suffix in ("png", "svg"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_a_result_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"before\n{_publish.BEGIN}\nold\n{_publish.END}\nafter\n")
    _publish.replace(file, "new")
    _publish.replace(file, "newer")
    assert file.read_text() == f"before\n{_publish.BEGIN}\n\nnewer\n\n{_publish.END}\nafter\n"
    file.write_text("no place")
    with pytest.raises(ValueError, match="no place for the result"):
        _publish.replace(file, "new")
