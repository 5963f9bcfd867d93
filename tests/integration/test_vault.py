# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Vault client against a real OpenBao; what it did is looked at with the `bao` command line."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

import pytest
import requests
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RotationError,
    VaultConflict,
    VaultDenied,
    VaultError,
    VaultNotFound,
    VaultUnavailable,
)
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret, Vault, VaultSettings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.integration._bao import Fault, running, settings
from tests.sandbox.bao import Bao

BOTH = pytest.mark.parametrize("mount", ["generic", "secret"])


@pytest.fixture(scope="module")
def server() -> Iterator[Bao]:
    with running() as started:
        yield started


@pytest.fixture
def vault(server: Bao) -> Vault:
    return Vault.connect(settings(server))


@pytest.fixture
def path(mount: str, request: pytest.FixtureRequest) -> str:
    """A path of the test's own, without a secret."""
    return f"{mount}/crn/v1/{request.node.name.partition('[')[0]}"


def seen(server: Bao, path: str) -> Any:
    """The data at a path as the command line shows it, None when there is none."""
    text = server.cli("kv", "get", "-format=json", *_split(path), check=False)
    data = (json.loads(text) if text.strip() else {}).get("data")
    return data["data"] if data and path.startswith("secret/") else data


def versions(server: Bao, path: str) -> dict[str, dict[str, Any]]:
    return json.loads(server.cli("kv", "metadata", "get", "-format=json", *_split(path)))["data"]["versions"]


def _split(path: str) -> tuple[str, str]:
    mount, _dummy, rest = path.partition("/")
    return f"-mount={mount}", rest


# Reading and writing


@BOTH
def test_what_is_written_is_there_with_its_sibling_keys(server: Bao, vault: Vault, path: str) -> None:
    nothing = vault.read(path)
    assert nothing == Secret(path, nothing.kv) and nothing.data is None
    first = vault.write(path, {"value": "one", "owner": "ops"}, nothing)
    second = vault.set_field(path, "value", "two", first)
    assert seen(server, path) == {"value": "two", "owner": "ops"}
    assert vault.read(path) == second


@BOTH
def test_a_write_is_refused_where_somebody_else_wrote(server: Bao, vault: Vault, path: str) -> None:
    before = vault.write(path, {"value": "one"}, vault.read(path))
    server.cli("kv", "put", *_split(path), "value=by hand")
    with pytest.raises(VaultConflict, match="somebody else has written"):
        vault.set_field(path, "value", "two", before)
    with pytest.raises(VaultConflict):
        vault.write(path, {"value": "two"}, Secret(path, before.kv))
    assert seen(server, path) == {"value": "by hand"}


@pytest.mark.parametrize("mount", ["secret"])
@pytest.mark.parametrize("how", ["delete", "destroy"])
def test_a_deleted_version_can_be_written_over(server: Bao, vault: Vault, path: str, how: str) -> None:
    path = f"{path}_{how}"
    server.cli("kv", "put", *_split(path), "value=one")
    server.cli("kv", how, *(["-versions=1"] if how == "destroy" else []), *_split(path))
    gone = vault.read(path)
    assert gone.data is None and gone.deleted and gone.version == 1
    assert vault.write(path, {"value": "two"}, gone).version == 2
    assert seen(server, path) == {"value": "two"}


@BOTH
def test_delete_leaves_nothing(server: Bao, vault: Vault, path: str) -> None:
    first = vault.write(path, {"value": "one"}, vault.read(path))
    second = vault.write(path, {"value": "two"}, first)
    with pytest.raises(VaultConflict):
        vault.delete(path, expect=first)
    vault.delete(path, expect=second)
    assert vault.read(path) == Secret(path, second.kv)
    vault.delete(path)
    assert server.cli("kv", "get", *_split(path), check=False) == ""
    vault.write(path, {"value": "three"}, vault.read(path))


@BOTH
def test_a_token_that_was_overwritten_can_be_forgotten(server: Bao, vault: Vault, path: str) -> None:
    secret = vault.read(path)
    for word in ("one", "two", "three"):
        secret = vault.write(path, {"value": word}, secret)
    expected = [1, 2] if secret.kv == 2 else []
    assert vault.forget_old_versions(path) == expected
    assert vault.forget_old_versions(path) == []
    assert vault.forget_old_versions(path + "_none") == []
    assert seen(server, path) == {"value": "three"}
    if secret.kv == 2:
        assert [entry["destroyed"] for entry in versions(server, path).values()] == [True, True, False]


def test_reads_may_come_from_threads(server: Bao, vault: Vault) -> None:
    paths = [f"{mount}/threads/{number}" for mount in ("generic", "secret") for number in range(16)]
    for path in paths:
        server.put(path, {"value": path})
    with ThreadPoolExecutor(8) as pool:
        assert [secret.data for secret in pool.map(vault.read, paths)] == [{"value": path} for path in paths]


# Where a path leads, and what the token may do


def test_mounts_are_told_by_vault(server: Bao) -> None:
    vault = Vault.connect(VaultSettings(server.url, token="root"))
    assert vault.locate("/generic/data/x/").api() == "generic/data/x"
    assert vault.locate("secret/a/b").api("destroy") == "secret/destroy/a/b"
    nested = vault.locate("team/a/kv/x/y")
    assert (nested.mount, nested.subpath, nested.kv) == ("team/a/kv", "x/y", 1)


@pytest.mark.parametrize("path", ["nowhere/at/all", "team/a/kv/x"])
def test_no_mount_and_no_right_are_said_together(vault: Vault, path: str) -> None:
    with pytest.raises(VaultDenied, match="no such mount, or no right on it") as caught:
        vault.read(path)
    assert path in str(caught.value)


def test_what_is_no_secret_is_refused(vault: Vault, server: Bao) -> None:
    for path in ("", "generic", "generic/", "generic//x", "generic/../sys/seal", "generic/x\x00", None):
        with pytest.raises(VaultNotFound, match="is not a path"):
            vault.read(path)  # type: ignore[arg-type]
    root = Vault.connect(VaultSettings(server.url, token="root"))
    with pytest.raises(VaultError, match="cubbyhole, not KV"):
        root.read("cubbyhole/x")
    with pytest.raises(VaultError, match="is a mount"):
        root.read("team/a/kv")


def test_a_missing_right_is_named(vault: Vault) -> None:
    with pytest.raises(VaultDenied, match=r'path "secret/data/read-only" \{ capabilities = \["create", "update"\] \}'):
        vault.write("secret/read-only", {"value": "x"}, vault.read("secret/read-only"))
    with pytest.raises(VaultDenied):
        vault.read("generic/forbidden")
    rights = vault.capabilities(["generic/x", "secret/data/read-only", "sys/seal"])
    assert rights["secret/data/read-only"] == ["read"] and rights["sys/seal"] == ["deny"]
    assert sorted(rights["generic/x"]) == ["create", "delete", "read", "update"]


def test_who_the_token_is(vault: Vault, server: Bao) -> None:
    assert vault.who() == "approle (rotation)"
    made = server.request("POST", "auth/token/create", {"policies": ["rotation-none"], "no_default_policy": True})
    nobody = Vault.connect(VaultSettings(server.url, token=made[1]["auth"]["client_token"]))
    assert nobody.who() == ""


# Faults


@BOTH
def test_a_write_whose_answer_is_lost_is_found_done(server: Bao, vault: Vault, path: str) -> None:
    before = vault.read(path)
    fault = Fault("POST", "cut").between(vault)
    done = vault.write(path, {"value": "one"}, before)
    assert fault.seen.count("POST") == 1 and done == vault.read(path) and seen(server, path) == {"value": "one"}


@BOTH
@pytest.mark.parametrize("step", ["lost", 500])
def test_a_write_that_left_no_trace_is_sent_once_more(server: Bao, vault: Vault, path: str, step: Any) -> None:
    path = f"{path}_{step}"
    fault = Fault("POST", step).between(vault)
    first = vault.write(path, {"value": "one"}, vault.read(path))
    assert fault.seen.count("POST") == 2 and seen(server, path) == {"value": "one"}
    Fault("POST", step, step).between(vault)
    with pytest.raises(VaultUnavailable, match=f"could not write {path}"):
        vault.set_field(path, "value", "two", first)
    assert seen(server, path) == {"value": "one"}
    fault = Fault("POST", step, "cut").between(vault)
    assert vault.set_field(path, "value", "two", first) == vault.read(path)
    assert fault.seen.count("POST") == 2 and seen(server, path) == {"value": "two"}


def test_an_outcome_that_cannot_be_known_is_called_that(server: Bao) -> None:
    vault = Vault.connect(settings(server, retries=0))
    before = vault.read("secret/unknown")
    Fault("GET POST", "cut", "lost").between(vault)
    with pytest.raises(VaultUnavailable, match="could not write secret/unknown.*may or may not have been done"):
        vault.write("secret/unknown", {"value": "one"}, before)


@BOTH
def test_what_json_does_to_data_is_no_difference(vault: Vault, path: str) -> None:
    before = vault.read(path)
    Fault("POST", "cut").between(vault)
    written = vault.write(path, {"scopes": ("a", "b")}, before)
    assert written == vault.read(path) and written.data == {"scopes": ["a", "b"]}
    vault.write(path, {"scopes": ()}, written)


@BOTH
def test_a_lost_write_is_not_repeated_over_anothers(server: Bao, vault: Vault, path: str) -> None:
    def overtaken() -> None:
        server.put(path, {"value": "theirs"})
        raise requests.ConnectionError("lost on the way")

    before = vault.read(path)
    fault = Fault("POST", overtaken).between(vault)
    with pytest.raises(VaultConflict):
        vault.write(path, {"value": "ours"}, before)
    assert fault.seen.count("POST") == 1 and seen(server, path) == {"value": "theirs"}


@BOTH
@pytest.mark.parametrize("step", ["lost", "cut"])
def test_a_delete_is_judged_by_what_is_there(server: Bao, vault: Vault, path: str, step: str) -> None:
    path = f"{path}_{step}"
    vault.write(path, {"value": "one"}, vault.read(path))
    fault = Fault("DELETE", step).between(vault)
    vault.delete(path)
    assert seen(server, path) is None and fault.seen.count("DELETE") == (2 if step == "lost" else 1)
    vault.write(path, {"value": "one"}, vault.read(path))
    Fault("DELETE", "lost", "lost").between(vault)
    with pytest.raises(VaultUnavailable, match="could not delete"):
        vault.delete(path)


@pytest.mark.parametrize("step", ["lost", "cut", 503])
def test_reads_are_tried_again_within_bounds(server: Bao, step: Any) -> None:
    vault = Vault.connect(settings(server))
    server.put("generic/again", {"value": "one"})
    vault.locate("generic/again")
    fault = Fault("GET", step).between(vault)
    assert vault.read("generic/again").data == {"value": "one"} and fault.seen == ["GET", "GET"]
    impatient = Vault.connect(settings(server, deadline=0.5))
    impatient.locate("generic/again")
    Fault("GET", *[step] * 9).between(impatient)
    started = time.monotonic()
    with pytest.raises(VaultUnavailable, match="could not read generic/again") as caught:
        impatient.read("generic/again")
    assert time.monotonic() - started < 1 and caught.value.next_step


def test_a_write_that_is_rate_limited_was_not_carried_out_and_waits_as_asked(server: Bao, vault: Vault) -> None:
    before = vault.read("secret/limited")
    fault = Fault("POST", 429).between(vault)
    started = time.monotonic()
    vault.write("secret/limited", {"value": "one"}, before)
    assert fault.seen == ["POST", "POST"] and time.monotonic() - started >= 1


def test_a_sealed_vault_is_called_that(server: Bao) -> None:
    with running() as other:
        vault = Vault.connect(settings(other, retries=1))
        other.cli("operator", "seal")
        with pytest.raises(VaultUnavailable, match="HTTP 503, Vault is sealed") as caught:
            vault.read("generic/x")
        assert "unseal" in caught.value.next_step
        vault.now()
    with pytest.raises(VaultUnavailable, match="Connection refused"):
        vault.read("generic/x")


# Time


def test_time_is_vaults_own(server: Bao, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + 3600)
    vault = Vault.connect(VaultSettings(server.url, token="root"))
    first = vault.now()
    assert abs((first - datetime.fromtimestamp(real, timezone.utc)).total_seconds()) < 3
    assert vault.now() >= first


# Servers that are not Vault


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives the listed answers, one for each connection (b"" : hangs), then none; and its address."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        done = threading.Event()

        def serve() -> None:
            listening.settimeout(0.05)
            while not done.is_set():
                try:
                    connection, _dummy = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.recv(65536)
                    answer = answers.pop(0) if answers else b"HTTP/1.1 404 None\r\n\r\n"
                    connection.sendall(answer) if answer else done.wait(5)

        pool.submit(serve)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", answers
        done.set()


def _ok(body: str, cut: int = 0) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body) + cut}\r\n\r\n"
    return (head + body).encode()


MOUNT = _ok('{"data": {"path": "kv/", "type": "kv", "options": {"version": "1"}}}')


def test_an_answer_cut_in_its_middle_is_asked_for_again(answering: tuple[str, list[bytes]]) -> None:
    url, answers = answering
    answers += [MOUNT, _ok('{"data": {"val', cut=40), _ok('{"data": {"value": "one"}}')]
    assert Vault.connect(VaultSettings(url, token="x")).read("kv/x").data == {"value": "one"}


def test_a_server_that_hangs_is_given_up(answering: tuple[str, list[bytes]]) -> None:
    url, answers = answering
    answers += [b"", b"", b""]
    started = time.monotonic()
    with pytest.raises(VaultUnavailable, match="no answer in time"):
        Vault.connect(VaultSettings(url, token="x", timeout=0.2, retries=1)).read("kv/x")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "[]", "{}", '"x"', "null", '{"data": {"path": "kv/"}}'])
def test_what_is_not_vault_is_called_that(answering: tuple[str, list[bytes]], body: str) -> None:
    url, answers = answering
    answers += [_ok(body)]
    with pytest.raises(VaultError, match="not one of Vault's") as caught:
        Vault.connect(VaultSettings(url, token="x", retries=0)).read("kv/x")
    assert "botops_vault_url" in caught.value.next_step


def test_no_redirect_takes_the_token_out_of_tls() -> None:
    from ansible_collections.botops.rotation.plugins.module_utils import _vault_http

    response, prepared = requests.Response(), requests.PreparedRequest()
    response.request = requests.Request("GET", "https://vault/v1/x").prepare()
    prepared.url, prepared.headers = "http://vault/v1/x", {}
    with pytest.raises(requests.RequestException, match="refused"):
        _vault_http.Session().rebuild_auth(prepared, response)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "metadata", "version", "path", "type", "options", "errors", "kv/"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([200, 204, 400, 403, 404, 418, 500]), JSON)
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_answer_makes_a_traceback(status: int, body: Any) -> None:
    class Anything(Fault):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
            answer = self._answer(request, status)
            answer.headers["Content-Type"], answer._content = "application/json", json.dumps(body).encode()
            return answer

    vault = Vault.connect(VaultSettings("http://127.0.0.1:1", token="x", retries=0))
    Anything("").between(vault)
    for mounts in ({}, {"kv/": 1}, {"kv/": 2}):
        vault._mounts = dict(mounts)
        for call in (
            lambda: vault.read("kv/x"),
            lambda: vault.write("kv/x", {"value": "one"}, Secret("kv/x", 1)),
            lambda: vault.delete("kv/x"),
            lambda: vault.forget_old_versions("kv/x"),
            lambda: vault.capabilities(["kv/x"]),
            vault.who,
        ):
            try:
                call()
            except RotationError:
                pass
