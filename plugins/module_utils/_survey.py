# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads everything that a plan rests on: Vault once, then Slack once for each token (private to the collection)."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Union

from ansible_collections.botops.rotation.plugins.module_utils import _chain, _clients, _named
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, settle
from ansible_collections.botops.rotation.plugins.module_utils._record import Slot, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore, Seen
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify, problem

WORKERS = 8
Judged = Union[
    str, _named.NamedSecret
]  # a bot, whose tokens are judged together, or a secret; see Installation.judged_as


@dataclass
class Survey:
    """What was found, by installation id: `seen` or `errors`; `probes` by fingerprint; `holders` of each fingerprint."""

    seen: dict[str, Seen] = field(default_factory=dict)
    errors: dict[str, RotationError] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    holders: dict[str, set[str]] = field(default_factory=dict)
    apps: dict[Judged, dict[str, Stored]] = field(default_factory=dict)  # bot -> its tokens that were asked about
    unfinished: set[str] = field(default_factory=set)  # ended, and the run that ended them died before it said so
    chains: dict[str, _chain.Chain] = field(default_factory=dict)  # of the strategy refresh

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


def read_chains(survey: Survey, registry: Registry, store: RecordStore, installations: Iterable[Installation]) -> None:
    """Reads what the strategy refresh needs of those whose bot has it: the chain, and the client of the app."""
    for each in installations:
        if registry.bots[each.bot].strategy == "refresh" and each.id in survey.seen:
            try:
                survey.chains[each.id] = _chain.read(store, each)
                _clients.read(store.vault, each.bot, _clients.paths(registry, [each.bot])[each.bot])
            except VaultUnavailable:
                raise
            except RotationError as exc:
                survey.errors[each.id] = exc


def ask(survey: Survey, slack: Slack, tokens: Iterable[tuple[Judged, Stored | None]]) -> None:
    """Asks Slack about tokens, given with their bot's name, and about other secrets, given with what they are."""
    for judged_as, stored in tokens:
        if stored:
            survey.apps.setdefault(judged_as, {})[stored.fingerprint] = stored
    wanted = {
        fingerprint: (judged_as, stored.token)
        for judged_as, app in survey.apps.items()
        for fingerprint, stored in app.items()
        if fingerprint not in survey.probes
    }
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = pool.map(lambda each: probe(slack, *each), wanted.values())
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


def probe(slack: Slack, judged_as: Judged, token: str) -> Probe:
    """Asks Slack, unless the value is not one that may be sent there."""
    if isinstance(judged_as, _named.NamedSecret):
        return _named.ask(slack, judged_as, token)
    wrong = problem(token, "bot")
    if wrong is None or problem(token, "user") is None:
        return slack.probe(token)
    # A credential of another kind may well be alive, and so may one that was stored with white space; nothing else can.
    usable = problem(token.strip(), "bot") is None or problem(token.strip(), "user") is None
    dead = not usable and classify(token) in (Kind.UNKNOWN, Kind.BOT, Kind.USER)
    life = Life.DEAD if dead else Life.UNKNOWN
    return Probe(life, "malformed", f"Slack was not asked: it {wrong}")


def of_concern(seen: Seen) -> Iterable[tuple[Judged, Stored | None]]:
    """The tokens and secrets of an installation that a rotation must know the life of.

    The legacy user token is none of them where nothing is staged for it.
    """
    for name in dict.fromkeys(("bot", *seen.record.rotating, *seen.installation.secrets)):
        slot = seen.record.slot(name)
        for stored in (seen.tokens.get(name), slot.pending, slot.previous):
            yield seen.installation.judged_as(name), stored


def _held(seen: Seen) -> Iterable[tuple[Stored, str]]:
    for name, stored in seen.tokens.items():
        slot = seen.record.slot(name)
        for each in (stored, slot.pending, slot.previous):
            if each:
                yield each, f"{seen.installation.id}/{name}"
