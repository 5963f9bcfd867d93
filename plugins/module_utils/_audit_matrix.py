# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services by installations: which token each runs on (private to the collection, pure).

A thousand installations by five thousand services are five million cells, nearly all of them empty, for a service uses
the tokens of one bot or two. So there is a matrix for each bot, and none is wider than WIDTH columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _audit_words as words

WIDTH = 8
_WORST = ("good", "unknown", "bad")
Service = Mapping[str, Any]
Name = tuple[str, str]  # host, service


@dataclass(frozen=True)
class Cell:
    """`verdict`: that of `_audit_words`; `drifting`: the places (`_audit_words.place`) that it is about."""

    verdict: str
    said: str
    drifting: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """`columns`: a bot's workspaces, with ` (user)` and the like where it is another token than the bot's; a row has a cell or None for each."""

    bot: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Name, tuple[Cell | None, ...]], ...]

    @property
    def drift(self) -> int:
        return sum(len(cell.drifting) for _name, cells in self.rows for cell in cells if cell)


def build(audit: words.Audit) -> list[Matrix]:
    """In alphabetical order of the bots. An installation whose bot token no service uses has an empty column."""
    columns: dict[str, dict[str, None]] = {}
    bots = [token for token in audit["tokens"] if token["token"] == "bot"]
    for each in sorted([*bots, *audit["services"]], key=words.key):
        bot, column = _where(each)
        columns.setdefault(bot, {})[column] = None
    used: dict[str, dict[Name, dict[str, list[Service]]]] = {}
    for service in sorted(audit["services"], key=lambda each: (each["service"], each["host"], each["variable"])):
        bot, column = _where(service)
        row = used.setdefault(bot, {}).setdefault((service["host"], service["service"]), {})
        row.setdefault(column, []).append(service)
    return [matrix for bot in sorted(used) for matrix in _matrices(bot, list(columns[bot]), used[bot])]


def _where(each: Service) -> tuple[str, str]:
    bot, _slash, workspace = each["installation"].partition("/")
    return bot, workspace if each["token"] == "bot" else f"{workspace} ({each['token']})"


def _matrices(bot: str, columns: list[str], used: dict[Name, dict[str, list[Service]]]) -> Iterator[Matrix]:
    for start in range(0, len(columns), WIDTH):
        part = columns[start : start + WIDTH]
        rows = tuple(
            (name, tuple(_cell(cells[column]) if column in cells else None for column in part))
            for name, cells in used.items()
            if not cells.keys().isdisjoint(part)
        )
        if rows:
            yield Matrix(bot, tuple(part), rows)


def _cell(services: list[Service]) -> Cell:
    """Several variables of a service may have the same token: the worst of them is shown."""
    verdict = max(map(words.verdict, services), key=_WORST.index)
    said = {"current" if words.verdict(each) == "good" else words.stands(each): None for each in services}
    drifting = tuple(words.place(each) for each in services if each["drift"])
    return Cell(verdict, "; ".join(said), drifting)


def by_bot(matrices: list[Matrix]) -> list[tuple[str, list[Matrix]]]:
    return [(bot, list(each)) for bot, each in groupby(matrices, key=lambda matrix: matrix.bot)]
