# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What slack_sdk, hvac, requests and urllib3 log at DEBUG while a plan is made holds no token."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _plan, _registry, _rotation, _slack
from ansible_collections.botops.rotation.plugins.module_utils._decide import Choices
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault

from tests.integration._bao import running, settings
from tests.sandbox import tokens
from tests.sandbox.slack.threaded import ThreadedSlack
from tests.sandbox.tokens import fingerprint
from tests.unit._core import assert_no_token


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anybody logs, from DEBUG on; the product's own logger for slack_sdk is turned up as well."""
    text, root, ours = io.StringIO(), logging.getLogger(), logging.getLogger(_slack.__name__)
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    levels = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(levels[0])
        ours.setLevel(levels[1])


@pytest.mark.parametrize("turned_up", [False, True], ids=["root at DEBUG", "slack_sdk's own logger too"])
def test_a_plan(log: io.StringIO, turned_up: bool) -> None:
    if turned_up:
        logging.getLogger(_slack.__name__).setLevel(logging.DEBUG)
    with running() as server, ThreadedSlack() as slack:
        slack.reset()
        old = slack.control.installation("robot/one")["bot_token"]
        slack.control.revoke("robot/one")
        new, dead = slack.control.install("robot/one")["bot_token"], tokens.bot()
        registry = _registry.load(
            workspaces={"one": {"name": "One", "team_id": "T0TEAM1"}},
            bots={"robot": {"installations": {"one": {"bot_token_path": "generic/robot"}}}},
            services={},
        )
        record = _rotation.stage(Record(), "bot", Stored(new), {"bot": Stored(old)}, {}, "r1")
        server.put("generic/robot", {"value": old})
        server.put("generic/robot_rotation", record.to_dict())
        given = settings(server)
        vault = Vault.connect(given)
        client = _slack.Slack(slack.url + "/api/")
        store = RecordStore(vault, registry, "value", lambda _row: None)
        choices = Choices(accept_identity=frozenset({fingerprint(new)}))
        row = _plan.make(registry, store, client, choices, "robot")["installations"][0]
        client.probe(dead)
    said = log.getvalue()
    assert row["action"] == "promote" and row["tokens"], row["reason"]
    assert "urllib3" in said and "/v1/generic/robot" in said, "nothing was logged, so nothing is shown by this test"
    assert ("auth.test" in said) == turned_up
    assert_no_token(said, old, new, dead, given.secret_id, vault._http.token)
