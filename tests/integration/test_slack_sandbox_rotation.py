# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation mode of the Slack sandbox: tokens that expire, refresh tokens that work once, the way in without return.

Source, where a test names no other: https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.token_rotation import TokenRotator

from tests.sandbox import tokens
from tests.sandbox.slack import browser
from tests.sandbox.slack.threaded import SCOPES, ThreadedSlack

HALF_A_DAY = 43_200


def error_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """The error code that Slack refuses a call with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


def client(slack: ThreadedSlack) -> WebClient:
    """slack_sdk's client without a token and without retries."""
    return WebClient(base_url=f"{slack.url}/api/", retry_handlers=[], timeout=5)


def credentials(slack: ThreadedSlack, app: str = "robot") -> dict[str, str]:
    """Id and secret of an app."""
    known = slack.control.credentials(app)
    return {"client_id": known["client_id"], "client_secret": known["client_secret"]}


def refresh(slack: ThreadedSlack, token: str, app: str = "robot") -> Any:
    """A refresh."""
    return client(slack).oauth_v2_access(grant_type="refresh_token", refresh_token=token, **credentials(slack, app))


def exchange(slack: ThreadedSlack, token: str, app: str = "robot") -> Any:
    """oauth.v2.exchange, as slack_sdk sends it."""
    return client(slack).oauth_v2_exchange(token=token, **credentials(slack, app))


def alive(slack: ThreadedSlack, token: str) -> bool:
    """Whether Slack accepts a token."""
    try:
        return bool(slack.client(token).auth_test()["ok"])
    except SlackApiError:
        return False


def rotating(slack: ThreadedSlack) -> dict[str, Any]:
    """robot in the team `one`, in rotation mode from the first install on."""
    slack.control.revoke("robot/one")
    slack.control.configure("robot", rotation=True, redirect_uris=["https://bots.example.org/cb"])
    return slack.control.install("robot/one")


def code_for(slack: ThreadedSlack) -> str:
    """A code for robot in the team `one`, user scopes included."""
    asked = {"scope": ",".join(SCOPES), "user_scope": "users:read", "team": "one"}
    asked["client_id"] = credentials(slack)["client_id"]
    return browser.answer(browser.click(f"{slack.url}/oauth/v2/authorize?{urlencode(asked)}"))["code"]


def test_install_gives_pairs(slack: ThreadedSlack) -> None:
    """An access token for twelve hours and a refresh token, for the bot and for the user each."""
    rotating(slack)
    slack.control.revoke("robot/one")
    answer = client(slack).oauth_v2_access(code=code_for(slack), **credentials(slack)).data
    for pair, prefix in ((answer, "xo" + "xe.xo" + "xb-1-"), (answer["authed_user"], "xo" + "xe.xo" + "xp-1-")):
        assert pair["access_token"].startswith(prefix)
        assert pair["refresh_token"].startswith("xo" + "xe-1-")
        assert pair["expires_in"] == HALF_A_DAY
        assert alive(slack, pair["access_token"])


def test_access_tokens_expire_after_twelve_hours(slack: ThreadedSlack) -> None:
    """token_expired; refresh tokens do not expire (https://github.com/latitude-dev/latitude-llm/issues/3334)."""
    made = rotating(slack)
    slack.control.advance_clock(HALF_A_DAY - 60)
    assert alive(slack, made["bot_token"])
    slack.control.advance_clock(61)
    assert error_of(slack.client(made["bot_token"]).auth_test) == "token_expired"
    slack.control.advance_clock(90 * 86_400)
    assert alive(slack, refresh(slack, made["bot_refresh_token"])["access_token"])


def test_answer_to_a_refresh(slack: ThreadedSlack) -> None:
    """https://docs.slack.dev/reference/methods/oauth.v2.access: one token, at the top; user_id for a user's."""
    made = rotating(slack)
    bot = refresh(slack, made["bot_refresh_token"]).data
    assert (bot["token_type"], bot["bot_user_id"], bot["app_id"]) == ("bot", made["bot_user_id"], "A0ROBOT")
    assert (bot["team"]["id"], bot["expires_in"], bot["scope"]) == ("T0TEAM1", HALF_A_DAY, ",".join(made["scopes"]))
    user = refresh(slack, made["user_refresh_token"]).data
    assert (user["token_type"], user["user_id"]) == ("user", "U0PERSON1")
    assert not {"authed_user", "bot_user_id"} & set(user)
    assert slack.client(user["access_token"]).auth_test()["user_id"] == "U0PERSON1"


def test_a_refresh_leaves_the_access_token_alive(slack: ThreadedSlack) -> None:
    """A refresh does not end the current access token; at most two are active: a third ends the oldest."""
    made = rotating(slack)
    second = refresh(slack, made["bot_refresh_token"])
    assert [alive(slack, one) for one in (made["bot_token"], second["access_token"])] == [True, True]
    third = refresh(slack, second["refresh_token"])
    every = (made["bot_token"], second["access_token"], third["access_token"])
    assert [alive(slack, one) for one in every] == [False, True, True]
    assert error_of(slack.client(made["bot_token"]).auth_test) == "token_revoked"
    assert alive(slack, made["user_token"])


def test_a_refresh_token_works_once(slack: ThreadedSlack) -> None:
    """invalid_refresh_token for one that was used, that is unknown, or that is another app's."""
    made = rotating(slack)
    second = refresh(slack, made["bot_refresh_token"])
    assert error_of(refresh, slack, made["bot_refresh_token"]) == "invalid_refresh_token"
    assert error_of(refresh, slack, tokens.refresh()) == "invalid_refresh_token"
    assert error_of(refresh, slack, made["bot_token"]) == "invalid_refresh_token"
    assert error_of(refresh, slack, second["refresh_token"], app="helper") == "invalid_refresh_token"
    assert refresh(slack, second["refresh_token"])["ok"]


def test_grace_of_a_refresh_token(slack: ThreadedSlack) -> None:
    """The old refresh token ends after a short grace whose length is not published. A second use within it issues another
    pair, so the cap of two ends the oldest."""
    made = rotating(slack)
    slack.control.set_refresh_grace(30)
    first = refresh(slack, made["bot_refresh_token"])
    second = refresh(slack, made["bot_refresh_token"])
    assert first["access_token"] != second["access_token"]
    assert [alive(slack, one["access_token"]) for one in (first, second)] == [True, True]
    assert not alive(slack, made["bot_token"])
    third = refresh(slack, made["bot_refresh_token"])
    assert error_of(refresh, slack, first["refresh_token"]) == "invalid_refresh_token"
    slack.control.advance_clock(31)
    assert error_of(refresh, slack, made["bot_refresh_token"]) == "invalid_refresh_token"
    assert refresh(slack, third["refresh_token"])["ok"]


def test_concurrent_refreshes(slack: ThreadedSlack) -> None:
    """Of many at the same instant one is answered: https://github.com/novuhq/novu/issues/12010"""
    made = rotating(slack)

    def attempt(_dummy: int) -> str:
        try:
            return str(refresh(slack, made["bot_refresh_token"])["access_token"])
        except SlackApiError as error:
            return str(error.response["error"])

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(16)))
    assert outcomes.count("invalid_refresh_token") == 15


def test_a_lost_answer_costs_the_refresh_token(slack: ThreadedSlack) -> None:
    """Without the answer there is no way on but a reinstall; the access token lives to its end."""
    made = rotating(slack)
    slack.control.fault("cut", method="oauth.v2.access", installation="robot/one", when="after", times=1)
    with pytest.raises(OSError, match="closed connection"):
        refresh(slack, made["bot_refresh_token"])
    assert error_of(refresh, slack, made["bot_refresh_token"]) == "invalid_refresh_token"
    assert alive(slack, made["bot_token"])
    assert alive(slack, client(slack).oauth_v2_access(code=code_for(slack), **credentials(slack))["access_token"])


def test_revoke_ends_one_token(slack: ThreadedSlack) -> None:
    """auth.revoke of an access or a refresh token ends that one; install, memberships and the other tokens stay."""
    made = rotating(slack)
    slack.control.invite("robot/one", "C0GENERAL1")
    assert slack.client(made["user_refresh_token"]).auth_revoke()["revoked"] is True
    assert error_of(refresh, slack, made["user_refresh_token"]) == "invalid_refresh_token"
    assert alive(slack, made["user_token"])
    assert slack.client(made["bot_token"]).auth_revoke()["revoked"] is True
    assert error_of(slack.client(made["bot_token"]).auth_test) == "token_revoked"
    assert slack.control.memberships("robot/one") == ["C0GENERAL1"]
    assert alive(slack, refresh(slack, made["bot_refresh_token"])["access_token"])


def test_a_reinstall_issues_further_pairs(slack: ThreadedSlack) -> None:
    """Each OAuth flow issues a pair; the cap of two holds here, too, and takes the refresh token of the oldest along."""
    made = rotating(slack)
    slack.control.install("robot/one")
    assert alive(slack, made["bot_token"])
    slack.control.install("robot/one")
    assert not alive(slack, made["bot_token"])
    assert error_of(refresh, slack, made["bot_refresh_token"]) == "invalid_refresh_token"


def test_slack_sdk_rotates_and_links(slack: ThreadedSlack) -> None:
    """What slack_sdk.oauth makes and does is understood: its link to the consent page, its token rotator."""
    made = rotating(slack)
    known = credentials(slack)
    link = AuthorizeUrlGenerator(
        client_id=known["client_id"],
        redirect_uri="https://bots.example.org/cb",
        scopes=["chat:write"],
        authorization_url=f"{slack.url}/oauth/v2/authorize",
    ).generate("state-1", team="T0TEAM1")
    assert browser.answer(browser.click(link))["state"] == "state-1"
    bot = Bot(
        bot_token=made["bot_token"],
        bot_refresh_token=made["bot_refresh_token"],
        bot_token_expires_in=HALF_A_DAY,
        bot_id=made["bot_id"],
        bot_user_id=made["bot_user_id"],
        installed_at=0.0,
    )
    rotator = TokenRotator(**known, client=client(slack))
    rotated = rotator.perform_bot_token_rotation(bot=bot, minutes_before_expiration=24 * 60)
    assert rotated is not None
    assert alive(slack, str(rotated.bot_token))
    assert rotated.bot_refresh_token != made["bot_refresh_token"]


def test_a_refresh_token_is_no_access_token(slack: ThreadedSlack) -> None:
    """not_allowed_token_type: it is good for a refresh and for auth.revoke."""
    made = rotating(slack)
    assert error_of(slack.client(made["bot_refresh_token"]).auth_test) == "not_allowed_token_type"


# oauth.v2.exchange: https://docs.slack.dev/reference/methods/oauth.v2.exchange


def test_exchange(slack: ThreadedSlack) -> None:
    """A pair for a static token, which lives on until the first refresh; memberships stay."""
    old, before = slack.token(), slack.control.memberships("robot/one")
    slack.control.configure("robot", rotation=True)
    answer = exchange(slack, old).data
    assert answer["access_token"].startswith("xo" + "xe.xo" + "xb-1-")
    assert (answer["token_type"], answer["expires_in"], answer["app_id"]) == ("bot", HALF_A_DAY, "A0ROBOT")
    assert alive(slack, old)
    assert slack.control.memberships("robot/one") == before
    new = refresh(slack, answer["refresh_token"])
    assert error_of(slack.client(old).auth_test) == "token_expired"
    assert [alive(slack, one["access_token"]) for one in (answer, new)] == [True, True]


def test_exchange_of_a_user_token(slack: ThreadedSlack) -> None:
    """Bot and user are exchanged each for itself."""
    slack.control.configure("robot", rotation=True)
    answer = exchange(slack, slack.token(kind="user")).data
    assert (answer["token_type"], answer["user_id"], "bot_user_id" in answer) == ("user", "U0PERSON1", False)


def test_exchange_errors(slack: ThreadedSlack) -> None:
    """token_rotation_not_enabled, token_already_exchanged, authorization_not_found, invalid_token, the client's errors."""
    old, other = slack.token(), slack.token("robot/two")
    assert error_of(exchange, slack, old) == "token_rotation_not_enabled"
    slack.control.configure("robot", rotation=True)
    assert error_of(exchange, slack, slack.token("helper/one")) == "invalid_token"
    assert error_of(exchange, slack, tokens.bot()) == "invalid_token"
    wrong = {**credentials(slack), "client_secret": "0" * 32}
    assert error_of(client(slack).oauth_v2_exchange, token=old, **wrong) == "bad_client_secret"
    answer = exchange(slack, old)
    assert error_of(exchange, slack, old) == "token_already_exchanged"
    assert error_of(exchange, slack, answer["access_token"]) == "invalid_token"
    slack.control.revoke("robot/two")
    assert error_of(exchange, slack, other) == "authorization_not_found"


def test_there_is_no_way_back(slack: ThreadedSlack) -> None:
    """Rotation mode cannot be turned off, and is not for classic apps."""
    slack.control.configure("robot", rotation=True)
    with pytest.raises(ValueError, match="cannot be turned off"):
        slack.control.configure("robot", rotation=False)
    with pytest.raises(ValueError, match="granular"):
        slack.control.configure("helper", rotation=True, classic=True)


def test_revoking_the_static_token_after_the_exchange_ends_all(slack: ThreadedSlack) -> None:
    """The page warns of it: that forces the whole OAuth flow again."""
    old = slack.token()
    slack.control.configure("robot", rotation=True)
    answer = exchange(slack, old)
    slack.client(old).auth_revoke()
    assert error_of(slack.client(answer["access_token"]).auth_test) == "account_inactive"
    assert error_of(refresh, slack, answer["refresh_token"]) == "invalid_refresh_token"
    assert slack.control.memberships("robot/one") == []


def test_books_have_refresh_tokens_by_fingerprint(slack: ThreadedSlack) -> None:
    """Refresh tokens are among the tokens for a scan, and nowhere else in clear."""
    made = rotating(slack)
    refresh(slack, made["bot_refresh_token"])
    assert made["bot_refresh_token"] in {one["value"] for one in slack.control.tokens()}
    assert tokens.secret_part(made["bot_refresh_token"]) not in str(slack.control.call("books"))
    assert slack.control.requests("oauth.v2.access")[-1]["team_id"] == "T0TEAM1"
