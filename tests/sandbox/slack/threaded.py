# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Slack sandbox inside of the test's own process: for tests of Slack's behaviour alone."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from slack_sdk import WebClient

from tests.sandbox.slack import app
from tests.sandbox.slack.client import SlackControl
from tests.sandbox.slack.world import World

SCOPES = ["channels:history", "channels:join", "channels:read", "chat:write", "team:read", "users:read"]


class ThreadedSlack:
    """A server on a free port, with a small world: `robot` and `helper` in the teams `one` and `two`.

    Each team has the public channels C0GENERAL<n> (the bots are in it), C0RANDOM<n> (they are not), and the private
    ones C0INSIDE<n> (robot is in it), C0SECRET<n> (nobody's); <n> is 1 or 2.
    """

    def __init__(self) -> None:
        self._socket = app.listen()
        self.url = app.url_of(self._socket)
        self.world = World(self.url)
        self.control = SlackControl(self.url)
        self._server = app.make_server(self.world)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(5)
        self._socket.close()

    def reset(self) -> None:
        """A fresh world."""
        world = self.world
        world.__dict__.update(World(self.url).__dict__)
        for number, slug in enumerate(("one", "two"), 1):
            world.add_team(f"T0TEAM{number}", f"Team {slug}", slug, [f"U0PERSON{number}"])
            world.add_channel(f"C0GENERAL{number}", "general", slug)
            world.add_channel(f"C0RANDOM{number}", "random", slug)
            world.add_channel(f"C0INSIDE{number}", "inside", slug, private=True)
            world.add_channel(f"C0SECRET{number}", "secret", slug, private=True)
        world.add_app("A0ROBOT", "robot", SCOPES, user_scopes=["chat:write", "users:read"])
        world.add_app("A0HELPER", "helper", ["chat:write"])
        for slug, number in (("one", 1), ("two", 2)):
            for name in ("robot", "helper"):
                world.install(name, slug)
                world.invite(f"{name}/{slug}", f"C0GENERAL{number}")
            world.invite(f"robot/{slug}", f"C0INSIDE{number}")

    def token(self, installation: str = "robot/one", kind: str = "bot") -> str:
        """A token in force."""
        found = getattr(self.world.installation(installation), f"{kind}_token")
        assert found, f"{installation} has no {kind} token in force"
        return found

    def client(self, token: str | None = None) -> WebClient:
        """slack_sdk's client with a token (default: robot's in the team `one`), without its retries."""
        return WebClient(token or self.token(), base_url=f"{self.url}/api/", retry_handlers=[], timeout=5)
