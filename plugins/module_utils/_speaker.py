# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who posts, and with which token (private to the collection).

A poster is `{kind, ...}`: the workspace's notifier, `token` or `webhook` with the `path` of its secret in Vault; a token of
the `installation` itself, with its `fingerprint`, or with none for whichever Slack accepts; or `nobody`. It holds no secret.

A notifier may itself be a bot that is rotated. Its secret is then dead, and another stage of the same installation is
not; both are the same bot user, so that the new one can change what the old one has posted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import SlackError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._record import Stored
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry

Poster = Mapping[str, str]
Result = TypeVar("Result")
# Slack's answers to a token that it does not accept (any more): nothing was done, and another token may be tried.
REFUSED = ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked")


def notifier(registry: Registry, workspace: str) -> dict[str, str] | None:
    """The poster that the registry names for a workspace."""
    known = registry.notifiers.get(workspace, {})
    for kind in ("token_path", "webhook_path"):
        path = known.get(kind)
        if path:
            return {"kind": kind.removesuffix("_path"), "path": path}
    return None


def of_row(registry: Registry, row: Mapping[str, Any]) -> dict[str, str]:
    """Who posts of a row of a plan: the notifier, else the live new token, else the live old one, else nobody."""
    found = notifier(registry, row["workspace"])
    if found:
        return found
    token = row["tokens"].get("bot", {})
    if token.get("new_life") == "alive":
        return {"kind": "installation", "fingerprint": token["new"]}
    if token.get("old_life") == "alive":
        return {"kind": "installation", "fingerprint": token["old"]}
    return {"kind": "nobody"}


def secrets(here: Any, installation: Installation, poster: Poster) -> Iterator[str]:
    """The tokens (or the webhook's URL) to try, the likeliest first; there is at least one. TokenError where none is."""
    if poster["kind"] == "installation":
        yield from _stages(here, installation, poster["fingerprint"])
        return
    path, field = poster["path"], here.store.token_field
    value = (here.vault.read(path).data or {}).get(field)
    if not isinstance(value, str) or not value.strip():
        raise TokenError(f"the notifier's secret {path} has no field {field}")
    _redact.register(value.strip())
    yield value.strip()
    owner = _owner(here.registry, path)
    if owner:
        yield from (token for token in _stages(here, owner, "") if token != value.strip())


def with_any(secrets: Iterable[str], act: Callable[[str], Result]) -> Result:
    """What `act` gives with the first of the tokens that Slack accepts."""
    tried = list(secrets)
    for number, secret in enumerate(tried, 1):
        try:
            return act(secret)
        except SlackError as exc:
            if exc.code not in REFUSED or number == len(tried):
                raise
    raise AssertionError("unreachable")


def joining(slack: Any, secret: str, channel: str, send: Callable[[], Result]) -> Result:
    """Sends, in a channel that the poster joins where it has to. What was refused for that was not sent."""
    try:
        return send()
    except SlackError as exc:
        if exc.code != "not_in_channel" or slack.join(secret, channel):
            raise
        return send()


def _stages(here: Any, installation: Installation, fingerprint: str) -> Iterator[str]:
    """The bot tokens of an installation that Vault has: the one with the fingerprint first, then current, pending, previous."""
    seen = here.store.read(installation)
    slot = seen.record.slot("bot")
    held: dict[str, Stored] = {
        stored.fingerprint: stored for stored in (seen.tokens.get("bot"), slot.pending, slot.previous) if stored
    }
    if fingerprint and fingerprint not in held:
        raise TokenError(f"the token {fingerprint} that was to post it is not in Vault any more")
    if not held:
        raise TokenError(f"Vault has no bot token of {installation.id} to post it with")
    for each in sorted(held, key=lambda each: each != fingerprint):  # stable: the others in their order
        _redact.register(held[each].token)
        yield held[each].token


def _owner(registry: Registry, path: str) -> Installation | None:
    """The installation whose bot token a path holds."""
    every = (each for bot in registry.bots.values() for each in bot.installations.values())
    return next((each for each in every if each.bot_token_path == path), None)
