# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a command that has the callback `killpoint`, and kills it there. A process of its own, started as

    python -I _launcher.py all|main|late|newborn NUMBER COMMAND...

`all`: at event NUMBER the command and every process that it has started, also those that have left its process group
or lost their parent: this process takes over whoever is orphaned (PR_SET_CHILD_SUBREAPER of prctl(2)).
`main`: the command's own process alone. Where the event is the start of a task, it dies as soon as a worker of it is at
work, which then goes on as an orphan; at the end of a task whoever still works on another host does.
`late`: as `main`, and the orphans are stopped at once, until a line comes on standard input. `newborn`: the same, as soon
as there is a worker, before it is at work.

Prints a line of JSON when the command is dead, {"killed": true, "orphans": 2} or {"killed": false, "status": 0}, and
one more, {"gone": true}, when no process of it is left, then ends. The command's output goes to this process's standard
error.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 90.0  # seconds for orphans to end
LIMIT = 240  # seconds for all of it


def children() -> dict[int, list[int]]:
    """Every process on the machine by its parent; zombies count, they are to be waited for."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    parent = int(stat.read().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            found.setdefault(parent, []).append(int(name))
    return found


def descendants(root: int) -> list[int]:
    """Every process below `root`."""
    tree, found, todo = children(), [], [root]
    while todo:
        below = tree.get(todo.pop(), [])
        found += below
        todo += below
    return found


def send(number: int, *pids: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def reap() -> None:
    """Wait for whoever has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_everything() -> None:
    while below := descendants(os.getpid()):
        send(signal.SIGKILL, *below)
        reap()


def kill_main(main: int, listen: int, answer: int, mode: str) -> int:
    """Kill the command alone; how many orphans it leaves."""
    if b"start" in last_line():
        before = workers(main)
        os.write(answer, b"next")
        while not select.select([listen], [], [], 0)[0]:  # which means that the task has ended
            if any(mode == "newborn" or at_work(worker, main) for worker in workers(main) - before):
                break  # no pause: a worker lives for some hundredths of a second
    if mode != "main":
        stop(main)
        send(signal.SIGSTOP, *descendants(main))
    send(signal.SIGKILL, main)
    os.waitpid(main, 0)
    if mode != "main":
        send(signal.SIGSTOP, *descendants(os.getpid()))
    reap()
    return len(descendants(os.getpid()))


def stop(pid: int) -> None:
    """Stop a process and what it has started, each before what is below it: looking through all of /proc takes longer."""
    send(signal.SIGSTOP, pid)
    for child in workers(pid):
        stop(child)


def workers(main: int) -> set[int]:
    """What the command has forked itself (proc(5), task/TID/children)."""
    try:
        with open(f"/proc/{main}/task/{main}/children", encoding="ascii") as file:
            return set(map(int, file.read().split()))
    except OSError:
        return set()


def at_work(worker: int, main: int) -> bool:
    """Whether it has started a program, or has a connection that the command does not have: to Vault or to Slack."""
    return bool(workers(worker) or sockets(worker) - sockets(main))


def sockets(pid: int) -> set[str]:
    found = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:"):
                found.add(target)
    except OSError:
        pass  # it has ended
    return found


def last_line() -> bytes:
    with open(os.environ["KILLPOINT_LOG"], "rb") as log:
        return log.read().rstrip(b"\n").rpartition(b"\n")[2]


def wait_for_orphans(late: bool) -> bool:
    if late:
        sys.stdin.readline()
    deadline = time.monotonic() + PATIENCE
    while below := descendants(os.getpid()):
        if late:
            send(signal.SIGCONT, *below)
        if time.monotonic() > deadline:
            kill_everything()
            return False
        reap()
        time.sleep(0.01)
    return True


def say(**words: object) -> None:
    print(json.dumps(words), flush=True)


def give_up(number: int, frame: object) -> None:
    kill_everything()
    sys.exit(128 + number)


def main(mode: str, number: str, *command: str) -> None:
    signal.signal(signal.SIGALRM, give_up)
    signal.signal(signal.SIGTERM, give_up)
    signal.alarm(LIMIT)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    listen, tell = os.pipe()
    heard, answer = os.pipe()
    env = {**os.environ, "KILLPOINT_AT": number, "KILLPOINT_FDS": f"{tell} {heard}"}
    started = subprocess.Popen(command, env=env, pass_fds=(tell, heard), stdin=subprocess.DEVNULL, stdout=sys.stderr)
    os.close(tell)
    os.close(heard)
    if not os.read(listen, 16):
        say(killed=False, status=started.wait())
        return
    if mode == "all":
        kill_everything()
        say(killed=True, orphans=0)
    else:
        say(killed=True, orphans=kill_main(started.pid, listen, answer, mode))
    say(gone=wait_for_orphans(late=mode in ("late", "newborn")))


if __name__ == "__main__":
    main(*sys.argv[1:])
