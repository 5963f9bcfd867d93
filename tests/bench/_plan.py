# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs a bench makes, in which order: in each round every contestant at every point, beginning with another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bench._runs import Runs

Run = Callable[["Runs"], dict[str, Any]]

CONTESTANTS: dict[str, Run] = {
    "tool": lambda runs: runs.tool(),
    "limit": lambda runs: runs.limit(),
    "by_hand": lambda runs: runs.by_hand(),
}
# At the most hosts only. The restart comes after the watched rotation, on the tokens that this one brought.
AT_THE_MOST: dict[str, Run] = {
    "limit_open": lambda runs: runs.limit(open_before=True),
    "outage tool": lambda runs: runs.outage("tool"),
    "outage restart": lambda runs: runs.outage("restart"),
}
MEMORY: dict[str, Run] = {
    "memory tool": lambda runs: runs.memory("tool"),
    "memory ping": lambda runs: runs.memory("ping"),
}
# What needs no new tokens: it changes nothing, or restarts services on the tokens that they have.
KEEPS = ("outage restart", "memory ping")


@dataclass(frozen=True)
class Step:
    """One run. `fresh`: new tokens are staged before it."""

    hosts: int
    installations: int
    round: int
    name: str
    run: Run
    fresh: bool = True

    @property
    def about(self) -> dict[str, int]:
        return {"hosts": self.hosts, "installations": self.installations, "round": self.round}


def steps(hosts: list[int], installations: list[int], rounds: int) -> list[Step]:
    """All runs. Every number of hosts with one installation; more installations at the most hosts, not by hand."""
    made: list[Step] = []
    for number in range(1, rounds + 1):
        for count in sorted(set(hosts)):
            made += _turn(count, 1, number, CONTESTANTS)
        most = max(hosts)
        made += _named(most, 1, number, AT_THE_MOST)
        made += _named(most, 1, number, MEMORY) if number == 1 else []
        for several in sorted(set(installations) - {1}):
            made += _turn(most, several, number, {name: CONTESTANTS[name] for name in ("tool", "limit")})
    return made


def _turn(hosts: int, installations: int, number: int, contestants: dict[str, Run]) -> list[Step]:
    """The contestants, each round beginning with another one; the check goes right before the run that it foretells."""
    names = list(contestants)
    first = number % len(names)
    made: list[Step] = []
    for name in names[first:] + names[:first]:
        if name == "tool" and installations == 1:
            made.append(Step(hosts, installations, number, "check", lambda runs: runs.tool(check=True)))
        made.append(
            Step(hosts, installations, number, name, contestants[name], fresh=name != "tool" or installations > 1)
        )
    return made


def _named(hosts: int, installations: int, number: int, runs: dict[str, Run]) -> list[Step]:
    return [Step(hosts, installations, number, name, run, fresh=name not in KEEPS) for name, run in runs.items()]


def in_words(sample: dict[str, Any]) -> str:
    """A line for who waits."""
    where = f"{sample['hosts']:2} hosts, {sample['installations']:2} installations, round {sample['round']}"
    if sample["what"] == "outage":
        seen = sorted(sample["outages"].values())
        return f"{where}: outage, {sample['by']}: {seen[len(seen) // 2]:.2f} s in the middle, {seen[-1]:.2f} s at worst"
    if sample["what"] == "memory":
        return f"{where}: memory, {sample['by']}: {sample['bytes'] / 2**20:.0f} MiB"
    return f"{where}: {sample['what']} {sample['seconds']:.1f} s"
