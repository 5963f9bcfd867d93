# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is asked to do, from payload to answer: `preflight`, `applied`, `verified`, `restored`.

    {"state": ..., "check": bool, "services": [...], "tokens": {key: token}}
    -> {"changed": bool, "failed": bool, "msg": str, "services": [...]}

Everything is read and judged before anything is written, and all problems are reported at once. `restored` is
`applied` with the old tokens as those that the services must have, and without a way back from there. `audited`, which
only tells what is there, is in `_audit`.
"""

from __future__ import annotations

import _signal as signal  # not `signal`, see `_program`
import os
import select
import time

from . import _json_text, _rendered, _watch
from ._files import LOCK_SECONDS, LockedFile
from ._mask import HostError, clean, fingerprint, remember, unforeseen
from ._service import Service

MARKER = "BOTOPS-RESULT:"


def main(payload: dict) -> None:
    """Print the answer: one line of JSON behind the marker. Never a traceback, never a token."""
    # A run whose controller has gone ends what it began: a service must not be left stopped. A handler, and not
    # "ignore", because what is started from here would inherit that.
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    try:
        answer = run(payload)
    except Exception as problem:  # noqa: BLE001 - the last line of defence
        answer = {"changed": False, "failed": True, "msg": unforeseen(problem), "services": []}
    text = f"\n{MARKER}{_json_text.dumps(clean(answer))}\n".encode()
    try:  # not sys.stdout, which would complain again at exit when nobody listens any more
        while text:
            text = text[os.write(1, text) :]
    except OSError:
        pass


def run(payload: dict) -> dict:
    """The answer to a payload."""
    if payload["state"] == "audited":
        from ._audit import audited  # sent only where it is asked for

        return audited(payload)
    tokens = {}
    for token in (payload.get("tokens") or {}).values():
        remember(token.encode())
        tokens[fingerprint(token.encode())] = token.encode()
    state, check = payload["state"], bool(payload.get("check"))
    services = [Service(row) for row in payload.get("services") or []]
    files: dict[str, LockedFile | str] = {}
    try:
        _lock(services, files)
        for service in services:
            try:
                service.find_manager()
            except HostError:
                pass  # `examine` says so
        for service in services:
            try:
                service.examine(files[os.path.realpath(service.row["env_file"])])
            except Exception as problem:  # noqa: BLE001 - the others are looked at all the same
                service.fail(unforeseen(problem))
        _judge(services, state, tokens, needs_tokens=state in ("applied", "restored") and not check)
        if state in ("applied", "restored") and not _listened_to():
            for service in services:
                service.fail("the controller was gone before anything was changed here, so nothing was; run it again")
        if state == "verified":
            _verify(services)
        elif state in ("applied", "restored"):
            if check or any(service.failed for service in services):
                _predict(services)
            else:
                from ._rollout import Rollout  # not for the phases that only look

                known = {fp: value for service in services for fp, value in service.old_values.items()}
                Rollout(services, {**known, **tokens}, may_go_back=state == "applied").run()
                if state == "restored":
                    for service in services:
                        service.result["restored"] = not service.failed
    finally:
        for file in files.values():
            if isinstance(file, LockedFile):
                file.close()
    return _answer(services)


def _listened_to() -> bool:
    """Whether the controller still waits for the answer: where it does not, another run may have gone on meanwhile."""
    wait = select.poll()
    wait.register(1, 0)
    return not wait.poll(0)  # of what is not asked for, only that the other end is closed


def _lock(services: list[Service], files: dict[str, LockedFile | str]) -> None:
    """Lock every file, in one order for all runs, so that no two can wait for each other."""
    deadline = time.monotonic() + LOCK_SECONDS
    paths = {os.path.realpath(service.row["env_file"]): service.row["env_file"] for service in services}
    for real in sorted(paths):
        try:
            files[real] = LockedFile(paths[real], deadline)
        except HostError as problem:
            files[real] = str(problem)


def _judge(services: list[Service], state: str, tokens: dict[str, bytes], needs_tokens: bool) -> None:
    """The problems that can be known before anything is written."""
    wanted: dict[tuple[str, str], tuple[str, Service]] = {}
    formats: dict[str, str] = {}
    writers: dict[str, dict | None] = {}
    for service in services:
        real = os.path.realpath(service.row["env_file"])
        if formats.setdefault(real, service.format) != service.format:
            service.fail(
                f"{service.row['env_file']} is {service.format} for it and {formats[real]} for another service"
            )
        if writers.setdefault(real, service.rendered_by) != service.rendered_by:
            service.fail(f"{service.row['env_file']} is rendered by another agent, or by none, for another service")
        trouble = _rendered.problem(service) if service.rendered_by else None
        if trouble:
            service.fail(trouble)
        for name, each in service.variables.items():
            other = wanted.setdefault((real, name), (each["new"], service))
            if other[0] != each["new"]:
                service.fail(
                    f"{name} in {service.row['env_file']} has to be the token of {each['key']} for it and another "
                    f"for {other[1].name}; give them files or variables of their own"
                )
            if needs_tokens and service.result["needs"] == "write" and each["new"] not in tokens:
                service.fail(f"no token with the fingerprint {each['new']} was sent for {name} ({each['key']})")
            if "seen" in each and service.result["variables"][name]["file_before"] not in _expected(each):
                service.fail(
                    f"{service.row['env_file']} had {each['seen'] or 'no token'} for {name} when it was looked at, and "
                    f"has {service.result['variables'][name]['file_before'] or 'none'} now: another run or somebody "
                    "else has changed it meanwhile, so it is left as it is; run rotate_bot again"
                )
        if state == "restored" and not all(each.get("restorable") for each in service.variables.values()):
            service.fail("a token of it was not accepted by Slack in this run, so it does not go back to it")
        changes = state in ("preflight", "applied") and service.result["needs"] != "nothing"
        if changes and service.unhealthy_with_live_tokens:
            service.fail(
                f"is unhealthy already, on tokens that Slack accepts: {service.result['health_before']['evidence']}; "
                "mend it first, or go on with -e force=true"
            )


def _expected(variable: dict) -> tuple:
    """What the file may hold. This program may have been held up until the next rotation was over, and its tokens dead:
    only what the preflight saw, and what this run itself changes it to and from, may be replaced.
    """
    return variable["seen"], variable["new"], variable.get("old")


def _predict(services: list[Service]) -> None:
    """What a real run would have changed."""
    sound = not any(service.failed for service in services)
    for service in services:
        if service.result["needs"] != "nothing" and sound:
            service.result["changed"] = True
            for name, shown in service.result["variables"].items():
                shown["file_after"] = service.target[name]


def _verify(services: list[Service]) -> None:
    for service in services:
        if service.failed:
            continue
        wrong = [
            f"{name} is {shown['file_before'] or 'not there'}, {service.target[name]} is due"
            for name, shown in service.result["variables"].items()
            if shown["file_before"] != service.target[name]
        ]
        if wrong:
            service.fail(f"{service.file.path}: {'; '.join(wrong)}")
        try:
            _watch.confirm(service)
        except HostError as problem:
            service.fail(str(problem))


def _answer(services: list[Service]) -> dict:
    results = [service.result for service in services]
    problems = [f"{each['name']}: {each['error']}" for each in results if each["error"]]
    return {
        "changed": any(each["changed"] for each in results),
        "failed": bool(problems),
        "msg": "\n".join(problems),
        "services": results,
    }
