# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a page on which people install an app, and stages the tokens that it gets."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _redact
from ansible_collections.botops.rotation.plugins.module_utils._install_run import Run
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
        services = session(self, options).services  # asked of the inventory once, and not by the page's threads
        return Run(lambda: Session(options, services), options, self.check, self._say, self.warn).go()

    def _say(self, words: str) -> None:
        self._display.display(_redact.text(words))
