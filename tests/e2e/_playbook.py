# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-playbook` as a person does, and takes apart what it printed and left behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.sandbox import Sandbox
from tests.sandbox._state import ROOT

CALLBACKS = Path(__file__).parent / "callback"
_RECAP = re.compile(r"^(\S+)\s+: (ok=\d+.*)$", re.MULTILINE)
_TASK = re.compile(r"^TASK \[(.*)\] \**$", re.MULTILINE)
_CELLS = re.compile(r"\s{2,}")


@dataclass(repr=False)
class Run:
    """A run that has ended. `directory` is where it was started; `status` the exit status."""

    status: int
    stdout: str
    stderr: str
    directory: Path
    results: list[dict[str, Any]] = field(default_factory=list)

    def __repr__(self) -> str:  # what pytest shows of a failed assertion
        return f"exit status {self.status}\n{self.stdout}\n{self.stderr}"

    @property
    def text(self) -> str:
        """All that was printed, with the white space of wrapped lines made one blank: for looking for sentences."""
        return re.sub(r"\s+", " ", self.stdout + " " + self.stderr)

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Host -> the counts of Ansible's recap."""
        return {
            host: {key: int(number) for key, _dummy, number in (each.partition("=") for each in counts.split())}
            for host, counts in _RECAP.findall(self.stdout)
        }

    @property
    def changed(self) -> dict[str, int]:
        """Host -> how many tasks changed something."""
        return {host: counts["changed"] for host, counts in self.recap.items()}

    @property
    def tasks(self) -> list[str]:
        """The headings of the tasks that ran."""
        return _TASK.findall(self.stdout)

    @property
    def end(self) -> str:
        """What was printed after the recap: the table."""
        return self.stdout.rpartition("PLAY RECAP")[2].partition("\n\n")[2].strip()

    @property
    def rows(self) -> list[dict[str, str]]:
        """The lines of the table that the run ends with, by the headings of its columns."""
        lines = self.end.splitlines()
        head = next(number for number, line in enumerate(lines) if line.startswith(("workspace ", "installation ")))
        columns = _CELLS.split(lines[head])
        rows = (_CELLS.split(line.strip()) for line in lines[head + 1 :])
        return [dict(zip(columns, row)) for row in rows if len(row) == len(columns)]

    @property
    def reports(self) -> list[Path]:
        """The JSON reports in the directory that the run was started in."""
        return sorted((self.directory / "reports").glob("*.json"))

    @cached_property
    def report(self) -> dict[str, Any]:
        """The report of the run: the only one in its directory, or the newest."""
        assert self.reports, self
        return json.loads(self.reports[-1].read_text(encoding="utf-8"))

    @property
    def outcomes(self) -> dict[str, str]:
        """Installation -> outcome, as the run's last step gave it, --check included."""
        return self.of("botops.rotation.rotation_outcome")[-1]["outcomes"]

    def row(self, installation: str) -> dict[str, Any]:
        """An installation in the report."""
        return next(row for row in self.report["installations"] if row["id"] == installation)

    def of(self, action: str, host: str | None = None) -> list[dict[str, Any]]:
        """The results of an action, in order, as any callback gets them."""
        return [one["result"] for one in self.results if one["action"] == action and host in (None, one["host"])]


def run(
    sandbox: Sandbox,
    *args: str,
    playbook: str = str(ROOT / "rotate_bot.yml"),
    directory: Path | None = None,
    stdin: str | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 180.0,
) -> Run:
    """Run a playbook with arguments in a directory (default: a new one inside the sandbox's)."""
    directory = directory or Path(tempfile.mkdtemp(prefix="run-", dir=sandbox.dir))
    results = Path(tempfile.mkdtemp(prefix="results-", dir=sandbox.dir)) / "results.jsonl"
    results.touch()
    done = subprocess.run(
        ["ansible-playbook", playbook, *args],
        cwd=directory,
        env={**environment(sandbox, results), **(env or {})},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    lines = results.read_text(encoding="utf-8").splitlines()
    return Run(done.returncode, done.stdout, done.stderr, directory, [json.loads(line) for line in lines])


def environment(sandbox: Sandbox, results: Path) -> dict[str, str]:
    """The environment of a run: a wide screen without colours, a directory of its own for temporary files, no home."""
    temporary = sandbox.dir / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        **sandbox.env,
        "HOME": str(sandbox.dir),
        "TMPDIR": str(temporary),
        "COLUMNS": "400",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "botops.rotation.summary,e2e_results",
        "E2E_RESULTS": str(results),
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }
