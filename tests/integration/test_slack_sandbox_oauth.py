# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes for tokens: oauth.v2.access, oauth.access and apps.uninstall of the Slack sandbox."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError

from tests.sandbox import tokens
from tests.sandbox.slack import browser
from tests.sandbox.slack.threaded import SCOPES, ThreadedSlack

CALLBACK = "https://bots.example.org/slack/callback"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _apps(slack: ThreadedSlack) -> None:
    slack.control.configure("robot", redirect_uris=[CALLBACK])
    slack.control.add_app("elder", ["bot"], id="A0ELDER", classic=True, redirect_uris=[CALLBACK])


def error_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error code that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


def code_for(slack: ThreadedSlack, app: str = "robot", team: str = "one", channel: str = "", **query: str) -> str:
    """A code, after somebody clicked Allow; by default with the redirect URI left out."""
    path = "oauth/authorize" if app == "elder" else "oauth/v2/authorize"
    asked = {"client_id": slack.control.credentials(app)["client_id"], "scope": ",".join(SCOPES), "team": team, **query}
    location = browser.click(f"{slack.url}/{path}?{urlencode(asked)}", channel=channel)
    return browser.answer(location)["code"]


def client(slack: ThreadedSlack) -> WebClient:
    """slack_sdk's client without a token, as an install page has it."""
    return WebClient(base_url=f"{slack.url}/api/", retry_handlers=[], timeout=5)


def access(slack: ThreadedSlack, code: str, app: str = "robot", **more: Any) -> Any:
    """oauth.v2.access with an app's credentials."""
    known = slack.control.credentials(app)
    given = {"client_id": known["client_id"], "client_secret": known["client_secret"], "code": code, **more}
    return client(slack).oauth_v2_access(**given)


def legacy_access(slack: ThreadedSlack, code: str, app: str = "elder", **more: Any) -> Any:
    """oauth.access with an app's credentials."""
    known = slack.control.credentials(app)
    return client(slack).oauth_access(
        client_id=known["client_id"], client_secret=known["client_secret"], code=code, **more
    )


def raw(slack: ThreadedSlack, path: str, body: str = "", **headers: str) -> dict[str, Any]:
    """The JSON answer to a POST as it is on the wire."""
    connection = http.client.HTTPConnection(slack.url.removeprefix("http://"), timeout=5)
    connection.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


# oauth.v2.access: https://docs.slack.dev/reference/methods/oauth.v2.access


def test_answer_to_a_code(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.v2.access: the bot's fields at the top, the person's under
    authed_user, without a token where no user scope was asked for; no bot_id."""
    slack.control.revoke("robot/one")
    answer = access(slack, code_for(slack)).data
    of = slack.control.installation("robot/one")
    assert answer == {
        "ok": True,
        "app_id": "A0ROBOT",
        "authed_user": {"id": "U0PERSON1"},
        "scope": ",".join(SCOPES),
        "token_type": "bot",
        "access_token": of["bot_token"],
        "bot_user_id": of["bot_user_id"],
        "team": {"id": "T0TEAM1", "name": "Team one"},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    assert slack.client(answer["access_token"]).auth_test()["user_id"] == of["bot_user_id"]


def test_answer_with_user_scopes(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.v2.access: a user token is under authed_user; only user scopes:
    no bot fields."""
    answer = access(slack, code_for(slack, user_scope="users:read,chat:write")).data
    user = answer["authed_user"]
    assert (user["id"], user["token_type"], user["scope"]) == ("U0PERSON1", "user", "chat:write,users:read")
    assert slack.client(user["access_token"]).auth_test()["user_id"] == "U0PERSON1"
    only = access(slack, code_for(slack, scope="", user_scope="users:read")).data
    assert not {"access_token", "scope", "bot_user_id", "token_type"} & set(only)


def test_reinstall_gives_the_same_token_until_a_revoke(slack: ThreadedSlack) -> None:
    """https://github.com/slackapi/bolt-python/issues/969, https://github.com/slackapi/bolt-js/issues/1813"""
    before = slack.token()
    assert access(slack, code_for(slack))["access_token"] == before
    slack.client(before).auth_revoke()
    after = access(slack, code_for(slack))["access_token"]
    assert after != before
    assert error_of(slack.client(before).auth_test) == "invalid_auth"


def test_scopes_add_up_and_shrink_with_a_revoke(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth: additive scopes. What was granted is in `scope`."""
    assert access(slack, code_for(slack, scope="groups:read"))["scope"] == ",".join(sorted([*SCOPES, "groups:read"]))
    slack.client().auth_revoke()
    assert access(slack, code_for(slack, scope="groups:read"))["scope"] == "groups:read"


def test_optional_scopes_may_be_declined(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/app-manifest: bot_optional; what is granted may be less than what was asked for."""
    slack.control.configure("robot", optional_scopes=["users:read"])
    slack.control.revoke("robot/one")
    asked = {"client_id": slack.control.credentials("robot")["client_id"], "scope": "chat:write,users:read"}
    url = f"{slack.url}/oauth/v2/authorize?{urlencode({**asked, 'team': 'one'})}"
    code = browser.answer(browser.click(url, decline=["users:read"]))["code"]
    assert access(slack, code)["scope"] == "chat:write"


def test_user_tokens_belong_to_persons(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/tokens: a user token is of the person who installed; the bot token is one."""
    slack.control.call("add_team", id="T0TEAM3", name="Team three", slug="three", people=["U0ANN", "U0BOB"])
    ann = access(slack, code_for(slack, team="three", user_scope="users:read")).data
    slack.control.sign_in("three", "U0BOB")
    bob = access(slack, code_for(slack, team="three", user_scope="users:read")).data
    assert ann["access_token"] == bob["access_token"]
    assert ann["authed_user"]["access_token"] != bob["authed_user"]["access_token"]
    assert slack.client(bob["authed_user"]["access_token"]).auth_test()["user_id"] == "U0BOB"
    slack.control.sign_in("three", "U0ANN")
    again = access(slack, code_for(slack, team="three", user_scope="users:read")).data
    assert again["authed_user"]["access_token"] == ann["authed_user"]["access_token"]


def test_a_code_is_good_once(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth. code_already_used is documented for oauth.access only:
    which of the two oauth.v2.access gives is a setting."""
    for error in ("invalid_code", "code_already_used"):
        slack.control.set_oauth(used_code_error=error)
        code = code_for(slack)
        assert access(slack, code)["ok"]
        assert error_of(access, slack, code) == error


def test_a_code_is_good_for_ten_minutes(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth"""
    early, late = code_for(slack), code_for(slack)
    slack.control.advance_clock(590)
    assert access(slack, early)["ok"]
    slack.control.advance_clock(11)
    assert error_of(access, slack, late) == "invalid_code"


def test_a_code_is_bound_to_its_client(slack: ThreadedSlack) -> None:
    """invalid_code for another app's code, which stays good for its own app."""
    code = code_for(slack)
    assert error_of(access, slack, code, app="helper") == "invalid_code"
    assert error_of(access, slack, "1.2.3") == "invalid_code"
    assert access(slack, code)["ok"]


def test_a_code_is_bound_to_its_redirect_uri(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.v2.access: it must match what was sent first, if one was sent."""
    assert access(slack, code_for(slack, redirect_uri=CALLBACK), redirect_uri=CALLBACK)["ok"]
    assert error_of(access, slack, code_for(slack, redirect_uri=CALLBACK)) == "bad_redirect_uri"
    other = code_for(slack, redirect_uri=CALLBACK)
    assert error_of(access, slack, other, redirect_uri=CALLBACK + "/") == "bad_redirect_uri"
    assert error_of(access, slack, other, redirect_uri=CALLBACK) == "invalid_code"
    assert error_of(access, slack, code_for(slack), redirect_uri=CALLBACK) == "bad_redirect_uri"


def test_a_code_is_bound_to_its_version(slack: ThreadedSlack) -> None:
    """oauth_authorization_url_mismatch: the flow began at the other URL."""
    elder = code_for(slack, "elder", scope="bot")
    assert error_of(access, slack, elder, app="elder") == "oauth_authorization_url_mismatch"
    assert error_of(legacy_access, slack, code_for(slack), app="robot") == "oauth_authorization_url_mismatch"


def test_client_credentials(slack: ThreadedSlack) -> None:
    """invalid_client_id, bad_client_secret; neither uses up the code. invalid_grant_type, pkce_not_allowed."""
    code = code_for(slack)
    assert error_of(access, slack, code, client_id="1.2") == "invalid_client_id"
    assert error_of(access, slack, code, client_secret="0" * 32) == "bad_client_secret"
    assert error_of(access, slack, code, client_secret=slack.control.credentials("helper")["client_secret"]) == (
        "bad_client_secret"
    )
    assert error_of(access, slack, code, grant_type="password") == "invalid_grant_type"
    assert error_of(access, slack, code, code_verifier="x") == "pkce_not_allowed"
    assert access(slack, code)["ok"]


def test_credentials_by_basic_and_by_form_only(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.v2.access: HTTP Basic or the form; not the query, not JSON."""
    known = slack.control.credentials("robot")
    id, secret = known["client_id"], known["client_secret"]
    basic = "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()
    body = urlencode({"client_id": id, "client_secret": secret, "code": code_for(slack)})
    path = "/api/oauth.v2.access"
    assert raw(slack, path, body, Content_Type=FORM)["ok"]
    assert raw(slack, path, urlencode({"code": code_for(slack)}), Content_Type=FORM, Authorization=basic)["ok"]
    asked = {"client_id": id, "client_secret": secret, "code": code_for(slack)}
    assert raw(slack, f"{path}?{urlencode(asked)}")["error"] == "invalid_client_id"
    assert raw(slack, path, json.dumps(asked), Content_Type="application/json")["error"] == "invalid_client_id"
    assert raw(slack, path, "", Content_Type=FORM, Authorization="Basic %%")["error"] == "invalid_client_id"


def test_a_replaced_client_secret_is_good_for_a_day(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack: 24 hours, unless it is revoked."""
    old = slack.control.credentials("robot")["client_secret"]
    new = slack.control.regenerate_secret("robot")
    assert access(slack, code_for(slack), client_secret=old)["ok"]
    assert access(slack, code_for(slack), client_secret=new)["ok"]
    slack.control.advance_clock(86_401)
    assert error_of(access, slack, code_for(slack), client_secret=old) == "bad_client_secret"
    slack.control.regenerate_secret("robot", overlap=0)
    assert error_of(access, slack, code_for(slack), client_secret=new) == "bad_client_secret"


def test_incoming_webhook_of_an_install(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: its URL comes with the token."""
    answer = access(slack, code_for(slack, scope="incoming-webhook,chat:write", channel="C0RANDOM1"))
    hook = answer["incoming_webhook"]
    assert (hook["channel"], hook["channel_id"]) == ("#random", "C0RANDOM1")
    assert hook["configuration_url"].startswith("https://one.slack.com/services/B")
    assert WebhookClient(hook["url"]).send(text="hello").body == "ok"
    slack.client(answer["access_token"]).auth_revoke()
    assert WebhookClient(hook["url"]).send(text="hello").status_code == 404


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cut_exchange(slack: ThreadedSlack, when: str) -> None:
    """A cut connection may have used up the code: then only another consent helps, which gives the token that is there."""
    slack.control.revoke("robot/one")
    code = code_for(slack)
    slack.control.fault("cut", method="oauth.v2.access", app="robot", team="one", when=when, times=1)
    with pytest.raises(OSError, match="closed connection"):
        access(slack, code)
    assert slack.control.installation("robot/one")["active"] is (when == "after")
    if when == "before":
        assert access(slack, code)["ok"]
    else:
        assert error_of(access, slack, code) == "invalid_code"
        lost = slack.control.installation("robot/one")["bot_token"]
        assert access(slack, code_for(slack))["access_token"] == lost


@pytest.mark.parametrize(("kind", "status"), [("rate_limited", 429), ("status", 503)])
def test_faults_of_an_exchange_leave_the_code(slack: ThreadedSlack, kind: str, status: int) -> None:
    """https://docs.slack.dev/apis/web-api/rate-limits: 429 and 5xx came before the call took effect."""
    code = code_for(slack)
    slack.control.fault(kind, method="oauth.v2.access", times=1)
    with pytest.raises(SlackApiError) as caught:
        access(slack, code)
    assert caught.value.response.status_code == status
    assert access(slack, code)["ok"]


def test_books_have_no_secrets(slack: ThreadedSlack) -> None:
    """Codes and client secrets are in the books by fingerprint; `secrets` has them for a scan."""
    code = code_for(slack)
    access(slack, code)
    known = slack.control.credentials("robot")["client_secret"]
    assert {code, known} <= set(slack.control.secrets())
    books = str(slack.control.call("books"))
    assert code not in books
    assert known not in books
    [entry] = slack.control.requests("oauth.v2.access")
    assert (entry["args"]["code"], entry["outcome"]) == (tokens.fingerprint(code), "ok")
    assert (entry["app_id"], entry["team_id"]) == ("A0ROBOT", "T0TEAM1")


# oauth.access: https://docs.slack.dev/reference/methods/oauth.access


def test_classic_app(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.access: a user token at the top, the bot's under `bot`."""
    answer = legacy_access(slack, code_for(slack, "elder", scope="bot,chat:write:bot"), redirect_uri=None).data
    of = slack.control.installation("elder/one")
    assert answer == {
        "ok": True,
        "access_token": of["user_token"],
        "scope": "chat:write:bot,identify,bot",
        "user_id": "U0PERSON1",
        "team_id": "T0TEAM1",
        "team_name": "Team one",
        "enterprise_id": None,
        "bot": {"bot_user_id": of["bot_user_id"], "bot_access_token": of["bot_token"]},
    }


def test_classic_bot_token(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/authentication/tokens: the one scope `bot` opens much, but no channel by itself."""
    bot = legacy_access(slack, code_for(slack, "elder", scope="bot"))["bot"]["bot_access_token"]
    answer = slack.client(bot).auth_test()
    assert answer.headers["x-oauth-scopes"] == "bot:basic,identify"
    assert slack.client(bot).bots_info(bot=answer["bot_id"])["bot"]["app_id"] == "A0ELDER"
    assert error_of(slack.client(bot).conversations_join, channel="C0GENERAL1") == "missing_scope"
    slack.control.invite("elder/one", "C0GENERAL1")
    assert slack.client(bot).chat_postMessage(channel="C0GENERAL1", text="hello")["ok"]


def test_classic_app_without_a_bot_and_with_a_webhook(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.access: `bot` and incoming_webhook only where they were asked for."""
    answer = legacy_access(slack, code_for(slack, "elder", scope="incoming-webhook", channel="C0RANDOM1")).data
    assert "bot" not in answer
    assert WebhookClient(answer["incoming_webhook"]["url"]).send(text="hello").body == "ok"


def test_classic_code_twice_and_reinstall(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.access: code_already_used. Revoking the installer's token ended the
    bot's, too: https://github.com/matrix-org/matrix-appservice-slack/issues/220"""
    code = code_for(slack, "elder", scope="bot")
    first = legacy_access(slack, code)
    assert error_of(legacy_access, slack, code) == "code_already_used"
    again = legacy_access(slack, code_for(slack, "elder", scope="bot"))
    assert again["bot"] == first["bot"]
    slack.client(first["access_token"]).auth_revoke()
    assert error_of(slack.client(first["bot"]["bot_access_token"]).auth_test) == "account_inactive"
    new = legacy_access(slack, code_for(slack, "elder", scope="bot"))
    assert new["bot"]["bot_access_token"] != first["bot"]["bot_access_token"]
    assert new["bot"]["bot_user_id"] == first["bot"]["bot_user_id"]


# apps.uninstall: https://docs.slack.dev/reference/methods/apps.uninstall


def test_uninstall(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/apps.uninstall: ends every token; a granular bot may not."""
    known = slack.control.credentials("robot")
    mine = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    bot, user = slack.token(), slack.token(kind="user")
    assert error_of(slack.client(bot).apps_uninstall, **mine) == "no_permission"
    wrong = {**mine, "client_secret": "0" * 32}
    assert error_of(slack.client(user).apps_uninstall, **wrong) == "bad_client_secret"
    helper = slack.control.credentials("helper")
    other = {"client_id": helper["client_id"], "client_secret": helper["client_secret"]}
    assert error_of(slack.client(user).apps_uninstall, **other) == "client_id_token_mismatch"
    assert slack.client(user).apps_uninstall(**mine)["uninstalled"] is True
    assert error_of(slack.client(bot).auth_test) == "account_inactive"
    assert slack.control.memberships("robot/one") == []
