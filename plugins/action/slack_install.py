# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a page on which people install an app, and stages the tokens that it gets."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import (
    _argspec,
    _install_approval,
    _install_flow,
    _install_keep,
    _install_plan,
    _install_server,
    _install_store,
    _install_wait,
    _redact,
    _spool,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._install_board import Board
from ansible_collections.botops.rotation.plugins.module_utils._install_desk import Desk
from ansible_collections.botops.rotation.plugins.module_utils._install_flow import Target
from ansible_collections.botops.rotation.plugins.module_utils._install_html import Page
from ansible_collections.botops.rotation.plugins.module_utils._install_keep import Keeper
from ansible_collections.botops.rotation.plugins.module_utils._install_states import States
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, Session, session


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, _argspec.SPOOL, _argspec.PATIENCE, _argspec.INSTALL)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "installations": {"type": "list", "elements": "dict", "required": True},
        "accept_identity": {"type": "list", "elements": "str", "default": []},
        "accept_scopes": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        _install_flow.require_packages()
        _install_server.require_certificate(options["install_cert"], options["install_key"])
        here = session(self, options)
        plan = _install_plan.make(here, _selected(here, options["installations"]))
        spool = self._spool(options)
        board = Board(plan.rows)
        fresh = lambda: Session(here.options, here.services)
        keeper = Keeper(fresh, plan.targets, board, spool, options)
        if not self.check:
            for target in plan.targets.values():
                keeper.resume(target)
            if not board.settled:
                for note in plan.notes:
                    self._say(note)
                self._wait(fresh, plan, board, keeper, options)
        rows = board.rows
        waiting = [row.id for row in rows if not row.settled]
        return {
            "changed": bool(keeper.staged),
            "results": _install_plan.results(rows),
            "waiting": waiting,
            "ended": board.ended,
            "summary": _install_plan.waiting(rows),
        }

    def _wait(
        self, fresh: Any, plan: _install_plan.Plan, board: Board, keeper: Keeper, options: dict[str, Any]
    ) -> None:
        """Serves the page until it ends."""
        here = fresh()
        with _install_server.bind(options["install_bind"]) as sock:
            address = _install_wait.Address.of(options, sock.getsockname()[1])
            states = States()
            desk = Desk(board, states, keeper, address.home, lambda target: _note(fresh(), target))
            desk.client_paths = plan.client_paths
            for target in plan.targets.values():
                bot = target.id.partition("/")[0]
                app = _install_plan.app(here, plan, bot, options["slack_authorize_url"], address.redirect_uri)
                store = _install_store.VaultInstallationStore(here.vault, _install_keep.places(here.registry, bot))
                desk.flows[target.id] = _install_flow.WorkspaceFlow(
                    target, app, here.slack, states, store, desk, address.home
                )
            until = f"{options['install_timeout'] / 60:.0f} minutes after its start"
            bots = " and ".join(dict.fromkeys(row.bot for row in board.rows))
            page = Page(board, address.home, bots, until, address.redirect_uri, address.is_elsewhere)
            site = _install_server.Site(page, desk, address.callback, address.secure, _install_server.Site.new_key())
            with (
                _install_wait.interruptible(board),
                _install_server.Server(site, sock, options["install_cert"], options["install_key"]),
            ):
                self._say(f"Install {bots} here: {address.url}?key={site.key}")
                self._say(f"Slack sends back to {address.redirect_uri}, which has to be a redirect URL of the app")
                _install_wait.wait(board, keeper, self._say, options["install_timeout"], options["spool_patience"])
                board.wait_until_seen(_install_wait.LINGER)

    def _spool(self, options: dict[str, Any]) -> _spool.Spool | None:
        if not options["spool_dir"]:
            return None
        spool = _spool.Spool(options["spool_dir"])
        try:
            spool.check()
        except StateError as exc:
            self.warn(str(exc))
        return spool

    def _say(self, words: str) -> None:
        self._display.display(_redact.text(words))


def _selected(here: Session, given: list[dict[str, Any]]) -> list[Installation]:
    """The installations that rows stand for, each once."""
    found = [each for row in given for each in here.registry.select(row.get("bot") or "", row.get("workspace") or None)]
    return list({each.id: each for each in found}.values())


def _note(here: Session, target: Target) -> str:
    bot, _slash, workspace = target.id.partition("/")
    with here.locked([{"bot": bot, "workspace": workspace}], False):
        return _install_approval.note(here, here.registry.installation(bot, workspace))
