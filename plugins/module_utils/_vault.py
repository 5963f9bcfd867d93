# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in Vault, KV v1 and v2 alike, each write judged by what is there (private to the collection).

Works with HashiCorp Vault and OpenBao, with the rights of docs' least-privilege policy. API:
https://openbao.org/api-docs/secret/kv/ and https://developer.hashicorp.com/vault/api-docs/secret/kv
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    VaultConflict,
    VaultDenied,
    VaultError,
    VaultNotFound,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._vault_auth import VaultSettings, login
from ansible_collections.botops.rotation.plugins.module_utils._vault_http import InvalidPath, needs, translated

__all__ = ["Location", "Secret", "Vault", "VaultSettings"]


@dataclass(frozen=True)
class Location:
    """Where a path leads: `mount` and `subpath` without slashes around them, `kv` 1 or 2."""

    mount: str
    subpath: str
    kv: int

    def api(self, part: str = "data") -> str:
        """The path in Vault's API and policies: on KV v2 with `data`, `metadata` or `destroy` in it."""
        return f"{self.mount}/{self.subpath}" if self.kv == 1 else f"{self.mount}/{part}/{self.subpath}"


@dataclass(frozen=True)
class Secret:
    """What stands at a path. `data` None: nothing there; then `deleted` tells whether there once was (KV v2).

    `version` is what check-and-set needs next: None on KV v1 and where there never was anything. `created`: when this
    version was written, as Vault has it (`2026-11-23T02:00:00.123456789Z`); empty where it does not tell.
    """

    path: str
    kv: int
    data: dict[str, Any] | None = field(default=None, repr=False)
    version: int | None = None
    deleted: bool = False
    created: str = field(default="", compare=False)

    def same(self, other: Secret) -> bool:
        """True when nothing was written between the two reads, as far as the KV version can tell."""
        return self.version == other.version if self.kv == 2 else self.data == other.data


class Vault:
    """A logged-in Vault. Reads may be made from several threads."""

    def __init__(self, client: Any) -> None:
        self._http = client.adapter
        self._mounts: dict[str, int] = {}

    @classmethod
    def connect(cls, settings: VaultSettings) -> Vault:
        """Log in (with a token: without a call). Raises `RotationError`, `VaultError`."""
        return cls(login(settings))

    def now(self) -> datetime:
        """Vault's time (aware, UTC, to a second): the `Date` of its answers, never this machine's clock."""
        if self._http.clock.now() is None:
            with translated("read the time from", "sys/health"):
                self._http.get("/v1/sys/health", raise_exception=False)
        now = self._http.clock.now()
        if now is None:
            raise VaultUnavailable(
                "Vault: no answer carries a Date header", "let the proxy before Vault pass it through"
            )
        return now

    @property
    def mounts(self) -> dict[str, int]:
        """The mounts that are known by now, with a slash at their end, and the KV version of each."""
        return dict(self._mounts)

    def know(self, mounts: Mapping[str, int]) -> None:
        """Take over what an earlier task of this run has learned of mounts, so that they are not asked for again."""
        self._mounts.update({str(mount): int(kv) for mount, kv in mounts.items()})

    def locate(self, path: str) -> Location:
        """The mount of a path and its KV version, as Vault tells them; asked once per mount.

        Raises `VaultDenied` where there is no such mount or no right on it, `VaultError` where it is not KV.
        """
        path = _clean(path)
        mount = next((known for known in list(self._mounts) if path.startswith(known)), None)
        if mount is None:
            mount = self._learn_mount(path)
        if len(path) <= len(mount):
            raise VaultError(f"Vault: {_redact.text(path)} is a mount, not a secret in it", "state mount/path")
        return Location(mount.rstrip("/"), path[len(mount) :], self._mounts[mount])

    def _learn_mount(self, path: str) -> str:
        try:
            with translated("find the mount of", path):
                data = self._get(f"sys/internal/ui/mounts/{path}")["data"]
                mount, kind, options = str(data["path"]), data["type"], data.get("options") or {}
                kv = int(options.get("version") or 1)
                if not f"{path}/".startswith(mount):  # a path into a namespace below ours: told from the root one
                    mount = mount.removeprefix(f"{str(self._http.namespace or '').strip('/')}/")
        except VaultDenied as error:
            raise VaultDenied(
                f"{error.message}: no such mount, or no right on it",
                "check that the token is valid and not expired, and the path's first parts; the token's policy needs "
                f"at least read on {_redact.text(path)} (on KV v2 with data/ after the mount); a namespace belongs into "
                "botops_vault_namespace",
            ) from None
        if kind not in ("kv", "generic") or kv not in (1, 2) or not f"{path}/".startswith(mount):
            raise VaultError(
                f"Vault: {_redact.text(mount)} is a mount of type {_redact.text(str(kind))}, not KV v1 or v2",
                "state a path on a KV mount",
            )
        self._mounts[mount] = kv
        return mount

    def read(self, path: str) -> Secret:
        """The secret at a path, its newest version. What is not there is no error."""
        place = self.locate(path)
        with translated("read", path, needs(place.api(), "read")):
            try:
                data, metadata = self._get(place.api())["data"], {}
                if place.kv == 2:
                    data, metadata = data["data"], data["metadata"]
            except InvalidPath as error:
                data, metadata = None, _left_behind(error)
            if not isinstance(data, (dict, type(None))):
                raise TypeError("data")
            version = int(metadata["version"]) if metadata else None
            created = str(metadata.get("created_time") or "")
        return Secret(path, place.kv, data, version, data is None and version is not None, created)

    def write(self, path: str, data: dict[str, Any], expect: Secret) -> Secret:
        """Replace the whole secret (sibling keys go along in `data`), only where it still is as in `expect`.

        KV v2: by check-and-set. KV v1 has none: it is read again just before, which leaves a gap of one request.
        A write whose answer is lost is judged by what is there, and sent again once where it left no trace.
        Raises `VaultConflict` when somebody else wrote, `VaultUnavailable` when the outcome stays unknown.
        """
        place = self.locate(path)
        data = json.loads(json.dumps(data))  # as Vault gives it back: without tuples and subclasses of str
        for last in (False, True):
            try:
                return self._put(place, path, data, expect)
            except (VaultUnavailable, VaultConflict) as error:
                if isinstance(error, VaultConflict) and not last:
                    raise
                found = self._look_after(error, path)
                if found.data == data and (place.kv == 1 or found.version == (expect.version or 0) + 1):
                    return found
                if last:
                    raise
                if not found.same(expect):
                    raise _conflict(path) from None
        raise AssertionError("unreachable")

    def _put(self, place: Location, path: str, data: dict[str, Any], expect: Secret) -> Secret:
        body: dict[str, Any] = data
        if place.kv == 2:
            body = {"data": data, "options": {"cas": expect.version or 0}}
        elif not self.read(path).same(expect):
            raise _conflict(path)
        with translated("write", path, needs(place.api(), "create", "update")):
            answer = self._http.post(f"/v1/{quote(place.api())}", json=body)
            version = int(answer["data"]["version"]) if place.kv == 2 else None
        return Secret(path, place.kv, data, version)

    def _look_after(self, error: VaultError, path: str) -> Secret:
        """What is there after a change that failed with `error`."""
        try:
            return self.read(path)
        except VaultUnavailable:
            more = "it cannot be looked at either: it may or may not have been done"
            raise VaultUnavailable(f"{error.message}; {more}", error.next_step) from None

    def set_field(self, path: str, name: str, value: Any, expect: Secret) -> Secret:
        """`write` with one field changed and all others kept as they are in `expect`."""
        return self.write(path, {**(expect.data or {}), name: value}, expect)

    def delete(self, path: str, expect: Secret | None = None) -> None:
        """Remove the secret whole, on KV v2 with all versions and metadata.

        A soft delete would keep tokens readable in old versions, and refuse `cas=0` for ever. With `expect`, only where
        it still is as then (read just before: Vault has no check-and-set for deletes). Nothing there is no error.
        """
        place = self.locate(path)
        for last in (False, True):
            if expect and not self.read(path).same(expect):
                raise _conflict(path)
            try:
                with translated("delete", path, needs(place.api("metadata"), "delete")):
                    self._http.delete(f"/v1/{quote(place.api('metadata'))}")
                return
            except VaultUnavailable as error:
                found = self._look_after(error, path)
                if found.data is None and not found.deleted:
                    return
                if last:
                    raise

    def old_versions(self, path: str) -> list[int]:
        """KV v2: the versions below the newest that are not destroyed; on KV v1 and where nothing is there, none."""
        place = self.locate(path)
        if place.kv == 1:
            return []
        with translated("read the versions of", path, needs(place.api("metadata"), "read")):
            try:
                data = self._get(place.api("metadata"))["data"]
            except InvalidPath:
                return []
            newest = int(data["current_version"])
            old = [int(number) for number, version in data["versions"].items() if not version["destroyed"]]
        return sorted(number for number in old if number < newest)

    def forget_old_versions(self, path: str) -> list[int]:
        """Destroy `old_versions`, for a token that was overwritten is still in them. The newest stays untouched.

        Returns their numbers.
        """
        old = self.old_versions(path)
        if old:
            place = self.locate(path)
            with translated("destroy old versions of", path, needs(place.api("destroy"), "update")):
                self._http.post(f"/v1/{quote(place.api('destroy'))}", json={"versions": old}, idempotent=True)
        return old

    def capabilities(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """What the token may do on API paths (`Location.api`), as `sys/capabilities-self` tells: ["deny"] for none."""
        paths = list(paths)
        own = "sys/capabilities-self"
        with translated("ask for the token's rights at", own, needs(own, "update")):
            data = self._http.post(f"/v1/{own}", json={"paths": paths}, idempotent=True)["data"]
            return {path: [str(word) for word in data[path]] for path in paths}

    def who(self) -> str:
        """The token's name in Vault, such as `approle (rotation)`; empty when it may not look itself up."""
        return self.identity().get("name", "")

    def identity(self) -> dict[str, str]:
        """Whom Vault takes the token for: `name`, as in `who`, and `entity_id`; empty when it may not look itself up."""
        try:
            with translated("look up", "the token"):
                data = self._get("auth/token/lookup-self")["data"]
                name, meta = str(data.get("display_name") or ""), data.get("meta") or {}
        except VaultDenied:
            return {}
        more = meta.get("role_name") or meta.get("role") or meta.get("username")
        found = {"name": f"{name} ({more})" if more else name, "entity_id": str(data.get("entity_id") or "")}
        return {key: _redact.text(text) for key, text in found.items() if text}

    def _get(self, api_path: str) -> Any:
        return self._http.get(f"/v1/{quote(api_path)}")


def _clean(path: object) -> str:
    """A path without slashes around it; refused when requests or Vault would read it as another."""
    text = str(path or "").strip("/")
    parts = text.split("/")
    if not text.isprintable() or len(parts) < 2 or any(part.strip() in ("", ".", "..") for part in parts):
        raise VaultNotFound(f"Vault: {_redact.text(text)!r} is not a path of a secret", "state it as mount/path")
    return text


def _left_behind(error: Any) -> dict[str, Any]:
    """The metadata that KV v2 sends with the 404 for a deleted or destroyed version; none where there never was one."""
    if error.errors:
        raise error  # not "nothing here" but "no handler for route"
    return ((error.json or {}).get("data") or {}).get("metadata") or {}


def _conflict(path: str) -> VaultConflict:
    return VaultConflict(
        f"Vault: somebody else has written {_redact.text(path)} in the meantime",
        "run again; it starts from what is there now",
    )
