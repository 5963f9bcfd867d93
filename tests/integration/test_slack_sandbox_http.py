# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the Slack sandbox speaks HTTP. Source, where a test names no other: https://docs.slack.dev/apis/web-api"""

from __future__ import annotations

import http.client
import json
import re
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox import tokens
from tests.sandbox.slack.threaded import SCOPES, ThreadedSlack

FORM = "application/x-www-form-urlencoded"


def raw(
    slack: ThreadedSlack, path: str, body: str | None = None, verb: str = "POST", **headers: str
) -> tuple[http.client.HTTPResponse, str]:
    """One request as it is on the wire; header names are given with `_` for `-`."""
    connection = http.client.HTTPConnection(slack.url.removeprefix("http://"), timeout=5)
    connection.request(verb, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def call(slack: ThreadedSlack, method: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    """The JSON answer of a raw call."""
    return json.loads(raw(slack, f"/api/{method}", body, **headers)[1])


def test_application_errors_are_200_with_ok_false(slack: ThreadedSlack) -> None:
    """Errors of an application come as HTTP 200 and `ok: false`."""
    answer, text = raw(slack, "/api/auth.test")
    assert (answer.status, json.loads(text)) == (200, {"ok": False, "error": "not_authed"})


def test_headers_are_lower_case_and_tell_scopes(slack: ThreadedSlack) -> None:
    """A real answer, in https://docs.slack.dev/tools/python-slack-sdk/tutorial/uploading-files, has these headers."""
    headers = slack.client().chat_postMessage(channel="C0GENERAL1", text="hello").headers
    assert set(headers) >= {"x-slack-req-id", "x-oauth-scopes", "x-accepted-oauth-scopes"}
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-oauth-scopes"].split(",") == SCOPES
    assert headers["x-accepted-oauth-scopes"] == "chat:write"


def test_every_answer_to_a_live_token_tells_its_scopes(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth promises x-oauth-scopes; not in auth.test's body."""
    answer = slack.client().auth_test()
    assert answer.headers["x-oauth-scopes"] == ",".join(SCOPES)
    assert "scope" not in str(answer.data)


def test_json_escapes_the_slash(slack: ThreadedSlack) -> None:
    """Slack's JSON has `\\/`, as the same real answer shows."""
    _dummy, text = raw(slack, "/api/auth.test", Authorization=f"Bearer {slack.token()}")
    assert re.search(r'"url":"https:\\/\\/one.slack.com\\/"', text)


def test_empty_json_body_is_a_call_without_arguments(slack: ThreadedSlack) -> None:
    """slack_sdk sends auth.test as a POST of the type application/json with an empty body."""
    answer = call(slack, "auth.test", "", Authorization=f"Bearer {slack.token()}", Content_Type="application/json")
    assert answer["ok"]


def test_token_in_a_form_field(slack: ThreadedSlack) -> None:
    """A token may come in a POST form field."""
    assert call(slack, "auth.test", f"token={slack.token()}", Content_Type=FORM)["ok"]


def test_token_in_the_query_is_refused(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/changelog/2020-11-no-more-tokens-in-querystrings-for-newly-created-apps"""
    for verb in ("GET", "POST"):
        _dummy, text = raw(slack, f"/api/auth.test?token={slack.token()}", verb=verb)
        assert json.loads(text)["error"] == "not_authed"


def test_token_in_a_json_body_is_refused(slack: ThreadedSlack) -> None:
    """With a JSON body the token has to be in the header."""
    body = json.dumps({"token": slack.token()})
    assert call(slack, "auth.test", body, Content_Type="application/json")["error"] == "not_authed"


def test_bearer_is_case_sensitive(slack: ThreadedSlack) -> None:
    """`Authorization: Bearer` is case-sensitive."""
    assert call(slack, "auth.test", Authorization=f"bearer {slack.token()}")["error"] == "not_authed"


@pytest.mark.parametrize(("body", "error"), [("{", "invalid_json"), ("[1]", "json_not_object")])
def test_bad_json(slack: ThreadedSlack, body: str, error: str) -> None:
    """The errors of a JSON body."""
    answer = call(
        slack, "chat.postMessage", body, Authorization=f"Bearer {slack.token()}", Content_Type="application/json"
    )
    assert answer["error"] == error


def test_body_of_an_unknown_type(slack: ThreadedSlack) -> None:
    """invalid_post_type, missing_post_type: https://docs.slack.dev/reference/methods/auth.test"""
    bearer = f"Bearer {slack.token()}"
    assert (
        call(slack, "auth.test", "x", Authorization=bearer, Content_Type="text/plain")["error"] == "invalid_post_type"
    )
    assert call(slack, "auth.test", "x", Authorization=bearer)["error"] == "missing_post_type"


def test_arguments_in_query_form_and_json(slack: ThreadedSlack) -> None:
    """Arguments come in the query, in a form, or, where the method takes it, in JSON."""
    bearer = f"Bearer {slack.token()}"
    _dummy, text = raw(slack, "/api/conversations.history?channel=C0GENERAL1", verb="GET", Authorization=bearer)
    assert json.loads(text)["ok"]
    answer = call(slack, "chat.postMessage", "channel=C0GENERAL1&text=a+b", Authorization=bearer, Content_Type=FORM)
    assert answer["message"]["text"] == "a b"
    body = json.dumps({"channel": "C0GENERAL1"})
    answer = call(slack, "conversations.history", body, Authorization=bearer, Content_Type="application/json")
    assert answer["error"] == "channel_not_found"


def test_unknown_method(slack: ThreadedSlack) -> None:
    """unknown_method is among the errors that every method may give."""
    with pytest.raises(SlackApiError) as caught:
        slack.client().api_call("chat.postMassage")
    assert caught.value.response["error"] == "unknown_method"


def test_missing_scope_tells_needed_and_provided(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/admin.apps.requests.list shows needed and provided."""
    with pytest.raises(SlackApiError) as caught:
        slack.client(slack.token("helper/one")).team_info()
    answer = caught.value.response
    assert answer.data == {"ok": False, "error": "missing_scope", "needed": "team:read", "provided": "chat:write"}
    assert answer.headers["x-oauth-scopes"] == "chat:write"


def test_unknown_token(slack: ThreadedSlack) -> None:
    """invalid_auth: https://docs.slack.dev/reference/methods/auth.test"""
    with pytest.raises(SlackApiError) as caught:
        slack.client(tokens.bot()).auth_test()
    assert caught.value.response["error"] == "invalid_auth"
    assert "x-oauth-scopes" not in caught.value.response.headers
