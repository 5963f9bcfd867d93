# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in for Slack or Vault may answer anything: it is read, or refused with words, and shows no token.

The real clients are at work (slack_sdk, hvac, requests); only what would open a connection is replaced.
"""

from __future__ import annotations

import functools
import http.client
import io
import json
from collections.abc import Callable
from email.message import Message
from typing import Any
from unittest.mock import patch
from urllib.error import HTTPError, URLError

import requests
from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret, Vault, VaultSettings
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from tests.sandbox import tokens
from tests.unit._core import assert_no_token, registry
from tests.unit._fuzz import fuzz

OURS, THEIRS = tokens.bot(), tokens.user()  # the token that is sent, and one that nobody has registered
WEBHOOK = "http://127.0.0.1:1" + tokens.webhook_path()
ROOT = tokens.vault_service()
ROW = registry().installation("gobot", "ibmcloud")

STATUS = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 405, 412, 418, 429, 473, 500, 502, 503])
TEXT = st.text(max_size=8) | st.sampled_from(
    [OURS, THEIRS, f"token={THEIRS}", "\x1b[31m", "sealed", "0", "-1", "1e999"]
)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT


def mapping(*keys: str) -> st.SearchStrategy[Any]:
    """Anything that JSON can say, mostly mappings with these keys."""
    return st.recursive(
        LEAF,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.fixed_dictionaries({}, optional=dict.fromkeys(keys, inner))
            | st.dictionaries(st.text(max_size=4), inner, max_size=2)
        ),
        max_leaves=12,
    )


def bodies(shaped: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """JSON mostly, at times only its beginning, or anything."""
    whole = shaped.map(lambda data: json.dumps(data).encode())
    cut = st.tuples(whole, st.integers(0, 60)).map(lambda both: both[0][: both[1]])
    page = st.sampled_from([b"", b"ok", b"no_service", b"<html>Log in</html>", f"<p>{THEIRS}".encode(), b"\xff\xfe{"])
    return whole | whole | cut | page | st.binary(max_size=40)


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            [
                "application/json",
                "application/json; charset=utf-16",
                "text/html",
                "application/gzip",
                "x",
                "a; charset=?",
            ]
        ),
        "Date": st.sampled_from(["Mon, 23 Nov 2026 02:00:00 GMT", "yesterday", "", "Mon, 99 Nov 99999 02:00:00 GMT"]),
        "Retry-After": st.sampled_from(["0", "3", "soon", "-1", "Mon, 23 Nov 2026 02:00:00 GMT", "inf"]),
        "X-OAuth-Scopes": st.sampled_from(["chat:write,users:read", "", ",,", THEIRS]),
    },
)


def tell(act: Callable[[], Any]) -> str:
    """What people would see: what comes back or is raised, through the wrapper's masking. Never another exception."""
    try:
        return str(_redact.clean({"result": repr(act())}))
    except RotationError as error:
        assert error.message
        assert_no_token(str(error), OURS, ROOT)  # what is registered is masked where the error is made
        return _redact.text(str(error))


# --- Slack -----------------------------------------------------------------------------------------------------------

CODES = st.sampled_from(
    [
        "invalid_auth",
        "token_revoked",
        "account_inactive",
        "token_expired",
        "ratelimited",
        "fatal_error",
        "channel_not_found",
        "missing_scope",
        "not_allowed_token_type",
        "org_login_required",
        "ekm_access_denied",
    ]
)
DEAD = {"token_revoked", "account_inactive", "token_expired"}
SAID = mapping("ok", "error", "needed", "team_id", "user_id", "bot_id", "bot", "app_id", "channel", "ts", "messages")
SLACK = bodies(
    SAID
    | st.fixed_dictionaries({"ok": st.just(False), "error": CODES | TEXT}, optional={"needed": LEAF})
    | st.fixed_dictionaries(
        {"ok": st.just(True)},
        optional={
            "team_id": LEAF,
            "bot_id": LEAF,
            "bot": SAID,
            "channel": LEAF,
            "ts": LEAF,
            "messages": st.lists(st.none() | mapping("metadata", "event_payload", "mark", "ts"), max_size=2) | SAID,
        },
    )
)
BROKEN = st.sampled_from(
    [
        URLError(ConnectionResetError(104, f"reset {OURS}")),
        URLError(TimeoutError("timed out")),
        TimeoutError("timed out"),
        http.client.IncompleteRead(b"half"),
        http.client.RemoteDisconnected(f"gone {OURS}"),
        http.client.BadStatusLine("x"),
        ConnectionAbortedError(103, "aborted"),
    ]
)


class Response(io.BytesIO):
    """As much of urllib's response as slack_sdk looks at."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(body)
        self.status = self.code = status
        self.headers = Message()
        for name, value in headers.items():
            self.headers[name] = value


def urlopen(answers: list[Any]) -> Callable[..., Response]:
    """Gives the answers in turn, and then again, as urllib does: an error status is raised."""
    given_so_far = iter(range(10**6))

    def open_(request: Any, **_more: Any) -> Response:
        answer = answers[next(given_so_far) % len(answers)]
        if isinstance(answer, Exception):
            raise answer
        response = Response(*answer)
        if response.status >= 400:
            raise HTTPError(request.full_url, response.status, "on purpose", response.headers, response)
        return response

    return open_


@fuzz()
@given(st.lists(st.tuples(STATUS, HEADERS, SLACK) | BROKEN, min_size=1, max_size=3))
def test_whatever_slack_answers(answers: list[Any]) -> None:
    slack = Slack("http://127.0.0.1:1/api/", timeout=1)
    calls = (
        lambda: slack.probe(OURS),
        lambda: slack.post(OURS, "C0123", "text", [], "mark"),
        lambda: slack.find(OURS, "C0123", "mark", "0"),
        lambda: slack.join(OURS, "C0123"),
        lambda: slack.post_webhook(WEBHOOK, "text", []),
    )
    for call in calls:
        with (
            patch("slack_sdk.web.base_client.urlopen", urlopen(answers)),
            patch("slack_sdk.webhook.client.urlopen", urlopen(answers)),
            patch("time.sleep", lambda seconds: None),
        ):
            said = tell(call)
        assert_no_token(said, OURS, THEIRS, WEBHOOK)


@fuzz()
@given(STATUS, HEADERS, SLACK)
def test_only_slacks_proof_is_death(status: int, headers: dict[str, str], body: bytes) -> None:
    with (
        patch("slack_sdk.web.base_client.urlopen", urlopen([(status, headers, body)])),
        patch("time.sleep", lambda seconds: None),
    ):
        life = Slack("http://127.0.0.1:1/api/", timeout=1).probe(OURS).life
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    said = data if isinstance(data, dict) else {}
    assert life is not Life.DEAD or (said.get("error") in DEAD and status < 500 and status != 429)
    assert life is not Life.ALIVE or (bool(said.get("ok")) and status == 200)


# --- Vault -----------------------------------------------------------------------------------------------------------

SECRET = mapping("data", "metadata", "version", "errors", "value", "tokens", "pending", "bot", "token", "state")
VAULT = bodies(
    SECRET
    | st.fixed_dictionaries({"errors": st.lists(TEXT | st.just("check-and-set parameter did not match"), max_size=2)})
    | st.fixed_dictionaries(
        {
            "data": st.fixed_dictionaries(
                {},
                optional={
                    "path": st.sampled_from(["generic/", "kv/", 1, None]),
                    "type": st.sampled_from(["kv", "generic", "pki", None]),
                    "options": st.sampled_from([{"version": "2"}, {"version": "x"}, None, 5, []]),
                    "data": SECRET,
                    "metadata": mapping("version", "deletion_time", "destroyed"),
                    "versions": mapping("1", "destroyed"),
                    "current_version": LEAF,
                    "value": LEAF,
                    "keys": LEAF,
                },
            )
        }
    )
)


class Anything(HTTPAdapter):
    """Answers requests with what it was given, in turn, and then again."""

    def __init__(self, answers: list[Any]) -> None:
        super().__init__()
        self.answers, self.count = answers, 0

    def send(self, request: Any, *_args: Any, **_more: Any) -> requests.Response:
        answer = self.answers[self.count % len(self.answers)]
        self.count += 1
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, headers, response._content = answer
        response.headers.update(headers)
        response.url, response.request, response.raw = request.url, request, None
        return response


@functools.cache
def connected() -> Vault:
    return Vault.connect(VaultSettings("http://127.0.0.1:1", token=ROOT, retries=1))


PATH = "generic/gobot_ibmcloud"
CALLS: dict[str, Callable[[Vault], Any]] = {
    "read": lambda vault: vault.read(PATH),
    "write": lambda vault: vault.write(PATH, {"value": OURS}, Secret(PATH, 1)).version,
    "set field": lambda vault: vault.set_field(PATH, "value", OURS, Secret(PATH, 2, {"a": "b"}, 3)).version,
    "forget": lambda vault: vault.forget_old_versions(PATH),
    "rights": lambda vault: vault.capabilities([PATH]),
    "who": lambda vault: vault.who(),
    "now": lambda vault: vault.now(),
    "record": lambda vault: RecordStore(vault, registry(), "value", lambda _row: None).read(ROW).record,
}
FAILED = st.sampled_from(
    [
        requests.ConnectionError(f"cut off {ROOT}"),
        requests.Timeout("slow"),
        requests.exceptions.ChunkedEncodingError("half"),
        requests.exceptions.SSLError("certificate verify failed"),
        requests.exceptions.ProxyError(f"http://user:{ROOT}@proxy"),
        requests.exceptions.ContentDecodingError("gzip"),
        requests.exceptions.InvalidHeader(f"X-Vault-Token: {ROOT}"),
    ]
)


@fuzz()
@given(
    st.lists(st.tuples(STATUS, HEADERS, VAULT) | FAILED, min_size=1, max_size=4),
    st.sampled_from([{}, {"generic/": 1}, {"generic/": 2}]),
    st.sampled_from(list(CALLS)),
)
def test_whatever_vault_answers(answers: list[Any], mounts: dict[str, int], call: str) -> None:
    vault = connected()
    vault._http.session.mount("http://", Anything(answers))
    vault._mounts = dict(mounts)
    with patch("time.sleep", lambda seconds: None):
        said = tell(lambda: CALLS[call](vault))
    assert_no_token(said, OURS, THEIRS, ROOT)


@fuzz()
@given(STATUS, HEADERS, VAULT)
def test_whatever_a_login_is_answered_with(status: int, headers: dict[str, str], body: bytes) -> None:
    settings = VaultSettings("http://127.0.0.1:1", auth_method="approle", role_id="r", secret_id=ROOT, retries=0)

    def send(_self: HTTPAdapter, *args: Any, **more: Any) -> requests.Response:
        return Anything([(status, headers, body)]).send(*args, **more)

    with patch.object(HTTPAdapter, "send", send):
        assert_no_token(tell(lambda: Vault.connect(settings).who()), OURS, THEIRS, ROOT)
