# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only proof of death counts as dead, and tokens of one app speak for each other."""

from __future__ import annotations

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _survey
from ansible_collections.botops.rotation.plugins.module_utils._liveness import (
    PROOF_OF_DEATH,
    Life,
    Probe,
    refused,
    settle,
)
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._core import alive, stored

CODES = st.sampled_from([*PROOF_OF_DEATH, "invalid_auth", "missing_scope", "not_allowed_token_type", "ratelimited"])
PROBES = st.lists(CODES.map(refused) | st.just(alive()), max_size=6)


@pytest.mark.parametrize("code", ["token_revoked", "account_inactive", "token_expired"])
def test_proof_of_death(code: str) -> None:
    probe = refused(code)
    assert probe.dead and not probe.alive and code in probe.evidence


@pytest.mark.parametrize("code", ["invalid_auth", "ekm_access_denied", "access_denied", "org_login_required", ""])
def test_anything_else_proves_nothing(code: str) -> None:
    assert refused(code).life is Life.UNKNOWN


def test_invalid_auth_alone_is_unknown_and_says_why() -> None:
    (probe,) = settle([refused("invalid_auth")])
    assert probe.life is Life.UNKNOWN and "allowlist" in probe.evidence


def test_invalid_auth_beside_an_accepted_token_of_the_app_is_death() -> None:
    probes = settle([refused("invalid_auth"), alive()])
    assert [probe.life for probe in probes] == [Life.DEAD, Life.ALIVE]
    assert "accepted another token of this app" in probes[0].evidence


@given(PROBES)
def test_judging_twice_gives_the_same(probes: list[Probe]) -> None:
    settled = settle(probes)
    assert settle(settled) == settled
    assert [(p.code, p.alive) for p in settled] == [(p.code, p.alive) for p in probes]
    accepted = any(probe.alive for probe in probes)
    for before, after in zip(probes, settled):
        dead = before.code in PROOF_OF_DEATH or (before.code == "invalid_auth" and accepted)
        assert after.dead == dead
        assert after.to_dict() == {"life": after.life.value, "code": before.code, "evidence": after.evidence}


class FakeSlack:
    def __init__(self, answers: dict[str, Probe]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def probe(self, token: str) -> Probe:
        self.asked.append(token)
        return self.answers[token]


def test_each_token_is_asked_about_once_and_judged_with_those_of_its_bot() -> None:
    one, two, other = stored("1"), stored("2"), stored("3")
    slack = FakeSlack({one.token: refused("invalid_auth"), two.token: alive(), other.token: refused("invalid_auth")})
    survey = _survey.Survey()
    _survey.ask(survey, slack, [("gobot", one), ("gobot", one), ("ciebot", other), ("gobot", None)])
    assert survey.probe(one).life is Life.UNKNOWN
    _survey.ask(survey, slack, [("gobot", two)])
    assert survey.probe(one).dead and survey.probe(two).alive
    assert survey.probe(other).life is Life.UNKNOWN and survey.probe(None) is None
    assert sorted(slack.asked) == sorted([one.token, two.token, other.token])
    assert survey.lives[one.fingerprint] is Life.DEAD


@pytest.mark.parametrize(
    ("value", "life"),
    [
        ("", Life.DEAD),
        ("hello", Life.DEAD),
        ("xo" + "xb-", Life.DEAD),
        (tokens.app_level(), Life.UNKNOWN),
        (tokens.webhook(), Life.UNKNOWN),
    ],
    ids=["empty", "word", "prefix", "app-level", "webhook"],
)
def test_what_is_no_token_is_not_sent_to_slack(value: str, life: Life) -> None:
    survey = _survey.Survey()
    slack = FakeSlack({})
    _survey.ask(survey, slack, [("gobot", Stored(value))])
    probe = survey.probe(Stored(value))
    assert (probe.life, probe.code) == (life, "malformed")
    assert not slack.asked and (not value or value not in probe.evidence)


def test_a_padded_token_may_well_be_alive() -> None:
    survey = _survey.Survey()
    _survey.ask(survey, FakeSlack({}), [("gobot", Stored(tokens.bot() + "\n"))])
    assert set(survey.lives.values()) == {Life.UNKNOWN}
