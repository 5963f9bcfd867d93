# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record is read leniently, written the same way each time, and refused without showing what is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._record import (
    HISTORY,
    Known,
    Record,
    Slot,
    State,
    Stored,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit._core import assert_no_token, stored, token
from tests.unit._fuzz import fuzz

WHERE = "generic/gobot_rotation"
TOKEN = token("secret")

WORDS = st.text(max_size=8)
STORED = st.builds(
    Stored,
    st.integers(0, 5).map(lambda n: token(str(n))),
    st.dictionaries(st.sampled_from(["team_id", "user_id", "app_id"]), WORDS),
    st.lists(WORDS, max_size=3).map(tuple),
    WORDS,
    WORDS,
)
SLOTS = st.builds(Slot, st.none() | STORED, st.none() | STORED)
KNOWN = st.builds(Known, WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=2), st.lists(WORDS).map(tuple))
NAMES = st.sampled_from(["bot", "user"])
RECORDS = st.builds(
    Record,
    WORDS,
    st.sampled_from([State.STAGED, State.PROMOTING, State.PROMOTED, State.RESTORING, State.ROLLED_BACK]),
    st.integers(1, 99),
    st.dictionaries(NAMES, SLOTS),
    st.dictionaries(NAMES, WORDS),
    st.dictionaries(NAMES, KNOWN),
    st.lists(st.dictionaries(WORDS, WORDS), max_size=3).map(tuple),
)

LEAF = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.just(TOKEN) | st.just("[[]]")
SOME = LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(WORDS, LEAF, max_size=2)
ANY = LEAF | st.lists(SOME, max_size=2) | st.dictionaries(WORDS, SOME, max_size=2)


def mostly(**fields: st.SearchStrategy) -> st.SearchStrategy:
    """A mapping with these keys, any of which may be missing or hold whatever, as it is or as JSON text."""
    shaped = st.fixed_dictionaries(
        {}, optional={name: st.one_of(value, value, value, ANY) for name, value in fields.items()}
    )
    return st.one_of(shaped, shaped, shaped.map(json.dumps))


ENTRY = mostly(token=st.just(TOKEN), fingerprint=ANY, identity=ANY, scopes=ANY, at=ANY, by=ANY)
DATA = mostly(
    schema=st.sampled_from([1, "1", 2]),
    rotation_id=ANY,
    state=st.sampled_from([*(state.value for state in State), "", TOKEN]),
    attempt=LEAF,
    replaces=mostly(bot=ANY),
    tokens=mostly(bot=mostly(pending=ENTRY, previous=ENTRY), user=mostly(pending=ENTRY, previous=ENTRY)),
    current=mostly(bot=mostly(fingerprint=ANY, at=ANY, identity=ANY, scopes=ANY)),
    history=ANY,
)


@given(RECORDS)
def test_what_is_written_is_what_is_read(record: Record) -> None:
    data = json.loads(json.dumps(record.to_dict()))
    assert Record.from_dict(data, WHERE) == record
    as_text = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in data.items()}
    assert Record.from_dict(as_text, WHERE) == record, "mappings may be JSON texts"


@fuzz()
@given(DATA | ANY)
def test_whatever_is_stored_is_read_or_refused_without_showing_it(data: Any) -> None:
    try:
        record = Record.from_dict(data, WHERE)
    except StateError as refusal:
        assert WHERE in str(refusal) and refusal.next_step
        assert_no_token(str(refusal), TOKEN)
    else:
        assert_no_token(repr(record.tokens), TOKEN)
        assert Record.from_dict(record.to_dict(), WHERE) == record


def test_a_token_alone_is_a_staged_rotation() -> None:
    for tokens in ({"bot": {"pending": {"token": TOKEN}}}, {"bot": {"pending": json.dumps({"token": TOKEN})}}):
        record = Record.from_dict({"tokens": tokens}, WHERE)
        assert record == Record(state=State.STAGED, tokens={"bot": Slot(Stored(TOKEN))})
        assert Record.from_dict({"tokens": json.dumps(tokens)}, WHERE) == record
    shown = record.to_dict()["tokens"]["bot"]["pending"]
    assert (shown["fingerprint"], shown["kind"]) == (stored("secret").fingerprint, "bot")


def test_nothing_there_is_the_empty_record() -> None:
    assert Record.from_dict(None, WHERE) == Record.from_dict({}, WHERE) == Record()
    assert Record().state is State.NONE and not Record().rotating


@pytest.mark.parametrize("empty", [None, "", {}])
def test_what_is_empty_counts_as_missing(empty: Any) -> None:
    record = Record.from_dict(
        {
            "schema": "1",
            "state": empty,
            "attempt": empty,
            "history": empty,
            "tokens": {"bot": {"pending": empty, "previous": {"token": TOKEN, "fingerprint": empty}}},
            "current": {"bot": {"fingerprint": empty, "at": empty}, "user": empty},
            "replaces": {"bot": None},
        },
        WHERE,
    )
    assert record.state is State.NONE and record.attempt == 1 and record.replaces == {"bot": ""}
    assert record.current == {"bot": Known(""), "user": Known("")}
    assert record.slot("bot") == Slot(None, Stored(TOKEN))


DAMAGED = {
    "a text": ("hello", "is not a mapping"),
    "a later schema": ({"schema": 2}, "schema other than 1"),
    "an unknown state": ({"state": "flying"}, "state or an attempt"),
    "an endless attempt": ({"attempt": float("inf")}, "state or an attempt"),
    "no name": ({"tokens": {"My App": {}}}, "something that is no name"),
    "tokens as a list": ({"tokens": [TOKEN]}, "where a mapping is due"),
    "the token where an entry is due": ({"tokens": {"bot": {"pending": TOKEN}}}, "where a mapping is due"),
    "an entry without a token": ({"tokens": {"bot": {"previous": {"at": "x"}}}}, "without a token"),
    "deep text": ({"tokens": "[" * 100000}, "where a mapping is due"),
    "another token's fingerprint": (
        {"tokens": {"bot": {"pending": {"token": TOKEN, "fingerprint": "0" * 12}}}},
        f"fingerprint is {stored('secret').fingerprint}",
    ),
    "a piece of a token as fingerprint": (
        {"tokens": {"bot": {"pending": {"token": TOKEN, "fingerprint": TOKEN[-20:]}}}},
        "and not the one stated",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_named(case: str) -> None:
    data, words = DAMAGED[case]
    with pytest.raises(StateError) as refusal:
        Record.from_dict(data, WHERE)
    assert words in str(refusal.value) and WHERE in str(refusal.value) and refusal.value.next_step
    assert_no_token(str(refusal.value), TOKEN)


def test_the_history_is_bounded() -> None:
    record = Record(history=tuple({"at": str(n)} for n in range(HISTORY + 5)))
    assert [entry["at"] for entry in record.to_dict()["history"]] == [str(n) for n in range(5, HISTORY + 5)]


def test_a_stored_token_does_not_show_itself() -> None:
    assert_no_token(repr(stored("secret")), TOKEN)
    assert_no_token(repr(Record(tokens={"bot": Slot(stored("secret"))})), TOKEN)


@pytest.mark.parametrize("history", [5, True, "text", {"at": "x"}, [5, "text"]])
def test_a_history_of_another_shape_is_left_out(history: Any) -> None:
    assert Record.from_dict({"history": history}, WHERE) == Record()
