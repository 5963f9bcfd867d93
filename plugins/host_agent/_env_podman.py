# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of `podman run --env-file` (pkg/env/env.go of podman).

One assignment a line, from the first character to the end of the line: quotes, backslashes and trailing blanks belong
to the value. A carriage return before the newline is dropped. A bare `NAME` means: inherit it. The last one wins.
"""

from __future__ import annotations

from ._env_file import Assignment, EnvFileError

_BLANK = b" \t"


def parse(data: bytes) -> list[Assignment]:
    found = []
    position = 0
    for number, text in enumerate(data.split(b"\n"), 1):
        body = text[:-1] if text.endswith(b"\r") else text
        name, sign, value = body.lstrip(_BLANK).partition(b"=")
        end = position + len(body)
        if name and not name.startswith(b"#"):
            start = end - len(value) if sign else end
            found.append(Assignment(name, value if sign else None, start, end, number))
        elif sign and not name:
            raise EnvFileError(f"line {number} begins with `=`: podman would not read the file; correct or remove it")
        position += len(text) + 1
    return found


def rewrite(each: Assignment, raw: bytes, value: bytes) -> bytes:
    return value if each.value is not None else b"=" + value


def line(name: bytes, value: bytes, assignments: list[Assignment]) -> bytes:
    return name + b"=" + value + b"\n"
