# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The consent pages of the Slack sandbox: from an app's link to a code, a refusal, or a request to the admins.

Source, where a test names no other: https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.sandbox.slack import browser
from tests.sandbox.slack.threaded import ThreadedSlack

CALLBACK = "https://bots.example.org/slack/callback"


def link(slack: ThreadedSlack, path: str = "/oauth/v2/authorize", app: str = "robot", **query: str) -> str:
    """An app's link; `robot` has a redirect URI and asks for chat:write."""
    asked = {"client_id": slack.control.credentials(app)["client_id"], "scope": "chat:write", "state": "s1", **query}
    return f"{slack.url}{path}?{urlencode(asked)}"


@pytest.fixture(autouse=True)
def _callback(slack: ThreadedSlack) -> None:
    slack.control.configure("robot", redirect_uris=[CALLBACK, "https://bots.example.org/other"])


def page_error(url: str) -> str | None:
    """What an error page says."""
    return browser.error(browser.fetch(url)[2])


def test_allow_goes_back_with_code_and_state(slack: ThreadedSlack) -> None:
    """`302 redirect_uri?code=...&state=...`; nothing is installed before the code is exchanged."""
    slack.control.revoke("robot/one")
    location = browser.click(link(slack, team="T0TEAM1", redirect_uri=CALLBACK, state="a b&c=d/é"))
    assert location.startswith(CALLBACK + "?")
    answer = browser.answer(location)
    assert (set(answer), answer["state"]) == ({"code", "state"}, "a b&c=d/é")
    assert slack.control.installation("robot/one")["active"] is False


def test_without_state_none_comes_back(slack: ThreadedSlack) -> None:
    """Links that start from Slack's own pages carry no state: https://github.com/slackapi/bolt-js/issues/1752"""
    url = link(slack, team="one").replace("state=s1", "x=1")
    assert set(browser.answer(browser.click(url))) == {"code"}


def test_page_tells_who_asks_for_what(slack: ThreadedSlack) -> None:
    """App, workspace, the person who is signed in, every scope, and two buttons."""
    page = browser.fetch(link(slack, team="T0TEAM1", scope="chat:write,users:read", user_scope="identify"))[2]
    shown = browser.ids(page)
    assert (shown["app"], shown["workspace"], shown["user"]) == ("robot", "Team one", "U0PERSON1")
    assert {f"scope-{name}" for name in ("chat:write", "users:read", "identify")} <= set(shown)
    assert (shown["allow"], shown["cancel"]) == ("Allow", "Cancel")
    assert '<html lang="en">' in page


def test_without_team_a_workspace_is_chosen(slack: ThreadedSlack) -> None:
    """`team` is optional; the person then chooses among the workspaces that the browser is signed in to."""
    shown = browser.ids(browser.fetch(link(slack))[2])
    assert (shown["team-one"], shown["team-two"]) == ("Team one", "Team two")
    assert "code" in browser.answer(browser.click(link(slack), team="two"))
    assert [code["consent"]["team_id"] for code in slack.control.call("books")["codes"]] == ["T0TEAM2"]
    slack.control.sign_in("one", None)
    assert browser.ids(browser.fetch(link(slack))[2])["workspace"] == "Team two"


def test_a_pinned_workspace_can_be_switched(slack: ThreadedSlack) -> None:
    """`team` only preselects: a person can end up in another workspace, so an app has to look."""
    page = browser.fetch(link(slack, team="one"))[2]
    assert "Use another workspace" in browser.ids(page)["switch"]
    url = slack.url + page.split('id="switch" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "team-two" in browser.ids(browser.fetch(url)[2])


@pytest.mark.parametrize("described", [False, True])
def test_deny(slack: ThreadedSlack, described: bool) -> None:
    """access_denied, with or without a description: https://github.com/slackapi/bolt-python/issues/1454"""
    slack.control.set_oauth(describe_denial=described)
    answer = browser.answer(browser.click(link(slack, team="one"), "deny"))
    assert (answer["error"], answer["state"], "code" in answer) == ("access_denied", "s1", False)
    assert ("error_description" in answer) is described


def test_a_click_counts_once(slack: ThreadedSlack) -> None:
    """Going back in the browser and clicking again is refused."""
    page = browser.fetch(link(slack, team="one"))[2]
    form = [("consent", page.split('name="consent" value="')[1].split('"')[0]), ("decision", "allow")]
    assert browser.fetch(slack.url + "/oauth/decision", form)[0] == 302
    assert browser.error(browser.fetch(slack.url + "/oauth/decision", form)[2]) == "invalid_request"


@pytest.mark.parametrize(
    ("sent", "fits"),
    [
        (CALLBACK, True),
        (CALLBACK + "/more?x=1", True),
        ("https://bots.example.org/other", True),
        ("https://bots.example.org/slack", False),
        ("https://bots.example.org/slack/callback2", False),
        ("https://bots.example.org/slack/callback/../../evil", False),
        ("https://bots.example.org:8443/slack/callback", False),
        ("https://bots.example.org.evil.example/slack/callback", False),
        ("http://bots.example.org/slack/callback", False),
        (CALLBACK + "#part", False),
    ],
)
def test_redirect_uri_is_a_configured_one_or_below_it(slack: ThreadedSlack, sent: str, fits: bool) -> None:
    """Same scheme, host and port, the path equal or below, no fragment; bad_redirect_uri is a page, not a redirect."""
    url = link(slack, team="one", redirect_uri=sent)
    if fits:
        assert browser.click(url).startswith(sent)
    else:
        assert page_error(url) == "bad_redirect_uri"


def test_redirect_uri_left_out_is_the_first_one(slack: ThreadedSlack) -> None:
    """Omitted, the first configured URL is used; without any there is no way."""
    assert browser.click(link(slack, team="one")).startswith(CALLBACK)
    slack.control.configure("robot", redirect_uris=[])
    assert page_error(link(slack, team="one")) == "bad_redirect_uri"


def test_redirect_uris_are_https(slack: ThreadedSlack) -> None:
    """The settings page takes https only; http://localhost is reported to be refused, too (outline/outline#2180)."""
    for uri in ("http://localhost:3000/cb", "http://bots.example.org/cb", CALLBACK + "#x"):
        with pytest.raises(ValueError, match="https is due"):
            slack.control.configure("robot", redirect_uris=[uri])
    slack.control.configure("robot", redirect_uris=["http://localhost:3000/cb"], local_redirects=True)
    assert browser.click(link(slack, team="one")).startswith("http://localhost:3000/cb?code=")


def test_errors_that_are_pages(slack: ThreadedSlack) -> None:
    """invalid_client_id, invalid_scope, invalid_team, invalid_team_for_non_distributed_app: said on a page."""
    assert page_error(link(slack, client_id="1.2")) == "invalid_client_id"
    assert page_error(link(slack, scope="")) == "invalid_scope"
    assert page_error(link(slack, scope="chat:write,No Scope!")) == "invalid_scope"
    assert page_error(link(slack, scope="bot")) == "invalid_scope"
    assert page_error(link(slack, team="T0NOWHERE")) == "invalid_team"
    slack.control.configure("robot", home_team="two")
    assert page_error(link(slack, team="one")) == "invalid_team_for_non_distributed_app"
    assert page_error(link(slack, team="two")) is None
    slack.control.sign_in("two", None)
    assert page_error(link(slack, team="two")) == "not_signed_in"


def test_the_url_has_to_be_that_of_the_apps_version(slack: ThreadedSlack) -> None:
    """oauth_authorization_url_mismatch: https://docs.slack.dev/reference/methods/oauth.v2.access"""
    assert page_error(link(slack, "/oauth/authorize", team="one")) == "oauth_authorization_url_mismatch"
    slack.control.add_app("elder", ["bot"], classic=True, redirect_uris=[CALLBACK])
    assert page_error(link(slack, app="elder", team="one", scope="bot")) == "oauth_authorization_url_mismatch"
    assert "code" in browser.answer(browser.click(link(slack, "/oauth/authorize", "elder", team="one", scope="bot")))


def test_incoming_webhook_asks_for_a_channel(slack: ThreadedSlack) -> None:
    """With the scope incoming-webhook the person chooses a channel."""
    url = link(slack, team="one", scope="chat:write,incoming-webhook")
    assert "Choose a channel" in browser.fetch(url)[2]
    with pytest.raises(ValueError, match="invalid_channel"):
        browser.click(url)
    assert "code" in browser.answer(browser.click(url, channel="C0RANDOM1"))


# Approval: https://docs.slack.dev/admins/managing-app-approvals


def test_request_never_comes_back_to_the_app(slack: ThreadedSlack) -> None:
    """https://github.com/slackapi/bolt-python/issues/1081: after the request the browser is in Slack's directory."""
    slack.control.require_approval("one")
    url = link(slack, team="one")
    assert browser.ids(browser.fetch(url)[2])["request"] == "Request to Install"
    with pytest.raises(ValueError, match="no button 'allow'"):
        browser.click(url)
    location = browser.click(url, "request", message="please")
    assert location == "/apps/A0ROBOT?team=T0TEAM1"
    assert "was sent" in browser.ids(browser.fetch(slack.url + location)[2])["requested"]
    [request] = slack.control.app_requests()
    assert (request["app_id"], request["team_id"], request["user_id"]) == ("A0ROBOT", "T0TEAM1", "U0PERSON1")
    assert (request["bot_scopes"], request["message"]) == (["chat:write"], "please")
    assert "waiting" in browser.ids(browser.fetch(url)[2])
    browser.click(url, "request")
    assert len(slack.control.app_requests()) == 1


def test_after_the_approval_the_flow_starts_again(slack: ThreadedSlack) -> None:
    """Nothing is pushed to the app: somebody has to follow its link again. More scopes: another request."""
    slack.control.require_approval("one")
    browser.click(link(slack, team="one"), "request")
    slack.control.resolve_request(slack.control.app_requests()[0]["id"])
    assert slack.control.app_requests() == []
    assert "code" in browser.answer(browser.click(link(slack, team="one")))
    with pytest.raises(ValueError, match="no button 'allow'"):
        browser.click(link(slack, team="one", scope="chat:write,users:read"))
    with pytest.raises(ValueError, match="request_already_resolved"):
        slack.control.resolve_request(slack.control.app_requests(state=None)[0]["id"])


def test_denied_by_an_admin(slack: ThreadedSlack) -> None:
    """An app that the admins restricted is not to be had, until one of them approves it."""
    slack.control.require_approval("one")
    browser.click(link(slack, team="one"), "request")
    slack.control.resolve_request(slack.control.app_requests()[0]["id"], approve=False)
    assert page_error(link(slack, team="one")) == "app_restricted"
    slack.control.call("approve_app", app="robot", team="one")
    assert "code" in browser.answer(browser.click(link(slack, team="one")))


def test_an_admin_needs_no_approval(slack: ThreadedSlack) -> None:
    """Admins install at once, and a workspace without Approve Apps asks nobody."""
    slack.control.require_approval("one", admins=["U0PERSON1"])
    assert "code" in browser.answer(browser.click(link(slack, team="one")))
    assert "code" in browser.answer(browser.click(link(slack, team="two")))


def test_faults_strike_pages_and_clicks(slack: ThreadedSlack) -> None:
    """A browser gets errors and cut connections, too; a click that was cut after it took effect has left a code."""
    slack.control.fault("status", method="authorize", status=500, times=1)
    assert browser.fetch(link(slack, team="one"))[0] == 500
    slack.control.fault("cut", method="decision", when="after", times=1)
    with pytest.raises(OSError, match="closed connection"):
        browser.click(link(slack, team="one"))
    assert len(slack.control.call("books")["codes"]) == 1


def test_pages_escape_what_they_show(slack: ThreadedSlack) -> None:
    """An app's name is text, never markup."""
    slack.control.add_app("<b>Bobby</b>", ["chat:write"], redirect_uris=[CALLBACK])
    page = browser.fetch(link(slack, app="<b>Bobby</b>", team="one"))[2]
    assert browser.ids(page)["app"] == "<b>Bobby</b>"
    assert "<b>" not in page
