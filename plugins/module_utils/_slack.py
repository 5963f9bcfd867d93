# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that calls Slack (private to the collection).

Timeouts, bounded retries and the translation of whatever slack_sdk or the network raise live here. Reads are retried;
a post is sent once, because a connection that was cut says nothing about whether Slack has processed it.
Rate limits: https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import copy
import http.client
import io
import logging
import math
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ansible_collections.botops.rotation.plugins.module_utils import _network, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackError,
    SlackLimited,
    SlackUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, refused
from ansible_collections.botops.rotation.plugins.module_utils._slack_messages import ATTEMPTS, Messages

try:
    from slack_sdk import WebClient, WebhookClient
    from slack_sdk.errors import SlackApiError, SlackClientError
    from slack_sdk.http_retry import RateLimitErrorRetryHandler
    from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler, ServerErrorRetryHandler
except ImportError:  # said by Slack.__init__, so that documentation and other actions work without it
    WebClient = None
    RateLimitErrorRetryHandler = object
_Base = WebClient or object

API_URL = "https://slack.com/api/"
TIMEOUT = 10  # seconds for one request with its whole answer
PAGES = 200  # of rows that are asked for
LONGEST_WAIT = 30  # seconds that a Retry-After is obeyed for

# What slack_sdk lets through: of the network, of a body that is no text in its own encoding or no JSON (ValueError,
# LookupError), or JSON but no object (AttributeError, TypeError).
_BROKEN = (OSError, http.client.HTTPException, ValueError, LookupError, AttributeError, TypeError)

_log = logging.getLogger(__name__)
_log.setLevel(logging.WARNING)  # slack_sdk prints form bodies, tokens among them, at DEBUG
_log.addFilter(_redact.Filter())


class _CappedRateLimit(RateLimitErrorRetryHandler):
    """Obeys Retry-After, but not for longer than LONGEST_WAIT; slack_sdk's own has no cap and fails on "1.5"."""

    def prepare_for_next_attempt(self, *, state, request, response=None, error=None) -> None:
        state.next_attempt_requested = True
        time.sleep(min(LONGEST_WAIT, _retry_after(response.headers if response else {})))
        state.increment_current_attempt()


def _retry_after(headers: Mapping[str, Any]) -> float:
    """Seconds for which Slack wants to be left alone: at least one."""
    value = {str(key).lower(): value for key, value in headers.items()}.get("retry-after", "1")
    try:
        seconds = float(value[0] if isinstance(value, list) else value)
    except (ValueError, IndexError, TypeError):
        seconds = 1.0
    return 1.0 if math.isnan(seconds) else max(1.0, seconds)


class _ShortRateLimit(_CappedRateLimit):
    """The same, where it is worth to wait at all."""

    def _can_retry(self, *, state, request, response=None, error=None) -> bool:
        limited = super()._can_retry(state=state, request=request, response=response, error=error)
        return limited and _retry_after(response.headers) <= LONGEST_WAIT


class _Client(_Base):
    """slack_sdk's client, each request of which has an end, its answer read whole."""

    def _perform_urllib_http_request_internal(self, url: str, req: Any) -> Any:
        return _network.within(self.timeout, lambda: self._exchange(url, req))

    def _exchange(self, url: str, req: Any) -> Any:
        try:
            return super()._perform_urllib_http_request_internal(url, req)
        except HTTPError as error:  # slack_sdk would read its body later, without a bound
            body = io.BytesIO(error.read())
            raise HTTPError(error.url, error.code, error.msg, error.headers, body) from None


class Slack(Messages):
    """Calls to one Slack API, whose base address is `api_url`.

    `proxies`: one address, or a mapping of http and https to addresses; without it those of the environment. NO_PROXY
    is heeded either way. `ca_cert`: PEM file with the authorities that count, instead of the system's. Raises `RotationError` for
    settings that cannot work.
    """

    def __init__(
        self,
        api_url: str = API_URL,
        timeout: float = TIMEOUT,
        proxies: str | Mapping[str, str] | None = None,
        ca_cert: str | None = None,
    ) -> None:
        if WebClient is None:
            raise RotationError(
                "The Python package slack_sdk is not installed where ansible-playbook runs",
                "install what requirements.txt of the collection lists into ansible-playbook's own Python",
            )
        self.api_url = api_url
        self.timeout = timeout
        self._proxies = _network.proxies(proxies, "botops_slack_proxies", schemes=("http",))
        self._tls = _tls(ca_cert)
        self._hurried = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Slack:
        """From the options that `_argspec.SLACK` declares."""
        return cls(options["slack_api_url"], proxies=options["slack_proxies"], ca_cert=options["slack_ca_cert"])

    def hurried(self) -> Slack:
        """One for many questions at once: it raises SlackLimited instead of waiting, and asks for no app but in `with_app`."""
        other = copy.copy(self)
        other._hurried = True
        return other

    def probe(self, token: str) -> Probe:
        """Asks Slack who a token is. Never raises for what Slack says of it: that is the answer (but see `hurried`)."""
        return self.whoami(token)[0]

    def whoami(self, token: str) -> tuple[Probe, dict[str, Any]]:
        """The same, with all of the answer to auth.test: also url, and of some kinds app_name and expires_in."""
        try:
            answer = self._call(token, "auth_test", attempts=ATTEMPTS)
        except SlackUnavailable as exc:
            if self._hurried and isinstance(exc, SlackLimited):
                raise
            return Probe(Life.UNKNOWN, exc.code, exc.message), {}
        except SlackError as exc:
            return refused(exc.code), {}
        told = ("team_id", "team", "user_id", "user", "bot_id", "app_id")
        identity = {key: answer[key] for key in told if answer.get(key) and isinstance(answer[key], str)}
        scopes = _scopes(answer.headers)
        probe = Probe(Life.ALIVE, "ok", "Slack accepted it", identity, scopes)
        return probe if self._hurried else self.with_app(token, probe), answer.data

    def with_app(self, token: str, probe: Probe) -> Probe:
        """The probe of a bot token with its app, where that can be asked."""
        identity = probe.identity
        if "app_id" in identity or "users:read" not in probe.scopes or "bot_id" not in identity:
            return probe
        return replace(probe, identity={**identity, **self._app_id(token, identity["bot_id"])})

    def revoke(self, token: str, test: bool = False) -> bool:
        """Ends a token, or with `test` asks whether that could be done; whether Slack says that it has ended.

        Sent once: after a SlackUnavailable only auth.test tells whether it took effect.
        https://docs.slack.dev/reference/methods/auth.revoke
        """
        answer = self._call(token, "auth_revoke", **({"test": True} if test else {}))
        return answer.get("revoked") is True

    def _app_id(self, token: str, bot_id: str) -> dict[str, str]:
        """The app of a bot token, which auth.test does not tell: https://docs.slack.dev/reference/methods/bots.info"""
        try:
            answer = self._call(token, "bots_info", attempts=ATTEMPTS, bot=bot_id)
        except SlackError as exc:
            if self._hurried and isinstance(exc, SlackLimited):
                raise
            return {}
        app_id = _at(answer.get("bot"), "app_id")
        return {"app_id": app_id} if app_id and isinstance(app_id, str) else {}

    def join(self, token: str, channel: str) -> str:
        """Joins a public channel; Slack's error code where it may not, nothing where it is in it now.

        https://docs.slack.dev/reference/methods/conversations.join
        """
        try:
            self._call(token, "conversations_join", attempts=ATTEMPTS, channel=channel)
        except SlackError as exc:
            return exc.code
        return ""

    def conversations(self, token: str, kind: str) -> list[dict[str, str]]:
        """The channels of a kind (public_channel, private_channel) that the token's user is in: {id, name}.

        https://docs.slack.dev/reference/methods/users.conversations
        """
        given = {"types": kind, "exclude_archived": True, "limit": 200}
        return [
            {"id": str(channel["id"]), "name": str(channel.get("name") or channel["id"])}
            for channel in self.rows(token, "users_conversations", "channels", **given)
            if channel.get("id")
        ]

    def rows(self, token: str, method: str, key: str, **given: Any) -> Iterator[dict[str, Any]]:
        """What is under `key` in all pages of a read: a page may be short, only an empty cursor ends them."""
        cursor = ""
        for _page in range(PAGES):
            answer = self._call(token, method, attempts=ATTEMPTS, **given, **({"cursor": cursor} if cursor else {}))
            found = answer.get(key)
            yield from (row for row in (found if isinstance(found, list) else ()) if isinstance(row, dict))
            cursor = str(_at(answer.get("response_metadata"), "next_cursor") or "")
            if not cursor:
                return
        raise SlackError(f"{method.replace('_', '.')} did not come to an end in {PAGES} pages", "too_many")

    def post_webhook(self, url: str, text: str, blocks: list[dict[str, Any]]) -> dict[str, str]:
        """Posts once by an incoming webhook, which tells neither channel nor time of the message."""
        status, said = self.hook(url, {"text": text, "blocks": blocks})
        if status != 200:
            raise SlackError(f"Slack refused to post by the webhook: {status} {said}", said)
        return {"channel": "", "ts": ""}

    def hook(self, url: str, message: dict[str, Any]) -> tuple[int, str]:
        """What an incoming webhook answers to a message, sent once: the status, and a word or the status again."""
        _redact.register(url)
        client = WebhookClient(url, timeout=self.timeout, ssl=self._tls, retry_handlers=[], logger=_log)
        client.proxy = self._proxy(url)
        try:
            answer = _network.within(self.timeout, lambda: client.send_dict(message))
        except _BROKEN as exc:
            raise _unavailable("the webhook", exc) from None
        return answer.status_code, _redact.text((answer.body or "").strip()[:80]) or str(answer.status_code)

    def exchange_code(self, method: str, **arguments: str) -> dict[str, Any]:
        """The answer to the code of an OAuth flow (`oauth_v2_access`, `oauth_access`), sent once: a code is good once.

        https://docs.slack.dev/authentication/installing-with-oauth
        """
        for name in ("client_secret", "code"):
            _redact.register(arguments.get(name, ""))
        return self._call(None, method, **arguments).data

    def _proxy(self, url: str) -> str | None:
        """The stated proxy. None leaves it to urllib: slack_sdk's own look at the environment, which does not tell
        http from https, is undone by setting this after it.
        """
        return self._proxies.get(urlsplit(url).scheme)

    def _call(self, token: str | None, method: str, /, attempts: int = 1, waits: bool = False, **arguments: Any) -> Any:
        """One Web API call; with more than one attempt it must be one that may be repeated. `waits`: sent again
        once after a short rate limit, which says that nothing was done. `token` None: that of an app's client.
        """
        _redact.register(token or "")
        handlers = []
        if attempts > 1:
            handlers = [] if self._hurried else [_CappedRateLimit(max_retry_count=attempts - 1)]
            handlers += [
                ServerErrorRetryHandler(max_retry_count=attempts - 1),
                ConnectionErrorRetryHandler(max_retry_count=attempts - 1),
            ]
        elif waits:
            handlers = [_ShortRateLimit(max_retry_count=1)]
        options = {"timeout": self.timeout, "ssl": self._tls, "retry_handlers": handlers, "logger": _log}
        client = _Client(token=token, base_url=self.api_url, **options)
        client.proxy = self._proxy(self.api_url)
        name = method.replace("_", ".")
        try:
            answer = getattr(client, method)(**arguments)
            if not isinstance(answer.data, dict):  # slack_sdk takes application/gzip for a file, and for success
                raise TypeError("the answer is no JSON object")
            return answer
        except SlackApiError as exc:
            raise _translate(name, exc.response) from None
        except (SlackClientError, *_BROKEN) as exc:
            raise _unavailable(name, exc) from None


def _tls(ca_cert: str | None) -> ssl.SSLContext | None:
    """What decides whether Slack's certificate is valid; None: the system's authorities."""
    if not ca_cert:
        return None
    try:
        return ssl.create_default_context(cafile=ca_cert)
    except OSError as exc:  # ssl.SSLError, too
        raise RotationError(
            f"The file of botops_slack_ca_cert cannot be used: {_redact.text(str(exc))[:200]}",
            "state a readable PEM file with the authorities that may sign the certificate of Slack, or of the proxy",
        ) from None


def _translate(method: str, response: Any) -> SlackError:
    """The error of an answer that was not `ok`. One that is not Slack's (a proxy's page) proves nothing."""
    status = getattr(response, "status_code", 0)
    data = getattr(response, "data", response)  # of any shape: slack_sdk's own `get` wants an object
    code = _at(data, "error")
    if status == 429:
        seconds = _retry_after(getattr(response, "headers", None) or {})
        return SlackLimited(f"Slack's rate limit stopped {method} (429)", seconds, "wait a minute and run it again")
    if not isinstance(code, str) or not code.replace("_", "").isalnum() or status >= 500:
        return SlackUnavailable(
            f"{method} was not answered as Slack answers (HTTP {status})",
            "unavailable",
            "look at https://slack-status.com and at the proxy between here and Slack, then run it again",
        )
    if code in ("fatal_error", "internal_error", "service_unavailable", "request_timeout", "ratelimited"):
        return SlackUnavailable(f"Slack could not answer {method}: {code}", code, "run it again in a few minutes")
    needed = _at(data, "needed")
    more = f" (needed: {_redact.text(str(needed))[:200]})" if needed else ""
    return SlackError(f"Slack refused {method}: {code}{more}", code)


def _unavailable(method: str, exc: Exception) -> SlackUnavailable:
    reason = getattr(exc, "reason", exc)
    remedy = "check botops_slack_api_url, the proxy (botops_slack_proxies, HTTPS_PROXY, NO_PROXY) and the network"
    if isinstance(reason, ssl.SSLError):
        remedy = "state the authorities of the certificate that was shown, perhaps a proxy's: botops_slack_ca_cert"
    return SlackUnavailable(
        f"{method} got no answer from Slack: {type(reason).__name__}: {_redact.text(str(reason))[:200]}",
        "unavailable",
        f"{remedy}, then run it again",
    )


def _at(data: Any, *keys: str) -> Any:
    """What is so deep in an answer, None where it has another shape."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _scopes(headers: dict[str, Any]) -> tuple[str, ...]:
    """The scopes of the calling token, from the x-oauth-scopes header of the answer."""
    lower = {str(key).lower(): value for key, value in headers.items()}
    value = lower.get("x-oauth-scopes", "")
    value = ",".join(value) if isinstance(value, list) else value
    return tuple(sorted(scope.strip() for scope in value.split(",") if scope.strip()))
