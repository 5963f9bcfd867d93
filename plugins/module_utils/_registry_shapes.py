# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building blocks with which `_registry_schema` says what a registry looks like (private to the collection).

A shape reads one value: it reports what is wrong to `problems` and returns what is usable of it, defaults filled in, or
`INVALID`. Nothing here raises, whatever the value, and no report quotes what could be a secret.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact, _tokens

INVALID: Any = object()
PASTED = (
    "holds what looks like a token, a webhook URL or another secret; a secret belongs in Vault, never here:"
    " take it out, and have it revoked if anybody else could read this file"
)


class Problems(list[str]):
    """One line each: `<place>: <what is wrong>; <what would be right>`."""

    def add(self, place: str, words: str) -> None:
        self.append(f"{place}: {words}")


def join(place: str, key: object) -> str:
    """The place of a key below `place`. What does not read as a name is quoted, or only described."""
    plain = isinstance(key, str) and re.fullmatch(r"[\w.@:-]{1,80}", key) and not is_secret(key)
    return f"{place}.{key}" if plain else f"{place}[{_redact.shown(key)}]"


def is_secret(value: str) -> bool:
    """By its shape, or because this process has read it from Vault."""
    return _tokens.looks_like_secret(value) or _redact.text(value) != value


def did_you_mean(value: object, known: Iterable[str], call_them: str = "known") -> str:
    """The known names, the likeliest first."""
    known = list(known)
    close = difflib.get_close_matches(value, known, 1, 0.6) if isinstance(value, str) else []
    listed = f"{call_them}: {', '.join(known) or 'none'}"
    return f"did you mean {close[0]}? {listed}" if close else listed


@dataclass(frozen=True)
class Text:
    """A text that matches `pattern` whole and with which `wrong`, where given, finds nothing wrong."""

    what: str  # with its article
    example: str
    pattern: str = r"(?s)\S(?:.*\S)?"
    wrong: Callable[[str], str | None] = lambda _value: None

    @property
    def due(self) -> str:
        return f"{self.what} is due, such as {self.example}"

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        words = self.judge(value)
        if words:
            problems.add(place, words)
        return INVALID if words else str.__str__(value)  # without the tags that Ansible puts on a string

    def judge(self, value: Any) -> str | None:
        """What is wrong and what would be right, or None."""
        if not isinstance(value, str):
            quotes = "; put it in quotes" if isinstance(value, (int, float)) else ""
            return f"is {_tokens.type_name(value)}; {self.due}{quotes}"
        if is_secret(value):
            return PASTED
        if not value.strip():
            return f"is empty; {self.due}"
        words = self.wrong(value)
        if not words and not re.fullmatch(self.pattern, value, re.ASCII):
            words = f"is {_redact.shown(value)}"
        return f"{words}; {self.due}" if words else None


@dataclass(frozen=True)
class Number:
    """A number in a range; `whole` for an integer."""

    what: str
    least: float
    most: float
    whole: bool = True
    above: bool = False  # `least` itself is too little

    @property
    def due(self) -> str:
        return f"{self.what} is due: {'more than' if self.above else 'at least'} {self.least}, at most {self.most}"

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            words = f"is {_tokens.type_name(value)}"
            words += " (a number without quotes is meant)" if isinstance(value, str) else ""
        elif isinstance(value, float) and (not math.isfinite(value) or (self.whole and not value.is_integer())):
            words = f"is {value:g}"
        elif not self.least <= value <= self.most or (self.above and value == self.least):
            words = f"is {_redact.shown(value)}"
        else:
            return int(value) if self.whole else value + 0
        problems.add(place, f"{words}; {self.due}")
        return INVALID


@dataclass(frozen=True)
class Flag:
    """True or false."""

    due: str = "true or false is due"

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        if isinstance(value, bool):
            return value
        problems.add(place, f"is {_redact.shown(value)}; {self.due}")
        return INVALID


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def due(self) -> str:
        return f"one of {', '.join(self.words)} is due"

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        if isinstance(value, str) and value in self.words:
            return str.__str__(value)
        close = difflib.get_close_matches(value, self.words, 1) if isinstance(value, str) else []
        hint = f"did you mean {close[0]}? " if close else ""
        problems.add(place, f"is {_redact.shown(value)}; {hint}{self.due}")
        return INVALID


@dataclass(frozen=True)
class Items:
    """A list of things of one shape."""

    shape: Any
    least: int = 0

    @property
    def due(self) -> str:
        return f"a list is due ({self.shape.due})" if self.least else f"a list is due (may be empty; {self.shape.due})"

    def read(self, value: Any, place: str, problems: Problems) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) < self.least:
            words = "is empty" if isinstance(value, (list, tuple)) else f"is {_tokens.type_name(value)}"
            problems.add(place, f"{words}; {self.due}")
            return INVALID
        found = [self.shape.read(item, f"{place}[{index}]", problems) for index, item in enumerate(value)]
        return [item for item in found if item is not INVALID]


@dataclass(frozen=True)
class Table:
    """A dictionary whose keys are names of the user's own."""

    key: Text
    shape: Any
    least: int = 0

    @property
    def due(self) -> str:
        return f"a dictionary is due, its keys such as {self.key.example}"

    def read(self, value: Any, place: str, problems: Problems) -> dict[str, Any]:
        if value is None and not self.least:
            return {}
        if not isinstance(value, Mapping) or len(value) < self.least:
            words = "is empty" if isinstance(value, Mapping) else f"is {_tokens.type_name(value)}"
            problems.add(place, f"{words}; {self.due}")
            return {}
        found = {}
        for key, item in value.items():
            words = self.key.judge(key)
            if words:
                problems.add(place, f"has a key that {words}")
            below = self.shape.read(item, join(place, key), problems)
            if not words:
                found[str.__str__(key)] = below
        return {key: item for key, item in found.items() if item is not INVALID}


@dataclass(frozen=True)
class Field:
    """A key of `Fields`. `default` stands in for what is absent or null."""

    shape: Any
    required: bool = False
    default: Any = None


@dataclass(frozen=True)
class Fields:
    """A dictionary with known keys. What is read of a wrong one is what is right of it."""

    fields: Mapping[str, Field]
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # a key that has no place here -> where it has one

    @property
    def due(self) -> str:
        return f"a dictionary is due with {', '.join(self.fields)}"

    def read(self, value: Any, place: str, problems: Problems) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            problems.add(place, f"is {_tokens.type_name(value)}; {self.due}")
            return {}
        for key, item in value.items():
            where = self.elsewhere.get(key) if isinstance(key, str) else None
            if key not in self.fields and (where is None or item is not None):
                problems.add(join(place, key), where or f"is not known; {did_you_mean(key, self.fields)}")
        found = {}
        for key, entry in self.fields.items():
            if value.get(key) is not None:
                found[key] = entry.shape.read(value[key], join(place, key), problems)
            elif entry.required:
                problems.add(join(place, key), f"is missing; {entry.shape.due}")
            else:
                found[key] = entry.default
        return {key: item for key, item in found.items() if item is not INVALID}
