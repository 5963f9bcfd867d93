# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `state` of an OAuth flow: signed, good once, for ten minutes, and in one browser (private to the collection).

A state names the installation that it is for. That it is the browser's own is Bolt's to check, by a cookie of the
installation that holds it. Everything is in memory: what was begun before a restart has to be begun again.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

try:
    from slack_sdk.oauth.state_store import OAuthStateStore
except ImportError:  # said by the action, so that documentation works without it
    OAuthStateStore = object

LIFETIME = 600  # seconds; a code of Slack's lives as long


@dataclass(frozen=True)
class Look:
    """What a state is: `installation` where it is one of ours, and `wrong` where it is not good (any more)."""

    installation: str = ""
    wrong: str = ""  # forged, expired or used


class States(OAuthStateStore):
    """The states of one run. Its key never leaves the process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._used: set[str] = set()
        self._guard = threading.Lock()
        self._logger = logging.getLogger(__name__)

    @property
    def logger(self) -> logging.Logger:
        return self._logger

    def issue(self, installation: str = "", **_dummy: object) -> str:
        """A new state for an installation's id. Of letters, digits, dot, dash and underscore: cookies take it as it is."""
        body = f"{installation.encode().hex()}.{secrets.token_urlsafe(18)}.{self._clock() + LIFETIME:.0f}"
        return f"{body}.{self._signature(body)}"

    def look(self, state: str | None) -> Look:
        """What a state is, without using it up."""
        body, _dot, signature = (state or "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return Look(wrong="forged")
        name, _nonce, until = body.split(".")
        installation = bytes.fromhex(name).decode()
        if body in self._used:
            return Look(installation, "used")
        return Look(installation, "" if self._clock() <= float(until) else "expired")

    def consume(self, state: str) -> bool:
        """Uses a state up; whether it was good. Of two at the same instant one gets it."""
        with self._guard:
            if self.look(state).wrong:
                return False
            self._used.add(state.rpartition(".")[0])
            return True

    def _signature(self, body: str) -> str:
        return hmac.new(self._key, body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
