# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of supervisor (http://supervisord.org/api.html): XML-RPC over a unix socket or TCP, as much as they need.

Not `xmlrpc.client`: importing it takes ten times as long as a call.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from xml.etree import ElementTree

from .._http import post

_SECONDS = 60.0


class Refused(Exception):
    """supervisor answered with a fault: its `code` and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class Unanswered(Exception):
    """No answer of supervisor's came; the words say why. `status`: that of an HTTP answer, where there was one."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class Server:
    """supervisor at `unix:///path/of/a/socket` or `http://user:password@host:port`."""

    def __init__(self, url: str) -> None:
        self._socket: str | None = None
        self._headers = ["Content-Type: text/xml"]
        if url.startswith("unix://"):
            self._socket, url = url[len("unix://") :], "http://localhost"
        login, sign, rest = url.partition("://")[2].rpartition("@")
        if sign:
            self._headers.append(f"Authorization: Basic {b2a_base64(_unquoted(login), newline=False).decode()}")
            url = f"{url.partition('://')[0]}://{rest}"
        self._url = url.rstrip("/") + ("" if url.endswith("/RPC2") else "/RPC2")

    def call(self, method: str, *arguments: str | bool):
        """What the method returns. Raises Refused, Unanswered."""
        status, body, words = post(self._url, _SECONDS, self._socket, _request(method, arguments), *self._headers)
        if status != 200:
            raise Unanswered(words, status)
        try:
            answer = ElementTree.fromstring(body)
            fault = answer.find("fault/value")
            if fault is None:
                return _value(answer.find("params/param/value"))
            said = _value(fault)
            refused = Refused(said["faultCode"], said["faultString"])
        except (ElementTree.ParseError, AttributeError, KeyError, TypeError, ValueError):
            raise Unanswered("what came is no answer of XML-RPC") from None
        raise refused


def _request(method: str, arguments: tuple) -> bytes:
    given = "".join(f"<param><value>{_typed(each)}</value></param>" for each in arguments)
    text = f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{given}</params></methodCall>"
    return text.encode()


def _typed(value: str | bool) -> str:
    if isinstance(value, bool):
        return f"<boolean>{int(value)}</boolean>"
    return f"<string>{value.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</string>"


def _value(element):
    """A value in Python's types."""
    if not len(element):
        return element.text or ""
    inner = element[0]
    text = inner.text or ""
    if inner.tag in ("int", "i4"):
        return int(text)
    if inner.tag == "boolean":
        return text.strip() == "1"
    if inner.tag == "array":
        return [_value(each) for each in inner.iterfind("data/value")]
    if inner.tag == "struct":
        return {each.findtext("name"): _value(each.find("value")) for each in inner.iterfind("member")}
    return text


def _unquoted(text: str) -> bytes:
    return re.sub(rb"%([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
