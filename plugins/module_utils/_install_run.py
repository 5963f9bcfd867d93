# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of an install page, from the first look into Vault to the result (private to the collection)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import (
    _install_approval,
    _install_flow,
    _install_keep,
    _install_plan,
    _install_requests,
    _install_server,
    _install_store,
    _install_wait,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._install_board import Board
from ansible_collections.botops.rotation.plugins.module_utils._install_desk import Desk
from ansible_collections.botops.rotation.plugins.module_utils._install_flow import Target
from ansible_collections.botops.rotation.plugins.module_utils._install_html import Page
from ansible_collections.botops.rotation.plugins.module_utils._install_keep import Keeper
from ansible_collections.botops.rotation.plugins.module_utils._install_states import States
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._spool import Spool


@dataclass
class Run:
    """`fresh` gives a session with a login of its own; `options` are the action's; `say` is for the terminal."""

    fresh: Callable[[], Any]
    options: Mapping[str, Any]
    check: bool
    say: Callable[[str], Any]
    warn: Callable[[str], Any]

    def go(self) -> dict[str, Any]:
        """The action's result. Raises RotationError for what stands in the way before anybody can install."""
        _install_flow.require_packages()
        _install_server.require_certificate(self.options["install_cert"], self.options["install_key"])
        here = self.fresh()
        plan = _install_plan.make(here, _selected(here, self.options["installations"]))
        board = Board(plan.rows)
        keeper = Keeper(self.fresh, plan.targets, board, self._spool(), self.options)
        if not self.check:
            for target in plan.targets.values():
                keeper.resume(target)
            if not board.settled:
                self._serve(plan, board, keeper)
        for line in board.news():
            self.say(line)
        rows = board.rows
        return {
            "changed": bool(keeper.staged),
            "results": _install_plan.results(rows),
            "waiting": [row.id for row in rows if not row.settled],
            "ended": board.ended,
            "summary": _install_plan.waiting(rows),
        }

    def _serve(self, plan: _install_plan.Plan, board: Board, keeper: Keeper) -> None:
        """Shows the page until it ends."""
        options = self.options
        with _install_server.bind(options["install_bind"]) as sock:
            address = _install_wait.Address.of(options, sock.getsockname()[1])
            desk = self._desk(plan, board, keeper, address)
            bots = " and ".join(dict.fromkeys(row.bot for row in board.rows))
            until = f"{options['install_timeout'] / 60:.0f} minutes after its start"
            page = Page(board, address.home, bots, until, address.redirect_uri, address.is_elsewhere)
            site = _install_server.Site(page, desk, address.callback, address.secure, _install_server.Site.new_key())
            with (
                _install_wait.interruptible(board),
                _install_requests.watched(self.fresh, plan.targets, board),
                _install_server.Server(site, sock, options["install_cert"], options["install_key"]),
            ):
                for note in plan.notes:
                    self.say(note)
                self.say(f"Slack sends back to {address.redirect_uri}, which has to be a redirect URL of the app")
                self.say(f"Install {bots} here: {address.url}?key={site.key}")
                _install_wait.wait(board, keeper, self.say, options["install_timeout"], options["spool_patience"])
                board.wait_until_seen(_install_wait.LINGER)

    def _desk(self, plan: _install_plan.Plan, board: Board, keeper: Keeper, address: _install_wait.Address) -> Desk:
        here, states = self.fresh(), States()
        desk = Desk(board, states, keeper, address.home, self._note_approval)
        desk.client_paths = plan.client_paths
        for target in plan.targets.values():
            bot = target.id.partition("/")[0]
            app = _install_plan.app(here, plan, bot, self.options["slack_authorize_url"], address.redirect_uri)
            store = _install_store.VaultInstallationStore(here.vault, _install_keep.places(here.registry, bot))
            flow = _install_flow.WorkspaceFlow(target, app, here.slack, states, store, desk, address.home)
            desk.flows[target.id] = flow
        return desk

    def _spool(self) -> Spool | None:
        if not self.options["spool_dir"]:
            return None
        spool = Spool(self.options["spool_dir"])
        try:
            spool.check()
        except StateError as exc:
            self.warn(str(exc))
        return spool

    def _note_approval(self, target: Target) -> str:
        here = self.fresh()
        bot, _slash, workspace = target.id.partition("/")
        with here.locked([{"bot": bot, "workspace": workspace}], False):
            return _install_approval.note(here, here.registry.installation(bot, workspace))


def _selected(here: Any, given: list[dict[str, Any]]) -> list[Installation]:
    """The installations that rows stand for, each once."""
    found = [each for row in given for each in here.registry.select(row.get("bot") or "", row.get("workspace") or None)]
    return list({each.id: each for each in found}.values())
