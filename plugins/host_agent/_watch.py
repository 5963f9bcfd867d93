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
from ._service import ACTIVE_SECONDS, Service

_USE_SECONDS = 3.0  # how long a process may take to show the token, or an old one to go
_HEALTH_SECONDS = 30.0
_LOOK = 1.0  # seconds between two looks at the manager while a process of it is seen, which costs less


def restart(service: Service) -> None:
    """Make it take the token in its way: stop and start, or reload, or let it end.

    The clock of its unavailability runs from just before the first stop.
    """
    prepare = getattr(service.manager, "prepare", None)
    if prepare:
        prepare()
    way = getattr(service.manager, "way", "restart")
    if way == "wait":
        service.manager.wait(float((service.row.get("health") or {}).get("timeout") or _HEALTH_SECONDS))
        return
    if way == "reload":
        service.result.update(reloaded=True, changed=True)
    else:
        service.result.update(restarted=True, changed=True, seconds_unavailable=None)
        service.stopped = time.monotonic() if service.stopped is None else service.stopped
    service.manager.restart()
    service.started = time.monotonic()
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
    found = _health.wait(service.health, begun + seconds, lambda: _gave_up(service), lambda: _lives(service))
    service.result["health_after"] = found
    if not found["ok"]:
        raise HostError(
            f"is not healthy after {time.monotonic() - begun:.0f} s: {found['evidence']}; "
            f"{service.manager.state().words}; look at its log"
        )
    _up(service)


def settle(service: Service) -> None:
    """Without a health check: the service must stay active, without new starts, for `active_for` seconds from its start.

    Where the health cannot be asked for, it only has to be active and to have the token.
    """
    if not service.health_required:
        _await_active(service, _USE_SECONDS)
        _await_use(service)
        return
    seconds = service.active_for
    try:
        words = _await_active(service, float((service.row.get("health") or {}).get("timeout") or ACTIVE_SECONDS))
        if not getattr(service.manager, "momentary", False):
            _stays_active(service, service.started + seconds)
            words = f"active for {seconds:g} s"
    except HostError as problem:
        service.result["health_after"] = {"ok": False, "evidence": str(problem)}
        raise
    service.result["health_after"] = {"ok": True, "evidence": f"{words}; no health check"}
    _await_use(service)


def _stays_active(service: Service, end: float) -> None:
    """Raise HostError when it stops or is started again before `end`."""
    first, looked, over = _incarnation(service), time.monotonic(), False
    while not over:
        time.sleep(0.05)
        now = time.monotonic()
        over = now >= end
        if not over and _lives(service) and now - looked < _LOOK:
            continue
        looked = now
        words = _await_active(service, 0.0)
        if not _is_the_same(service, first):
            raise HostError(f"does not stay up, it was started again: {words}; look at its log")


def _incarnation(service: Service) -> object:
    """What is another after each start of the service."""
    tell = getattr(service.manager, "incarnation", None)
    return tell() if tell else service.manager.pids()[:1]


def _is_the_same(service: Service, first: object) -> bool:
    if hasattr(service.manager, "incarnation"):
        return service.manager.incarnation() == first
    return not first or first[0] in service.manager.pids()


def _lives(service: Service) -> bool:
    """Whether it is seen to live, where that costs less than asking the manager. False: ask the manager."""
    look = getattr(service.manager, "lives", None)
    return bool(look and look())


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
    if (service.result["health_after"] or {}).get("ok"):  # then it runs, and what is right need not be asked for
        pids = service.manager.pids()  # of before the restart, where the manager was not asked since: then none lives
        seen = service.use(pids)
        if pids and seen[0] == "yes":
            service.note_use(*seen)
            return
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
