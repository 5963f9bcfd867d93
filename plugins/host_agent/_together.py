# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to several services of a host at the same time, and in which order to the rest."""

from __future__ import annotations

from collections.abc import Callable

from ._mask import HostError, unforeseen
from ._service import Service


def groups(services: list[Service], cautious: bool) -> list[list[Service]]:
    """What is restarted together, and in which order: the lowest `order` first, those with the same one together.

    Services that state no order (0) are restarted together only where they cannot go back: while the old token is dead
    they are down anyway. The others come one after the other when `cautious`: the first failure spares the rest.
    """
    found = []
    for order in sorted({_order(service) for service in services}):
        group = [service for service in services if _order(service) == order]
        alone = [service for service in group if cautious and order == 0 and _may_go_back(service)]
        rest = [service for service in group if service not in alone]
        found += [rest] * bool(rest) + [[service] for service in alone]
    return found


def _order(service: Service) -> int:
    return service.row.get("order") or 0


def _may_go_back(service: Service) -> bool:
    return all(each.get("old") and each.get("restorable") for each in service.variables.values())


def together(group: list[Service], step: Callable[[Service], None]) -> None:
    """Do `step` with all services of the group at the same time: each touches its own service only. Never raises."""

    def one(service: Service) -> None:
        try:
            step(service)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is this service's failure
            service.fail(words(problem))

    if len(group) < 2:
        for service in group:
            one(service)
        return
    import threading  # most hosts have one service, and do without

    threads = [threading.Thread(target=one, args=(service,)) for service in group]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def words(problem: Exception) -> str:
    """A failure in a line."""
    return str(problem) if isinstance(problem, HostError) else unforeseen(problem)
