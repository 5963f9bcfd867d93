# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the tool is to Vault (private to the collection): settings, and a logged-in hvac client made from them.

Every method logs in with one POST to `auth/<mount>/login`:
https://openbao.org/api-docs/auth/approle/, .../jwt/, .../kubernetes/, .../cert/ (the same in HashiCorp Vault).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.botops.rotation.plugins.module_utils import _network, _redact, _vault_http
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, VaultError

POOL = 8  # connections that are kept: reads may come from that many threads


@dataclass(frozen=True)
class VaultSettings:
    """How to reach Vault. Credentials come resolved: nothing here is read from the environment or from files.

    `role` is the role's name for kubernetes (required), jwt and cert (optional). `mount_point` is where the auth
    method is mounted (default: its name). `cert_auth_*` are paths of PEM files; they are presented with every method.
    `proxies`: one address, or a mapping of http and https to addresses; without it those of the environment. NO_PROXY
    is heeded either way. `timeout` (seconds for one exchange), `retries` and `deadline` (seconds, tries included) bound each call.
    """

    url: str
    auth_method: str = "token"
    token: str | None = field(default=None, repr=False)
    role_id: str | None = field(default=None, repr=False)
    secret_id: str | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)
    role: str | None = None
    mount_point: str | None = None
    namespace: str | None = None
    ca_cert: str | None = None
    validate_certs: bool = True
    cert_auth_public_key: str | None = None
    cert_auth_private_key: str | None = None
    proxies: str | dict[str, str] | None = field(default=None, repr=False)
    timeout: float = 10.0
    retries: int = 4
    deadline: float = 30.0


# method: (what must be stated, what is sent: Vault's name -> ours)
_METHODS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "token": (("token",), {}),
    "approle": (("role_id",), {"role_id": "role_id", "secret_id": "secret_id"}),
    "jwt": (("jwt",), {"role": "role", "jwt": "jwt"}),
    "kubernetes": (("role", "jwt"), {"role": "role", "jwt": "jwt"}),
    "cert": (("cert_auth_public_key", "cert_auth_private_key"), {"name": "role"}),
}
# Where the actions look for what the inventory does not state (see _argspec).
_ENVIRONMENT = {
    "token": "VAULT_TOKEN",
    "role_id": "VAULT_ROLE_ID",
    "secret_id": "VAULT_SECRET_ID",
    "jwt": "VAULT_JWT",
    "cert_auth_public_key": "VAULT_CLIENT_CERT",
    "cert_auth_private_key": "VAULT_CLIENT_KEY",
}
_SECRET = ("token", "role_id", "secret_id", "jwt")
_IN_HEADERS = ("token", "namespace")


def login(settings: VaultSettings) -> Any:
    """Return an hvac client with a token. Makes no call for auth_method `token`.

    Raises `RotationError` for settings that cannot work (before any call) and `VaultError` when Vault refuses.
    """
    _vault_http.require_hvac()
    _check(settings)
    for name in ("token", "secret_id", "jwt"):  # not role_id, which may be a plain word
        _redact.register(getattr(settings, name) or "")
    client = _client(settings)
    if settings.auth_method == "token":
        client.token = str(settings.token)
        return client
    mount = (settings.mount_point or settings.auth_method).strip("/")
    sent = {key: getattr(settings, name) for key, name in _METHODS[settings.auth_method][1].items()}
    remedy = "check the auth method, where it is mounted, the role, and that its credentials are valid and not used up"
    with _vault_http.translated("log in at", f"auth/{mount} ({settings.auth_method})", remedy):
        answer = client.adapter.post(
            f"/v1/auth/{quote(mount)}/login", json={key: str(value) for key, value in sent.items() if value}
        )
        token = answer["auth"]["client_token"]
        _redact.register(token)
        client.token = token
    return client


def _client(settings: VaultSettings) -> Any:
    """An hvac client that takes nothing from the environment but proxies and, without `ca_cert`, REQUESTS_CA_BUNDLE."""
    import hvac
    from requests.adapters import HTTPAdapter
    from requests.utils import should_bypass_proxies

    verify = (settings.ca_cert or True) if settings.validate_certs else False
    cert = (settings.cert_auth_public_key, settings.cert_auth_private_key) if settings.cert_auth_public_key else ""
    proxies = _network.proxies(settings.proxies, "botops_vault_proxies")
    if should_bypass_proxies(str(settings.url), None):  # NO_PROXY, as for Slack; requests heeds it for its own only
        proxies = {}
    session = _vault_http.Session()
    session.verify, session.cert = verify, cert or None  # hvac prefers the session's own over the client's
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=POOL))
    return hvac.Client(
        url=str(settings.url).rstrip("/"),
        token="",  # None would make hvac read VAULT_TOKEN or ~/.vault-token
        namespace=str(settings.namespace or "") or None,
        session=session,
        verify=verify,
        cert=cert,  # None would make hvac read VAULT_CLIENT_CERT
        proxies=proxies or None,
        adapter=_vault_http.Adapter,
        patience=_vault_http.Patience(settings.timeout, settings.retries, settings.deadline),
    )


def _check(settings: VaultSettings) -> None:
    """Refuse what cannot work, by name and never by value: a malformed token would be printed by requests."""
    parts = urlsplit(str(settings.url or ""))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RotationError(
            "botops_vault_url is not the address of a Vault",
            "state it as https://vault.example.com:8200 (botops_vault_url, or VAULT_ADDR)",
        )
    if settings.auth_method not in _METHODS:
        raise RotationError("botops_vault_auth_method is none of " + ", ".join(_METHODS), "state one of these")
    for name in _METHODS[settings.auth_method][0]:
        if not getattr(settings, name):
            raise RotationError(
                f"auth method {settings.auth_method} needs botops_vault_{name}, which is empty",
                f"state it, or put it into {_ENVIRONMENT[name]} or {_ENVIRONMENT[name]}_FILE"
                if name in _ENVIRONMENT
                else "state it in the inventory",
            )
    for name in (*_SECRET, "namespace"):
        value = str(getattr(settings, name) or "")
        if not value.isprintable() or value != value.strip() or (name in _IN_HEADERS and not value.isascii()):
            raise VaultError(
                f"botops_vault_{name} holds a line break, white space around it or another character that cannot be sent",
                "store it without; `printf %s` writes no newline, `echo` does",
            )
