# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that a person sees while installing an app: plain HTML without scripts, with stable ids and labels.

| page | ids |
|---|---|
| choose a workspace | `team-<slug>`, a link each |
| consent | `app`, `workspace`, `user`, `scopes`; buttons `allow`, `cancel`; `switch`; `channel`; `scope-<name>` |
| request approval | as consent, with the button `request` instead of `allow`, and the field `message` |
| request sent | `requested` |
| error | `error`, Slack's code |
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from tests.sandbox.slack._books import App, Channel, Team
from tests.sandbox.slack._oauth_books import AppRequest, Consent

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#1d1c1d}
button,select,textarea,.team{font:inherit;padding:.5rem 1rem;margin:.25rem .5rem .25rem 0}
.team{display:block;border:1px solid #616061;border-radius:4px;color:#0b4c8c}
#allow,#request{background:#007a5a;color:#fff;border:0;border-radius:4px}
label{display:block}:focus-visible{outline:3px solid #1264a3}"""


def page(title: str, body: str) -> HTMLResponse:
    """A whole page. Slack's status for an error page is not documented: it is 200 here, as for every page."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} | Slack</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>",
        headers={"cache-control": "no-store"},
    )


def error(code: str) -> HTMLResponse:
    """What is wrong, and no way on."""
    return page(
        "Something went wrong when authorizing this app", f'<p>Error: <code id="error">{escape(code)}</code></p>'
    )


def choose(teams: list[Team], path: str, query: dict[str, str]) -> HTMLResponse:
    """A link for each workspace that the browser is signed in to."""
    links = "".join(
        f'<li><a class="team" id="team-{escape(team.slug)}" '
        f'href="{escape(path + "?" + urlencode({**query, "team": team.id}))}">{escape(team.name)}</a></li>'
        for team in teams
    )
    return page("Choose a workspace", f"<ul>{links}</ul>")


def consent(
    asked: Consent,
    app: App,
    team: Team,
    channels: list[Channel],
    must_ask: bool,
    waiting: AppRequest | None,
    switch: str,
) -> HTMLResponse:
    """What the app asks for, and the buttons: Allow or Request to Install, and Cancel."""
    if waiting:
        note = '<p id="waiting">A request to install this app is waiting for an admin.</p>'
    elif must_ask:
        note = "<p>An admin has to approve this app for the workspace.</p>"
    else:
        note = ""
    ask = must_ask or waiting is not None
    title = "is asking to be approved for" if ask else "is requesting permission to access"
    body = (
        f'<p><strong id="app">{escape(app.name)}</strong> {title} the <strong id="workspace">{escape(team.name)}</strong>'
        f' Slack workspace. You are signed in as <span id="user">{escape(asked.user_id)}</span>.'
        f' <a id="switch" href="{escape(switch)}">Use another workspace</a></p>{note}'
        f'<form method="post" action="/oauth/decision"><input type="hidden" name="consent" value="{escape(asked.id)}">'
        f"{_scopes(asked, app)}{'' if ask else _channel(asked, channels)}{_buttons(ask)}</form>"
    )
    return page(f"{app.name} and {team.name}", body)


def _scopes(asked: Consent, app: App) -> str:
    rows = []
    for scope in asked.scopes:
        name = escape(scope)
        if scope in app.optional_scopes:
            box = f'<input type="checkbox" id="scope-{name}" name="optional" value="{name}" checked>'
            rows.append(f"<li><label>{box} {name} (optional)</label></li>")
        else:
            rows.append(f'<li id="scope-{name}">{name}</li>')
    return (
        f'<h2 id="wants">What will it be able to do?</h2><ul id="scopes" aria-labelledby="wants">{"".join(rows)}</ul>'
    )


def _channel(asked: Consent, channels: list[Channel]) -> str:
    if "incoming-webhook" not in asked.scopes:
        return ""
    options = "".join(f'<option value="{escape(one.id)}">#{escape(one.name)}</option>' for one in channels)
    return (
        '<label for="channel">Where should it post?</label><select id="channel" name="channel" required>'
        f'<option value="">Choose a channel</option>{options}</select>'
    )


def _buttons(ask: bool) -> str:
    cancel = '<button id="cancel" name="decision" value="deny" formnovalidate>Cancel</button>'
    if not ask:
        return f'<p>{cancel}<button id="allow" name="decision" value="allow">Allow</button></p>'
    return (
        '<label for="message">Message to the admin (optional)</label><textarea id="message" name="message"></textarea>'
        f'<p>{cancel}<button id="request" name="decision" value="request">Request to Install</button></p>'
    )


def requested(app: App, team: Team) -> HTMLResponse:
    """Where a request ends: in Slack's directory of apps, not at the app's redirect URI."""
    words = f"Your request to install {escape(app.name)} in {escape(team.name)} was sent to the admins."
    return page(app.name, f'<p id="requested">{words}</p>')
