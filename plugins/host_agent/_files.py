# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locking, reading and replacing environment files.

Writers replace a file by renaming another over it, so the lock is taken on the file itself and the inode looked at
again afterwards, and a new file is locked before it takes the name: there is no instant at which the name stands for a
file that nobody holds. The lock is kept until `close`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

from ._links import misled
from ._mask import HostError

LOCK_SECONDS = 60.0
LARGEST = 1024 * 1024  # bytes
_WHY = {
    errno.ENOENT: "it does not exist; check `env_file` in botops_services, or create it with the service's variables",
    errno.EACCES: "permission denied; run with become, or as a user who may read it and write to its directory",
    errno.EPERM: "not permitted; run with become as a user who may keep the file's owner (chattr +i forbids it too)",
    errno.EROFS: "the file system is read-only; remount it writable",
    errno.ENOSPC: "no space is left on the device; free some",
    errno.EDQUOT: "the disk quota is used up; free some",
    errno.ELOOP: "its symbolic links go in a circle; correct them",
    errno.EISDIR: "it is a directory; give the file in `env_file`",
    errno.ENOTDIR: "a part of its path is not a directory; check `env_file`",
    errno.EBUSY: "it is a mount point of its own, which cannot be replaced; mount its directory instead",
}


def why(problem: OSError) -> str:
    """What came back and what to do, for a person."""
    return _WHY.get(problem.errno or 0) or os.strerror(problem.errno or 0) if problem.errno else str(problem)


def opened(path: str, real: str) -> int:
    """The file `path`, which is `real` behind symbolic links, open for reading."""
    try:
        fd = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as problem:
        raise HostError(f"reading {path}: {why(problem)}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        is_directory = stat.S_ISDIR(os.fstat(fd).st_mode)
        os.close(fd)
        raise HostError(
            f"reading {path}: it is {'a directory' if is_directory else 'not a regular file'}; "
            "give the environment file itself in `env_file`"
        )
    problem = misled(path, os.fstat(fd).st_uid)
    if problem:
        os.close(fd)
        raise HostError(f"reading {path}: {problem}")
    return fd


class LockedFile:
    """One environment file, open and locked: `path` as the inventory has it, `real` behind symbolic links.

    `data` is its content, `original` what it was when it was locked.
    """

    def __init__(self, path: str, deadline: float) -> None:
        self.path = path
        self.real = os.path.realpath(path)
        self._temporary = os.path.join(os.path.dirname(self.real), f".{os.path.basename(self.real)}.botops-new")
        self._staged: int | None = None
        self._staged_data = b""
        self._fd = self._lock(deadline)
        try:
            self.data = self.original = self._read()
        except BaseException:
            self.close()
            raise

    def _lock(self, deadline: float) -> int:
        while True:
            fd = opened(self.path, self.real)
            if self._got(fd, deadline):
                return fd
            os.close(fd)

    def _got(self, fd: int, deadline: float) -> bool:
        """Whether `fd` is locked now and still is the file that the name stands for."""
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(fd)
                    raise HostError(
                        f"{self.path} is locked by another run for more than {LOCK_SECONDS:.0f} s; see who holds it "
                        f"with `fuser -v {self.real}`, wait for it to end, then run again"
                    ) from None
                time.sleep(0.02)
            except OSError as problem:
                os.close(fd)
                raise HostError(f"locking {self.path}: {why(problem)}") from None
        try:
            named, opened = os.stat(self.real), os.fstat(fd)
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)

    def _read(self) -> bytes:
        size = os.fstat(self._fd).st_size
        if size > LARGEST:
            raise HostError(f"{self.path} has {size} bytes: that is no environment file; check `env_file`")
        self._looked = os.fstat(self._fd).st_mtime_ns
        os.lseek(self._fd, 0, os.SEEK_SET)
        with open(self._fd, "rb", closefd=False) as stream:
            data = stream.read()
        if not data:
            raise HostError(
                f"{self.path} is empty: it may have been lost to a full disk; restore it, or write one line `NAME=` "
                "for each variable of the service into it"
            )
        return data

    def look_again(self) -> None:
        """Take up the file that has the name now, locked like the first: somebody else renders it."""
        now, known = os.stat(self.path), os.fstat(self._fd)
        if (now.st_dev, now.st_ino, now.st_mtime_ns) == (known.st_dev, known.st_ino, self._looked):
            return
        self.real = os.path.realpath(self.path)
        fd = self._lock(time.monotonic())
        os.close(self._fd)
        self._fd = fd
        self.data = self._read()

    @property
    def warnings(self) -> list[str]:
        links = os.fstat(self._fd).st_nlink
        return [f"{self.path} has {links} hard links; the others keep the old content"] if links > 1 else []

    @property
    def modified(self) -> float:
        """When the file was last written, seconds since the epoch."""
        return os.fstat(self._fd).st_mtime

    def unwritable(self) -> str | None:
        """Why the file could not be replaced, as far as that can be known without doing it."""
        folder = os.path.dirname(self.real)
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return f"writing {self.path}: {_WHY[errno.EROFS]}"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"writing {self.path}: its directory {folder} is not writable for this user; run with become"
        if os.geteuid() not in (0, os.fstat(self._fd).st_uid):
            return f"writing {self.path}: its owner could not be kept; run with become"
        return None

    def stage(self, data: bytes) -> None:
        """Put `data`, with the mode, owner and attributes of the file, beside it; `commit` gives it the name."""
        try:
            self._remove_temporary()  # of a run that was killed: whoever holds the lock may
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._staged = os.open(self._temporary, flags, 0o600)
            fcntl.flock(self._staged, fcntl.LOCK_EX | fcntl.LOCK_NB)
            view = memoryview(data)
            while view:
                view = view[os.write(self._staged, view) :]
            self._copy_metadata(self._staged)
            os.fsync(self._staged)
            self._staged_data = data
        except OSError as problem:
            self.discard()
            raise HostError(f"writing {self.path}: {why(problem)} (the file is as it was)") from None

    def _copy_metadata(self, target: int) -> None:
        state = os.fstat(self._fd)
        if (os.fstat(target).st_uid, os.fstat(target).st_gid) != (state.st_uid, state.st_gid):
            os.fchown(target, state.st_uid, state.st_gid)
        os.fchmod(target, stat.S_IMODE(state.st_mode))
        names = _attributes(self._fd)
        for name in _attributes(target):  # a default ACL of the directory
            if name not in names:
                _try_attribute(name, os.removexattr, target, name)
        for name in names:
            _try_attribute(name, os.setxattr, target, name, os.getxattr(self._fd, name))

    def commit(self) -> None:
        """Give the staged content the file's name; old or new is there at every instant, never half of it."""
        if self._staged is None:
            return
        try:
            os.rename(self._temporary, self.real)
        except OSError as problem:
            self.discard()
            raise HostError(f"writing {self.path}: {why(problem)} (the file is as it was)") from None
        os.close(self._fd)
        self._fd, self._staged, self.data = self._staged, None, self._staged_data
        _synchronise(os.path.dirname(self.real))

    def discard(self) -> None:
        """Forget what was staged."""
        if self._staged is not None:
            os.close(self._staged)
            self._staged = None
            self.tidy()

    def _remove_temporary(self) -> None:
        try:
            os.unlink(self._temporary)
        except FileNotFoundError:
            pass

    def tidy(self) -> None:
        """Remove what a killed run may have left beside the file: it holds a token."""
        try:
            self._remove_temporary()
        except OSError:
            pass

    def close(self) -> None:
        """Let go of the lock."""
        self.discard()
        os.close(self._fd)


def _synchronise(folder: str) -> None:
    """Make a new name in a directory last, where that can be done: the content itself was synchronised before."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return  # this user may write in it but not list it
    try:
        os.fsync(handle)
    except OSError:
        pass  # some file systems cannot
    finally:
        os.close(handle)


def _attributes(fd: int) -> list[str]:
    try:
        return os.listxattr(fd)
    except OSError:
        return []


def _try_attribute(name: str, call, *arguments) -> None:
    """Access control lists and user attributes must be kept; labels that only the kernel may set need not."""
    try:
        call(*arguments)
    except OSError:
        if name.startswith(("system.posix_acl", "user.")):
            raise
