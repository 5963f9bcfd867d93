# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the cases play: an OpenBao and a Slack sandbox for each worker, and for each case secrets of its own in them."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests.adapters
from ansible_collections.botops.rotation.plugins.action import rotation_lock
from ansible_collections.botops.rotation.plugins.module_utils import (
    _lease,
    _plan,
    _slack,
    _vault_http,
)
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import Owner, current_owner
from ansible_collections.botops.rotation.plugins.plugin_utils import _session
from slack_sdk.http_retry import builtin_handlers, handler

from tests.faults.inprocess._weather import Clock, Gate, Weather
from tests.sandbox import _ports, bao
from tests.sandbox._process import Processes, wait_for
from tests.sandbox._state import ROOT
from tests.sandbox.slack.threaded import ThreadedSlack

FOLDER = "crn/v1/internal/local/tip-oss-flow/global"
NOTIFIER = f"generic/{FOLDER}/notifier/slack_bot_token_for_notifier_in_one"
SLACK_TIMEOUT = 10.0  # seconds, as the product has it
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
        self.proven: set[str] = set()
        """What cases have left from which the next run went well; and how often another one has left the same."""
        self.as_proven = 0
        self.slowest_call, self.slack_timeout = 0.0, SLACK_TIMEOUT
        self.token = self.policy("shipped", POLICY)
        self.bao.request("POST", "sys/auth/approle", {"type": "approle"})
        role = {"token_policies": "shipped", "token_no_default_policy": True}
        self.bao.request("POST", "auth/approle/role/rotation", role)

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
        """This run's owner. For every other run it is gone, as a process that has ended, and whose pid was reused."""
        return replace(current_owner(), start_time=self.owner_number_now)

    def is_this_run(self, _pid: int, start_time: int) -> bool:
        return start_time == self.owner_number_now

    def begin_run(self) -> None:
        self.owner_number_now = next(self.owner_number)

    @contextmanager
    def installed(self) -> Iterator[Place]:
        """The clock, the gate and the owner in the product's place for them; put back at the end."""
        place, weather = self, self.weather

        class Here(Gate):
            pass

        class Slack(_slack.Slack):
            def __init__(self, api_url: str, **more: Any) -> None:
                super().__init__(api_url, place.slack_timeout, **more)

            def _call(self, token: str, method: str, /, *args: Any, **more: Any) -> Any:
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
            *((module, "is_alive", self.is_this_run) for module in (_lease, _plan)),
        ]
        kept = [(module, name, getattr(module, name)) for module, name, _value in given]
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


@contextmanager
def opened() -> Iterator[Place]:
    """The servers, up."""
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    processes = Processes(directory)
    try:
        with _ports.claim() as claimed, ThreadedSlack() as slack:
            server = bao.start(processes, directory, claimed.getsockname()[1] + 1, "root")
            wait_for("OpenBao answers", server.alive)
            server.set_up()
            yield Place(server, slack, directory)
    finally:
        processes.stop_all()
        shutil.rmtree(directory)
