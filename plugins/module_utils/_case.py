# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One token that is to replace another: what must hold before anything is written (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _named, _proofs
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Probe
from ansible_collections.botops.rotation.plugins.module_utils._named import called
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey
from ansible_collections.botops.rotation.plugins.module_utils._tokens import problem


@dataclass(frozen=True)
class Choices:
    """What the operator has said for this run; the sets hold fingerprints."""

    accept_identity: frozenset[str] = frozenset()
    accept_scopes: frozenset[str] = frozenset()
    keep_old: frozenset[str] = frozenset()
    revoke_old: frozenset[str] = frozenset()
    unattended: bool = False
    install: bool = True  # whether an installation can still be waited for
    refresh_margin: float = 3.0  # hours before its end in which a token of Slack's rotation mode is refreshed
    refresh_only: bool = False  # a scheduled refresh: nothing enters the rotation mode
    exchange_untried: bool = False  # a bot of production may be the first that enters it
    refreshed: Mapping[str, Mapping[str, str]] | None = None  # id -> why it was not, empty where it was; None: not yet
    rotation_days: int = 365
    warn_days: int = 30


@dataclass(frozen=True)
class World:
    """What all cases of a run are judged by."""

    survey: Survey
    registry: Registry
    choices: Choices


@dataclass(frozen=True)
class Case:
    """The token `name` of an installation: `new` replaces `old`, of which sometimes only the fingerprint is known."""

    seen: Seen
    name: str
    adjective: str  # new, pending or current: what people call `new`
    old: Stored | None
    new: Stored
    replaced: str | None

    @classmethod
    def of(cls, seen: Seen, name: str, action: str) -> Case:
        """The case that the action (promote, resume, adopt) is about."""
        slot, current = seen.record.slot(name), seen.tokens.get(name)
        if action == "promote":
            return cls.staging(seen, name, slot.pending, "pending")
        new = slot.pending or current
        if new is None:
            raise StateError(
                f"the rotation of {seen.installation.id} is {seen.record.state.value}, and its {name} token is nowhere "
                "in Vault",
                "put the new token back into current, then run again",
            )
        previous = slot.previous
        if action == "adopt":
            replaced = seen.record.current[name].fingerprint
        else:
            replaced = seen.record.replaces.get(name) or (previous.fingerprint if previous else None)
        # What an earlier rotation has left there, because it was to be kept, is another token.
        old = previous if previous and previous.fingerprint == replaced else None
        return cls(seen, name, "current" if action == "adopt" else "pending", old, new, replaced)

    @classmethod
    def staging(cls, seen: Seen, name: str, new: Stored, adjective: str = "new") -> Case:
        """The case of a token that is staged, or is to be."""
        old = seen.tokens.get(name)
        return cls(seen, name, adjective, old, new, old.fingerprint if old else None)

    @property
    def what(self) -> str:
        return f"the {self.adjective} {called(self.name)} of {self.seen.installation.id}"

    @property
    def is_token(self) -> bool:
        return self.name not in self.seen.installation.secrets

    @property
    def known(self) -> Known | None:
        """What the record knows of the current token."""
        return self.seen.record.current.get(self.name)

    def prove(self, world: World) -> dict[str, _proofs.Proof]:
        """The proofs that must hold before anything is written; raises TokenError where one does not."""
        self._require_usable(world.survey)
        proofs = {
            "changed": _proofs.changed(self.replaced, self.new.fingerprint),
            "same_identity": self._identity(world),
            **({"scopes": self._scopes(world)} if self.is_token else {}),
        }
        mend = {
            "changed": "revoke the old token in Slack, install the app again, and stage the token that it gives then",
            "same_identity": "stage a token of this bot in this workspace"
            if proofs["same_identity"]["result"] is False
            else f"if this is right, run again with -e accept_identity={self.new.fingerprint}; else stage another token",
            "scopes": "install the app again with these scopes, and stage the token that it gives; where only scopes of "
            f"the old token are missing, and that is meant, run again with -e accept_scopes={self.new.fingerprint}",
        }
        if not self.is_token:
            mend["changed"] = "have Slack make a new one, and stage that"
        for name, proof in proofs.items():
            if proof["result"] is not True and (self.is_token or proof["result"] is False):
                raise TokenError(f"{self.what}, {self.new.fingerprint}: {proof['evidence']}", mend[name])
        return proofs

    def entry(self, world: World) -> dict[str, Any]:
        """What the plan says of it, with all five proofs as they stand before the rollout."""
        old_probe = world.survey.probe(self.old)
        proofs = {
            **self.prove(world),
            "old_refused": _proofs.old_refused(
                self.replaced, old_probe, self.replaced in world.choices.keep_old, self.new.rotates
            ),
            "in_use": NOT_YET,
        }
        found = entry(self.seen, self.name, self.old, self.new, world.survey)
        return {**found, "old": self.replaced, "proofs": proofs}

    def _require_usable(self, survey: Survey) -> None:
        what, fingerprint = self.what, self.new.fingerprint
        wrong = problem(self.new.token, self.seen.installation.kind(self.name))
        if wrong:
            raise TokenError(f"{what} {wrong}", f"stage {'the token' if self.is_token else 'it'} as Slack shows it")
        own = f"{self.seen.installation.id}/{self.name}"
        others = sorted(survey.holders.get(fingerprint, set()) - {own})
        if others:
            raise TokenError(
                f"{what}, {fingerprint}, is also that of {', '.join(others)}", "stage this row's own token"
            )
        probe = survey.probe(self.new)
        if probe is None or not probe.usable:
            life, evidence = (probe.life.value, probe.evidence) if probe else ("unknown", "Slack was not asked")
            raise TokenError(
                f"{what}, {fingerprint}, is {life}: {evidence}",
                "run again when Slack answers, or check the app's IP allowlist"
                if life == "unknown"
                else f"stage a live {'token' if self.is_token else 'one'}",
            )

    def _identity(self, world: World) -> _proofs.Proof:
        installation = self.seen.installation
        bot, team_id = world.registry.bots[installation.bot], world.registry.workspaces[installation.workspace].team_id
        if not self.is_token:
            return _named.same_identity(installation.kind(self.name), world.survey.probe(self.new), team_id)
        old_probe = world.survey.probe(self.old)
        registered: Mapping[str, str | None] = {"app_id": bot.app_id}
        if self.name == "bot":
            registered = {**registered, "user_id": installation.bot_user_id}
        recorded = self.known.identity if self.known and self.known.identity else self.old.identity if self.old else {}
        return _proofs.same_identity(
            world.survey.probe(self.new).identity,
            team_id,
            [
                ("the live old token", old_probe.identity if old_probe and old_probe.alive else {}),
                ("the record", recorded),
                ("the registry", {key: value for key, value in registered.items() if value}),
            ],
            self.new.fingerprint in world.choices.accept_identity,
            installation.id if self.name == "bot" else "",
        )

    def _scopes(self, world: World) -> _proofs.Proof:
        required = world.registry.bots[self.seen.installation.bot].required_scopes if self.name == "bot" else ()
        accepted = self.new.fingerprint in world.choices.accept_scopes
        return _proofs.scopes(world.survey.probe(self.new).scopes, required, self._scopes_before(world), accepted)

    def _scopes_before(self, world: World) -> Iterable[str]:
        """The old token's scopes: as Slack says, else as the record does."""
        old_probe = world.survey.probe(self.old)
        if old_probe and old_probe.alive and old_probe.scopes:
            return old_probe.scopes
        if self.known and self.known.fingerprint != self.new.fingerprint and self.known.scopes:
            return self.known.scopes
        return self.old.scopes if self.old else ()


NOT_YET = _proofs.proof(None, "not rolled out yet")


def entry(seen: Seen, name: str, old: Stored | None, new: Stored, survey: Survey) -> dict[str, Any]:
    """What the plan says of a token, without proofs. `restorable`: Slack accepted the old one in this run."""
    old_probe: Probe | None = survey.probe(old)
    new_probe = survey.probe(new)
    return {
        "path": seen.installation.path(name),
        "old": old.fingerprint if old else None,
        "new": new.fingerprint,
        "old_life": old_probe.life.value if old_probe else None,
        "new_life": new_probe.life.value if new_probe else None,
        "evidence": old_probe.evidence if old_probe else "",
        "restorable": bool(old_probe and old_probe.alive),
        "overlaps": new.rotates,
        "identity": dict(new_probe.identity) if new_probe else {},
        "proofs": {},
    }


def to_come(seen: Seen, survey: Survey, overlaps: bool) -> dict[str, Any]:
    """The same of a bot token that Slack is yet to issue."""
    old = seen.tokens.get("bot")
    probe = survey.probe(old)
    return {
        "path": seen.installation.path("bot"),
        "old": old.fingerprint if old else None,
        "new": "",
        "old_life": probe.life.value if probe else None,
        "new_life": None,
        "evidence": probe.evidence if probe else "",
        "restorable": bool(probe and probe.alive),
        "overlaps": overlaps,
        "identity": dict(probe.identity) if probe else {},
        "proofs": dict.fromkeys(("changed", "same_identity", "scopes", "old_refused", "in_use"), NOT_YET),
    }
