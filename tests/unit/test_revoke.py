# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of one token, with whatever Slack may answer to auth.revoke and auth.test."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _revoke
from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError, SlackUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, refused

ALIVE = Probe(Life.ALIVE, "ok", "Slack accepted it")
DEAD = refused("account_inactive")
AMBIGUOUS = refused("invalid_auth")
SILENT = Probe(Life.UNKNOWN, "unavailable", "no answer")
CUT = SlackUnavailable("cut", "unavailable")


class Script:
    """A Slack that answers what it is told to, in order; the last answer of each kind goes on."""

    def __init__(self, revokes: list[Any], probes: list[Probe]) -> None:
        self.revokes, self.probes, self.calls = list(revokes), list(probes), []

    def revoke(self, _token: str, test: bool = False) -> bool:
        self.calls.append("test" if test else "revoke")
        answer = self.revokes.pop(0) if len(self.revokes) > 1 else self.revokes[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def probe(self, _token: str) -> Probe:
        self.calls.append("probe")
        return self.probes.pop(0) if len(self.probes) > 1 else self.probes[0]


def end(script: Script, before: Probe = ALIVE, check: bool = False) -> _revoke.End:
    return _revoke.end(script, "token", before, check, sleep=lambda _seconds: None)


@pytest.mark.parametrize("after", [DEAD, refused("token_revoked"), refused("token_expired"), AMBIGUOUS])
def test_revoked(after: Probe) -> None:
    """invalid_auth counts, too: Slack had accepted this very token from here."""
    script = Script([True], [after])
    ended = end(script)
    assert (ended.outcome, script.calls) == ("revoked", ["revoke", "probe"]) and ended.at
    assert after.code in ended.evidence


def test_slack_takes_a_moment() -> None:
    script = Script([True], [ALIVE, SILENT, ALIVE, DEAD])
    assert end(script).outcome == "revoked"
    assert script.calls.count("revoke") == 1, "it was done, so it is not sent again"


def test_a_cut_answer_that_was_given() -> None:
    script = Script([CUT], [DEAD])
    ended = end(script)
    assert (ended.outcome, script.calls) == ("revoked", ["revoke", "probe"]) and ended.at


def test_a_cut_answer_that_was_not_given_is_sent_again_when_the_token_is_seen_alive() -> None:
    script = Script([CUT, True], [ALIVE, DEAD])
    assert end(script).outcome == "revoked"
    assert script.calls == ["revoke", "probe", "revoke", "probe"]


def test_it_is_not_sent_again_while_nothing_is_known() -> None:
    script = Script([CUT], [SILENT])
    ended = end(script)
    assert (ended.outcome, ended.at) == ("unknown", None)
    assert script.calls == ["revoke"] + ["probe"] * len(_revoke.PAUSES)


def test_still_alive_is_said() -> None:
    for answer in (True, False, SlackUnavailable("rate", "ratelimited")):
        ended = end(Script([answer], [ALIVE]))
        assert (ended.outcome, ended.at) == ("alive", None)
        assert ("said that it has revoked it" in ended.evidence) == (answer is True)


def test_slack_refuses_to_revoke_it() -> None:
    ended = end(Script([SlackError("Slack refused auth.revoke: not_bearer_token", "not_bearer_token")], [ALIVE]))
    assert ended.outcome == "refused" and "not_bearer_token" in ended.evidence


def test_somebody_else_was_faster() -> None:
    ended = end(Script([SlackError("dead", "token_revoked")], [DEAD]))
    assert ended.outcome == "revoked" and ended.at


@pytest.mark.parametrize("check", [False, True])
def test_dead_before(check: bool) -> None:
    script = Script([True], [DEAD])
    assert end(script, DEAD, check).outcome == "dead_already"
    assert script.calls == []


def test_invalid_auth_from_the_first_is_no_proof() -> None:
    ended = end(Script([SlackError("invalid", "invalid_auth")], [AMBIGUOUS]), AMBIGUOUS)
    assert (ended.outcome, ended.at) == ("unknown", None)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (False, "would_revoke"),
        (CUT, "unknown"),
        (SlackError("dead", "token_revoked"), "dead_already"),
        (SlackError("invalid", "invalid_auth"), "unknown"),
        (SlackError("not", "not_bearer_token"), "refused"),
    ],
    ids=["yes", "cut", "dead", "invalid_auth", "refused"],
)
def test_a_dry_run_changes_nothing(answer: Any, outcome: str) -> None:
    script = Script([answer], [ALIVE])
    assert end(script, ALIVE, check=True).outcome == outcome
    assert script.calls == ["test"]
