# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens in Vault as slack_sdk's `InstallationStore` (private to the collection, but made for bots, too).

A bot that uses Bolt with tokens of several workspaces takes the current ones straight from where rotations put them:

    store = VaultInstallationStore(Vault.connect(VaultSettings(url, token=...)), {"T0123": Place("mount/path/of/token")})
    App(authorize=InstallationStoreAuthorize(..., installation_store=store, bot_only=True))

What `save` is given goes into the secret `<bot token path>_install`, under its token's fingerprint, and overwrites no
other: it is current only when it was validated, staged and rotated to. Nothing is ever deleted for a bot.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError, VaultConflict, VaultDenied
from ansible_collections.botops.rotation.plugins.module_utils._tokens import fingerprint
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault

try:
    from slack_sdk.oauth.installation_store import Bot, Installation, InstallationStore
except ImportError:  # said by the action, so that documentation works without it
    Bot = Installation = None
    InstallationStore = object

SCHEMA = 1
ROUNDS = 5  # how often a write is tried that others came before


@dataclass(frozen=True)
class Place:
    """The paths of an installation in Vault; those that are not given are beside the bot token."""

    bot_token_path: str
    user_token_path: str | None = None
    record_path: str = ""
    install_path: str = ""

    @property
    def record(self) -> str:
        return self.record_path or f"{self.bot_token_path}_rotation"

    @property
    def install(self) -> str:
        return self.install_path or f"{self.bot_token_path}_install"


class VaultInstallationStore(InstallationStore):
    """Installations of one app, by team id. `max_age`: seconds for which a token that was read is given again.

    Raises RotationError (of Vault, or StateError for a team that is not among `places`), never what hvac raises.
    """

    def __init__(
        self, vault: Vault, places: Mapping[str, Place], token_field: str = "value", max_age: float = 0
    ) -> None:
        self._vault = vault
        self._places = dict(places)
        self._field = token_field
        self._max_age = max_age
        self._read: dict[str, tuple[float, Installation]] = {}
        self._logger = logging.getLogger(__name__)

    @property
    def logger(self) -> logging.Logger:
        return self._logger

    # What bots ask for

    def find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        """The current bot token of a workspace; None where there is none, or for an installation on a whole Enterprise."""
        found = self.find_installation(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise_install
        )
        return found.to_bot() if found else None

    def find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """The current tokens of a workspace, whoever installed the app."""
        place = self._places.get(team_id or "")
        if place is None or is_enterprise_install:
            return None
        at, known = self._read.get(team_id or "", (0.0, None))
        if known is None or time.monotonic() - at >= self._max_age:
            known = self._find(place, team_id or "", enterprise_id)
            if known:
                self._read[team_id or ""] = (time.monotonic(), known)
        return known

    def _find(self, place: Place, team_id: str, enterprise_id: str | None) -> Installation | None:
        bot = self._token(place.bot_token_path)
        if not bot:
            return None
        identity = self._identity(place, bot)
        return Installation(
            app_id=identity.get("app_id"),
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=bot,
            bot_id=identity.get("bot_id") or "",
            bot_user_id=identity.get("user_id") or "",
            user_id="",
            user_token=self._token(place.user_token_path) if place.user_token_path else None,
        )

    def _token(self, path: str) -> str | None:
        value = (self._vault.read(path).data or {}).get(self._field)
        if isinstance(value, str) and value.strip():
            _redact.register(value.strip())
            return value.strip()
        return None

    def _identity(self, place: Place, token: str) -> Mapping[str, Any]:
        """What the record knows of a current token; nothing where a bot may not read it."""
        try:
            data = self._vault.read(place.record).data or {}
        except VaultDenied:
            return {}
        current = data.get("current") if isinstance(data.get("current"), Mapping) else {}
        known = current.get("bot") or {}
        return known.get("identity") or {} if known.get("fingerprint") == fingerprint(token) else {}

    # What an installation ends with

    def save(self, installation: Installation) -> None:
        """Keeps what Slack gave, in the secret `_install` of its workspace."""
        self.keep(installation.team_id or "", installation)

    def keep(self, team_id: str, installation: Installation) -> None:
        """The same, in the secret of another workspace than the installation's own."""
        token = installation.bot_token or installation.user_token or ""
        for secret in (installation.bot_token, installation.user_token, installation.bot_refresh_token):
            _redact.register(secret or "")
        _redact.register(installation.user_refresh_token or "")
        self._change(
            team_id, {fingerprint(token): dict(vars(installation))}
        )  # to_dict() gives dates, which are no JSON

    def expect(self, team_id: str) -> None:
        """Writes that secret as it is: what Slack gives can be kept there. Raises what Vault does not allow."""
        self._change(team_id, {})

    def kept(self, team_id: str) -> list[Installation]:
        """What was kept and not forgotten, the oldest first."""
        grants = self._grants(self._vault.read(self._place(team_id).install).data)
        found = [Installation(**grant) for grant in grants.values()]
        for each in found:
            for secret in (each.bot_token, each.user_token, each.bot_refresh_token, each.user_refresh_token):
                _redact.register(secret or "")
        return sorted(found, key=lambda each: each.installed_at)

    def forget(self, team_id: str, *tokens: str) -> None:
        """Takes what was kept out of that secret, its old versions too; all of it, or what has one of these tokens."""
        path = self._place(team_id).install
        kept = self._grants(self._vault.read(path).data)
        gone = {fingerprint(token) for token in tokens} if tokens else set(kept)
        if gone & set(kept):
            self._change(team_id, {}, gone)
            self._vault.forget_old_versions(path)

    def _change(self, team_id: str, grants: Mapping[str, Any], gone: Collection[str] = ()) -> None:
        path = self._place(team_id).install
        for attempt in range(ROUNDS):
            found = self._vault.read(path)
            before = {name: each for name, each in self._grants(found.data).items() if name not in gone}
            try:
                self._vault.write(path, {"schema": SCHEMA, "grants": {**before, **grants}}, expect=found)
                return
            except VaultConflict:
                if attempt == ROUNDS - 1:
                    raise

    @staticmethod
    def _grants(data: Mapping[str, Any] | None) -> dict[str, Any]:
        found = (data or {}).get("grants")
        return dict(found) if isinstance(found, Mapping) else {}

    def _place(self, team_id: str) -> Place:
        if team_id not in self._places:
            raise StateError(f"the team {team_id or '(none)'} is none of those that this app is installed in", "")
        return self._places[team_id]
