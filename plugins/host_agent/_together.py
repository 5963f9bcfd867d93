# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to several services of a host at the same time, and in which order to the rest."""

from __future__ import annotations

from collections.abc import Callable

from ._mask import HostError, unforeseen
from ._service import Service


def by_order(services: list[Service]) -> list[list[Service]]:
    """The services by their `order`, the lowest first; those with the same one are a group."""
    orders = sorted({_order(service) for service in services})
    return [[service for service in services if _order(service) == each] for each in orders]


def _order(service: Service) -> int:
    return service.row.get("order") or 0


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
