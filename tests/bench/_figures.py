# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics of `make bench`, pure: ratios of medians, growth, and the bars that they are held to.

A sample is one run: {"what": "tool", "hosts": 40, "installations": 1, "round": 2, "seconds": 9.1, "busy": 17.3, ...}, where
"busy" are the seconds that all processors worked meanwhile, one added to the other. `what` is one of

    tool       this collection: `rotate_bot.yml`; "apply" are the seconds of its play "Roll out", "phases" those of all
    check      the same with `--check`
    by_hand    `by_hand.yml`
    limit      parallel ssh, each connection opened by it
    limit_open parallel ssh over connections that are open, as the apply phase finds them
    outage     one watched run: "tool" or "restart" in "by", {service: seconds} in "outages"
    memory     one run under a memory meter: "tool" or "ping" in "by", "bytes" at its peak
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Sample = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """A figure and what it is held to. `value` is None where this run did not measure it."""

    name: str
    value: float | None
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the figure keeps the bar; None where there is no figure, or no bar."""
        if self.value is None or (self.most is None and self.least is None):
            return None
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def asked(self) -> str:
        """The bar in words."""
        if self.most is not None:
            return f"at most {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else "no bar"


def values(samples: Iterable[Sample], key: str = "seconds", **wanted: Any) -> list[float]:
    """The figures of the samples that have all that is wanted, such as `what="tool", hosts=40`."""
    return [one[key] for one in samples if key in one and all(one.get(name) == value for name, value in wanted.items())]


def middle(samples: Iterable[Sample], key: str = "seconds", **wanted: Any) -> float | None:
    """The median of `values`; None where there are none."""
    found = values(samples, key, **wanted)
    return median(found) if found else None


def ratio(above: float | None, below: float | None) -> float | None:
    """above / below, or None where one of them is not known."""
    return above / below if above is not None and below else None


def growth(
    samples: list[Sample], what: str, installations: int = 1, least_hosts: int = 5, key: str = "seconds"
) -> float | None:
    """Seconds for each host added, from `least_hosts` (or the next number that was measured) to the most."""
    counts = sorted({one["hosts"] for one in samples if one["what"] == what and one["installations"] == installations})
    counts = [count for count in counts if count >= least_hosts]
    if len(counts) < 2:
        return None
    few, many = (
        middle(samples, key, what=what, installations=installations, hosts=count) for count in (counts[0], counts[-1])
    )
    return (many - few) / (counts[-1] - counts[0]) if few is not None and many is not None else None


def outage_ratios(samples: list[Sample]) -> dict[str, float]:
    """Service -> its median outage under the tool / that under a bare restart. None of them where one was not watched."""
    seen: dict[str, dict[str, list[float]]] = {"tool": {}, "restart": {}}
    for one in samples:
        if one["what"] == "outage":
            for service, seconds in one["outages"].items():
                seen[one["by"]].setdefault(service, []).append(seconds)
    both = seen["tool"].keys() & seen["restart"].keys()
    return {name: median(seen["tool"][name]) / median(seen["restart"][name]) for name in sorted(both)}


def bars(samples: list[Sample]) -> list[Bar]:
    """All figures of a run, at its greatest number of hosts."""
    times = [one for one in samples if one["what"] in ("tool", "limit")]
    hosts = max((one["hosts"] for one in times), default=0)
    many = max((one["installations"] for one in samples if one["what"] == "tool"), default=1)

    def at(what: str, key: str = "seconds", installations: int = 1, **more: Any) -> float | None:
        return middle(samples, key, what=what, hosts=hosts, installations=installations, **more)

    whole, apply = at("tool"), at("tool", "apply")
    wide = max((one["hosts"] for one in samples if one["what"] == "tool" and one["installations"] == many), default=0)
    several = middle(samples, what="tool", hosts=wide, installations=many) if many > 1 else None
    single = middle(samples, what="tool", hosts=wide, installations=1)
    outages = list(outage_ratios(samples).values())
    return [
        Bar(f"apply phase / limit, {hosts} hosts", ratio(apply, at("limit")), most=1.2),
        Bar(f"apply phase / limit over open connections, {hosts} hosts", ratio(apply, at("limit_open"))),
        Bar(f"whole run / limit, {hosts} hosts", ratio(whole, at("limit")), most=2.5),
        Bar(f"by hand / whole run, {hosts} hosts", ratio(at("by_hand"), whole), least=2.5),
        Bar(f"{many if many > 1 else 'more'} installations / 1, {wide} hosts", ratio(several, single), most=1.3),
        Bar("outage / bare restart, median service", median(outages) if outages else None, most=1.15),
        Bar("outage / bare restart, worst service", max(outages) if outages else None, most=1.5),
        Bar(
            f"time per added host / the limit's, to {hosts} hosts",
            ratio(growth(samples, "tool"), growth(samples, "limit")),
            most=1.3,
        ),
        Bar(
            f"controller memory / one ping, {hosts} hosts",
            ratio(at("memory", "bytes", by="tool"), at("memory", "bytes", by="ping")),
            most=1.3,
        ),
        Bar(f"--check / whole run, {hosts} hosts", ratio(at("check"), whole), most=0.7),
    ]
