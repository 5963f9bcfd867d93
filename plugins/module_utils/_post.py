# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells people, whatever happens in between never twice: one message, changed as it goes, with a thread (private).

The notes of an installation (a secret without tokens, beside its record) say of each phase of each message that it is
being sent, before it is, and that it was sent, after, with the `ts` of Slack's message that shows it. The next phase
changes that message. Changing may be repeated without harm; what is posted (the message itself, details in its thread) is
not: where a run died in between it is looked up by its mark, where the poster may read the channel, and where it may not
it is reported and not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _notes, _speaker
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackError,
    SlackUnavailable,
    TokenError,
)
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import moment, stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret

Message = Mapping[str, Any]
Told = dict[str, Any]
KEPT = 200  # marks kept in the notes
UNSEEN = 3600  # seconds; nobody looks at a change of a message as old as that, so its details are shown in the channel
# What to do when Slack refuses a post: https://docs.slack.dev/reference/methods/chat.postMessage
ADVICE = {
    "not_in_channel": "invite the bot to the channel, or give the workspace a notifier (botops_notifier)",
    "channel_not_found": "correct the channel in botops_bots, or invite the poster to it where it is private",
    "is_archived": "name another channel in botops_bots",
    "missing_scope": "give the app chat:write, or the workspace a notifier (botops_notifier)",
}
# A message that cannot be changed (any more): https://docs.slack.dev/reference/methods/chat.update
UNCHANGEABLE = ("cant_update_message", "edit_window_closed", "message_not_found")


class Poster:
    """Posts messages for a session: its Vault, records and Slack."""

    def __init__(self, here: Any, check: bool) -> None:
        self.here = here
        self.check = check

    def post(self, message: Message) -> dict[str, Any]:
        """What became of one message: `state` is sent, already, planned, failed or unknown, with `evidence`."""
        said = {key: message[key] for key in ("mark", "phase", "installation", "workspace", "channel", "text")}
        said.update(ts="", evidence="", posted_by=message["poster"]["kind"])
        try:
            state, more = self._post(message)
        except RotationError as exc:
            state, more = "failed", {"evidence": exc.message}
        return {**said, "state": state, **more}

    def _post(self, message: Message) -> tuple[str, Told]:
        notes = _notes.secret(self.here, self._installation(message))
        marks = _marks(notes)
        known = marks.get(message["mark"])
        if known and known.get("state") == "sent":
            return "already", {"ts": known.get("ts", ""), "evidence": f"posted at {known.get('at')}"}
        done = marks.get(message["mark"].replace("/failed/", "/done/"), {})
        if message["phase"] == "failed" and done.get("state") == "sent":  # its message is not changed into a lie
            return "already", {
                "ts": done.get("ts", ""),
                "evidence": f"another run had ended it, told at {done.get('at')}",
            }
        if message["poster"]["kind"] == "nobody":
            return "failed", {"evidence": "there is no live token or notifier to post it with"}
        if self.check:
            return "planned", {}
        doubt = str(known.get("at")) if known and known.get("state") == "sending" else ""
        secrets = list(_speaker.secrets(self.here, self._installation(message), message["poster"]))
        if not doubt:
            notes = self._note(message, notes, "sending", {})
        # KV v1 cannot refuse a note that comes after another run has posted: that run had taken the lock.
        self.here.store.before_write(self._installation(message))
        try:
            told = _speaker.with_any(secrets, _Telling(self.here, message, marks, doubt).tell)
        except _Uncertain as exc:
            return "unknown", {"evidence": f"{exc.message}; whether it was posted is not known, so it is not repeated"}
        except SlackError as exc:  # it was not posted
            if not doubt:
                self._note(message, notes, "refused", {})
            advice = ADVICE.get(exc.code)
            return "failed", {"evidence": exc.message + (f"; next: {advice}" if advice else "")}
        self._note(message, notes, "sent", {key: told[key] for key in ("channel", "ts")})
        return told.pop("state"), told

    def _installation(self, message: Message) -> Installation:
        return self.here.registry.installation(*message["installation"].split("/", 1))

    def _note(self, message: Message, notes: Secret, state: str, told: Mapping[str, str]) -> Secret:
        entry = {"state": state, "at": stamp(self.here.vault.now()), "thread": message["thread"], **told}
        if message.get("seconds") is not None:
            entry["seconds"] = message["seconds"]

        def change(marks: dict[str, Any]) -> dict[str, Any]:
            marks.pop(message["mark"], None)  # the newest is the last
            return dict(list({**marks, message["mark"]: entry}.items())[-KEPT:])

        return _notes.put(self.here, self._installation(message), "announcements", change, notes)


class _Uncertain(RotationError):
    """A post whose answer did not come: it may have been posted."""


class _Telling:
    """One message on its way. `doubt`: when an earlier run was posting it, and whether it arrived is not known."""

    def __init__(self, here: Any, message: Message, marks: Mapping[str, Any], doubt: str) -> None:
        self.here, self.message, self.doubt = here, message, doubt
        self.marks = marks

    def tell(self, secret: str) -> Told:
        """The message, then its details: {state, ts, channel, evidence}."""
        if self.message["poster"]["kind"] == "webhook":
            if self.doubt:
                raise self._cannot()
            message = self.message
            told = self._once(lambda: self.here.slack.post_webhook(secret, message["text"], message["blocks"]))
            return {**told, "state": "sent"}
        root = self._root(secret)
        evidence = ""
        if root:
            try:
                self._change(secret, root)
            except SlackError as exc:
                if exc.code not in UNCHANGEABLE:
                    raise
                evidence, root = f"posted anew, since the message before could not be changed: {exc.code}", None
            else:
                evidence = "the message of before was changed"
        shown = root or self._found(secret, self.message["mark"]) or self._new(secret)
        return {**shown, "state": "sent", "evidence": evidence, **self._details(secret, shown, bool(root))}

    def _root(self, secret: str) -> dict[str, str] | None:
        """The message that has told of this before, in this channel: the newest."""
        message = self.message
        for mark, entry in reversed(self.marks.items()):
            if entry.get("thread") != message["thread"] or mark.rpartition("/")[2] != message["channel"]:
                continue
            if entry.get("ts"):
                return {"channel": entry.get("channel") or message["channel"], "ts": entry["ts"]}
            if entry.get("state") == "sending" and mark != message["mark"]:
                try:
                    return self.here.slack.find(secret, message["channel"], mark, _before(str(entry.get("at"))))
                except SlackError:  # what cannot be found cannot be changed
                    return None
        return None

    def _change(self, secret: str, root: Mapping[str, str]) -> None:
        self.here.slack.update(secret, root["channel"], root["ts"], self.message["text"], self.message["blocks"])

    def _new(self, secret: str) -> dict[str, str]:
        message = self.message
        return self._posted(secret, message["channel"], message["text"], message["blocks"], message["mark"])

    def _posted(self, secret: str, channel: str, *what: Any) -> dict[str, str]:
        slack = self.here.slack
        return _speaker.joining(slack, secret, channel, lambda: self._once(lambda: slack.post(secret, channel, *what)))

    def _details(self, secret: str, shown: Mapping[str, str], changed: bool) -> Told:
        """What stands in the thread. That it failed is said, and the message stands."""
        details, channel = self.message["details"], shown["channel"]
        if not details["text"] or not shown["ts"]:
            return {}
        mark = f"{self.message['mark']}/thread"
        loud = changed and (details["loud"] or self.here.vault.now().timestamp() - _moment(shown["ts"]) > UNSEEN)
        what = (details["text"], details["blocks"], mark, shown["ts"], loud)
        try:
            if not self._found(secret, mark, shown["ts"]):
                self._posted(secret, channel, *what)
        except _Uncertain as exc:
            return {"state": "unknown", "evidence": f"its details: {exc.message}; not repeated"}
        except RotationError as exc:
            return {"state": "failed", "evidence": f"its details: {exc.message}"}
        return {}

    def _found(self, secret: str, mark: str, thread: str = "") -> dict[str, str] | None:
        """What an earlier run has posted. None when it is known that there is nothing."""
        if not self.doubt:
            return None
        try:
            return self.here.slack.find(secret, self.message["channel"], mark, _before(self.doubt), thread)
        except SlackError as exc:
            if exc.code in _speaker.REFUSED:
                raise
            raise self._cannot() from None

    def _cannot(self) -> RotationError:
        return TokenError(
            f"an earlier run was posting it at {self.doubt}, and whether it arrived is not known; not repeated"
        )

    def _once(self, send: Any) -> dict[str, str]:
        try:
            return send()
        except SlackUnavailable as exc:
            if exc.code == "ratelimited":  # nothing was done
                raise
            raise _Uncertain(exc.message) from None


def _marks(notes: Secret) -> dict[str, Any]:
    """Mark -> what is noted of it."""
    noted = _notes.part(notes.data, "announcements")
    return {mark: entry for mark, entry in noted.items() if isinstance(entry, Mapping)}


def _before(at: str) -> str:
    """Five minutes before, in Unix seconds: two clocks may differ. Of what is no time, the beginning of all."""
    try:
        return str((moment(at) - timedelta(minutes=5)).timestamp())
    except ValueError:
        return "0"


def _moment(ts: str) -> float:
    """When Slack took a message, by its name."""
    try:
        return float(ts)
    except ValueError:
        return 0.0
