# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services fail their health check with their new tokens, and the old ones are alive, dead, or some of them alive.

What each installation ends with, in Vault, in environment files and in processes, is compared with a table. Where
something went back, what failed is then mended, the old tokens are revoked, and a rerun goes forward: everything is as
after a rotation that nobody disturbed. Services that share an installation go back together, or none of them does, so
gobot's installations are two groups: ibmcloud and watsondataplatform (bot-host-1 and 3), compose and ibmanalytics
(bot-host-2).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.e2e._health import failing_with
from tests.e2e._world import files, pids
from tests.faults._ends import HOSTS, End, differences, go_forward, report
from tests.faults._judge import Reference, announcements, harm
from tests.faults._runs import Case
from tests.faults._setting import BOT, SPECS, Setting
from tests.sandbox.services import ServiceSpec

IBMCLOUD, WATSON, COMPOSE, ANALYTICS = (
    f"{BOT}/{each}" for each in ("ibmcloud", "watsondataplatform", "compose", "ibmanalytics")
)
CANARY = ("-e", json.dumps({"botops_rollout_serial": [1, "100%"]}))
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "service": (("gobot-reports",), ()),
    "host": (("gobot-consumer", "gobot-events"), ()),
    "canary": (("gobot-consumer",), CANARY),
    "all": (tuple(spec.name for spec in SPECS), ()),
}
"""Which services fail, and with which options the rotation runs."""
BACK = End("rolled_back", "rolled_back", "old")
LEFT, LIVES, FAILED = (End(outcome, "promoted", "new") for outcome in ("partial", "old_alive", "failed"))
DONE = End("rotated", "rotated", "new")
DUE = {  # place, old tokens -> which of them are dead, and how ibmcloud, watsondataplatform, compose, ibmanalytics end
    ("service", "alive"): ((), (LIVES, LIVES, BACK, BACK)),
    ("service", "dead"): ((IBMCLOUD, WATSON, COMPOSE, ANALYTICS), (DONE, DONE, FAILED, FAILED)),
    ("service", "mixed"): ((ANALYTICS,), (LIVES, LIVES, FAILED, FAILED)),
    ("host", "alive"): ((), (BACK, BACK, LIVES, LIVES)),
    ("host", "dead"): ((IBMCLOUD, WATSON, COMPOSE, ANALYTICS), (FAILED, FAILED, DONE, DONE)),
    ("host", "mixed"): ((WATSON,), (FAILED, FAILED, LIVES, LIVES)),
    ("canary", "alive"): ((), (BACK, BACK, LEFT, LEFT)),
    ("canary", "dead"): ((IBMCLOUD, WATSON, COMPOSE, ANALYTICS), (FAILED, DONE, DONE, DONE)),
    ("canary", "mixed"): ((WATSON,), (FAILED, DONE, LIVES, LIVES)),
    ("all", "alive"): ((), (BACK, BACK, BACK, BACK)),
    ("all", "dead"): ((IBMCLOUD, WATSON, COMPOSE, ANALYTICS), (FAILED, FAILED, FAILED, FAILED)),
    ("all", "mixed"): ((WATSON,), (FAILED, FAILED, BACK, BACK)),
}


@pytest.mark.parametrize(
    ("kv", "place", "old"),
    [
        pytest.param(
            1 + number % 2,  # with three states in a row, each place and each state has both
            place,
            old,
            id=f"{place}-{old}",
            marks=pytest.mark.row(f"services fail their health check: {place}, old tokens {old}"),
        )
        for number, (place, old) in enumerate(DUE)
    ],
)
def test_services_fail(
    kv: int, place: str, old: str, setting: Callable[[int], Setting], undisturbed: Callable[[int], Reference]
) -> None:
    fail_and_mend(setting(kv), undisturbed(kv), place, old)


def fail_and_mend(setting: Setting, due: Reference, place: str, old: str) -> None:
    """One case."""
    (names, options), (dead, ended) = PLACES[place], DUE[place, old]
    ends = dict(zip((IBMCLOUD, WATSON, COMPOSE, ANALYTICS), ended))
    case = Case(setting, old="live")
    for each in dead:
        setting.sandbox.slack.set_token_state(setting.old[each], "revoked")
    before = after_the_canary(setting)
    with failing(setting, names):
        done = case.run("first", *options)
    words = {each: "old" if end in (BACK, LEFT) else "new" for each, end in ends.items()}
    wrong = [*differences(case, ends, {spec.name: words for spec in SPECS}), *harm(case)]
    wrong += [
        f"{each}: no next step" for each, row in report(case).items() if ends[each] != DONE and not row["next_step"]
    ]
    wrong += [f"{name} is not named" for name in names if f"{name} on {HOSTS[name]}" not in done.text]
    wrong += [f"announced {times} times: {each}" for each, times in announcements(case).items() if times > 1]
    if LEFT in ended and after_the_canary(setting) != before:
        wrong.append("a host was touched after the canary had failed")
    assert done.status and not wrong, "\n".join([*wrong, repr(done)])
    if BACK in ended:
        go_forward(case, due)
    else:
        case.end()


def _new_token(setting: Setting, spec: ServiceSpec) -> str:
    """The new token in the first variable of a service."""
    return setting.new[next(iter(spec.variables.values()))]


@contextmanager
def failing(setting: Setting, names: tuple[str, ...]) -> Iterator[None]:
    """Services that fail with their new tokens."""
    with ExitStack() as stack:
        for spec in SPECS:
            if spec.name in names:
                stack.enter_context(failing_with(setting.sandbox, spec.name, _new_token(setting, spec)))
        yield


def after_the_canary(setting: Setting) -> dict[str, Any]:
    """What the hosts after the first have: processes, and files with inodes and times."""
    found = {name: pid for name, pid in pids(setting.sandbox).items() if HOSTS.get(name) != "bot-host-1"}
    return found | {path: about for path, about in files(setting.sandbox).items() if "/bot-host-1/" not in path}
