# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.tools.audit_picture`: the picture of an audit's page in the documentation, from an audit that is made up."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.tools.stage import ROOT

sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.botops.rotation.plugins.module_utils import _audit_page

from tests import _audits
from tests.e2e._install import chromium

PICTURE = ROOT / "docs/images/audit.png"
SIZE = {"width": 1120, "height": 1180}


def draw(picture: Path) -> None:
    """Photographs the upper part of the page: how many, the year, and what needs somebody first."""
    with tempfile.TemporaryDirectory(prefix="botops-picture.", dir="/tmp") as directory:
        html = Path(directory) / "audit.html"
        html.write_text(_audit_page.render(_audits.small()), encoding="utf-8")
        with chromium(Path(directory) / "profile", viewport=SIZE, color_scheme="light") as context:
            page = context.pages[0]
            page.goto(html.as_uri())
            page.screenshot(path=str(picture))


if __name__ == "__main__":
    draw(PICTURE)
    print(f"picture: {PICTURE.relative_to(ROOT)}")
