# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a result into docs/bench and the README, between the lines that mark its place."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.tools.stage import ROOT

DOCS = ROOT / "docs" / "bench"
BEGIN, END = "<!-- bench: begin; made by make bench -->", "<!-- bench: end -->"
PICTURE = "![Seconds of a whole run against hosts: parallel ssh, rotate_bot, a hand-written playbook]({})"
FILES = ("results.json", "time.png", "time.svg")


def publish(directory: Path, text: str) -> None:
    """Copy the files of a run, and write its tables into docs/bench/README.md and its bars into the README."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (directory / name).exists() and directory != DOCS:
            shutil.copyfile(directory / name, DOCS / name)
    replace(DOCS / "README.md", f"{PICTURE.format('time.svg')}\n\n{text}")
    # The README has the bars alone: what stands before the first heading.
    replace(ROOT / "README.md", f"{PICTURE.format('docs/bench/time.svg')}\n\n{text.partition(chr(10) + '## ')[0]}")


def replace(file: Path, text: str) -> None:
    """Put `text` between the marks of a file."""
    before, begin, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{file} has no place for the result: {BEGIN} ... {END}")
    file.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
