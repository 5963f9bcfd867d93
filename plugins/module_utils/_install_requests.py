# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to install an app that wait for an admin, as Slack lists them on Enterprise Grid (private to the collection).

It lists them for an admin's user token alone, with the scope admin.apps:read: `admin_token_path` of a workspace says where
that is in Vault. https://docs.slack.dev/reference/methods/admin.apps.requests.list (tier 2: 20 times a minute)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _install_approval
from ansible_collections.botops.rotation.plugins.module_utils import _install_board as _b
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, StateError
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Workspace

POLL = 20.0  # seconds between two looks while an install page is open
WORKERS = 8
WAITS = ("an admin of the workspace has to approve the app", "wait: this page says when it is approved")
APPROVED = ("an admin has approved the app", "click Add to Slack again")
REFUSED = (
    "an admin has refused the app, or the request was taken back",
    "ask the admins why, then click Add to Slack again",
)
OPEN = (_b.WAITING, _b.APPROVAL, _b.DENIED, _b.FAILED)  # the states that a request changes


@dataclass(frozen=True)
class Answer:
    """Of one installation: `since` when its request waits, as `2026-11-23T02:00:00Z`, else whether it is `approved`."""

    since: str = ""
    approved: bool = False
    problem: str = ""  # why nobody knows

    def standing(self, noted: str, now: datetime) -> tuple[str, str]:
        """Since when approval is waited for, and what is next; empty where it is not. `noted`: what the notes say."""
        since = self.since or noted
        if not since:
            return "", ""
        if self.approved and not self.since:
            return "", "run install_app: an admin of the workspace has approved the app"
        for_long = _install_approval.words(since, now)
        return since, f"run install_app when an admin of the workspace has approved the app, asked for {for_long}"


def ask(here: Any, installations: Iterable[Installation]) -> dict[str, Answer]:
    """Installation id -> what Slack says; those of a workspace without an admin's token are left out."""
    asked = [each for each in installations if here.registry.workspaces[each.workspace].admin_token_path]
    teams: dict[str, list[Installation]] = {}
    for each in asked:
        teams.setdefault(each.workspace, []).append(each)
    with ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(lambda item: _of_team(here, *item), teams.items())
        return {name: answer for answers in found for name, answer in answers.items()}


def _of_team(here: Any, slug: str, installations: list[Installation]) -> dict[str, Answer]:
    workspace = here.registry.workspaces[slug]
    try:
        token = _admin_token(here, workspace)
        given = {"team_id": workspace.team_id, "limit": 1000}
        waiting = {
            _app(row): _when(row) for row in here.slack.rows(token, "admin_apps_requests_list", "app_requests", **given)
        }
        approved = {_app(row) for row in here.slack.rows(token, "admin_apps_approved_list", "approved_apps", **given)}
    except RotationError as exc:
        words = f"what waits for the admins of {workspace.name} is not known: {exc}"
        return {each.id: Answer(problem=words) for each in installations}
    return {each.id: _of_app(here.registry.bots[each.bot], waiting, approved) for each in installations}


def _admin_token(here: Any, workspace: Workspace) -> str:
    value = (here.vault.read(workspace.admin_token_path).data or {}).get(here.store.token_field)
    if not isinstance(value, str) or not value.strip():
        raise StateError(
            f"the secret {workspace.admin_token_path} has no field {here.store.token_field}",
            "put the admin's token there",
        )
    return value.strip()


def _of_app(bot: Any, waiting: Mapping[str, str], approved: set[str]) -> Answer:
    if not bot.app_id:
        return Answer(
            problem=f"whether an admin's approval is waited for is not known: botops_bots.{bot.name} has no app_id"
        )
    return Answer(waiting.get(bot.app_id, ""), bot.app_id in approved)


def _app(row: Mapping[str, Any]) -> str:
    app = row.get("app")
    return str(app.get("id") or "") if isinstance(app, Mapping) else ""


def _when(row: Mapping[str, Any]) -> str:
    try:
        return stamp(datetime.fromtimestamp(int(row.get("date_created") or 0), timezone.utc))
    except (TypeError, ValueError, OverflowError, OSError):
        raise StateError("Slack's list of requests has no dates", "look at the workspace's page of apps") from None


@contextmanager
def watched(fresh: Callable[[], Any], ids: Iterable[str], board: _b.Board) -> Iterator[None]:
    """While it lasts, rows follow what Slack lists; nothing is asked where no admin's token is configured."""
    registry = fresh().registry
    installations = [registry.installation(*each.split("/", 1)) for each in ids]
    watcher = _Watcher(
        fresh, board, [each for each in installations if registry.workspaces[each.workspace].admin_token_path]
    )
    if watcher.installations:
        threading.Thread(target=watcher.run, daemon=True).start()
    try:
        yield
    finally:
        watcher.ended.set()


class _Watcher:
    """Brings rows of a board, and the notes, to what Slack says. `fresh` gives a session with a login of its own."""

    def __init__(self, fresh: Callable[[], Any], board: _b.Board, installations: list[Installation]) -> None:
        self._fresh, self._board, self.installations = fresh, board, installations
        self._told: set[str] = set()
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                self._look()
            except RotationError as exc:  # of Vault, or the lock: it is looked again
                self._tell(f"what waits for an admin could not be noted: {exc}")
            self.ended.wait(POLL)

    def _look(self) -> None:
        here = self._fresh()
        for id, answer in ask(here, [each for each in self.installations if self._is_open(each.id)]).items():
            row, installation = self._board.row(id), here.registry.installation(*id.split("/", 1))
            if answer.problem:
                self._tell(answer.problem)
            elif answer.since:
                if (row.state, row.since) != (_b.APPROVAL, answer.since):
                    self._show(id, f"waits for approval since {answer.since}", _b.APPROVAL, *WAITS, since=answer.since)
                    self._note(installation, answer.since)
            elif row.state == _b.APPROVAL and (answer.approved or _install_approval.is_listed(here, installation)):
                state, why, after = (_b.WAITING, *APPROVED) if answer.approved else (_b.DENIED, *REFUSED)
                self._show(id, why, state, why, after)
                self._note(installation, "")

    def _is_open(self, id: str) -> bool:
        return self._board.row(id).state in OPEN

    def _tell(self, words: str) -> None:
        """Once: it is the same again and again."""
        if words not in self._told:
            self._told.add(words)
            self._board.tell(words)

    def _show(self, id: str, said: str, state: str, reason: str, after: str, since: str = "") -> None:
        if self._is_open(id):
            changes = {"opened": False, "since": since, "reason": reason, "next_step": after}
            self._board.change(id, f"{id}: {said}", state=state, **changes)

    def _note(self, installation: Installation, since: str) -> None:
        here = self._fresh()
        with here.locked([installation], False):
            if since:
                _install_approval.note_listed(here, installation, since)
            else:
                _install_approval.clear(here, installation)
