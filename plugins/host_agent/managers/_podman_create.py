# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the command that created a container to the one that creates it again, or why that would not be the same.

podman keeps the command (`.Config.CreateCommand`): its own global options, `run` or `create`, options, the image, and
the container's command, which it keeps a second time on its own (`.Config.Cmd`). Options end where the image stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from .._mask import HostError, masked

_WITH_VALUE = "acehlmpuvw"  # the letters of podman run that take a value
_UNREPEATABLE = {
    "cidfile": "writes its id into a file that must not exist (--cidfile)",
    "env-host": "takes the environment of whoever creates it (--env-host)",
    "rmi": "takes its image along when it ends (--rmi)",
    "detach-keys": "has an option that only `podman run` knows (--detach-keys)",
    "preserve-fds": "has an option that only `podman run` knows (--preserve-fds)",
}


class Creation:
    """`head`: everything up to the image, `tail`: the container's own command. Raises HostError on what is no `run`."""

    def __init__(self, command: list[str], own: list[str]) -> None:
        at = next((at for at, word in enumerate(command) if at and word in ("run", "create")), None)
        if at is None:
            raise HostError("was not made by `podman run` or `podman create`, so nothing says how to make it again")
        self._before, self._verb = command[1:at], command[at]
        words = command[at + 1 :]
        cut = len(words) - len(own) if own and words[-len(own) :] == own else len(words)
        self.head, self.tail = words[:cut], words[cut:]
        self.image = self.head[-1] if self.head else ""

    def argv(self, podman: str, name: str) -> list[str]:
        """What creates the container again, under `name` and without starting it."""
        kept, words = [], iter(self.head)
        for word in words:
            option, sign, _value = word.partition("=")
            if option in ("--name", "--detach", "--sig-proxy"):
                if option == "--name" and not sign:
                    next(words, None)
            elif _is_cluster(word):
                flags = _flags(word).replace("d", "") + word[1 + len(_flags(word)) :]
                kept += [f"-{flags}"] if flags else []
            else:
                kept.append(word)
        return [podman, *self._before, "create", "--name", name, *kept, *self.tail]

    def trouble(self, env_file: str, variables: list[str]) -> str | None:
        """Why the container, made again, would not be the same one with the new tokens; in words, without any value."""
        files, detached = [], self._verb == "create"
        if any(masked(word) != word for word in [*self.head, *self.tail]):
            return "was created with a token in its arguments, where everybody sees it; create it with --env-file"
        for option, value in self._options():
            if option in _UNREPEATABLE:
                return _UNREPEATABLE[option]
            if option in ("detach", "d"):
                detached = value.lower() not in ("false", "0", "f")
            elif option in ("env", "e"):
                name, sign, _text = value.partition("=")
                if name in variables:
                    return f"gets {name} by -e, which beats --env-file; create it without that"
                if not sign:
                    return f"takes {masked(name)[:80]} from the environment of whoever creates it (-e without a value)"
            elif option == "env-file":
                files.append(value)
            if value.startswith(("./", "../")) or (option == "env-file" and not value.startswith("/")):
                return f"was created with a relative path (--{option}), and nobody knows relative to what"
        if not detached:
            return "was started in the foreground (without --detach), so that something else watches over it"
        if os.path.realpath(env_file) not in map(os.path.realpath, files):
            return f"was created without --env-file {env_file}, so that it would not get the new token"
        return None

    def _options(self) -> Iterator[tuple[str, str]]:
        """Long options by name, short ones by letter, each with its value; `true` for a flag."""
        for at, word in enumerate(self.head[:-1]):
            following = self.head[at + 1]
            if word.startswith("--"):
                name, sign, value = word[2:].partition("=")
                yield name, value if sign else "true" if following.startswith("-") or name == "detach" else following
            elif _is_cluster(word):
                flags = _flags(word)
                yield from ((letter, "true") for letter in flags)
                rest = word[1 + len(flags) :]
                if rest:
                    yield rest[0], rest[1:].removeprefix("=") or following


def _is_cluster(word: str) -> bool:
    return len(word) > 1 and word[0] == "-" and word[1] != "-"


def _flags(word: str) -> str:
    """The letters of `-dite NAME` that take no value."""
    end = next((at for at, letter in enumerate(word) if at and letter in _WITH_VALUE), len(word))
    return word[1:end]
