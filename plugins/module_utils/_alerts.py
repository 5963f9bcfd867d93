# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The leaked tokens that an alert is about (private to the collection, pure).

GitHub, https://docs.github.com/rest/secret-scanning: an alert, or a list of them, has the token in `secret`. What its
webhook `secret_scanning_alert` delivers, and what `hide_secret=true` gives, lacks it.
GitGuardian, https://docs.gitguardian.com/platform/monitor-perimeter/notifiers-integrations/custom-webhook: an incident
never has the token, but its hash for HasMySecretLeaked in `hmsl_hash`, by which a token in Vault can be found. What
`ggshield secret scan --json --show-secrets` prints has it in `match`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import TokenError
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify

_SECRET_KEYS = ("secret", "token", "match")  # `token`: of GitHub's partner program
_HASH = re.compile(r"[0-9a-f]{64}")
_API = re.compile(r"https://[\w.-]+/(?:api/v3/)?(repos/[\w./-]+/secret-scanning/alerts/\d+)")
# https://github.com/GitGuardian/ggshield, ggshield/verticals/hmsl/crypto.py
_PEPPER = hashlib.sha256(b"GitGuardian").digest()


@dataclass(frozen=True)
class Leak:
    """A token that others have seen, by itself, by its hash, or by its fingerprint; `source` says who told, `link` where."""

    source: str
    token: str = field(default="", repr=False)
    hmsl: str = ""
    fingerprint: str = ""
    link: str = ""


def hmsl(token: str) -> str:
    """A token's hash as HasMySecretLeaked makes it: what `ggshield hmsl fingerprint -f` gives."""
    return hashlib.scrypt(token.encode(), salt=_PEPPER, n=2048, r=8, p=1, dklen=32).hex()


def parse(text: str) -> list[Leak]:
    """The Slack tokens that an alert, or a list of alerts, is about, each once. TokenError where there is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise TokenError(
            "The alert is no JSON",
            "give the alert as GitHub's or GitGuardian's API gives it; a token alone goes into token_file",
        ) from None
    found: dict[tuple[str, str], Leak] = {}
    for node in _mappings(data):
        for leak in _leaks(node):
            found.setdefault((leak.token, leak.hmsl), leak)
    if not found:
        raise _nothing(data)
    return list(found.values())


def _mappings(data: Any) -> Iterator[dict[str, Any]]:
    ahead = [data]
    while ahead:
        each = ahead.pop(0)
        if isinstance(each, dict):
            yield each
        ahead += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()


def _leaks(node: dict[str, Any]) -> Iterator[Leak]:
    for key in _SECRET_KEYS:
        token = _decoded(node, key)
        if token and classify(token) is not Kind.UNKNOWN:
            yield Leak(_source(node), token, link=_link(node))
    digest = node.get("hmsl_hash")
    if isinstance(digest, str) and _HASH.fullmatch(digest):
        yield Leak(f"GitGuardian incident {_word(node.get('id'))}".strip(), hmsl=digest, link=_link(node))


def _decoded(node: dict[str, Any], key: str) -> str:
    value = node.get(key)
    if not isinstance(value, str):
        return ""
    if node.get("is_base64_encoded") is True:
        try:
            return base64.b64decode(value, validate=True).decode().strip()
        except ValueError:
            pass
    return value.strip()


def _source(node: dict[str, Any]) -> str:
    if "secret_type" in node:
        return f"GitHub secret scanning alert {_word(node.get('number'))}".strip()
    return "the alert"


def _link(node: dict[str, Any]) -> str:
    return next((_word(node[key]) for key in ("html_url", "gitguardian_url", "url") if node.get(key)), "")


def _word(value: Any) -> str:
    return _redact.text(str(value))[:200] if isinstance(value, (str, int)) else ""


def _nothing(data: Any) -> TokenError:
    """Why no token was found, and how to get at it."""
    for node in _mappings(data):
        if str(node.get("secret_type") or "").startswith("slack"):
            api = _API.match(str(node.get("url") or ""))
            command = f"gh api {api[1]}" if api else "gh api repos/OWNER/REPOSITORY/secret-scanning/alerts/NUMBER"
            return TokenError(
                "The alert of GitHub does not have its secret in it (a webhook's never has)",
                f"fetch it: {command} | ansible-playbook botops.rotation.revoke_bot -e alert_file=-",
            )
    return TokenError(
        "The alert holds no Slack token, and no hash of one (hmsl_hash)",
        "open the alert, copy the token, and run this again without alert_file: it asks for it without showing it",
    )
