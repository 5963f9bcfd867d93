# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that tests can set in the Slack sandbox, and its control API. What the faults imitate is told in each."""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest
from slack_sdk import WebhookClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import RateLimitErrorRetryHandler

from tests.sandbox.slack.threaded import ThreadedSlack


def refusal_of(call: Any, *args: Any, **kwargs: Any) -> Any:
    """The answer that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return caught.value.response


def test_rate_limit(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/apis/web-api/rate-limits: 429, whole seconds in Retry-After, only that method."""
    slack.control.fault("rate_limited", method="chat.postMessage", retry_after=7, times=2)
    for _dummy in range(2):
        answer = refusal_of(slack.client().chat_postMessage, channel="C0GENERAL1", text="hello")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.data == {"ok": False, "error": "ratelimited"}
    assert slack.client().auth_test()["ok"]
    assert slack.client().chat_postMessage(channel="C0GENERAL1", text="hello")["ok"]
    assert len(slack.control.messages()) == 1


def test_rate_limit_is_understood_by_slack_sdk(slack: ThreadedSlack) -> None:
    """slack_sdk's own handler waits and goes on; it needs an integer in Retry-After."""
    slack.control.fault("rate_limited", method="auth.test", retry_after=0, times=1)
    client = slack.client()
    client.retry_handlers = [RateLimitErrorRetryHandler(max_retry_count=1)]
    assert client.auth_test()["ok"]


def test_dead_token_without_a_revoke(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.test: account_inactive for a bot, token_revoked for a user."""
    bot, user = slack.token(), slack.token(kind="user")
    slack.control.fault("dead_token", token=bot)
    assert refusal_of(slack.client(bot).auth_test)["error"] == "account_inactive"
    assert slack.client(user).auth_test()["ok"]
    slack.control.fault("dead_token", token=user)
    assert refusal_of(slack.client(user).auth_test)["error"] == "token_revoked"


def test_ip_not_allowed(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/auth.test: invalid_auth also for an address that is not allowed. The list
    is the app's, so every token of it is struck, and none of another app."""
    slack.control.fault("ip_not_allowed", app="robot")
    for token in (slack.token(), slack.token(kind="user"), slack.token("robot/two")):
        assert refusal_of(slack.client(token).auth_test)["error"] == "invalid_auth"
    assert slack.client(slack.token("helper/one")).auth_test()["ok"]


def test_fault_for_one_installation(slack: ThreadedSlack) -> None:
    """An arbitrary error code, for one app in one team."""
    slack.control.fault("error", installation="robot/one", error="ekm_access_denied")
    assert refusal_of(slack.client().auth_test)["error"] == "ekm_access_denied"
    assert slack.client(slack.token("robot/two")).auth_test()["ok"]
    assert slack.client(slack.token("helper/one")).auth_test()["ok"]


def test_missing_scope(slack: ThreadedSlack) -> None:
    """A grant without a scope: missing_scope names it."""
    slack.control.remove_scope("robot/one", "chat:write")
    answer = refusal_of(slack.client().chat_postMessage, channel="C0GENERAL1", text="hello")
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
    assert "chat:write" not in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(("when", "posted"), [("before", 0), ("after", 1)])
def test_cut_connection(slack: ThreadedSlack, when: str, posted: int) -> None:
    """A connection that is cut before or after the call took effect: to the client both look the same."""
    slack.control.fault("cut", method="chat.postMessage", when=when, times=1)
    with pytest.raises(http.client.RemoteDisconnected):
        slack.client().chat_postMessage(channel="C0GENERAL1", text="hello")
    assert len(slack.control.messages()) == posted
    assert slack.control.requests()[-1]["outcome"] == f"cut {when}"
    assert slack.client().chat_postMessage(channel="C0GENERAL1", text="again")["ok"]


def test_latency(slack: ThreadedSlack) -> None:
    """A slow answer; other calls do not wait for it."""
    slack.control.fault("latency", method="auth.test", seconds=0.3)
    before = time.monotonic()
    assert slack.client().auth_test()["ok"]
    assert time.monotonic() - before >= 0.3


@pytest.mark.parametrize("status", [500, 503])
def test_server_errors(slack: ThreadedSlack, status: int) -> None:
    """5xx answers are possible, and are not JSON."""
    slack.control.fault("status", status=status, times=1)
    assert refusal_of(slack.client().auth_test).status_code == status
    assert slack.client().auth_test()["ok"]


def test_non_json_answer(slack: ThreadedSlack) -> None:
    """A page of a captive portal: slack_sdk then puts a sentence where a code is due."""
    slack.control.fault("non_json")
    assert "non-JSON" in refusal_of(slack.client().auth_test)["error"]


def test_skip_and_clear(slack: ThreadedSlack) -> None:
    """A fault can wait for some calls, and can be taken back."""
    fault = slack.control.fault("error", error="fatal_error", method="auth.test", skip=1)
    assert slack.client().auth_test()["ok"]
    assert refusal_of(slack.client().auth_test)["error"] == "fatal_error"
    slack.control.clear_faults(fault)
    assert slack.client().auth_test()["ok"]


def test_fault_on_a_webhook(slack: ThreadedSlack) -> None:
    """Webhooks have faults of their own, and are limited like methods."""
    hook = WebhookClient(slack.control.add_hook("robot/one", "C0GENERAL1"), retry_handlers=[])
    slack.control.fault("rate_limited", method="webhook", times=1)
    assert hook.send(text="hello").status_code == 429
    slack.control.fault("cut", method="webhook", when="after", times=1)
    with pytest.raises(http.client.RemoteDisconnected):
        hook.send(text="hello")
    assert len(slack.control.messages()) == 1


def test_control_api_refuses_with_words(slack: ThreadedSlack) -> None:
    """A mistake in a test is told, not swallowed."""
    for verb, args, words in [
        ("fault", {"kind": "earthquake"}, "no fault of the kind"),
        ("install", {"installation": "nobody/one"}, "no app"),
        ("nothing", {}, "no verb"),
        ("archive", {"chanel": "C0GENERAL1"}, "archive: TypeError"),
    ]:
        with pytest.raises(ValueError, match=words):
            slack.control.call(verb, **args)
