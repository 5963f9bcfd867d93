# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rotate_bot without Ansible: the product's own actions, in the order and with the rescues of roles/rotation/tasks.

Each task makes its action anew, as Ansible does, so each has a session of its own: a login, mounts, a clock. What a
task says goes through the same masking as in Ansible. An exception that the product does not know stays one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from ansible_collections.botops.rotation.plugins.action import (
    rotation,
    rotation_lock,
    rotation_outcome,
    rotation_plan,
    rotation_tokens,
    slack_membership,
    slack_message,
    vault_token_info,
)
from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

Result = dict[str, Any]


class Failed(Exception):
    """A task has failed; `stop` is what a rescue makes of it."""

    def __init__(self, task: str, error: RotationError) -> None:
        super().__init__(str(error))
        reason, next_step = _redact.text(error.message), _redact.text(error.next_step)
        self.error = error
        self.result: Result = {
            "failed": True,
            "msg": _redact.text(str(error)),
            "reason": reason,
            "next_step": next_step,
        }
        self.stop = {"phase": task, "reason": reason, "next_step": next_step}


class Host:
    """Stands for all hosts: one service, whose process has the token with the fingerprint `carries`."""

    NAME, SERVICE = "host", "robot-service"

    def __init__(self, carries: str, well: bool = True) -> None:
        self.carries, self.well = carries, well
        self.tokens: dict[str, str] = {}

    def services(self, key: str) -> list[dict[str, Any]]:
        """Its entry in the registry, for the token of an installation."""
        bot, workspace, token = key.split("/")
        variable = {"bot": bot, "workspace": workspace, "token": token}
        entry = {"name": self.SERVICE, "manager": "systemd", "unit": f"{self.SERVICE}.service"}
        return [{**entry, "env_file": "/etc/robot.env", "env": {"SLACK_BOT_TOKEN": variable}}]

    def look(self, services: list[Mapping[str, Any]]) -> Result:
        return {"services": [self._answer(service, self.carries, self.carries) for service in services]}

    def apply(self, services: list[Mapping[str, Any]], tokens: Mapping[str, str]) -> Result:
        before = self.carries
        for service in services:
            for variable in service["variables"].values():
                self.tokens[variable["new"]] = tokens[variable["key"]]
                self.carries = variable["new"] if self.well else self.carries
        answers = [self._answer(service, before, self.carries) for service in services]
        error = "" if self.well else f"{self.SERVICE} was not healthy with the new token"
        return {"services": [{**answer, "error": error} for answer in answers], "failed": not self.well, "msg": error}

    def _answer(self, service: Mapping[str, Any], before: str, now: str) -> Result:
        due = {variable["new"] for variable in service["variables"].values()}
        shown = {"file_before": before, "file_after": now, "process_before": [before], "process_after": [now]}
        return {
            "name": service["name"],
            "variables": {name: {**shown, "key": each["key"]} for name, each in service["variables"].items()},
            "needs": "nothing" if due == {now} else "write",
            "changed": before != now,
            "restarted": before != now,
            "in_use": "yes" if due == {now} else "no",
            "in_use_evidence": f"its process has {now}",
        }


class Pipeline:
    """One run, of one controller, with the options that the inventory would give."""

    def __init__(self, options: Mapping[str, Any], host: Host | None = None, key: str = "") -> None:
        self.options = dict(options)
        self.host = host
        self.task_vars = {"hostvars": {host.NAME: {"botops_services": host.services(key)}} if host else {}}
        self.said: list[str] = []
        self.tasks: list[str] = []

    def task(self, name: str, module: Any, **given: Any) -> Result:
        """One task; `Failed` when the product says so."""
        action = object.__new__(module.ActionModule)
        action._task = SimpleNamespace(check_mode=False, diff=True, action=name)
        action._display = SimpleNamespace(warning=self.said.append, display=self.said.append)
        action.task_vars = self.task_vars
        shared = {option: each for group in action.SHARED for option, each in group.items()}
        defaults = {option: spec.get("default") for option, spec in action.OPTIONS.items()}
        given = {**defaults, **{key: value for key, value in given.items() if value is not None}}
        given.update({option: value for option, value in self.options.items() if option in shared})
        self.tasks.append(name)
        try:
            result = action.act(_argspec.fill(shared, given, lambda _name: _argspec.UNSET, {}))
        except RotationError as error:
            failure = Failed(name, error)
            self.said.append(failure.result["msg"])
            raise failure from None
        shown = _redact.clean({key: value for key, value in result.items() if key not in action.YIELDS})
        self.said.append(json.dumps(shown, default=str))
        return {**shown, **{key: result[key] for key in action.YIELDS if key in result}}

    def rotate(self, back: bool = False, **choices: Any) -> Result:
        """The playbook rotate_bot, or with `back` rollback_bot: what its last task shows (success, outcomes, table)."""
        have: dict[str, Any] = {}
        stop = self._plan(have, back, choices) or self._promote(have, back)
        stop = stop or have["prepared"]["stop"] or self._roll_out(have) or {}
        if "plan" in have:
            self._judge(have, stop)
        self._end(have, stop, choices)
        try:
            return self.task("report", rotation_outcome, state="reported", **self._of(have), stop=stop)
        except Failed as failure:
            return {"success": False, "outcomes": {}, "table": "", "failure": failure.result["msg"], "stop": stop}

    def _plan(self, have: dict[str, Any], back: bool, choices: Mapping[str, Any]) -> Result | None:
        direction = "back" if back else "forward"
        try:
            have["plan"] = self.task("plan", rotation_plan, bot="gobot", direction=direction, **choices)["plan"]
        except Failed as failure:
            return failure.stop
        planned = have["plan"]["hosts"].get(Host.NAME)
        have["preflight"] = {Host.NAME: self.host.look(planned)} if planned and self.host else {}
        return None

    def _promote(self, have: dict[str, Any], back: bool) -> Result | None:
        plan = have["plan"]
        try:
            given = {"plan": plan, "preflight": have["preflight"]}
            have["prepared"] = self.task("prepare", rotation_outcome, state="prepared", **given)["prepared"]
            if not have["prepared"]["work"]:
                return None
            locks = have["prepared"]["locks"]
            have["lease"] = self.task("hold the locks", rotation_lock, state="held", installations=locks)["lease"]
            lease = {"lease": have["lease"]}
            told = self.task("announce the start", slack_message, messages=plan["messages"], **lease)
            have["announcements"] = told["announcements"]
            rows, state = plan["installations"], "restored" if back else "promoted"
            run_id = plan["run_id"]
            have["promoted"] = {}
            name, given = "make the new tokens current", {"state": state, "installations": rows, "run_id": run_id}
            have["promoted"] = self.task(name, rotation, **given, **lease)
            have["secrets"] = self.task("fetch the tokens", rotation_tokens, plan=plan, **lease)
        except Failed as failure:
            if have.get("promoted") == {}:  # registered, also when the task fails
                have["promoted"] = failure.result
            return {**failure.stop, "written": "promoted" in have}
        return None

    def _roll_out(self, have: dict[str, Any]) -> Result | None:
        hosts = have["prepared"]["hosts"]
        if not hosts or not self.host:
            return None
        done = self.host.apply(have["plan"]["hosts"][Host.NAME], have["secrets"]["tokens"])
        have["rollout"] = {Host.NAME: done}
        if done["failed"] and have["prepared"]["stops"][Host.NAME]:
            return {"phase": f"rollout to {Host.NAME}", "reason": done["msg"]}
        return None

    def _judge(self, have: dict[str, Any], stop: Result) -> None:
        try:
            said = {name: have.get(name, {}) for name in ("plan", "prepared", "preflight", "rollout")}
            have["judged"] = self.task("judge", rotation_outcome, state="judged", **said, stop=stop)["judged"]
            back = have["judged"]["back"]
            if back:
                rows = [row for row in have["plan"]["installations"] if row["id"] in back]
                given = {"state": "restored", "installations": rows, "lease": have["lease"]}
                have["restored"] = self._registered("bring the old tokens back", **given)
                if not have["restored"].get("failed") and self.host:
                    turned = have["judged"]["restore"].get(Host.NAME)
                    self.host.well = True
                    done = self.host.apply(turned, have["secrets"]["old_tokens"]) if turned else {}
                    self.host.well, have["restore"] = False, {Host.NAME: done} if done else {}
        except Failed:
            pass

    def _registered(self, name: str, **given: Any) -> Result:
        try:
            return self.task(name, rotation, **given)
        except Failed as failure:
            return failure.result

    def _end(self, have: dict[str, Any], stop: Result, choices: Mapping[str, Any]) -> None:
        judged, lease = have.get("judged"), have.get("lease")
        if judged and judged["proven"]:
            self._prove(have, [row for row in have["plan"]["installations"] if row["id"] in judged["proven"]], choices)
        try:
            if judged:
                names = ("plan", "prepared", "judged", "promoted", "retired", "restored", "memberships")
                said = {name: have.get(name, {}) for name in names}
                given = {**said, "restore": have.get("restore", {}), "stop": stop}
                done = self.task("conclude", rotation_outcome, state="concluded", **given)["concluded"]
                have["concluded"] = done
                if lease and done["messages"]:
                    told = self.task("announce the end", slack_message, messages=done["messages"], lease=lease)
                    have["announcements"] = have.get("announcements", []) + told["announcements"]
        except Failed:
            pass
        finally:
            if judged and lease:
                self.task("release the locks", rotation_lock, state="released", lease=lease)

    def _prove(self, have: dict[str, Any], rows: list[Result], choices: Mapping[str, Any]) -> None:
        revoked = [row for row in rows if row["revoked_at"]]
        try:
            if revoked:
                done = self.task("bring the bot back into its channels", slack_membership, installations=revoked)
                have["memberships"] = done["results"]
        except Failed:
            return
        given = {"state": "retired", "installations": rows, "lease": have["lease"], "keep_old": choices.get("keep_old")}
        have["retired"] = self._registered("prove that the old tokens are refused", **given)

    @staticmethod
    def _of(have: Mapping[str, Any]) -> Result:
        names = ("plan", "prepared", "judged", "concluded")
        return {**{name: have.get(name, {}) for name in names}, "announcements": have.get("announcements", [])}

    # The other playbooks

    def stage(self, token: str, check_file: Callable[[str], str], **choices: Any) -> Result:
        """The playbook stage_token, with a file that `check_file` writes the token into."""
        row = {"bot": "gobot", "workspace": "one"}
        given = {"state": "staged", "installations": [row], "token_file": check_file(token), **choices}
        self.task("stage", rotation, **given)
        return self.status()

    def status(self) -> Result:
        return self.task("status", vault_token_info, bot="gobot")

    def abort(self, **choices: Any) -> Result:
        rows = self.status()["installations"]
        self.task("abort", rotation, state="aborted", installations=rows, **choices)
        return self.status()

    def unlock(self) -> Result:
        return self.task("unlock", rotation_lock, state="broken", bot="gobot")
