# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbolic links on the way to an environment file: whoever may change one chooses what is read and changed as root."""

from __future__ import annotations

import os
import stat


def misled(path: str, owner: int) -> str:
    """What is wrong with a link on the way to a file of `owner`'s; empty where only root and the owner could change it.

    In a sticky directory, such as /tmp, nobody changes a link of somebody else's.
    """
    for link in _links(path):
        folder = os.path.dirname(link)
        state = os.stat(folder)
        shared = state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not state.st_mode & stat.S_ISVTX
        if shared or not {state.st_uid, os.lstat(link).st_uid} <= {0, owner}:
            may = f"root and the file's owner, uid {owner}," if owner else "root, whose the file is,"
            return (
                f"{link} is a symbolic link that others than {may} may change: they would choose what is read and written; "
                f"give the file itself in `env_file`, or let nobody else write to {folder}"
            )
    return ""


def _links(path: str) -> list[str]:
    """The symbolic links that an absolute path leads over, those in their targets too. They lead to a file."""
    found, at, rest = [], "/", path.split("/")[::-1]
    while rest:
        name = rest.pop()
        step = os.path.normpath(os.path.join(at, name))  # `at` has no links, so that .. is the directory above
        if os.path.islink(step):
            found.append(step)
            target = os.readlink(step)
            at = "/" if target.startswith("/") else at
            rest += target.split("/")[::-1]
        else:
            at = step
    return found
