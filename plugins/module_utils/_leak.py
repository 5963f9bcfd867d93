# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a leaked token to its installation, and to its end: the token first, all else after (private to the collection).

A leak waits for nothing: neither for a lock (nothing is written to Vault here; another run asks Slack about every token
before it relies on it) nor for Vault, where Slack's own words tell that the token is of the registry.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _alerts, _guided, _lease, _plan, _revoke, _survey
from ansible_collections.botops.rotation.plugins.module_utils._alerts import Leak
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, SlackError
from ansible_collections.botops.rotation.plugins.module_utils._leak_words import next_step
from ansible_collections.botops.rotation.plugins.module_utils._liveness import AMBIGUOUS, Probe, settle
from ansible_collections.botops.rotation.plugins.module_utils._named import TOKENS
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.module_utils._revoke import DEAD, End
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify, fingerprint, problem

ROTATING = (Kind.ROTATING_BOT, Kind.ROTATING_USER, Kind.REFRESH)  # a revoke ends nothing but the token itself
NO_TOKEN = (Kind.WEBHOOK, Kind.SESSION, Kind.UNKNOWN)  # what auth.revoke does not take
WORKERS = 8
WAIT_FOR_CHANNELS = 0.5  # seconds that a live token is left alive for, to learn which channels the bot is in


@dataclass
class Hunt:
    """A search of one run. `began`: when it was known what to revoke, by time.monotonic."""

    here: Any
    registry: Registry | None
    unknown: bool  # whether a token that is in no row is revoked, too
    check: bool
    began: float
    warnings: list[str] = field(default_factory=list)

    def run(self, leaks: list[Leak]) -> list[dict[str, Any]]:
        """A result for each leak, in their order."""
        with ThreadPoolExecutor(WORKERS) as tokens, ThreadPoolExecutor(1 + WORKERS) as self._pool:
            self._vault: Future[_survey.Survey] = self._pool.submit(self._read_vault)
            return list(tokens.map(self._safely, leaks))

    def _read_vault(self) -> _survey.Survey:
        if self.registry is None:
            return _survey.Survey()
        return _survey.read(self.here.store, _plan.everything(self.registry))

    def _safely(self, leak: Leak) -> dict[str, Any]:
        """Whatever goes wrong with one token, the others end, and what is known of it is told."""
        result = _result(leak, leak.token)
        try:
            return self._one(leak, result)
        except Exception as exc:  # noqa: BLE001
            words = exc.message if isinstance(exc, RotationError) else type(exc).__name__
            self.warnings.append(f"not all could be found out about {result['fingerprint'] or leak.source}: {words}")
            known = result["outcome"] != "unknown"
            return {**result, **({} if known else next_step({**result, "evidence": words}, None, False))}

    def _one(self, leak: Leak, result: dict[str, Any]) -> dict[str, Any]:
        token = leak.token or self._in_vault(leak)
        result.update(_result(leak, token))
        if not token:
            return {**result, **self._not_found(leak)}
        if result["kind"] in {kind.value for kind in NO_TOKEN}:
            wrong = (
                "it is a webhook URL" if result["kind"] == Kind.WEBHOOK.value else "it is no token that Slack issues"
            )
            return {
                **result,
                "outcome": "refused",
                "reason": f"auth.revoke does not take it: {wrong}",
                "next_step": "ansible-playbook botops.rotation.rotation_guide says how it is renewed",
            }
        channels = self._pool.submit(self._channels, token)
        before = self.here.slack.probe(token)
        owner = _guided.owner_of(self.registry, before.identity)
        if not (owner or self.unknown or before.dead):
            owner = self._holder(token)
        if owner or self.unknown or before.dead:
            if before.alive:
                with suppress(Exception):  # whatever it is, the token ends now
                    result["channels"] = channels.result(WAIT_FOR_CHANNELS)
            ended = _revoke.end(self.here.slack, token, before, self.check)
        elif before.alive or before.code == AMBIGUOUS:
            ended = End("not_ours", self._why_not_ours())
        else:
            ended = End("unknown", before.evidence)
        return self._told(result, token, before, ended, owner)

    def _told(
        self, result: dict[str, Any], token: str, before: Probe, ended: End, owner: Installation | None
    ) -> dict[str, Any]:
        """The result with all that is known of it; this is after the token's end, and may take its time."""
        result.update(outcome=ended.outcome, evidence=ended.evidence)
        holder = self._holder(token)
        installation = holder or owner
        stored = self._stored(installation)
        if ended.outcome == "unknown" and before.code == AMBIGUOUS:
            ended = self._settled(before, ended, stored, token)
        result.update(
            life_before=before.life.value,
            identity=dict(before.identity),
            outcome=ended.outcome,
            evidence=ended.evidence,
            seconds=None if ended.at is None or ended.outcome != "revoked" else round(max(0, ended.at - self.began), 1),
            installation=installation.id if installation else "",
            stages=[what for what, each in stored if each.token == token],
        )
        single = classify(token) in ROTATING
        if installation and not single:
            others = [(what, each) for what, each in stored if each.token != token]
            result["others"] = self._others(before, others)
            result["services"] = self._services(installation)
        pending = [each for each in result["others"] if each["what"].startswith("pending") and each["life"] == "alive"]
        result["go_on"] = bool(pending) and ended.outcome in (*DEAD, "would_revoke")
        if installation:
            self._warn_of_lock(installation)
        bot = self.registry.bots[installation.bot] if self.registry and installation else None
        return {**result, **next_step(result, bot, single)}

    # What Vault knows

    def _survey(self) -> _survey.Survey:
        try:
            return self._vault.result()
        except RotationError as exc:
            words = f"Vault was not read, so tokens were not matched by fingerprint: {exc.message}"
            if words not in self.warnings:
                self.warnings.append(words)
            return _survey.Survey()

    def _in_vault(self, leak: Leak) -> str:
        """The token of a hash or a fingerprint."""
        for seen in self._survey().seen.values():
            for _what, stored in _slots(seen):
                if stored.fingerprint == leak.fingerprint or (leak.hmsl and _alerts.hmsl(stored.token) == leak.hmsl):
                    return stored.token
        return ""

    def _holder(self, token: str) -> Installation | None:
        for key in sorted(self._survey().holders.get(fingerprint(token), ())):
            return self.registry.installation(*key.split("/")[:2]) if self.registry else None
        return None

    def _stored(self, installation: Installation | None) -> list[tuple[str, Stored]]:
        seen = self._survey().seen.get(installation.id) if installation else None
        return list(_slots(seen)) if seen else []

    def _warn_of_lock(self, installation: Installation) -> None:
        with suppress(RotationError):
            held = _lease.holder(self.here.vault, self.registry.lock_path(installation), installation.id)
            if held and held.expires > self.here.vault.now():
                self.warnings.append(f"{installation.id} is being worked on by {held.owner}: look at what it ends with")

    # What Slack knows

    def _channels(self, token: str) -> list[dict[str, Any]]:
        """The channels that the bot is in, which a revoke takes it out of; the first 999, where the token may ask."""
        for types in ("public_channel,private_channel", "public_channel"):
            try:
                answer = self.here.slack._call(token, "users_conversations", types=types, limit=999)
            except SlackError:
                continue
            rows = answer.get("channels") or []
            return [{"id": row["id"], "name": row["name"], "private": bool(row.get("is_private"))} for row in rows]
        return []

    def _others(self, before: Probe, others: Iterable[tuple[str, Stored]]) -> list[dict[str, Any]]:
        """The installation's other tokens, as Slack takes them now."""
        others = [
            (what, each) for what, each in others if any(problem(each.token, kind) is None for kind in ("bot", "user"))
        ]
        probes = settle([before, *(self.here.slack.probe(each.token) for _what, each in others)])[1:]
        return [
            {"what": what, "fingerprint": each.fingerprint, "life": probe.life.value, "evidence": probe.evidence}
            for (what, each), probe in zip(others, probes)
        ]

    def _settled(self, before: Probe, ended: End, stored: Iterable[tuple[str, Stored]], token: str) -> End:
        """invalid_auth is proof of death where another token of the same app is accepted from here."""
        others = [self.here.slack.probe(each.token) for what, each in stored if each.token != token and _is_token(what)]
        judged = settle([before, *others])[0]
        return End("dead_already", judged.evidence, time.monotonic()) if judged.dead else ended

    def _services(self, installation: Installation) -> list[str]:
        """Who uses a token of the installation."""
        here = (installation.bot, installation.workspace)
        return [
            f"{service.name} on {service.host}"
            for service in (self.registry.services if self.registry else ())
            if any((each["bot"], each["workspace"]) == here for each in service.options["env"].values())
        ]

    def _why_not_ours(self) -> str:
        self._survey()
        return "no row of the registry has this token" if not self.warnings else "it is not known to be of the registry"

    def _not_found(self, leak: Leak) -> dict[str, Any]:
        self._survey()
        what = f"a token with the fingerprint {leak.fingerprint}" if leak.fingerprint else f"the token of {leak.source}"
        return {
            "outcome": "not_found",
            "reason": f"{what} is not in Vault (current, pending and previous of every row were looked at)"
            if not self.warnings
            else f"{what} could not be looked for in Vault",
            "next_step": f"copy the token from {leak.link or 'where it was seen'}, and run this again without "
            "alert_file and revoke: it asks for it without showing it",
        }


def _slots(seen: Any) -> Iterable[tuple[str, Stored]]:
    """The tokens of an installation: what to call each, and it."""
    for name, current in seen.tokens.items():
        slot = seen.record.slot(name)
        for stage, stored in (("current", current), ("pending", slot.pending), ("previous", slot.previous)):
            if stored:
                yield f"{stage} {name}", stored


def _is_token(what: str) -> bool:
    """Whether what `_slots` calls so is a token, and no other secret, which is not to be sent to auth.test."""
    return what.partition(" ")[2] in TOKENS


def _result(leak: Leak, token: str) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint(token) if token else leak.fingerprint,
        "kind": classify(token).value if token else "",
        "source": leak.source,
        "link": leak.link,
        "installation": "",
        "stages": [],
        "identity": {},
        "life_before": "unknown",
        "outcome": "unknown",
        "evidence": "",
        "seconds": None,
        "others": [],
        "channels": [],
        "services": [],
        "go_on": False,
        "reason": "",
        "next_step": "",
    }
