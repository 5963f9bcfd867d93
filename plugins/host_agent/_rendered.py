# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files that an agent of Vault renders (`rendered_by`): they are read here, and never written.

The agent writes what is current in Vault, and would overwrite anything else. So it is made to render (`render`, a
command), and the file looked at until it has the tokens, for at most `timeout` seconds. It looks at Vault by itself too:
a secret of KV v2 each `static_secret_render_interval`, one of KV v1 only when most of its lease duration is over.
"""

from __future__ import annotations

import time

from ._mask import HostError
from ._service import Service
from .managers._run import run, which

_COMMAND_SECONDS = 120.0
_PATIENCE = 60.0
_ITS_OWN_PACE = 330.0  # for an agent that is not told to: its interval is 5 minutes where nothing else is configured
_RESTART_SECONDS = 10.0  # for an agent that is to restart the service, once the file is right
_PAUSE = 0.05


def problem(service: Service) -> str | None:
    """Why the agent could not be made to render."""
    argv = service.rendered_by.get("render") or []
    if argv and which(argv[0]) is None:
        return f"command {argv[0]} of rendered_by is not there or not executable; correct it in botops_services"
    return None


class Agents:
    """The agents of a host: a command that several services state is run once for all of them."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, ...], str] = {}  # what came of each command; nothing when all was well

    def tell(self, services: list[Service]) -> None:
        """Make the agents of these services render."""
        for service in services:
            if service.rendered_by is not None and not service.file_is_right:
                argv = _command(service)
                if argv and argv not in self._told:
                    self._told[argv] = _tell(argv)

    def bring(self, service: Service) -> bool:
        """Wait until the file of a service is rendered; whether the service was restarted by the agent, too."""
        before = set(service.manager.pids())
        seen_old = time.monotonic()
        if not service.file_is_right:
            argv = _command(service)
            if self._told.get(argv):
                raise HostError(self._told[argv])
            seen_old = _await_file(service, argv)
            service.result["changed"] = True
        if not service.rendered_by.get("restarts"):
            return False
        if _await_restart(service, before):
            service.was_restarted(seen_old)
            return True
        service.warn(
            f"the agent that renders {service.file.path} did not restart it within {_RESTART_SECONDS:.0f} s, so this run "
            "did"
        )
        return False


def _command(service: Service) -> tuple[str, ...]:
    return tuple(service.rendered_by.get("render") or [])


def _tell(argv: tuple[str, ...]) -> str:
    """Run a command; why it did not do its work, or nothing."""
    try:
        status = run(list(argv), _COMMAND_SECONDS, keep_output=False)[0]
    except HostError as found:
        return f"the agent was not made to render: {found}"
    command = " ".join(argv)
    return f"the agent was not made to render: `{command}` ended with {status}; run it by hand" if status else ""


def _await_file(service: Service, argv: tuple[str, ...]) -> float:
    """Wait until the file has what is due; when it was seen without it last."""
    begun = time.monotonic()
    seconds = float(service.rendered_by.get("timeout") or (_PATIENCE if argv else _ITS_OWN_PACE))
    while True:
        seen_old = time.monotonic()
        trouble = service.look_again()
        if service.file_is_right:
            return seen_old
        if time.monotonic() >= begun + seconds:
            break
        time.sleep(_PAUSE)
    shown = ", ".join(
        f"{name} is {each['file_after'] or 'not there'}, {service.target[name]} is due"
        for name, each in service.result["variables"].items()
        if each["file_after"] != service.target[name]
    )
    told = f"after `{' '.join(argv)}`" if argv else "(the agent was not told to render: state `render`)"
    raise HostError(
        f"{service.file.path} was not rendered within {seconds:.0f} s {told}: {trouble or shown}; look at the agent's "
        "log: may it read that secret, and is it the one of the registry? Then run again"
    )


def _await_restart(service: Service, before: set[int]) -> bool:
    """Whether the agent restarts the service: its processes have the tokens, or show none but are others than before."""
    deadline = time.monotonic() + _RESTART_SECONDS
    while True:
        active = service.manager.state().active
        pids = set(service.manager.pids())
        answer = service.use(sorted(pids))[0]
        if active is not False and (answer == "yes" or (answer == "unknown" and pids and not pids & before)):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
