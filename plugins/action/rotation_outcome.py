# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what the hosts said into what happens next, and into what a run ended with."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import (
    _announce,
    _argspec,
    _conclude,
    _ledger_entries,
    _missing,
    _outcome,
    _pause,
    _report,
    _services,
    _stats,
    _told,
)
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._lease import TTL
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.plugin_utils import _ledger
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction, refuse_orphan
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, LEASE_OPTION, Session, session


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, _argspec.LEDGER, _argspec.ANNOUNCE)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {
            "type": "str",
            "choices": ["prepared", "continued", "judged", "concluded", "reported"],
            "required": True,
        },
        "plan": {"type": "dict"},
        "preflight": {"type": "dict", "default": {}},
        "rollout": {"type": "dict", "default": {}},
        "verified": {"type": "dict", "default": {}},
        "restore": {"type": "dict", "default": {}},
        "prepared": {"type": "dict", "default": {}},
        "judged": {"type": "dict", "default": {}},
        "concluded": {"type": "dict", "default": {}},
        "promoted": {"type": "dict", "default": {}},
        "retired": {"type": "dict", "default": {}},
        "restored": {"type": "dict", "default": {}},
        "memberships": {"type": "dict", "default": {}},
        "announcements": {"type": "list", "elements": "dict", "default": []},
        "stop": {"type": "dict", "default": {}},
        "skip_unreachable": {"type": "bool", "default": False},
        "pause": {"type": "float", "default": 0.0},
        "report_dir": {"type": "str", "default": "reports"},
        **LEASE_OPTION,
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        if not options["plan"]:
            stop = options["stop"]
            raise RotationError(stop.get("reason") or "there is no plan", stop.get("next_step", ""))
        return getattr(self, f"_{options['state']}")(options)

    def _prepared(self, options: dict[str, Any]) -> dict[str, Any]:
        prepared = _outcome.prepare(options["plan"], options["preflight"], options["skip_unreachable"])
        return {"changed": False, "prepared": prepared}

    def _continued(self, options: dict[str, Any]) -> dict[str, Any]:
        """Between two batches, and before the soak: whether the run goes on; if so, after `pause`, with its locks kept."""
        stop = _outcome.halted(options["prepared"], options["rollout"])
        if not stop and not self.check:
            try:
                self._keep_locks(options)
            except RotationError as exc:
                stop = {"phase": "rollout, in a pause", "reason": exc.message, "next_step": exc.next_step}
        return {"changed": False, "stop": stop or {}}

    def _keep_locks(self, options: dict[str, Any]) -> None:
        def renew() -> None:  # a session of its own, since the login of the last one may have run out
            lease = session(self, options).lease
            if lease:
                lease.renew()

        what = _outcome.next_batch(options["prepared"], self.task_vars["inventory_hostname"])

        def tell(left: float) -> None:
            self._display.display(f"{what} in {left:.0f} s")

        _pause.keep(options["pause"], (options["lease"] or {}).get("ttl", TTL), renew, refuse_orphan, tell)

    def _judged(self, options: dict[str, Any]) -> dict[str, Any]:
        judged = _outcome.judge(
            options["plan"],
            options["prepared"],
            options["preflight"],
            options["rollout"],
            options["stop"],
            options["verified"],
        )
        if any(row.get("revoked_at") for row in options["plan"]["installations"]):
            now = session(self, options).vault.now()
            judged["services"] = _services.since_revoke(judged["services"], options["plan"]["installations"], now)
        return {"changed": False, "judged": judged}

    def _concluded(self, options: dict[str, Any]) -> dict[str, Any]:
        """The rows, and what people are to be told of them."""
        if "services" not in options["judged"]:
            raise RotationError("state concluded needs what state judged gave", "give it as judged")
        rows = _conclude.conclude(
            options["plan"],
            options["prepared"],
            options["judged"],
            options["promoted"],
            options["retired"],
            options["restored"],
            options["stop"] or None,
            options["restore"],
            self.check,
        )
        for row in rows:
            row["memberships"] = (options["memberships"].get(row["id"]) or {}).get("said") or []
        here = session(self, options)
        self._carry_missing(here, rows, options["judged"]["services"])
        registry = here.registry
        told, texts = _told.at_end(rows, options["judged"]["services"]), Texts(options["announcement_templates"])
        messages = [
            message
            for phase, (some, facts) in told.items()
            for message in _announce.messages(registry, some, phase, facts, texts)
        ]
        for problem in texts.problems:
            self.warn(problem)
        return {"changed": False, "concluded": {"rows": rows, "messages": messages}}

    def _carry_missing(self, here: Session, rows: list[dict[str, Any]], services: list[dict[str, Any]]) -> None:
        """Which hosts are not on the new token goes into the notes of each row that this run has locked."""
        if self.check or here.lease is None:
            return
        locked = set(here.lease.locks.values())
        for row in rows:
            if row["id"] not in locked or row["action"] == "converge":
                continue
            known = {each["host"] for each in services if row["id"] in each["installations"]}
            try:
                row["warnings"] = [
                    *row["warnings"],
                    *_missing.carry(
                        here, here.registry.installation(row["bot"], row["workspace"]), row["missing"], known
                    ),
                ]
            except RotationError as exc:
                self.warn(f"{row['id']}: which hosts are missing could not be noted: {exc}")

    def _reported(self, options: dict[str, Any]) -> dict[str, Any]:
        plan, here = options["plan"], session(self, options)
        try:
            finished = stamp(here.vault.now())
        except RotationError as exc:  # a report is due all the more when Vault has gone away
            finished = ""
            self.warn(f"the report has no time of its end: {exc.message}")
        rows = options["concluded"].get("rows") or _conclude.unfinished(plan, options["stop"])
        services = options["judged"].get("services") or []
        report = _report.assemble(plan, rows, services, options["announcements"], finished, self.check)
        path, problem = "", ""
        quiet = report["summary"]["success"] and not options["prepared"].get("work")
        if not quiet and not self.check:
            kept = _ledger.keep(self, here, options, _ledger_entries.of_report(report))
            report = _report.with_ledger(report, kept)
            try:
                path = _report.write(report, options["report_dir"])
            except RotationError as exc:
                problem = str(exc)
        table = "\n".join(line for line in (_report.table(report, path), problem) if line)
        success = report["summary"]["success"] and not problem
        return {
            "changed": bool(path) and bool(options["prepared"].get("work")),
            "success": success,
            "failure": "" if success else problem or _report.failure(report),
            "outcomes": _outcomes(report),
            "table": table,
            "path": path,
            "ansible_stats": _stats.of("rotation", report, success=success, outcomes=_outcomes(report), path=path),
        }


def _outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {row["id"]: row["outcome"] for row in report["installations"]}
