# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that cannot be reached over SSH: before the promotion, between preflight and rollout, in the middle of it.

A host is cut off by ending sshd and every connection to it; what runs there goes on.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e._playbook import Run, run
from tests.hosts import Bots, BotService, Hosts
from tests.sandbox import Sandbox
from tests.sandbox._process import wait_for
from tests.sandbox.tokens import fingerprint

IBM = "gobot/ibmcloud"
SKIP = ("-e", "skip_unreachable=true")


@pytest.fixture(scope="module")
def bots(module_hosts: Hosts, hosts_sandbox: Sandbox) -> Bots:
    made = Bots(module_hosts, hosts_sandbox, per_host=1, installations=[IBM])
    made.up()
    # The user's manager stays when all its sessions are gone: ending it would hold up the next login.
    module_hosts.run("host-2", ["loginctl", "enable-linger", module_hosts.user])
    return made


@pytest.fixture(autouse=True)
def mended(bots: Bots) -> Iterator[None]:
    yield
    bots.hosts.run("host-2", ["sh", "-c", "rm -f /run/bot-refuses; systemctl start ssh"])


def cut(bots: Bots) -> None:
    """Nobody reaches host-2 any more, nor hears from it."""
    bots.hosts.run("host-2", ["sh", "-c", "systemctl stop ssh.socket ssh; pkill -9 sshd; true"], check=False)


def join(bots: Bots) -> None:
    bots.hosts.run("host-2", ["systemctl", "start", "ssh"])
    bots.hosts.disconnect()
    wait_for("one can log in", lambda: enters(bots.hosts, "host-2"), 60.0, every=0.2)


def enters(hosts: Hosts, host: str) -> bool:
    options = [f"UserKnownHostsFile={hosts.known_hosts}", "IdentitiesOnly=yes", "ConnectTimeout=5", "ControlPath=none"]
    ssh = ["ssh", "-i", str(hosts.key), *(part for each in options for part in ("-o", each))]
    login = [*ssh, f"{hosts.user}@{hosts.address(host)}", "sudo -n true"]
    return subprocess.run(login, capture_output=True, timeout=60, check=False).returncode == 0


def rotate(bots: Bots, *args: str, playbook: str = "botops.rotation.rotate_bot") -> Run:
    return run(
        bots.sandbox, "-i", str(bots.directory), "-e", "bot=gobot", "-e", "workspace=ibmcloud", *args, playbook=playbook
    )


def status(bots: Bots) -> str:
    return rotate(bots, playbook="botops.rotation.rotation_status").text


def meanwhile(bots: Bots, seen: Callable[[], bool], *args: str) -> Run:
    """A run during which host-2 is cut off as soon as `seen`."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(rotate, bots, *args)
        wait_for("the run has come to where it is cut", lambda: running.done() or seen(), 180.0, every=0.05)
        assert not running.done(), running.result()
        cut(bots)
        return running.result()


def service(bots: Bots, host: str) -> BotService:
    return bots.on(host)[0]


def has(bots: Bots, host: str, token: str) -> bool:
    return bots.in_file(service(bots, host))["SLACK_BOT_TOKEN"] == fingerprint(token)


def assert_converged(bots: Bots, done: Run, new: str) -> None:
    assert (done.status, done.outcomes) == (0, {IBM: "rotated"}), done
    seen = bots.look(IBM)
    assert seen["vault"][IBM]["state"] == "rotated" and seen["vault"][IBM]["current"] == fingerprint(new)
    assert all(row["carried"] == row["in_file"] == row["due"] and row["health"] == 200 for row in seen["services"]), (
        seen
    )
    assert "not on the new token" not in status(bots)


def test_before_the_promotion_it_stops_the_run_and_is_carried_where_told_to_go_on(bots: Bots) -> None:
    new = bots.stage(IBM)[IBM]
    cut(bots)
    refused = rotate(bots)
    assert refused.status != 0 and refused.outcomes == {IBM: "refused"}, refused
    assert "preflight of host-2" in refused.end and "-e skip_unreachable=true" in refused.end
    assert bots.look(IBM)["vault"][IBM]["state"] == "staged" and not has(bots, "host-1", new)

    part = rotate(bots, *SKIP)
    assert part.status != 0 and part.outcomes == {IBM: "partial"}, part
    assert part.row(IBM)["missing"] == {"host-2": "unreachable"} and "host-2 (unreachable)" in part.end
    assert has(bots, "host-1", new) and not has(bots, "host-2", new)
    assert "not on the new token: host-2 (unreachable since 20" in status(bots)

    again = rotate(bots, *SKIP)
    assert again.status != 0 and again.outcomes == {IBM: "partial"}, again
    assert not again.changed["host-1"]
    join(bots)
    assert_converged(bots, rotate(bots), new)


@pytest.mark.parametrize("told", [SKIP, ()], ids=["skipped", "not skipped"])
def test_between_preflight_and_rollout(bots: Bots, told: tuple[str, ...]) -> None:
    """Lost in the pause before its batch, while the old token is dead: there is nothing to go back to."""
    new = bots.stage(IBM)[IBM]
    batches = ("-e", "botops_rollout_serial=1", "-e", "botops_rollout_pause=5")
    lost = meanwhile(bots, lambda: has(bots, "host-1", new), *told, *batches)
    outcome, why = ("partial", "unreachable") if told else ("failed", "failed")
    assert lost.status != 0 and lost.outcomes == {IBM: outcome}, lost
    assert lost.row(IBM)["missing"] == {"host-2": why}
    assert bots.look(IBM)["vault"][IBM]["state"] == "promoted" and not has(bots, "host-2", new)
    assert f"host-2 ({why} since " in status(bots)
    join(bots)
    assert_converged(bots, rotate(bots), new)


def test_in_the_middle_of_the_rollout(bots: Bots) -> None:
    """The host waits for a service's health when the connection breaks; what it has begun, it ends."""
    new = bots.stage(IBM)[IBM]
    bots.hosts.put("host-2", "/run/bot-refuses", fingerprint(new))
    lost = meanwhile(bots, lambda: has(bots, "host-2", new), *SKIP)
    assert lost.status != 0 and lost.outcomes == {IBM: "partial"}, lost
    assert lost.row(IBM)["missing"] == {"host-2": "unreachable"}
    bots.hosts.run("host-2", ["rm", "/run/bot-refuses"])
    wait_for("the service is well", lambda: bots.health(service(bots, "host-2"))[0] == 200, 30.0)
    assert "host-2 (unreachable since " in status(bots)
    join(bots)
    assert_converged(bots, rotate(bots), new)


def test_in_the_middle_of_the_rollout_with_a_live_old_token(bots: Bots) -> None:
    """All go back; the lost host, of which nobody knows, is named, and the next run brings it to where Vault is."""
    old = bots.sandbox.current(IBM)
    new = bots.stage(IBM)[IBM]
    bots.sandbox.slack.set_token_state(old, "live")
    bots.wait_health()
    bots.hosts.put("host-2", "/run/bot-refuses", fingerprint(new))
    lost = meanwhile(bots, lambda: has(bots, "host-2", new))
    assert lost.status != 0 and lost.outcomes == {IBM: "failed"}, lost
    assert "these hosts did not go back: host-2" in lost.end
    assert bots.sandbox.current(IBM) == old and has(bots, "host-1", old)
    join(bots)
    bots.hosts.run("host-2", ["rm", "/run/bot-refuses"])
    bots.sandbox.slack.set_token_state(old, "revoked")
    assert_converged(bots, rotate(bots), new)
