# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the rotations of installations into a state, in Vault."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible_collections.botops.rotation.plugins.module_utils import _redact, _verbs
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, TokenError
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, LEASE_OPTION, session


class ActionModule(GuardedAction):
    SHARED = EVERYTHING
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {
            "type": "str",
            "choices": ["staged", "promoted", "restored", "retired", "aborted"],
            "required": True,
        },
        "installations": {"type": "list", "elements": "dict", "required": True},
        "token": {"type": "str", "choices": ["bot", "user"], "default": "bot", "no_log": False},
        "token_file": {"type": "str", "no_log": False},
        "accept_identity": {"type": "list", "elements": "str", "default": []},
        "accept_scopes": {"type": "list", "elements": "str", "default": []},
        "keep_old": {"type": "list", "elements": "str", "default": []},
        "run_id": {"type": "str", "default": ""},
        "discard": {"type": "list", "elements": "str", "default": []},
        **LEASE_OPTION,
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        verb: Callable[..., dict[str, Any]] = getattr(_verbs, options["state"])
        if options["state"] == "staged":
            self._where = _verbs.target(here, options).id
            options["value"] = self._read_token(options)
            _redact.register(options["value"])
        with here.locked(options["installations"], self.check):
            result = verb(here, options, self.check)
        if not self.diff:
            result.pop("diff")
        return result

    def _read_token(self, options: dict[str, Any]) -> str:
        """The new token, from a hidden prompt, a file, or standard input (token_file: -). Never from a variable."""
        source = options["token_file"]
        if source is None:
            return self._prompt(f"New {options['token']} token of {self._where} (not shown):")
        try:
            # A task runs in a worker whose own standard input is closed; that of ansible-playbook is its parent's.
            path = Path(f"/proc/{_parent()}/fd/0") if source in ("-", "/dev/stdin") else Path(source).expanduser()
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise TokenError(
                f"The new token could not be read from {'standard input' if source == '-' else 'the file'}: "
                f"{getattr(exc, 'strerror', None) or type(exc).__name__}",
                "give the path of a readable file that holds nothing but the token, or - for standard input",
            ) from None
        lines = text.splitlines()
        if len(lines) > 1:
            raise TokenError(f"What was read has {len(lines)} lines, and a token is one", "give the token alone")
        return lines[0] if lines else ""  # the end of a file's only line belongs to the file, not to the token

    def _prompt(self, words: str) -> str:
        try:
            answer = self._display.prompt_until(words, private=True)
        except (AnsibleError, OSError):  # no terminal, one that is not this run's, or an interrupt
            answer = None
        if not isinstance(answer, bytes):
            raise RotationError(
                "There is no terminal to ask for the new token at",
                "give it on standard input with -e token_file=-, or from a file with -e token_file=PATH",
            )
        return answer.decode("utf-8", "replace").rstrip("\r\n")


def _parent() -> int:
    """The process of ansible-playbook."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent and parent.pid else os.getppid()
