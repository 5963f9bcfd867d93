# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to say where a host is there and did not answer: its shell, its Python or its become method stood in the way.

(Private to the collection.) Everything here gives a message and the next step, or the latter alone.
"""

from __future__ import annotations

from typing import Any

UNASKED = "waiting for privilege escalation prompt"  # of Ansible's ssh, which takes it for a host that is not reached
# Words of a shell or of sudo -> what to do; the first that fits is shown.
_HINTS = {
    "must have a tty": "take requiretty out of sudoers for this user: Defaults:USER !requiretty",
    "password is required": "give the become password (-K), or set NOPASSWD in sudoers",
    "missing sudo password": "give the become password (-K), or set NOPASSWD in sudoers",
    "incorrect sudo password": "give the right become password (-K)",
    "incorrect password": "give the right become password (-K)",
    "not in the sudoers": "allow this user to become another one in sudoers",
    "not allowed to execute": "allow this user to become another one in sudoers",
    "not found": "install Python 3.9 or later there, or name it in ansible_python_interpreter",
    "unknown option": "install Python 3.9 or later there, or name it in ansible_python_interpreter",  # Python 2 and -I
    "no such file": "install Python 3.9 or later there, or correct ansible_python_interpreter",
}


def silence(done: dict[str, Any]) -> tuple[str, str]:
    """Of a program that ended without an answer."""
    said = (done.get("stderr") or done.get("stdout") or "").strip()
    last = said.splitlines()[-1][:300] if said else "nothing"
    return (
        f"Python on this host ended with exit status {done.get('rc')} and without an answer; it said: {last}",
        hint(said)
        or "run `python3 --version` there as the same user; the state of its services is not known, run again",
    )


def held_up(method: str, problem: Exception) -> tuple[str, str]:
    """Of a become method that neither asks for its password nor lets the program run."""
    message = (
        f"the command was not run on this host: {method} did not ask for its password as Ansible expects it to, and "
        f"let nothing run without one: {' '.join(str(problem).split())}"
    )
    next_step = (
        f"see what `{method} true` asks there as the same user: other words than `Password:` need passprompt_override in "
        "sudoers, a one-time code needs NOPASSWD; where it waits for a directory, mend that or raise ansible_timeout"
    )
    return message, next_step


def hint(said: str) -> str:
    """What to do about these words of a shell, of sudo or of Ansible; empty where nothing is known."""
    return next((step for words, step in _HINTS.items() if words in said.lower()), "")
