# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the bench sees an outage from outside, with a small web server that is ended and started again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration._host import answers, free_port
from tests.sandbox._process import wait_for
from tests.sandbox._state import ROOT

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    """Starts the service."""
    (tmp_path / "healthz").touch()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    started = []

    def begin() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def watch(port: int, start: Start) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[str]]]:
    """The service, and who watches it."""
    service = start()
    wait_for("the service answers", lambda: answers(port))
    command = [sys.executable, "-m", "tests.bench._watch", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout and watcher.stdout.readline() == "held\n"
        yield service, watcher
        watcher.kill()


@pytest.mark.parametrize("asked", ["while it is away", "afterwards"])
def test_an_outage_is_told_whenever_it_is_asked_for(asked: str, watch: tuple, start: Start, port: int) -> None:
    service, watcher = watch
    service.kill()
    service.wait()
    if asked == "while it is away":
        watcher.stdin.close()
    start()
    wait_for("the service answers", lambda: answers(port))
    if asked == "afterwards":
        watcher.stdin.close()
    (outage,) = json.loads(watcher.stdout.read())[f"127.0.0.1:{port}"]
    assert 0.01 < outage < 10


def test_of_a_service_that_stays_away_no_outage_is_told(watch: tuple, port: int) -> None:
    service, watcher = watch
    service.kill()
    watcher.stdin.close()
    assert json.loads(watcher.stdout.read()) == {f"127.0.0.1:{port}": []}
