# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to a real OpenBao by every method, with a private CA, and what is refused before any call."""

from __future__ import annotations

import base64
import http.server
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    VaultError,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret, Vault, VaultSettings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.integration._bao import running, settings
from tests.sandbox import _ports, bao, tokens
from tests.sandbox._process import Processes, environment, wait_for
from tests.sandbox.bao import Bao


@pytest.fixture(scope="module")
def server() -> Iterator[Bao]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def test_credentials_that_vault_refuses_are_not_shown(server: Bao) -> None:
    wrong = "not-the-" + tokens.alnum(20)
    with pytest.raises(VaultError, match="could not log in at auth/approle") as caught:
        Vault.connect(settings(server, secret_id=wrong))
    assert wrong not in str(caught.value)


@pytest.mark.parametrize("method", ["token", "approle", "jwt", "kubernetes", "cert", "magic"])
def test_a_login_that_lacks_something_makes_no_call(method: str) -> None:
    with pytest.raises(RotationError, match="needs botops_vault_|is none of token, approle") as caught:
        Vault.connect(VaultSettings("http://127.0.0.1:1", auth_method=method))
    assert caught.value.next_step


@pytest.mark.parametrize("spoilt", ["{}\n", " {}", "{}\u00e9", "a\x00{}"])
def test_a_malformed_token_is_refused_before_it_is_sent_or_shown(spoilt: str) -> None:
    token = "hv" + "s." + tokens.alnum(24)
    with pytest.raises(VaultError, match="botops_vault_token holds") as caught:
        Vault.connect(VaultSettings("http://127.0.0.1:1", token=spoilt.format(token)))
    assert token not in str(caught.value)


@pytest.mark.parametrize("url", ["", "vault.example.com:8200", "ftp://x", "https://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(RotationError, match="botops_vault_url"):
        Vault.connect(VaultSettings(url, token="x"))


def test_nothing_is_taken_from_the_environment_unasked(server: Bao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "root")
    with pytest.raises(RotationError, match="needs botops_vault_token"):
        Vault.connect(VaultSettings(server.url))
    monkeypatch.setenv("VAULT_NAMESPACE", "elsewhere")
    assert Vault.connect(settings(server)).who() == "approle (rotation)"


def test_secrets_are_registered_and_not_in_a_repr(server: Bao) -> None:
    given_settings = settings(server)
    vault = Vault.connect(given_settings)
    obtained = vault._http.token
    assert obtained not in _redact.text(f"X {obtained}") and given_settings.secret_id not in repr(given_settings)
    assert "swordfish" not in repr(Secret("a/b", 1, {"value": "swordfish"}))


def test_proxies_of_the_environment_apply_but_for_no_proxy(server: Bao, monkeypatch: pytest.MonkeyPatch) -> None:
    given_settings = settings(server, retries=0)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(VaultUnavailable, match="the proxy did not let it through"):
        Vault.connect(given_settings)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert Vault.connect(given_settings).who()


# JWT, Kubernetes


def pem(key: rsa.RSAPrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


def signed(key: rsa.RSAPrivateKey, **claims: Any) -> str:
    """A JWT that is valid for a minute."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    now = int(time.time())
    claims = {"iat": now, "nbf": now, "exp": now + 60, **claims}
    head = ".".join(part(json.dumps(piece).encode()) for piece in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{head}.{part(key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


ROLE = {"token_policies": "rotation", "token_no_default_policy": True}


def test_jwt(server: Bao, key: rsa.RSAPrivateKey) -> None:
    server.request("POST", "sys/auth/ci", {"type": "jwt"})
    server.request("POST", "auth/ci/config", {"jwt_validation_pubkeys": [pem(key)]})
    role = {**ROLE, "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"]}
    server.request("POST", "auth/ci/role/rotation", role)
    given = {"auth_method": "jwt", "mount_point": "ci", "role": "rotation"}
    good, bad = (signed(key, sub="ci-job", aud=audience) for audience in ("vault", "elsewhere"))
    vault = Vault.connect(VaultSettings(server.url, jwt=good, **given))
    assert vault.who().startswith("ci-") and vault.read("secret/x").data is None
    with pytest.raises(VaultError, match=r"could not log in at auth/ci \(jwt\)") as caught:
        Vault.connect(VaultSettings(server.url, jwt=bad, **given))
    assert bad not in str(caught.value)


class TokenReview(http.server.BaseHTTPRequestHandler):
    """What Vault asks of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/"""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = {"username": "system:serviceaccount:ops:bot", "uid": "1"}
        status = {"authenticated": True, "user": user, "audiences": asked["spec"].get("audiences") or []}
        body = json.dumps({"kind": "TokenReview", "status": status}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def test_kubernetes(server: Bao, key: rsa.RSAPrivateKey) -> None:
    account = {"namespace": "ops", "serviceaccount": {"name": "bot", "uid": "1"}}
    jwt = signed(key, sub="system:serviceaccount:ops:bot", **{"kubernetes.io": account})
    with http.server.HTTPServer(("127.0.0.1", 0), TokenReview) as cluster:
        threading.Thread(target=cluster.serve_forever, daemon=True).start()
        server.request("POST", "sys/auth/kubernetes", {"type": "kubernetes"})
        config = {"kubernetes_host": f"http://127.0.0.1:{cluster.server_port}", "disable_local_ca_jwt": True}
        config |= {"kubernetes_ca_cert": certificate(key)[0], "token_reviewer_jwt": jwt}
        server.request("POST", "auth/kubernetes/config", config)
        bound = {"bound_service_account_names": "bot", "bound_service_account_namespaces": "ops"}
        server.request("POST", "auth/kubernetes/role/rotation", {**ROLE, **bound})
        vault = Vault.connect(VaultSettings(server.url, auth_method="kubernetes", role="rotation", jwt=jwt))
        assert vault.read("generic/x").data is None and "ops" in vault.who()
        cluster.shutdown()


# TLS with a private CA, and the certificate method


def certificate(key: rsa.RSAPrivateKey) -> tuple[str, str]:
    """A self-signed client certificate and its key, PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rotation")])
    now = datetime.now(timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed_ = made.add_extension(usage, critical=False).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return signed_.public_bytes(serialization.Encoding.PEM).decode(), key.private_bytes(*form).decode()


@pytest.fixture(scope="module")
def tls(key: rsa.RSAPrivateKey) -> Iterator[dict[str, str]]:
    """An OpenBao that speaks TLS only: its address, its CA, and a client's certificate and key that it accepts."""
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    processes = Processes(directory)
    try:
        with _ports.claim() as claimed:
            port = claimed.getsockname()[1] + 1
            argv = [bao.binary(), "server", "-dev", "-dev-tls", f"-dev-tls-cert-dir={directory}"]
            argv += ["-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"]
            env = environment(HOME=str(directory), BAO_DEV_ROOT_TOKEN_ID="root")
            processes.start("bao", argv, env, directory, quiet=True)
            given = {"url": f"https://127.0.0.1:{port}", "ca_cert": str(directory / "vault-ca.pem")}
            wait_for("OpenBao speaks TLS", lambda: _trusts(given))
            client = dict(zip(("public", "private"), certificate(key)))
            for part, text in client.items():
                given[f"cert_auth_{part}_key"] = str(directory / f"{part}.pem")
                (directory / f"{part}.pem").write_text(text)
            role = {**ROLE, "certificate": client["public"]}
            for path, body in {"sys/auth/cert": {"type": "cert"}, "auth/cert/certs/rotation": role}.items():
                url, headers = f"{given['url']}/v1/{path}", {"X-Vault-Token": "root"}
                requests.post(url, json=body, headers=headers, verify=given["ca_cert"], timeout=5).raise_for_status()
            yield given
    finally:
        processes.stop_all()
        shutil.rmtree(directory)


def _trusts(given: dict[str, str]) -> bool:
    try:
        return requests.get(f"{given['url']}/v1/sys/health", verify=given["ca_cert"], timeout=5).ok
    except (requests.RequestException, OSError):
        return False


def test_cert(tls: dict[str, str]) -> None:
    vault = Vault.connect(VaultSettings(auth_method="cert", role="rotation", **tls))
    assert vault.now() and vault._http.token
    with pytest.raises(VaultError, match="could not log in at auth/cert"):
        Vault.connect(VaultSettings(auth_method="cert", role="other", **tls))
    with pytest.raises(VaultError, match="could not log in at auth/cert.*/nowhere"):
        Vault.connect(VaultSettings(auth_method="cert", **{**tls, "cert_auth_public_key": "/nowhere"}))


def test_a_private_ca_must_be_stated(tls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"url": tls["url"], "token": "root", "retries": 0}
    for ca_cert in (tls["ca_cert"], None):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/dev/null" if ca_cert else tls["ca_cert"])
        assert Vault.connect(VaultSettings(ca_cert=ca_cert, **given)).who() == "token"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(
        VaultUnavailable, match="no TLS connection: .*self-signed|no TLS connection: .*local issuer"
    ) as caught:
        Vault.connect(VaultSettings(**given)).who()
    assert "botops_vault_ca_cert" in caught.value.next_step
    with pytest.raises(VaultError, match="/nowhere"):
        Vault.connect(VaultSettings(ca_cert="/nowhere", **given)).who()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_certificates_can_be_left_unchecked(tls: dict[str, str]) -> None:
    given = {"url": tls["url"], "token": "root", "validate_certs": False}
    assert Vault.connect(VaultSettings(**given)).who() == "token"
