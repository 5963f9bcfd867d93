# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the rotations of installations into a state, in Vault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import (
    _argspec,
    _named,
    _redact,
    _refresh,
    _refresh_words,
    _reinstall,
    _spool,
    _verbs,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    StateError,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.plugin_utils import _input
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import (
    EVERYTHING,
    LEASE_OPTION,
    Session,
    session,
)

# What cannot be undone, by state: the action of its rows, what is done to their tokens, and what people are told of it.
CONFIRMED = {
    "revoked": ("reinstall", "revoke", "revoking", _reinstall.WHAT_DIES),
    "refreshed": ("exchange", "exchange", "exchange", _refresh_words.WHAT_CHANGES),
}


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, _argspec.SPOOL, _argspec.PATIENCE)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {
            "type": "str",
            "choices": ["staged", "revoked", "refreshed", "promoted", "restored", "retired", "aborted"],
            "required": True,
        },
        "installations": {"type": "list", "elements": "dict", "required": True},
        "token": {"type": "str", "default": "bot", "no_log": False},
        "token_file": {"type": "str", "no_log": False},
        "from_spool": {"type": "bool", "default": False},
        "accept_identity": {"type": "list", "elements": "str", "default": []},
        "accept_scopes": {"type": "list", "elements": "str", "default": []},
        "keep_old": {"type": "list", "elements": "str", "default": []},
        "revoke_old": {"type": "list", "elements": "str", "default": []},
        "confirm_revoke": {"type": "str", "no_log": False},
        "confirm_exchange": {"type": "str", "no_log": False},
        "run_id": {"type": "str", "default": ""},
        "discard": {"type": "list", "elements": "str", "default": []},
        **LEASE_OPTION,
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["state"] == "staged":
            result = self._stage(options)
        else:
            here = session(self, options)
            self._confirm(options)
            with here.locked(options["installations"], self.check):
                result = self._verb(options["state"])(here, options, self.check)
            for name, each in result["results"].items() if options["state"] in CONFIRMED else ():
                if each["reason"]:
                    self.warn(f"{name}: {each['reason']}")
        if not self.diff:
            result.pop("diff")
        return result

    def _verb(self, state: str) -> Callable[..., dict[str, Any]]:
        if state == "refreshed":
            return lambda here, options, check: _refresh.refreshed(here, options, check, self._say)
        return getattr(_verbs, state)

    def _confirm(self, options: dict[str, Any]) -> None:
        """Has the operator say that he means what cannot be undone: at the prompt, or before in `confirm_...`."""
        action, verb, doing, what = CONFIRMED.get(options["state"], ("", "", "", ""))
        rows = [row for row in options["installations"] if row.get("action") == action and not row.get("revoked_at")]
        if not (action and rows) or self.check:
            return
        due = ",".join(sorted({row["bot"] for row in rows}))
        said = options[f"confirm_{verb}"]
        if said is None:
            names = ", ".join(f"{row['id']} ({row['old_fingerprint']})" for row in rows)
            self._say(f"About to {verb} the tokens of {names}.\n{what}")
            said = _input.ask(
                self._display, f"Type {due} to go on:", "this confirmation", f"give it before: -e confirm_{verb}={due}"
            )
        if said != due:
            raise StateError(
                f"the {doing} was not confirmed, so nothing was {verb}d",
                f"run it again and type {due} when asked, or give -e confirm_{verb}={due}",
            )

    def _stage(self, options: dict[str, Any]) -> dict[str, Any]:
        """Takes the new token, and brings it into Vault; where that does not answer, patiently, then into the spool."""
        installation, name = _verbs.target(session(self, options), options), options["token"]
        spool = _spool.Spool(options["spool_dir"]) if options["spool_dir"] else None
        self._where = installation.id
        entry = self._from_spool(options, spool, installation) if options["from_spool"] else None
        if spool and not entry:
            self._look_at(spool)
        token = options["value"] = entry.token if entry else self._read_token(options)
        _redact.register(token)
        _verbs.require_usable(installation, name, token)
        if self.check:
            return self._attempt(options, installation, False)
        tried: list[bool] = []

        def attempt() -> dict[str, Any]:
            tried.append(True)
            return self._attempt(options, installation, len(tried) > 1)

        try:
            result = _spool.patiently(attempt, options["spool_patience"], self._say)
            if entry and spool:
                self._forget(spool, entry, session(self, options), installation)
        except VaultUnavailable as exc:
            if entry:
                raise type(exc)(f"{exc.message}; the token stays in the spool", exc.next_step) from None
            raise _spool.given_up(exc, spool, installation.id, name, token) from None
        return result

    def _attempt(self, options: dict[str, Any], installation: Installation, again: bool) -> dict[str, Any]:
        """One staging with a login and a lock of its own. `again`: after one that Vault did not answer."""
        here = session(self, options)
        if again and not options["lease"]:
            here.drop_own_lock(installation)
        result = None
        try:
            with here.locked(options["installations"], self.check):
                result = _verbs.staged(here, options, self.check)
        except VaultUnavailable as exc:
            if result is None:
                raise
            self.warn(f"a lock could not be released, and expires by itself: {exc}")
        return result

    def _from_spool(
        self, options: dict[str, Any], spool: _spool.Spool | None, installation: Installation
    ) -> _spool.Entry:
        if options["token_file"] is not None:
            raise StateError("from_spool and token_file were both given", "give the one that holds the token")
        if spool is None:
            raise StateError("no spool is set", "set botops_spool_dir to the directory that holds the token")
        return spool.newest(installation.id, options["token"])

    def _look_at(self, spool: _spool.Spool) -> None:
        """Says before a token is asked for that it could not be kept."""
        try:
            spool.check()
        except StateError as exc:
            self.warn(str(exc))

    def _forget(self, spool: _spool.Spool, entry: _spool.Entry, here: Session, installation: Installation) -> None:
        if not _verbs.holds(here, installation, entry.name, entry.fingerprint):
            raise StateError(
                f"Vault does not hold the token {entry.fingerprint} of {installation.id} just after it was staged, so it "
                "stays in the spool",
                "run rotation_status, then this again",
            )
        spool.remove(entry)

    def _say(self, words: str) -> None:
        self._display.display(_redact.text(words))

    def _read_token(self, options: dict[str, Any]) -> str:
        """The new token, from a hidden prompt, a file, or standard input (token_file: -). Never from a variable."""
        source = options["token_file"]
        if source is None:
            what = _named.called(options["token"])
            return _input.ask(self._display, f"New {what} of {self._where} (not shown):", f"the new {what}")
        return _input.only_line(_input.read(source, "new token", "holds nothing but the token"))
