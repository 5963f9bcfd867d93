# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case: secrets of its own in the servers of a place, a run on them, and what is there after it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _redact

from tests.faults.inprocess._pipeline import Host, Pipeline
from tests.faults.inprocess._place import NOTIFIER, SLACK_TIMEOUT, Place, Setting
from tests.faults.inprocess._weather import Killed
from tests.sandbox import _records
from tests.sandbox.slack import control
from tests.sandbox.slack.world import World
from tests.sandbox.tokens import fingerprint

INSTALLATION, KEY, CHANNEL = "gobot/one", "gobot/one/bot", "C0GENERAL1"
SCOPES = ["chat:write", "users:read"]


class Case:
    """One installation: its old token dead (or with `old_alive` not), the new one staged, a service with the old one."""

    def __init__(self, place: Place, setting: Setting, old_alive: bool = False, well: bool = True) -> None:
        self.place, self.setting = place, setting
        number = next(place.numbers)
        self.path = f"{setting.tokens}/ciebot/case-{number}/slack_bot_token_for_gobot_in_one"
        beside = f"{setting.record_mount}/{self.path}" if setting.record_mount else self.path
        self.record, self.lock, self.notes = (f"{beside}_{name}" for name in ("rotation", "lock", "notes"))
        _redact._whole.clear()
        _redact._pieces.clear()
        _redact._bare.clear()
        self._fill_slack(old_alive)
        place.bao.put(self.path, {"value": self.old, "owner": "OSS ciebot"})
        place.bao.put(NOTIFIER, {"value": self.notifier})
        self._stage()
        self.host = Host(fingerprint(self.old), well)
        self.taken: dict[str, Any] = {}
        place.weather.set()
        place.weather.late, place.weather.meddle = [], self._meddle
        place.clock.off, place.slack_timeout = 0.0, SLACK_TIMEOUT
        self.credentials = place.approle() if setting.auth == "approle" else {"vault_token": place.token}

    def _stage(self) -> None:
        issued = control.issued(self.world, self.world.installation(INSTALLATION))
        self.place.bao.put(self.record, _records.staged(None, "gobot", "bot", self.new, issued, self.old))

    def _fill_slack(self, old_alive: bool) -> None:
        world = World(self.place.slack.url)
        world.add_team("T0TEAM1", "Team one", "one", ["U0PERSON1"])
        world.add_channel(CHANNEL, "general", "one")
        world.add_app("A0ROBOT", "gobot", SCOPES)
        world.add_app("A0HELPER", "notifier", ["channels:history", "chat:write"])
        for app in ("gobot", "notifier"):
            world.invite(f"{app}/one", CHANNEL) if world.install(app, "one") else None
        self.old = world.installation(INSTALLATION).bot_token
        self.notifier = world.installation("notifier/one").bot_token
        world.revoke(INSTALLATION)
        self.new = world.install("gobot", "one").bot_token
        if old_alive:
            world.set_token_state(self.old, "live")
        self.world = self.place.slack.world
        self.world.__dict__.update(world.__dict__)

    def run(self, **more: Any) -> Pipeline:
        """A pipeline for one run, by an owner of its own."""
        self.place.begin_run()
        return Pipeline({**self.options(), **more}, self.host, KEY)

    def options(self) -> dict[str, Any]:
        bot = {
            "app_id": "A0ROBOT",
            "environment": "internal",
            "strategy": "staged",
            "required_scopes": ["chat:write"],
            "owners": ["U0PERSON1"],
            "channels": {"one": [CHANNEL]},
            "installations": {"one": {"bot_token_path": self.path}},
        }
        return {
            **{name: option.default for name, option in {**_argspec.VAULT, **_argspec.SLACK}.items()},
            "vault_url": self.place.bao.url,
            "vault_namespace": self.place.bao.namespace or None,
            **self.credentials,
            "slack_api_url": self.place.slack.control.api_url,
            "workspaces": {"one": {"name": "Team one", "team_id": "T0TEAM1"}},
            "bots": {"gobot": bot},
            "notifier": {"one": {"token_path": NOTIFIER}},
            "contact": None,
            "record_mount": self.setting.record_mount,
            "rotation_days": 365,
            "warn_days": 30,
            "report_dir": str(self.place.directory / "reports"),
        }

    def rotate(self, back: bool = False, **choices: Any) -> tuple[dict[str, Any], Pipeline]:
        """A run to its end, or to its death (then the result is empty)."""
        run = self.run()
        try:
            return run.rotate(back, **choices), run
        except Killed:
            return {}, run

    def _meddle(self, api_path: str) -> None:
        """Somebody deletes (KV v2: the newest version, softly) or destroys what a request is about to touch."""
        path = re.sub(r"^/v1/", "", api_path)
        path = re.sub(r"^secret/(data|metadata|destroy)/", "secret/", path)
        if path not in (self.path, self.record, self.lock, self.notes):
            return
        bao, mount = self.place.bao, path.startswith("secret/")
        self.taken[path] = bao.get(path)
        if self.place.weather.fault == "deleted" or not mount:
            bao.delete(path)
            return
        name = path.removeprefix("secret/")
        about = bao.request("GET", f"secret/metadata/{name}")[1].get("data")
        if about:
            bao.request("PUT", f"secret/destroy/{name}", {"versions": [about["current_version"]]})

    def give_back(self) -> bool:
        """Somebody brings back what was taken, where it is not there again; whether the rotation has to go on."""
        for path, data in self.taken.items():
            if data and path in (self.path, self.record) and self.place.bao.get(path) is None:
                self.place.bao.put(path, data)
        record = self.place.bao.get(self.record)
        return bool(record) and record["state"] != "rotated"

    # What is there

    def snapshot(self) -> dict[str, Any]:
        """The four secrets as they are."""
        return {path: self.place.bao.get(path) for path in (self.path, self.record, self.lock, self.notes)}

    def state(self, snapshot: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The same without times and ids and with names for tokens, and without the lock's nonces; what services have."""
        found = snapshot or self.snapshot()
        names = {
            self.old: "<old>",
            self.new: "<new>",
            fingerprint(self.old): "<fp old>",
            fingerprint(self.new): "<fp new>",
        }
        plain = {
            "current": _plain(found[self.path], names),
            "record": _plain(found[self.record], names),
            "notes": _plain(found[self.notes], names),
            "lock": "free" if not (found[self.lock] or {}).get("nonce") else "held",
        }
        return {**plain, "service": _plain(self.host.carries, names), "old versions": self._old_versions()}

    def _old_versions(self) -> list[int]:
        """KV v2: versions of the record below its newest that can still be read and hold a token."""
        if not self.record.startswith("secret/"):
            return []
        name = self.record.removeprefix("secret/")
        about = self.place.bao.request("GET", f"secret/metadata/{name}")[1].get("data")
        if not about:
            return []
        return [
            int(number)
            for number, version in about["versions"].items()
            if not version["destroyed"] and not version["deletion_time"] and int(number) < about["current_version"]
        ]

    def lost(self) -> list[str]:
        """Tokens that Slack has issued and accepts and that are nowhere in Vault."""
        vault = str(self.snapshot())
        ours = {self.old: "the old token", self.new: "the new token"}
        return [name for value, name in ours.items() if self.world.tokens[value].state == "live" and value not in vault]

    def marks(self) -> list[str]:
        """What was posted, by the marks of the product's messages: one for each attempt, phase and channel."""
        return [(message.metadata or {})["event_payload"]["mark"] for message in self.world.messages]

    def announced(self) -> list[str]:
        """What was posted, by the first word as it is now, and whether it is in a thread."""
        return [_first(message.text) + " (thread)" * bool(message.thread_ts) for message in self.world.messages]


class IssuedInTheRun(Case):
    """A case whose new token Slack issues in the run itself."""

    @property
    def new(self) -> str:
        """What Slack has issued last."""
        issued = self.world.installation(INSTALLATION).bot_token
        return issued if issued and issued != self.old else "none was issued yet"

    @new.setter
    def new(self, _value: str) -> None:
        """It comes of the run."""


def _first(text: str) -> str:
    return text.partition(" ")[0]


_VOLATILE = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\b\d{8}T\d{6}Z-[a-z]+-[0-9a-f]{4}\b"), "<rotation>"),
    (re.compile(r"\b\d{10}\.\d{6}\b"), "<ts>"),
)


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_plain(key, names): _plain(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, names) for item in value]
    if isinstance(value, str):
        for secret, name in names.items():
            value = value.replace(secret, name)
        for pattern, name in _VOLATILE:
            value = pattern.sub(name, value)
    return value
