# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files as bytes: the value that a variable has, and new bytes in which it has another.

Who reads the file decides what it means, so there are three dialects (`_env_systemd`, `_env_shell`, `_env_podman`),
modules with the same three names:

    parse(data) -> list[Assignment]      in the order of the file; the last one of a name wins
    rewrite(each, raw, value) -> bytes   what replaces `raw`, the text of an assignment's value, in the same style
    line(name, value, assignments)       a whole new line

Everything that is not the value of a variable that was asked for stays as it is, byte for byte.
"""

from __future__ import annotations

import importlib
from types import ModuleType

FORMATS = ("systemd", "shell", "podman")
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=@%+,-"
_PRINTABLE = bytes(range(0x20, 0x7F))
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EnvFileError(Exception):
    """The file does not mean what it would have to mean; the text says where and what to do, without any value."""


class Assignment:
    """One assignment. `value` is None where only running the file would tell. `start`, `end`: where its text stands.

    `trouble` says why this one must not be relied on or changed ("" when it may); `exported` is for the shell.
    """

    __slots__ = ("end", "exported", "name", "number", "start", "trouble", "value")

    def __init__(self, name, value, start, end, number, trouble="", exported=False) -> None:
        self.name: bytes = name
        self.value: bytes | None = value
        self.start: int = start
        self.end: int = end
        self.number: int = number
        self.trouble: str = trouble
        self.exported: bool = exported


def dialect(name: str) -> ModuleType:
    """The module for `systemd`, `shell` or `podman`."""
    if name not in FORMATS:
        raise EnvFileError(f"env_format {name!r} is not known; use one of {', '.join(FORMATS)}")
    return importlib.import_module(f"{__package__}._env_{name}")


def is_plain(value: bytes) -> bool:
    """Whether every dialect takes `value` literally without quotes; true for all tokens that Slack documents."""
    return _holds_only(value, _PLAIN)


def _holds_only(value: bytes, allowed: bytes) -> bool:
    """Whether there is something in `value`, and nothing else than these bytes."""
    return bool(value) and not value.translate(None, allowed)


def quotes_of(raw: bytes) -> bytes:
    """The quote that encloses the whole of `raw`, or nothing."""
    quote = raw[:1]
    whole = len(raw) >= 2 and quote in (b'"', b"'") and raw[-1:] == quote and quote not in raw[1:-1]
    return quote if whole else b""


def number_of(data: bytes, position: int) -> int:
    """The line number, from 1, of a position."""
    return data.count(b"\n", 0, position) + 1


def parse(kind: ModuleType, data: bytes) -> list[Assignment]:
    """All assignments, after the checks that hold for every dialect."""
    if b"\0" in data:
        raise EnvFileError(f"has a NUL byte in line {number_of(data, data.index(0))}; it is not an environment file")
    return kind.parse(data)


def values(kind: ModuleType, data: bytes) -> dict[bytes, bytes | None]:
    """Variable -> effective value; None where only running the file would tell."""
    return {each.name: each.value for each in parse(kind, data)}


def read(kind: ModuleType, data: bytes, names: list[str]) -> dict[str, bytes | None]:
    """The effective values of `names`; None for one that is not there. Raises where one must not be relied on."""
    wanted = {name.encode() for name in names}
    found: dict[bytes, bytes | None] = {}
    for each in parse(kind, data):
        if each.name in wanted:
            if each.trouble:
                raise EnvFileError(f"line {each.number}: {each.name.decode()} {each.trouble}")
            found[each.name] = each.value
    return {name: found.get(name.encode()) for name in names}


def stray(kind: ModuleType, data: bytes, name: str) -> list[int]:
    """Lines that look as if they set `name` but do not in this dialect (systemd and podman ignore `export`)."""
    wanted = name.encode()
    return [
        each.number
        for each in parse(kind, data)
        if each.name.split() == [b"export", wanted]
        or (each.name.startswith(_BYTE_ORDER_MARK) and each.name[len(_BYTE_ORDER_MARK) :].lstrip() == wanted)
    ]


def change(kind: ModuleType, data: bytes, new: dict[str, str]) -> bytes:
    """`data` with the variables set; every assignment of them is rewritten, so that no old token stays behind.

    A variable that is not there is appended. The result is read again before it is returned: when anything but the
    variables would come out different, this raises and nothing is lost.
    """
    wanted = {name.encode(): value.encode() for name, value in new.items()}
    for name, value in wanted.items():
        if not _holds_only(value, _PRINTABLE) or value != value.strip():
            raise EnvFileError(f"cannot hold the value for {name.decode()}: it has a character that no token has")
    read(kind, data, list(new))
    before = parse(kind, data)
    for each in reversed([each for each in before if each.name in wanted]):
        raw = data[each.start : each.end]
        data = data[: each.start] + kind.rewrite(each, raw, wanted[each.name]) + data[each.end :]
    expected = {**{each.name: each.value for each in before}, **wanted}
    missing = [name for name in wanted if name not in {each.name for each in before}]
    tail = b"".join(kind.line(name, wanted[name], before) for name in missing)
    # A file may end in a comment or value that goes on in the next line: then an empty line has to end it first.
    for gap in (b"", b"\n", b"\n\n") if tail else (b"",):
        if tail and not gap and data and not data.endswith((b"\n", b"\r")):
            continue
        if _means(kind, data + gap + tail, expected, wanted):
            return data + gap + tail
    raise EnvFileError(
        f"cannot be changed without changing other variables too (line {number_of(data, len(data))}: an open quote?); "
        f"correct the file by hand"
    )


def _means(kind: ModuleType, data: bytes, expected: dict[bytes, bytes | None], wanted: dict[bytes, bytes]) -> bool:
    try:
        found = parse(kind, data)
    except EnvFileError:
        return False
    trouble = any(each.trouble for each in found if each.name in wanted)
    return not trouble and {each.name: each.value for each in found} == expected
