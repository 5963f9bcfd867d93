# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of files that a shell reads: `set -a; . FILE`, or `export NAME=value` lines.

The file is read as the shell language has it (quotes, backslashes, comments, `;`), but nothing is ever run: a value
with `$` or a backquote is not known, and an assignment inside `if`, after `&&` and so on is refused where it is asked
for. A carriage return is a character like any other to a shell, so it is part of the value.
"""

from __future__ import annotations

import re

from . import _env_file
from ._env_file import Assignment, EnvFileError, number_of

_ASSIGNS = re.compile(rb"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_EXPORTS = (b"export", b"readonly", b"declare", b"typeset")
_OPENS = (b"if", b"case", b"for", b"while", b"until", b"{", b"select")
_CLOSES = (b"fi", b"esac", b"done", b"}")
_ENDS = b"\n;&|()"
_COMPUTED = "is computed by the shell, which this tool does not run; write the plain value there"
_CONDITIONAL = "is set under a condition or in a part of the file that may not be run; set it in a line of its own"
_PREFIX = "is set for one command only; end that line after the value"
_QUOTED = "is quoted together with its name; write it as NAME='value'"
_APPENDED = "is put together with `+=` or `(`; write it as one plain value"
_UNSET = "is unset there; remove that line"


class _Word:
    """One word of a command: where its text stands, and its value (None: not known without a shell)."""

    __slots__ = ("end", "raw", "start", "value")

    def __init__(self, data: bytes, start: int, end: int, value: bytes | None) -> None:
        self.start, self.end, self.value = start, end, value
        self.raw = data[start:end].replace(b"\\\n", b"")  # a line that goes on is no part of any word


def parse(data: bytes) -> list[Assignment]:
    found: list[Assignment] = []
    words: list[_Word] = []
    depth, position, size, joined = 0, 0, len(data), False
    while position <= size:
        byte = data[position : position + 1]
        if byte in (b" ", b"\t") and byte:
            position += 1
        elif data[position : position + 2] == b"\\\n":
            position += 2
        elif byte == b"#":
            while position < size and data[position] != 0x0A:
                position += 1
        elif not byte or byte in _ENDS:
            pair = data[position : position + 2]
            stops = byte in (b"&", b"|")
            depth = _command(data, words, depth, joined or stops, byte == b"(", found)
            joined = pair in (b"&&", b"||") or (joined and not words and byte == b"\n") or byte == b"|"
            depth += (byte == b"(") - (byte == b")")
            words = []
            position += 2 if pair in (b"&&", b"||", b";;") else 1
        elif byte in (b"<", b">"):
            if data[position : position + 2] == b"<<":
                raise EnvFileError(f"line {number_of(data, position)} has a here-document, which this tool cannot read")
            words.append(_Word(data, position, position + 1, None))
            position += 1
        else:
            word = _word(data, position)
            words.append(word)
            position = word.end
    return found


def _command(data: bytes, words: list[_Word], depth: int, joined: bool, array: bool, found: list[Assignment]) -> int:
    """Add what one simple command assigns to `found`; the depth of compound commands after it."""
    while words and words[0].raw in (*_OPENS, *_CLOSES, b"then", b"else", b"elif", b"do", b"!"):
        depth += (words[0].raw in _OPENS) - (words[0].raw in _CLOSES)
        words = words[1:]
        joined = True
    if not words:
        return max(depth, 0)
    command = next((number for number, word in enumerate(words) if not _ASSIGNS.match(word.raw)), len(words))
    name = words[command].value if command < len(words) else b""
    exported = name in _EXPORTS
    for number, word in enumerate(words):
        trouble = _CONDITIONAL if joined or depth > 0 else ""
        if command < len(words) and number < command:
            trouble = _PREFIX
        match = _ASSIGNS.match(word.raw)
        quoted = None if match else _ASSIGNS.match(word.value or b"")
        if match and (number < command or exported):
            found.append(_assignment(data, word, match, trouble, exported, array and word is words[-1]))
        elif (quoted and exported) or (name == b"unset" and number > command):
            variable, trouble = (quoted.group(1), _QUOTED) if exported else (word.value or b"", _UNSET)
            found.append(Assignment(variable, None, word.start, word.end, number_of(data, word.start), trouble))
    return max(depth, 0)


def _assignment(data: bytes, word: _Word, match: re.Match, trouble: str, exported: bool, array: bool) -> Assignment:
    start = data.index(b"=", word.start) + 1
    raw = word.raw[match.end() :]
    value = None if word.value is None else word.value[match.end() :]
    expands = exported and re.search(rb"[*?\[{]", raw) and not _env_file.quotes_of(raw)
    if raw.startswith(b"~") or b":~" in raw or expands:
        value = None
    if match.group(2) or array:
        trouble, value = _APPENDED, None
    elif value is None and not trouble:
        trouble = _COMPUTED
    return Assignment(match.group(1), value, start, word.end, number_of(data, word.start), trouble, exported)


def _word(data: bytes, start: int) -> _Word:
    """The word that begins at `start`."""
    position, size, value, known = start, len(data), bytearray(), True
    while position < size and data[position] not in b" \t<>" + _ENDS:
        byte = data[position]
        if byte == 0x5C:
            following = data[position + 1 : position + 2]
            if not following:
                line = number_of(data, position)
                raise EnvFileError(
                    f"line {line} is the last one and ends in a backslash, which joins what follows to it"
                )
            value += b"" if following == b"\n" else following or b"\\"
            position += 2
        elif byte == 0x27:
            close = _find(data, b"'", position)
            value += data[position + 1 : close]
            position = close + 1
        elif byte == 0x22:
            position, plain = _double(data, position, value)
            known = known and plain
        elif byte in b"$`":
            position, known = _expansion(data, position), False
        else:
            value.append(byte)
            position += 1
    position = min(position, size)
    return _Word(data, start, position, bytes(value) if known else None)


def _double(data: bytes, start: int, value: bytearray) -> tuple[int, bool]:
    """Take the text between double quotes into `value`; the position after it and whether it is all plain."""
    position, plain = start + 1, True
    while position < len(data):
        byte = data[position]
        if byte == 0x22:
            return position + 1, plain
        if byte == 0x5C:
            following = data[position + 1 : position + 2]
            if following != b"\n":
                value += following if following in (b"$", b"`", b'"', b"\\") else b"\\" + following
            position += 2
        elif byte in b"$`":
            position, plain = _expansion(data, position), False
        else:
            value.append(byte)
            position += 1
    raise _open(data, start)


def _expansion(data: bytes, start: int) -> int:
    """The position after the `$...` or backquoted text that begins at `start`. It is never evaluated."""
    opening = data[start + 1 : start + 2]
    if data[start] == 0x60 or opening == b"'":  # `...` and bash's $'...'
        mark, position = (0x60, start + 1) if data[start] == 0x60 else (0x27, start + 2)
        while position < len(data) and data[position] != mark:
            position += 2 if data[position] == 0x5C else 1
        if position >= len(data):
            raise _open(data, start)
        return position + 1
    if opening not in (b"(", b"{"):
        return start + 1
    closing, depth, position = (b")" if opening == b"(" else b"}"), 0, start + 1
    while position < len(data):
        byte = data[position : position + 1]
        if byte == b"\\":
            position += 1
        elif byte == b"'":
            position = _find(data, b"'", position)
        elif byte == b'"':
            position = _double(data, position, bytearray())[0] - 1
        elif byte == b"`":
            position = _expansion(data, position) - 1
        elif byte in (opening, closing):
            depth += 1 if byte == opening else -1
            if depth == 0:
                return position + 1
        position += 1
    raise _open(data, start)


def _find(data: bytes, mark: bytes, start: int) -> int:
    close = data.find(mark, start + 1)
    if close < 0:
        raise _open(data, start)
    return close


def _open(data: bytes, start: int) -> EnvFileError:
    return EnvFileError(f"line {number_of(data, start)} opens a quote or an expansion that is never closed; correct it")


def rewrite(each: Assignment | None, raw: bytes, value: bytes) -> bytes:
    # The text of a line with CR LF ends in the CR, which a shell would take for a part of the token: it goes.
    mark = _env_file.quotes_of(raw.rstrip(b"\r"))
    if _env_file.is_plain(value) and not value.startswith(b"~") and b":~" not in value:
        return mark + value + mark
    return b"'" + value.replace(b"'", b"'\\''") + b"'"


def line(name: bytes, value: bytes, assignments: list[Assignment]) -> bytes:
    start = b"export " if any(each.exported for each in assignments) else b""
    return start + name + b"=" + rewrite(None, b"", value) + b"\n"
