# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads everything that a plan rests on: Vault once, then Slack once for each token (private to the collection)."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, settle
from ansible_collections.botops.rotation.plugins.module_utils._record import Slot, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore, Seen
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify, problem

WORKERS = 8


@dataclass
class Survey:
    """What was found, by installation id: `seen` or `errors`; `probes` by fingerprint; `holders` of each fingerprint."""

    seen: dict[str, Seen] = field(default_factory=dict)
    errors: dict[str, RotationError] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    holders: dict[str, set[str]] = field(default_factory=dict)
    apps: dict[str, dict[str, Stored]] = field(default_factory=dict)  # bot -> its tokens that were asked about
    unfinished: set[str] = field(default_factory=set)  # ended, and the run that ended them died before it said so

    def probe(self, stored: Stored | None) -> Probe | None:
        return self.probes.get(stored.fingerprint) if stored else None

    @property
    def lives(self) -> dict[str, Life]:
        return {fingerprint: probe.life for fingerprint, probe in self.probes.items()}


def read(store: RecordStore, installations: Iterable[Installation]) -> Survey:
    """Reads the installations from Vault. One that cannot be read is in `errors`; a Vault that is down is raised."""
    survey = Survey()

    def one(installation: Installation) -> None:
        try:
            seen = survey.seen[installation.id] = store.read(installation)
        except VaultUnavailable:
            raise
        except RotationError as exc:
            survey.errors[installation.id] = exc
            return
        for stored, holder in _held(seen):
            survey.holders.setdefault(stored.fingerprint, set()).add(holder)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, installations))
    return survey


def ask(survey: Survey, slack: Slack, tokens: Iterable[tuple[str, Stored | None]]) -> None:
    """Asks Slack about tokens, given with their bot's name; the tokens of one bot are judged together."""
    for bot, stored in tokens:
        if stored:
            survey.apps.setdefault(bot, {})[stored.fingerprint] = stored
    wanted = {fp: stored for app in survey.apps.values() for fp, stored in app.items() if fp not in survey.probes}
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = pool.map(lambda stored: _probe(slack, stored.token), wanted.values())
        survey.probes.update(zip(wanted, answers))
    for app in survey.apps.values():
        survey.probes.update(zip(app, settle(survey.probes[fingerprint] for fingerprint in app)))


def add_told(survey: Survey, stored: Stored, app_id: str | None, scopes: Iterable[str]) -> None:
    """Puts what Slack told of a live token when it was issued to what auth.test said: its app, which that tells to few,
    and its scopes, where the answer's header did not come through."""
    probe = survey.probe(stored)
    if probe is None or not probe.alive:
        return
    identity = {**({"app_id": app_id} if app_id else {}), **probe.identity}
    granted = probe.scopes or tuple(sorted(scopes))
    survey.probes[stored.fingerprint] = replace(probe, identity=identity, scopes=granted)


def inform(survey: Survey) -> None:
    """Puts what Slack said of live tokens to where they were read: what becomes of them is recorded with it."""

    def informed(stored: Stored | None) -> Stored | None:
        probe = survey.probe(stored)
        if stored is None or probe is None or not probe.alive:
            return stored
        # What was known stays: the app is told by a second call, which may have failed this time.
        return replace(stored, identity={**stored.identity, **probe.identity}, scopes=probe.scopes)

    for seen in survey.seen.values():
        seen.current = {name: replace(each, stored=informed(each.stored)) for name, each in seen.current.items()}
        slots = {name: Slot(informed(s.pending), informed(s.previous)) for name, s in seen.record.tokens.items()}
        seen.record = replace(seen.record, tokens=slots)


def _probe(slack: Slack, token: str) -> Probe:
    """Asks Slack, unless the value is not one that may be sent there."""
    wrong = problem(token, "bot")
    if wrong is None or problem(token, "user") is None:
        return slack.probe(token)
    # A credential of another kind may well be alive, and so may one that was stored with white space; nothing else can.
    usable = problem(token.strip(), "bot") is None or problem(token.strip(), "user") is None
    dead = not usable and classify(token) in (Kind.UNKNOWN, Kind.BOT, Kind.USER)
    life = Life.DEAD if dead else Life.UNKNOWN
    return Probe(life, "malformed", f"Slack was not asked: it {wrong}")


def of_concern(seen: Seen) -> Iterable[tuple[str, Stored | None]]:
    """The tokens of an installation that a rotation must know the life of."""
    bot = seen.installation.bot
    for name in ("bot", *seen.record.rotating):
        slot = seen.record.slot(name)
        for stored in (seen.tokens.get(name), slot.pending, slot.previous):
            yield bot, stored


def _held(seen: Seen) -> Iterable[tuple[Stored, str]]:
    for name, stored in seen.tokens.items():
        slot = seen.record.slot(name)
        for each in (stored, slot.pending, slot.previous):
            if each:
                yield each, f"{seen.installation.id}/{name}"
