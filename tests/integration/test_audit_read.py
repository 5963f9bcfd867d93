# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit's reading under Slack's rate limits: each workspace at its own rate, every token answered."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _registry
from ansible_collections.botops.rotation.plugins.module_utils._audit_read import Reading
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackLimited,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret

from tests.sandbox.slack.threaded import ThreadedSlack
from tests.sandbox.tokens import fingerprint

BOTS = 8


class Held:
    """What Vault has, without Vault."""

    def __init__(self, held: dict[str, dict[str, Any]], down: bool = False) -> None:
        self.held, self.down = held, down

    def read(self, path: str) -> Secret:
        if self.down:
            raise VaultUnavailable("Vault does not answer", "start it")
        return Secret(path, 2, self.held.get(path), 1, created="2026-11-01T00:00:00.5Z")


def session(slack: ThreadedSlack, down: bool = False) -> Any:
    """Bots in both teams, each with a token in Vault."""
    held, bots = {}, {}
    for number in range(BOTS):
        name = f"bot{number}"
        slack.world.add_app(f"A0BOT{number}", name, ["chat:write", "users:read"])
        bots[name] = {"app_id": f"A0BOT{number}", "installations": {}}
        for slug in ("one", "two"):
            path = f"secret/{name}/{slug}"
            held[path] = {"value": slack.world.install(name, slug).bot_token}
            bots[name]["installations"][slug] = {"bot_token_path": path}
    workspaces = {slug: {"name": slug, "team_id": f"T0TEAM{number}"} for number, slug in enumerate(("one", "two"), 1)}
    registry = _registry.load(workspaces=workspaces, bots=bots)
    vault = Held(held, down)
    store = RecordStore(vault, registry, "value", lambda _installation: None)
    return SimpleNamespace(registry=registry, vault=vault, store=store, slack=Slack(slack.control.api_url))


def test_each_workspace_is_asked_at_its_own_rate(slack: ThreadedSlack) -> None:
    here = session(slack)
    slack.control.limit({"auth.test": 120, "bots.info": 120}, by_app=False)  # 2 at once, then 2 a second
    began = time.monotonic()
    reading = Reading(here, here.registry.select("all"), lambda _words: None).run()
    seconds = time.monotonic() - began
    assert [probe.life for probe in reading.probes.values()] == [Life.ALIVE] * 2 * BOTS
    assert all(probe.identity["app_id"].startswith("A0BOT") for probe in reading.probes.values())
    requests = slack.control.requests()
    assert sum(one["status"] == 429 for one in requests) > 0
    assert sum(one["outcome"] == "ok" and one["method"] == "auth.test" for one in requests) >= 2 * BOTS
    assert seconds >= (BOTS - 2) / 2 - 0.5  # the two workspaces at the same time, not one after the other


def test_an_old_token_is_asked_about_where_a_record_still_has_it(slack: ThreadedSlack) -> None:
    here = session(slack)
    old = here.vault.held["secret/bot1/one"]["value"]
    kept = {"schema": 1, "state": "rotated", "tokens": {"bot": {"pending": None, "previous": {"token": old}}}}
    here.vault.held["secret/bot0/one_rotation"] = kept  # of another app, as what outlives a rotation is
    here.vault.held["secret/bot1/one_rotation"] = kept  # current again
    reading = Reading(here, here.registry.select("bot0,bot1", "one"), lambda _words: None).run()
    assert [each.replaced("bot") is not None for each in reading.found] == [True, False]
    assert reading.probes[fingerprint(old)].alive
    asked = [one["fingerprint"] for one in slack.control.requests() if one["method"] == "auth.test"]
    assert len(asked) == len(set(asked)) == 2


def test_a_limit_that_does_not_end_leaves_the_token_unknown(
    slack: ThreadedSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = session(slack)
    limited = SlackLimited("Slack's rate limit stopped auth.test (429)", 0.001)

    def never(_token: str) -> Any:
        raise limited

    hurried = here.slack.hurried()
    monkeypatch.setattr(hurried, "probe", never)
    monkeypatch.setattr(here.slack, "hurried", lambda: hurried)
    reading = Reading(here, here.registry.select("all", "one"), lambda _words: None).run()
    assert {(probe.life, probe.code) for probe in reading.probes.values()} == {(Life.UNKNOWN, "ratelimited")}


def test_a_vault_that_is_down_ends_it_at_once(slack: ThreadedSlack) -> None:
    here = session(slack, down=True)
    with pytest.raises(VaultUnavailable):
        Reading(here, here.registry.select("all"), lambda _words: None).run()
    assert slack.control.requests() == []


def test_what_cannot_be_read_is_kept_as_the_reason(slack: ThreadedSlack) -> None:
    here = session(slack)
    here.vault.held["secret/bot0/one"] = {"another": "field"}
    here.vault.held["secret/bot1/one_rotation"] = {"schema": 9}
    found = Reading(here, here.registry.select("bot0,bot1", "one"), lambda _words: None).run().found
    assert [set(each.errors) for each in found] == [{"bot"}, {"record"}]
    assert all(isinstance(error, RotationError) for each in found for error in each.errors.values())
    assert found[1].stored("bot") and found[1].current["bot"].secret.created.startswith("2026-11-01")
