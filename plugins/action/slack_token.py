# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends tokens that others have seen, at once, and tells what ended with them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import (
    _alerts,
    _argspec,
    _ledger_entries,
    _plan,
    _redact,
    _report,
    _revocation,
    _stats,
)
from ansible_collections.botops.rotation.plugins.module_utils._alerts import Leak
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._leak import Hunt
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.plugin_utils import _input, _ledger
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, Session, session

SOURCES = ("tokens", "token_file", "alert_file", "fingerprints")


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, _argspec.LEDGER)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {"type": "str", "choices": ["revoked"], "default": "revoked"},
        "tokens": {"type": "list", "elements": "str", "no_log": True},
        "token_file": {"type": "str", "no_log": False},
        "alert_file": {"type": "str"},
        "fingerprints": {"type": "list", "elements": "str"},
        "unknown": {"type": "bool", "default": False},
        "report_dir": {"type": "str"},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        here = session(self, options)
        leaks = self._leaks(options)
        if not any(options[source] for source in SOURCES):
            began = time.monotonic()  # nobody types faster than a token can be revoked
        started = time.monotonic()
        hunt = Hunt(
            here,
            here.registry_or_none(self.warn, ", so no token is known to be of it"),
            options["unknown"],
            self.check,
            began,
        )
        rows = hunt.run(leaks)
        report = self._report(here, rows, hunt.warnings, started)
        if options["report_dir"] and not self.check:
            kept = _ledger.keep(self, here, options, _ledger_entries.of_revocation(report))
            report = _report.with_ledger(report, kept)
        path = self._written(report, options["report_dir"])
        failure = _revocation.failure(report)
        result: dict[str, Any] = {
            "changed": any(row["outcome"] in ("revoked", "would_revoke") for row in rows),
            "tokens": rows,
            "go_on": _go_on(rows),
            "path": path,
            "table": _revocation.table(report, path),
            "ansible_stats": _stats.of(
                "revocation",
                report,
                success=not failure,
                outcomes={row["fingerprint"] or row["source"]: row["outcome"] for row in rows},
                path=path,
            ),
            "failed": bool(failure),
        }
        if failure:
            result["msg"] = failure
        if self.diff:
            result["diff"] = [_diff(row) for row in rows if row["outcome"] in ("revoked", "would_revoke")]
        return result

    def _leaks(self, options: dict[str, Any]) -> list[Leak]:
        """What is to be revoked, from the one place that was given, or from a prompt."""
        given = [source for source in SOURCES if options[source] is not None]
        if len(given) > 1:
            raise TokenError(f"{' and '.join(given)} were given together", "give one of them")
        if options["alert_file"] is not None:
            found = _alerts.parse(_input.read(options["alert_file"], "alert", "holds an alert as JSON"))
        elif options["fingerprints"] is not None:
            found = [Leak("its fingerprint", fingerprint=_fingerprint(each)) for each in options["fingerprints"]]
        else:
            found = [Leak("the operator", each.strip()) for each in self._tokens(options)]
        for leak in found:
            _redact.register(leak.token)
        if not found or not all(leak.token or leak.hmsl or leak.fingerprint for leak in found):
            raise TokenError(
                "No token was given", "give the leaked token at the prompt, or with token_file or alert_file"
            )
        return found

    def _tokens(self, options: dict[str, Any]) -> list[str]:
        if options["tokens"] is not None:
            return options["tokens"]
        if options["token_file"] is not None:
            return [_input.only_line(_input.read(options["token_file"], "token", "holds nothing but the token"))]
        return [_input.ask(self._display, "Leaked token (not shown), which is revoked at once:", "the token")]

    def _report(self, here: Session, rows: list[dict[str, Any]], warnings: list[str], started: float) -> dict[str, Any]:
        """The report, by Vault's clock where it answers, else by this machine's."""
        passed = timedelta(seconds=time.monotonic() - started)
        try:
            finished = here.vault.now()
        except RotationError:
            finished = datetime.now(timezone.utc)
        names = sorted({row["installation"].partition("/")[0] for row in rows if row["installation"]}) or ["leak"]
        run_id = _plan.run_id(finished - passed, names)
        return _revocation.assemble(run_id, rows, warnings, stamp(finished - passed), stamp(finished), self.check)

    def _written(self, report: dict[str, Any], directory: str | None) -> str:
        """Where the report is; a run that revoked nothing leaves none."""
        if not directory or self.check or not any(row["outcome"] != "dead_already" for row in report["tokens"]):
            return ""
        try:
            return _report.write(report, directory, _revocation.markdown)
        except RotationError as exc:
            report["warnings"].append(str(exc))
            return ""


def _fingerprint(given: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{12}", given.strip()):
        raise TokenError(
            f"{_redact.shown(given)} is no fingerprint (12 hexadecimal digits)",
            "give what rotation_status shows; a token itself goes into the prompt, or into token_file",
        )
    return given.strip()


def _go_on(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The bot and workspaces of which a new token waits: of one bot, since rotate_bot takes all of what it is given."""
    waiting = [row["installation"].partition("/") for row in rows if row["go_on"]]
    if len({bot for bot, _slash, _workspace in waiting}) != 1:
        return {}
    return {"bot": waiting[0][0], "workspace": ",".join(sorted({workspace for *_dummy, workspace in waiting}))}


def _diff(row: dict[str, Any]) -> dict[str, str]:
    what = row["installation"] or "no row of the registry"
    name = f"{row['kind']} token {row['fingerprint']}"
    return {
        "before_header": what,
        "after_header": what,
        "before": f"{name}: {row['life_before']}\n",
        "after": f"{name}: revoked\n",
    }
