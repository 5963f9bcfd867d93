# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret leaves through a message, a result or a log, and nothing else is lost on the way."""

from __future__ import annotations

import io
import json
import logging
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _redact, _tokens
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._fuzz import fuzz
from tests.unit.test_tokens import MAKERS, ORDINARY, pieces

AROUND = st.text(string.ascii_letters + string.digits + " .,:;'\"()[]{}<>/&=?\n\\-_%", max_size=30)
SPELLINGS = {
    "as it is": str,
    "percent-encoded": lambda value: quote(value, safe=""),
    "percent-encoded dashes": lambda value: quote(value, safe="").replace("-", "%2D").replace(".", "%2e"),
    "twice percent-encoded": lambda value: quote(quote(value, safe="").replace("-", "%2D"), safe=""),
    "JSON": json.dumps,
    "JSON of Slack": lambda value: json.dumps(value).replace("/", "\\/"),
    "JSON in JSON": lambda value: json.dumps(json.dumps({"a": value})),
    "unicode escapes": lambda value: value.replace("-", "\\u002d").replace("/", "\\u002F"),
    "repr of bytes": lambda value: repr(value.encode()),
}


@contextmanager
def registered(*values: str) -> Iterator[None]:
    """The memory is of the process; each example has to start with nothing in it."""
    _redact._whole.clear()
    _redact._pieces.clear()
    _redact._bare.clear()
    try:
        for value in values:
            _redact.register(value)
        yield
    finally:
        _redact._whole.clear()
        _redact._pieces.clear()
        _redact._bare.clear()


def shown_of(secret: str, seen: str) -> set[str]:
    return pieces(tokens.secret_part(secret)) & pieces(seen)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", tokens.MAKERS)
def test_every_kind_is_masked_by_its_shape(kind: str, spelling: str) -> None:
    secret = tokens.MAKERS[kind]()
    seen = _redact.text(f"before {SPELLINGS[spelling](secret)} after")
    assert not shown_of(secret, seen)
    assert f"<redacted {kind}{'' if kind == 'webhook URL' else ' token'}>" in seen
    assert seen.startswith("before ")
    assert seen.endswith(" after")


@fuzz(200)
@given(MAKERS, AROUND, AROUND, st.integers(30, 100))
def test_a_truncated_one_is_masked_by_its_shape(maker, before: str, after: str, percent: int) -> None:
    secret = maker()
    # A legacy Vault token has no mark but its length.
    cut = secret[: max(len(secret) * percent // 100, 23)]
    seen = _redact.text(f"{before} {cut} {after}")
    assert not shown_of(secret, seen)


@fuzz(200)
@given(st.lists(MAKERS, min_size=1, max_size=4), st.data())
def test_no_piece_of_a_registered_secret_is_seen(makers, data) -> None:
    secrets = [maker() for maker in makers]
    parts = []
    for secret in secrets:
        body = tokens.secret_part(secret)
        start = data.draw(st.integers(0, max(0, len(body) - 12)))
        parts += [data.draw(AROUND), body[start : data.draw(st.integers(start + 1, len(body)))]]
    whole = "".join([*parts, data.draw(AROUND)])
    with registered(*secrets):
        seen = _redact.text(whole)
        assert not any(shown_of(secret, seen) for secret in secrets)
        assert _redact.text(seen) == seen


@given(MAKERS, st.sampled_from(sorted(SPELLINGS)))
def test_a_registered_secret_is_replaced_by_its_fingerprint(maker, spelling: str) -> None:
    secret = maker()
    with registered(secret):
        seen = _redact.text(f"say {SPELLINGS[spelling](secret)} please")
        assert f"<token {_tokens.fingerprint(secret)}>" in seen
        assert not shown_of(secret, seen)


def test_a_long_run_is_one_mask_and_a_short_piece_is_none() -> None:
    secret = "xox" + "b-1-2-abcdefghijklmnopqrstuvwx"
    mask = f"<token {_tokens.fingerprint(secret)}>"
    with registered(secret):
        assert _redact.text("a bcdefghijklmnopqr!") == f"a {mask}!"
        assert _redact.text("a bcdefghijkl!") == "a bcdefghijkl!"
        assert _redact.text("defghijklmno defghijklmno") == f"{mask} {mask}"


def test_what_is_registered_without_a_known_shape_is_masked_whole() -> None:
    with registered("correct horse battery", "hunter-22", "root", "", "  padded-secret-value\n"):
        assert (
            _redact.text("it is correct horse battery.")
            == f"it is <token {_tokens.fingerprint('correct horse battery')}>."
        )
        assert _redact.text("pass hunter-22 on") == f"pass <token {_tokens.fingerprint('hunter-22')}> on"
        assert _redact.text("root cause") == "root cause"  # too short to be told from a word
        assert "padded-secret" not in _redact.text("x padded-secret-value x")


def test_only_the_secret_part_of_a_registered_webhook_is_a_piece() -> None:
    url = "http://127.0.0.1:8080" + tokens.webhook_path()
    with registered(url):
        assert _redact.text("GET http://127.0.0.1:8080/healthz") == "GET http://127.0.0.1:8080/healthz"
        assert _redact.text(f"POST {url[21:]} failed") == f"POST <token {_tokens.fingerprint(url)}> failed"


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("Authorization: Bearer abcd1234", "Authorization: Bearer <redacted credential>"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic <redacted credential>'}"),
        ("X-Vault-Token: my-own-root", "X-Vault-Token: <redacted credential>"),
        ("'X-Vault-Token': b'my-own-root'", "'X-Vault-Token': b'<redacted credential>'"),
        ('{"secret_id": "0f5b1c2d-1111-2222-3333-444455556666"}', '{"secret_id": "<redacted credential>"}'),
        ("a Bearer token in the header", "a Bearer token in the header"),
        ("a bot token (xoxb-...) is due", "a bot token (xoxb-...) is due"),
    ],
)
def test_credentials_known_by_their_name(said: str, seen: str) -> None:
    assert _redact.text(said) == seen


@pytest.mark.parametrize("value", ORDINARY)
def test_ordinary_words_survive(value: str) -> None:
    with registered(*(maker() for maker in tokens.MAKERS.values())):
        assert _redact.text(value) is value


@given(st.lists(st.sampled_from(ORDINARY + ["failed:", "->", "in", "msg=", "{}", "\n"])).map(" ".join))
def test_ordinary_text_survives(value: str) -> None:
    assert _redact.text(value) == value


@given(st.text())
def test_masking_twice_is_masking_once(value: str) -> None:
    once = _redact.text(value)
    assert _redact.text(once) == once


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.text(string.ascii_lowercase, min_size=1, max_size=8))
def test_clean_reaches_everything(data: object, key: str) -> None:
    secret, other = tokens.bot(), tokens.user()
    value = {key: [data, {secret: (other, {other.encode()}, secret.encode())}], "COUNT": 5}
    seen = _redact.clean(value)
    assert not shown_of(secret, repr(seen))
    assert not shown_of(other, repr(seen))
    assert seen["COUNT"] == 5
    assert isinstance(seen[key][1]["<redacted bot token>"], tuple)


@given(JSON)
def test_clean_keeps_what_holds_no_secret(data: object) -> None:
    assert _redact.clean(data) == data


def test_clean_keeps_other_types_and_knows_subclasses_of_str() -> None:
    class Tagged(str):
        pass

    harmless, thing = Tagged("gobot"), object()
    assert _redact.clean(harmless) is harmless
    assert _redact.clean(thing) is thing
    assert _redact.clean(Tagged(tokens.bot())) == "<redacted bot token>"
    assert _redact.clean(b"\xff " + tokens.bot().encode()) == "\ufffd <redacted bot token>"
    assert _redact.clean(frozenset({tokens.bot()})) == frozenset({"<redacted bot token>"})


@pytest.mark.parametrize(
    "value",
    ["T0ABCD1234EFGH5678ijkl", "0123456789abcdef0123456789", "abcdefghijklMNOPQRSTuvwx", tokens.bot()],
    ids=["mixed", "hex", "letters", "bot token"],
)
def test_shown_does_not_quote_what_may_be_a_piece_of_a_secret(value: str) -> None:
    assert _redact.shown(value) == f"something that looks like a secret ({len(value)} characters)"


def test_shown_quotes_or_describes() -> None:
    given_and_shown = {"gobt": '"gobt"', "a\nb\u202e": '"a\\nb\\u202e"', 5: "5", None: "nothing", 10**5000: "a number"}
    assert {value: _redact.shown(value) for value in given_and_shown} == given_and_shown
    assert _redact.shown("a b " * 100) == "a text of 400 characters"


def log_of(act) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(_redact.Filter())
    logger = logging.getLogger(f"{__name__}.a_library")
    logger.propagate = False
    logger.addHandler(handler)
    act(logger)
    logger.removeHandler(handler)
    return stream.getvalue()


def test_a_log_is_masked_message_arguments_and_exception(capsys: pytest.CaptureFixture[str]) -> None:
    secret = tokens.bot()

    def fail(logger: logging.Logger) -> None:
        logger.warning("sending %s as %r", {"token": secret}, secret.encode(), stack_info=True)
        logger.warning("%d wrong arguments", secret)
        try:
            raise ValueError(f"bad header {secret}")
        except ValueError:
            logger.exception("it failed")

    seen = log_of(fail)
    assert not shown_of(secret, seen)
    assert "it failed" in seen
    assert "ValueError: bad header <redacted bot token>" in seen
    assert capsys.readouterr().err == ""


def test_a_megabyte_is_masked_in_reasonable_time() -> None:
    secrets = [maker() for maker in tokens.MAKERS.values()]
    worst = ["a" * 10**6, "xoxb-" * 200_000, "\\" * 10**6 + "services", "https%3a%2f%2f" * 70_000 + "services/T0/"]
    with registered(*secrets):
        for filler in worst:
            start = time.process_time()
            seen = _redact.text(f"{filler} {secrets[0]}")
            assert (
                time.process_time() - start < 10
            )  # CPU time; 0.4 s where nothing else runs, hours for what is quadratic
            assert not shown_of(secrets[0], seen)


@pytest.mark.parametrize("kind", tokens.MAKERS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_masked_is_suspected_before(kind: str, spelling: str) -> None:
    """One search spares the others where there is nothing: it must never spare them where there is something."""
    secret = SPELLINGS[spelling](tokens.MAKERS[kind]())
    if any(pattern.search(secret) for _name, _hints, pattern in _tokens.SECRETS):
        assert _tokens.suspect(secret.lower())


@given(
    st.text(),
    st.sampled_from(["s.", "r.", "b.", "hvs.", "1234567.1234567.", "xo" + "xb-"]),
    st.text(string.printable, max_size=60),
)
def test_nothing_is_spared_that_would_match(before: str, start: str, after: str) -> None:
    value = before + start + after
    if any(pattern.search(value) for _name, _hints, pattern in _tokens.SECRETS):
        assert _tokens.suspect(value.lower())


def test_a_secret_without_a_secret_part_of_some_length_is_masked_among_many() -> None:
    many = [tokens.bot() for _number in range(50)]
    with registered("hunter2hunter", "secret-1", *many):
        assert (
            "hunter2" not in _redact.text("a secret-1 and hunter2hunter")
            and "secret-1" not in _redact.text("a secret-1.")
            and many[7] not in _redact.text(f"<{many[7]}>")
        )


@pytest.mark.parametrize("start", ["xoxb", "xoxp", "xapp", "xoxe", "xwfp"])
def test_a_token_cut_off_after_its_first_character_is_masked(start: str) -> None:
    assert _redact.text(f"{start}-1").startswith("<redacted ")
