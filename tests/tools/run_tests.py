# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test`: every check there is, in an order that keeps two cores busy and measures times on a quiet machine.

1. lint and sanity, which write to a log, while the unit tests run;
2. integration and end-to-end tests, and one case of each kind of fault (`make test-faults` has them all), several at
   once;
3. tests marked `alone` (those with a time limit), one by one.
Ends with one line that counts the tests; non-zero when anything failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOBS = os.environ.get("JOBS", "2")
NO_TESTS_COLLECTED = 5
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed|deselected|warnings?)\b")


def say(text: str) -> None:
    print(text, flush=True)


def pytest(title: str, counts: Counter[str], *arguments: str) -> bool:
    """Run pytest, let its output through, add its last line to `counts`; whether all went well."""
    say(f"test: {title}")
    command = [sys.executable, "-m", "pytest", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        last = ""
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line if COUNT.search(line) else last
    counts.update({kind.rstrip("s") if kind == "errors" else kind: int(number) for number, kind in COUNT.findall(last)})
    return process.returncode in (0, NO_TESTS_COLLECTED)


def folders(*names: str) -> list[str]:
    return [f"tests/{name}" for name in names if list((ROOT / "tests" / name).rglob("test_*.py"))]


def main() -> int:
    started = time.monotonic()
    counts: Counter[str] = Counter()
    failed = []

    with tempfile.TemporaryFile("w+") as log:
        # Under a make of its own: what the caller gave to make (-j, -k) is not meant for it.
        env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        command = ["make", "--no-print-directory", "--keep-going", "lint", "sanity"]
        say("test: lint and sanity, in the background; their output follows the unit tests")
        static = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            if not pytest("unit", counts, "-n", JOBS, *folders("unit")):
                failed.append("unit")
            say("test: wait for lint and sanity")
            if static.wait():
                failed.append("lint or sanity")
        finally:
            static.terminate()
            static.wait()
        log.seek(0)
        say(log.read().rstrip())

    live = [*folders("integration", "e2e"), *map(str, sorted(ROOT.glob("tests/faults/**/test_samples.py")))]
    if live and not pytest("integration, end to end, faults", counts, "-n", JOBS, "-m", "not alone", *live):
        failed.append("integration, end to end or faults")
    if live and not pytest("with a time limit, one by one", counts, "-m", "alone", *live):
        failed.append("with a time limit")

    shown = ", ".join(f"{counts[kind]} {kind}" for kind in ("failed", "error", "passed", "skipped") if counts[kind])
    verdict = "FAILED" if "lint or sanity" in failed else "clean"
    say(f"{shown or 'no tests'} in {time.monotonic() - started:.0f} s; lint and sanity {verdict}")
    if failed:
        print("test: FAILED: " + ", ".join(failed), file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
