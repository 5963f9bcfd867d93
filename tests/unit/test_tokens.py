# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds, fingerprints and faults of credentials; the credentials are made at run time."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _tokens
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._fuzz import fuzz

EXPECTED = st.sampled_from(["bot", "user"])
MAKERS = st.sampled_from([*tokens.MAKERS.values(), tokens.legacy_bot, tokens.vault_service, tokens.vault_legacy])
ORDINARY = [
    "",
    "gobot",
    "gobot,ciebot",
    "IBM Cloud Platform",
    "T0123",
    "U0123ABCDEF",
    "C0ABCDEFGH",
    "1a2b3c4d5e6f",
    "20261123T020000Z-gobot-7f3a",
    "linuxapp-1-worker",
    "s.example.com",
    "/etc/gobot/consumer.env",
    "http://127.0.0.1:8080/healthz",
    "generic/crn/v1/internal/local/tip-oss-flow/global/ciebot/slack_bot_token_for_gobot_in_ibmcloud",
    "generic/crn/v1/internal/local/tip-oss-flow/global/ciebot/slack_app_token_for_gobot_in_ibmcloud_rotation",
]


def pieces(secret: str, length: int = 12) -> set[str]:
    return {secret[start : start + length] for start in range(len(secret) - length + 1)}


@given(st.text(st.characters(exclude_categories=[])))
def test_fingerprint_is_the_beginning_of_sha256(value: str) -> None:
    assert _tokens.fingerprint(value) == hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@pytest.mark.parametrize("kind", tokens.MAKERS)
def test_each_kind_is_known_by_its_beginning(kind: str) -> None:
    made = tokens.MAKERS[kind]()
    assert _tokens.classify(made) is Kind(kind)
    assert _tokens.classify(f" {made}\n") is Kind(kind)


def test_other_forms_of_a_kind() -> None:
    assert _tokens.classify(tokens.legacy_bot()) is Kind.BOT
    assert _tokens.classify(tokens.session_cookie()) is Kind.SESSION
    assert _tokens.classify(tokens.workflow_webhook()) is Kind.WEBHOOK
    assert _tokens.classify("http://127.0.0.1:8080" + tokens.webhook_path()) is Kind.WEBHOOK
    assert _tokens.classify(tokens.webhook().replace("slack.com", "slack-gov.com")) is Kind.WEBHOOK


@pytest.mark.parametrize("value", [*ORDINARY, None, 5, b"bytes", ["list"]])
def test_what_is_no_credential_is_of_unknown_kind(value: object) -> None:
    assert _tokens.classify(value) is Kind.UNKNOWN


@pytest.mark.parametrize("kind", tokens.MAKERS)
@pytest.mark.parametrize("expected", ["bot", "user"])
def test_only_the_kind_that_is_due_is_usable(kind: str, expected: str) -> None:
    words = _tokens.problem(tokens.MAKERS[kind](), expected)
    usable = {"bot": ("bot", "rotating bot"), "user": ("user", "rotating user or configuration")}[expected]
    if kind in usable:
        assert words is None
    else:
        assert f" {kind}" in words
        assert f"a {expected} token (xox{expected[0] if expected == 'bot' else 'p'}-...) is due" in words


def test_what_is_wrong_is_said() -> None:
    token = tokens.bot()
    length = len(token)
    said = {
        "": "is empty",
        " \n": "is nothing but white space (2 characters)",
        f"{token}\n": f"has white space around it ({length} + 1 characters)",
        f"  {token}\n": f"has white space around it ({length} + 3 characters)",
        f'"{token}"': "has quotes around it, as part of the value",
        f"{token[:30]}\x00{token[30:]}": "has a control character",
        f"{token[:30]}\u200b{token[30:]}": "has a control character",
        f"{token[:30]} {token[30:]}": "has a character that no token has (a space, or one outside ASCII);"
        " a bot token (xoxb-...) is due",
        "hello": "is not a Slack token; a bot token (xoxb-...) is due",
        tokens.app_level(): "is an app-level token; a bot token (xoxb-...) is due",
        tokens.user(): "is a user token; a bot token (xoxb-...) is due",
        tokens.webhook(): "is a webhook URL; a bot token (xoxb-...) is due",
    }
    assert {value: _tokens.problem(value, "bot") for value in said} == said
    assert _tokens.problem(None, "user") == "is not text but nothing; a user token (xoxp-...) is due"
    assert _tokens.problem({}, "bot") == "is not text but a dictionary; a bot token (xoxb-...) is due"


@given(st.integers(0, 31))
def test_a_bot_token_without_its_secret_is_truncated(length: int) -> None:
    cut = tokens.bot()[: len("xoxb-") + length]  # two numbers of 12 digits and their dashes are 26 characters
    assert _tokens.problem(cut, "bot") == "is truncated"


def test_short_and_unknown_bodies_are_accepted() -> None:
    assert _tokens.problem("xox" + "b-Zm9vYmFyYmF6", "bot") is None  # no numeric parts: a shape of the future
    assert (
        _tokens.problem("xox" + f"p-{tokens.digits()}-{tokens.digits()}-{tokens.digits()}-0a1b2c3d4e", "user") is None
    )


@fuzz()
@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text()), st.binary()), EXPECTED)
def test_judging_never_raises(value: object, expected: str) -> None:
    assert isinstance(_tokens.classify(value), Kind)
    assert _tokens.looks_like_secret(value) in (True, False)
    words = _tokens.problem(value, expected)
    assert words is None or words.split()[0] in ("is", "has")


@fuzz(200)
@given(
    MAKERS,
    EXPECTED,
    st.sampled_from(["{}", "{}\n", " {}", '"{}"', "x{}", "{} {}", "{}\x07", "Bearer {}"]),
    st.just("") | st.text(max_size=6),
)
def test_the_words_never_hold_a_piece_of_the_value(maker, expected: str, form: str, behind: str) -> None:
    made = maker()
    words = _tokens.problem(form.format(made, made) + behind, expected) or ""
    assert not pieces(made, 8) & pieces(words, 8)


@fuzz(200)
@given(MAKERS, st.integers(0, 100), st.sampled_from(["{}", "say {} please", "a,{}", "x='{}'", "generic/a/{}"]))
def test_a_credential_looks_like_a_secret_whole_or_truncated(maker, percent: int, form: str) -> None:
    made = maker()
    least = made.rfind("/") + 2 if "://" in made else 24
    assert _tokens.looks_like_secret(form.format(made[: max(least, len(made) * percent // 100)]))


@pytest.mark.parametrize("value", ORDINARY)
def test_ordinary_words_do_not_look_like_secrets(value: str) -> None:
    assert not _tokens.looks_like_secret(value)


@given(MAKERS)
def test_the_secret_part_holds_all_that_is_secret(maker) -> None:
    made = maker()
    assert _tokens.secret_part(made).endswith(tokens.secret_part(made))
