# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin API of the Slack sandbox for requests to install apps.

Sources: https://docs.slack.dev/reference/methods/admin.apps.requests.list and its neighbours,
https://docs.slack.dev/admins/managing-app-approvals
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack import browser
from tests.sandbox.slack.threaded import ThreadedSlack

READ_WRITE = ["admin.apps:read", "admin.apps:write"]


def error_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error code that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


def admin(slack: ThreadedSlack) -> WebClient:
    """An admin's client in the team `one`, which belongs to an Enterprise and approves apps."""
    slack.control.require_approval("one", admins=["U0ADMIN"], enterprise_id="E0ORG")
    slack.control.add_app("console", [], user_scopes=READ_WRITE)
    return slack.client(slack.control.install("console/one", user="U0ADMIN")["user_token"])


def url(slack: ThreadedSlack) -> str:
    """robot's link."""
    slack.control.configure("robot", redirect_uris=["https://bots.example.org/cb"])
    id = slack.control.credentials("robot")["client_id"]
    return f"{slack.url}/oauth/v2/authorize?" + urlencode({"client_id": id, "scope": "chat:write", "team": "one"})


def test_list_and_approve(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/admin.apps.requests.list, admin.apps.approve"""
    client = admin(slack)
    assert client.admin_apps_requests_list(team_id="T0TEAM1")["app_requests"] == []
    browser.click(url(slack), "request", message="please")
    [row] = client.admin_apps_requests_list(team_id="T0TEAM1")["app_requests"]
    assert (row["app"]["id"], row["team"]["id"], row["user"]["id"]) == ("A0ROBOT", "T0TEAM1", "U0PERSON1")
    assert (row["message"], row["previous_resolution"]) == ("please", None)
    assert [(scope["name"], scope["token_type"]) for scope in row["scopes"]] == [("chat:write", "bot")]
    assert abs(row["date_created"] - slack.world.clock.now()) < 60
    assert client.admin_apps_approve(request_id=row["id"], team_id="T0TEAM1").data == {"ok": True}
    assert client.admin_apps_requests_list(enterprise_id="E0ORG")["app_requests"] == []
    approve = client.admin_apps_approve
    [approved] = client.admin_apps_approved_list(team_id="T0TEAM1")["approved_apps"]
    assert (approved["app"]["id"], [scope["name"] for scope in approved["scopes"]]) == ("A0ROBOT", ["chat:write"])
    assert error_of(approve, request_id=row["id"], team_id="T0TEAM1") == "request_already_resolved"
    assert "code" in browser.answer(browser.click(url(slack)))


def test_restrict_and_cancel(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/admin.apps.restrict, admin.apps.requests.cancel"""
    client = admin(slack)
    browser.click(url(slack), "request")
    request = slack.control.app_requests()[0]["id"]
    cancel = {"request_id": request, "team_id": "T0TEAM1"}
    assert client.api_call("admin.apps.requests.cancel", json=cancel)["ok"]
    assert slack.control.app_requests(state=None)[0]["state"] == "cancelled"
    browser.click(url(slack), "request")
    client.admin_apps_restrict(request_id=slack.control.app_requests()[0]["id"], team_id="T0TEAM1")
    with pytest.raises(ValueError, match="app_restricted"):
        browser.click(url(slack), "request")
    client.admin_apps_approve(app_id="A0ROBOT", team_id="T0TEAM1")
    assert slack.control.call("books")["teams"][0]["restricted"] == []


def test_errors(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/admin.apps.approve: which ids, whose token."""
    client = admin(slack)
    listed, approve = client.admin_apps_requests_list, client.admin_apps_approve
    assert error_of(listed) == "no_team_or_enterprise_provided"
    assert error_of(listed, team_id="T0TEAM1", enterprise_id="E0ORG") == "too_many_teams_provided"
    assert error_of(listed, team_id="T0TEAM2") == "team_not_found"
    assert error_of(listed, enterprise_id="E0OTHER") == "enterprise_not_found"
    assert error_of(client.api_call, "admin.apps.approve", json={"team_id": "T0TEAM1"}) == (
        "request_id_or_app_id_is_required"
    )
    both = {"team_id": "T0TEAM1", "request_id": "Ar0", "app_id": "A0ROBOT"}
    assert error_of(client.api_call, "admin.apps.approve", json=both) == "too_many_ids_provided"
    assert error_of(approve, request_id="Ar0", team_id="T0TEAM1") == "invalid_request_id"
    assert error_of(approve, app_id="A0NONE", team_id="T0TEAM1") == "invalid_app_id"


def test_who_may_ask(slack: ThreadedSlack) -> None:
    """Enterprise only (feature_not_enabled), admins only (not_an_admin), with the scope, with a user token."""
    client = admin(slack)
    slack.control.install("console/two")
    two = slack.client(slack.token("console/two", "user"))
    assert error_of(two.admin_apps_requests_list, team_id="T0TEAM2") == "feature_not_enabled"
    slack.control.require_approval("one", admins=["U0SOMEBODY"])
    assert error_of(client.admin_apps_requests_list, team_id="T0TEAM1") == "not_an_admin"
    robot = slack.client(slack.token(kind="user"))
    assert error_of(robot.admin_apps_requests_list, team_id="T0TEAM1") == "missing_scope"
