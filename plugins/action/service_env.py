# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries tokens to the services of a host: pipes one program to Python there, and gives back what it found and did.

The program and the tokens go over the connection's standard input: nothing is copied to the host, nothing stands in a
process's arguments, and no module is packed. What it does is in `plugins/host_agent`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.botops.rotation.plugins.host_agent import _program
from ansible_collections.botops.rotation.plugins.module_utils import _hosts, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._tokens import PREFIXES
from ansible_collections.botops.rotation.plugins.plugin_utils import _forks, _unanswered
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction

# In ansible-playbook itself, for hosts as most are: its workers, one a host and task, find it done.
_program.build({"services": [{"manager": "systemd"}]})
_forks.prepare()
_KINDS = {prefix: f"{kind.value} token" for prefix, kind in PREFIXES.items()}
_REQUIRED = ("name", "manager", "env_file", "variables")
# Nothing of the user's, and nothing that packages installed on the host have put into Python's start (`site`).
_ISOLATED = "-I -S -"
_DEFAULT_PYTHON = (
    f"if [ -x /usr/bin/python3 ]; then exec /usr/bin/python3 {_ISOLATED}; else exec python3 {_ISOLATED}; fi"
)


class ActionModule(GuardedAction):
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {
            "type": "str",
            "choices": ["preflight", "applied", "verified", "restored", "audited"],
            "default": "applied",
        },
        "services": {"type": "list", "elements": "dict", "required": True},
        "tokens": {"type": "dict", "default": {}, "no_log": True},
        "preflight": {"type": "dict"},
        "installations": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["state"] == "audited":
            return self._audited(options)
        tokens = options["tokens"]
        for token in tokens.values():
            _redact.register(token)
        _require_shape(options["services"], tokens)
        if not options["services"]:
            return {"changed": False, "services": []}
        self._require_pipe()
        state = "applied" if self.check and options["state"] == "preflight" else options["state"]
        writes = state in ("applied", "restored") and not self.check
        payload = {
            "state": state,
            "check": self.check,
            "services": _with_seen(options["services"], options["preflight"] or {}),
            "tokens": _needed(options["services"], tokens) if writes else {},
        }
        answer = self._ask(payload)
        if self.diff:
            answer["diff"] = _diff(answer.get("services") or [])
        for service in answer.get("services") or []:
            for warning in service.get("warnings") or []:
                self.warn(f"{service['name']}: {warning}")
        return answer

    def _audited(self, options: dict[str, Any]) -> dict[str, Any]:
        """What is there. The services are as the inventory has them, so that no plan need carry those of all hosts."""
        services = _hosts.asked(options["services"], "botops_services", options["installations"])
        if not services:
            return {"changed": False, "services": [], "files": {}}
        self._require_pipe()
        return self._ask({"state": "audited", "services": services, "kinds": _KINDS})

    def _require_pipe(self) -> None:
        """The connection and the become method must take the program on standard input."""
        become = self._connection.become
        if not getattr(self._connection, "has_pipelining", False):
            raise RotationError(
                f"connection {self._connection.transport} cannot pass standard input to a command",
                "use ssh (or local, podman, docker) for this host",
            )
        if become and not become.pipelining:
            raise RotationError(
                f"become method {become.name} needs a terminal, so it cannot pass standard input to a command",
                "set ansible_become_method: sudo for this host",
            )

    def _command(self) -> str:
        interpreter = self.variable("ansible_python_interpreter")
        chosen = isinstance(interpreter, str) and interpreter and not interpreter.startswith("auto")
        return f"{interpreter} {_ISOLATED}" if chosen else _DEFAULT_PYTHON

    def _ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Run the program on the host. A connection that breaks is raised by Ansible, as unreachable."""
        try:
            done = self._low_level_execute_command(self._command(), in_data=_program.build(payload))
        except AnsibleConnectionFailure as exc:
            if _unanswered.UNASKED not in str(exc) or not self._takes_commands():
                raise
            raise RotationError(*_unanswered.held_up(self._connection.become.name, exc)) from None
        except AnsibleError as exc:  # what the connection made of the become method's words
            raise RotationError(f"the command was not run on this host: {exc}", _unanswered.hint(str(exc))) from None
        # A login shell may print before, and a connection's own messages may follow.
        _before, marker, answer = done["stdout"].rpartition(_program.MARKER)
        try:
            if marker:
                return json.JSONDecoder().raw_decode(answer)[0]
        except ValueError:
            pass
        raise RotationError(*_unanswered.silence(done))

    def _takes_commands(self) -> bool:
        """Whether the host does what the user who logs in says. Over a new connection, which is bounded as the first was.

        A host that went while a connection to it was kept open is silent at the same point.
        """
        self._connection.reset()
        return self._low_level_execute_command("true", sudoable=False)["rc"] == 0


def _require_shape(services: list[Any], tokens: Mapping[str, Any]) -> None:
    """Refuse what the host program could make nothing of, without showing any of it."""
    next_step = "give them as rotation_plan returns them; `ansible-doc botops.rotation.service_env` has the shape"
    for number, service in enumerate(services):
        missing = [name for name in _REQUIRED if not service.get(name)]
        if missing:
            raise RotationError(f"services[{number}] has no {', '.join(missing)}", next_step)
        variables = service["variables"]
        shaped = isinstance(variables, Mapping) and all(
            isinstance(each, Mapping) and isinstance(each.get("key"), str) and isinstance(each.get("new"), str)
            for each in variables.values()
        )
        if not shaped:
            raise RotationError(f"services[{number}].variables has no key and new for each variable", next_step)
    if not all(isinstance(token, str) for token in tokens.values()):
        raise RotationError("tokens holds something else than text", "give tokens as rotation_tokens returns them")


def _with_seen(services: list[dict[str, Any]], preflight: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The services, and in each variable what the preflight saw in the file: nothing else is replaced there."""
    seen = {service["name"]: service["variables"] for service in preflight.get("services") or []}
    return [
        {
            **service,
            "variables": {
                name: {**each, "seen": seen[service["name"]][name]["file_before"]}
                if name in seen.get(service["name"], {})
                else each
                for name, each in service["variables"].items()
            },
        }
        for service in services
    ]


def _needed(services: list[dict[str, Any]], tokens: dict[str, str]) -> dict[str, str]:
    """The tokens that are written for these services: a host is not told others."""
    written = (service for service in services if service.get("rendered_by") is None)
    keys = {each["key"] for service in written for each in service["variables"].values()}
    return {key: token for key, token in tokens.items() if key in keys}


def _diff(services: list[dict[str, Any]]) -> list[dict[str, str]]:
    """One diff for each environment file that changes; of tokens it shows fingerprints."""
    before: dict[str, dict[str, str]] = {}
    after: dict[str, dict[str, str]] = {}
    for service in services:
        for name, shown in service["variables"].items():
            before.setdefault(service["env_file"], {})[name] = shown["file_before"] or ""
            after.setdefault(service["env_file"], {})[name] = shown["file_after"] or ""
    return [
        {"before_header": path, "after_header": path, "before": _lines(before[path]), "after": _lines(after[path])}
        for path in before
        if before[path] != after[path]
    ]


def _lines(values: dict[str, str]) -> str:
    return "".join(f"{name}={f'<{shown}>' if shown else ''}\n" for name, shown in sorted(values.items()))
