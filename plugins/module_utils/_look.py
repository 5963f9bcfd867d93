# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all pages have in common: the look, and how one that needs no other file is made (private to the collection).

`_look_html/` holds the style that every page begins with, the frame of a page that is a file, and Chart.js (MIT) as its
makers publish it: https://www.chartjs.org
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent / "_look_html"
CHART = DIRECTORY / "chart.umd.min.js"
_NONE = "'none'"


@functools.cache
def templates(directory: Path) -> Any:
    """The templates of a page and those of all pages. Whatever is put into one is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([directory, DIRECTORY]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def asset(path: Path) -> str:
    """A style or a script. The map that a minified script names is not brought along."""
    return path.read_text(encoding="utf-8").partition("\n//# sourceMappingURL=")[0]


def style(own: Path) -> str:
    """The style of all pages, then a page's own."""
    return asset(DIRECTORY / "look.css") + asset(own)


def document(template: str, own_style: Path, scripts: Sequence[Path] = (), **given: Any) -> str:
    """A page in one file, from a template that extends `document.html.j2`.

    Its policy names the style and the scripts in it by their hashes: nothing else runs in it, and it loads nothing.
    """
    from markupsafe import Markup

    sheet, code = style(own_style), [asset(path) for path in scripts]
    policy = (
        f"default-src 'none'; style-src {_hashes([sheet])}; script-src {_hashes(code) or _NONE}; "
        f"img-src data:; base-uri {_NONE}; form-action {_NONE}"
    )
    page = templates(own_style.parent).get_template(template)
    return page.render(policy=policy, style=Markup(sheet), scripts=[Markup(each) for each in code], **given)


def _hashes(texts: Sequence[str]) -> str:
    """https://www.w3.org/TR/CSP3/#grammardef-hash-source"""
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
