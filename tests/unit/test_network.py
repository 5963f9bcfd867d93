# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes too long is given up, and ended."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _network


class Ended(BaseException):
    pass


def raising(error: type[BaseException]) -> None:
    raise error


def test_what_a_call_returns_or_raises_comes_out() -> None:
    assert _network.within(5, lambda: "answer") == "answer"
    for error in (ValueError, Ended):
        with pytest.raises(error):
            _network.within(5, lambda error=error: raising(error))


def test_a_call_that_is_given_up_does_nothing_more(capfd: pytest.CaptureFixture[str]) -> None:
    """As a connection that comes about late, with a write to be sent on it."""
    connected, threads, sent = threading.Event(), [], []

    def call() -> None:
        threads.append(threading.current_thread())
        try:
            connected.wait()
            sent.append("a write")
        except Exception:  # noqa: BLE001 - as libraries do, to try again
            sent.append("another try")

    with pytest.raises(TimeoutError, match="no whole answer in 0 s"):
        _network.within(0.01, call)
    connected.set()
    threads[0].join(5)
    assert not threads[0].is_alive() and not sent and capfd.readouterr() == ("", "")
