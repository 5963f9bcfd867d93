# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files that a real agent of Vault renders: it is made to render, waited for, and never written over."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.integration import _bao
from tests.integration._agent import RenderedHost
from tests.integration._host import fingerprint, one
from tests.sandbox import bao, tokens
from tests.sandbox._process import wait_for

pytestmark = pytest.mark.xdist_group("rendered")

Make = Callable[..., RenderedHost]


@pytest.fixture(scope="module")
def server() -> Iterator[bao.Bao]:
    with _bao.running() as running:
        yield running


@pytest.fixture
def make(server: bao.Bao) -> Iterator[Make]:
    made: list[RenderedHost] = []

    def make(**options: object) -> RenderedHost:
        made.append(RenderedHost(server, **options))
        return made[-1]

    yield make
    for host in made:
        host.close()


@pytest.fixture
def host(make: Make) -> RenderedHost:
    """One service `a` on a file rendered from KV v2, every 5 minutes."""
    host = make()
    host.add_agent()
    host.add("a", host.current)
    host.bring_up("a")
    return host


def test_what_an_agent_does_by_itself(make: Make) -> None:
    """The facts that `rendered_by` is for: KV v1 is not read again, KV v2 at the interval, and SIGHUP changes nothing."""
    old = make(version=1, interval="1s"), make(version=2, interval="1s")
    for host in old:
        host.add_agent()
        host.bring_up()
        host.set(host.new)
    wait_for("KV v2 is rendered", lambda: host.new in host.current.read_text())
    host = old[0]
    os.kill(host.agent_pid(), signal.SIGHUP)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        assert host.old in host.current.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("version", [1, 2])
def test_the_agent_is_made_to_render_and_the_service_restarted(make: Make, version: int) -> None:
    host = make(version=version)
    host.add_agent()
    for name in ("a", "b"):
        host.add(name, host.current)
    host.bring_up("a", "b")
    rows, agent = [host.row("a"), host.row("b")], host.agent_pid()
    answer = host.run("preflight", *rows)
    assert not answer["failed"] and [each["needs"] for each in answer["services"]] == ["render", "render"]
    host.set(host.new)
    answer = host.run("applied", *rows)
    assert not answer["failed"] and answer["changed"], answer["msg"]
    for name in ("a", "b"):
        service = one(answer, name)
        assert host.process_token(name) == host.new and host.starts(name) == 2
        assert service["restarted"] and service["in_use"] == "yes" and service["warnings"] == []
        assert service["variables"]["TOKEN"]["file_before"] == fingerprint(host.old)
        assert service["variables"]["TOKEN"]["file_after"] == fingerprint(host.new)
        assert 0 < service["seconds_unavailable"] < 10
    assert host.agent_pid() != agent, "once for both"
    assert f"TOKEN={host.new}\n" in host.current.read_text() and host.leftovers() == []
    writer, agent = host.writer(), host.agent_pid()
    for state in ("applied", "verified", "preflight"):
        assert not host.run(state, *rows)["changed"]
    assert (host.writer(), host.agent_pid()) == (writer, agent)


def test_a_prediction_leaves_the_agent_alone(host: RenderedHost) -> None:
    before = host.writer(), host.agent_pid(), host.pid("a")
    for state, check in (("preflight", False), ("applied", True)):
        answer = host.run(state, host.row("a"), check=check)
        assert not answer["failed"] and one(answer, "a")["needs"] == "render"
    assert (host.writer(), host.agent_pid(), host.pid("a")) == before


def test_an_agent_that_was_first_is_not_asked_again(make: Make) -> None:
    host = make(interval="1s")
    host.add_agent()
    host.add("a", host.current)
    host.bring_up("a")
    host.set(host.new)
    wait_for("the agent has rendered by itself", lambda: host.new in host.current.read_text())
    agent = host.agent_pid()
    answer = host.run("applied", host.row("a"))
    assert not answer["failed"] and one(answer, "a")["needs"] == "restart"
    assert host.process_token("a") == host.new and host.agent_pid() == agent


def test_an_agent_that_is_told_nothing_is_waited_for(make: Make) -> None:
    host = make(interval="1s")
    host.add_agent()
    host.add("a", host.current)
    host.bring_up("a")
    host.set(host.new)
    answer = host.run("applied", host.row("a", rendered_by={"render": None, "timeout": 20, "restarts": False}))
    assert not answer["failed"], answer["msg"]
    assert host.process_token("a") == host.new


@pytest.mark.parametrize("interval", ["5m", "1s"])
def test_an_agent_that_restarts_the_service_is_waited_for(make: Make, interval: str) -> None:
    host = make(interval=interval)
    host.add_agent(restarts="a")
    host.add("a", host.current)
    host.bring_up("a")
    wait_for("the agent's first restart is over", lambda: host.starts("a") == 2)
    host.await_health("a")
    told = host.control("restart", "agent") if interval == "5m" else None
    host.set(host.new)
    answer = host.run("applied", host.row("a", rendered_by={"render": told, "timeout": 20, "restarts": True}))
    assert not answer["failed"], answer["msg"]
    service = one(answer, "a")
    assert host.process_token("a") == host.new and service["in_use"] == "yes" and service["warnings"] == []
    assert host.starts("a") == 3, "by the agent alone"
    assert service["restarted"] and service["changed"] and 0 < service["seconds_unavailable"] < 15


def test_an_agent_that_forgets_to_restart_the_service(host: RenderedHost) -> None:
    host.set(host.new)
    rendered = {"render": host.control("restart", "agent"), "timeout": 20, "restarts": True}
    answer = host.run("applied", host.row("a", rendered_by=rendered))
    assert not answer["failed"] and "did not restart it within 10 s, so this run did" in one(answer, "a")["warnings"][0]
    assert host.process_token("a") == host.new and host.starts("a") == 2


def test_a_file_that_does_not_come_is_waited_for_only_so_long(host: RenderedHost) -> None:
    pid = host.pid("a")
    rendered = {"render": host.control("restart", "agent"), "timeout": 1, "restarts": False}
    answer = host.run("applied", host.row("a", rendered_by=rendered))
    assert f"{host.current} was not rendered within 1 s after `" in answer["msg"]
    assert f"TOKEN is {fingerprint(host.old)}, {fingerprint(host.new)} is due; look at the agent's log" in answer["msg"]
    assert host.pid("a") == pid and not one(answer, "a")["restarted"]


def test_a_command_that_does_nothing(host: RenderedHost) -> None:
    host.set(host.new)
    pid = host.pid("a")
    for argv, words in (
        (["false"], "`false` ended with 1; run it by hand"),
        (["/none"], "command /none of rendered_by"),
    ):
        answer = host.run("applied", host.row("a", rendered_by={"render": argv}))
        assert answer["failed"] and words in answer["msg"]
    assert host.pid("a") == pid and host.old in host.current.read_text()


def test_the_file_goes_back_when_vault_has(host: RenderedHost) -> None:
    host.set(host.new)
    host.accept(host.old)
    row = host.row("a", health={**host.row("a")["health"], "timeout": 2})
    answer = host.run("applied", row)
    service = one(answer, "a")
    assert answer["failed"] and not service["restored"] and "goes back when Vault does" in service["warnings"][0]
    assert host.new in host.current.read_text(), "written by the agent, and by nobody else"
    host.set(host.old)
    back = {**row, "variables": {"TOKEN": host.variable(new=fingerprint(host.old), old=fingerprint(host.new))}}
    answer = host.run("restored", back)
    assert not answer["failed"] and one(answer, "a")["restored"], answer["msg"]
    assert host.process_token("a") == host.old and host.old in host.current.read_text()


def test_what_was_not_begun_is_left_where_another_service_failed(host: RenderedHost) -> None:
    file = host.env_file("own")
    host.set(host.new)
    failing = host.row(
        "own", file, manager="command", restart=["true"], active=["false"], health=None, order=-1, server_url=None
    )
    pid, writer = host.pid("a"), host.writer()
    answer = host.run("applied", failing, host.row("a"))
    assert one(answer, "own")["restored"] and host.old in file.read_text()
    assert not one(answer, "a")["restarted"] and "goes back when Vault does" in one(answer, "a")["warnings"][0]
    assert (host.pid("a"), host.writer()) == (pid, writer)


def test_a_file_of_an_agent_that_reads_something_else(host: RenderedHost) -> None:
    other = tokens.bot()
    host.secrets.add(other)
    host.set(other)
    subprocess.run(host.control("restart", "agent"), check=True, stdout=subprocess.DEVNULL)
    wait_for("it is rendered", lambda: other in host.current.read_text())
    answer = host.run("preflight", host.row("a"))
    words = f"has {fingerprint(other)} for TOKEN, which is not the token of gobot/ibmcloud/bot in Vault"
    assert words in one(answer, "a")["warnings"][0] and not answer["failed"]


def test_who_writes_a_file_is_one(host: RenderedHost) -> None:
    answer = host.run("preflight", host.row("a"), {**host.row("a", rendered_by=None), "name": "b"})
    assert "is rendered by another agent, or by none, for another service" in answer["msg"]
