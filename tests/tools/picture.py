# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.tools.picture`: the README's picture, docs/images/rotation.svg, from what a run really prints."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tests.sandbox import Sandbox
from tests.tools.stage import ROOT

PICTURE = ROOT / "docs/images/rotation.svg"
COMMAND = ("ansible-playbook", "rotate_bot.yml", "-e", "bot=gobot")
WIDTH = 127
LICENCE = "<!-- SPDX-License-Identifier: GPL-3.0-or-later -->"
GREEN = re.compile(r"(?<= )(yes|rotated|\d/\d)(?= |$)")
WEB_FONT = re.compile(r"\s*@font-face \{[^}]*\}")
FINGERPRINT = re.compile(r"\b[0-9a-f]{12}\b")


def table() -> str:
    """Rotates gobot in a sandbox of its own; what the run prints after Ansible's recap."""
    with tempfile.TemporaryDirectory(prefix="botops-picture.", dir="/tmp") as directory:
        started_in = Path(directory) / "run"
        started_in.mkdir()
        with Sandbox(Path(directory) / "sandbox") as sandbox:
            env = {**sandbox.env, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
            env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
            command = [COMMAND[0], str(ROOT / COMMAND[1]), *COMMAND[2:]]
            run = subprocess.run(command, cwd=started_in, env=env, check=True, capture_output=True, text=True)
    return run.stdout.rpartition("PLAY RECAP")[2].partition("\n\n")[2].strip()


def draw(printed: str) -> str:
    """The SVG of a terminal that shows the command and `printed`."""
    console = Console(record=True, width=WIDTH, file=StringIO(), highlight=False)
    console.print(Text.assemble(("$ ", "dim"), (" ".join(COMMAND), "bold")))
    console.print(Text("...", "dim"))
    for number, line in enumerate(printed.splitlines()):
        text = Text(line, "bold" if number < 2 else "")
        if number > 1:
            text.highlight_regex(GREEN, "green")
        text.highlight_regex(FINGERPRINT, "cyan")
        console.print(text)
    svg = console.export_svg(title="a rotation in the sandbox", theme=DIMMED_MONOKAI, unique_id="rotation")
    head, tag, rest = svg.partition(">\n")
    return f"{head}{tag}    {LICENCE}\n{WEB_FONT.sub('', rest)}\n"


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(table()), encoding="utf-8")
    print(f"picture: {PICTURE.relative_to(ROOT)}")
