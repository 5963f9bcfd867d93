# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An install page in this process, as the action runs it, and somebody with a browser before it."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from html import unescape
from http.cookies import SimpleCookie
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from ansible_collections.botops.rotation.plugins.module_utils import _argspec
from ansible_collections.botops.rotation.plugins.module_utils._install_run import Run
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, Session

from tests.sandbox import Sandbox
from tests.sandbox.slack import browser

SHARED = (*EVERYTHING, _argspec.SPOOL, _argspec.PATIENCE, _argspec.INSTALL)


def options(sandbox: Sandbox, bots: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The action's options for a sandbox, as its inventory gives them."""
    registry = sandbox.registry
    return {
        **{name: option.default for group in SHARED for name, option in group.items()},
        "vault_url": sandbox.vault_url,
        "vault_token": sandbox.vault_token,
        "vault_timeout": 2.0,
        "slack_api_url": sandbox.slack_url,
        "slack_authorize_url": sandbox.slack_url.removesuffix("api/") + "oauth/v2/authorize",
        "workspaces": registry["botops_workspaces"],
        "bots": bots or registry["botops_bots"],
        "install_timeout": 60.0,
        "spool_patience": 4.0,
        "accept_identity": [],
        "accept_scopes": [],
        **more,
    }


class Person:
    """A browser of its own: keeps cookies, follows no redirect by itself."""

    def __init__(self, link: str) -> None:
        self.origin = "{0.scheme}://{0.netloc}".format(urlsplit(link))
        self.cookies: dict[str, str] = {}
        self.seen: list[str] = []  # every page that was got
        self.get(link)

    def get(self, address: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """One request; status, Location, page."""
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=30)
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(
                "GET" if form is None else "POST", path, None if form is None else urlencode(form), headers
            )
            answer = connection.getresponse()
            for line in answer.headers.get_all("set-cookie") or []:
                self.cookies.update({name: each.value for name, each in SimpleCookie(line).items()})
            page = answer.read().decode()
        finally:
            connection.close()
        self.seen += [page, str(answer.headers)]
        return answer.status, answer.headers.get("location", ""), page

    def follow(self, address: str, form: dict[str, str] | None = None) -> str:
        """The page that an address ends at."""
        status, location, page = self.get(address, form)
        for _hop in range(5):
            if status != 303:
                break
            status, location, page = self.get(location)
        return page

    def page(self) -> str:
        return self.follow("/")

    def state(self, key: str) -> str:
        """What the page calls a row's state; called so last, where all is done and the page has ended."""
        try:
            shown = self.page()
        except OSError:
            shown = next(page for page in reversed(self.seen) if 'id="state-' in page)
        found = re.search(rf'id="state-{key}"[^>]*>.*?</span>\s*([^<]+)<', shown, re.DOTALL)
        return found[1].strip() if found else ""

    def row(self, key: str) -> str:
        """The words of a row."""
        html = self.page().partition(f'<section id="row-{key}"')[2].partition("</section>")[0]
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))

    def add(self, key: str) -> str:
        """Clicks Add to Slack; the address of Slack's page."""
        status, location, _page = self.get(f"/install/{key}")
        assert status == 303
        return location

    def install(self, key: str, decision: str = "allow", **options: Any) -> str:
        """The whole way; the address that Slack sends the browser back to, which was loaded."""
        back = browser.click(self.add(key), decision, **options)
        self.follow(back)
        return back


class Page:
    """A run in a thread of its own. `said` is what the terminal shows, `result` the action's at the end."""

    def __init__(
        self,
        sandbox: Sandbox,
        bot: str = "gobot",
        workspace: str = "",
        check: bool = False,
        registers: bool = True,
        **more: Any,
    ):
        chosen = options(sandbox, installations=[{"bot": bot, "workspace": workspace}], **more)
        self.said: list[str] = []
        self.warned: list[str] = []
        self.result: dict[str, Any] = {}
        self.error: BaseException | None = None
        run = Run(lambda: Session(chosen, {}), chosen, check, self.said.append, self.warned.append)
        self._thread = threading.Thread(target=self._go, args=(run,), daemon=True)
        self._sandbox = sandbox
        self._bot = bot if registers else ""

    def _go(self, run: Run) -> None:
        try:
            self.result = run.go()
        except BaseException as error:  # noqa: BLE001 - for the test
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self.link or not self._thread.is_alive())
        if self.link and self._bot:  # the app's settings at Slack, which a person makes once
            self._sandbox.slack.configure(self._bot, redirect_uris=[self.redirect_uri], local_redirects=True)
        return self

    def __exit__(self, *_dummy: object) -> None:
        if self._thread.is_alive():
            with suppress(OSError):  # it is about to end by itself
                Person(self.link).get("/stop", {})
        self._thread.join(30)
        assert not self._thread.is_alive(), "the run did not end"

    def end(self) -> dict[str, Any]:
        """Waits until it has ended by itself; its result."""
        self._thread.join(30)
        assert not self._thread.is_alive(), f"it still waits: {self.said[-3:]}"
        if self.error:
            raise self.error
        return self.result

    @property
    def link(self) -> str:
        return next((line.split()[-1] for line in list(self.said) if " here: " in line), "")

    @property
    def redirect_uri(self) -> str:
        return next(line.split()[4].rstrip(",") for line in list(self.said) if "Slack sends back to" in line)

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(self.said)

    def person(self) -> Person:
        return Person(self.link)


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Waits until something holds."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.05)
