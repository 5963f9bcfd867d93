# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.tools.install_picture`: the README's picture of the install page, from a run in a sandbox of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.e2e._install import Installing, chromium
from tests.sandbox import Sandbox
from tests.tools.stage import ROOT

PICTURE = ROOT / "docs/images/install.png"
SIZE = {"width": 760, "height": 860}


def draw(picture: Path) -> None:
    """Photographs the page of gobot: two workspaces are staged, one waits for an admin, in one somebody clicked Cancel."""
    with (
        tempfile.TemporaryDirectory(prefix="botops-picture.", dir="/tmp") as directory,
        Sandbox(Path(directory) / "sandbox", demo=False, services=False) as sandbox,
    ):
        for each in sandbox.installations("gobot"):
            sandbox.revoke(each)
        sandbox.slack.require_approval("ibmanalytics")
        with (
            Installing(sandbox, "-e", "bot=gobot") as install,
            chromium(Path(directory) / "profile", viewport=SIZE, color_scheme="light") as context,
        ):
            page = context.pages[0]
            page.goto(install.link)
            for slug, button, then in (
                ("watsondataplatform", "#allow", "staged"),
                ("ibmcloud", "#allow", "staged"),
                ("compose", "#cancel", "denied"),
            ):
                page.click(f"#add-{slug}")
                page.click(button)
                page.wait_for_selector(f"#row-{slug}.{then}")
            page.click("#add-ibmanalytics")
            page.click("#request")
            page.goto(install.link)
            page.click("#asked-ibmanalytics")
            page.wait_for_selector("#row-ibmanalytics.approval")
            page.goto(install.link)
            page.screenshot(path=str(picture), full_page=True)
            page.click("#stop")
            install.end()


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    draw(PICTURE)
    print(f"picture: {PICTURE.relative_to(ROOT)}")
