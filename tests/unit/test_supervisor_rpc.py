# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of supervisor against Python's own XML-RPC, which the host program does not import."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.host_agent.managers import _supervisor_rpc
from hypothesis import given
from hypothesis import strategies as st

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
values = st.recursive(
    st.booleans() | st.integers(-(2**31), 2**31 - 1) | words,
    lambda inner: st.lists(inner) | st.dictionaries(words, inner),
    max_leaves=10,
)


class Answers:
    """Stands for HTTP: takes down what is sent, and answers with bytes."""

    def __init__(self, answer: bytes, status: int | None = 200) -> None:
        self._answer, self._status = answer, status
        self.sent: tuple[Any, ...] = ()

    def post(self, *sent: Any) -> tuple[int | None, bytes, str]:
        self.sent = sent
        return self._status, self._answer, "connection refused" if self._status is None else f"HTTP {self._status}"


def call(answers: Answers, *arguments: str | bool, url: str = "unix:///run/s.sock") -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_supervisor_rpc, "post", answers.post)
        return _supervisor_rpc.Server(url).call("supervisor.startProcess", *arguments)


@given(values)
def test_an_answer_is_read_as_python_reads_it(value: Any) -> None:
    assert call(Answers(xmlrpc.client.dumps((value,), methodresponse=True).encode())) == value


@given(st.lists(words | st.booleans(), max_size=3))
def test_a_request_is_as_python_writes_it(arguments: list[str | bool]) -> None:
    answers = Answers(xmlrpc.client.dumps((True,), methodresponse=True).encode())
    call(answers, *arguments)
    assert xmlrpc.client.loads(answers.sent[3]) == (tuple(arguments), "supervisor.startProcess")


def test_a_fault_is_raised_with_its_code_and_words() -> None:
    fault = xmlrpc.client.dumps(xmlrpc.client.Fault(10, "BAD_NAME: nobody"), methodresponse=True)
    with pytest.raises(_supervisor_rpc.Refused, match="BAD_NAME: nobody") as raised:
        call(Answers(fault.encode()))
    assert raised.value.code == 10


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"<a/>",
        b"<methodResponse/>",
        b"<methodResponse><fault><value><int>1</int></value></fault></methodResponse>",
    ],
)
def test_what_is_no_answer_is_said(answer: bytes) -> None:
    with pytest.raises(_supervisor_rpc.Unanswered, match="no answer of XML-RPC"):
        call(Answers(answer))


@pytest.mark.parametrize(("status", "said"), [(None, "connection refused"), (401, "HTTP 401")])
def test_what_http_says_instead(status: int | None, said: str) -> None:
    with pytest.raises(_supervisor_rpc.Unanswered, match=said) as raised:
        call(Answers(b"", status))
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("url", "asked", "socket", "login"),
    [
        ("unix:///run/s.sock", "http://localhost/RPC2", "/run/s.sock", None),
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001/RPC2", None, None),
        ("http://127.0.0.1:9001/RPC2", "http://127.0.0.1:9001/RPC2", None, None),
        ("http://me:a%40b@host:9001/", "http://host:9001/RPC2", None, "Authorization: Basic bWU6YUBi"),
    ],
)
def test_where_it_is_asked(url: str, asked: str, socket: str | None, login: str | None) -> None:
    answers = Answers(xmlrpc.client.dumps((True,), methodresponse=True).encode())
    call(answers, url=url)
    assert (answers.sent[0], answers.sent[2]) == (asked, socket)
    assert list(answers.sent[4:]) == ["Content-Type: text/xml", *([login] if login else [])]
