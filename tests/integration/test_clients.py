# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of Vault and Slack behind a proxy, with a private CA, and before an answer that does not end."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _network
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    SlackUnavailable,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault, VaultSettings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration._bao import running
from tests.integration._proxy import Proxy, Tls, serving
from tests.sandbox import tokens
from tests.sandbox._process import wait_for
from tests.sandbox.bao import Bao
from tests.sandbox.slack.threaded import ThreadedSlack

VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
Ask = Callable[..., bool]


@pytest.fixture(scope="module")
def server() -> Iterator[Bao]:
    with running() as started:
        yield started


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the variables of the environment that are about proxies: those that are given, and none else."""

    def set_variables(**given: str) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    set_variables()
    return set_variables


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with serving(Proxy()) as made:
        yield made


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """PEM files: a certificate for loopback that is its own authority, and its key."""
    directory = tmp_path_factory.mktemp("authority")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private authority")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for file, data in (("ca.pem", signed.public_bytes(form[0])), ("key.pem", key.private_bytes(*form))):
        (directory / file).write_bytes(data)
    return str(directory / "ca.pem"), str(directory / "key.pem")


@pytest.fixture(params=["Vault", "Slack"])
def way(request: pytest.FixtureRequest, server: Bao, slack: ThreadedSlack) -> tuple[int, Ask]:
    """The port of Vault or of Slack, and what asks it something: a function of the address and the client's options."""
    if request.param == "Vault":
        return int(urlsplit(server.url).port or 0), ask_vault
    return int(urlsplit(slack.url).port or 0), lambda url, **more: ask_slack(slack, url, **more)


def ask_vault(url: str, **more: Any) -> bool:
    """Whether Vault answered; raises where the way there is closed."""
    return Vault.connect(VaultSettings(url, token="root", retries=0, **more)).who() == "token"


def ask_slack(slack: ThreadedSlack, url: str, **more: Any) -> bool:
    probe = Slack(f"{url}/api/", **more).probe(slack.token())
    if probe.life is Life.UNKNOWN:
        raise SlackUnavailable(probe.evidence, probe.code)
    return probe.alive


# Proxies


@pytest.mark.parametrize("mapping", [False, True], ids=["one address", "a mapping"])
def test_a_stated_proxy_is_used(way: tuple[int, Ask], proxy: Proxy, environment: Any, mapping: bool) -> None:
    port, ask = way
    given = {"proxies": {"http": proxy.url} if mapping else proxy.url}
    environment(no_proxy="127.0.0.1")
    assert ask(f"http://127.0.0.1:{port}", **given) and not proxy.seen
    environment(http_proxy="http://127.0.0.1:9")  # does not apply then
    assert ask(f"http://127.0.0.1:{port}", **given)
    assert proxy.seen and all(f" http://127.0.0.1:{port}/" in line for line in proxy.seen), proxy.seen


@pytest.mark.parametrize("stated", [True, False], ids=["stated", "environment"])
def test_tls_goes_through_a_proxy_unopened(
    way: tuple[int, Ask], proxy: Proxy, environment: Any, authority: tuple[str, str], stated: bool
) -> None:
    port, ask = way
    with serving(Tls(port, *authority)) as front:
        given = {"proxies": proxy.url} if stated else {}
        environment(**({} if stated else {"https_proxy": proxy.url, "http_proxy": "http://127.0.0.1:9"}))
        assert ask(f"https://127.0.0.1:{front.port}", ca_cert=authority[0], **given)
        assert set(proxy.seen) == {proxy.seen[0]} and proxy.seen[0].startswith(f"CONNECT 127.0.0.1:{front.port} ")


@pytest.mark.parametrize("spelling", [str.lower, str.upper], ids=["lower", "upper"])
def test_no_proxy_of_the_environment_is_heeded(
    way: tuple[int, Ask], proxy: Proxy, environment: Any, authority: tuple[str, str], spelling: Callable[[str], str]
) -> None:
    port, ask = way
    with serving(Tls(port, *authority)) as front:
        address = f"https://127.0.0.1:{front.port}"
        environment(**{spelling("https_proxy"): proxy.url, spelling("no_proxy"): "elsewhere.example.com,127.0.0.1"})
        assert ask(address, ca_cert=authority[0]) and not proxy.seen
        environment(**{spelling("https_proxy"): proxy.url, spelling("no_proxy"): "elsewhere.example.com"})
        assert ask(address, ca_cert=authority[0]) and proxy.seen


def test_a_proxy_may_ask_for_a_password(way: tuple[int, Ask], environment: Any, authority: tuple[str, str]) -> None:
    port, ask = way
    secret = "swordfish-" + tokens.alnum(12)
    with serving(Tls(port, *authority)) as front, serving(Proxy(f"ops:{secret}")) as closed:
        address = f"https://127.0.0.1:{front.port}"
        assert ask(address, ca_cert=authority[0], proxies=closed.url)
        other = closed.url.replace(secret, secret[::-1])
        with pytest.raises(RotationError, match="407|proxy did not let it through") as caught:
            ask(address, ca_cert=authority[0], proxies=other)
        assert secret[::-1] not in str(caught.value)


def test_a_webhook_goes_through_the_proxy(slack: ThreadedSlack, proxy: Proxy, environment: Any) -> None:
    url = slack.control.add_hook("robot/one", "C0GENERAL1")
    Slack(f"{slack.url}/api/", proxies=proxy.url).post_webhook(url, "hello", [])
    assert proxy.seen == [f"POST {url} HTTP/1.1"] and [message.text for message in slack.world.messages] == ["hello"]


@pytest.mark.parametrize(
    "given",
    [
        "proxy.example.com:3128",
        "socks5://127.0.0.1:1",
        "http://",
        "http://127.0.0.1:port",
        {"ftp": "http://127.0.0.1:1"},
        {"https": None},
        {"https": ["http://127.0.0.1:1"]},
        ["http://127.0.0.1:1"],
        8080,
    ],
    ids=str,
)
def test_what_is_no_proxy_is_refused_before_any_call(given: Any) -> None:
    for make in (
        lambda: Slack("http://127.0.0.1:1/", proxies=given),
        lambda: Vault.connect(VaultSettings("http://127.0.0.1:1", token="root", proxies=given)),
    ):
        with pytest.raises(RotationError, match="botops_(slack|vault)_proxies") as caught:
            make()
        assert caught.value.next_step and "127.0.0.1" not in str(caught.value)


def test_slack_is_reached_through_proxies_that_are_spoken_to_in_clear() -> None:
    """urllib would speak to an https proxy in clear, too."""
    assert _network.proxies("https://127.0.0.1:1", "botops_vault_proxies")
    with pytest.raises(RotationError, match="begins with http://"):
        Slack("http://127.0.0.1:1/", proxies="https://127.0.0.1:1")


# A private CA of Slack's, or of a proxy that opens what passes


def test_slack_with_a_private_ca(slack: ThreadedSlack, authority: tuple[str, str], environment: Any) -> None:
    with serving(Tls(int(urlsplit(slack.url).port or 0), *authority)) as front:
        address = f"https://127.0.0.1:{front.port}/api/"
        assert Slack(address, ca_cert=authority[0]).probe(slack.token()).alive
        probe = Slack(address).probe(slack.token())
        assert probe.life is Life.UNKNOWN and "certificate verify failed" in probe.evidence
        with pytest.raises(SlackUnavailable, match="certificate verify failed") as caught:
            Slack(address).post(slack.token(), "C0GENERAL1", "hello", [], "mark")
        assert "botops_slack_ca_cert" in caught.value.next_step and not slack.world.messages


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "no PEM"])
def test_a_ca_file_that_is_none_is_said_so(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(RotationError, match="botops_slack_ca_cert cannot be used") as caught:
        Slack(ca_cert=str(file))
    assert caught.value.next_step


# Answers that come a byte at a time


@pytest.fixture
def dripping() -> Iterator[Proxy]:
    with serving(Proxy(drip=0.2)) as made:
        yield made


def test_an_answer_of_vaults_that_drips_is_given_up(server: Bao, dripping: Proxy, environment: Any) -> None:
    """With the whole patience: each try is bounded, and all of them together."""
    given = {"token": "root", "proxies": dripping.url, "timeout": 1.0, "retries": 4, "deadline": 3.0}
    vault = Vault.connect(VaultSettings(server.url, **given))
    before, began = threading.active_count(), time.monotonic()
    with pytest.raises(VaultUnavailable, match="no answer in time"):
        vault.read("secret/x")
    assert time.monotonic() - began < 3.0 + 2 * _network.GRACE
    wait_for("what was given up has ended", lambda: threading.active_count() <= before + len(dripping.seen) * 2)
    assert len(dripping.seen) > 1


@pytest.mark.parametrize("status", [200, 503], ids=["answer", "error"])
@pytest.mark.parametrize("what", ["auth.test", "chat.postMessage", "webhook"])
def test_an_answer_of_slacks_that_drips_is_given_up(
    slack: ThreadedSlack, dripping: Proxy, environment: Any, what: str, status: int
) -> None:
    client = Slack(f"{slack.url}/api/", timeout=1.0, proxies=dripping.url)
    if status != 200:
        slack.control.call("fault", kind="status", status=status)
    began = time.monotonic()
    if what == "auth.test":
        assert client.probe(slack.token()).life is Life.UNKNOWN
    else:
        with pytest.raises(SlackUnavailable, match="no whole answer in 1 s"):
            if what == "webhook":
                client.post_webhook(slack.control.add_hook("robot/one", "C0GENERAL1"), "hello", [])
            else:
                client.post(slack.token(), "C0GENERAL1", "hello", [], "mark")
    assert time.monotonic() - began < 1.0 + 2 * _network.GRACE and len(dripping.seen) == 1
