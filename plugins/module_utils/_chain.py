# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of an installation in Slack's rotation mode: the secret `_refresh` beside its bot token (private).

Each refresh token is good for one exchange, and the answer holds the next one: who loses that has to install the app again.
So the newest pair is kept here before anything else is done with it, and what is about to be used is written ahead:

    {schema, token, refresh_token, app_id, scopes, expires: {fingerprint: when an access token ends},
     begun: {how: exchange or refresh, of: fingerprint of what is used up, at, by}}

`begun` is there from before Slack is asked until its answer is kept.
https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError, VaultConflict
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import moment
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore, Seen, stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._tokens import fingerprint
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret

SCHEMA = 1
LIFETIME = timedelta(hours=12)  # of an access token, where Slack's answer does not tell
ROUNDS = 5  # how often a write is tried that others came before


@dataclass(frozen=True)
class Pair:
    """What Slack gives at once: an access token and the refresh token that comes after it. `ends`: the access token's."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    ends: datetime
    app_id: str | None = None
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _redact.register(self.token)
        _redact.register(self.refresh_token)


@dataclass(frozen=True)
class Chain:
    """What is known of an installation's rotation mode; all of it empty where it is not in it."""

    secret: Secret
    token: Stored | None = None
    refresh: Stored | None = None
    app_id: str | None = None
    expires: Mapping[str, str] = field(default_factory=dict)
    begun: Mapping[str, str] = field(default_factory=dict)

    def ends(self, stored: Stored | None) -> datetime | None:
        """When an access token ends; None where that is not known."""
        try:
            return moment(self.expires.get(stored.fingerprint)) if stored else None
        except ValueError:
            return None

    def waiting(self, seen: Seen, now: datetime) -> Stored | None:
        """The newest access token, where it lives and has not come to the record: the run that got it has died."""
        slot, ends = seen.record.slot("bot"), self.ends(self.token)
        if self.token is None or (ends is not None and ends <= now):
            return None
        there = (seen.tokens.get("bot"), slot.pending, slot.previous)
        return None if any(each and each.fingerprint == self.token.fingerprint for each in there) else self.token


def read(store: RecordStore, installation: Installation) -> Chain:
    """The chain as Vault has it. StateError where what is there is none."""
    path = store.registry.refresh_path(installation)
    secret = store.vault.read(path)
    data = secret.data or {}
    if str(data.get("schema") or SCHEMA) != str(SCHEMA):
        raise StateError(
            f"The secret {path} has a schema other than {SCHEMA}",
            "look at it with `vault kv get`; install_app puts a new one in its place",
        )
    token, refresh, app_id = (_text(data.get(key)) for key in ("token", "refresh_token", "app_id"))
    scopes = data.get("scopes") if isinstance(data.get("scopes"), list) else []
    return Chain(
        secret,
        Stored(token, scopes=tuple(filter(None, map(_text, scopes)))) if token else None,
        Stored(refresh) if refresh else None,
        _redact.text(app_id) or None,
        _words(data.get("expires")),
        _words(data.get("begun")),
    )


def begin(store: RecordStore, installation: Installation, chain: Chain, how: str, used: Stored) -> Chain:
    """Writes ahead that `used` is about to be given to Slack, which proves that the answer can be kept, too.

    VaultConflict where another run has written; needs the lock.
    """
    begun = {"how": how, "of": used.fingerprint, "at": stamp(store.vault.now()), "by": store.vault.who()}
    store.before_write(installation)
    data = {"schema": SCHEMA, **(chain.secret.data or {}), "begun": begun}
    return replace(chain, secret=store.vault.write(chain.secret.path, data, expect=chain.secret), begun=begun)


def keep(store: RecordStore, installation: Installation, pair: Pair) -> None:
    """Puts a pair that Slack has just given into Vault, whoever else has written, with the lock or without."""
    for left in reversed(range(ROUNDS)):
        found = store.vault.read(store.registry.refresh_path(installation))
        now, before = stamp(store.vault.now()), found.data or {}
        lasting = {known: at for known, at in _words(before.get("expires")).items() if at > now}
        data = {
            "schema": SCHEMA,
            "token": pair.token,
            "refresh_token": pair.refresh_token,
            "app_id": pair.app_id or before.get("app_id"),
            "scopes": list(pair.scopes),
            "expires": {**lasting, fingerprint(pair.token): stamp(pair.ends)},
            "begun": {},
        }
        try:
            store.vault.write(found.path, data, expect=found)
            return
        except VaultConflict:
            if not left:
                raise


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _words(value: Any) -> dict[str, str]:
    """Texts that may be shown: what a hand has put there may be a token."""
    if not isinstance(value, Mapping):
        return {}
    return {_redact.text(str(key)): _redact.text(str(each)) for key, each in value.items()}
