# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller's part of refresh_tokens, several at a time in one process: plan, lock, refresh, unlock."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _plan, _refresh
from ansible_collections.botops.rotation.plugins.module_utils._case import Choices
from ansible_collections.botops.rotation.plugins.module_utils._errors import LockError, VaultConflict
from ansible_collections.botops.rotation.plugins.plugin_utils._session import Session

PATIENCE = 240.0  # seconds


def planned(options: dict[str, Any]) -> list[dict[str, Any]]:
    here = Session(options, {})
    plan = _plan.make(here.registry, here.store, here.slack, Choices(refresh_only=True), "gobot")
    rows: list[dict[str, Any]] = plan["installations"]
    assert [row["action"] for row in rows] == ["refresh"], rows
    return rows


def refresh(options: dict[str, Any], ready: Any, insists: bool) -> str:
    """One run, whose rows were planned before any other has begun. `insists`: where the lock is held, it waits for it."""
    ready.wait(PATIENCE)
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        here = Session(options, {})
        try:
            with here.locked(options["installations"], False):
                result = next(iter(_refresh.refreshed(here, options, False, print)["results"].values()))
        except (LockError, VaultConflict):
            if not insists:
                return "refused"
            time.sleep(random.uniform(0.2, 1.0))
            continue
        return result["reason"] or ("refreshed" if result["changed"] else "nothing to do")
    return "never had the lock"


def controllers(options: dict[str, Any], many: int, ready: Any, told: Any, insists: bool) -> None:
    """The body of a process: so many runs at once; what they ended with, counted, goes to `told`."""

    def one(given: dict[str, Any]) -> str:
        try:
            return refresh(given, ready, insists)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            return f"{type(error).__name__}: {error}"

    given = {**options, "installations": planned(options)}
    with ThreadPoolExecutor(many) as pool:
        told.put(dict(Counter(pool.map(one, [given] * many))))
