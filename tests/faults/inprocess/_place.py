# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the cases play: an OpenBao and a Slack sandbox for each worker, and for each case secrets of its own in them."""

from __future__ import annotations

import itertools
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests.adapters
from ansible_collections.botops.rotation.plugins.action import rotation_lock
from ansible_collections.botops.rotation.plugins.module_utils import (
    _argspec,
    _lease,
    _plan,
    _redact,
    _slack,
    _vault_http,
)
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import Owner, current_owner
from ansible_collections.botops.rotation.plugins.plugin_utils import _session
from slack_sdk.http_retry import builtin_handlers, handler

from tests.faults.inprocess._pipeline import Host, Pipeline
from tests.faults.inprocess._weather import Clock, Gate, Killed, Weather
from tests.sandbox import _ports, _records, bao
from tests.sandbox._process import Processes, wait_for
from tests.sandbox._state import ROOT
from tests.sandbox.slack import control
from tests.sandbox.slack.threaded import ThreadedSlack
from tests.sandbox.slack.world import World
from tests.sandbox.tokens import fingerprint

INSTALLATION, KEY, CHANNEL = "gobot/one", "gobot/one/bot", "C0GENERAL1"
FOLDER = "crn/v1/internal/local/tip-oss-flow/global"
NOTIFIER = f"generic/{FOLDER}/notifier/slack_bot_token_for_notifier_in_one"
SCOPES = ["chat:write", "users:read"]
SLACK_TIMEOUT = 0.25  # seconds; a hanging Slack costs this, and the tries after it
POLICY = (ROOT / "docs" / "vault-policy.hcl").read_text(encoding="utf-8")
"""The shipped policy as it is: the cases' paths are such as it allows. Tokens get nothing else, not even `default`."""


@dataclass(frozen=True)
class Setting:
    """Where tokens are, where records are, and how the tool logs in."""

    name: str
    tokens: str
    record_mount: str | None = None
    auth: str = "token"


SETTINGS = {
    "v1": Setting("v1", f"generic/{FOLDER}"),
    "v2": Setting("v2", f"secret/generic/{FOLDER}"),
    "v1+v2": Setting("v1+v2", f"generic/{FOLDER}", "secret", "approle"),
}


class Place:
    """The servers of a worker, and the product's ways to them."""

    def __init__(self, server: bao.Bao, slack: ThreadedSlack, directory: Path) -> None:
        self.bao, self.slack, self.directory = server, slack, directory
        self.clock = Clock()
        self.weather = Weather(self.clock)
        self.numbers = itertools.count(1)
        self.owner_number = itertools.count(1)
        self.slowest_call = 0.0
        self.policy("shipped", POLICY)

    def policy(self, name: str, text: str) -> str:
        """A policy, and a token with it alone."""
        self.bao.request("PUT", f"sys/policies/acl/{name}", {"policy": text})
        given = {"policies": [name], "no_default_policy": True, "display_name": "rotation"}
        return self.bao.request("POST", "auth/token/create", given)[1]["auth"]["client_token"]

    def approle(self) -> dict[str, str]:
        read = self.bao.request
        role_id = read("GET", "auth/approle/role/rotation/role-id")[1]["data"]["role_id"]
        secret_id = read("POST", "auth/approle/role/rotation/secret-id", {})[1]["data"]["secret_id"]
        return {"vault_auth_method": "approle", "vault_role_id": role_id, "vault_secret_id": secret_id}

    def owner(self, *_args: Any, **_more: Any) -> Owner:
        """This run's owner: it is gone for every other run, as a process that has ended is (its pid was reused)."""
        return replace(current_owner(), start_time=self.owner_number_now)

    def begin_run(self) -> None:
        self.owner_number_now = next(self.owner_number)

    @contextmanager
    def installed(self) -> Iterator[Place]:
        """The clock, the gate and the owner in the product's place for them; put back at the end."""
        place, weather = self, self.weather

        class Here(Gate):
            pass

        class Slack(_slack.Slack):
            def __init__(self, api_url: str) -> None:
                super().__init__(api_url, SLACK_TIMEOUT)

            def _call(self, token: str, method: str, *args: Any, **more: Any) -> Any:
                return place._slack_call(lambda: super(Slack, self)._call(token, method, *args, **more), method)

        class Adapter(_vault_http.Adapter):
            def _send(self, *args: Any, **more: Any) -> Any:
                began = place.clock.monotonic()
                try:
                    return super()._send(*args, **more)
                finally:
                    place.slowest_call = max(place.slowest_call, place.clock.monotonic() - began)

        Here.weather = weather
        given = [
            (requests.adapters, "HTTPAdapter", Here),
            (_vault_http, "Adapter", Adapter),
            (_session, "Slack", Slack),
            *((module, "time", self.clock) for module in (_vault_http, _lease, _slack, handler, builtin_handlers)),
            *((module, "current_owner", self.owner) for module in (rotation_lock, _session, _plan)),
        ]
        kept = [(module, name, getattr(module, name)) for module, name, _ in given]
        try:
            for module, name, value in given:
                setattr(module, name, value)
            yield self
        finally:
            for module, name, value in kept:
                setattr(module, name, value)

    def _slack_call(self, call: Any, method: str) -> Any:
        fault = self.weather.next("slack", method)
        if fault == "killed":
            self.weather.kill()
        result = call()
        if fault == "killed after":
            self.weather.kill()
        return result


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
        self._fill_slack(old_alive)
        place.bao.put(self.path, {"value": self.old, "owner": "OSS ciebot"})
        place.bao.put(NOTIFIER, {"value": self.notifier})
        issued = control.issued(self.world, self.world.installation(INSTALLATION))
        place.bao.put(self.record, _records.staged(None, "gobot", "bot", self.new, issued, self.old))
        self.host = Host(fingerprint(self.old), well)
        self.taken: dict[str, Any] = {}
        place.weather.set()
        place.weather.late, place.weather.meddle = [], self._meddle
        place.clock.off = 0.0
        self.credentials = place.approle() if setting.auth == "approle" else {"vault_token": place.token}

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
        """What was posted, by the first words."""
        return [message.text.split("*")[0] for message in self.world.messages]


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


@contextmanager
def opened() -> Iterator[Place]:
    """The servers, up and in the product's way."""
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    processes = Processes(directory)
    try:
        with _ports.claim() as claimed, ThreadedSlack() as slack:
            server = bao.start(processes, directory, claimed.getsockname()[1] + 1, "root")
            wait_for("OpenBao answers", server.alive)
            server.set_up()
            server.request("POST", "sys/auth/approle", {"type": "approle"})
            role = {"token_policies": "shipped", "token_no_default_policy": True}
            server.request("POST", "auth/approle/role/rotation", role)
            place = Place(server, slack, directory)
            place.token = place.policy("shipped", POLICY)
            with place.installed():
                yield place
    finally:
        processes.stop_all()
        shutil.rmtree(directory)
