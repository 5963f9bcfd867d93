# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes credentials with the shapes that Slack gives them, at run time: none is ever written in a file of the project.

The shapes are those of https://docs.slack.dev/authentication/tokens and of the gitleaks, trufflehog and noseyparker
detectors. Prefixes are put together from parts, so that no line of this file looks like a token to such a detector.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import string

_XOX = "xo" + "x"
_ALNUM = string.ascii_letters + string.digits
_HOOKS = "https://hooks." + "slack.com/"


def digits(count: int = 12) -> str:
    """`count` decimal digits, the first of them not 0."""
    return secrets.choice("123456789") + "".join(secrets.choice(string.digits) for _dummy in range(count - 1))


def alnum(count: int = 24) -> str:
    """`count` letters and digits."""
    return "".join(secrets.choice(_ALNUM) for _dummy in range(count))


def slack_id(letter: str) -> str:
    """An id such as `C0` + 9 capital letters and digits; `letter` is the kind: T, A, U, B, C, G, D, S, E."""
    return letter + "0" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _dummy in range(9))


def number_of(name: str) -> str:
    """The 12 digits that stand for a team, bot or user in tokens: the same for the same name."""
    return str(10**11 + int(hashlib.sha256(name.encode()).hexdigest(), 16) % (9 * 10**11))


def bot(team: str | None = None, user: str | None = None) -> str:
    """Bot token: team number, bot number, 24 letters and digits. `team` and `user` are digits (default: random)."""
    return f"{_XOX}b-{team or digits()}-{user or digits()}-{alnum(24)}"


def user(team: str | None = None, person: str | None = None) -> str:
    """User token: team, user and authorization number, 32 hex digits."""
    return f"{_XOX}p-{team or digits()}-{person or digits()}-{digits()}-{secrets.token_hex(16)}"


def legacy_bot() -> str:
    """Custom (legacy) bot token: one number only."""
    return f"{_XOX}b-{digits(12)}-{alnum(24)}"


def _packed(lead: str) -> str:
    fields = f"{lead}-{digits()}-{digits()}-{digits()}-{digits()}-{secrets.token_hex(32)}"
    return base64.b64encode(fields.encode()).decode().rstrip("=")


def rotating_bot() -> str:
    """Access token of a bot in Slack's rotation mode (12 h)."""
    return f"{_XOX}e." + f"{_XOX}b-1-{_packed('2-2')}"


def rotating_user() -> str:
    """Access token of a user in rotation mode; an app configuration token has the same prefix."""
    return f"{_XOX}e." + f"{_XOX}p-1-{_packed('2-2')}"


def refresh() -> str:
    """Refresh token of a bot, a user or a configuration token (single use)."""
    return f"{_XOX}e-1-{_packed('3-1')}"


def app_level(app: str = "") -> str:
    """App-level token (Socket Mode): app id, number, 64 hex digits."""
    return "xa" + f"pp-1-{app or slack_id('A')}-{digits(13)}-{secrets.token_hex(32)}"


def workflow() -> str:
    """Workflow (just in time) token, good for 15 minutes."""
    return "xw" + f"fp-{digits(13)}-{digits(13)}-{alnum(24)}"


def workspace() -> str:
    """Workspace app token; the kind was retired in August 2021."""
    return f"{_XOX}a-2-{digits()}-{alnum(24)}"


def legacy_client() -> str:
    """Legacy client token."""
    return f"{_XOX}s-{digits()}-{digits()}-{digits()}-{secrets.token_hex(16)}"


def session() -> str:
    """Token of a browser session (goes with a `d` cookie); never to be accepted."""
    return f"{_XOX}c-{digits()}-{digits()}-{digits()}-{secrets.token_hex(32)}"


def session_cookie() -> str:
    """The cookie that goes with a browser session's token."""
    return f"{_XOX}d-{alnum(80)}"


def webhook_path(team: str | None = None, hook: str | None = None) -> str:
    """Path of an incoming webhook's URL: `/services/<team>/<hook>/<24 letters and digits>`."""
    return "/services" + f"/{team or slack_id('T')}/{hook or slack_id('B')}/{alnum(24)}"


def webhook() -> str:
    """Incoming webhook's URL."""
    return _HOOKS.rstrip("/") + webhook_path()


def workflow_webhook() -> str:
    """URL that starts a workflow."""
    return f"{_HOOKS}workflows/{slack_id('T')}/{slack_id('A')}/{digits(18)}/{alnum(24)}"


def client_id() -> str:
    """An app's client id: two numbers."""
    return f"{digits(12)}.{digits(13)}"


def client_secret() -> str:
    """An app's client secret: 32 hex digits."""
    return secrets.token_hex(16)


def oauth_code() -> str:
    """The code that a consent ends with: two numbers, 64 hex digits."""
    return f"{digits(12)}.{digits(13)}.{secrets.token_hex(32)}"


def vault_service() -> str:
    """Vault or OpenBao service token of today's form."""
    return "hv" + f"s.{alnum(90)}"


def vault_legacy() -> str:
    """Vault or OpenBao service token of the older form."""
    return "s" + f".{alnum(24)}"


MAKERS = {
    "bot": bot,
    "user": user,
    "rotating bot": rotating_bot,
    "rotating user or configuration": rotating_user,
    "refresh": refresh,
    "app-level": app_level,
    "workflow": workflow,
    "workspace (retired)": workspace,
    "legacy client": legacy_client,
    "browser session": session,
    "webhook URL": webhook,
}
"""One maker per kind of the collection's classifier, by that kind's value."""


def fingerprint(token: str) -> str:
    """First 12 hex digits of SHA-256: what the sandbox's books show instead of a token."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def secret_part(token: str) -> str:
    """What follows the last `-` (or `/`, `.`): the piece that must never appear anywhere, not even 12 characters of it."""
    return token.replace("/", "-").replace(".", "-").rsplit("-", 1)[-1]
