# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an install page is, and how long it waits for people (private to the collection)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._install_board import Board
from ansible_collections.botops.rotation.plugins.module_utils._install_keep import Keeper

CALLBACK = "slack/oauth_redirect"
SAY = 10.0  # seconds of silence before the terminal is told how far it is
RETRY = 2.0  # seconds between two attempts to stage what could not be staged
LINGER = 3.0  # seconds that browsers get to see the end


@dataclass(frozen=True)
class Address:
    """`url` of the page, with a slash at its end, and the URL that Slack sends browsers to."""

    url: str
    redirect_uri: str

    @classmethod
    def of(cls, options: Mapping[str, Any], port: int) -> Address:
        """From the options and the port that is listened at. RotationError for what cannot work."""
        url = options["install_url"]
        if not url:
            host = options["install_bind"].rpartition(":")[0] or "127.0.0.1"
            if host in ("0.0.0.0", "[::]", "::"):
                raise RotationError(
                    "The install page listens at every address, and it is not said by which one browsers come",
                    "state botops_install_url, such as https://controller.example.com:8443",
                )
            url = f"{'https' if options['install_cert'] else 'http'}://{host}:{port}"
        url = _checked(url, "botops_install_url").rstrip("/") + "/"
        given = options["install_redirect_url"]
        return cls(url, _checked(given, "botops_install_redirect_url") if given else url + CALLBACK)

    @property
    def home(self) -> str:
        return urlsplit(self.url).path

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def callback(self) -> str:
        return urlsplit(self.redirect_uri).path or "/"

    @property
    def is_elsewhere(self) -> bool:
        """Whether Slack sends browsers to another place than the page: then what they are sent is pasted."""
        return urlsplit(self.redirect_uri)[:2] != urlsplit(self.url)[:2]


def _checked(url: str, variable: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
        good = good and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise RotationError(
            f"{variable} is no address of a page", f"state it as in {variable}: https://controller.example.com:8443"
        )
    return url


def wait(board: Board, keeper: Keeper, say: Callable[[str], Any], timeout: float, patience: float) -> None:
    """Until all rows are settled, somebody stops it, or `timeout` seconds have passed; tells what happens meanwhile.

    A token that is in memory alone is not left: up to `patience` seconds more Vault is tried.
    """
    ended = threading.Event()
    retrier = threading.Thread(target=keeper.retry_until, args=(ended, RETRY), daemon=True)
    retrier.start()
    try:
        _wait(board, say, time.monotonic() + timeout)
        _save_rest(board, keeper, say, patience)
    finally:
        ended.set()
    retrier.join(patience)
    for line in board.news():
        say(line)


def _wait(board: Board, say: Callable[[str], Any], deadline: float) -> None:
    version, said = board.version, time.monotonic()
    while True:
        for line in board.news():
            say(line)
            said = time.monotonic()
        now = time.monotonic()
        if board.settled or board.ended:
            break
        if now >= deadline or _is_orphan():
            board.end("the time to wait is over" if now >= deadline else "the run that waited is gone")
            continue
        if now - said >= SAY:
            say(_progress(board, deadline - now))
            said = now
        version = board.wait_for_change(version, min(1.0, max(0.0, deadline - now)))


def _is_orphan() -> bool:
    """Whether the run is dead that this worker of it belongs to. It may have died before the waiting began."""
    parent = multiprocessing.parent_process()
    return parent is not None and parent.pid != os.getppid()


def _save_rest(board: Board, keeper: Keeper, say: Callable[[str], Any], patience: float) -> None:
    until = time.monotonic() + patience
    while keeper.at_risk and (left := until - time.monotonic()) > 0:
        say(f"The token of {', '.join(keeper.at_risk)} is in memory alone; Vault is tried for {left:.0f} s more")
        version = board.version
        while keeper.at_risk and time.monotonic() < min(until, until - left + SAY):
            version = board.wait_for_change(version, 0.5)


def _progress(board: Board, left: float) -> str:
    rows = board.rows
    open_rows = ", ".join(f"{row.id} ({row.state})" for row in rows if not row.settled)
    done = sum(row.settled for row in rows)
    for_long = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
    return f"{done} of {len(rows)} are done; waiting for {open_rows}, {for_long} more"


@contextmanager
def interruptible(board: Board) -> Iterator[None]:
    """Ctrl-C ends the waiting, and what is being written is written: Ansible would end this process within it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in kept:
            signal.signal(
                number, lambda *_dummy: threading.Thread(target=board.end, args=("it was interrupted",)).start()
            )
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
