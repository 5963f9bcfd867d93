# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one wrapper around every action of the collection (private to the collection).

An action here is a few lines: its options and `act`. The wrapper validates the options, turns every exception into a
message for people, and masks secrets in whatever comes out. Nothing leaves it as a traceback.

Controller actions run inside ansible-playbook itself: what they are given never reaches a temporary file or a
process's arguments, and no task pays for starting an interpreter.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError


class GuardedAction(ActionBase):
    """An action whose results, failures and warnings are masked. Subclasses give OPTIONS and `act`."""

    TRANSFERS_FILES = False
    # The action's own options, as an argument spec.
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {}
    # Groups of shared options (see _argspec), by which the options are completed.
    SHARED: ClassVar[tuple[Mapping[str, _argspec.Option], ...]] = ()
    # Keys of the result that hold tokens on purpose. One action has one, and a test asserts that no other does.
    YIELDS: ClassVar[tuple[str, ...]] = ()

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the action does. Gives the result, in which `changed` must stand."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        kept: dict[str, Any] = {}
        try:
            refuse_orphan()
            _refuse_unsafe_settings()
            outcome = self.act(self._options())
            kept = {key: outcome.pop(key) for key in self.YIELDS if key in outcome}
            result.update(outcome)
        except AnsibleConnectionFailure as exc:  # what Ansible calls unreachable; its text may be a shell's
            raise AnsibleConnectionFailure(_redact.text(str(exc))) from None
        except RotationError as exc:
            result.update(failed=True, msg=str(exc), reason=exc.message, next_step=exc.next_step)
        except AnsibleError as exc:
            result.update(failed=True, msg=str(exc))
        except Exception as exc:  # noqa: BLE001 - whatever it is, people get a line, not a traceback
            result.update(failed=True, msg=_unforeseen(self._task.action, exc))
        return {**_redact.clean(result), **kept}

    @property
    def check(self) -> bool:
        """Whether this is a dry run (`--check`)."""
        return bool(self._task.check_mode)

    @property
    def diff(self) -> bool:
        return bool(self._task.diff)

    def warn(self, text: str) -> None:
        self._display.warning(_redact.text(text))

    def variable(self, name: str) -> Any:
        """A variable as this task sees it, templated, or UNSET. A delegated task sees those of where it is delegated to."""
        host = getattr(self._task, "delegate_to", None)
        if isinstance(host, str):
            return plain(self.task_vars["hostvars"][host].get(name, _argspec.UNSET))
        if name not in self.task_vars:
            return _argspec.UNSET
        return plain(self._templar.template(self.task_vars[name]))

    def _options(self) -> dict[str, Any]:
        shared = {name: option for group in self.SHARED for name, option in group.items()}
        _validation, given = self.validate_argument_spec(argument_spec={**_argspec.specs(shared), **self.OPTIONS})
        return _argspec.fill(shared, plain(given), self.variable, os.environ)


def plain(value: Any) -> Any:
    """The value in Python's own types: since core 2.19 Ansible hands out subclasses, which not every library knows."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value


def refuse_orphan() -> None:
    """A worker whose ansible-playbook was killed begins nothing: another run may have gone on, and ended, meanwhile."""
    parent = multiprocessing.parent_process()
    if parent and parent.pid != os.getppid():
        raise RotationError(
            f"The controller's process {parent.pid} is gone; this orphan of it does nothing", "run the playbook again"
        )


def _refuse_unsafe_settings() -> None:
    """Two settings of Ansible's write what a module is given to a file or to the screen, tokens too."""
    for name, why in (
        ("DEFAULT_KEEP_REMOTE_FILES", "it leaves what modules are given on the hosts"),
        ("DEFAULT_DEBUG", "it prints what modules are given"),
    ):
        if getattr(constants, name, False):
            raise RotationError(f"Ansible's setting {name} is on, and {why}", f"unset ANSIBLE_{name[8:]} and run again")


def _unforeseen(action: str, exc: Exception) -> str:
    """One line for a fault of the collection itself: what, and where in it."""
    where = traceback.extract_tb(exc.__traceback__)[-1]
    return (
        f"{action} met a fault that it does not know, {type(exc).__name__}: {_redact.text(str(exc))[:300]} "
        f"({os.path.basename(where.filename)}:{where.lineno}); next: run rotation_status, and report this line"
    )
