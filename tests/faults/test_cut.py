# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's connection is cut in the middle of `service_env`, and what was left there or on the controller goes on late.

The service runs with the old or the new token and never with none of them, its environment file is never half a file,
and what the rerun has left stands, whatever comes late.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import psutil
import pytest

from tests.faults._events import CHANGING
from tests.faults._gated import HOST, INSTALLATION, Gated, gated
from tests.faults._judge import Reference, problems, state
from tests.faults._runs import Case
from tests.faults._setting import Setting
from tests.faults.test_kill import kill_and_run_again
from tests.sandbox._process import wait_for
from tests.sandbox.tokens import fingerprint


@pytest.mark.parametrize(
    ("kv", "task"),
    [
        pytest.param(
            kv,
            task,
            id=f"v{kv}-{'_'.join(task.split()[:8])}",
            marks=pytest.mark.row(f"orphan of the controller, after the rerun, KV v{kv}"),
        )
        for kv, tasks in ((1, CHANGING[::2]), (2, CHANGING[1::2]))  # each task once
        for task in tasks
    ],
)
def test_late_orphan_of_the_controller(
    kv: int,
    task: str,
    setting: Callable[[int], Setting],
    undisturbed: Callable[[int], Reference],
    record_property: Callable[[str, object], None],
) -> None:
    due = undisturbed(kv)
    number = next(event.number for event in due.events if (event.kind, event.task) == ("start", task))
    record_property("ended", kill_and_run_again(setting(kv), due, "late", number))


@pytest.mark.row("host cut off")
@pytest.mark.parametrize("gate", ["stop", "start"])
def test_cut_off_before_and_in_the_restart(
    gate: str, setting: Callable[[int], Setting], undisturbed: Callable[[int], Reference]
) -> None:
    """The file is written; the service still runs with the old token (`stop`) or is down (`start`)."""
    cut_off(setting(1), undisturbed(1), gate)


def cut_off(setting: Setting, due: Reference, gate: str) -> None:
    """The rerun begins while the host still works for the run that was cut off."""
    case = Case(setting)
    old, new = fingerprint(setting.old[INSTALLATION]), fingerprint(setting.new[INSTALLATION])
    with gated(case) as service, service.watched() as contents:
        service.hold(gate)
        first = case.start("first", **service.env)
        service.wait_held(gate)
        assert service.carries() == (old if gate == "stop" else "")
        service.cut()
        ended = case.done("first", first)
        assert ended.status != 0 and HOST in ended.text and "run rotate_bot again" in ended.text, ended
        rerun = case.start("rerun", **service.env)
        wait_for("the rerun comes to the hosts", lambda: _at_hosts(case), timeout=60)
        service.let_go(gate)
        done = case.done("rerun", rerun)
        assert service.carries() == new, done
        wrong = problems(case, due, done, warned=True)
        assert not wrong, "\n".join([*wrong, repr(done)])
    assert contents == {service.text(setting.old[INSTALLATION]), service.text(setting.new[INSTALLATION])}
    case.end()


def _at_hosts(case: Case) -> bool:
    file = case.directory / "rerun" / "events"
    return file.exists() and any(event.task.startswith("Look at environment") for event in case.events("rerun"))


@pytest.mark.row("orphan on a host, after the rerun")
def test_orphan_on_a_host_after_the_rerun(
    setting: Callable[[int], Setting], undisturbed: Callable[[int], Reference]
) -> None:
    """It was stopped before it looked at anything; when it goes on, the rotation that it was part of has ended."""
    due, case = undisturbed(1), Case(setting(1))
    with gated(case) as service, service.watched() as contents:
        orphan = _left_behind(case, service)
        done = case.run("rerun", **service.env)
        wrong = problems(case, due, done, warned=True)
        assert not wrong, "\n".join([*wrong, repr(done)])
        before = (state(case.setting), service.pid, service.carries())
        _go_on(orphan)
        assert (state(case.setting), service.pid, service.carries()) == before
    assert contents == {service.text(tokens[INSTALLATION]) for tokens in (case.setting.old, case.setting.new)}
    case.end()


@pytest.mark.row("orphan, after another rotation")
def test_orphan_on_a_host_after_another_rotation(setting: Callable[[int], Setting]) -> None:
    """When it goes on, the tokens that it was given are dead, and newer ones are in use: it must not bring them back."""
    case = Case(setting(1))
    with gated(case) as service:
        orphan = _left_behind(case, service)
        before = _rotate_twice(case, **service.env), service.pid
        _go_on(orphan)
        assert (state(case.setting), service.pid) == before
        assert service.carries() == fingerprint(case.setting.new[INSTALLATION])
    case.end()


@pytest.mark.row("orphan, after another rotation")
@pytest.mark.parametrize("mode", ["newborn", "late"])
def test_orphan_of_the_controller_after_another_rotation(
    mode: str, setting: Callable[[int], Setting], undisturbed: Callable[[int], Reference]
) -> None:
    """The same for a worker that was about to send the tokens to a host, and for one that has just sent them."""
    rollout = ("start", "Write environment files, restart, and prove that the processes have the new tokens")
    number = next(event.number for event in undisturbed(1).events if (event.kind, event.task) == rollout)
    case = Case(setting(1))
    with case.killed(mode, number) as killed:
        assert killed.orphans, killed.said
        before = _rotate_twice(case)
        killed.let_go()
        assert killed.gone()
    assert state(case.setting) == before
    case.end()


def _rotate_twice(case: Case, **env: str) -> dict[str, object]:
    """End the rotation, and make the next; what is there then."""
    for name in ("rerun", "next"):
        done = case.run(name, **env)
        assert done.status == 0, done
        if name == "rerun":
            case.setting.stage_again()
    return state(case.setting)


def _left_behind(case: Case, service: Gated) -> int:
    """A run whose program for the rollout is stopped on the host before it does anything: its process."""
    first = case.start("first", **service.env)
    wait_for("the rollout begins", lambda: _rolls_out(case), timeout=60)
    service.stop_next()
    orphan = service.stopped()
    assert case.done("first", first).status != 0
    return orphan


def _rolls_out(case: Case) -> bool:
    file = case.directory / "first" / "events"
    return file.exists() and any(
        event.kind == "end" and event.task.startswith("Fetch the tokens") for event in case.events("first")
    )


def _go_on(orphan: int) -> None:
    os.kill(orphan, signal.SIGCONT)
    wait_for("the orphan ends", lambda: not _runs(orphan), timeout=90)


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
