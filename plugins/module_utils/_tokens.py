# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a credential is, judged by its text alone: kind, fingerprint, and what is wrong with one (private to the collection).

Nothing here contacts Slack, and no answer ever holds a piece of the value that was asked about.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from enum import Enum


class Kind(str, Enum):
    """Kinds of Slack credentials, as people call them. `value + " token"` reads well, except for WEBHOOK."""

    BOT = "bot"
    USER = "user"
    ROTATING_BOT = "rotating bot"
    ROTATING_USER = "rotating user or configuration"  # one prefix for both; only auth.test tells them apart
    REFRESH = "refresh"
    APP = "app-level"
    WORKFLOW = "workflow"
    WORKSPACE = "workspace (retired)"
    LEGACY = "legacy client"
    SESSION = "browser session"
    WEBHOOK = "webhook URL"
    UNKNOWN = "unknown"


# https://docs.slack.dev/authentication/tokens and /authentication/using-token-rotation. The rotating kinds stand
# first: `xoxe.` has to be looked at before what follows it.
PREFIXES = {
    "xoxe.xoxb-": Kind.ROTATING_BOT,
    "xoxe.xoxp-": Kind.ROTATING_USER,
    "xoxe-": Kind.REFRESH,
    "xoxb-": Kind.BOT,
    "xoxp-": Kind.USER,
    "xapp-": Kind.APP,
    "xwfp-": Kind.WORKFLOW,
    "xoxa-": Kind.WORKSPACE,
    "xoxr-": Kind.WORKSPACE,
    "xoxs-": Kind.LEGACY,
    "xoxo-": Kind.LEGACY,
    "xoxc-": Kind.SESSION,
    "xoxd-": Kind.SESSION,
}
# By what is expected: a token of an installation by its name, another secret by its kind.
_USABLE = {
    "bot": (Kind.BOT, Kind.ROTATING_BOT),
    "user": (Kind.USER, Kind.ROTATING_USER),
    "webhook": (Kind.WEBHOOK,),
    "signing_secret": (Kind.UNKNOWN,),
    "client_secret": (Kind.UNKNOWN,),
}
_DUE = {
    "bot": "a bot token (xoxb-...) is due",
    "user": "a user token (xoxp-...) is due",
    "webhook": "the URL of an incoming webhook is due",
    "signing_secret": "a signing secret is due, as the app's page shows it",
    "client_secret": "a client secret is due, as the app's page shows it",
}

# Of a workflow, a command or a button: asking about one of these could do something.
_INCOMING = re.compile(r"https?://[^/]+/(?!(?:workflows|triggers|commands|actions)/)")

# A character as itself, percent-encoded (perhaps twice) or as a JSON escape.
_DASH = r"(?:-|%(?:25)*2d|\\{1,8}u002d)"
_DOT = r"(?:\.|%(?:25)*2e|\\{1,8}u002e)"
_SLASH = r"(?:\\{0,8}/|%(?:25)*2f|\\{1,8}u002f)"
_COLON = r"(?::|%(?:25)*3a|\\{1,8}u003a)"
_BODY = r"\w(?:[\w+/=-]+|%(?:25)*(?:2[bdf]|3d)|\\{1,8}(?:u00(?:2[bdf]|3d)|/))*"
# The start of a word; what an escape ends with does not count as a part of it.
_START = r"(?:(?<!\w)|(?<=%[0-9a-f]{2})|(?<=\\[nrt]))"


def _pattern(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.IGNORECASE | re.ASCII)


def _slack(prefix: str) -> re.Pattern[str]:
    # Glued to other text the xox kinds are still unmistakable; `xapp-` is the end of too many words.
    start = rf"(?:{_START}|(?=xapp-\d-A\d))" if prefix == "xapp-" else ""
    return _pattern(start + prefix.replace("-", _DASH).replace(".", _DOT) + _BODY)


# What is a secret wherever it stands, whole or cut short: what to call it, words of which one is in every text that it
# can match (lower case; `in` is a hundred times faster than a search), and the pattern.
SECRETS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    *((f"{kind.value} token", (prefix[:4],), _slack(prefix)) for prefix, kind in PREFIXES.items()),
    ("Slack token", ("xox",), _pattern(r"xox[a-z]" + _DASH + _BODY)),
    # The URL that Slack hands out is opaque: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    (
        "webhook URL",
        ("hooks",),
        _pattern(rf"(?:https?{_COLON}{_SLASH}{{2}})?hooks{_DOT}slack(?:{_DASH}gov)?{_DOT}com{_SLASH}[^\s\"'<>`]+"),
    ),
    (
        "webhook URL",  # the same on another host (a proxy, the sandbox), or the path alone, as urllib3 logs it
        ("services", "workflows", "triggers", "commands", "actions"),
        _pattern(
            rf"(?:https?{_COLON}{_SLASH}{{2}}(?:[\w.\[\]-]|{_COLON}){{1,260}})?{_SLASH}?"
            r"(?:services|workflows|triggers|commands|actions)"
            rf"{_SLASH}(?-i:[TE][A-Z0-9]+){_SLASH}(?-i:[A-Z0-9]+){_SLASH}[^\s\"'<>`]+"
        ),
    ),
    # https://developer.hashicorp.com/vault/docs/concepts/tokens: service, batch, recovery; the short ones before 1.10.
    ("Vault token", ("hv",), _pattern(_START + rf"hv[sbr]{_DOT}[\w-]{{4,}}")),
    ("Vault token", ("s.", "r."), _pattern(_START + r"[sr]\.[a-z0-9]{20,}(?:\.[a-z0-9]{4,})?")),
    ("Vault token", ("b.",), _pattern(_START + r"b\.[\w-]{40,}")),
    ("OAuth code", (".",), _pattern(_START + r"\d{6,}\.\d{6,}\.[0-9a-f]{16,}")),
)
# What none of these patterns can match in is told by one search (in lower case): most texts hold no secret. A hint that is in
# too many texts is made more of.
_MORE = {
    "s.": r"[sr]\.[a-z0-9]{20}",
    "r.": r"[sr]\.[a-z0-9]{20}",
    "b.": r"b\.[\w-]{40}",
    ".": r"\d{6}\.\d{6}",
    "hv": "hv[sbr]",
}
_SUSPECT = re.compile(
    "|".join(sorted({_MORE.get(hint) or hint for _name, hints, _pattern in SECRETS for hint in hints}))
)


def suspect(lowered: str) -> bool:
    """Whether one of SECRETS could match in a text, given in lower case."""
    return _SUSPECT.search(lowered) is not None


def fingerprint(token: str) -> str:
    """The first 12 hex digits of SHA-256 over the token's UTF-8 bytes: the only form of a token that may be shown."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def classify(value: str) -> Kind:
    """The kind that a value's beginning tells; `Kind.UNKNOWN` for whatever is not a Slack credential. Never raises."""
    if not isinstance(value, str):
        return Kind.UNKNOWN
    value = value.strip()
    for prefix, kind in PREFIXES.items():
        if value.startswith(prefix):
            return kind
    webhook = any(pattern.match(value) for name, _hints, pattern in SECRETS if name == "webhook URL")
    return Kind.WEBHOOK if webhook else Kind.UNKNOWN


def problem(value: object, expected: str) -> str | None:
    """What makes `value` unusable as a token or secret of an installation, or None. `expected`: a key of _DUE.

    The words follow a name: "the pending bot token of gobot/ibmcloud" + "is empty". They never hold the value.
    """
    if not isinstance(value, str):
        return f"is not text but {type_name(value)}; {_DUE[expected]}"
    stripped = value.strip()
    if not stripped:
        return "is empty" if not value else f"is nothing but white space ({len(value)} characters)"
    if stripped != value:
        return f"has white space around it ({len(stripped)} + {len(value) - len(stripped)} characters)"
    if value[0] in "'\"" and value[0] == value[-1]:
        return "has quotes around it, as part of the value"
    if any(unicodedata.category(char) in ("Cc", "Cf") for char in value):
        return "has a control character"
    if not value.isascii() or " " in value:
        return f"has a character that no token has (a space, or one outside ASCII); {_DUE[expected]}"
    kind = classify(value)
    if kind in _USABLE[expected]:
        if kind is Kind.WEBHOOK and not _INCOMING.match(value):
            return f"is a URL that starts something in Slack; {_DUE[expected]}"
        if kind is Kind.UNKNOWN and not re.fullmatch(r"[\w-]+", value):
            return f"has a character that no such secret has; {_DUE[expected]}"
        return "is truncated" if _is_truncated(value, kind) else None
    if kind is Kind.UNKNOWN:
        return f"is not a {'webhook URL' if expected == 'webhook' else 'Slack token'}; {_DUE[expected]}"
    name = kind.value if kind is Kind.WEBHOOK else f"{kind.value} token"
    return f"is {'an' if name[0] in 'aeio' else 'a'} {name}; {_DUE[expected]}"


def looks_like_secret(value: str) -> bool:
    """Whether a Slack credential, webhook URL or Vault token is in `value`, whole or cut short: then never print it."""
    if not isinstance(value, str):
        return False
    lowered = value.lower()
    if any(prefix in lowered for prefix in PREFIXES if prefix != "xapp-") or lowered.strip().startswith("xapp-"):
        return True
    return suspect(lowered) and any(pattern.search(value) for _name, _hints, pattern in SECRETS)


def secret_part(value: str) -> str:
    """What is left of a credential without its public beginning: kind, team, app and user numbers; a URL's host.

    Everything counts as secret when the beginning is not known.
    """
    if "://" in value:
        return value.rstrip("/").rpartition("/")[2]
    prefix = next((prefix for prefix in PREFIXES if value.startswith(prefix)), "")
    body = value[len(prefix) :]
    return re.sub(r"^(?:[A-Z]?[0-9]{1,15}-|A[A-Z0-9]{1,15}-)+", "", body) if prefix else body


def type_name(value: object) -> str:
    """What to call something that is not what is due: `a list`."""
    if value is None:
        return "nothing"
    kinds = ((bool, "true or false"), ((int, float), "a number"), (str, "a text"), ((list, tuple), "a list"))
    found = next((words for kind, words in kinds if isinstance(value, kind)), "something else")
    return "a dictionary" if isinstance(value, Mapping) else found


def _is_truncated(value: str, kind: Kind) -> bool:
    """Only what cannot be whole: lengths are not documented, and a body of an unknown shape may be a future one."""
    if kind is Kind.UNKNOWN:  # a secret of an app: 32 characters in all of Slack's samples
        return len(value) < 24
    secret = secret_part(value)
    numbers = len(value) - len(secret) > len("xoxb-")
    # Custom bots have 18 to 26 characters; user tokens from before August 2016 have a short secret.
    least = 8 if kind is Kind.USER or not numbers else 16
    return len(secret) < least or (len(secret) <= 15 and secret.isdigit())
