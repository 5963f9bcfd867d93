# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts an audit into the report directory, in every form that people and programs read (private to the collection)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import (
    _audit_csv,
    _audit_markdown,
    _audit_page,
    _audit_prometheus,
    _report,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

FORMS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    ".json": _report.dumps,
    ".csv": _audit_csv.render,
    ".prom": _audit_prometheus.render,
    ".md": _audit_markdown.render,
    ".html": _audit_page.render,
}


def write(audit: Mapping[str, Any], directory: str, textfile: str | None = None) -> str:
    """Writes RUN_ID in every form, and the metrics to `textfile` too, where one is given. Gives the page's path."""
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, render in FORMS.items():
            text = render(audit)
            _report.put(folder / f"{audit['run_id']}{suffix}", text)
            if suffix == ".prom" and textfile:
                _report.put(Path(textfile), text)
    except OSError as exc:
        raise RotationError(
            f"The audit cannot be written to {exc.filename or folder.resolve()}: {exc.strerror}",
            "set botops_report_dir and botops_audit_textfile to what can be written",
        ) from None
    return str(folder / f"{audit['run_id']}.html")
