# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install page says of what can go wrong: to whoever stands before it, and in the terminal (private)."""

from __future__ import annotations

from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackError,
    SlackUnavailable,
    VaultUnavailable,
)

AGAIN = "Click Add to Slack again."

# An answer that belongs to no flow of this browser: heading and text of a page of its own.
PROBLEMS = {
    "forged": (
        "This is no answer to a request of this page",
        (
            "The state in the address was not made by this run. Links from Slack's own pages, and pages of an earlier run, "
            "look like that. Nothing was done."
        ),
    ),
    "browser": (
        "This was begun in another browser",
        "The installation has to come back to the browser in which Add to Slack was clicked. Nothing was done.",
    ),
    "used": (
        "This answer was taken before",
        "The address was loaded a second time. Nothing was done again; the first time counts.",
    ),
    "expired": (
        "This took longer than ten minutes",
        "What was begun with Add to Slack has expired. Nothing was done; begin again.",
    ),
    "paste": (
        "This is not an address that Slack sends to",
        "Paste the whole address of the page that could not be loaded, from its https:// on. It has code= and state= in it.",
    ),
    "key": (
        "Open the link that the terminal shows",
        "The page is for whoever started it. The link in the terminal, with its key, lets this browser in.",
    ),
    "missing": ("There is nothing here", "The address is not one of this page."),
    "fault": ("Something went wrong here", "The terminal says what. Nothing was lost."),
}


def of_error(exc: RotationError, redirect_uri: str, client_path: str) -> tuple[str, str]:
    """Reason and next step when a code could not be exchanged; no sentence holds what Slack or anybody sent."""
    if isinstance(exc, VaultUnavailable):
        return f"{exc.message}. Slack was not asked for the token", f"{exc.next_step}, then click Add to Slack again"
    if isinstance(exc, SlackUnavailable):
        return (
            f"{exc.message}. Whether the app was installed is not known",
            "click Add to Slack again when Slack answers: an installation that was made gives its token again",
        )
    if not isinstance(exc, SlackError):
        return exc.message, exc.next_step
    known = {
        ("invalid_code", "code_already_used", "code_expired", "invalid_grant"): (
            "Slack does not take the code: it was used before, or is older than ten minutes",
            "click Add to Slack again",
        ),
        ("bad_client_secret", "invalid_client_id"): (
            f"Slack does not take the client id and secret in {client_path}",
            "put those of the app there, from its page Basic Information, then start again",
        ),
        ("bad_redirect_uri",): (
            f"Slack does not take the redirect URL {redirect_uri}",
            "add it to the app's page OAuth & Permissions, or state another one in botops_install_redirect_url",
        ),
        ("oauth_authorization_url_mismatch",): (
            "the app is of the other kind: classic apps have oauth: v1 in the registry, all others v2",
            "correct oauth of the bot in the registry, then start again",
        ),
    }
    for codes, words in known.items():
        if exc.code in codes:
            return f"{words[0]} ({exc.code})", words[1]
    return exc.message, exc.next_step or "click Add to Slack again, or look the code up in Slack's documentation"


def of_denial(code: str) -> tuple[str, str]:
    """Reason and next step when Slack sent the browser back without a code."""
    if code == "access_denied":
        return "Slack's page was left with Cancel, or somebody may not install apps there", "click Add to Slack again"
    if code == "missing_code":
        return "Slack's answer has no code in it", "click Add to Slack again"
    shown = code if code.replace("_", "").isalnum() and len(code) < 60 else "an error that is no code of Slack's"
    return f"Slack's page ended with {shown}", "click Add to Slack again, or look at the app's settings"
