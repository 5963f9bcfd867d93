# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consents, codes and the admins' approval: the part of `World` that comes before an install.

Sources: https://docs.slack.dev/authentication/installing-with-oauth, https://docs.slack.dev/admins/managing-app-approvals
"""

from __future__ import annotations

from collections.abc import Callable

from tests.sandbox import tokens
from tests.sandbox.slack._books import App, SlackError, Team
from tests.sandbox.slack._clock import Clock
from tests.sandbox.slack._oauth_books import CODE_LIFETIME, AppRequest, Code, Consent


class Approvals:
    """`describe_denial`: whether a denial says why. `used_code_error`: what oauth.v2.access says of a code that was
    used; Slack documents code_already_used for oauth.access only, and invalid_code here."""

    app: Callable[[str], App]
    team: Callable[[str], Team]
    apps: dict[str, App]
    teams: dict[str, Team]
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.describe_denial = False
        self.used_code_error = "invalid_code"
        self.consents: dict[str, Consent] = {}
        self.codes: dict[str, Code] = {}
        self.app_requests: dict[str, AppRequest] = {}

    # The browser and the admins, as tests set them

    def sign_in(self, team: str, user: str | None) -> None:
        """Who the browser is signed in as in a workspace; None: nobody."""
        self.team(team).signed_in = user

    def require_approval(
        self, team: str, on: bool = True, admins: list[str] | None = None, enterprise_id: str | None = None
    ) -> None:
        """Turn Approve Apps on in a workspace: whoever is no admin has to ask. In an Enterprise the admins have an API."""
        the_team = self.team(team)
        the_team.approve_apps = on
        the_team.admins = the_team.admins if admins is None else admins
        the_team.enterprise_id = enterprise_id or the_team.enterprise_id

    def set_oauth(self, describe_denial: bool | None = None, used_code_error: str | None = None) -> None:
        """Choose where Slack's documents leave it open."""
        if describe_denial is not None:
            self.describe_denial = describe_denial
        if used_code_error is not None:
            self.used_code_error = used_code_error

    def regenerate_secret(self, app: str, overlap: float = 86_400) -> str:
        """A new client secret; the old one is good for 24 hours more, unless it is revoked (`overlap` 0)."""
        the_app = self.app(app)
        the_app.old_secrets[the_app.client_secret] = self.clock.now() + overlap
        the_app.client_secret = tokens.client_secret()
        return the_app.client_secret

    # Requests to install

    def needs_approval(self, consent: Consent) -> bool:
        """Whether an admin has to approve what is asked for."""
        team = self.teams[consent.team_id]
        if not team.approve_apps or consent.user_id in team.admins:
            return False
        return (
            not set(consent.scopes) <= set(team.approved.get(consent.app_id, [])) or consent.app_id in team.restricted
        )

    def pending_request(self, consent: Consent) -> AppRequest | None:
        """The request that waits for an answer."""
        return next(
            (
                one
                for one in self.app_requests.values()
                if (one.app_id, one.team_id, one.state) == (consent.app_id, consent.team_id, "pending")
            ),
            None,
        )

    def request_app(self, consent: Consent, message: str = "") -> AppRequest:
        """Ask the admins."""
        made = AppRequest(
            tokens.slack_id("Ar"),
            consent.app_id,
            consent.team_id,
            consent.user_id,
            consent.bot_scopes,
            consent.user_scopes,
            message,
            int(self.clock.now()),
        )
        self.app_requests[made.id] = made
        return made

    def resolve_request(self, request: str, approve: bool) -> AppRequest:
        """An admin's answer; SlackError when there is none to give."""
        found = self.app_requests.get(request)
        if found is None:
            raise SlackError("invalid_request_id")
        if found.state != "pending":
            raise SlackError("request_already_resolved")
        if approve:
            self.approve_app(found.app_id, found.team_id, [*found.bot_scopes, *found.user_scopes])
        else:
            self.restrict_app(found.app_id, found.team_id)
        found.state = "approved" if approve else "denied"
        return found

    def approve_app(self, app: str, team: str, scopes: list[str] | None = None) -> None:
        """Approve an app, with scopes (default: those of its settings)."""
        the_app, the_team = self.app(app), self.team(team)
        wanted = [*the_app.bot_scopes, *the_app.user_scopes] if scopes is None else scopes
        the_team.approved[the_app.id] = sorted({*the_team.approved.get(the_app.id, []), *wanted})
        the_team.restricted = [one for one in the_team.restricted if one != the_app.id]

    def restrict_app(self, app: str, team: str) -> None:
        """Refuse an app in a workspace."""
        the_app, the_team = self.app(app), self.team(team)
        the_team.approved.pop(the_app.id, None)
        the_team.restricted = [*(one for one in the_team.restricted if one != the_app.id), the_app.id]

    # Codes

    def give_code(self, consent: Consent, channel: str = "") -> Code:
        """The code for a consent, good for ten minutes and once."""
        made = Code(tokens.oauth_code(), consent, self.clock.now() + CODE_LIFETIME, channel)
        self.codes[made.value] = made
        return made

    def take_code(self, app: App, value: str, version: int, redirect_uri: str | None) -> Code:
        """Use up a code, or refuse it. A code that comes with the wrong redirect URI is used up, too."""
        code = self.codes.get(value)
        if code is None or code.consent.app_id != app.id:
            raise SlackError("invalid_code")
        if code.used:
            raise SlackError("code_already_used" if version == 1 else self.used_code_error)
        if self.clock.now() >= code.expires_at:
            raise SlackError("invalid_code")
        code.used = True
        if code.consent.version != version:
            raise SlackError("oauth_authorization_url_mismatch")
        if code.consent.redirect_uri != redirect_uri:
            raise SlackError("bad_redirect_uri")
        return code
