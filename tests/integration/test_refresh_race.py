# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty refreshes of one installation at once, from several processes: one exchange, and no dead refresh token."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _argspec

from tests.integration import _refresher
from tests.integration._bao import running
from tests.sandbox.bao import Bao
from tests.sandbox.slack.threaded import ThreadedSlack
from tests.sandbox.tokens import fingerprint

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def server() -> Iterator[Bao]:
    with running() as started:
        yield started


@pytest.fixture
def slack() -> Iterator[ThreadedSlack]:
    """robot in rotation mode; a refresh token is good once, without any grace."""
    with ThreadedSlack() as started:
        started.reset()
        started.world.revoke("robot/one")
        started.world.configure("robot", rotation=True)
        started.world.install("robot", "one")
        yield started


def options(server: Bao, slack: ThreadedSlack, path: str, mount: str | None) -> dict[str, Any]:
    bot = {"strategy": "refresh", "client_path": f"{path}_client", "installations": {"one": {"bot_token_path": path}}}
    return {
        **{name: option.default for name, option in {**_argspec.VAULT, **_argspec.SLACK}.items()},
        "vault_url": server.url,
        "vault_token": server.token,
        "slack_api_url": slack.control.api_url,
        "workspaces": {"one": {"name": "Team one", "team_id": "T0TEAM1"}},
        "bots": {"gobot": {**bot, "app_id": "A0ROBOT"}},
        "notifier": None,
        "contact": None,
        "record_mount": mount,
        "accept_identity": [],
        "accept_scopes": [],
        "spool_dir": None,
        "spool_patience": 5.0,
    }


def due(server: Bao, slack: ThreadedSlack, path: str, beside: str) -> None:
    """A token that ends within the hour."""
    app, of = slack.world.apps["A0ROBOT"], slack.world.installation("robot/one")
    soon = f"{datetime.now(timezone.utc) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    server.put(path, {"value": of.bot_token})
    server.put(f"{path}_client", {"client_id": app.client_id, "client_secret": app.client_secret})
    chain = {"token": of.bot_token, "refresh_token": of.bot_refresh_token, "expires": {fingerprint(of.bot_token): soon}}
    server.put(f"{beside}_refresh", {"schema": 1, **chain})


@pytest.mark.row("refresh: fifty of one installation at once")
@pytest.mark.parametrize(
    ("mount", "insists", "count", "threads"),
    (("secret", True, 5, 10), (None, False, 2, 6)),
    ids=("records on KV v2, all in turn", "all on KV v1, at once or not"),
)
def test_at_once(mount: str | None, insists: bool, count: int, threads: int, server: Bao, slack: ThreadedSlack) -> None:
    path = f"generic/race-{mount}/token"
    beside = f"{mount}/{path}" if mount else path
    due(server, slack, path, beside)
    ready, told = SPAWN.Barrier(count * threads), SPAWN.Queue()
    given = (options(server, slack, path, mount), threads, ready, told, insists)
    processes = [SPAWN.Process(target=_refresher.controllers, args=given) for _dummy in range(count)]
    for process in processes:
        process.start()
    ended = sum((Counter(told.get(timeout=300)) for _dummy in processes), Counter())
    for process in processes:
        process.join(20)
    assert ended["refreshed"] == 1 and ended.total() == count * threads, ended
    assert set(ended) <= {"refreshed", "nothing to do" if insists else "refused", "nothing to do"}, ended

    asked = list(slack.control.requests("oauth.v2.access"))
    assert len(asked) == 1, "one exchange"
    chain, record = server.get(f"{beside}_refresh"), server.get(f"{beside}_rotation")
    of = slack.world.installation("robot/one")
    assert (chain["token"], chain["refresh_token"], chain["begun"]) == (of.bot_token, of.bot_refresh_token, {})
    assert slack.world.tokens[chain["refresh_token"]].state == "live", "no dead refresh token"
    assert record["tokens"]["bot"]["pending"]["token"] == of.bot_token and record["state"] == "staged"
