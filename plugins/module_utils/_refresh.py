# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has Slack give the next token of an app in rotation mode, and stages it (private to the collection).

A static token is exchanged, which is how an app enters the mode; a rotating one is refreshed. Under the lock all is read
again, and what another run has done is not done again. What is used up is written ahead, Slack is asked, and the pair that
it gives is kept, see `_chain`, before anything else is done. At whatever instant a run dies, the next one goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _chain, _clients, _refresh_words, _spool, _verbs
from ansible_collections.botops.rotation.plugins.module_utils._chain import Chain, Pair
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackError,
    SlackUnavailable,
    StateError,
    VaultError,
)
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import Seen
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation

ACTIONS = ("exchange", "refresh")
# Seconds before Slack is asked again, where its answer was cut: a used token is good for a short while longer.
PAUSES = (1.0, 3.0)
LONGEST = 12.0  # hours that an access token lives
Say = Callable[[str], Any]


def margin(hours: float) -> float:
    """The setting botops_refresh_margin; StateError where it is no number of hours that makes sense."""
    if not 0 < hours <= LONGEST:
        raise StateError(
            f"botops_refresh_margin is {hours:g}", f"give hours, more than 0 and at most {LONGEST:g}, the token's life"
        )
    return hours


def refreshed(here: Any, options: Mapping[str, Any], check: bool, say: Say) -> dict[str, Any]:
    """For rows whose action is exchange or refresh. Each stands for itself: one that fails says why in its result."""
    results: dict[str, Any] = {}
    diff: list[dict[str, str]] = []
    for row in options["installations"]:
        if row.get("action") not in ACTIONS:
            continue
        installation = here.registry.installation(row["bot"], row["workspace"])
        result = {"changed": check, "reason": "", "next_step": ""}
        try:
            if not check:
                done = _Renewal(here, installation, row["action"], options, say).run(row["old_fingerprint"])
                result["changed"] = done is not None
                diff += done or []
        except RotationError as exc:
            result.update(reason=exc.message, next_step=exc.next_step)
        results[installation.id] = result
    return {"changed": any(each["changed"] for each in results.values()), "results": results, "diff": diff}


@dataclass
class _Renewal:
    """One installation's next token; `how` is exchange or refresh."""

    here: Any
    installation: Installation
    how: str
    options: Mapping[str, Any]
    say: Say

    def run(self, planned: str | None) -> list[dict[str, str]] | None:
        """The diff of what was staged; None where another run has been here since `planned` was the current token."""
        seen = self.here.store.read(self.installation)
        chain = self._from_spool(_chain.read(self.here.store, self.installation))
        current = seen.tokens.get("bot")
        if self._is_under_way(seen) or (current.fingerprint if current else None) != planned:
            return None
        if chain.waiting(seen, self.here.vault.now()) is None:
            if not self._renew(chain, current):
                return None
            chain = _chain.read(self.here.store, self.installation)
        return self._stage(chain, current)

    def _is_under_way(self, seen: Seen) -> bool:
        """Whether a new token waits, or is on its way to the services, and has not ended meanwhile."""
        if not (seen.record.pending or seen.record.under_way):
            return False
        new = seen.record.slot("bot").pending or seen.tokens.get("bot")
        return not (new and new.rotates and self.here.slack.probe(new.token).dead)

    def _renew(self, chain: Chain, current: Stored | None) -> bool:
        """Asks Slack, and keeps what it gives; False where another run has been faster."""
        used = current if self.how == "exchange" else chain.refresh
        if used is None:
            raise _refresh_words.no_chain(self.installation)
        path = _clients.paths(self.here.registry, [self.installation.bot])[self.installation.bot]
        client = _clients.read(self.here.vault, self.installation.bot, path)
        begun = _chain.begin(self.here.store, self.installation, chain, self.how, used)
        answer = self._ask(begun, chain, used, client)
        if answer is None:
            return False
        self._keep(self._pair(answer))
        return True

    def _ask(self, begun: Chain, before: Chain, used: Stored, client: tuple[str, str]) -> Mapping[str, Any] | None:
        """Slack's answer. One that was cut is asked for again at once, for Slack takes a used token for a short while."""
        method, given = "oauth_v2_exchange", {"token": used.token}
        if self.how == "refresh":
            method, given = "oauth_v2_access", {"grant_type": "refresh_token", "refresh_token": used.token}
        client_id, client_secret = client
        for number, pause in enumerate((*PAUSES, None)):
            try:
                return self.here.slack.exchange_code(method, client_id=client_id, client_secret=client_secret, **given)
            except SlackUnavailable as exc:
                if pause is None:
                    raise _refresh_words.unanswered(exc, self.installation, self.how) from None
                time.sleep(pause)
            except SlackError as exc:
                if not _chain.read(self.here.store, self.installation).secret.same(begun.secret):
                    return None
                since = begun.begun["at"] if number else before.begun.get("at", "")
                raise _refresh_words.refused(exc, self.installation, used, since, before) from None
        raise AssertionError("unreachable")

    def _pair(self, answer: Mapping[str, Any]) -> Pair:
        """What an answer holds: https://docs.slack.dev/reference/methods/oauth.v2.access"""
        token, refresh = answer.get("access_token"), answer.get("refresh_token")
        if not (isinstance(token, str) and isinstance(refresh, str) and token and refresh):
            raise StateError(
                f"Slack's answer to the {self.how} of {self.installation.id} holds no pair of tokens",
                "run it again at once: Slack takes a used token for a short while",
            )
        lasts = answer.get("expires_in")
        known = isinstance(lasts, int) and not isinstance(lasts, bool) and 0 < lasts < 10**9
        ends = self.here.vault.now() + (timedelta(seconds=lasts) if known else _chain.LIFETIME)
        app_id, scopes = answer.get("app_id"), answer.get("scope")
        listed = [each.strip() for each in scopes.split(",")] if isinstance(scopes, str) else []
        return Pair(token, refresh, ends, app_id if isinstance(app_id, str) else None, tuple(filter(None, listed)))

    # Keeping

    def _keep(self, pair: Pair) -> None:
        """Into Vault; where that does not take it, into the spool at once, and Vault is tried for a while longer."""
        try:
            _chain.keep(self.here.store, self.installation, pair)
        except VaultError as exc:
            spooled = self._into_spool(pair)
            try:
                _spool.patiently(
                    lambda: _chain.keep(self.here.store, self.installation, pair),
                    self.options["spool_patience"],
                    self.say,
                )
            except VaultError:
                raise _refresh_words.not_kept(exc, self.installation, spooled) from None
            self._out_of_spool(pair.refresh_token)

    @property
    def spool(self) -> _spool.Spool | None:
        return _spool.Spool(self.options["spool_dir"]) if self.options.get("spool_dir") else None

    def _into_spool(self, pair: Pair) -> str:
        """Why the pair is not in the spool; empty where it is."""
        if self.spool is None:
            return "no spool is set (botops_spool_dir)"
        try:
            for name, token in (("bot", pair.token), ("refresh", pair.refresh_token)):
                self.spool.put(self.installation.id, name, token)
        except StateError as exc:
            return exc.message
        return ""

    def _spooled(self) -> list[_spool.Entry]:
        """What the spool holds of this installation; nothing where it cannot be read, of which others tell."""
        try:
            found = self.spool.entries() if self.spool else []
        except StateError:
            return []
        return [each for each in found if each.installation == self.installation.id and not each.problem]

    def _from_spool(self, chain: Chain) -> Chain:
        """The chain, with what an earlier run has put into the spool since it was begun."""
        found = {each.name: each for each in self._spooled() if each.name in ("bot", "refresh")}
        refresh, bot = found.get("refresh"), found.get("bot")
        if refresh is None:
            return chain
        if chain.begun:
            ends = self.here.vault.now() + _chain.LIFETIME
            token = bot.token if bot else ""
            _chain.keep(self.here.store, self.installation, Pair(token, refresh.token, ends, None, ()))
            chain = _chain.read(self.here.store, self.installation)
        self._out_of_spool(refresh.token)
        return chain

    def _out_of_spool(self, refresh_token: str) -> None:
        """Takes the pair away where Vault, read again, has it."""
        chain = _chain.read(self.here.store, self.installation)
        kept = {each.token for each in (chain.token, chain.refresh) if each}
        if refresh_token in kept and self.spool:
            for entry in self._spooled():
                if entry.token in kept:
                    self.spool.remove(entry)

    # Staging

    def _stage(self, chain: Chain, current: Stored | None) -> list[dict[str, str]]:
        """Stages the newest token as any: it is validated, and compared with the old one."""
        token = chain.token
        if token is None:
            raise _refresh_words.no_chain(self.installation)
        about = {
            "installations": [{"bot": self.installation.bot, "workspace": self.installation.workspace}],
            "token": "bot",
            "value": token.token,
            "app_id": chain.app_id,
            "scopes": token.scopes,
            "routine": self.how == "refresh" and current is not None and current.rotates,
            **{name: self.options[name] for name in ("accept_identity", "accept_scopes")},
        }
        diff: list[dict[str, str]] = _verbs.staged(self.here, about, False)["diff"]
        self.here.vault.forget_old_versions(self.here.registry.refresh_path(self.installation))
        return diff
