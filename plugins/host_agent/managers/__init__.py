# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who starts and stops a service: one module and one class for each kind, behind one small interface.

Manager(service)    a row of the plan
.problem()          why the service cannot be managed, in words, or None
.warnings()         what is odd but no hindrance
.state()            State, asked for anew
.prepare()          where there is one: what can be done before the stop, while the service runs; raises HostError
.restart()          stop and start, once; returns when the start was asked for or done; raises HostError
.pids()             its processes as of the last `state`; empty when there are none, or when it cannot tell
.finds_processes    whether `pids` can tell at all

Only where the manager has them:

.way                how it takes a new token: `restart`, `reload` (by `restart` too), or `wait` for its end
.wait(seconds)      wait until it has ended by itself; raises HostError
.momentary          it has done its work when its start is done: nothing to watch afterwards
.incarnation()      another one after each start, as of the last `state`
.lives()            whether a process of it is seen, where that costs less than `state`
.proof(modified, right)   (`yes` or `no`, evidence) for a service without processes, whose file was written then
"""

from __future__ import annotations

import importlib

from .._mask import HostError

KINDS = ("systemd", "supervisor", "command", "podman")


class State:
    """`active`: True, False or None (cannot be told). `final`: it will not come up by itself. `words`: for people."""

    __slots__ = ("active", "final", "words")

    def __init__(self, active: bool | None, final: bool, words: str) -> None:
        self.active, self.final, self.words = active, final, words


def manager(service: dict):
    """The manager for a service."""
    kind = service.get("manager")
    if kind not in KINDS:
        raise HostError(f"manager {kind!r} is not known; use one of {', '.join(KINDS)}")
    return importlib.import_module(f"{__package__}._{kind}").Manager(service)
