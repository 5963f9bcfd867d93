# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install page does when somebody clicks (private to the collection; knows nothing of HTTP servers).

Each answer is an address to go to: nothing stays in the address bar that has a code in it. What goes wrong is a sentence
on the page and in the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.botops.rotation.plugins.module_utils import _install_board as _b
from ansible_collections.botops.rotation.plugins.module_utils import _install_words as _words
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._install_flow import Target, WorkspaceFlow
from ansible_collections.botops.rotation.plugins.module_utils._install_keep import Keeper
from ansible_collections.botops.rotation.plugins.module_utils._install_states import States

try:
    from slack_bolt.request import BoltRequest
    from slack_bolt.response import BoltResponse
except ImportError:  # said by the action
    BoltRequest = BoltResponse = None

LONGEST_ADDRESS = 4096


class Desk:
    """`home`: the path of the page. `note_approval` records that a row waits for an admin, and gives since when."""

    def __init__(
        self, board: _b.Board, states: States, keeper: Keeper, home: str, note_approval: Callable[[Target], str]
    ) -> None:
        self.board, self._states, self._keeper, self.home = board, states, keeper, home
        self._note_approval = note_approval
        self.flows: dict[str, WorkspaceFlow] = {}  # by installation id; put in when they are made, with this desk
        self.client_paths: dict[str, str] = {}

    # What flows tell, see _install_flow.Events

    def before_exchange(self, target: Target) -> None:
        self._keeper.before_exchange(target)

    def arrived(self, target: Target, installation: Any) -> None:
        self._keeper.arrived(target, installation)

    def denied(self, target: Target, reason: str) -> None:
        why, after = _words.of_denial(reason)
        state = _b.DENIED if reason == "access_denied" else _b.FAILED
        self._change(target, f"{target.id}: {state}: {why}", state=state, opened=False, reason=why, next_step=after)

    # What browsers ask for

    def start(self, key: str) -> BoltResponse:
        """To Slack's consent page, with a cookie."""
        row = self.board.by_key(key)
        if row is None or self.board.ended:
            return self.go(self.problem("missing"))
        if row.settled:
            return self.go(self._at(row))
        answer = self.flows[row.id].handle_installation(BoltRequest(body="", query={}, headers={}))
        self._change(self.flows[row.id].target, f"{row.id}: Slack's page was opened", opened=True)
        return answer

    def callback(self, query: str, headers: Mapping[str, str]) -> BoltResponse:
        """Slack has sent a browser back. An error counts as little as a code before the state was looked at."""
        asked = parse_qs(query, keep_blank_values=True)
        state = asked.get("state", [""])[0]
        look = self._states.look(state)
        flow = self.flows.get(look.installation)
        if flow is None:
            return self._ignored("", "forged")
        request = BoltRequest(body="", query=query, headers={"cookie": headers.get("cookie", "")})
        if not flow.settings.state_utils.is_valid_browser(state, request.headers):
            return self._ignored(look.installation, "browser")
        if look.wrong:
            return self._ignored(look.installation, look.wrong)
        try:
            flow.handle_callback(request)
        except RotationError as exc:
            self._failed(flow.target, exc, flow.app.redirect_uri)
        return self.go(self._at(self.board.row(flow.target.id)))

    def pasted(self, address: str, headers: Mapping[str, str]) -> BoltResponse:
        """The address that a browser could not load, of which only what Slack has put behind the `?` counts."""
        try:
            query = urlsplit(address.strip()[:LONGEST_ADDRESS]).query
        except ValueError:
            query = ""
        if "state=" not in query:
            return self.go(self.problem("paste"))
        return self.callback(query, headers)

    def asked(self, key: str) -> BoltResponse:
        """Somebody says that an admin was asked for approval."""
        row = self.board.by_key(key)
        if row is None:
            return self.go(self.problem("missing"))
        if row.settled or row.state == _b.INSTALLED:
            return self.go(self._at(row))
        target = self.flows[row.id].target
        reason = "an admin of the workspace has to approve the app"
        try:
            since = self._note_approval(target)
        except RotationError as exc:
            since, reason = "", f"{reason}; it could not be noted in Vault: {exc.message}"
        said = f"{row.id}: waits for approval{f' since {since}' if since else ''}"
        after = "click Add to Slack again when it is approved: Slack tells nobody here"
        self._change(target, said, state=_b.APPROVAL, opened=False, since=since, reason=reason, next_step=after)
        return self.go(self._at(row))

    def stop(self) -> BoltResponse:
        self.board.end("somebody stopped waiting on the page")
        return self.go(self.home)

    # Answers

    def go(self, address: str) -> BoltResponse:
        return BoltResponse(status=303, headers={"Location": address})

    def problem(self, which: str) -> str:
        return f"{self.home}problem/{which}"

    def _at(self, row: _b.Row) -> str:
        return f"{self.home}#row-{row.key}"

    def _ignored(self, installation: str, which: str) -> BoltResponse:
        about = f"{installation}: " if installation else ""
        self.board.tell(f"{about}an answer was ignored: {_words.PROBLEMS[which][0].lower()}")
        return self.go(self.problem(which))

    def _failed(self, target: Target, exc: RotationError, redirect_uri: str) -> None:
        reason, after = _words.of_error(exc, redirect_uri, self.client_paths.get(target.id, "Vault"))
        said = f"{target.id}: not installed: {reason}; next: {after}"
        self._change(target, said, state=_b.FAILED, opened=False, reason=reason, next_step=after)

    def _change(self, target: Target, said: str, **changes: Any) -> None:
        """A row that has what it needs, though it is not staged yet, is not told otherwise."""
        if self.board.row(target.id).state != _b.INSTALLED:
            self.board.change(target.id, said, **changes)
