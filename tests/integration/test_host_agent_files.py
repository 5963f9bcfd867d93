# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files with an odd mode, owner, access control list or link, on a disk that is full or read-only.

Either all of that is kept, or there is a clear error, the file is as it was, and the service is up.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration._host import Host, one

pytestmark = pytest.mark.row("disk, mode, owner, ACL and links of an environment file")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
ACL, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def acl(*entries: tuple[int, int, int]) -> bytes:
    """An access control list as the kernel stores it, see acl(5): tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


NOBODY_READS = acl((1, 6, -1), (2, 4, 65534), (4, 4, -1), (16, 4, -1), (32, 0, -1))


def attribute(path: Path, name: str, value: bytes | None) -> bytes | None:
    """Set an extended attribute, or with None read it (None where there is none)."""
    try:
        if value is None:
            return os.getxattr(path, name)
        os.setxattr(path, name, value)
    except OSError as error:
        if value is None and error.errno == errno.ENODATA:
            return None
        pytest.skip(f"the file system of /tmp has no {name}")
    return value


@contextmanager
def mounted(directory: Path, *arguments: str) -> Iterator[Path]:
    directory.mkdir(exist_ok=True)
    if subprocess.run(["mount", *arguments, directory], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def up(host: Host, path: Path) -> dict[str, Any]:
    """A healthy service with a file; its row."""
    host.add("one", path)
    host.start()
    host.await_health("one")
    return host.row("one", path)


def about(path: Path) -> tuple[Any, ...]:
    """All of a file but its content, its inode and its times."""
    found = os.stat(path)
    names = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return stat.filemode(found.st_mode), found.st_uid, found.st_gid, names


def assert_kept(host: Host, row: dict[str, Any], path: Path) -> None:
    """The new token is carried, and all else of the file is as before."""
    before = about(path)
    answer = host.run("applied", row)
    assert not answer["failed"], answer["msg"]
    assert host.process_token("one") == host.new and f"TOKEN={host.new}\n" in path.read_text()
    assert about(path) == before and host.leftovers() == []


def assert_refused(host: Host, row: dict[str, Any], path: Path, words: str, states: tuple[str, ...]) -> None:
    """A clear error, the file as it was, the service up with the old token."""
    content, before, pid = path.read_bytes(), about(path), host.pid("one")
    inode = os.stat(path).st_ino
    for state in states:
        answer = host.run(state, row)
        assert answer["failed"] and not answer["changed"], state
        assert words in answer["msg"] and str(row["env_file"]) in answer["msg"], answer["msg"]
    assert (path.read_bytes(), about(path), os.stat(path).st_ino) == (content, before, inode)
    assert host.pid("one") == pid and host.process_token("one") == host.old
    assert not [each.name for each in path.parent.iterdir() if "botops" in each.name]


# Kept


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o664, 0o777, 0o1644, 0o2640, 0o4755], ids=oct)
def test_an_odd_mode_is_kept(host: Host, mode: int) -> None:
    path = host.env_file("one")
    path.chmod(mode)
    assert_kept(host, up(host, path), path)


@as_root
def test_a_file_without_any_permission_is_kept_so(host: Host) -> None:
    path = host.env_file("one")
    row = up(host, path)
    path.chmod(0)
    assert_kept(host, row, path)


@as_root
@pytest.mark.parametrize("owner", [(12345, 54321), (0, 65534), (65534, 0)], ids=str)
def test_an_odd_owner_is_kept(host: Host, owner: tuple[int, int]) -> None:
    path = host.env_file("one")
    os.chown(path, *owner)
    path.chmod(0o2640)
    assert_kept(host, up(host, path), path)


@pytest.mark.parametrize(
    ("own", "of_directory"),
    [(NOBODY_READS, None), (None, NOBODY_READS), (NOBODY_READS, acl((1, 7, -1), (4, 7, -1), (32, 7, -1)))],
    ids=["of the file", "a default of the directory", "both"],
)
def test_an_access_control_list_is_kept(host: Host, own: bytes | None, of_directory: bytes | None) -> None:
    """One of the directory's is not given to the file."""
    folder = host.directory / "folder"
    folder.mkdir()
    path = folder / "one.env"
    path.write_text(f"TOKEN={host.old}\n")
    if own:
        attribute(path, ACL, own)
    if of_directory:
        attribute(folder, DEFAULT, of_directory)
    assert_kept(host, up(host, path), path)
    assert attribute(path, ACL, None) == own


LINKS: dict[str, Callable[[Path], Path]] = {
    "to a file beside it": lambda folder: link(folder / "link.env", "real/one.env"),
    "absolute": lambda folder: link(folder / "link.env", str(folder / "real/one.env")),
    "of a link": lambda folder: link(folder / "again.env", link(folder / "link.env", "real/one.env").name),
    "of the directory": lambda folder: link(folder / "directory", "real") / "one.env",
}


def link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


@pytest.mark.parametrize("kind", LINKS)
def test_a_symbolic_link_is_followed_and_kept(host: Host, kind: str) -> None:
    (host.directory / "real").mkdir()
    path = host.directory / "real" / "one.env"
    path.write_text(f"TOKEN={host.old}\n")
    named = LINKS[kind](host.directory)
    links = {each: os.readlink(each) for each in host.directory.iterdir() if each.is_symlink()}
    assert_kept(host, up(host, named), path)
    assert {each: os.readlink(each) for each in host.directory.iterdir() if each.is_symlink()} == links


def test_a_hard_link_keeps_the_old_content_and_that_is_said(host: Host) -> None:
    path = host.env_file("one")
    row = up(host, path)
    os.link(path, host.directory / "other")
    answer = host.run("applied", row)
    assert not answer["failed"] and any("has 2 hard links" in each for each in one(answer, "one")["warnings"])
    assert host.old in (host.directory / "other").read_text() and host.process_token("one") == host.new


# Refused


def test_a_link_that_leads_nowhere(host: Host) -> None:
    path = host.env_file("one")
    row = up(host, path)
    dangling = link(host.directory / "dangling.env", "nowhere.env")
    assert_refused(host, {**row, "env_file": str(dangling)}, path, "does not exist", ("preflight", "applied"))
    assert os.readlink(dangling) == "nowhere.env" and not (host.directory / "nowhere.env").exists()


# Who has the directory, who the link, the directory's mode, who has the file; 0 is root.
FOREIGN = {
    "a directory of somebody else's": (12345, 0, 0o755, 0),
    "a link of somebody else's": (0, 12345, 0o755, 0),
    "another owner than the file's": (12345, 12345, 0o755, 54321),
    "a directory that a group may write to": (0, 0, 0o775, 0),
    "a directory that all may write to": (12345, 12345, 0o777, 12345),
    "somebody else's link in a sticky directory": (0, 12345, 0o1777, 0),
}
OWN = {
    "the file's owner's": (12345, 12345, 0o755, 12345),
    "root's in a sticky directory": (0, 0, 0o1777, 12345),
}


def led_by(host: Host, directory: int, owner: int, mode: int, file: int) -> tuple[Path, Path]:
    """A link as a row of FOREIGN and OWN says, and the file that it leads to."""
    path, folder = host.env_file("one"), host.directory / "folder"
    os.chown(path, file, file)
    folder.mkdir()
    named = link(folder / "link.env", "../one.env")
    os.chown(named, owner, owner, follow_symlinks=False)
    os.chown(folder, directory, directory)
    folder.chmod(mode)
    return named, path


@as_root
@pytest.mark.parametrize("case", FOREIGN)
def test_a_link_that_somebody_else_may_change_is_not_followed(host: Host, case: str) -> None:
    """It could lead to any file of root's, which would be written."""
    named, path = led_by(host, *FOREIGN[case])
    row = up(host, path)
    for env_file in (named, link(host.directory / "first.env", "folder/link.env")):
        words = f"{named} is a symbolic link that others than root"
        assert_refused(host, {**row, "env_file": str(env_file)}, path, words, ("preflight", "applied"))


@as_root
@pytest.mark.parametrize("case", OWN)
def test_a_link_that_nobody_else_may_change_is_followed(host: Host, case: str) -> None:
    named, path = led_by(host, *OWN[case])
    assert_kept(host, up(host, named), path)


@as_root
@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_read_only_bind_mount(host: Host, what: str) -> None:
    folder = host.directory / "folder"
    folder.mkdir()
    path = folder / "one.env"
    path.write_text(f"TOKEN={host.old}\n")
    row = up(host, path)
    place = folder if what == "directory" else path
    with bound(place, read_only=True):
        words = "the file system is read-only" if what == "directory" else "mount point of its own"
        assert_refused(host, row, path, words, ("preflight", "applied") if what == "directory" else ("applied",))


@as_root
def test_a_file_that_is_a_mount_point(host: Host) -> None:
    """As a container engine makes one of a single file; nothing can be renamed over it."""
    path = host.env_file("one")
    row = up(host, path)
    with bound(path):
        assert_refused(host, row, path, "it is a mount point of its own", ("applied",))


@contextmanager
def bound(path: Path, read_only: bool = False) -> Iterator[None]:
    if subprocess.run(["mount", "--bind", path, path], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        if read_only:
            subprocess.run(["mount", "-o", "remount,bind,ro", path], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@as_root
@pytest.mark.parametrize("scarce", ["bytes", "inodes"])
def test_a_full_disk(host: Host, scarce: str) -> None:
    limit = "size=8k" if scarce == "bytes" else "size=64k,nr_inodes=3"
    with mounted(host.directory / "disk", "-t", "tmpfs", "-o", limit, "tmpfs") as disk:
        path = disk / "one.env"
        path.write_text(f"TOKEN={host.old}\n")
        row = up(host, path)
        with pytest.raises(OSError):
            for number in range(100):
                with open(disk / f"filler-{number if scarce == 'inodes' else 0}", "ab", buffering=0) as filler:
                    filler.write(b"x" * 1024 if scarce == "bytes" else b"")
        assert_refused(host, row, path, "no space is left on the device", ("applied",))


@as_root
def test_the_second_of_two_files_is_on_a_full_disk(host: Host) -> None:
    """All files are written before the first is given its name."""
    with mounted(host.directory / "disk", "-t", "tmpfs", "-o", "size=4k", "tmpfs") as disk:
        full, well = disk / "one.env", host.env_file("two")
        full.write_text(f"TOKEN={host.old}\n")
        host.add("two", well)
        row = up(host, full)
        host.await_health("two")
        before, pid = well.read_bytes(), host.pid("two")
        answer = host.run("applied", host.row("two", well), row)
        assert answer["failed"] and not answer["changed"] and "no space is left" in one(answer, "one")["error"]
        assert (well.read_bytes(), host.pid("two")) == (before, pid) and host.leftovers() == []


@as_root
def test_a_file_that_must_not_be_changed(host: Host) -> None:
    """chattr +i."""
    path = host.env_file("one")
    row = up(host, path)
    if subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode != 0:
        pytest.skip("the file system of /tmp knows no such attribute")
    try:
        assert_refused(host, row, path, "chattr +i", ("applied",))
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@as_root
@pytest.mark.parametrize("what", ["file", "directory"])
def test_another_user_may_not(host: Host, what: str) -> None:
    """The service's user is not the one that the tool connects as."""
    folder = host.directory / "folder"
    folder.mkdir()
    os.chmod(host.directory, 0o755)
    path = folder / "one.env"
    path.write_text(f"TOKEN={host.old}\n")
    row = up(host, path)
    path.chmod(0o600 if what == "file" else 0o644)
    if what == "directory":
        os.chown(path, 65534, 65534)
    row.update(manager="command", restart=["/bin/true"], health=None)  # supervisor's socket is root's
    content, pid = path.read_bytes(), host.pid("one")
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip("needs a Python that every user may run")
    for state in ("preflight", "applied"):
        answer = host.run(state, row, python=python, user=65534, group=65534, extra_groups=[], cwd="/")
        assert answer["failed"] and not answer["changed"] and "run with become" in answer["msg"]
    assert (path.read_bytes(), host.pid("one"), host.process_token("one")) == (content, pid, host.old)
