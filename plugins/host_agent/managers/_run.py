# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one command on the host, bounded, with nothing inherited that would keep it or us waiting.

Not `subprocess`: importing it takes longer than the command.
"""

from __future__ import annotations

import _signal as signal  # not `signal`, see `_program`
import errno
import os
import select
import time

from .._mask import HostError, masked

_LARGEST = 1024 * 1024


def which(command: str) -> str | None:
    """Where a command is, or None. Not `shutil`, which loads what it needs to pack archives."""
    folders = [""] if "/" in command else os.environ.get("PATH", os.defpath).split(os.pathsep)
    places = [os.path.join(folder, command) for folder in folders]
    return next((each for each in places if os.path.isfile(each) and os.access(each, os.X_OK)), None)


class _Person:
    """Whom a command runs as, and in what environment."""

    def __init__(self, name: str) -> None:
        import pwd

        found = pwd.getpwnam(name)
        self.uid, self.gid = found.pw_uid, found.pw_gid
        self.groups = os.getgrouplist(name, found.pw_gid)
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": found.pw_dir,
            "USER": name,
            "LOGNAME": name,
            "XDG_RUNTIME_DIR": runtime(found.pw_uid),
        }


def runtime(uid: int) -> str:
    """Where a user's own daemons listen."""
    return f"/run/user/{uid}"


def foreign(user: str | None) -> str | None:
    """Why this program cannot act as `user`, in words, or None."""
    if not user:
        return None
    try:
        uid = _person(user).uid
    except KeyError:
        return f"there is no user {user} on this host; correct `user`"
    if os.geteuid() in (0, uid):
        return None
    return f"belongs to user {user}, and this program may not act as {user}; run with become as root or as {user}"


_people: dict[str, _Person] = {}


def _person(name: str) -> _Person:
    if name not in _people:
        _people[name] = _Person(name)
    return _people[name]


def run(
    argv: list[str],
    seconds: float,
    keep_output: bool = True,
    user: str | None = None,
) -> tuple[int, str, str]:
    """(exit status, standard output, last line of standard error that is no mere hint); 128 + N when signal N ended it.

    Without `keep_output` both go to /dev/null: a daemon that the command leaves behind inherits them, would keep a
    pipe open for ever and would fail when it is closed. What does not end in time is killed with what it started.
    `user` is whom it runs as, in an environment of that user's; see `foreign`. None: as this program, in its own.
    """
    deadline = time.monotonic() + seconds
    person = _person(user) if user else None
    pipes = [
        os.pipe() for _dummy in range(3 if keep_output else 1)
    ]  # for its errors before exec, its output, its errors
    pid = os.fork()
    if pid == 0:
        _become(argv, [writing for _reading, writing in pipes], person)
    for _reading, writing in pipes:
        os.close(writing)
    try:
        failed, output, complaint = (*_read([reading for reading, _writing in pipes], deadline), b"", b"")[:3]
        status = _wait(pid, deadline)
    except TimeoutError:
        _kill(pid)
        raise HostError(f"`{' '.join(argv)}` did not end within {seconds:.0f} s") from None
    finally:
        for reading, _writing in pipes:
            os.close(reading)
    if failed:
        raise HostError(f"`{' '.join(argv)}` could not be run: {os.strerror(int(failed))}")
    said = [line for line in complaint.decode("utf-8", "replace").splitlines() if line and not line.startswith('See "')]
    return status, output.decode("utf-8", "replace"), masked(said[-1] if said else "")[:300]


def _become(argv: list[str], pipes: list[int], person: _Person | None) -> None:
    """In the child: become the command. Never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number, source in enumerate((null, *(pipes[1:] or (null, null)))):
            os.dup2(source, number)
        if person and os.geteuid() != person.uid:
            os.setgroups(person.groups)
            os.setgid(person.gid)
            os.setuid(person.uid)
        os.chdir("/")
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so
        os.execvpe(argv[0], argv, person.environment if person else os.environ)
    except OSError as problem:
        os.write(pipes[0], str(problem.errno or errno.EIO).encode())
    except BaseException:  # noqa: BLE001 - the parent's code must not go on in the child
        os.write(pipes[0], str(errno.EIO).encode())
    finally:
        os._exit(127)


def _read(pipes: list[int], deadline: float) -> list[bytes]:
    """What comes out of the pipes until all are closed; of more than a megabyte only the start."""
    found = {each: b"" for each in pipes}
    waiting = select.poll()
    for each in pipes:
        waiting.register(each, select.POLLIN)
    open_ones = set(pipes)
    while open_ones:
        ready = waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            raise TimeoutError
        for each, _event in ready:
            data = os.read(each, 65536)
            if not data:
                waiting.unregister(each)
                open_ones.discard(each)
            elif len(found[each]) < _LARGEST:
                found[each] += data
    return [found[each] for each in pipes]


def _wait(pid: int, deadline: float) -> int:
    pause = 0.001
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if time.monotonic() >= deadline:
            raise TimeoutError
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:  # it ended just now, or has not yet a group of its own
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    os.waitpid(pid, 0)
