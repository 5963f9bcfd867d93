# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategy refresh from end to end: a bot enters Slack's rotation mode, and refresh_tokens keeps its tokens alive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._leaks import leaks
from tests.e2e._playbook import Run, run
from tests.e2e._world import carried, due, messages_by, record, world
from tests.sandbox import Sandbox
from tests.sandbox._state import ROOT

REFRESH, STATUS = (str(ROOT / name) for name in ("refresh_tokens.yml", "playbooks/rotation_status.yml"))
ONE = "gobot/ibmcloud"
ENTER = ("-e", "exchange_untried=true", "-e", "confirm_exchange=gobot")
SOON = ("-e", "margin=12")  # hours: whatever has been issued before ends within them


@pytest.fixture
def arguments(bare_sandbox: Sandbox, tmp_path: Path) -> tuple[str, ...]:
    """What playbooks are given, for one installation of a bot whose strategy is refresh, and whose app is ready for it."""
    bare_sandbox.slack.configure("gobot", rotation=True)
    bots = bare_sandbox.registry["botops_bots"]
    bots["gobot"]["strategy"] = "refresh"
    file = tmp_path / "strategy.json"
    file.write_text(json.dumps({"botops_bots": bots}), encoding="utf-8")
    return ("-e", "bot=gobot", "-e", "workspace=ibmcloud", "-e", f"@{file}")


def state(sandbox: Sandbox, token: str) -> str:
    """What Slack's books say of a token."""
    return str(next(one["state"] for one in sandbox.slack.tokens() if one["value"] == token))


def chain(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.bao.get(f"{sandbox.path(ONE)}_refresh") or {}


def calls(sandbox: Sandbox) -> list[str]:
    """Exchanges and refreshes that were asked for."""
    return [one["method"] for one in sandbox.slack.requests() if one["method"].startswith("oauth.v2")]


def in_use(sandbox: Sandbox) -> bool:
    services = [each for each in sandbox.services("gobot-") if ONE in each.variables.values()]
    return bool(services) and all(carried(sandbox, each.name) == due(sandbox, each.name) for each in services)


def well(done: Run, outcome: str) -> None:
    assert done.status == 0 and done.outcomes == {ONE: outcome}, done


def test_enter_and_refresh(bare_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    old, before = bare_sandbox.current(ONE), world(bare_sandbox)
    refused = run(bare_sandbox, *arguments)
    assert refused.status != 0 and "no bot of staging is in Slack's rotation mode yet" in refused.text, refused
    checked = run(bare_sandbox, *arguments, *ENTER, "--check", "--diff")
    assert checked.status == 0 and "(to come)" in checked.end, checked
    assert world(bare_sandbox) == before and calls(bare_sandbox) == []

    entered = run(bare_sandbox, *arguments, *ENTER, "-vvvv", "--diff")
    well(entered, "rotated")
    first = bare_sandbox.current(ONE)
    assert first == chain(bare_sandbox)["token"] != old and calls(bare_sandbox) == ["oauth.v2.exchange"]
    assert (
        state(bare_sandbox, old) == "live"
        and "need not refuse it" in entered.row(ONE)["proofs"]["old_refused"]["evidence"]
    )
    assert in_use(bare_sandbox)
    assert leaks(entered.text, [*bare_sandbox.tokens(), old, first, chain(bare_sandbox)["refresh_token"]]) == []
    told = messages_by(bare_sandbox, "gobot")
    assert told

    again = world(bare_sandbox)
    well(run(bare_sandbox, *arguments, playbook=REFRESH), "already")
    assert world(bare_sandbox) == again

    used = chain(bare_sandbox)["refresh_token"]
    refreshed = run(bare_sandbox, *arguments, *SOON, "-vvvv", "--diff", playbook=REFRESH)
    well(refreshed, "rotated")
    second = bare_sandbox.current(ONE)
    assert second not in (old, first) and state(bare_sandbox, first) == "live" and state(bare_sandbox, used) == "used"
    assert state(bare_sandbox, old) == "expired" and in_use(bare_sandbox)
    assert leaks(refreshed.text, [used, second, chain(bare_sandbox)["refresh_token"]]) == []
    assert messages_by(bare_sandbox, "gobot") == told, "a refresh is not announced"

    bare_sandbox.slack.advance_clock(
        43_300
    )  # nobody has refreshed for twelve hours: the token is dead, the chain is not
    late = run(bare_sandbox, *arguments, playbook=REFRESH)
    well(late, "rotated")
    assert bare_sandbox.current(ONE) != second and in_use(bare_sandbox)
    outcomes = [entry["outcome"] for entry in record(bare_sandbox, ONE)["history"]]
    assert outcomes[-2:] == ["rotated", "refreshed"], "refreshes in a row are one line"


def test_the_refresh_token_is_dead(bare_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """The run says what is next, and changes nothing; services go on with what they have."""
    well(run(bare_sandbox, *arguments, *ENTER), "rotated")
    current, refresh = bare_sandbox.current(ONE), chain(bare_sandbox)["refresh_token"]
    bare_sandbox.slack.set_token_state(refresh, "revoked")
    failed = run(bare_sandbox, *arguments, *SOON, playbook=REFRESH)
    assert failed.status != 0 and failed.outcomes == {ONE: "refused"}, failed
    assert "is used up (invalid_refresh_token); services run on until" in failed.text, failed
    assert "install_app -e bot=gobot -e workspace=ibmcloud" in failed.text
    assert bare_sandbox.current(ONE) == current and chain(bare_sandbox)["refresh_token"] == refresh
    shown = run(bare_sandbox, *arguments, playbook=STATUS)
    assert shown.status == 0 and "was not finished" in shown.text, shown
