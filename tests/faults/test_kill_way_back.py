# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed on the way back to the old tokens, which it takes since a service fails with a new one.

Then the service is mended and the old tokens are revoked, so that there is no way back any more: the rerun, at once,
goes forward, and everything is as after a rotation that nobody disturbed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from tests.e2e._health import failing_with
from tests.faults._judge import FAILED, Reference, announcements, harm, state
from tests.faults._runs import Case, Event
from tests.faults._setting import Setting

SERVICE, INSTALLATION = "gobot-web", "gobot/compose"
POINTS = (
    ("start", "Bring the old tokens back in Vault", 1),
    ("end", "Bring the old tokens back in Vault", 1),
    ("start", "Put the old tokens back", 1),
    ("end", "Put the old tokens back", 1),
)
"""Kind of event, task, and the how-manieth such event of the task; the tasks that other runs leave out."""


@pytest.fixture(scope="module")
def turned_back(setting: Callable[[int], Setting]) -> Callable[[int], list[Event]]:
    """The events of a run that goes back and that nobody disturbs; made once for each KV version."""

    @functools.cache
    def get(kv: int) -> list[Event]:
        case = Case(setting(kv), old="live")
        with failing_with(case.setting.sandbox, SERVICE, case.setting.new[INSTALLATION]):
            done = case.run("undisturbed")
        assert done.status and "rolled back" in done.text, done
        return case.events("undisturbed")

    return get


@pytest.mark.parametrize(
    ("kv", "mode", "point"),
    [
        pytest.param(
            kv,
            mode,
            point,
            id=f"v{kv}-{mode}-{point[0]}-{'_'.join(point[1].split())}",
            marks=pytest.mark.row(f"controller killed on the way back, {mode}, KV v{kv}"),
        )
        for kv, mode, points in ((1, "all", POINTS[::2]), (2, "all", POINTS[1::2]), (1, "main", POINTS))
        for point in points
        if mode == "all" or point[0] == "start" or point[1].startswith("Put")
    ],
)
def test_killed_on_the_way_back(
    kv: int,
    mode: str,
    point: tuple[str, str, int],
    setting: Callable[[int], Setting],
    undisturbed: Callable[[int], Reference],
    turned_back: Callable[[int], list[Event]],
) -> None:
    due = undisturbed(kv)
    number = [each.number for each in turned_back(kv) if (each.kind, each.task) == point[:2]][point[2] - 1]
    case = Case(setting(kv), old="live")
    sandbox = case.setting.sandbox
    mended = sandbox.inventory_file.read_text(encoding="utf-8")
    with failing_with(sandbox, SERVICE, case.setting.new[INSTALLATION]), case.killed(mode, number) as killed:
        assert killed.said.get("killed"), killed.said
        case.setting.set_old("revoked")
        sandbox.inventory_file.write_text(mended, encoding="utf-8")
        done = case.run("rerun")
        assert killed.gone(), "orphans had to be killed"
    assert case.events("killed")[number - 1][1:3] == point[:2], "another event than in the undisturbed run"
    wrong = [*not_forward(case, due), *harm(case)]
    assert not done.status and not wrong, "\n".join([*wrong, repr(done)])
    case.end()


def not_forward(case: Case, due: Reference) -> list[str]:
    """What is not as a rotation leaves it; the record tells of two attempts, and each may have been announced."""
    found, setting = state(case.setting), case.setting
    wrong = [
        f"{part}: {found[part]}, due is {due.state[part]}"
        for part in ("services", "files", "beside files", "old versions")
        if found[part] != due.state[part]
    ]
    for each in setting.installations:
        path, record = setting.path(each), setting.beside(each)[0]
        if found["vault"][path] != due.state["vault"][path]:
            wrong.append(f"{path}: {found['vault'][path]}")
        for key in ("state", "tokens", "current"):
            if found["vault"][record][key] != due.state["vault"][record][key]:
                wrong.append(f"{record}, {key}: {found['vault'][record][key]}")
    posted = announcements(case)
    started = {each: 2 for each in due.announcements if each[1] == ":arrows_counterclockwise:"}
    wrong += [
        f"announced {times} times: {each}"
        for each, times in posted.items()
        if each[1] != FAILED and times > started.get(each, 1)
    ]
    return wrong + [f"not announced: {each}" for each in due.announcements if each not in posted]
