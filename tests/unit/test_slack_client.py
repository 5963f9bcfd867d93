# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How answers of Slack, and what stands in for one, are read; no connection is made."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _redact, _slack
from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError, SlackLimited, SlackUnavailable
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._core import assert_no_token


class Answer(dict):
    """As much of slack_sdk's response as is looked at."""

    def __init__(self, status: int, **data: Any) -> None:
        super().__init__(data)
        self.status_code = status


@pytest.mark.parametrize("name", ["x-oauth-scopes", "X-OAuth-Scopes"])
@pytest.mark.parametrize("value", ["users:read, chat:write", ["users:read,chat:write"], "chat:write,users:read,,"])
def test_scopes_are_read_from_the_header(name: str, value: Any) -> None:
    assert _slack._scopes({name: value, "other": "x"}) == ("chat:write", "users:read")


def test_no_header_is_no_scopes() -> None:
    assert _slack._scopes({}) == ()


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Answer(200, ok=False, error="channel_not_found"), SlackError, "channel_not_found"),
        (Answer(200, ok=False, error="missing_scope", needed="chat:write"), SlackError, "missing_scope"),
        (Answer(200, ok=False, error="internal_error"), SlackUnavailable, "internal_error"),
        (Answer(429, ok=False, error="ratelimited"), SlackLimited, "ratelimited"),
        (Answer(503, ok=False, error="token_revoked"), SlackUnavailable, "unavailable"),
        (Answer(200, ok=False), SlackUnavailable, "unavailable"),
        (Answer(403, error="<html>"), SlackUnavailable, "unavailable"),
        (Answer(200, error={"a": "b"}), SlackUnavailable, "unavailable"),
        (SimpleNamespace(status_code=502), SlackUnavailable, "unavailable"),
    ],
)
def test_only_slacks_own_words_are_slacks_answer(answer: Any, kind: type, code: str) -> None:
    error = _slack._translate("chat.postMessage", answer)
    assert error.__class__ is kind and error.code == code and "chat.postMessage" in error.message
    if code == "missing_scope":
        assert "needed: chat:write" in error.message
    assert error.next_step or kind is SlackError or code == "internal_error"


@given(st.integers(100, 599), st.dictionaries(st.sampled_from(["error", "needed", "ok"]), st.none() | st.text()))
def test_whatever_comes_back_is_an_error_of_slacks(status: int, data: dict) -> None:
    error = _slack._translate("auth.test", Answer(status, **data))
    assert isinstance(error, SlackError) and error.code
    if status >= 500 or status == 429:
        assert isinstance(error, SlackUnavailable), "a proxy's words prove nothing of a token"


def test_a_cut_connection_names_its_cause_and_no_secret() -> None:
    secret = tokens.bot()
    _redact.register(secret)
    error = _slack._unavailable("auth.test", URLError(ConnectionResetError(104, f"reset, {secret}")))
    assert "auth.test got no answer from Slack: ConnectionResetError" in error.message and error.next_step
    assert_no_token(str(error), secret)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3), (["7"], 7), ("0", 1), ("1.5", 1.5), ("86400", 30), ("soon", 1), (None, 1), ("-1", 1), ("inf", 30)],
)
def test_retry_after_is_obeyed_within_bounds(monkeypatch: pytest.MonkeyPatch, header: Any, seconds: float) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    state = SimpleNamespace(next_attempt_requested=False, increment_current_attempt=lambda: None)
    response = SimpleNamespace(headers={} if header is None else {"Retry-After": header})
    handler = _slack._CappedRateLimit(max_retry_count=1)
    handler.prepare_for_next_attempt(state=state, request=None, response=response)
    assert slept == [seconds] and state.next_attempt_requested
