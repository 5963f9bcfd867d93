# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting one service and waiting until it is healthy and has its token.

What is seen goes into the service's result; a service that does not get there raises HostError with the reason.
"""

from __future__ import annotations

import time

from . import _health
from ._mask import HostError
from ._service import Service

ACTIVE_SECONDS = 5.0  # a service without a health check counts as healthy once it has been active for so long
_USE_SECONDS = 3.0  # how long a process may take to show the token, or an old one to go
_HEALTH_SECONDS = 30.0


def restart(service: Service) -> None:
    """Stop and start; the clock of its unavailability runs from just before the first stop."""
    prepare = getattr(service.manager, "prepare", None)
    if prepare:
        prepare()
    service.result.update(restarted=True, changed=True, seconds_unavailable=None)
    service.started = time.monotonic()
    if service.stopped is None:
        service.stopped = service.started
    service.manager.restart()
    service.warn(*service.manager.warnings())


def _up(service: Service) -> None:
    if service.stopped is not None and service.result["seconds_unavailable"] is None:
        service.result["seconds_unavailable"] = round(time.monotonic() - service.stopped, 3)


def settles(service: Service) -> bool:
    """Whether being active for a while takes the place of a health check: see `settle`, which comes after `confirm`."""
    return service.result["restarted"] and not (service.health and service.health_required)


def confirm(service: Service) -> None:
    """Wait until the service is healthy, and unless it still has to settle, until its processes have the token."""
    if service.health and service.health_required:
        _await_health(service)
    elif service.health:
        note = service.row.get("health_note") or "another token of it is dead and not replaced in this run"
        found = _health.look(service.health)
        service.result["health_after"] = {**found, "evidence": f"{found['evidence']} (not asked for: {note})"}
    if not settles(service):
        _await_use(service)


def _await_health(service: Service) -> None:
    begun = time.monotonic()
    seconds = float(service.health.get("timeout") or _HEALTH_SECONDS)
    found = _health.wait(service.health, begun + seconds, lambda: _gave_up(service))
    service.result["health_after"] = found
    if not found["ok"]:
        raise HostError(
            f"is not healthy after {time.monotonic() - begun:.0f} s: {found['evidence']}; "
            f"{service.manager.state().words}; look at its log"
        )
    _up(service)


def settle(service: Service) -> None:
    """Without a health check: the service must stay active, without new restarts, for ACTIVE_SECONDS from its start.

    Where the health cannot be asked for, it only has to be active and to have the token.
    """
    if not service.health_required:
        _await_active(service, _USE_SECONDS)
        _await_use(service)
        return
    _await_active(service, ACTIVE_SECONDS)
    first = service.manager.pids()[:1]
    while time.monotonic() < service.started + ACTIVE_SECONDS:
        time.sleep(0.1)
        words = _await_active(service, 0.0)
        if first and first[0] not in service.manager.pids():
            raise HostError(f"does not stay up, it was started again: {words}; look at its log")
    service.result["health_after"] = {"ok": True, "evidence": f"active for {ACTIVE_SECONDS:.0f} s; no health check"}
    _await_use(service)


def _await_active(service: Service, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while True:
        state = service.manager.state()
        if state.active is not False:
            _up(service)
            return state.words
        if state.final or time.monotonic() >= deadline:
            raise HostError(f"does not run: {state.words}; look at its log")
        time.sleep(0.05)


def _gave_up(service: Service) -> str | None:
    state = service.manager.state()
    return state.words if state.active is False and state.final else None


def _await_use(service: Service) -> None:
    """A process shows its token only after exec, and an old one may take a moment to go: look for a while."""
    deadline = time.monotonic() + _USE_SECONDS
    while True:
        state = service.manager.state()
        pids = service.manager.pids()
        answer, evidence, survey = service.use(pids)
        # A healthy process that shows nothing will not show it later either.
        hopeless = answer == "unknown" and (pids or not service.manager.finds_processes) and service.health_required
        if answer == "yes" or (hopeless and not service.row.get("in_use")) or time.monotonic() >= deadline:
            break
        time.sleep(0.05)
    service.note_use(answer, evidence, survey)
    if state.active is False:
        raise HostError(f"does not run: {state.words}; look at its log")
    if answer == "no":
        raise HostError(f"is not on the token that it must have: {evidence}; restart it by hand and look at its log")
    if answer == "unknown":
        service.warn(f"whether the token is in use is not known: {evidence}; state a proof with `in_use`")


def conclude(service: Service) -> None:
    """After going back: say how it stands with the tokens that the plan asked for."""
    service.target = {name: each["new"] for name, each in service.variables.items()}
    try:
        service.manager.state()
        service.note_use(*service.use(service.manager.pids()))
    except HostError as problem:
        service.warn(str(problem))
