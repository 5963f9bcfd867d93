# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies the ledger of evidence, and shows what it proves for a year."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import (
    _argspec,
    _evidence,
    _evidence_render,
    _ledger_head,
    _report,
    _stats,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.plugin_utils import _ledger
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, Session, session


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, _argspec.LEDGER)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "year": {"type": "int"},
        "files": {"type": "list", "elements": "path"},
        "accept_missing": {"type": "list", "elements": "str", "default": []},
        "report_dir": {"type": "str", "default": "reports"},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        now = here.vault.now()
        year = now.year if options["year"] is None else options["year"]
        if not 2000 <= year <= now.year:
            raise StateError(f"{year} is no year of which there is evidence", f"give one up to {now.year}")
        heads, why = _ledger_head.of(here.vault, options["ledger_head"], options["record_mount"])
        known = heads.read() if heads else None
        looked = [self._look(path, known, why) for path in options["files"] or [_ledger.path(options)]]
        looked += _evidence.missing(looked, known or {}, options["accept_missing"])
        evidence = _evidence.assemble(looked, _rows(here), year, stamp(now))
        paths = [] if self.check else self._written(evidence, options["report_dir"])
        failure = _evidence.failure(evidence)
        result = {
            "changed": False,
            "evidence": evidence,
            "paths": paths,
            "table": _evidence_render.table(evidence, paths),
            "ansible_stats": _stats.of(
                "evidence",
                evidence,
                success=not failure,
                outcomes={row["id"]: row["status"] for row in evidence["installations"]},
                path=paths[0] if paths else "",
            ),
            "failed": bool(failure),
        }
        return {**result, "msg": failure} if failure else result

    def _look(self, path: str, known: dict[str, Any] | None, why: str) -> _evidence.Looked:
        try:
            with open(path, "rb") as file:
                data, problem = file.read(), ""
        except OSError as exc:
            data, problem = None, exc.strerror or type(exc).__name__
        return _evidence.look(path, data, problem, known, why)

    def _written(self, evidence: dict[str, Any], directory: str) -> list[str]:
        """The evidence as page, Markdown and JSON, each whole or not at all."""
        texts = {
            ".html": _evidence_render.page(evidence),
            ".md": _evidence_render.markdown(evidence),
            ".json": _report.dumps(evidence),
        }
        return _report.put_all(directory, f"evidence-{evidence['year']}", texts, "evidence")


def _rows(here: Session) -> list[dict[str, str]]:
    registry = here.registry
    return [
        {"id": each.id, "name": registry.workspaces[each.workspace].name}
        for bot in registry.bots.values()
        for each in bot.installations.values()
    ]
