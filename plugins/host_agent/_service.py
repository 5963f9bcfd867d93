# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service on this host: what it has and what it needs. `_watch` restarts it and waits for it.

A row of the plan comes in (`name`, `manager`, `env_file`, `variables`, `health`, ...), one element of `services` in the
answer goes out (`result`). Tokens pass through; only fingerprints are kept in the result.
"""

from __future__ import annotations

from types import ModuleType

from . import _env_file, _health, _processes
from ._env_file import EnvFileError
from ._files import LockedFile
from ._mask import HostError, fingerprint, remember
from .managers import manager

ACTIVE_SECONDS = 5.0  # a service without a health check counts as healthy once it has been active for so long
_STARTED_TOLERANCE = 0.02  # the kernel's clock ticks in steps of 10 ms


class Service:
    def __init__(self, row: dict) -> None:
        self.row = row
        self.name: str = row["name"]
        self.variables: dict[str, dict] = row["variables"]
        self.target = {name: each["new"] for name, each in self.variables.items()}
        self.bots = {each["key"].split("/")[0] for each in self.variables.values()}
        asked = row.get("health") or {}
        self.health: dict | None = None if asked.get("active_for") else row.get("health")
        self.active_for = float(asked.get("active_for") or ACTIVE_SECONDS)
        self.health_required: bool = row.get("health_required", True)
        self.rendered_by: dict | None = row.get("rendered_by")  # who writes its file, where that is not this program
        self.went_back = False
        self.waits = False  # for Vault to go back: only then its file does
        self.file: LockedFile | None = None
        self.kind: ModuleType | None = None
        self.old_values: dict[str, bytes] = {}  # by fingerprint, as the file had them
        self.manager = None
        self.format: str = row.get("env_format") or "systemd"
        self.stopped: float | None = None  # monotonic, when it was first stopped in this run
        self.started = 0.0  # monotonic, when it was last started
        self._errors: list[str] = []
        self.result: dict = {
            "name": self.name, "env_file": row["env_file"], "unit": row.get("unit"),
            "variables": {
                name: {"key": each["key"], "file_before": None, "file_after": None,
                       "process_before": [], "process_after": []}
                for name, each in self.variables.items()
            },
            "needs": "nothing", "changed": False, "restarted": False, "reloaded": False, "restored": False,
            "active_before": None, "health_before": {"ok": None, "evidence": "not looked at"}, "health_after": None,
            "in_use": "unknown", "in_use_evidence": "", "seconds_unavailable": None, "down_before": False,
            "error": None, "warnings": [],
        }  # fmt: skip

    # -- what is there ---------------------------------------------------------------------------------------------

    def fail(self, text: str) -> None:
        """Add an error; all of them are reported at once."""
        if text not in self._errors:
            self._errors.append(text)
        self.result["error"] = "; ".join(self._errors)

    def warn(self, *texts: str) -> None:
        self.result["warnings"] += [text for text in texts if text not in self.result["warnings"]]

    @property
    def failed(self) -> bool:
        return bool(self._errors)

    def find_manager(self) -> None:
        """Find out who starts and stops it. First for all services, so that a manager may ask for all at once."""
        if self.manager is None:
            self.manager = manager(self.row)

    def examine(self, file: LockedFile | str) -> None:
        """Read file, manager, health and processes; `file` is the locked file, or why there is none."""
        if isinstance(file, str):
            self.fail(file)
        else:
            self.file = file
            self._examine_file()
        try:
            self.find_manager()
            problem = self.manager.problem()
            if problem:
                self.fail(problem)
            else:
                self.warn(*self.manager.warnings())
                self._examine_process()
        except HostError as problem:
            self.fail(str(problem))

    def _read_file(self) -> dict[str, bytes | None]:
        values = _env_file.read(self.kind, self.file.data, list(self.variables))
        for name, value in values.items():
            self.result["variables"][name]["file_after"] = fingerprint(value) if value else None
            if value:
                remember(value)
        return values

    def look_again(self) -> str:
        """Read a file that somebody else writes, if it has changed; what is wrong with it, in words."""
        try:
            self.file.look_again()  # another service may read it too, and have seen the change
            self._read_file()
            return ""
        except (HostError, EnvFileError) as problem:
            return str(problem)
        except OSError as problem:
            return f"it cannot be read: {problem.strerror}"

    def was_restarted(self, stopped: float) -> None:
        """Note that somebody else has restarted it, at that time (monotonic)."""
        self.stopped = self.started = stopped
        self.result.update(restarted=True, changed=True, seconds_unavailable=None)

    def _examine_file(self) -> None:
        self.warn(*self.file.warnings)
        try:
            self.kind = _env_file.dialect(self.format)
            for name, value in self._read_file().items():
                shown = self.result["variables"][name]
                shown["file_before"] = shown["file_after"]
                if value:
                    self.old_values[fingerprint(value)] = value
                lines = _env_file.stray(self.kind, self.file.data, name)
                if lines:
                    self.warn(
                        f"{self.file.path} line {lines[0]} looks as if it sets {name}, but a {self.format} "
                        "file does not; it is left as it is: remove it, it may hold an old token"
                    )
                elif value is None and self.rendered_by is None:
                    self.warn(f"{self.file.path} has no {name}; it is added at the end")
            if self.rendered_by is not None:
                self._warn_of_another()
                return
            if self.file_is_right:
                return
            # Try the change with a stand-in now, so that what is in its way is known before anything is written.
            _env_file.change(self.kind, self.file.data, dict.fromkeys(self.variables, "x" * 40))
        except EnvFileError as problem:
            self.fail(f"{self.file.path}: {problem}")
        unwritable = self.file.unwritable()
        if unwritable:
            self.fail(unwritable)

    def _warn_of_another(self) -> None:
        """A rendered file should have what was current, or what is now."""
        for name, each in self.variables.items():
            found = self.result["variables"][name]["file_before"]
            if each.get("old") and found not in (each["old"], each["new"]):
                self.warn(
                    f"{self.file.path} has {found or 'nothing'} for {name}, which is not the token of {each['key']} in "
                    "Vault: does the agent that renders it work, and read that secret?"
                )

    def _examine_process(self) -> None:
        state = self.manager.state()
        self.result["active_before"] = state.active
        if self.health:
            self.result["health_before"] = _health.look(self.health, min(5.0, float(self.health.get("timeout") or 5)))
        self.result["down_before"] = state.active is False or self.result["health_before"]["ok"] is False
        answer, evidence, survey = self.use(self.manager.pids())
        self.note_use(answer, evidence, survey)
        for shown in self.result["variables"].values():
            shown["process_before"] = shown["process_after"]
        if not self.file_is_right:
            self.result["needs"] = "write" if self.rendered_by is None else "render"
        elif answer == "no" or state.active is False:
            self.result["needs"] = "restart"

    @property
    def file_is_right(self) -> bool:
        return all(shown["file_after"] == self.target[name] for name, shown in self.result["variables"].items())

    @property
    def unhealthy_with_live_tokens(self) -> bool:
        """It was failing before, on tokens that Slack accepts: whatever is wrong, a rotation would only hide it."""
        shown = self.result["variables"]
        return (
            self.result["health_before"]["ok"] is False
            and all(
                each["restorable"] and each.get("old") and shown[name]["process_before"] == [each["old"]]
                for name, each in self.variables.items()
            )
            and not self.row.get("force")
            and self.health_required
        )

    def use(self, pids: list[int]) -> tuple[str, str, _processes.Survey]:
        """(`yes`, `no` or `unknown`; evidence; what was seen) for the tokens that the service must have now."""
        survey = _processes.Survey(pids, list(self.variables))
        if self.row.get("reload"):
            words = "it re-reads its file, which its environment does not show"
            verdicts = {name: ("unknown", f"{name}: {words}") for name in self.variables}
        else:
            verdicts = survey.verdicts(self.target)
        answers = {answer for answer, _evidence in verdicts.values()}
        evidence = "; ".join(text for _answer, text in verdicts.values())
        answer = "no" if "no" in answers else "unknown" if "unknown" in answers else "yes"
        proof = self.row.get("in_use") or {}
        if answer == "unknown" and proof:
            open_ones = {name: self.target[name] for name, (each, _text) in verdicts.items() if each == "unknown"}
            if proof.get("url"):
                answer, words = _health.judge(proof, self.variables, open_ones)
            else:
                answer, words = self._started_after(survey)
            evidence += f"; by the service's own proof: {words}"
        elif answer == "unknown" and not pids:
            answer, evidence = self._by_manager() or (answer, evidence)
        return answer, evidence, survey

    def _by_manager(self) -> tuple[str, str] | None:
        """What the manager knows of a service that has no processes."""
        tell = getattr(self.manager, "proof", None)
        return tell(self.file.modified, self.file_is_right) if tell and self.file else None

    def note_use(self, answer: str, evidence: str, survey: _processes.Survey) -> None:
        """Put what `use` said into the result."""
        self.result.update(in_use=answer, in_use_evidence=evidence)
        for name, shown in self.result["variables"].items():
            shown["process_after"] = survey.fingerprints(name)

    def _started_after(self, survey: _processes.Survey) -> tuple[str, str]:
        starts = [each for each in map(_processes.started, survey.pids) if each is not None]
        if not starts or self.file is None or not self.file_is_right:
            return "unknown", "nothing to compare a start time with"
        late = min(starts) - self.file.modified
        if late >= -_STARTED_TOLERANCE:
            return "yes", f"started {late:.1f} s after {self.file.path} was written"
        return "no", f"started {-late:.0f} s before {self.file.path} was written"
