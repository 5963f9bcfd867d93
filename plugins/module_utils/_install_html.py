# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML of an install page, from the templates in `_install_page/` (private to the collection)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _look, _redact
from ansible_collections.botops.rotation.plugins.module_utils._install_board import (
    APPROVAL,
    DENIED,
    FAILED,
    INSTALLED,
    STAGED,
    UNCHANGED,
    WAITING,
    Board,
    Row,
)
from ansible_collections.botops.rotation.plugins.module_utils._install_words import PROBLEMS

DIRECTORY = Path(__file__).parent / "_install_page"
ASSETS = {"style.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}

# What a state is called, and the sign before it: nothing is told by colour alone.
STATES = {
    WAITING: ("Waiting", "…"),
    APPROVAL: ("Approval pending", "◔"),
    DENIED: ("Denied", "✕"),
    INSTALLED: ("Installed", "◐"),
    STAGED: ("Staged", "✓"),
    UNCHANGED: ("Unchanged", "="),
    FAILED: ("Failed", "!"),
}


def asset(name: str) -> str:
    path = DIRECTORY / name
    return _look.style(path) if path.suffix == ".css" else _look.asset(path)


@dataclass(frozen=True)
class Page:
    """A page about `bots`; `paste`: the redirect URL is not the page's, so the address has to be pasted."""

    board: Board
    home: str
    bots: str
    until: str
    redirect_uri: str
    paste: bool

    def whole(self) -> str:
        """The page itself."""
        return self._render("page.html.j2", rows=[self._row(row) for row in self.board.rows], summary=self.summary())

    def rows(self) -> dict[str, str]:
        """The rows alone, by key."""
        return {row.key: self._row(row) for row in self.board.rows}

    def summary(self) -> str:
        """How far it is, in a sentence."""
        rows = self.board.rows
        done = sum(row.settled for row in rows)
        words = f"{done} of {len(rows)} workspaces are done."
        if self.board.ended:
            return f"{words} The page has ended; the terminal says what is next."
        return words

    def problem(self, which: str) -> str:
        heading, text = PROBLEMS.get(which, PROBLEMS["missing"])
        return self._render("problem.html.j2", heading=heading, text=text, may_return=which != "key")

    def _row(self, row: Row) -> str:
        name, sign = STATES[row.state]
        scopes = [(scope, None if row.granted is None else scope in row.granted) for scope in row.required]
        more = sorted(set(row.granted or ()) - set(row.required))
        return self._render("row.html.j2", row=row, state=name, sign=sign, scopes=scopes, more=more)

    def _render(self, template: str, **given: Any) -> str:
        text = _look.templates(DIRECTORY).get_template(template).render(page=self, board=self.board, **given)
        return _redact.text(text)  # no token ever comes here; if one did, it would not leave
