# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new token's way into Vault, and out again where it was not wanted: stage_token, rotation_status, abort_rotation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e._leaks import leaks
from tests.e2e._playbook import Run, run
from tests.e2e._terminal import at_terminal
from tests.e2e._world import pending, record, reinstalled, without_locks, world
from tests.sandbox import Sandbox, tokens
from tests.sandbox.tokens import fingerprint

PLAYBOOK = "botops.rotation.stage_token"


@pytest.fixture(scope="class")
def well() -> Iterator[Sandbox]:
    """All is well in it at first: every token alive, nothing staged."""
    with Sandbox(demo=False) as made:
        yield made


def stage(sandbox: Sandbox, installation: str, *args: str, stdin: str | None = None) -> Run:
    """stage_token for an installation; `stdin`: the token comes on standard input."""
    bot, _dummy, workspace = installation.partition("/")
    typed = ("-e", f"bot={bot}", "-e", f"workspace={workspace}", *args)
    source = () if stdin is None else ("-e", "token_file=-")
    return run(sandbox, *typed, *source, stdin=stdin, playbook=PLAYBOOK)


def abort(sandbox: Sandbox, installation: str, *args: str) -> Run:
    """abort_rotation for an installation."""
    bot, _dummy, workspace = installation.partition("/")
    typed = ("-e", f"bot={bot}", "-e", f"workspace={workspace}", *args)
    return run(sandbox, *typed, playbook="botops.rotation.abort_rotation")


def prompted(sandbox: Sandbox, installation: str, answer: str) -> tuple[int, str]:
    """stage_token at a terminal, where the token is typed when it is asked for; exit status, what the screen showed."""
    bot, _dummy, workspace = installation.partition("/")
    return at_terminal(sandbox, answer, PLAYBOOK, "-e", f"bot={bot}", "-e", f"workspace={workspace}")


@pytest.mark.xdist_group("stage-in")
class TestStage:
    """What is taken, and what is refused."""

    def test_from_a_file_once_and_again(self, well: Sandbox, tmp_path: Path) -> None:
        each = "gobot/ibmcloud"
        token = reinstalled(well, each)
        file = tmp_path / "token"
        file.write_text(token + "\n", encoding="utf-8")
        before = world(well)
        checked = stage(well, each, "-e", f"token_file={file}", "--check", "--diff")
        assert checked.status == 0 and checked.changed == {"localhost": 1}, checked
        assert fingerprint(token) in checked.stdout
        assert world(well) == before

        done = stage(well, each, "-e", f"token_file={file}")
        assert done.status == 0 and done.changed == {"localhost": 1}, done
        assert pending(well, each) == token
        kept = record(well, each)["tokens"]["bot"]["pending"]
        issued = well.slack.installation(each)
        assert kept["fingerprint"] == fingerprint(token) and kept["kind"] == "bot"
        assert kept["identity"]["team_id"] == issued["team_id"] and kept["identity"]["app_id"] == issued["app_id"]
        assert sorted(kept["scopes"]) == sorted(issued["scopes"])
        assert "run rotate_bot" in done.end and fingerprint(token) in done.end
        others = {path: one for path, one in without_locks(well.bao.snapshot()).items() if "_rotation" not in path}
        assert others == {path: one for path, one in before["vault"].items() if "_rotation" not in path}

        staged = without_locks(well.bao.snapshot())
        again = stage(well, each, "-e", f"token_file={file}")
        assert again.status == 0 and again.changed == {"localhost": 0}, again
        assert without_locks(well.bao.snapshot()) == staged

    def test_from_standard_input_and_over_what_is_pending(self, well: Sandbox) -> None:
        """A pending token that lives is not staged over: nothing else may hold it. A dead one is."""
        each = "gobot/compose"
        first = reinstalled(well, each)
        assert stage(well, each, stdin=first + "\n").status == 0
        second = reinstalled(well, each)
        well.slack.set_token_state(first, "live")
        refused = stage(well, each, stdin=second)
        assert refused.status != 0
        assert f"discard={fingerprint(first)}" in refused.text, refused
        assert pending(well, each) == first
        lock = well.bao.get(well.path(each) + "_lock") or {}
        assert lock["nonce"] == "", "the lock is released although it was refused"

        well.slack.set_token_state(first, "revoked")
        assert stage(well, each, stdin=second).status == 0
        assert pending(well, each) == second

    def test_from_a_hidden_prompt(self, well: Sandbox) -> None:
        each = "gobot/ibmanalytics"
        token = reinstalled(well, each)
        status, screen = prompted(well, each, token)
        assert status == 0, screen
        assert pending(well, each) == token
        assert not leaks(screen, [token]), "what is typed is not shown"

    def test_no_terminal_to_ask_at(self, well: Sandbox) -> None:
        done = stage(well, "gobot/ibmanalytics")
        assert done.status != 0
        assert "token_file=-" in done.text and "token_file=PATH" in done.text, done

    def test_user_token(self, well: Sandbox) -> None:
        """Once the old one is dead there is nothing to compare the first one with: its fingerprint has to be typed."""
        each = "ciebotwdp/cim"
        reinstalled(well, each)
        token = well.slack.installation(each)["user_token"]
        unproven = stage(well, each, "-e", "token=user", stdin=token)
        accept = f"accept_identity={fingerprint(token)}"
        assert unproven.status != 0 and f"-e {accept}" in unproven.text, unproven
        assert pending(well, each, "user") is None
        done = stage(well, each, "-e", "token=user", "-e", accept, stdin=token)
        assert done.status == 0, done
        assert (pending(well, each, "user"), pending(well, each)) == (token, None)

    def test_advice_for_an_unproven_user_token(self, well: Sandbox) -> None:
        """bot_user_id is the bot's: with a person's id in it the next bot token would be refused."""
        each = "ciebotwdp/ibmcloud"
        reinstalled(well, each)
        done = stage(well, each, "-e", "token=user", stdin=well.slack.installation(each)["user_token"])
        assert done.status != 0 and "bot_user_id" not in done.text, done

    @pytest.mark.parametrize("what", ["other kind", "padded", "two lines", "dead", "other team", "current", "empty"])
    def test_refused(self, well: Sandbox, what: str) -> None:
        each = "ciebot/ibmcloud"
        token, words = {
            "other kind": (tokens.app_level(), "app-level"),
            "padded": (f" {tokens.bot()} ", "white space"),
            "two lines": (f"{tokens.bot()}\n{tokens.bot()}\n", "2 lines"),
            "dead": (tokens.bot(), "invalid_auth"),
            "other team": (well.current("ciebot/cim"), "ciebot/cim"),
            "current": (well.current(each), "same token"),
            "empty": ("", "empty"),
        }[what]
        before = without_locks(well.bao.snapshot())
        done = stage(well, each, stdin=token)
        assert done.status != 0
        assert words in done.text and "next:" in done.text, done
        assert not leaks(done.stdout + done.stderr, token.split()), "it was echoed"
        assert without_locks(well.bao.snapshot()) == before

    def test_unreadable_file(self, well: Sandbox, tmp_path: Path) -> None:
        done = stage(well, "ciebot/ibmcloud", "-e", f"token_file={tmp_path}/none")
        assert done.status != 0 and "No such file" in done.text, done


@pytest.mark.xdist_group("stage-out")
class TestAbort:
    """What is pending is dropped only when it is dead, or named."""

    def test_status_of_all(self, well: Sandbox) -> None:
        """One line for each installation, with its next step; nothing is changed, nothing but Vault is asked."""
        before, asked = world(well), len(well.slack.requests())
        done = run(well, playbook="botops.rotation.rotation_status")
        assert done.status == 0 and done.changed == {"localhost": 0}, done
        assert [row["installation"] for row in done.rows] == well.installations()
        for row in done.rows:
            assert row["current"] == fingerprint(well.current(row["installation"]))
            assert row["next step"]
        assert world(well) == before and len(well.slack.requests()) == asked

    def test_live_pending(self, well: Sandbox) -> None:
        each = "ciebot/ibmcloud"
        token = reinstalled(well, each)
        well.stage(each, token)
        before = without_locks(well.bao.snapshot())
        refused = abort(well, each)
        assert refused.status != 0 and f"-e discard={fingerprint(token)}" in refused.text, refused
        wrong = abort(well, each, "-e", f"discard={fingerprint('another')}")
        assert wrong.status != 0, wrong
        checked = abort(well, each, "-e", f"discard={fingerprint(token)}", "--check")
        assert checked.status == 0 and checked.changed == {"localhost": 1}, checked
        assert without_locks(well.bao.snapshot()) == before

        done = abort(well, each, "-e", f"discard={fingerprint(token)}")
        assert done.status == 0 and done.changed == {"localhost": 1}, done
        assert pending(well, each) is None and record(well, each)["state"] == "aborted"
        again = abort(well, each)
        assert again.status == 0 and again.changed == {"localhost": 0}, again

    def test_dead_pending(self, well: Sandbox) -> None:
        """account_inactive is proof of death: nothing is lost by dropping it."""
        each = "ciebot/cim"
        token = reinstalled(well, each)
        well.stage(each, token)
        well.slack.fault("error", error="token_revoked", token=token)
        try:
            done = abort(well, each)
        finally:
            well.slack.clear_faults()
        assert done.status == 0, done
        assert pending(well, each) is None and token not in str(well.bao.snapshot())

    def test_rotation_under_way_is_not_aborted(self, well: Sandbox) -> None:
        """After a run that left a host out the new token is current, and services run on it."""
        each = "gobot/ibmcloud"
        well.stage(each, reinstalled(well, each))
        part = run(well, "-e", "bot=gobot", "-e", "workspace=ibmcloud", "--limit", "bot-host-1,localhost")
        assert part.outcomes == {each: "partial"}, part
        before = without_locks(well.bao.snapshot())
        refused = abort(well, each, "-e", f"discard={fingerprint(well.current(each))}")
        assert refused.status != 0 and "finish it with rotate_bot" in refused.text, refused
        assert without_locks(well.bao.snapshot()) == before
