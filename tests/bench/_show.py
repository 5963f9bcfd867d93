# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of `make bench` leaves: a table with its bars, why a bar was missed, and the plot."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from tabulate import tabulate

from tests.bench import _figures, _phases

KINDS = {"tool": "rotate_bot", "check": "rotate_bot --check", "by_hand": "by hand", "limit": "parallel ssh"}
# Okabe and Ito's colours, which people who do not see all colours can tell apart.
LOOKS = {
    "by_hand": ("#D55E00", "s", "hand-written playbook, tuned"),
    "tool": ("#0072B2", "o", "rotate_bot, with all checks and proofs"),
    "check": ("#56B4E9", "D", "rotate_bot --check"),
    "limit": ("#555555", "^", "parallel ssh: write, restart, wait (the limit)"),
}


def text(results: dict[str, Any]) -> str:
    """All of it, as Markdown: the bars first, then times and where they go."""
    samples, about = results["samples"], results["environment"]
    where = (
        f"Measured on {about['at']} at commit {about['commit']}: {about['processors']} processors ({about['processor']}), "
        f"which hosts and controller share; ansible-core {about['ansible_core']}, Python {about['python']}; "
        f"{about['rounds']} rounds."
    )
    return (
        f"{verdicts(samples)}\n\n{reason(samples, about['processors'])}{where}\n\n"
        f"## Times\n\nSeconds: median, and the span of all rounds.\n\n{times(samples)}\n\n"
        f"## Where they go\n\n{causes(samples)}"
    )


def times(samples: list[dict[str, Any]]) -> str:
    """Medians in seconds (and the span of all rounds), a row for each number of hosts and installations."""
    points = sorted({(one["installations"], one["hosts"]) for one in samples if one["what"] in KINDS})
    rows = [
        [hosts, installations, *(_span(samples, what, hosts, installations) for what in KINDS)]
        for installations, hosts in points
    ]
    return tabulate(rows, ["hosts", "installations", *(f"{name} (s)" for name in KINDS.values())], "github")


def _span(samples: list[dict[str, Any]], what: str, hosts: int, installations: int) -> str:
    found = _figures.values(samples, what=what, hosts=hosts, installations=installations)
    return f"{median(found):.1f} ({min(found):.1f}-{max(found):.1f})" if found else ""


def verdicts(samples: list[dict[str, Any]]) -> str:
    """The figures, what they are held to, and whether they keep it."""
    words = {True: "met", False: "MISSED", None: ""}
    rows = [
        [each.name, "not measured" if each.value is None else f"{each.value:.2f}", each.asked, words[each.met]]
        for each in _figures.bars(samples)
    ]
    return tabulate(rows, ["ratio of medians", "measured", "bar", ""], "github", disable_numparse=True)


def reason(samples: list[dict[str, Any]], processors: int) -> str:
    """Why bars of time are missed, as far as processor time tells; empty where all are met, or it does not tell."""
    hosts = max((one["hosts"] for one in samples if one["what"] == "tool"), default=0)
    missed = any(each.met is False and "memory" not in each.name for each in _figures.bars(samples))
    if not missed:
        return ""
    shares, each_host = {}, {}
    for what in ("tool", "limit"):
        busy = _figures.middle(samples, "busy", what=what, hosts=hosts, installations=1)
        seconds = _figures.middle(samples, what=what, hosts=hosts, installations=1)
        if not busy or not seconds:
            return ""
        shares[what], each_host[what] = busy / seconds / processors, 1000 * busy / hosts
    words = " and ".join(f"for {shares[what]:.0%} of the time of {KINDS[what]}" for what in shares)
    costs = ", ".join(f"{KINDS[what]} {milliseconds:.0f} ms" for what, milliseconds in each_host.items())
    return (
        f"Why bars are missed: {processors} processors, which hosts and controller share, are busy {words}. So time is "
        f"processor time, and of that a host costs, all of a run divided by the hosts: {costs}.\n\n"
    )


def causes(samples: list[dict[str, Any]]) -> str:
    """Where the seconds of a whole run, of its check and of the limit go at the most hosts; for missed bars, and for all."""
    hosts = max((one["hosts"] for one in samples if one["what"] == "tool"), default=0)
    lines = []
    for what in ("tool", "check", "by_hand"):
        runs = [one for one in samples if one["what"] == what and one["hosts"] == hosts and one["installations"] == 1]
        if runs:
            phases = {name: median(one["phases"].get(name, 0.0) for one in runs) for name in runs[0]["phases"]}
            lines.append(f"- {KINDS[what]}, {hosts} hosts, seconds: {_phases.in_words(phases)}")
    for what, words in (("limit", "connections to open"), ("limit_open", "connections open")):
        seconds = _figures.middle(samples, what=what, hosts=hosts, installations=1)
        if seconds is not None:
            lines.append(f"- parallel ssh, {words}, {hosts} hosts, seconds: {seconds:.1f}")
    added = {what: _figures.growth(samples, what) for what in ("tool", "limit", "by_hand")}
    added["apply phase"] = _figures.growth(samples, "tool", key="apply")
    words = [f"{KINDS.get(name, name)} {seconds:.3f}" for name, seconds in added.items() if seconds is not None]
    if words:
        lines.append(f"- for each added host, seconds: {', '.join(words)}")
    work = {what: _figures.growth(samples, what, key="busy") for what in ("tool", "limit", "by_hand")}
    words = [f"{KINDS[name]} {seconds:.3f}" for name, seconds in work.items() if seconds is not None]
    if words:
        lines.append(f"- for each added host, seconds of processor time: {', '.join(words)}")
    for by in ("tool", "restart"):
        found = [s for one in samples if one["what"] == "outage" and one["by"] == by for s in one["outages"].values()]
        if found:
            lines.append(
                f"- outage, {by}: median {median(found):.2f} s, worst {max(found):.2f} s, {len(found)} watched"
            )
    for by in ("tool", "ping"):
        size = _figures.middle(samples, "bytes", what="memory", by=by)
        if size is not None:
            lines.append(f"- memory, {by}: {size / 2**20:.0f} MiB at the peak")
    return "\n".join(lines)


def plot(results: dict[str, Any], stem: Path) -> bool:
    """Draw time against hosts, for one installation, as STEM.png and STEM.svg; equal samples give equal files.

    False where there is nothing to draw with.
    """
    try:
        import matplotlib  # only here: nothing else needs it
    except ImportError:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    samples, about = results["samples"], results["environment"]
    caption = (
        f"median and span of {about['rounds']} rounds; hosts and controller share {about['processors']} processors"
    )
    settings = {"svg.hashsalt": "botops.rotation", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(8, 4.6), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for what, (colour, marker, label) in LOOKS.items():
            _draw(axes, samples, what, colour, marker, label)
        axes.set_xlabel("hosts, one service each")
        axes.set_ylabel("seconds, whole run")
        axes.set_title("Rotating one installation's token", loc="left", fontweight="bold", pad=22)
        axes.text(0, 1.03, caption, transform=axes.transAxes, fontsize=8, color="#666666")
        axes.set_xlim(0, max(one["hosts"] for one in samples) * 1.09)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color="#dddddd", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
        figure.savefig(stem.with_suffix(".png"), metadata={"Software": None})
        figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None, "Creator": None})
    return True


def _draw(axes: Any, samples: list[dict[str, Any]], what: str, colour: str, marker: str, label: str) -> None:
    counts = sorted({one["hosts"] for one in samples if one["what"] == what and one["installations"] == 1})
    found = [_figures.values(samples, what=what, hosts=count, installations=1) for count in counts]
    if not counts:
        return
    middles = [median(each) for each in found]
    axes.fill_between(
        counts, [min(each) for each in found], [max(each) for each in found], color=colour, alpha=0.15, lw=0
    )
    axes.plot(counts, middles, color=colour, marker=marker, markersize=5, linewidth=1.8, label=label)
    axes.annotate(
        f"{middles[-1]:.1f} s", (counts[-1], middles[-1]), (6, 0), textcoords="offset points", va="center", color=colour
    )
