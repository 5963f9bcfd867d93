# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case of the strategy refresh: a token of Slack's rotation mode that ends soon, or a static one that is to enter it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.action import rotation, rotation_outcome
from ansible_collections.botops.rotation.plugins.module_utils import _refresh, _spool

from tests.faults.inprocess._case import CHANNEL, INSTALLATION, KEY, SCOPES, IssuedInTheRun
from tests.faults.inprocess._pipeline import Failed, Pipeline, Result
from tests.faults.inprocess._place import Place, Setting
from tests.sandbox.slack.world import World
from tests.sandbox.tokens import fingerprint, secret_part

PIECE = 12
GRACE = 3600.0  # seconds for which Slack takes a refresh token again; how long really is not published


class RefreshRun(Pipeline):
    """refresh_tokens, or rotate_bot where the token is static: with the tasks of roles/rotation/tasks/refresh.yml."""

    def _plan(self, have: dict[str, Any], back: bool, choices: Any) -> Result | None:
        stop = super()._plan(have, back, choices)
        if stop or not have["plan"]["refresh_on"]:
            return stop
        done: Result = {}
        try:
            given = {"plan": have["plan"], "preflight": have["preflight"]}
            self.task("prepare", rotation_outcome, state="prepared", **given)
            given = {"installations": have["plan"]["installations"], "confirm_exchange": "gobot"}
            done = self.task("have slack give the next tokens", rotation, state="refreshed", **given)["results"]
            return super()._plan(have, back, {**choices, "refreshed": done})
        except Failed as failure:
            return {**failure.stop, "written": bool(done)}


class Refreshing(IssuedInTheRun):
    """One installation whose token ends within the hour, and is in use by a service. `static`: it has not entered yet."""

    def __init__(
        self, place: Place, setting: Setting, static: bool = False, grace: float = GRACE, spool: Path | None = None
    ) -> None:
        self.static, self.grace, self.spool = static, grace, spool
        super().__init__(place, setting)
        self.begun = self.refreshes

    def _fill_slack(self, old_alive: bool) -> None:
        world = World(self.place.slack.url)
        world.refresh_grace = self.grace
        world.add_team("T0TEAM1", "Team one", "one", ["U0PERSON1"])
        world.add_channel(CHANNEL, "general", "one")
        world.add_app("A0ROBOT", "gobot", SCOPES, rotation=not self.static)
        world.add_app("A0HELPER", "notifier", ["channels:history", "chat:write"])
        for app in ("gobot", "notifier"):
            world.invite(f"{app}/one", CHANNEL) if world.install(app, "one") else None
        world.configure("gobot", rotation=True)
        self.old = world.installation(INSTALLATION).bot_token
        self.notifier = world.installation("notifier/one").bot_token
        self.world = self.place.slack.world
        self.world.__dict__.update(world.__dict__)

    def _stage(self) -> None:
        app = self.world.apps["A0ROBOT"]
        self.client = self.path.rpartition("/")[0] + "/client"
        self.chain = self.record.removesuffix("_rotation") + "_refresh"
        self.place.bao.put(self.client, {"client_id": app.client_id, "client_secret": app.client_secret})
        if not self.static:
            soon = f"{datetime.now(timezone.utc) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
            refresh = self.world.installation(INSTALLATION).bot_refresh_token
            given = {"schema": 1, "token": self.old, "refresh_token": refresh, "expires": {fingerprint(self.old): soon}}
            self.place.bao.put(self.chain, given)

    @property
    def refreshes(self) -> int:
        """How many pairs Slack has issued to the bot."""
        return sum(each.kind == "refresh" and each.app_id == "A0ROBOT" for each in self.world.tokens.values())

    def options(self) -> dict[str, Any]:
        found = super().options()
        found["bots"]["gobot"].update(strategy="refresh", client_path=self.client)
        return {**found, "spool_dir": str(self.spool) if self.spool else None, "spool_patience": 20.0}

    def run(self, **more: Any) -> Pipeline:
        self.place.begin_run()
        return RefreshRun({**self.options(), **more}, self.host, KEY)

    def rotate(self, back: bool = False, **choices: Any) -> Any:
        with self._clocks():
            return super().rotate(back, **{"exchange_untried": True, **choices})

    @contextmanager
    def _clocks(self) -> Iterator[None]:
        kept = [(module, module.time) for module in (_refresh, _spool)]
        try:
            for module, _time in kept:
                module.time = self.place.clock
            yield
        finally:
            for module, time in kept:
                module.time = time

    def state(self, snapshot: Any = None) -> dict[str, Any]:
        """As of any case, without what depends on how many pairs there were: Slack ends the oldest of three tokens."""
        found = super().state(snapshot)
        (found["record"] or {}).get("tokens", {}).get("bot", {}).pop("previous", None)
        if not (found["notes"] or {}).get("announcements"):
            found["notes"] = None  # nothing was told, or only that it did not finish
        chain = self.place.bao.get(self.chain) or {}
        return {**found, "chain": {"newest": chain.get("token") == self.new, "begun": chain.get("begun")}}

    def lost(self) -> list[str]:
        """What Slack has given and Vault has not yet is given again, while it takes the token that was used."""
        return []

    def shown(self, text: str) -> list[str]:
        """Pieces of any of the bot's tokens in a text."""
        parts = [secret_part(each.value) for each in self.world.tokens.values() if each.app_id == "A0ROBOT"]
        pieces = (part[at : at + PIECE] for part in parts for at in range(len(part) - PIECE + 1))
        return ["shown: a piece of a token"] if any(piece in text for piece in pieces) else []

    def at_risk(self) -> list[str]:
        """What is wrong with the chain at the end: its refresh token has to be one that Slack takes."""
        chain = self.place.bao.get(self.chain) or {}
        token = self.world.tokens.get(str(chain.get("refresh_token")))
        return (
            [] if token is not None and token.state == "live" else ["the chain's refresh token is dead, or not there"]
        )
