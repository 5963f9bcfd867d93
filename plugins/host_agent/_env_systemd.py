# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of systemd's `EnvironmentFile=`, as systemd.exec(5) and its parser (src/basic/env-file.c) have it.

Lines that begin with `#` or `;` are comments; quotes may stand at the start of a value only; a backslash joins lines
outside single quotes; carriage return ends a line just as newline does; `export X` is no valid name, so such a line is
ignored; a byte that is not UTF-8 in a name or value keeps the unit from starting.
"""

from __future__ import annotations

from . import _env_file
from ._env_file import Assignment, EnvFileError

_NEWLINE = b"\r\n"
_BLANK = b" \t"
_ESCAPED = b'"\\`$'  # the characters that a backslash protects between double quotes
_UNSURE = (
    "follows a comment that ends with a backslash: systemd before 254 takes the next line for a part of the comment, "
    "later ones do not; put an empty line between them"
)


def parse(data: bytes) -> list[Assignment]:
    found = _parse(data, joins=False)
    if not any(line.endswith(b"\\") and (b"#" in line or b";" in line) for line in data.splitlines()):
        return found
    old = _parse(data, joins=True)
    for some, others in ((found, old), (old, found)):
        places = {(each.name, each.start, each.end) for each in others}
        for each in some:
            each.trouble = "" if (each.name, each.start, each.end) in places else _UNSURE
    return found + [each for each in old if each.trouble]


def _parse(data: bytes, joins: bool) -> list[Assignment]:
    """As systemd reads it; `joins`: as it did before 254, when a backslash joined the line after a comment to it."""
    found = []
    position, size = 0, len(data)
    while position < size:
        if data[position] in _NEWLINE + _BLANK:
            position += 1
        elif data[position] in b"#;":
            position = _comment_end(data, position, joins)
        else:
            start = position
            position += 1  # the first character belongs to the name, even if it is `=`
            while position < size and data[position] not in _NEWLINE + b"=":
                position += 1
            if position == size or data[position] in _NEWLINE:
                continue
            name = data[start:position].rstrip(_BLANK)
            value, begin, end = _value(data, position + 1)
            number = _env_file.number_of(data, start)
            _refuse_foreign_bytes(name, value, number)
            found.append(Assignment(name, value, begin, end, number))
            position = end
    return found


def _comment_end(data: bytes, position: int, joins: bool) -> int:
    while position < len(data) and data[position] not in _NEWLINE:
        if data[position] == 0x5C and (joins or data[position + 1 : position + 2] not in (b"\r", b"\n")):
            position += 1
        position += 1
    return position


def _value(data: bytes, position: int) -> tuple[bytes, int, int]:
    """The value whose text begins at `position`, and where that text starts and ends (the line end is not in it)."""
    size = len(data)
    while position < size and data[position] in _BLANK:
        position += 1
    begin, value, kept = position, bytearray(), 0
    while position < size and data[position] not in _NEWLINE:  # quoted parts; blanks between them do not count
        byte = data[position]
        if byte in b"'\"":
            position = _quoted(data, position, value)
        elif byte in _BLANK:
            position += 1
        else:
            break
    kept = len(value)
    while position < size and data[position] not in _NEWLINE:  # the bare part; from here on a quote is a quote
        byte = data[position]
        if byte == 0x5C:
            position += 1
            if position < size and data[position] not in _NEWLINE:
                value.append(data[position])
            kept = len(value)
        else:
            value.append(byte)
            if byte not in _BLANK:
                kept = len(value)
        position += 1
    position = min(position, size)
    return bytes(value[:kept]), begin, position


def _quoted(data: bytes, position: int, value: bytearray) -> int:
    """Take the quoted part that begins at `position` into `value`; the position after it."""
    quote, size = data[position], len(data)
    position += 1
    while position < size and data[position] != quote:
        byte = data[position]
        if quote == 0x22 and byte == 0x5C and position + 1 < size:
            position += 1
            if data[position] in _ESCAPED:
                value.append(data[position])
            elif data[position] != 0x0A:
                value += bytes((0x5C, data[position]))
        elif quote == 0x22 and byte == 0x5C:
            pass
        else:
            value.append(byte)
        position += 1
    return min(position + 1, size)


def _refuse_foreign_bytes(name: bytes, value: bytes, number: int) -> None:
    try:
        name.decode("utf-8")
        value.decode("utf-8")
    except UnicodeDecodeError:
        raise EnvFileError(
            f"line {number} has a byte that is not UTF-8: systemd would not start the unit; convert the file to UTF-8"
        ) from None


def rewrite(each: Assignment | None, raw: bytes, value: bytes) -> bytes:
    mark = _env_file.quotes_of(raw.strip(_BLANK))
    if _env_file.is_plain(value):
        return mark + value + mark
    return b'"' + b"".join(b"\\" + bytes((byte,)) if byte in _ESCAPED else bytes((byte,)) for byte in value) + b'"'


def line(name: bytes, value: bytes, assignments: list[Assignment]) -> bytes:
    return name + b"=" + rewrite(None, b"", value) + b"\n"
