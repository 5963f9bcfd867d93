# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a secret gets in: a hidden prompt, a file, or standard input (private). It is never a variable of Ansible's."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, TokenError

STDIN = ("-", "/dev/stdin")


ELSEWHERE = "give it on standard input with -e token_file=-, or from a file with -e token_file=PATH"


def ask(display: Any, words: str, what: str, elsewhere: str = ELSEWHERE) -> str:
    """What is typed at a prompt that does not show it. `elsewhere`: how it can be given where there is no terminal."""
    try:
        answer = display.prompt_until(words, private=True)
    except (AnsibleError, OSError):  # no terminal, one that is not this run's, or an interrupt
        answer = None
    if not isinstance(answer, bytes):
        raise RotationError(f"There is no terminal to ask for {what} at", elsewhere)
    return answer.decode("utf-8", "replace").rstrip("\r\n")


def read(source: str, what: str, due: str) -> str:
    """The text of a file, or of standard input (`-`). TokenError where it cannot be read; the path is not quoted."""
    try:
        # A task runs in a worker whose own standard input is closed; that of ansible-playbook is its parent's.
        path = Path(f"/proc/{_parent()}/fd/0") if source in STDIN else Path(source).expanduser()
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, RuntimeError, ValueError) as exc:  # the latter of `~nobody` and of a NUL
        raise TokenError(
            f"The {what} could not be read from {'standard input' if source in STDIN else 'the file'}: "
            f"{getattr(exc, 'strerror', None) or type(exc).__name__}",
            f"give the path of a readable file that {due}, or - for standard input",
        ) from None


def only_line(text: str) -> str:
    """The one line that a text has; its end belongs to the file, not to the token."""
    lines = text.splitlines()
    if len(lines) > 1:
        raise TokenError(f"What was read has {len(lines)} lines, and a token is one", "give the token alone")
    return lines[0] if lines else ""


def _parent() -> int:
    """The process of ansible-playbook."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent and parent.pid else os.getppid()
