# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health, by a URL, a unix socket or a command, and the proof of use that a service offers itself.

`{url, status}`, also over a unix `socket`; `{socket}` alone: it takes connections; `{command}`: it ends with 0. Nothing
of what they answer is shown.
"""

from __future__ import annotations

import os
import time

from ._http import connect, get
from ._mask import HostError
from .managers._run import run

_ONE_TRY = 5.0
# The pause is 5 % of the time waited: a service that takes long to start must not share its processors with many questions.
_FIRST_PAUSE, _LAST_PAUSE, _SLOWER = 0.01, 0.25, 0.05
_LOOK = 2.0  # seconds between two looks at whether there is any hope, while it is seen to live
_SOON = _COMMAND_PAUSE = 0.1


def look(health: dict, timeout: float = _ONE_TRY) -> dict:
    """`{"ok": bool, "evidence": str}` from one try of at most `timeout` seconds."""
    if health.get("command"):
        return _by_command(health["command"], timeout)
    if health.get("url") is None:
        return _by_connection(health["socket"], timeout)
    status, _body, words = get(health["url"], timeout, health.get("socket"))
    due = int(health.get("status") or 200)
    evidence = words if status in (None, due) else f"{words}, {due} is due"
    return {"ok": status == due, "evidence": f"{_shown(health)}: {evidence}"}


def _shown(asked: dict) -> str:
    return f"{asked['url']} over {asked['socket']}" if asked.get("socket") else asked["url"]


def _by_connection(path: str, timeout: float) -> dict:
    begun = time.monotonic()
    try:
        connect(path, timeout).close()
    except OSError as problem:
        return {"ok": False, "evidence": f"{path}: {os.strerror(problem.errno) if problem.errno else 'no answer'}"}
    return {"ok": True, "evidence": f"{path}: takes connections, in {time.monotonic() - begun:.2f} s"}


def _by_command(argv: list[str], timeout: float) -> dict:
    begun = time.monotonic()
    try:
        status, _output, _complaint = run(argv, timeout, keep_output=False)
    except HostError as problem:
        return {"ok": False, "evidence": str(problem)}
    words = f"`{' '.join(argv)}` ended with exit status {status} in {time.monotonic() - begun:.2f} s"
    return {"ok": status == 0, "evidence": words}


def wait(health: dict, deadline: float, gave_up, lives=lambda: True) -> dict:
    """Ask until the answer is right, `deadline` (monotonic) has passed, or `gave_up()` says why nothing will come.

    `gave_up` costs more than `lives`, so it is asked when that is false, and now and then.
    """
    begun = looked = asked = time.monotonic()
    while True:
        found = look(health, max(0.1, min(_ONE_TRY, deadline - time.monotonic())))
        now = time.monotonic()
        if found["ok"] or now >= deadline:
            return found
        if now - looked > _SOON:
            looked = now
            if now - asked > _LOOK or not lives():
                asked = now
                reason = gave_up()
                if reason:
                    return {"ok": False, "evidence": f"{found['evidence']}; {reason}"}
        least = _COMMAND_PAUSE if health.get("command") else _FIRST_PAUSE
        time.sleep(max(least, min(_LAST_PAUSE, _SLOWER * (now - begun))))


def shown(proof: dict) -> tuple[object, str]:
    """What `field` (dots go deeper) of a service's own endpoint says, or None, and words for it."""
    status, body, words = get(proof["url"], _ONE_TRY, proof.get("socket"))
    if status is None:
        return None, f"{_shown(proof)}: {words}"
    import json  # which few services need

    try:
        value = json.loads(body)
        for key in str(proof.get("field") or "fingerprint").split("."):
            value = value[key]
        return value, f"{_shown(proof)} says"
    except (ValueError, KeyError, TypeError, IndexError):
        return None, f"{_shown(proof)}: {words}, but the answer has no field {proof.get('field') or 'fingerprint'}"


def judge(proof: dict, variables: dict[str, dict], target: dict[str, str]) -> tuple[str, str]:
    """(`yes`, `no`, `unknown`; evidence) from the service's endpoint.

    The field holds a fingerprint, a list of them, or a mapping from variable to fingerprint.
    """
    value, words = shown(proof)
    if value is None:
        return "unknown", words
    if isinstance(value, dict):
        wrong = [name for name, wanted in target.items() if name in value and value[name] != wanted]
        right = all(value.get(name) == wanted for name, wanted in target.items())
    else:
        listed = [str(each) for each in value] if isinstance(value, list) else [str(value)]
        missing = [name for name, wanted in target.items() if wanted not in listed]
        wrong = [name for name in missing if len(target) == 1 or variables[name].get("old") in listed]
        right = not missing
    if right:
        return "yes", f"{words} {', '.join(sorted(set(target.values())))}"
    return (
        ("no", f"{words} another fingerprint for {', '.join(wrong)}") if wrong else ("unknown", f"{words} not enough")
    )
