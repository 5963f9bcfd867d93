# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case of the strategy reinstall: the old token lives, a run revokes it, and somebody clicks on its page at once.

The page's own code runs, without its server: who clicks calls what an address of it calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.botops.rotation.plugins.action import (
    rotation,
    rotation_lock,
    rotation_outcome,
    slack_install,
    slack_message,
)
from ansible_collections.botops.rotation.plugins.module_utils import _install_run
from ansible_collections.botops.rotation.plugins.module_utils._install_wait import Address

from tests.faults.inprocess._case import CHANNEL, INSTALLATION, KEY, IssuedInTheRun
from tests.faults.inprocess._pipeline import Failed, Pipeline, Result
from tests.faults.inprocess._weather import Killed
from tests.sandbox.slack import browser
from tests.sandbox.slack.world import World

ADDRESS = Address("http://127.0.0.1:9/", "http://127.0.0.1:9/slack/oauth_redirect")
SCOPES = ["channels:join", "channels:read", "chat:write", "users:read"]


class ReinstallRun(Pipeline):
    """rotate_bot with the tasks of roles/rotation/tasks/reinstall.yml."""

    def _plan(self, have: dict[str, Any], back: bool, choices: Any) -> Result | None:
        stop = super()._plan(have, back, choices)
        if stop or not have["plan"]["reinstall_on"]:
            return stop
        revoked = False
        try:
            plan, locks = have["plan"], self._prepared(have)
            lease = self.task("hold the locks for the revoking", rotation_lock, state="held", installations=locks)[
                "lease"
            ]
            told = self.task("announce the revoking", slack_message, messages=plan["messages"], lease=lease)
            have["announcements"] = told["announcements"]
            rows, revoked = plan["installations"], True
            given = {"installations": rows, "run_id": plan["run_id"], "confirm_revoke": "gobot", "lease": lease}
            self.task("revoke the old tokens", rotation, state="revoked", **given)
            self.task("release the locks while people are waited for", rotation_lock, state="released", lease=lease)
            rows = [row for row in rows if row["action"] == "reinstall"]
            self.task("wait for the installation of the app", slack_install, installations=rows)
            return super()._plan(have, back, {**choices, "install": False})
        except Failed as failure:
            return {**failure.stop, "written": revoked}

    def _prepared(self, have: dict[str, Any]) -> list[str]:
        given = {"plan": have["plan"], "preflight": have["preflight"]}
        prepared = self.task("prepare", rotation_outcome, state="prepared", **given)["prepared"]
        assert not prepared["stop"], prepared
        return prepared["locks"]


def _click(self: _install_run.Run, plan: Any, board: Any, keeper: Any) -> None:
    """In the place of Run._serve: somebody installs each app that is waited for, and goes away."""
    desk = self._desk(plan, board, keeper, ADDRESS)
    for row in board.rows:
        if not row.settled:
            answer = desk.start(row.key)
            cookie = answer.headers["set-cookie"][0].partition(";")[0]
            back = browser.click(answer.headers["location"][0])
            desk.callback(urlsplit(back).query, {"cookie": cookie})
    board.end("nobody clicks any more")


@contextmanager
def somebody_clicks() -> Iterator[None]:
    kept, _install_run.Run._serve = _install_run.Run._serve, _click
    try:
        yield
    finally:
        _install_run.Run._serve = kept


class Reinstall(IssuedInTheRun):
    """One installation whose token lives, and is in use by a service."""

    def _fill_slack(self, old_alive: bool) -> None:
        world = World(self.place.slack.url)
        world.add_team("T0TEAM1", "Team one", "one", ["U0PERSON1"])
        world.add_channel(CHANNEL, "general", "one")
        world.add_app("A0ROBOT", "gobot", SCOPES, redirect_uris=[ADDRESS.redirect_uri], local_redirects=True)
        world.add_app("A0HELPER", "notifier", ["channels:history", "chat:write"])
        for app in ("gobot", "notifier"):
            world.invite(f"{app}/one", CHANNEL) if world.install(app, "one") else None
        self.old = world.installation(INSTALLATION).bot_token
        self.notifier = world.installation("notifier/one").bot_token
        self.world = self.place.slack.world
        self.world.__dict__.update(world.__dict__)

    def _stage(self) -> None:
        app = self.world.apps["A0ROBOT"]
        self.client = self.path.rpartition("/")[0] + "/client"
        self.place.bao.put(self.client, {"client_id": app.client_id, "client_secret": app.client_secret})

    def options(self) -> dict[str, Any]:
        found = super().options()
        found["bots"]["gobot"].update(strategy="reinstall", client_path=self.client)
        authorize = {"slack_authorize_url": f"{self.place.slack.url}/oauth/v2/authorize"}
        return {**found, **authorize, "spool_patience": 0.0}

    def run(self, **more: Any) -> Pipeline:
        self.place.begin_run()
        return ReinstallRun({**self.options(), **more}, self.host, KEY)

    def rotate(self, back: bool = False, **choices: Any) -> tuple[dict[str, Any], Pipeline]:
        run = self.run()
        try:
            with somebody_clicks():
                return run.rotate(back, **choices), run
        except Killed:
            return {}, run

    def lost(self) -> list[str]:
        """What Slack gives again with the next click is not lost; that it is in Vault in the end is in `state`."""
        return []

    def ended(self) -> int:
        """How many of the app's tokens were ended: the old one, and no other."""
        return sum(each.app_id == "A0ROBOT" and each.state != "live" for each in self.world.tokens.values())
