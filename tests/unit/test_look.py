# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all pages have alike: one file, a policy that lets nothing else in, and a library as its makers publish it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from ansible_collections.botops.rotation.plugins.module_utils import _look

# dist/chart.umd.min.js of the npm package chart.js 4.6.1.
CHART = "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"


def page(directory: Path, *scripts: str) -> str:
    template = "{% extends 'document.html.j2' %}{% block title %}{{ what }}{% endblock %}{% block body %}{{ what }}{% endblock %}"
    (directory / "page.html.j2").write_text(template)
    (directory / "own.css").write_text("p { color: red; }\n")
    paths = []
    for number, script in enumerate(scripts):
        paths.append(directory / f"{number}.js")
        paths[-1].write_text(script)
    return _look.document("page.html.j2", directory / "own.css", paths, what="<b>&\"'")


def test_a_page_is_one_file_whose_policy_names_what_is_in_it(tmp_path: Path) -> None:
    html = page(tmp_path, "let a = 1 < 2 && 'b';", 'let c = "d";\n//# sourceMappingURL=c.js.map')
    policy = re.search(r'content="(default-src[^"]+)"', html)[1].replace("&#39;", "'")
    inside = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inside]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes and len(hashes) == 3
    assert inside[1:] == ["let a = 1 < 2 && 'b';", 'let c = "d";'] and inside[0].endswith("p { color: red; }\n")
    assert "<title>&lt;b&gt;&amp;&#34;&#39;</title>" in html and "<b>" not in html


def test_a_page_without_a_script_lets_none_run(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert "script-src &#39;none&#39;;" in html and "<script" not in html


def test_chart_js_is_as_its_makers_publish_it_and_has_its_licence_beside_it() -> None:
    assert hashlib.sha256(_look.CHART.read_bytes()).hexdigest() == CHART
    assert "MIT License" in (_look.DIRECTORY / "chart.LICENSE.md").read_text()
    assert "</script" not in _look.asset(_look.CHART)
