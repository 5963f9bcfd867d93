# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of an installation that are no tokens, by names of its own: what Slack can be asked of each kind (private).

They go the same way as tokens. What differs is what its answers prove:

    webhook         an empty message is refused by its webhook, or by nobody: alive or dead; its URL names the team
    client_secret   a code that nobody issued is refused, or before it the secret: alive or dead, and of which client
    signing_secret  Slack cannot be asked: whether it is right, and whether the old one is refused, stays open
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError, SlackUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe
from ansible_collections.botops.rotation.plugins.module_utils._proofs import Proof, proof
from ansible_collections.botops.rotation.plugins.module_utils._tokens import Kind, classify, problem

if TYPE_CHECKING:
    from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack

TOKENS = ("bot", "user")  # what is no name of a secret: each is a kind of its own
KINDS = ("webhook", "signing_secret", "client_secret")
OPEN = (
    "Slack cannot be asked about a signing secret: that it is the right one, and that the old one is refused, is not proven; "
    "send the app an event, and see in its log that it was accepted"
)
# How the old one of each kind is ended, which no method of the Web API does.
END_IT = {
    "webhook": "remove the old webhook on the app's page (Incoming Webhooks)",
    "client_secret": "revoke the old one on the app's page (Basic Information), or wait for 24 hours",
    "signing_secret": "regenerate it on the app's page (Basic Information)",
}


@dataclass(frozen=True)
class NamedSecret:
    """What the registry says of one. `field`: the key that holds it in the secret at `path`, None for that of tokens."""

    kind: str
    path: str
    field: str | None = None
    client_id: str | None = None  # of a client secret


def called(name: str) -> str:
    """What people call the token or secret with a name: `bot token`, `signing secret`."""
    return f"{name} {'token' if name in TOKENS else 'secret'}"


def ask(slack: Slack, secret: NamedSecret, value: str) -> Probe:
    """What Slack says of the value of a secret. Nothing is posted, and nothing is used up."""
    wrong = problem(value, secret.kind)
    if wrong:
        dead = classify(value) is Kind.UNKNOWN and problem(value.strip(), secret.kind) is not None
        return Probe(Life.DEAD if dead else Life.UNKNOWN, "malformed", f"Slack was not asked: it {wrong}")
    return _ASK[secret.kind](slack, secret, value)


# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; invalid_token is not in it, but was seen.
_NOTHING_TO_POST = ("no_text", "invalid_payload", "missing_text_or_fallback_or_attachments")
_NO_SUCH_HOOK = ("no_service", "no_service_id", "no_active_hooks", "no_team", "invalid_token")


def _ask_webhook(slack: Slack, _secret: NamedSecret, url: str) -> Probe:
    try:
        status, code = slack.hook(url, {})
    except SlackUnavailable as exc:
        return Probe(Life.UNKNOWN, exc.code, exc.message)
    said = f"Slack answered {status} {code}"
    if status < 500 and code in _NO_SUCH_HOOK:
        return Probe(Life.DEAD, code, said)
    if status != 400 or code not in _NOTHING_TO_POST:
        return Probe(Life.UNKNOWN, code, said)
    team = re.search(r"/services/([TE][A-Z0-9]+)/", url)
    return Probe(Life.ALIVE, code, f"{said} to an empty message", {"team_id": team[1]} if team else {})


# https://docs.slack.dev/reference/methods/oauth.v2.access
def _ask_client(slack: Slack, secret: NamedSecret, value: str) -> Probe:
    try:
        slack.exchange_code("oauth_v2_access", client_id=secret.client_id or "", client_secret=value, code="none")
    except SlackUnavailable as exc:
        return Probe(Life.UNKNOWN, exc.code, exc.message)
    except SlackError as exc:
        said = f"Slack answered {exc.code} to a code that it had not issued"
        if exc.code == "invalid_code":
            return Probe(Life.ALIVE, exc.code, said, {"client_id": secret.client_id or ""})
        return Probe(Life.DEAD if exc.code == "bad_client_secret" else Life.UNKNOWN, exc.code, said)
    return Probe(Life.UNKNOWN, "ok", "Slack accepted a code that it had not issued")


def _ask_nothing(_slack: Slack, _secret: NamedSecret, _value: str) -> Probe:
    return Probe(Life.UNASKABLE, "", "Slack cannot be asked about a signing secret")


_ASK = {"webhook": _ask_webhook, "client_secret": _ask_client, "signing_secret": _ask_nothing}


def same_identity(kind: str, probe: Probe, team_id: str) -> Proof:
    """Whose a new secret is. None where nothing tells, which is no reason to refuse it."""
    told: Mapping[str, Any] = probe.identity
    if told.get("client_id"):
        return proof(True, f"Slack takes it as that of the client {told['client_id']}")
    if told.get("team_id"):
        same = told["team_id"] == team_id
        return proof(
            same, f"its URL names team {told['team_id']}{'' if same else f', and the registry says {team_id}'}"
        )
    return proof(None, "its URL names no team" if kind == "webhook" else probe.evidence)
