# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests reach Vault (private to the collection): hvac's adapter with patience and a clock, and the one mapper.

Everything that hvac, requests and urllib3 can raise leaves this file as a `VaultError`, without a secret in it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _network, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    VaultConflict,
    VaultDenied,
    VaultError,
    VaultNotFound,
    VaultUnavailable,
)

try:
    import requests
    from hvac import adapters
    from hvac import exceptions as hvac_exceptions
    from urllib3 import exceptions as urllib3_exceptions
    from urllib3.util.retry import Retry
except ImportError as error:
    MISSING: str | None = str(error)
    _Raw = _Json = _Session = object
    _FOREIGN: tuple[type[Exception], ...] = ()
    InvalidPath: type[Exception] = LookupError
else:
    MISSING = None
    _Raw, _Json, _Session = adapters.RawAdapter, adapters.JSONAdapter, requests.Session
    InvalidPath = hvac_exceptions.InvalidPath  # 404
    _FOREIGN = (hvac_exceptions.VaultError, requests.RequestException, urllib3_exceptions.HTTPError)

TOO_MANY = 429
PASSING = frozenset({412, TOO_MANY, 500, 502, 503, 504})  # 412: a performance standby that has not caught up yet
VALID = "check that the token is valid and not expired"
MISMATCH = "check-and-set parameter did not match"  # KV v2 says so in a plain 400


def require_hvac() -> None:
    """Raise a `RotationError` that says how to install hvac where it is missing."""
    if MISSING:
        raise RotationError(
            f"the Python library hvac is needed to talk to Vault and cannot be imported: {MISSING}",
            "install it into the Python that runs ansible-playbook: pip install 'hvac>=2.4,<3'",
        )


@dataclass
class Clock:
    """Vault's time: the `Date` of its latest answer plus the monotonic time since; exact to a second."""

    base: tuple[datetime, float] | None = None

    def note(self, date: str | None) -> None:
        """Learn from a `Date` header; a missing or malformed one is ignored."""
        try:
            self.base = (parsedate_to_datetime(date or "").astimezone(timezone.utc), time.monotonic())
        except (TypeError, ValueError, IndexError):
            pass

    def now(self) -> datetime | None:
        """The time (aware, UTC), None before the first answer."""
        return self.base and self.base[0] + timedelta(seconds=time.monotonic() - self.base[1])


@dataclass(frozen=True)
class Patience:
    """Seconds that one exchange may take, how often it is tried again, seconds for a call with all its tries."""

    timeout: float = 10.0
    retries: int = 4
    deadline: float = 30.0

    def pause(self, attempt: int, response: Any) -> float:
        """Seconds to wait after the attempt (from 0): what Vault asks for, else 0.25, 0.5, 1, ... with jitter."""
        asked = 0.0
        if response is not None:
            try:
                asked = Retry().get_retry_after(response) or 0.0
            except urllib3_exceptions.HTTPError:
                pass
        return max(asked, 0.25 * 2**attempt * random.uniform(0.8, 1.2))


class Session(_Session):
    """A requests session that does not follow a redirect from https to http: the Vault token would go in clear."""

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        if response.request.url.startswith("https:") and not prepared_request.url.startswith("https:"):
            raise requests.exceptions.InvalidSchema("a redirect from https to http is refused")
        super().rebuild_auth(prepared_request, response)


class Adapter(_Json):
    """hvac's JSON adapter; reads are tried again within `patience`, Vault's clock is kept.

    urllib3's own `Retry` sees neither an answer cut in its body nor the time of the whole call, so the loop is here.
    What is not idempotent is sent again only when it cannot have been carried out: no connection was made, or Vault
    said 429. The keyword `idempotent=True` says that a POST may be repeated.
    """

    def __init__(self, *args: Any, patience: Patience, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patience, self.clock = patience, Clock()

    def request(self, method: str, url: str, headers: Any = None, raise_exception: bool = True, **kwargs: Any) -> Any:
        """Return the JSON of a 200, the response of anything else that is well; raise hvac's exceptions otherwise."""
        repeatable = kwargs.pop("idempotent", False) or method.lower() in ("get", "head")
        response = self._send(method, url, repeatable, headers=headers, **kwargs)
        if not response.ok and raise_exception:
            self._raise_for_error(method, url, response)
        return response.json() if response.status_code == 200 else response

    def _send(self, method: str, url: str, repeatable: bool, **kwargs: Any) -> Any:
        end = time.monotonic() + self.patience.deadline
        for attempt in range(self.patience.retries + 1):
            response = failure = None
            timeout = max(0.1, min(self.patience.timeout, end - time.monotonic()))
            try:
                response = self._exchange(timeout, method, url, **kwargs)
            except requests.RequestException as error:
                failure = error
                again = _never_sent(error) or (repeatable and _may_pass(error))
            else:
                if response.status_code < 500:  # above that it may be a proxy's clock
                    self.clock.note(response.headers.get("Date"))
                again = response.status_code in (PASSING if repeatable else {TOO_MANY})
            pause = self.patience.pause(attempt, response)
            if not again or attempt == self.patience.retries or time.monotonic() + pause >= end:
                break
            time.sleep(pause)
        if failure is not None:
            raise failure
        return response

    def _exchange(self, timeout: float, method: str, url: str, **kwargs: Any) -> Any:
        """One request and its whole answer."""
        options = {"raise_exception": False, "timeout": timeout, **kwargs}
        try:
            return _network.within(timeout, lambda: _Raw.request(self, method, url, **options))
        except TimeoutError as error:
            raise requests.ReadTimeout(str(error)) from None

    def _raise_for_error(self, method: str, url: str, response: Any) -> None:
        try:
            super()._raise_for_error(method, url, response)
        except hvac_exceptions.VaultError as error:
            error.status = response.status_code
            raise


def _never_sent(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, urllib3_exceptions.NewConnectionError)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, requests.exceptions.SSLError):
        return "certificate" not in str(error).lower()
    kinds = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return isinstance(error, kinds)


@contextmanager
def translated(doing: str, place: str, remedy: str = "") -> Iterator[None]:
    """Turn whatever the libraries raise inside into a `VaultError`.

    `doing` is the attempt ("read"), `place` the path, `remedy` what to do when Vault refuses it (`needs` makes one).
    """
    try:
        yield
    except RotationError:
        raise
    except hvac_or_network() as error:  # not chained to it: its text may hold a secret
        raise _explain(error, f"Vault: could not {doing} {_redact.text(place)}", remedy) from None


def needs(api_path: str, *capabilities: str) -> str:
    """The remedy for a call that a policy may forbid: the line that the policy must have."""
    words = ", ".join(f'"{word}"' for word in capabilities)
    return f'{VALID}; its policy needs: path "{_redact.text(api_path)}" {{ capabilities = [{words}] }}'


def hvac_or_network() -> tuple[type[Exception], ...]:
    """What calls to Vault can raise: the libraries' own, files that are missing, answers of an unexpected shape."""
    return (*_FOREIGN, OSError, KeyError, TypeError, ValueError, AttributeError)


def _explain(error: Exception, attempt: str, remedy: str) -> VaultError:
    if isinstance(error, hvac_exceptions.VaultError):
        return _refused(error, attempt, remedy)
    if isinstance(error, requests.exceptions.SSLError):
        return VaultUnavailable(
            f"{attempt}: no TLS connection: {_short(_root(error))}",
            "state the CA of Vault's certificate (botops_vault_ca_cert), and the name that the certificate is for",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return VaultUnavailable(
            f"{attempt}: the proxy did not let it through: {_short(_root(error))}",
            "check the proxy (botops_vault_proxies, HTTPS_PROXY), or add Vault's host to NO_PROXY",
        )
    if isinstance(error, requests.Timeout):
        return VaultUnavailable(f"{attempt}: no answer in time", "check that Vault is up and reachable, then run again")
    if isinstance(error, (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL)):
        return VaultError(  # the library's text would print the header, which may be the token
            f"{attempt}: the address, the token or the namespace is malformed",
            "check botops_vault_url, _namespace, _token",
        )
    if isinstance(error, requests.exceptions.JSONDecodeError) or not isinstance(error, (*_FOREIGN, OSError)):
        # Half an answer, too: what was asked for may have been done.
        kind = VaultUnavailable if isinstance(error, requests.exceptions.JSONDecodeError) else VaultError
        return kind(
            f"{attempt}: the answer is not one of Vault's ({type(error).__name__})",
            "check that botops_vault_url is Vault's own address, not that of a login page or another program",
        )
    if isinstance(error, OSError) and not isinstance(error, _FOREIGN):
        return VaultError(
            f"{attempt}: {_short(error)}", "check the certificate, key and CA files that are stated for Vault"
        )
    return VaultUnavailable(
        f"{attempt}: the connection failed: {_short(_root(error))}",
        "check botops_vault_url and that Vault is up, run again",
    )


def _refused(error: Any, attempt: str, remedy: str) -> VaultError:
    """Vault answered with an error; its status decides the kind."""
    status = getattr(error, "status", 0)
    said = "; ".join(map(str, error.errors)) if isinstance(error.errors, list) else ""
    came = f"{attempt}: HTTP {status}" + (f", {_short(said)}" if said else "")
    if status in (401, 403):
        return VaultDenied(came, remedy or VALID)
    if status == 404:
        return VaultNotFound(came, "check the path, the mount and the namespace")
    if status == 400 and MISMATCH in said:
        return VaultConflict(
            f"{attempt}: somebody else has written it in the meantime", "run again; it starts from what is there now"
        )
    if status == 503 and "sealed" in said.lower():
        return VaultUnavailable(came, "unseal Vault, then run again")
    if status == TOO_MANY:
        return VaultUnavailable(came, "Vault limits the rate of requests; run again later")
    if status >= 500:
        return VaultUnavailable(came, "see Vault's own log; run again when it is well")
    return VaultError(came, remedy or "see what Vault says")


def _root(error: BaseException) -> BaseException:
    """The innermost reason: what requests and urllib3 wrap around it says nothing to people."""
    while True:
        inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, BaseException)), None)
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _short(text: object) -> str:
    return _redact.text(" ".join(str(text).split()))[:200]
