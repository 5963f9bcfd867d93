# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at every token and every service that uses one, and tells what needs somebody. Changes nothing."""

from __future__ import annotations

import gc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import (
    _argspec,
    _audit,
    _audit_digest,
    _audit_findings,
    _audit_post,
    _audit_table,
    _audit_write,
    _ledger_entries,
    _redact,
    _stats,
)
from ansible_collections.botops.rotation.plugins.module_utils._audit_read import Reading
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import current_owner
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.plugin_utils import _ledger
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction, plain
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, Session

# In ansible-playbook itself: to look through the inventory again and again, the collector of a worker that is forked from it
# would copy all of it.
gc.freeze()
ANSWER = "service_audited"  # the variable of each host that holds what service_env gave


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, _argspec.CALENDAR, _argspec.AUDIT, _argspec.LEDGER)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {"type": "str", "choices": ["planned", "audited"], "default": "audited"},
        "bot": {"type": "str", "default": "all"},
        "workspace": {"type": "str"},
        "fail_on": {"type": "raw"},
        "due_within": {"type": "int"},
        "max_age": {"type": "int"},
        "report_dir": {"type": "str"},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        asked = self._asked(options)
        here = Session(options, {})  # without services, which only matter when Vault is read
        selected = here.registry.select(options["bot"], options["workspace"])
        if options["state"] == "planned":
            return {"changed": False, "hosts": self._hosts(), "installations": [each.id for each in selected]}
        reading, registry, services = self._read(options, here, selected)
        for found in reading.found:
            for what in found.errors.keys() & {"notes", "lock"}:
                self.warn(f"{found.installation.id}: {found.errors[what]}")
        audit = _audit.assemble(registry, reading.found, reading.probes, services, here.vault.now(), asked)
        counts = Counter(each["kind"] for each in audit["findings"])
        path, posted = self._tell(here, options, audit, counts)
        lost = (audit.get("ledger") or {}).get("problem")
        failure = _audit.failure(audit) or (lost and f"the evidence of this audit was not kept: {lost}")
        result = {
            "changed": False,
            "run_id": audit["run_id"],
            "summary": audit["summary"],
            "findings": audit["findings"],
            "path": path,
            "posted": posted,
            "windows": sorted({row["installation"] for row in audit["tokens"] if row["window"]}),
            "table": _audit_table.table(audit, path),
            "ansible_stats": _stats.of("audit", audit, success=not failure, outcomes=counts, path=path),
            "failed": bool(failure),
        }
        return {**result, "msg": failure} if failure else result

    def _asked(self, options: dict[str, Any]) -> _audit.Asked:
        """What was asked for; refused before anything is contacted where it cannot be meant."""
        max_age = options["rotation_days"] if options["max_age"] is None else options["max_age"]
        within = options["warn_days"] if options["due_within"] is None else options["due_within"]
        if max_age < 1 or within < 0:
            raise RotationError("max_age or due_within is not a number of days", "-e max_age=365 -e due_within=30")
        return _audit.Asked(
            max_age, within, _audit_findings.fail_on(options["fail_on"]), str(current_owner()), self.check
        )

    def _read(
        self, options: dict[str, Any], here: Session, selected: list[Installation]
    ) -> tuple[Reading, Registry, dict[str, Any]]:
        """What Vault and Slack have, the whole registry, and what the hosts have: Slack's rate is what takes time, so all
        that needs no answer of it is done meanwhile.
        """
        reading = Reading(here, selected, self._say)
        with ThreadPoolExecutor(1) as aside:
            ran = aside.submit(reading.run)
            reading.vault_read.wait()  # Slack is to be asked at its full rate as soon as can be
            services, answers = self._of_hosts()
            registry = Session(options, services).registry
            if ran.done():
                ran.result()  # raises what it ended with
            found = _audit.of_services(registry, reading.found, answers)
            return ran.result(), registry, found

    def _hosts(self) -> list[str]:
        """The hosts that have services."""
        hosts = self.task_vars.get("hostvars") or {}
        return [str(host) for host in hosts if "botops_services" in hosts[host]]

    def _of_hosts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """By host: its services, and what it answered. Each host is looked at once, since that costs Ansible much."""
        services, found = {}, {}
        hosts = self.task_vars.get("hostvars") or {}
        for host in hosts:
            variables = hosts[host]
            services[str(host)] = plain(variables.get("botops_services"))
            found[str(host)] = plain(variables.get(ANSWER))
        return services, found

    def _tell(
        self, here: Session, options: dict[str, Any], audit: dict[str, Any], counts: Counter[str]
    ) -> tuple[str, list[dict[str, str]]]:
        """Report, ledger and digest, but in check mode. What cannot be written or posted is a warning."""
        if self.check:
            return "", []
        path, posted = "", []
        if options["report_dir"]:
            entry = _ledger_entries.of_audit(audit["run_id"], options["bot"], audit["summary"], counts)
            audit["ledger"] = _ledger.keep(self, here, options, [entry])
            if audit["ledger"]["problem"]:
                self.warn(audit["ledger"]["problem"])
            try:
                path = _audit_write.write(audit, options["report_dir"], options["audit_textfile"])
            except RotationError as exc:
                self.warn(str(exc))
        if options["digest"]:
            posted, failed = _audit_post.post(here, audit, _audit_digest.messages(audit))
            for words in failed:
                self.warn(words)
        return path, posted

    def _say(self, words: str) -> None:
        self._display.display(_redact.text(words))
