# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.tools.guide [--write]`: docs/guide.md, from the data that the playbook rotation_guide shows."""

from __future__ import annotations

import sys

from tests.tools.stage import ROOT

sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.botops.rotation.plugins.module_utils import _guide

PAGE = ROOT / "docs/guide.md"
HEAD = """<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Made by `python -m tests.tools.guide --write` from plugins/module_utils/_guide_*.py; change it there. -->
# How each kind of Slack credential is renewed

The playbook `rotation_guide` shows the right part of this page for an installation, or for a token that it asks for, with
links and commands filled in, after it has asked Slack whose the token is and whether it lives:

```console
$ ansible-playbook botops.rotation.rotation_guide -e bot=gobot -e workspace=ibmcloud
$ ansible-playbook botops.rotation.rotation_guide
Token or other secret (not shown):
$ ansible-playbook botops.rotation.rotation_guide -e kind=signing -e bot=gobot
```

What this tool does has its command; `you` is what only a person can do, on the page that is named. One that was seen by
others is ended first: `revoke_bot`, see [operations.md](operations.md).

| kind | known by |
|---|---|
"""


def page() -> str:
    """The whole page."""
    kinds = "\n".join(f"| [{each.title}](#{_anchor(each.title)}) | {each.looks} |" for each in _guide.GUIDES.values())
    return f"{HEAD}{kinds}\n\n{_guide.markdown()}"


def _anchor(title: str) -> str:
    """How GitHub names a heading in links."""
    kept = "".join(char for char in title.lower() if char.isalnum() or char in " -")
    return kept.replace(" ", "-")


def main() -> None:
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
