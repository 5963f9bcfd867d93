# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install page against the Slack sandbox and OpenBao: whatever goes wrong is said, on the page and in the terminal,
and nothing is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _lease, _lease_owner
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault, VaultSettings

from tests.e2e._leaks import leaks
from tests.e2e._world import pending
from tests.integration._install import Page, Person, until
from tests.sandbox import Sandbox
from tests.sandbox.slack import browser
from tests.sandbox.tokens import fingerprint

pytestmark = pytest.mark.xdist_group("install-page")
ONE = "gobot/ibmcloud"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(demo=False, services=False) as made:
        yield made


@pytest.fixture
def here(shared: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox: gobot is revoked in ibmcloud, nothing is staged or noted, nothing fails."""
    for each in shared.installations("gobot"):
        for path in (shared.record_path(each), f"{shared.path(each)}_notes", f"{shared.path(each)}_install"):
            shared.bao.delete(path)
        shared.slack.install(each)
    shared.slack.configure("gobot", optional_scopes=[], rotation=False)
    shared.revoke(ONE)
    yield shared
    shared.slack.clear_faults()
    shared.slack.require_approval("ibmcloud", False)


def new_token(sandbox: Sandbox, installation: str = ONE) -> str:
    return sandbox.slack.installation(installation)["bot_token"]


def kept(sandbox: Sandbox, installation: str = ONE) -> list[str]:
    """The bot tokens in the secret `_install` of an installation."""
    data = sandbox.bao.get(f"{sandbox.path(installation)}_install") or {}
    return [each["bot_token"] for each in (data.get("grants") or {}).values()]


def test_allow(here: Sandbox) -> None:
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        assert person.state("ibmcloud") == "Waiting"
        assert "/oauth/v2/authorize?" in person.add("ibmcloud") and "team=T0IBMCLOUD1" in person.add("ibmcloud")
        back = person.install("ibmcloud")
        assert person.state("ibmcloud") == "Staged"
        result = page.end()
    token = new_token(here)
    assert pending(here, ONE) == token and result["changed"] and result["waiting"] == []
    assert result["results"][ONE]["state"] == "staged"
    assert result["results"][ONE]["fingerprint"] == fingerprint(token)
    assert kept(here) == [] and "the new token" in page.text
    shown = page.text + "".join(person.seen) + str(result)
    assert not leaks(shown.replace(back, ""), here.tokens())

    again = Page(here, workspace="ibmcloud")
    with again:  # a live token is pending: no page
        assert again.end()["changed"] is False and not again.link


def test_deny_and_then_allow(here: Sandbox) -> None:
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        person.install("ibmcloud", "deny")
        assert person.state("ibmcloud") == "Denied" and "Cancel" in person.row("ibmcloud")
        until(lambda: "gobot/ibmcloud: denied" in page.text)
        person.install("ibmcloud")
        assert page.end()["waiting"] == []
    assert pending(here, ONE) == new_token(here)


def test_an_error_without_a_state_of_ours_changes_nothing(here: Sandbox) -> None:
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        shown = person.follow("/slack/oauth_redirect?error=access_denied&state=abc")
        assert "no answer to a request of this page" in shown
        assert person.state("ibmcloud") == "Waiting"
        assert "code=" not in person.follow("/slack/oauth_redirect?code=1&error=&state=%00.x.1.%C3%BC")


@pytest.mark.parametrize("other", ["compose", "cim"])
def test_another_workspace_was_chosen(here: Sandbox, other: str) -> None:
    """One of the page's gets its token; one that is none of them is refused, and its token not kept."""
    before = pending(here, "gobot/compose")
    here.revoke("gobot/compose")
    with Page(here, workspace="ibmcloud,compose") as page:
        person = page.person()
        link = person.add("ibmcloud").replace("T0IBMCLOUD1", here.registry["botops_workspaces"][other]["team_id"])
        person.follow(browser.click(link))
        assert person.state("ibmcloud") == "Failed" and "another workspace" in person.row("ibmcloud")
        assert pending(here, ONE) is None and before is None and kept(here) == []
        until(lambda: "gobot/ibmcloud: the app was installed in another workspace" in page.text)
        if other == "compose":
            assert person.state("compose") == "Staged" and pending(here, "gobot/compose") == new_token(
                here, "gobot/compose"
            )
        else:
            assert person.state("compose") == "Waiting" and "was not kept" in person.row("ibmcloud")


def test_another_app(here: Sandbox) -> None:
    bots = here.registry["botops_bots"]
    bots["gobot"]["client_path"], bots["ciebot"]["client_path"] = (
        bots["ciebot"]["client_path"],
        bots["gobot"]["client_path"],
    )
    with Page(here, workspace="ibmcloud", bots=bots) as page:
        here.slack.configure("ciebot", redirect_uris=[page.redirect_uri], local_redirects=True)
        person = page.person()
        person.install("ibmcloud")
        assert person.state("ibmcloud") == "Failed" and "A0CIEBOT001" in person.row("ibmcloud")
        assert pending(here, ONE) is None and kept(here) == []
        until(lambda: "it is app A0CIEBOT001" in page.text)


def test_a_scope_was_taken_away(here: Sandbox) -> None:
    here.slack.configure("gobot", optional_scopes=["groups:read"])
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        person.install("ibmcloud", decline=["groups:read"])
        assert person.state("ibmcloud") == "Installed"
        assert "groups:read missing" in person.row("ibmcloud") and "lacks the required scopes" in person.row("ibmcloud")
        assert pending(here, ONE) is None and kept(here) == [new_token(here)]
    assert page.result["results"][ONE]["missing"] == ["groups:read"] and page.result["waiting"] == [ONE]


def test_a_scope_that_was_missing_and_is_granted_after_all(here: Sandbox) -> None:
    test_a_scope_was_taken_away(here)
    here.slack.configure("gobot", optional_scopes=[])
    here.slack.install(ONE)  # the same token, now with all scopes
    with Page(here, workspace="ibmcloud") as page:  # takes up what was kept, without anybody
        assert page.end()["results"][ONE]["state"] == "staged" and not page.link
    assert pending(here, ONE) == new_token(here) and kept(here) == []


def test_a_state_that_is_replayed(here: Sandbox) -> None:
    with Page(here) as page:
        person = page.person()
        back = person.install("ibmcloud")
        token = pending(here, ONE)
        calls = len(here.slack.requests("oauth.v2.access"))
        assert "taken before" in person.follow(back)
        assert len(here.slack.requests("oauth.v2.access")) == calls and pending(here, ONE) == token
        assert person.state("ibmcloud") == "Staged"
        until(lambda: "an answer was ignored: this answer was taken before" in page.text)


def test_a_state_of_another_browser(here: Sandbox) -> None:
    with Page(here, workspace="ibmcloud") as page:
        victim, thief = page.person(), page.person()
        back = browser.click(victim.add("ibmcloud"))
        for other in (thief, Person(page.link)):
            assert "begun in another browser" in other.follow(back)
        assert here.slack.requests("oauth.v2.access") == [] or pending(here, ONE) is None
        until(lambda: "begun in another browser" in page.text)
        victim.follow(back)  # the rightful one can still go on
        assert page.end()["results"][ONE]["state"] == "staged"


def test_a_code_that_is_used_twice(here: Sandbox) -> None:
    with Page(here) as page:
        person = page.person()
        used = browser.answer(person.install("ibmcloud"))["code"]
        fresh = browser.answer(browser.click(person.add("compose")))["state"]
        person.follow(f"/slack/oauth_redirect?code={used}&state={fresh}")
        assert person.state("compose") == "Failed" and "used before" in person.row("compose")
        assert pending(here, ONE) == new_token(here) and pending(here, "gobot/compose") is None
        until(lambda: "gobot/compose: not installed: Slack does not take the code" in page.text)


def test_a_code_that_has_expired(here: Sandbox) -> None:
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        back = browser.click(person.add("ibmcloud"))
        here.slack.advance_clock(601)
        person.follow(back)
        assert person.state("ibmcloud") == "Failed" and "older than ten minutes" in person.row("ibmcloud")
        person.install("ibmcloud")
        assert page.end()["results"][ONE]["state"] == "staged"


@pytest.mark.parametrize("when", ["before", "after"])
def test_slack_is_down_at_the_exchange(here: Sandbox, when: str) -> None:
    here.slack.fault("cut", method="oauth.v2.access", when=when, times=1)
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        person.install("ibmcloud")
        assert person.state("ibmcloud") == "Failed" and "is not known" in person.row("ibmcloud")
        until(lambda: "not installed: " in page.text and "got no answer from Slack" in page.text)
        person.install("ibmcloud")
        assert page.end()["results"][ONE]["state"] == "staged"
    assert pending(here, ONE) == new_token(here)


def test_slack_is_down_after_the_exchange(here: Sandbox) -> None:
    """The token is kept before anything is asked of it, and staged when Slack answers."""
    fault = here.slack.fault("status", method="auth.test")
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        person.install("ibmcloud")
        assert person.state("ibmcloud") == "Installed" and kept(here) == [new_token(here)]
        here.slack.clear_faults(fault)
        assert page.end()["results"][ONE]["state"] == "staged"
    assert pending(here, ONE) == new_token(here) and kept(here) == []


class Down:
    """OpenBao, sealed out of the way: its process is stopped (SIGSTOP), so that it does not answer at all."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._pid = next(
            int(each.name)
            for each in Path("/proc").glob("[0-9]*")
            if f"127.0.0.1:{sandbox.vault_url.rpartition(':')[2]}".encode() in _arguments(each)
        )

    def __enter__(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *_dummy: object) -> None:
        os.kill(self._pid, signal.SIGCONT)


def _arguments(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _stop_vault_at_the_exchange(sandbox: Sandbox, stopped: list[Any]) -> None:
    """Waits, in a thread, for the exchange to come to Slack, and stops Vault before Slack has answered."""
    sandbox.slack.fault("latency", method="oauth.v2.access", seconds=1.5, times=1)
    before = len(sandbox.slack.requests("oauth.v2.access"))

    def watch() -> None:
        until(lambda: len(sandbox.slack.requests("oauth.v2.access")) > before)
        down = Down(sandbox)
        down.__enter__()
        stopped.append(down)

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.parametrize("spool", [True, False], ids=["spool", "no-spool"])
def test_vault_is_down_after_the_exchange(here: Sandbox, tmp_path: Path, spool: bool) -> None:
    directory = tmp_path / "spool"
    directory.mkdir(mode=0o700)
    stopped: list[Any] = []
    with Page(here, workspace="ibmcloud", spool_dir=str(directory) if spool else None, vault_timeout=1.0) as page:
        person = page.person()
        back = browser.click(person.add("ibmcloud"))
        _stop_vault_at_the_exchange(here, stopped)
        person.follow(back)
        try:
            assert person.state("ibmcloud") == "Installed"
            where = "in the spool" if spool else "in the memory of this run alone"
            assert where in person.row("ibmcloud")
            until(lambda: where in page.text)
            files = [each.read_text() for each in directory.iterdir()]
            assert [new_token(here) in each for each in files] == [True] * spool
        finally:
            stopped[0].__exit__()
        assert page.end()["results"][ONE]["state"] == "staged"
    assert pending(here, ONE) == new_token(here) and list(directory.iterdir()) == [] and kept(here) == []


def test_vault_stays_down_and_the_next_run_takes_the_token_from_the_spool(here: Sandbox, tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    directory.mkdir(mode=0o700)
    stopped: list[Any] = []
    with Page(here, workspace="ibmcloud", spool_dir=str(directory), vault_timeout=1.0) as page:
        person = page.person()
        back = browser.click(person.add("ibmcloud"))
        _stop_vault_at_the_exchange(here, stopped)
        person.follow(back)
    stopped[0].__exit__()
    assert page.result["results"][ONE]["state"] == "installed" and pending(here, ONE) is None
    with Page(here, workspace="ibmcloud", spool_dir=str(directory)) as page:
        assert page.end()["results"][ONE]["state"] == "staged" and not page.link
    assert pending(here, ONE) == new_token(here) and list(directory.iterdir()) == []


def test_vault_is_down_before_the_exchange(here: Sandbox) -> None:
    """Then Slack is not asked: a placeholder could not be written."""
    with Page(here, workspace="ibmcloud", vault_timeout=1.0) as page:
        person = page.person()
        back = browser.click(person.add("ibmcloud"))
        calls = len(here.slack.requests("oauth.v2.access"))
        with Down(here):
            person.follow(back)
            assert person.state("ibmcloud") == "Failed" and "Slack was not asked" in person.row("ibmcloud")
        assert len(here.slack.requests("oauth.v2.access")) == calls
        person.install("ibmcloud")
        assert page.end()["results"][ONE]["state"] == "staged"


def test_the_page_is_reloaded(here: Sandbox) -> None:
    with Page(here) as page:
        person = page.person()
        back = browser.click(person.add("ibmcloud"))
        for _reload in range(3):
            assert person.state("ibmcloud") == "Waiting"
        person.follow(back)
        assert {person.state("ibmcloud") for _reload in range(3)} == {"Staged"}


def test_two_operators_at_once(here: Sandbox) -> None:
    with Page(here) as page:
        people = [page.person(), page.person()]
        backs = [browser.click(each.add("ibmcloud")) for each in people]
        threads = [threading.Thread(target=each.follow, args=(back,)) for each, back in zip(people, backs)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(20)
        assert [each.state("ibmcloud") for each in people] == ["Staged", "Staged"]
        people[0].install("ibmcloud", "deny") if "/install/ibmcloud" in people[0].page() else None
        assert pending(here, ONE) == new_token(here) and kept(here) == []


def test_several_tabs_of_one_browser(here: Sandbox) -> None:
    """Each workspace has a cookie of its own: the last tab does not invalidate the others."""
    for each in here.installations("gobot"):
        here.revoke(each)
    with Page(here) as page:
        person = page.person()
        slugs = [each.partition("/")[2] for each in here.installations("gobot")]
        backs = [browser.click(person.add(slug)) for slug in slugs]
        for back in backs:
            person.follow(back)
        assert {each["state"] for each in page.end()["results"].values()} == {"staged"}


def test_the_same_token_again(here: Sandbox) -> None:
    """Without a revoke an installation gives the current token: no success."""
    here.slack.install(ONE)
    here.bao.put(here.path(ONE), {"value": new_token(here)})
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        person.install("ibmcloud")
        result = page.end()
    assert result["results"][ONE]["state"] == "unchanged" and not result["changed"]
    assert "only after a revoke" in page.text and pending(here, ONE) is None and kept(here) == []


def test_a_lock_that_another_run_holds(here: Sandbox) -> None:
    """What Slack gave is kept, and staged when the lock is free."""
    lock = f"{here.path(ONE)}_lock"
    with Page(here, workspace="ibmcloud") as page:
        person = page.person()
        foreign = replace(_lease_owner.current_owner(), host="elsewhere", boot_id="another")
        lease = _lease.acquire(
            Vault.connect(VaultSettings(here.vault_url, token=here.vault_token)), {lock: ONE}, foreign
        )
        person.install("ibmcloud")
        assert person.state("ibmcloud") == "Installed" and kept(here) == [new_token(here)]
        lease.release()
        assert page.end()["results"][ONE]["state"] == "staged"
