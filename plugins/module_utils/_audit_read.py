# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit reads: Vault and Slack at the same time, for all installations (private to the collection).

A token is asked about as soon as it is known. Nothing is written, no lock is taken; of an installation that is being
rotated, its lock is read, since it is not half done but under way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _lease, _notes, _survey
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackLimited,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, settle
from ansible_collections.botops.rotation.plugins.module_utils._paced import Paced
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Current
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation

WORKERS = 16  # threads that ask Slack
TELL_EVERY = 10.0  # seconds between two lines of progress
TRIES = 30  # of a call that is limited again and again


@dataclass
class Found:
    """One installation as Vault holds it. `errors`: by record, notes, or a token's name, what could not be read."""

    installation: Installation
    record: Record = field(default_factory=Record)
    written: str = ""  # when the record was last written, where Vault tells (KV v2)
    current: dict[str, Current] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    locked_by: str = ""
    errors: dict[str, RotationError] = field(default_factory=dict)

    def stored(self, name: str) -> Stored | None:
        return self.current[name].stored if name in self.current else None

    def replaced(self, name: str) -> Stored | None:
        """The old token that a record still has, where it should have ended: Slack's rotation mode ends its own by itself,
        and while a run is at it, services may be on it.
        """
        old, current, pending = self.record.slot(name).previous, self.stored(name), self.record.slot(name).pending
        if old is None or self.locked_by or old.rotates or (current and current.rotates):
            return None
        return None if old.fingerprint in {each.fingerprint for each in (current, pending) if each} else old

    @property
    def held(self) -> Iterable[tuple[str, str, Stored]]:
        """(token, stage, what is there) for all that Vault has."""
        for name in self.installation.tokens:
            slot = self.record.slot(name)
            for stage, stored in (
                ("current", self.stored(name)),
                ("pending", slot.pending),
                ("previous", slot.previous),
            ):
                if stored:
                    yield name, stage, stored


class Reading:
    """Reads the installations for a session. Raises VaultUnavailable where Vault is down; all else is in what is found."""

    def __init__(self, here: Any, installations: Iterable[Installation], say: Callable[[str], None]) -> None:
        self.here = here
        self.say = say
        self.slack = here.slack.hurried()
        self.found = [Found(installation) for installation in installations]
        self.probes: dict[str, Probe] = {}
        self._asked: dict[Any, dict[str, None]] = {}  # who answers are judged with -> fingerprints
        self._lock = threading.Lock()
        self.vault_read = threading.Event()  # all of `found` is there; Slack may still be asked

    def run(self) -> Reading:
        """Reads all, and judges what Slack said of the tokens of one bot together."""
        here = self.here
        here.vault, here.store, here.registry  # noqa: B018 - made here, once, and not by several threads
        paced = Paced(min(WORKERS, 2 * len(self.found)))
        try:
            with ThreadPoolExecutor(_survey.WORKERS) as pool:
                list(pool.map(lambda found: self._one(found, paced), self.found))
            self.vault_read.set()
            self._await(paced)
        finally:
            self.vault_read.set()
            paced.abandon()
        for fingerprints in self._asked.values():
            self.probes.update(zip(fingerprints, settle(self.probes[each] for each in fingerprints)))
        return self

    def _await(self, paced: Paced) -> None:
        while not paced.wait(TELL_EVERY):
            held = paced.held()
            limit = (
                f"; Slack's rate limit holds {', '.join(held[:5])}{', ...' if len(held) > 5 else ''}" if held else ""
            )
            self.say(f"audit: {paced.done} of {paced.put_in} tokens asked about{limit}")

    def _one(self, found: Found, paced: Paced) -> None:
        """One installation out of Vault; puts its tokens among those that Slack is asked about."""
        here, installation = self.here, found.installation
        self._attempt(found, "record", lambda: self._record(found))
        for name in installation.tokens:
            self._attempt(
                found, name, lambda name=name: found.current.update({name: here.store.current(installation, name)})
            )
        self._attempt(found, "notes", lambda: found.notes.update(_notes.read(here, installation)))
        if found.record.under_way or found.record.awaited:
            self._attempt(found, "lock", lambda: self._locked(found))
        for name, stage, stored in found.held:
            if stage != "previous" or found.replaced(name):
                self._put(paced, found, name, stored)

    @staticmethod
    def _attempt(found: Found, what: str, read: Callable[[], None]) -> None:
        try:
            read()
        except VaultUnavailable:
            raise
        except RotationError as exc:
            found.errors[what] = exc

    def _record(self, found: Found) -> None:
        path = self.here.registry.record_path(found.installation)
        secret = self.here.vault.read(path)
        found.record, found.written = Record.from_dict(secret.data, path), secret.created

    def _locked(self, found: Found) -> None:
        path = self.here.registry.lock_path(found.installation)
        holder = _lease.holder(self.here.vault, path, found.installation.id)
        if holder and holder.expires > self.here.vault.now():
            found.locked_by = str(holder.owner)

    def _put(self, paced: Paced, found: Found, name: str, stored: Stored) -> None:
        judged_as, fingerprint = found.installation.judged_as(name), stored.fingerprint
        with self._lock:
            new = not any(fingerprint in asked for asked in self._asked.values())
            self._asked.setdefault(judged_as, {})[fingerprint] = None
        if new:
            paced.put(found.installation.workspace, self._asking(found, name, stored, judged_as))

    def _asking(self, found: Found, name: str, stored: Stored, judged_as: Any) -> Callable[[], float]:
        tries = 0

        def call() -> float:
            nonlocal tries
            tries += 1
            try:
                probe = _survey.probe(self.slack, judged_as, stored.token)
                if self._needs_app(found, name, probe):
                    probe = self.slack.with_app(stored.token, probe)
            except SlackLimited as exc:
                if tries < TRIES:
                    return exc.seconds
                probe = Probe(Life.UNKNOWN, exc.code, exc.message)
            self.probes[stored.fingerprint] = probe
            return 0.0

        return call

    def _needs_app(self, found: Found, name: str, probe: Probe) -> bool:
        """Whether only its app can tell whose a token is: that costs a second call, with a limit of its own."""
        known = found.record.current.get(name)
        user = found.installation.bot_user_id or (known and known.identity.get("user_id"))
        app = self.here.registry.bots[found.installation.bot].app_id
        return name == "bot" and probe.alive and bool(app) and not user
