# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`env_exec.py FILE COMMAND...`: run a command with the variables of an environment file, as systemd does it.

supervisor has no environment files; this gives a service the file's meaning in systemd's EnvironmentFile= (see
systemd.exec(5)) and executes nothing in it. Standard library only, so that it starts within milliseconds.
"""

from __future__ import annotations

import os
import re
import sys

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ESCAPED_IN_DOUBLE_QUOTES = '"\\`$'


def parse(text: str) -> dict[str, str]:
    """The variables of a file: the last of two equal names counts; lines with anything else than a name are ignored."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        if text[at] in " \t\r\n":
            at += 1
        elif text[at] in "#;":
            at = _end_of_comment(text, at)
        else:
            name, at = _read_name(text, at)
            if name is None:
                continue
            value, at = _read_value(text, at)
            if _NAME.match(name):
                found[name] = value
    return found


def _end_of_comment(text: str, at: int) -> int:
    """Where the line after a comment begins; a backslash at its end continues it."""
    while at < len(text) and text[at] not in "\r\n":
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _read_name(text: str, at: int) -> tuple[str | None, int]:
    """The name up to `=` and where its value begins; no name when the line ends before."""
    start = at
    while at < len(text) and text[at] not in "=\r\n":
        at += 1
    if at < len(text) and text[at] == "=":
        return text[start:at].rstrip(" \t"), at + 1
    return None, at + 1


def _read_value(text: str, at: int) -> tuple[str, int]:
    """A value up to the end of its line, and where the next line begins.

    Quotes count only where a value begins, or after another quoted piece: within an unquoted piece they are themselves.
    White space around pieces is dropped, unless a backslash protects it.
    """
    value = ""
    keep = 0  # the length down to which white space at the end is cut
    unquoted = False
    while at < len(text) and text[at] not in "\r\n":
        char = text[at]
        at += 1
        if char == "\\":
            value += "" if text[at : at + 1] == "\n" else text[at : at + 1]
            keep, unquoted, at = len(value), True, at + 1
        elif not unquoted and char in "'\"":
            piece, at = _read_quoted(text, at, char)
            value += piece
            keep = len(value)
        elif unquoted or char not in " \t":
            value += char
            unquoted = True
            keep = keep if char in " \t" else len(value)
    return value[:keep], at + 1


def _read_quoted(text: str, at: int, quote: str) -> tuple[str, int]:
    """What is in quotes, over lines too, and where it ends. Within single quotes nothing is special."""
    value = ""
    while at < len(text) and text[at] != quote:
        if quote == '"' and text[at] == "\\" and at + 1 < len(text):
            following = text[at + 1]
            if following in _ESCAPED_IN_DOUBLE_QUOTES:
                value += following
            elif following != "\n":
                value += "\\" + following
            at += 2
        else:
            value += text[at]
            at += 1
    return value, at + 1


def main(argv: list[str]) -> None:
    """Become the command; a file that cannot be read as UTF-8 ends it, as it stops a systemd unit."""
    path, command = argv[0], argv[1:]
    try:
        with open(path, encoding="utf-8", newline="") as file:
            variables = parse(file.read())
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"env_exec: cannot read {path}: {error.__class__.__name__}")
    os.execve(command[0], command, {**os.environ, **variables})


if __name__ == "__main__":
    main(sys.argv[1:])
