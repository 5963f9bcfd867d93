# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.bench [--hosts 1 5 20 40] [--installations 1 4 13] [--rounds 3] [--quick] [--publish]`.

Everything in one run, on the same hosts, the contestants in turn; results and logs go to a directory under .cache/bench.
`--publish` also puts them into docs/bench and the README. `--show FILE` only makes table and plot from stored results.
Exit status 0 also where a bar is missed: that is a result. 1: something did not work.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import _plan, _publish, _show
from tests.bench._runs import BenchError, Runs
from tests.bench._ssh import SshError
from tests.bench._world import World, about_machine
from tests.hosts import HostsError
from tests.sandbox import SandboxError
from tests.tools.stage import ROOT, git

_began = time.monotonic()


def say(text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"{minutes:3}:{seconds:02}  {text}", flush=True)


def main(argv: list[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    if options.show:
        results = json.loads(options.show.read_text(encoding="utf-8"))
        _finish(results, options.show.parent, options.publish)
        return 0
    if options.quick:
        options.hosts, options.installations, options.rounds = [1, 2], [1], 1
    directory = (options.out or ROOT / ".cache" / "bench" / time.strftime("%Y%m%dT%H%M%S")).absolute()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        samples = _measure(options, directory)
    except (BenchError, SshError, HostsError, SandboxError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 1
    about = {**about_machine(), "commit": git(ROOT, "rev-parse", "--short", "HEAD").strip(), "rounds": options.rounds}
    about |= {"at": time.strftime("%Y-%m-%d", time.gmtime()), "seconds": round(time.monotonic() - _began)}
    _finish({"environment": about, "samples": samples}, directory, options.publish)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 5, 20, 40], help="how many (default: 1 5 20 40)")
    parser.add_argument(
        "--installations", type=int, nargs="+", choices=(1, 4, 13), default=[1, 4, 13], help="at the most hosts"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (default: 3)")
    parser.add_argument("--quick", action="store_true", help="1 and 2 hosts, once: does it work?")
    parser.add_argument("--out", type=Path, help="where results and logs go (default: a new one in .cache/bench)")
    parser.add_argument("--publish", action="store_true", help="put the result into docs/bench and the README")
    parser.add_argument("--show", type=Path, metavar="FILE", help="a results.json: print and draw it, measure nothing")
    return parser


def _measure(options: argparse.Namespace, directory: Path) -> list[dict[str, Any]]:
    steps = _plan.steps(options.hosts, options.installations, options.rounds)
    say(f"{len(steps)} runs, up to {max(options.hosts)} hosts; logs in {os.path.relpath(directory)}")
    samples: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as place,
        World(max(options.hosts), Path(place), say) as world,
    ):
        runs = Runs(world, directory)
        for number, step in enumerate(steps, 1):
            world.arrange(step.hosts, step.installations)
            if step.fresh:
                world.fresh()
            else:
                world.settle()
            sample = {**step.about, **step.run(runs)}
            samples.append(sample)
            say(f"{number:3}/{len(steps)}  {_plan.in_words(sample)}")
            (directory / "samples.json").write_text(json.dumps(samples, indent=1) + "\n", encoding="utf-8")
    return samples


def _finish(results: dict[str, Any], directory: Path, publish: bool) -> None:
    (directory / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = _show.text(results)
    print(f"\n{text}")
    drawn = _show.plot(results, directory / "time")
    print("" if drawn else "no plot: matplotlib is not installed; pip install -r tests/bench/requirements.lock")
    if publish:
        _publish.publish(directory, text)
        print("published in docs/bench and the README; look at them, and commit them")


if __name__ == "__main__":
    sys.exit(main())
