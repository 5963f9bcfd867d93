# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service fails with its new token, and the way back that the run takes then meets a Vault or a host that fails, too.

What the run leaves is written down, and a rerun resumes from there: forward, once the service is mended and the old tokens
are revoked, or back with rollback_bot while they live. gobot-consumer on bot-host-1 is the service that fails; the way
back is that of gobot/ibmcloud and gobot/watsondataplatform, with gobot-events there and gobot-scheduler on bot-host-3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.e2e._health import failing_with, health_page, service_changed
from tests.e2e._playbook import run
from tests.faults._ends import HOSTS, End, differences, go_forward, report
from tests.faults._gate import gate
from tests.faults._judge import Reference, harm
from tests.faults._runs import HERE, Case, Done
from tests.faults._setting import BOT, SPECS, Setting

SERVICE, GROUP = "gobot-consumer", ("gobot/ibmcloud", "gobot/watsondataplatform")
RESTORE = "Bring the old tokens back in Vault"
AS_IT_WAS, BEGUN, ENDED = ("promoted", "new"), ("restoring", "new"), ("rolled_back", "old")
"""State of the record, and which token is current."""
VAULT = {  # fault, from which write on -> what the two installations are left with, in either order
    ("sealed", 0): (AS_IT_WAS, AS_IT_WAS),
    ("503", 2): (BEGUN, AS_IT_WAS),
    ("cut", 4): (ENDED, AS_IT_WAS),
    ("cut", 5): (ENDED, BEGUN),
}
"""An installation is brought back by three writes: record, current, record. 0: from the first request on, of any kind."""
CASES = [
    pytest.param(kv, *fault, then, id=f"v{kv}-{fault[0]}-{fault[1]}-{then}")
    for kv, fault, then in zip((1, 2, 1, 2), VAULT, ("back", "forward", "forward", "back"))
]


@pytest.mark.row("the way back meets a failing Vault")
@pytest.mark.parametrize(("kv", "fault", "at", "then"), CASES)
def test_vault_fails(
    kv: int,
    fault: str,
    at: int,
    then: str,
    setting: Callable[[int], Setting],
    undisturbed: Callable[[int], Reference],
) -> None:
    vault_fails(setting(kv), undisturbed(kv), fault, at, then)


def vault_fails(setting: Setting, due: Reference, fault: str, at: int, then: str) -> None:
    """One case. The fault lasts until the task that brings Vault back has ended."""
    case = Case(setting, old="live")
    writes: list[str] = []

    def befalls(verb: str, path: str) -> str:
        if not at_restore(case):
            return ""
        if verb in ("PUT", "POST") and path.startswith(("/v1/generic/", "/v1/secret/data/")) and path[-5:] != "_lock":
            writes.append(path)
        return fault if len(writes) >= at else ""

    with failing_with(setting.sandbox, SERVICE, setting.new[GROUP[0]]), gate(setting.sandbox.vault_url, befalls) as url:
        done = case.run("first", "-e", f"botops_vault_url={url}")
    left = {each: record(case, each) for each in GROUP}
    wrong = [] if Counter(left.values()) == Counter(VAULT[fault, at]) else [f"in Vault is {left}"]
    ends = {each: End("failed", *left[each]) for each in GROUP}
    words = {name: dict.fromkeys(GROUP, "old" if host == "bot-host-1" else "new") for name, host in HOSTS.items()}
    wrong += told(case, done, "Vault did not: ", ends, words)
    assert not wrong, "\n".join([*wrong, repr(done)])
    end(case, due, then)


def at_restore(case: Case) -> bool:
    """Whether the first run is at the task that brings Vault back."""
    event = case.events("first")[-1]
    return (event.kind, event.task) == ("start", RESTORE)


def record(case: Case, installation: str) -> tuple[str, str]:
    """State of its record, and which token is current."""
    setting = case.setting
    found = (setting.sandbox.bao.get(setting.beside(installation)[0]) or {})["state"]
    current = (setting.sandbox.bao.get(setting.path(installation)) or {})["value"]
    return found, "old" if current == setting.old[installation] else "new"


def told(case: Case, done: Done, why: str, ends: dict[str, End], words: dict[str, dict[str, str]]) -> list[str]:
    """What is wrong after the run whose way back failed."""
    rest = {each: "new" for each in case.setting.installations if each not in GROUP}
    wrong = [*differences(case, ends, {name: {**rest, **some} for name, some in words.items()}), *harm(case)]
    wrong += [] if done.status else ["exit status 0"]
    for each in GROUP:
        row = report(case)[each]
        if "going back to the old token failed too: " + why not in row["reason"]:
            wrong.append(f"{each}: {row['reason']}")
        if row["next_step"] != "run rotate_bot again: it goes on from here" or row["next_step"] not in done.text:
            wrong.append(f"{each}: {row['next_step']}")
    return wrong


def end(case: Case, due: Reference, then: str) -> None:
    """The service is mended; the rerun goes forward or back."""
    if then == "forward":
        go_forward(case, due)
        return
    setting = case.setting
    args = ("-e", f"bot={BOT}", *setting.extra)
    done = run(setting.sandbox, *args, playbook="botops.rotation.rollback_bot", directory=case.directory)
    back = dict.fromkeys(setting.installations, "old")
    wrong = [f"{each}: {record(case, each)}" for each in back if record(case, each) != ENDED]
    ends = {each: End(report(case)[each]["outcome"], *ENDED) for each in back}
    wrong += [*differences(case, ends, {spec.name: back for spec in SPECS}), *harm(case)]
    assert not done.status and not wrong, "\n".join([*wrong, repr(done)])
    case.end()


@pytest.mark.row("the way back meets a host that is down")
@pytest.mark.parametrize(("kv", "then"), [(1, "forward"), (2, "back")])
def test_a_host_dies(
    kv: int, then: str, setting: Callable[[int], Setting], undisturbed: Callable[[int], Reference]
) -> None:
    host_dies(setting(kv), undisturbed(kv), then)


def host_dies(setting: Setting, due: Reference, then: str) -> None:
    """bot-host-3 has got the new tokens, and cannot be reached any more when it is to get the old ones back."""
    case = Case(setting, old="live")

    def befalls(_verb: str, _path: str) -> str:
        if at_restore(case):
            (case.directory / "bot-host-3.down").touch()
        return ""

    env = {"CUTTABLE": str(case.directory), "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection")}
    with failing_with(setting.sandbox, SERVICE, setting.new[GROUP[0]]), gate(setting.sandbox.vault_url, befalls) as url:
        done = case.run("first", "-e", "ansible_connection=cuttable", "-e", f"botops_vault_url={url}", **env)
    words = {name: dict.fromkeys(GROUP, "new" if host == "bot-host-3" else "old") for name, host in HOSTS.items()}
    wrong = told(
        case, done, "these hosts did not go back: bot-host-3", dict.fromkeys(GROUP, End("failed", *ENDED)), words
    )
    assert not wrong, "\n".join([*wrong, repr(done)])
    end(case, due, then)


@pytest.mark.row("the way back meets a service that stays down")
@pytest.mark.parametrize("kv", [2])
def test_a_service_does_not_come_up_with_the_old_token(
    kv: int, setting: Callable[[int], Setting], undisturbed: Callable[[int], Reference]
) -> None:
    case = Case(setting(kv), old="live")
    with broken_by(case.setting, case.setting.new[GROUP[0]]):
        done = case.run("first")
    words = {spec.name: dict.fromkeys(GROUP, "old") for spec in SPECS}
    ends = dict.fromkeys(GROUP, End("failed", *ENDED))
    wrong = told(case, done, "these hosts did not go back: bot-host-1", ends, words)
    assert not wrong, "\n".join([*wrong, repr(done)])
    end(case, undisturbed(kv), "forward")


@contextmanager
def broken_by(setting: Setting, token: str) -> Iterator[None]:
    """The service is well until it has had a token, and never again."""
    broken: list[bool] = []

    def well() -> bool:
        pid = setting.sandbox.service(SERVICE).pid
        if pid and token in setting.sandbox.process_env(pid).values():
            broken.append(True)
        return not broken and setting.sandbox.health(SERVICE)[0] == 200

    health = {"status": 200, "timeout": 1}
    with health_page(well) as url, service_changed(setting.sandbox, SERVICE, health={"url": url, **health}):
        yield
