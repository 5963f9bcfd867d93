# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a new token goes when Vault does not take it: patience first, then the spool (private to the collection).

The spool is a directory of the controller that is its user's alone. Each token is one file in it, `gobot_ibmcloud_`
and the fingerprint, mode 0600: {schema, installation, name, token, at}. What is said of it never holds the
token. With the environment files of services it is the only place outside of Vault where the tool writes a token.
"""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeVar

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, StateError, VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._tokens import fingerprint

SCHEMA = 1
PLACEHOLDER = 4096  # bytes; longer than any token
LARGEST = 65536  # bytes; a file is some hundred
SAY = 10.0  # seconds between two words to whoever waits
LONGEST_PAUSE = 10.0  # seconds between two attempts

Result = TypeVar("Result")


def patiently(attempt: Callable[[], Result], seconds: float, say: Callable[[str], Any]) -> Result:
    """`attempt` again and again while it raises VaultUnavailable, until `seconds` have passed; the last one counts.

    Its own retries come on top: an attempt may take its time, none is begun later.
    """
    began, pause, said = time.monotonic(), 1.0, -SAY
    while True:
        try:
            return attempt()
        except VaultUnavailable as exc:
            past = time.monotonic() - began
            if past >= seconds:
                raise
            if past - said >= SAY:
                say(f"{exc.message}: the new token is kept in memory and tried again for {seconds - past:.0f} s more")
                said = past
            time.sleep(min(pause, seconds - past))
            pause = min(2 * pause, LONGEST_PAUSE)


@dataclass(frozen=True)
class Entry:
    """A file of the spool. `problem`: why it cannot be read; then nothing but the file's name is known."""

    file: str
    installation: str = ""
    name: str = ""
    token: str = field(default="", repr=False)
    at: str = ""
    problem: str = ""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.token)


class Spool:
    """The spool in a directory, which must exist. Each use checks it again; StateError where it is not safe."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def check(self) -> None:
        """StateError where the directory is missing, a link, another user's, or open to others."""
        with self._open():
            pass

    def rehearse(self, installation: str) -> None:
        """Writes a file without a token, and takes it away: StateError where a token could not be kept."""
        file = f".{installation.replace('/', '_')}_{os.getpid()}_{threading.get_ident()}.placeholder"
        with self._open() as folder:
            try:
                _write(folder, file, os.O_CREAT | os.O_EXCL, b" " * PLACEHOLDER)
            finally:
                with suppress(OSError):
                    os.unlink(file, dir_fd=folder)

    def put(self, installation: str, name: str, token: str) -> str:
        """Writes a token, whole or not at all; the path of its file. StateError where that fails."""
        file = f"{installation.replace('/', '_')}_{fingerprint(token)}.json"
        at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # Vault's clock cannot be asked
        data = {"schema": SCHEMA, "installation": installation, "name": name, "token": token, "at": at}
        with self._open() as folder:
            fresh = f".{file}.new"
            with suppress(FileNotFoundError):
                os.unlink(fresh, dir_fd=folder)  # of a run that died in here
            try:
                _write(folder, fresh, os.O_CREAT | os.O_EXCL, json.dumps(data).encode())
                os.rename(fresh, file, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with suppress(OSError):
                    os.unlink(fresh, dir_fd=folder)
                raise
            os.fsync(folder)
        return os.path.join(self.directory, file)

    def entries(self) -> list[Entry]:
        """What is in it, the oldest first; files of other names are not looked at."""
        with self._open() as folder:
            found = [_entry(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
        return sorted(found, key=lambda entry: entry.at)

    def newest(self, installation: str, name: str) -> Entry:
        """The newest token of an installation. StateError where there is none."""
        found = [each for each in self.entries() if (each.installation, each.name) == (installation, name)]
        if not found:
            raise StateError(
                f"the spool {self._shown} holds no {name} token of {installation} that can be read",
                "run rotation_status: it says what waits in Vault and in the spool",
            )
        return found[-1]

    def remove(self, entry: Entry) -> None:
        """Overwrites a file and takes it away."""
        with self._open() as folder:
            size = os.stat(entry.file, dir_fd=folder, follow_symlinks=False).st_size
            _write(folder, entry.file, 0, b"\0" * size)
            os.unlink(entry.file, dir_fd=folder)
            os.fsync(folder)

    @property
    def _shown(self) -> str:
        return _redact.text(self.directory)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """The directory, open: what is checked is what is used, whatever is put in its place meanwhile."""
        try:
            folder = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                about = os.fstat(folder)
                if about.st_uid != os.geteuid():
                    raise self._unsafe(f"it belongs to the user {about.st_uid}")
                if about.st_mode & 0o077:
                    raise self._unsafe(f"its mode {stat.S_IMODE(about.st_mode):04o} lets others in")
                yield folder
            finally:
                os.close(folder)
        except OSError as exc:  # a link is "Not a directory"
            raise self._unsafe(exc.strerror or type(exc).__name__) from None

    def _unsafe(self, why: str) -> StateError:
        return StateError(
            f"the spool {self._shown} cannot be used: {why}",
            "botops_spool_dir must be a directory, no link, of the user that runs ansible-playbook, with mode 0700",
        )


def _write(folder: int, file: str, flags: int, data: bytes) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600, dir_fd=folder)
    with os.fdopen(opened, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(opened)


def _entry(folder: int, file: str) -> Entry:
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(opened, "rb") as stream:
            about = os.fstat(opened)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
                return Entry(file, problem="it is not a file of this user alone")
            data = json.loads(stream.read(LARGEST))
        texts = [data[key] for key in ("installation", "name", "token", "at")]
        if data["schema"] != SCHEMA or not all(isinstance(each, str) and each for each in texts):
            return Entry(file, problem="it is not of a known schema")
    except OSError as exc:
        return Entry(file, problem=exc.strerror or type(exc).__name__)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Entry(file, problem="it is not what stage_token writes")
    _redact.register(texts[2])
    return Entry(file, *texts)


def given_up(failure: VaultUnavailable, spool: Spool | None, installation: str, name: str, token: str) -> RotationError:
    """The error that a staging ends with when Vault did not take the token: where the token is now, and what to do."""
    bot, _dummy, workspace = installation.partition("/")
    command = f"stage_token -e bot={bot} -e workspace={workspace}" + ("" if name == "bot" else f" -e token={name}")
    what = f"{failure.message}; the new {name} token {fingerprint(token)} of {installation}"
    if spool is None:
        return type(failure)(
            f"{what} was not stored: it is only where you have it",
            f"keep it; {failure.next_step}, with {command}. Set botops_spool_dir to a directory with mode 0700 to have a "
            "token kept there when Vault does not answer",
        )
    try:
        path = spool.put(installation, name, token)
    except StateError as exc:
        return type(failure)(
            f"{what} was not stored: it is only where you have it, for {exc.message}",
            f"keep it; {failure.next_step}, with {command}; {exc.next_step}",
        )
    return type(failure)(
        f"{what} is in the spool, in {_redact.text(path)}",
        f"{failure.next_step}, with {command} -e from_spool=true: it takes the token from there",
    )


def words(spool: Spool, entry: Entry) -> str:
    """What people are told of a file that waits, by fingerprint."""
    where = _redact.text(os.path.join(spool.directory, entry.file))
    if entry.problem:
        return f"the file {where} of the spool cannot be read: {entry.problem}; next: look at it, and remove it"
    bot, _dummy, workspace = entry.installation.partition("/")
    which = "" if entry.name == "bot" else f" -e token={entry.name}"
    return _redact.text(
        f"the spool holds the {entry.name} token {entry.fingerprint} of {entry.installation} since {entry.at}, in "
        f"{where}; next: stage_token -e bot={bot} -e workspace={workspace}{which} -e from_spool=true"
    )
