# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagram in docs/design.md is what the state machine does."""

from __future__ import annotations

from ansible_collections.botops.rotation.plugins.module_utils._record import State

from tests.tools import states


def test_the_diagram_is_that_of_the_code() -> None:
    found = states.FENCE.findall(states.DESIGN.read_text(encoding="utf-8"))
    assert found == [states.diagram()], "run python -m tests.tools.states --write"


def test_every_state_is_in_it_and_every_note_belongs_to_an_arrow() -> None:
    arrows = states.arrows()
    assert {end for _start, end, _event in arrows} | {"none"} == {state.value for state in State}
    assert set(states.NOTES) <= {(start, event) for start, _end, event in arrows}
