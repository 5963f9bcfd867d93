# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An admin's approval, where Slack lists who waits for it: the install page and the status follow the list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _install_requests, _status
from ansible_collections.botops.rotation.plugins.plugin_utils._session import Session

from tests.integration._install import Page, options, until
from tests.sandbox import Sandbox
from tests.sandbox.slack import browser

pytestmark = pytest.mark.xdist_group("install-approval")
IBM, ADMIN = "gobot/ibmcloud", "generic/crn/v1/internal/local/tip-oss-flow/global/ciebot/slack_admin_token"


@pytest.fixture
def workspaces(bare_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The registry's workspaces, of which one is in an Enterprise, approves apps, and has an admin's token in Vault."""
    monkeypatch.setattr(_install_requests, "POLL", 0.2)
    slack = bare_sandbox.slack
    slack.require_approval("ibmcloud", admins=["U0ADMIN"], enterprise_id="E0ORG")
    slack.add_app("console", [], user_scopes=["admin.apps:read", "admin.apps:write"])
    bare_sandbox.bao.put(ADMIN, {"value": slack.install("console/ibmcloud", user="U0ADMIN")["user_token"]})
    bare_sandbox.revoke(IBM)
    found = bare_sandbox.registry["botops_workspaces"]
    found["ibmcloud"]["admin_token_path"] = ADMIN
    yield found


def status(sandbox: Sandbox, workspaces: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What rotation_status says of the installation, and its warnings."""
    here, warned = Session(options(sandbox, workspaces=workspaces), {}), []
    [row] = _status.read(here, here.registry.select("gobot", "ibmcloud"), warned.append)
    return row, warned


def noted(sandbox: Sandbox) -> Any:
    return (sandbox.bao.get(sandbox.path(IBM) + "_notes") or {}).get("approval")


def test_the_page_follows_slacks_list(bare_sandbox: Sandbox, workspaces: dict[str, Any]) -> None:
    slack = bare_sandbox.slack
    assert status(bare_sandbox, workspaces)[0]["approval"] == ""
    with Page(bare_sandbox, workspace="ibmcloud", workspaces=workspaces) as page:
        person = page.person()
        browser.click(person.add("ibmcloud"), "request", message="please")
        until(lambda: noted(bare_sandbox))
        [request] = slack.app_requests()
        since = f"{datetime.fromtimestamp(request['date_created'], timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        assert noted(bare_sandbox) == {"since": since, "listed": True}
        assert "approval" in person.state("ibmcloud").lower() and f"waits for approval since {since}" in page.text
        row, warned = status(bare_sandbox, workspaces)
        assert row["approval"] == since and f"asked for since {since[:10]}" in row["next_step"] and not warned

        slack.resolve_request(request["id"])
        until(lambda: not noted(bare_sandbox))
        assert "an admin has approved the app" in page.text
        person.install("ibmcloud")
        assert page.end()["results"][IBM]["state"] == "staged"


def test_a_refusal_is_shown_and_a_token_that_may_not_ask_disturbs_nothing(
    bare_sandbox: Sandbox, workspaces: dict[str, Any]
) -> None:
    slack = bare_sandbox.slack
    with Page(bare_sandbox, workspace="ibmcloud", workspaces=workspaces) as page:
        person = page.person()
        browser.click(person.add("ibmcloud"), "request")
        until(lambda: noted(bare_sandbox))
        slack.resolve_request(slack.app_requests()[0]["id"], approve=False)
        until(lambda: not noted(bare_sandbox))
        assert "an admin has refused the app" in page.text and "refused" in person.row("ibmcloud")

        slack.revoke("console/ibmcloud")
        until(lambda: "what waits for the admins of IBM Cloud Platform is not known" in page.text)
        row, warned = status(bare_sandbox, workspaces)
        assert row["state"] == "none" and len(warned) == 1 and "token_revoked" in warned[0]
        slack.require_approval("ibmcloud", on=False)
        person.install("ibmcloud")
        assert page.end()["results"][IBM]["state"] == "staged"
    assert page.text.count("is not known") == 1
