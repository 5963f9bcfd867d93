# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that cannot conclude goes on to its report: the phase alone, with what the phases before it would have left."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.sandbox._state import ROOT

ROLE = {"name": "botops.rotation.rotation", "tasks_from": "conclude", "rolespec_validate": False}


def test_where_no_lock_was_taken_nothing_is_released(tmp_path: Path) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"rotation_planned": {"plan": {"installations": [], "hosts": {}}}, "rotation_judged": {"judged": {}}},
        "tasks": [
            {"ansible.builtin.import_role": ROLE},
            {"ansible.builtin.debug": {"msg": "the report comes"}},
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", str(playbook)],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 and "the report comes" in done.stdout, done
    assert "state concluded needs what state judged gave" in done.stdout
