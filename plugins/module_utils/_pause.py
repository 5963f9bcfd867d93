# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits between two steps of a run, and keeps its locks meanwhile (private to the collection)."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.botops.rotation.plugins.module_utils._errors import VaultUnavailable

SLICE = 0.5  # seconds between two looks at whether somebody still waits for the end
TOLD = 10.0  # seconds, at least, between two lines that say how long it still takes


def keep(
    seconds: float,
    ttl: float,
    renew: Callable[[], None],
    heed: Callable[[], None],
    say: Callable[[float], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Renew the locks now, wait `seconds`, and renew them whenever a third of `ttl` has gone by.

    `heed` raises when nobody waits any more. `say` is told, now and then, how many seconds are left. A Vault that does not
    answer is asked again until the locks have expired; then its error is raised, as is LockError at once.
    """
    begun = clock()
    renewed = told = None
    while True:
        heed()
        now = clock()
        if renewed is None or now - renewed >= ttl / 3:
            try:
                renew()
                renewed = now
            except VaultUnavailable:
                if renewed is None or now - renewed >= ttl:
                    raise
        left = begun + seconds - now
        if left <= 0:
            return
        if told is None or now - told >= max(TOLD, seconds / 20):
            say(left)
            told = now
        sleep(min(SLICE, left))
