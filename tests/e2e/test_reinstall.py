# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategy reinstall from end to end: one run revokes, opens the install page, and carries the new tokens on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e._install import Installing
from tests.e2e._leaks import leaks
from tests.e2e._playbook import run
from tests.e2e._world import carried, due, messages_by, world
from tests.integration._install import Person
from tests.sandbox import Sandbox

pytestmark = pytest.mark.xdist_group("install-e2e")
SLUGS = ("watsondataplatform", "ibmcloud", "ibmanalytics", "compose")
CONFIRMED = ("-e", "confirm_revoke=gobot")


@pytest.fixture
def arguments(bare_sandbox: Sandbox, tmp_path: Path) -> tuple[str, ...]:
    """What rotate_bot is given, for a bot whose strategy is reinstall."""
    bots = bare_sandbox.registry["botops_bots"]
    bots["gobot"]["strategy"] = "reinstall"
    file = tmp_path / "strategy.json"
    file.write_text(json.dumps({"botops_bots": bots}), encoding="utf-8")
    return ("-e", "bot=gobot", "-e", f"@{file}")


def tokens(sandbox: Sandbox) -> dict[str, str]:
    return {each: sandbox.current(each) for each in sandbox.installations("gobot")}


def memberships(sandbox: Sandbox) -> dict[str, set[str]]:
    return {each: set(sandbox.slack.memberships(each)) for each in sandbox.installations("gobot")}


def rotated(sandbox: Sandbox, old: dict[str, str]) -> None:
    """Every installation has another token, and the services have it."""
    for each, token in tokens(sandbox).items():
        assert token != old[each] and token == sandbox.slack.installation(each)["bot_token"]
    for service in sandbox.services("gobot-"):
        assert carried(sandbox, service.name) == due(sandbox, service.name)


def test_four_workspaces_with_somebody_clicking(bare_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    old, before = tokens(bare_sandbox), memberships(bare_sandbox)
    with Installing(bare_sandbox, *arguments, *CONFIRMED, "-vvvv", "--diff", playbook="rotate_bot.yml") as going:
        person = Person(going.link)
        assert all(set(memberships(bare_sandbox)[each]) == set() for each in old), "revoked"
        for slug in SLUGS:
            person.install(slug)
        assert going.end() == 0, going.text
    rotated(bare_sandbox, old)
    assert "rotated 4 of 4 installations" in going.text
    assert leaks(going.text, [*bare_sandbox.tokens(), *old.values()]) == []
    after = memberships(bare_sandbox)
    lacking = {channel for each in old for channel in before[each] - after[each]}
    assert lacking and all("not in #oss-private any more" in going.text for _each in lacking)
    for texts in messages_by(bare_sandbox, "gobot").values():
        assert [text.partition(" ")[0] for text in texts] == [":hourglass_flowing_sand:", ":white_check_mark:"]
    again = run(bare_sandbox, *arguments)
    assert again.status == 0 and not any(again.changed.values()), again


def test_without_a_confirmation_nothing_is_revoked(bare_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    old = tokens(bare_sandbox)
    for more in ((), ("-e", "confirm_revoke=ciebot")):
        done = run(bare_sandbox, *arguments, *more)
        assert done.status != 0 and "confirm_revoke" in done.text, done
    assert tokens(bare_sandbox) == old
    assert all(bare_sandbox.slack.installation(each)["bot_token"] == token for each, token in old.items())


def test_check_shows_it_and_changes_nothing(bare_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    before = world(bare_sandbox)
    done = run(bare_sandbox, *arguments, "--check", "--diff")
    assert done.status == 0 and "(to come)" in done.end, done
    assert world(bare_sandbox) == before


def test_killed_while_it_waits_and_taken_up_again(bare_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """Two apps are installed before the run dies; the next one waits for the two others, and revokes nothing more."""
    old = tokens(bare_sandbox)
    with Installing(bare_sandbox, *arguments, *CONFIRMED, playbook="rotate_bot.yml") as going:
        person = Person(going.link)
        for slug in SLUGS[:2]:
            person.install(slug)
        going.until(lambda: going.text.count("is staged") >= 2)
        going.kill()
    waiting = run(bare_sandbox, *arguments, "-e", "unattended=true")
    assert waiting.status != 0, waiting
    assert sorted(waiting.outcomes.values()) == ["refused", "refused", "rotated", "rotated"], waiting
    with Installing(bare_sandbox, *arguments, playbook="rotate_bot.yml") as going:
        person = Person(going.link)
        for slug in SLUGS[2:]:
            person.install(slug)
        assert going.end() == 0, going.text
    rotated(bare_sandbox, old)
    for texts in messages_by(bare_sandbox, "gobot").values():
        assert [text.partition(" ")[0] for text in texts] == [":hourglass_flowing_sand:", ":white_check_mark:"]
