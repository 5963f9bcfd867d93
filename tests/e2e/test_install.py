# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""install_app from end to end: people click in a real browser, and the tokens are in Vault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._install import Installing, chromium, needs_chromium
from tests.e2e._leaks import leaks
from tests.e2e._playbook import run
from tests.e2e._world import pending, world
from tests.integration._install import Person
from tests.sandbox import Sandbox
from tests.sandbox.slack import browser
from tests.sandbox.tokens import fingerprint

pytestmark = pytest.mark.xdist_group("install-e2e")
SLUGS = ("watsondataplatform", "ibmcloud", "ibmanalytics", "compose")
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def revoked() -> Iterator[Sandbox]:
    """gobot's tokens are revoked in its four workspaces."""
    with Sandbox(demo=False, services=False) as made:
        for each in made.installations("gobot"):
            made.revoke(each)
        yield made


def new_tokens(sandbox: Sandbox) -> dict[str, str]:
    return {each: sandbox.slack.installation(each)["bot_token"] for each in sandbox.installations("gobot")}


def _by_mouse(page: Any, slug: str) -> None:
    page.click(f"#add-{slug}")
    page.click("#allow")


def _by_keyboard(page: Any, slug: str) -> None:
    """With the tabulator and Enter alone."""
    page.keyboard.press("Tab")
    for _press in range(60):
        if page.evaluate("document.activeElement.id") == f"add-{slug}":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#allow")
    for _press in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "allow":
            break
    page.keyboard.press("Enter")


@needs_chromium
def test_four_workspaces_in_chromium(revoked: Sandbox, tmp_path: Path) -> None:
    """All tokens are pending, and none is in page source, browser history and profile, terminal or log."""
    log, sources = tmp_path / "ansible.log", []
    arguments = ("-e", "bot=gobot", "-vvvv", "--diff")
    with (
        Installing(revoked, *arguments, env={"ANSIBLE_LOG_PATH": str(log)}) as install,
        chromium(tmp_path / "profile", viewport=PHONE) as context,
    ):
        page = context.pages[0]
        page.goto(install.link)
        assert "key=" not in page.url
        for number, slug in enumerate(SLUGS):
            (_by_keyboard if number % 2 else _by_mouse)(page, slug)
            page.wait_for_selector(f"#row-{slug}.staged")
            assert page.url.endswith(f"/#row-{slug}") and "code=" not in page.url
            sources.append(page.content())
        page.wait_for_function("document.getElementById('summary').textContent.startsWith('4 of 4')")
        assert install.end() == 0, install.text
    tokens = new_tokens(revoked)
    assert {each: pending(revoked, each) for each in tokens} == tokens
    profile = [each.read_bytes().decode("latin-1") for each in (tmp_path / "profile").rglob("*") if each.is_file()]
    assert any("/slack/oauth_redirect" in each or "/install/ibmcloud" in each for each in profile), "no history"
    values = [one["value"] for one in revoked.slack.tokens()] + [revoked.slack.credentials("gobot")["client_secret"]]
    shown = {"pages": "".join(sources), "terminal": install.text, "log": log.read_text(encoding="utf-8")}
    shown["profile"] = "\n".join(profile)
    assert {name: found for name, text in shown.items() if (found := leaks(text, values))} == {}
    for each, token in tokens.items():
        assert f"{each}: the new token {fingerprint(token)} is staged" in install.text


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_and_by_a_screen_reader(revoked: Sandbox, tmp_path: Path, scheme: str) -> None:
    with (
        Installing(revoked, "-e", "bot=gobot") as install,
        chromium(tmp_path / "profile", viewport=PHONE, color_scheme=scheme) as context,
    ):
        page = context.pages[0]
        page.goto(install.link)
        page.click("#add-ibmcloud")
        page.click("#cancel")
        page.wait_for_selector("#row-ibmcloud.denied")
        page.wait_for_load_state()  # of its style sheet, too
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate(TARGETS) == []
        names = page.get_by_role("link", name="Add to Slack in IBM Cloud Platform")
        assert names.count() == 1 and page.get_by_role("heading", level=2).count() == 4
        assert page.get_by_role("region", name="IBM Cloud Platform").count() == 1
        assert page.get_by_role("status").count() == 1
        page.click("#stop")
        assert install.end() == 2


# Texts whose contrast with what is behind them is less than 4.5 to 1, as WCAG 2.2 has it (1.4.3).
CONTRAST = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const color = rgb(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('h1,h2,p,a,button,summary,li,label,code')]
    .filter(each => each.offsetParent && each.textContent.trim())
    .map(each => [each.outerHTML.slice(0, 80), light(rgb(getComputedStyle(each).color)), light(ground(each))])
    .filter(([, one, two]) => (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05) < 4.5);
}"""
# Things to click that are smaller than 24 by 24 pixels (2.5.8).
TARGETS = """() => [...document.querySelectorAll('a.button,button,input,summary')].filter(each => each.offsetParent)
  .filter(each => each.getBoundingClientRect().height < 24 || each.getBoundingClientRect().width < 24)
  .map(each => each.outerHTML.slice(0, 80))"""


def test_an_admin_has_to_approve(revoked: Sandbox) -> None:
    """What somebody says of a request is in the notes, the status and the next page, until the app is installed."""
    each = "gobot/ibmcloud"
    revoked.slack.require_approval("ibmcloud")
    with Installing(revoked, "-e", "bot=gobot", "-e", "workspace=ibmcloud") as install:
        person = Person(install.link)
        slack_page = browser.click(person.add("ibmcloud"), "request", message="for the rotation")
        assert "code=" not in slack_page
        assert "I had to ask an admin" in person.row("ibmcloud")
        person.follow("/asked/ibmcloud", {})
        assert person.state("ibmcloud") == "Approval pending"
        install.until(lambda: f"{each}: waits for approval since" in install.text)
        person.follow("/stop", {})
        assert install.end() == 2
    assert "run install_app again" in install.text
    since = revoked.bao.get(f"{revoked.path(each)}_notes")["approval"]["since"]
    shown = run(revoked, "-e", "bot=gobot", playbook="botops.rotation.rotation_status")
    assert f"asked for since {since[:10]}" in shown.end and "(0 hours)" in shown.end

    revoked.slack.resolve_request(revoked.slack.app_requests()[0]["id"])
    with Installing(revoked, "-e", "bot=gobot", "-e", "workspace=ibmcloud") as install:
        person = Person(install.link)
        assert since[:10] in person.row("ibmcloud")
        person.install("ibmcloud")
        assert install.end() == 0, install.text
    assert pending(revoked, each) == new_tokens(revoked)[each]
    assert "approval" not in revoked.bao.get(f"{revoked.path(each)}_notes")


def test_ctrl_c_and_again(revoked: Sandbox) -> None:
    """What is done stays done, the port is free again, and the next run is about the rest."""
    with Installing(revoked, "-e", "bot=gobot") as install:
        person = Person(install.link)
        person.install("ibmcloud")
        install.interrupt()
        assert install.end() != 0
    assert pending(revoked, "gobot/ibmcloud") == new_tokens(revoked)["gobot/ibmcloud"]
    with Installing(revoked, "-e", "bot=gobot") as install:
        person = Person(install.link)
        assert person.state("ibmcloud") == "Staged"
        for slug in SLUGS:
            if slug != "ibmcloud":
                person.install(slug)
        assert install.end() == 0, install.text
    tokens = new_tokens(revoked)
    assert {each: pending(revoked, each) for each in tokens} == tokens

    again = run(revoked, "-e", "bot=gobot", playbook="botops.rotation.install_app")
    assert again.status == 0 and again.changed == {"localhost": 0} and "here: " not in again.stdout, again


def test_at_the_deadline_and_with_check(revoked: Sandbox) -> None:
    before = world(revoked)["vault"]
    checked = run(revoked, "-e", "bot=gobot", "--check", playbook="botops.rotation.install_app")
    assert checked.status == 0 and checked.changed == {"localhost": 0}, checked
    assert world(revoked)["vault"] == before
    done = run(revoked, "-e", "bot=gobot", "-e", "botops_install_timeout=2", playbook="botops.rotation.install_app")
    assert done.status == 2 and "the time to wait is over" in done.text
    assert "gobot/compose is waiting" in done.text and "run install_app again" in done.text
    assert world(revoked)["vault"] == before
