# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a leak to its installation and its end: what is revoked, what is not, what is waited for, what is said."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _alerts, _leak, _revocation
from ansible_collections.botops.rotation.plugins.module_utils._alerts import Leak
from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError, VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, refused

from tests.sandbox import tokens
from tests.tools.stage import ROOT
from tests.unit._core import COMPOSE_ID, IBM_ID, MemoryVault, World, alive, assert_no_token, registry, service, token

OLD, USER, NEW = token("old"), token("old", "p"), token("new")
STRANGER = tokens.bot()


class Slack:
    """Tokens with what auth.test says of them; a revoke ends every token of `app`."""

    def __init__(self, says: dict[str, Probe], app: tuple[str, ...] = (OLD, USER, NEW)) -> None:
        self.says, self.app, self.revoked, self.tested = says, app, [], []

    def probe(self, value: str) -> Probe:
        return self.says.get(value, refused("invalid_auth"))

    def revoke(self, value: str, test: bool = False) -> bool:
        if not self.probe(value).alive:
            raise SlackError(f"Slack refused auth.revoke: {self.probe(value).code}", self.probe(value).code)
        (self.tested if test else self.revoked).append(value)
        if not test:
            self.says.update(dict.fromkeys(self.app if value in self.app else (value,), refused("account_inactive")))
        return not test

    def _call(self, _value: str, method: str, **_arguments: Any) -> dict[str, Any]:
        assert method == "users_conversations"
        return {"channels": [{"id": "C0123", "name": "oss", "is_private": True}, {"id": "C0456", "name": "general"}]}


def world(**more: Any) -> World:
    made = World(
        registry=registry(service("gobot-web", f"{IBM_ID}/bot"), service("other", f"{COMPOSE_ID}/bot"), **more)
    )
    return made.holds(IBM_ID, OLD).holds(IBM_ID, USER, name="user").holds(COMPOSE_ID, token("compose"))


def hunt(slack: Slack, *leaks: Leak, of: World | None = None, read: Callable[..., Any] | None = None, **more: Any):
    """The results and the warnings. `read`: how Vault answers, instead of with what `of` has."""
    of = of or world()
    here = SimpleNamespace(slack=slack, vault=MemoryVault(), store=SimpleNamespace(read=read or of.seen))
    options = {"registry": of.registry, "unknown": False, "check": False, "began": time.monotonic(), **more}
    made = _leak.Hunt(here, **options)
    rows = made.run(list(leaks))
    report = _revocation.assemble("run", rows, made.warnings, "", "", options["check"])
    for shown in (rows, made.warnings, _revocation.table(report, "a.md"), _revocation.markdown(report)):
        assert_no_token(shown, OLD, USER, NEW, STRANGER)
    return rows, made.warnings


def given(value: str) -> Leak:
    return Leak("the operator", value)


def whole(**more: Any) -> Slack:
    return Slack({OLD: alive(), USER: alive(user_id="U0123"), **more})


def test_a_current_token_is_revoked_and_all_that_ended_with_it_is_told() -> None:
    slack = whole()
    (row,), warnings = hunt(slack, given(OLD))
    assert slack.revoked == [OLD] and not warnings
    assert (row["outcome"], row["installation"], row["stages"]) == ("revoked", IBM_ID, ["current bot"])
    assert row["seconds"] >= 0 and row["life_before"] == "alive"
    assert [(each["what"], each["life"]) for each in row["others"]] == [("current user", "dead")]
    assert [each["name"] for each in row["channels"]] == ["oss", "general"]
    assert row["services"] == ["gobot-web on h1"]
    for due in ("every token of the app", "current user token", "#oss (private), #general", "webhooks"):
        assert due in row["reason"]
    for due in ("install the app again", "stage_token -e bot=gobot -e workspace=ibmcloud", "rotate_bot"):
        assert due in row["next_step"]


def test_a_user_token_takes_the_bots_along() -> None:
    slack = whole()
    (row,), _warnings = hunt(slack, given(USER))
    assert (row["outcome"], row["stages"]) == ("revoked", ["current user"])
    assert [(each["what"], each["life"]) for each in row["others"]] == [("current bot", "dead")]
    assert "the current bot token" in row["reason"] and "install the app again" in row["next_step"]


def test_a_dry_run_tells_and_changes_nothing() -> None:
    slack = whole()
    (row,), _warnings = hunt(slack, given(OLD), check=True)
    assert (slack.revoked, slack.tested, row["outcome"]) == ([], [OLD], "would_revoke")
    assert "would end with it" in row["reason"] and row["services"]


def test_vault_is_not_waited_for_where_slack_says_whose_it_is() -> None:
    """The registry has the bot user; Vault answers only after the token is dead."""
    slack, dead, of = whole(), threading.Event(), world()
    revoke = slack.revoke
    slack.revoke = lambda value, test=False: (revoke(value, test), dead.set())[0]

    def read(installation: Any) -> Any:
        assert dead.wait(20), "Vault was waited for"
        return of.seen(installation)

    (row,), _warnings = hunt(slack, given(OLD), of=of, read=read)
    assert (row["outcome"], row["stages"]) == ("revoked", ["current bot"])


def test_a_token_that_only_vault_knows_is_matched_by_fingerprint() -> None:
    slack = Slack({OLD: alive(user_id="U0SOMEONE")})
    (row,), _warnings = hunt(slack, given(OLD))
    assert (row["outcome"], row["installation"]) == ("revoked", IBM_ID)


def test_vault_is_down() -> None:
    def down(_installation: Any) -> Any:
        raise VaultUnavailable("Vault: sealed")

    (row,), warnings = hunt(whole(), given(OLD), read=down)
    assert (row["outcome"], row["installation"], row["stages"]) == ("revoked", IBM_ID, [])
    assert len(warnings) == 1 and "Vault was not read" in warnings[0]
    (row,), _warnings = hunt(Slack({STRANGER: alive(user_id="U0X")}), given(STRANGER), read=down)
    assert row["outcome"] == "not_ours" and "-e unknown=true" in row["next_step"]


def test_a_strangers_token_is_left_alone_unless_told_otherwise() -> None:
    slack = Slack({STRANGER: alive(team_id="T0999", team="Elsewhere")})
    (row,), _warnings = hunt(slack, given(STRANGER))
    assert (slack.revoked, row["outcome"]) == ([], "not_ours")
    assert "Elsewhere" in row["reason"] and "-e unknown=true" in row["next_step"]
    (row,), _warnings = hunt(slack, given(STRANGER), unknown=True)
    assert (slack.revoked, row["outcome"], row["installation"]) == ([STRANGER], "revoked", "")
    assert "tell its owner" in row["next_step"] and "Elsewhere" in row["next_step"]
    (row,), _warnings = hunt(slack, given(STRANGER))
    assert row["outcome"] == "dead_already"


def test_without_a_registry_nothing_is_known_to_be_of_it() -> None:
    slack = whole()
    assert hunt(slack, given(OLD), registry=None)[0][0]["outcome"] == "not_ours"
    assert hunt(slack, given(OLD), registry=None, unknown=True)[0][0]["outcome"] == "revoked"


def test_slack_does_not_answer() -> None:
    slack = Slack({STRANGER: Probe(Life.UNKNOWN, "unavailable", "no answer")})
    (row,), _warnings = hunt(slack, given(STRANGER))
    assert row["outcome"] == "unknown" and "NOT KNOWN" in row["reason"] and "by hand" in row["next_step"]


@pytest.mark.parametrize("leak", [Leak("it", fingerprint=tokens.fingerprint(OLD)), Leak("it", hmsl=_alerts.hmsl(OLD))])
def test_by_fingerprint_or_hash(leak: Leak) -> None:
    slack = whole()
    (row,), _warnings = hunt(slack, leak)
    assert (slack.revoked, row["outcome"], row["fingerprint"]) == ([OLD], "revoked", tokens.fingerprint(OLD))


def test_a_hash_that_no_token_has() -> None:
    slack = whole()
    for leak in (Leak("GitGuardian incident 7", hmsl="0" * 64, link="https://x"), Leak("it", fingerprint="0" * 12)):
        (row,), _warnings = hunt(slack, leak)
        assert (slack.revoked, row["outcome"]) == ([], "not_found")
        assert "at the prompt" in row["next_step"] or "asks for it" in row["next_step"]


@pytest.mark.parametrize("make", [tokens.webhook, tokens.session, lambda: "no token at all"])
def test_what_auth_revoke_does_not_take_is_not_sent_there(make: Callable[[], str]) -> None:
    slack = Slack({})
    (row,), _warnings = hunt(slack, given(make()), unknown=True)
    assert row["outcome"] == "refused" and "rotation_guide" in row["next_step"]


def test_a_token_in_rotation_mode_ends_alone() -> None:
    rotating = tokens.rotating_bot()
    slack = Slack({rotating: alive(), USER: alive()})
    (row,), _warnings = hunt(slack, given(rotating), of=world().holds(IBM_ID, rotating))
    assert (row["outcome"], row["others"], row["services"]) == ("revoked", [], [])
    assert "nothing else" in row["reason"] and "rotation_guide" in row["next_step"]


def test_a_new_token_that_waits_is_gone_on_with() -> None:
    slack = Slack({OLD: refused("account_inactive"), NEW: alive()})
    (row,), _warnings = hunt(slack, given(OLD), of=world().stages(IBM_ID, NEW))
    assert (row["outcome"], row["go_on"]) == ("dead_already", True)
    assert "rotate_bot -e bot=gobot -e workspace=ibmcloud" in row["next_step"]


def test_a_waiting_token_that_ends_with_it_is_not_gone_on_with() -> None:
    slack = whole(**{NEW: alive()})
    (row,), _warnings = hunt(slack, given(OLD), of=world().stages(IBM_ID, NEW))
    assert (row["outcome"], row["go_on"]) == ("revoked", False)
    assert f"the pending bot token {tokens.fingerprint(NEW)}" in row["reason"]


def test_the_string_of_before_a_reinstallation_is_dead_where_the_new_token_is_accepted() -> None:
    """https://github.com/slackapi/bolt-python/issues/1029: it answers invalid_auth."""
    slack = Slack({NEW: alive(), USER: refused("token_revoked")})
    (row,), _warnings = hunt(slack, given(OLD), of=world().stages(IBM_ID, NEW))
    assert (row["outcome"], row["go_on"]) == ("dead_already", True)
    (row,), _warnings = hunt(Slack({}), given(OLD))
    assert row["outcome"] == "unknown"


def test_several_at_once_and_one_that_goes_on_living() -> None:
    slack = whole(**{STRANGER: alive(team_id="T0999")})
    rows, _warnings = hunt(slack, given(OLD), given(STRANGER), given(tokens.webhook()))
    assert [row["outcome"] for row in rows] == ["revoked", "not_ours", "refused"]
    report = _revocation.assemble("run", rows, [], "", "", False)
    assert report["summary"]["success"] is False
    failure = _revocation.failure(report)
    assert "not ours" in failure and "refused" in failure and "next: " in failure


def test_what_goes_wrong_with_one_token_does_not_keep_the_others() -> None:
    slack = whole()
    probe = slack.probe

    def failing(value: str) -> Probe:
        if value == STRANGER:
            raise ValueError(f"invalid: {STRANGER}")
        return probe(value)

    slack.probe = failing
    rows, warnings = hunt(slack, given(STRANGER), given(OLD))
    assert [row["outcome"] for row in rows] == ["unknown", "revoked"]
    assert "ValueError" in warnings[0] and "NOT KNOWN" in rows[0]["reason"]


def test_a_revoke_is_told_although_nothing_else_can_be_found_out() -> None:
    of = world()

    def damaged(installation: Any) -> Any:
        raise KeyError(installation.id)

    (row,), warnings = hunt(whole(), given(OLD), of=of, read=damaged)
    assert row["outcome"] == "revoked" and warnings


def test_the_channels_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slack, ended = whole(), threading.Event()
    slack._call = lambda *_values, **_arguments: ended.wait(20) and {"channels": []}
    monkeypatch.setattr(_leak, "WAIT_FOR_CHANNELS", 0.01)
    revoke = slack.revoke
    slack.revoke = lambda value, test=False: (revoke(value, test), ended.set())[0]
    (row,), _warnings = hunt(slack, given(OLD))
    assert (row["outcome"], row["channels"]) == ("revoked", [])
    assert "in its channels" in row["reason"]


def test_the_documentation_names_the_keys_and_the_outcomes() -> None:
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8").partition("## The report of a revocation")[2]
    text = text.partition("\n## ")[0]
    keys = re.search(r"The keys of a token are (.*?)\.\n", text, re.DOTALL)
    assert re.findall(r"`(\w+)`", keys[1]) == list(_leak._result(given(OLD), OLD))
    report = _revocation.assemble("run", [], [], "", "", False)
    named = {
        key
        for line in text.splitlines()
        if line.startswith("| `")
        for key in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == set(report) and all(f"`{key}`" in text for key in report["summary"])
    operations = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    source = "".join((ROOT / f"plugins/module_utils/{name}.py").read_text() for name in ("_leak", "_revoke"))
    outcomes = {one or other for one, other in re.findall(r'End\(\s*"(\w+)"|"outcome": "(\w+)"', source)}
    assert {"revoked", "alive", "refused"} <= outcomes
    assert all(f"`{outcome.replace('_', ' ')}`" in operations for outcome in outcomes - {"would_revoke"})
