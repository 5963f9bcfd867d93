# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who clicks on the Slack sandbox's consent pages, without a browser: for tests that need many clicks."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit


def fetch(url: str, form: list[tuple[str, str]] | None = None) -> tuple[int, str, str]:
    """One request of a browser, without following redirects: status, Location, page."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        if form is None:
            connection.request("GET", path)
        else:
            kind = {"content-type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(form), kind)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("location", ""), answer.read().decode()
    finally:
        connection.close()


def ids(page: str) -> dict[str, str]:
    """The text of every element with an id, up to its first tag; `value` of those that have one is not looked at."""
    return {id: unescape(text) for id, text in re.findall(r'id="([^"]+)"[^>]*>([^<]*)', page)}


def error(page: str) -> str | None:
    """The code of an error page; None for any other page."""
    return ids(page).get("error")


def click(
    url: str,
    decision: str = "allow",
    team: str | None = None,
    channel: str = "",
    decline: Iterable[str] = (),
    message: str = "",
) -> str:
    """Follow an app's link to /oauth/.../authorize, choose a workspace if asked, and click: `allow`, `deny`, `request`.

    Gives where the browser is sent then, which is the app's redirect URI with `code` or `error` and `state`, and does
    not follow it. ValueError with Slack's code for an error page, or when the page has no such button.
    """
    page = _open(url, team)
    buttons = re.findall(r'name="decision" value="(\w+)"', page)
    if decision not in buttons:
        raise ValueError(f"no button {decision!r} on the page; there are: {', '.join(buttons)}")
    form = [("consent", re.findall(r'name="consent" value="(\w+)"', page)[0]), ("decision", decision)]
    optional = re.findall(r'name="optional" value="([^"]+)"', page)
    form += [("optional", one) for one in optional if one not in set(decline)]
    form += [("channel", channel), ("message", message)]
    _dummy, location, page = fetch(_origin(url) + "/oauth/decision", form)
    if not location:
        raise ValueError(error(page) or "no redirect")
    return location


def _open(url: str, team: str | None) -> str:
    page = fetch(url)[2]
    if team and f'id="team-{team}"' in page:
        page = fetch(_origin(url) + unescape(re.findall(f'id="team-{team}" href="([^"]+)"', page)[0]))[2]
    if found := error(page):
        raise ValueError(found)
    return page


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def answer(location: str) -> dict[str, str]:
    """What a redirect carries: code, state, error, error_description."""
    return dict(parse_qsl(urlsplit(location).query))
