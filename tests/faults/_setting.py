# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gobot's rotation in a sandbox, again and again: each case begins with its old tokens dead and new ones staged.

With KV version 1 as the sandbox is; with 2 gobot's secrets are under `secret/`, by an inventory of their own.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from tests.e2e._world import inventory_with
from tests.sandbox import Sandbox, _records
from tests.sandbox.services import SERVICES

BOT = "gobot"
SPECS = [spec for spec in SERVICES if spec.name.startswith(f"{BOT}-")]


class Setting:
    """One KV version in a sandbox that is shared with the other. `old` and `new` are tokens by installation."""

    def __init__(self, sandbox: Sandbox, kv: int) -> None:
        self.sandbox, self.kv = sandbox, kv
        self.installations = sandbox.installations(BOT)
        self.old: dict[str, str] = {}
        self.new: dict[str, str] = {}
        self.case: object = None  # the one that is going on
        self._numbers = itertools.count(1)
        self._directory = sandbox.dir / f"kv{kv}"
        self.extra: list[str] = []
        if kv == 2:
            registry = json.loads(json.dumps(sandbox.registry))
            registry["botops_bots"][BOT]["installations"] = {
                each.partition("/")[2]: {f"{kind}_token_path": self.path(each, kind) for kind in ("bot", "user")}
                for each in self.installations
            }
            self.extra = ["-i", str(inventory_with(sandbox, self._directory / "inventory", registry))]

    def path(self, installation: str, kind: str = "bot") -> str:
        """The Vault path of a token."""
        path = self.sandbox.path(installation, kind)
        return path if self.kv == 1 else path.replace("generic/", "secret/", 1)

    def beside(self, installation: str) -> list[str]:
        """The secrets that the tool keeps beside a token."""
        return [self.path(installation) + suffix for suffix in ("_rotation", "_lock", "_notes")]

    def begin(self, old: str = "revoked") -> None:
        """The demo's state: old tokens dead, in Vault and in the services; new ones staged; no lock, no notes.

        With old="live" Slack accepts the old ones too, as it never would for a static token: for the way back.
        """
        sandbox, bao = self.sandbox, self.sandbox.bao
        for each in self.installations:
            kept = bao.get(self.path(each)) or bao.get(sandbox.path(each)) or {}
            self.old[each] = sandbox.slack.installation(each)["bot_token"]
            self.new[each] = sandbox.reissue(each)
            bao.put(self.path(each), {**kept, "value": self.old[each]})
            if self.kv == 2:
                bao.put(self.path(each, "user"), bao.get(sandbox.path(each, "user")) or {})
            for path in self.beside(each):
                bao.request("DELETE", path if self.kv == 1 else path.replace("secret/", "secret/metadata/", 1))
            issued = sandbox.slack.installation(each)
            record = _records.staged(None, BOT, "bot", self.new[each], issued, self.old[each])
            bao.put(self.beside(each)[0], record)
        self.set_old(old)
        self.give_services(self.old)

    def set_old(self, state: str) -> None:
        """Make the old tokens live or revoked."""
        for token in self.old.values():
            self.sandbox.slack.set_token_state(token, state)

    def stage_again(self) -> None:
        """After a rotation: its tokens are dead, and newer ones are staged."""
        for each in self.installations:
            self.old[each], self.new[each] = self.new[each], self.sandbox.reissue(each)
            issued, path = self.sandbox.slack.installation(each), self.beside(each)[0]
            record = self.sandbox.bao.get(path)
            self.sandbox.bao.put(path, _records.staged(record, BOT, "bot", self.new[each], issued, self.old[each]))

    def directory(self) -> Path:
        """A new directory for a case."""
        made = self._directory / f"case-{next(self._numbers)}"
        made.mkdir(parents=True)
        return made

    def give_services(self, tokens: dict[str, str]) -> None:
        """Environment files and processes with these tokens; where they have them already nothing is touched."""
        for spec in SPECS:
            service = self.sandbox.service(spec.name)
            file, text = Path(service.env_file), spec.env_file(tokens)
            right = {name: tokens[each] for name, each in spec.variables.items()}
            if file.read_text(encoding="utf-8") != text:
                file.write_text(text, encoding="utf-8")
            if not service.pid or not right.items() <= self.sandbox.process_env(service.pid).items():
                if service.pid:
                    self.sandbox.stop(spec.name)
                self.sandbox.start(spec.name)
