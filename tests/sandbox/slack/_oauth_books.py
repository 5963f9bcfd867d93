# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Slack sandbox keeps books of while an app is being installed, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field

CODE_LIFETIME = 600
"""Seconds that a code is good for: https://docs.slack.dev/authentication/installing-with-oauth"""


@dataclass
class Consent:
    """A consent page that was shown, and waits for somebody to click. `redirect_uri` is what was sent, `target` where
    the browser goes. `version` is 1 for /oauth/authorize, 2 for /oauth/v2/authorize."""

    id: str
    version: int
    app_id: str
    team_id: str
    user_id: str
    target: str
    redirect_uri: str | None = None
    state: str | None = None
    bot_scopes: list[str] = field(default_factory=list)
    user_scopes: list[str] = field(default_factory=list)

    @property
    def scopes(self) -> list[str]:
        """All that is asked for."""
        return [*self.bot_scopes, *(scope for scope in self.user_scopes if scope not in self.bot_scopes)]


@dataclass
class Code:
    """A code that a consent ended with."""

    value: str
    consent: Consent
    expires_at: float
    channel: str = ""
    used: bool = False


@dataclass
class AppRequest:
    """Somebody's request to install an app, for the admins. `state`: pending, approved, denied, cancelled."""

    id: str
    app_id: str
    team_id: str
    user_id: str
    bot_scopes: list[str]
    user_scopes: list[str]
    message: str
    date_created: int
    state: str = "pending"
