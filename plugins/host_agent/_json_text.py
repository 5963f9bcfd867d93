# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of an answer, in ASCII. Not `json`, whose import takes longer than the rest of this, see `_program`."""

from __future__ import annotations

from _json import encode_basestring_ascii as quoted

_WORDS = {None: "null", True: "true", False: "false"}


def dumps(value: object) -> str:
    """The text of a string, number, boolean or None, or of a list or dictionary (its keys are strings) of such."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(dumps, value)) + "]"
    return _WORDS[value] if value is None or isinstance(value, bool) else repr(value)
