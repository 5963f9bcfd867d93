# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings what Slack gives an install page into Vault (private to the collection).

First it is kept: in the secret `_install` beside the bot token, or, where Vault does not take it, in the spool. Then it is
looked at, and staged by what stages any token. What could not be staged yet is tried again, by `retry` and by the next
run. A lock is held for the moment of staging only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _install_board as _b
from ansible_collections.botops.rotation.plugins.module_utils import _install_judge, _network
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    LockError,
    RotationError,
    StateError,
    VaultConflict,
    VaultError,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._install_flow import Target
from ansible_collections.botops.rotation.plugins.module_utils._install_store import Place, VaultInstallationStore
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._spool import Entry, Spool
from ansible_collections.botops.rotation.plugins.module_utils._tokens import fingerprint

try:
    from slack_sdk.oauth.installation_store import Installation
except ImportError:
    Installation = None

FIRST = 3.0  # seconds that Vault has for taking what Slack gave, before it goes into the spool
PASSING = (LockError, VaultUnavailable, VaultConflict)  # what another attempt may not meet


def places(registry: Registry, bot: str) -> dict[str, Place]:
    """Where the installations of a bot are in Vault, by team id."""
    return {
        registry.workspaces[slug].team_id: Place(
            each.bot_token_path, each.user_token_path, registry.record_path(each), registry.install_path(each)
        )
        for slug, each in registry.bots[bot].installations.items()
    }


class Keeper:
    """`fresh` gives a session with a login of its own; `targets` are by installation id."""

    def __init__(
        self,
        fresh: Callable[[], Any],
        targets: Mapping[str, Target],
        board: _b.Board,
        spool: Spool | None,
        options: Mapping[str, Any],
    ) -> None:
        self._fresh, self._targets, self._board, self._spool, self._options = fresh, targets, board, spool, options
        self._given: dict[str, Installation] = {}  # what was not staged yet, and may be later
        self._unsaved: set[str] = set()  # of these: what is in memory alone
        self._spooled: set[str] = set()  # of these: what is in the spool
        self._guard = threading.Lock()
        self.staged: set[str] = set()  # what this run has staged

    def _store(self, here: Any, target: Target) -> VaultInstallationStore:
        return VaultInstallationStore(here.vault, places(here.registry, target.id.partition("/")[0]))

    # Before and after the exchange

    def before_exchange(self, target: Target) -> None:
        """Writes a placeholder to Vault and to the spool: RotationError where a token could not be kept."""
        here = self._fresh()
        self._store(here, target).expect(target.team_id)
        if self._spool:
            self._spool.rehearse(target.id)

    def arrived(self, target: Target, given: Installation) -> None:
        """Keeps what Slack gave, then looks at it. Raises nothing: the row says what became of it."""
        own = next((each for each in self._targets.values() if self._is_of(each, target, given)), target)
        self._keep(own, given)  # at once, whatever else is under way
        if own is not target:
            self._elsewhere(target, own)
        with self._guard:
            self._look(own)

    @staticmethod
    def _is_of(row: Target, clicked: Target, given: Installation) -> bool:
        """Whether another row of the same bot is that of the workspace which was chosen on Slack's page."""
        return row.team_id == given.team_id and row.id.partition("/")[0] == clicked.id.partition("/")[0]

    def _keep(self, target: Target, given: Installation) -> None:
        self._given[target.id] = given
        self._unsaved.add(target.id)
        self._spooled.discard(target.id)
        try:
            _network.within(FIRST, lambda: self._save(target, given))
        except VaultError as exc:
            self._into_spool(target, given, exc)
        except TimeoutError:
            hangs = VaultUnavailable(f"Vault did not take what Slack gave within {FIRST:.0f} seconds")
            self._into_spool(target, given, hangs)

    def _save(self, target: Target, given: Installation) -> None:
        self._store(self._fresh(), target).keep(target.team_id, given)
        self._unsaved.discard(target.id)

    def _into_spool(self, target: Target, given: Installation, why: VaultError) -> None:
        """Vault did not take it: the spool has it within milliseconds, and Vault is tried again."""
        try:
            if self._spool is None:
                raise StateError("no spool is set (botops_spool_dir)")
            for name, token in (("bot", given.bot_token), ("user", given.user_token)):
                if token:
                    self._spool.put(target.id, name, token)
        except StateError as exc:
            reason = f"{why.message}. The token is in the memory of this run alone: {exc.message}"
            after = "do not end the run; it tries again. If it ends, Add to Slack gives the same token again"
        else:
            self._unsaved.discard(target.id)
            self._spooled.add(target.id)
            reason = f"{why.message}. The token is in the spool until Vault takes it"
            after = "nothing: the run tries again, and so does the next one"
        self._installed(target, given, reason, after)

    # Looking and staging

    def _look(self, target: Target) -> None:
        """Judges what is kept of a target and stages it; the row says how that ended."""
        given = self._given.get(target.id)
        if given is None:
            return  # somebody else's installation of the same was staged meanwhile
        wrong = _install_judge.wrong(target, given)
        if wrong:
            self._drop(target, given)
            self._board.change(
                target.id,
                f"{target.id}: {wrong[0]}",
                state=_b.FAILED,
                opened=False,
                reason=wrong[0],
                next_step=wrong[1],
            )
            return
        if target.id in self._unsaved or target.id in self._spooled:
            return  # Vault is down; retry comes
        try:
            state, is_new = _install_judge.stage(self._fresh(), target, given, self._options)
        except RotationError as exc:
            if not isinstance(exc, PASSING):
                self._given.pop(target.id, None)  # it stays in Vault
            after = f"nothing: the run tries again ({exc.next_step})" if isinstance(exc, PASSING) else exc.next_step
            self._installed(target, given, exc.message, after)
            return
        self._given.pop(target.id, None)
        self.staged |= {target.id} if is_new else set()
        self._settle(target, given, state)

    def _settle(self, target: Target, given: Installation, state: str) -> None:
        mark = fingerprint(given.bot_token)
        if state == _b.UNCHANGED:
            reason = f"Slack gave the token {mark} again, which is the current one: an installation changes it only after a revoke"
            after = "revoke the old token, then install again"
        else:
            reason, after = "", "run rotate_bot: it carries the new token to the services"
        said = f"{target.id}: {reason or f'the new token {mark} is staged'}"
        self._forget(target, given, everything=True)  # a workspace has one bot token of an app: others are dead
        granted = tuple(sorted(given.bot_scopes or ())) or None
        changes = {"granted": granted, "fingerprint": mark, "opened": False, "since": ""}
        self._board.change(target.id, said, state=state, reason=reason, next_step=after, **changes)

    def _installed(self, target: Target, given: Installation, reason: str, after: str) -> None:
        granted = tuple(sorted(given.bot_scopes or ())) or None
        changes = {"granted": granted, "fingerprint": fingerprint(given.bot_token or ""), "opened": False}
        said = f"{target.id}: installed, not staged: {reason}"
        self._board.change(target.id, said, state=_b.INSTALLED, reason=reason, next_step=after, **changes)

    def _elsewhere(self, clicked: Target, own: Target) -> None:
        reason = f"the app was installed in another workspace of this page, {self._board.row(own.id).workspace}"
        after = "click Add to Slack again and choose the right workspace in the corner of Slack's page"
        said = f"{clicked.id}: {reason}"
        self._board.change(clicked.id, said, state=_b.FAILED, opened=False, reason=reason, next_step=after)

    def _drop(self, target: Target, given: Installation) -> None:
        """What is not of this row is not kept; Slack gives it again, if it is wanted."""
        self._forget(target, given)
        self._given.pop(target.id, None)

    def _forget(self, target: Target, given: Installation, everything: bool = False) -> None:
        tokens = [token for token in (given.bot_token, given.user_token) if token]
        try:
            self._store(self._fresh(), target).forget(target.team_id, *(() if everything else tokens))
            for entry in self._of_spool(target):
                if self._spool and entry.token in tokens:
                    self._spool.remove(entry)
        except RotationError as exc:
            self._board.tell(f"{target.id}: what was kept of it could not be removed: {exc}")
        self._unsaved.discard(target.id)
        self._spooled.discard(target.id)

    # Later

    def _of_spool(self, target: Target) -> list[Entry]:
        entries = self._spool.entries() if self._spool else []
        return [each for each in entries if each.installation == target.id and not each.problem]

    def resume(self, target: Target) -> None:
        """Takes up what an earlier run has kept and not staged."""
        kept = self._store(self._fresh(), target).kept(target.team_id)
        spooled = {each.name: each.token for each in self._of_spool(target)}
        if spooled.get("bot"):
            kept.append(
                Installation(
                    team_id=target.team_id, bot_token=spooled["bot"], user_token=spooled.get("user"), user_id=""
                )
            )
        for given in kept:
            with self._guard:
                self._given[target.id] = given
                self._look(target)

    def retry(self) -> None:
        """Tries again what could not be staged for a reason that passes."""
        with self._guard:
            for id, given in list(self._given.items()):
                target = self._targets[id]
                try:
                    if id in self._unsaved or id in self._spooled:
                        self._save(target, given)
                        self._spooled.discard(id)
                except VaultError:
                    continue
                self._look(target)

    def retry_until(self, ended: threading.Event, pause: float) -> None:
        """`retry` again and again, for a thread of its own: Vault may take its time to fail."""
        while not ended.wait(pause):
            if self._given:
                self.retry()

    @property
    def at_risk(self) -> list[str]:
        """The ids of rows whose token is in the memory of this run alone."""
        return sorted(self._unsaved)
