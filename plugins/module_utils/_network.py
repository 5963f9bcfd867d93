# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of Vault and of Slack share (private to the collection): an end to every exchange, and proxies."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

GRACE = 0.2  # seconds that a library's own timeout, which tells more, is given to come first
T = TypeVar("T")


class _GivenUp(SystemExit):
    """Ends a thread whose answer nobody waits for any more. A SystemExit, which threading does not print."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises; TimeoutError when it takes longer than `seconds` (and GRACE).

    A timeout of a socket is about silence: an answer that comes one byte a second never meets it, nor does a name that
    is not resolved. So the call is made in a thread. When it is given up it is ended there, too: a connection that
    comes about later must not send a write that somebody has since taken for lost.
    """
    done: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            done.append((call(), None))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
            done.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds + GRACE)
    if not done:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_GivenUp))
        raise TimeoutError(f"no whole answer in {seconds:.0f} s")
    answer, error = done[0]
    if error is not None:
        raise error
    return answer


def proxies(given: Any, variable: str, schemes: Collection[str] = ("http", "https")) -> dict[str, str]:
    """Proxies by the scheme of what they are for, from an option: one address for both, or a mapping of `http` and
    `https`. Empty where nothing is given: then the environment's apply.

    `schemes` are those that a proxy's own address may have. Raises `RotationError`, without the address: it may hold a
    password.
    """
    if not given:
        return {}
    found = {"http": given, "https": given} if isinstance(given, str) else given
    if not isinstance(found, Mapping) or not set(found) <= {"http", "https"}:
        raise RotationError(
            f"{variable} is neither an address nor a mapping of http and https to addresses",
            f"state it as in {variable}: http://proxy.example.com:3128",
        )
    for address in found.values():
        if not _is_address(address, schemes):
            words = " or ".join(f"{scheme}://" for scheme in schemes)
            raise RotationError(
                f"{variable} holds what is not the address of a proxy, which begins with {words}",
                f"state it as in {variable}: http://proxy.example.com:3128",
            )
        _redact.register(unquote(urlsplit(address).password or ""))
        _redact.register(urlsplit(address).password or "")
    return {str(scheme): str(address).strip() for scheme, address in found.items()}


def _is_address(address: Any, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False
