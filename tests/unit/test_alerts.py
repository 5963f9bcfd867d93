# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read out of alerts of GitHub and GitGuardian, whose shapes are those of their documentation."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _alerts
from ansible_collections.botops.rotation.plugins.module_utils._errors import TokenError

from tests.sandbox import tokens


def github(secret: str | None, **more: Any) -> dict[str, Any]:
    """An alert as https://docs.github.com/rest/secret-scanning/secret-scanning gives it."""
    repository = "octo-org/hello-world"
    alert = {
        "number": 42,
        "created_at": "2026-11-23T02:00:00Z",
        "url": f"https://api.github.com/repos/{repository}/secret-scanning/alerts/42",
        "html_url": f"https://github.com/{repository}/security/secret-scanning/42",
        "locations_url": f"https://api.github.com/repos/{repository}/secret-scanning/alerts/42/locations",
        "state": "open",
        "resolution": None,
        "secret_type": "slack_api_token",
        "secret_type_display_name": "Slack API Token",
        "validity": "active",
        "publicly_leaked": True,
        "push_protection_bypassed_by": {"login": "octocat", "id": 1},
    }
    return {**alert, **({} if secret is None else {"secret": secret}), **more}


def gitguardian(token: str) -> dict[str, Any]:
    """What a custom webhook of GitGuardian delivers for a new incident."""
    return {
        "source": "GitGuardian",
        "timestamp": "2026-11-23T02:00:00.932965Z",
        "action": "incident_triggered",
        "message": "A new incident has been detected.",
        "incident": {
            "id": 31542,
            "date": "2026-11-23T02:00:00Z",
            "detector": {"name": "slackbot_token", "display_name": "Slack Bot Token", "nature": "specific"},
            "secret_hash": "Ri9FjVgdOlPnBmujoxP4XPJcbe82",
            "hmsl_hash": _alerts.hmsl(token),
            "secret_revoked": False,
            "validity": "valid",
            "gitguardian_url": "https://dashboard.gitguardian.com/workspace/1/incidents/31542",
            "share_url": None,
        },
    }


def read(data: Any) -> list[_alerts.Leak]:
    return _alerts.parse(json.dumps(data))


def test_an_alert_of_github() -> None:
    token = tokens.bot()
    (leak,) = read(github(token))
    assert (leak.token, leak.source) == (token, "GitHub secret scanning alert 42")
    assert leak.link == "https://github.com/octo-org/hello-world/security/secret-scanning/42"
    assert token not in repr(leak)


def test_a_list_of_alerts_each_token_once_and_others_left_out() -> None:
    first, second = tokens.user(), tokens.webhook()
    other = github("sk_" + "live_" + tokens.alnum(24), secret_type="stripe_api_key")
    leaks = read([github(first), other, github(second), github(first, number=43)])
    assert [leak.token for leak in leaks] == [first, second]


def test_a_secret_that_is_base64() -> None:
    token = tokens.bot()
    (leak,) = read(github(base64.b64encode(token.encode()).decode(), is_base64_encoded=True))
    assert leak.token == token


@pytest.mark.parametrize("secret", [None, ""])
def test_an_alert_without_its_secret_says_how_to_get_at_it(secret: str | None) -> None:
    """As a webhook delivers it, in `alert`; and as the REST API gives it with hide_secret."""
    for data in (github(secret), {"action": "created", "alert": github(secret), "repository": {"id": 1}}):
        with pytest.raises(TokenError) as raised:
            read(data)
        assert "gh api repos/octo-org/hello-world/secret-scanning/alerts/42 |" in raised.value.next_step


def test_an_alert_of_a_server_of_ones_own() -> None:
    url = "https://github.example.com/api/v3/repos/octo-org/hello-world/secret-scanning/alerts/7"
    with pytest.raises(TokenError) as raised:
        read(github(None, url=url))
    assert "gh api repos/octo-org/hello-world/secret-scanning/alerts/7 |" in raised.value.next_step


def test_an_incident_of_gitguardian_has_a_hash() -> None:
    token = tokens.bot()
    for data in (gitguardian(token), gitguardian(token)["incident"], [gitguardian(token)["incident"]] * 2):
        (leak,) = read(data)
        assert (leak.token, leak.hmsl) == ("", _alerts.hmsl(token))
        assert leak.source == "GitGuardian incident 31542" and leak.link.endswith("/incidents/31542")


def test_the_hash_is_that_of_has_my_secret_leaked() -> None:
    """The vector of ggshield's own test, tests/unit/verticals/hmsl/test_hmsl_crypto.py."""
    assert _alerts.hmsl("test") == "bdbfe17c6018147f07ce79f8ec415a075d761ccacc14803e7d645155bf21a75f"


def test_what_ggshield_prints_with_show_secrets() -> None:
    token = tokens.bot()
    found = {"type": "Slack Bot Token", "occurrences": [{"match": token, "type": "apikey", "line_start": 3}]}
    assert [leak.token for leak in read({"scans": [{"entities_with_incidents": [{"incidents": [found]}]}]})] == [token]


@pytest.mark.parametrize("text", ["", "no json", "{", "[" * 100_000, '"text"', "7", "null", "{}", "[]"])
def test_what_is_no_alert(text: str) -> None:
    with pytest.raises(TokenError) as raised:
        _alerts.parse(text)
    assert raised.value.next_step


def test_a_secret_in_the_wrong_place_is_not_shown() -> None:
    token, mistaken = tokens.bot(), tokens.bot()
    (leak,) = read(github(token, number=mistaken, html_url=mistaken))
    assert tokens.secret_part(mistaken) not in leak.source + leak.link
