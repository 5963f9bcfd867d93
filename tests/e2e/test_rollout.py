# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rollout under control: batches, canaries, pauses, hosts that are left behind, and settings of Ansible's own.

The sandbox's hosts are local, so they are always there; hosts that are not are in tests/hosts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e._health import failing_with, health_page, service_changed
from tests.e2e._playbook import Run, run
from tests.e2e._world import carried, due, pids, record, reinstalled, without_locks, world
from tests.sandbox import Sandbox
from tests.sandbox.tokens import fingerprint

IBM = "gobot/ibmcloud"  # gobot-consumer on bot-host-1, gobot-scheduler on bot-host-3
ONE = ("-e", "bot=gobot", "-e", "workspace=ibmcloud")
BEGINS = re.compile(r"batch (\d) of (\d) \((.*)\) begins in (\d+) s")


@pytest.fixture(scope="class")
def shared() -> Iterator[Sandbox]:
    """All is well in it at first, and after each test."""
    with Sandbox(demo=False) as made:
        yield made


def staged(sandbox: Sandbox, installation: str = IBM, alive: bool = False) -> tuple[str, str]:
    """(old, new): the new one is staged; with `alive` Slack still accepts the old one."""
    old, new = sandbox.current(installation), reinstalled(sandbox, installation)
    sandbox.stage(installation, new)
    if alive:
        sandbox.slack.set_token_state(old, "live")
        sandbox.wait_health("gobot-")
    return old, new


@contextmanager
def breaking_the_lock(sandbox: Sandbox, name: str, token: str) -> Iterator[None]:
    """Breaks the installation's lock, as `unlock` does, while a run asks for the health of a service with a token."""

    def well() -> bool:
        if token in sandbox.process_env(sandbox.service(name).pid).values():
            sandbox.bao.put(sandbox.path(IBM) + "_lock", {"schema": 1, "nonce": "", "released": "2026-11-23T02:00:00Z"})
        return sandbox.health(name)[0] == 200

    with health_page(well) as url, service_changed(sandbox, name, health={"url": url, "status": 200, "timeout": 30}):
        yield


def restarts(done: Run) -> list[str]:
    """The hosts in the order in which the rollout came to them."""
    return [one["host"] for one in done.results if "services" in one["result"] and one["result"]["changed"]]


def assert_rotated(sandbox: Sandbox, done: Run, new: str) -> None:
    assert (done.status, done.outcomes) == (0, {IBM: "rotated"}), done
    assert sandbox.current(IBM) == new
    for service in sandbox.services("gobot-"):
        assert carried(sandbox, service.name) == due(sandbox, service.name), service.name
    sandbox.wait_health("gobot-")


@pytest.mark.xdist_group("rollout-batches")
class TestBatches:
    """botops_rollout_serial, botops_rollout_pause, botops_soak."""

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("botops_rollout_serial", 0, "is 0; next: give a number of hosts from 1"),
            ("botops_rollout_serial", "many", 'is "many"; next:'),
            ("botops_rollout_serial", [], "is an empty list; next:"),
            ("botops_rollout_pause", "5m", 'is "5m"; next: give seconds'),
            ("botops_rollout_pause", -1, "is -1; next: give seconds"),
            ("botops_soak", "a while", 'is "a while"; next: give seconds'),
        ],
        ids=["zero", "word", "empty", "unit", "negative", "soak"],
    )
    def test_a_bad_value_is_refused_before_anything_is_contacted(
        self, shared: Sandbox, name: str, value: object, words: str
    ) -> None:
        away = {"VAULT_ADDR": "http://127.0.0.1:1", name: value, "botops_vault_url": "http://127.0.0.1:1"}
        done = run(shared, "-e", "bot=gobot", "-e", json.dumps(away))
        assert done.status != 0 and f"{name} {words}" in done.text, done
        assert "127.0.0.1:1" not in done.of("botops.rotation.rotation_plan")[0]["msg"]
        assert not done.of("botops.rotation.service_env")

    def test_a_canary_then_a_pause_then_the_rest(self, shared: Sandbox) -> None:
        _old, new = staged(shared)
        values = {"botops_rollout_serial": [1, "100%"], "botops_rollout_pause": 1, "botops_soak": 1}
        done = run(shared, *ONE, "-e", json.dumps(values))
        assert_rotated(shared, done, new)
        assert restarts(done) == ["bot-host-1", "bot-host-3"]
        assert BEGINS.findall(done.stdout) == [("2", "2", "bot-host-3", "1")], done
        assert "the services are looked at again in 1 s" in done.stdout
        assert (
            done.tasks.count("botops.rotation.service : See whether the rollout goes on, pause, and keep the locks")
            == 1
        )

    def test_a_dry_run_does_not_pause(self, shared: Sandbox) -> None:
        staged(shared)
        before = world(shared)
        done = run(shared, *ONE, "--check", "-e", "botops_rollout_serial=1", "-e", "botops_rollout_pause=600")
        assert (done.status, done.outcomes) == (0, {IBM: "rotated"}), done
        assert "begins in" not in done.stdout and world(shared) == before
        run(shared, *ONE)

    def test_a_failed_canary_with_a_live_old_token_leaves_the_rest_untouched(self, shared: Sandbox) -> None:
        old, new = staged(shared, alive=True)
        before = pids(shared)
        with failing_with(shared, "gobot-consumer", new):
            back = run(shared, *ONE, "-e", "botops_rollout_serial=1,100%", "-e", "botops_rollout_pause=600")
        assert back.status != 0 and back.outcomes == {IBM: "rolled_back"}, back
        assert "did not touch bot-host-3" in back.end and "begins in" not in back.stdout
        assert shared.current(IBM) == old and record(shared, IBM)["state"] == "rolled_back"
        assert pids(shared)["gobot-scheduler"] == before["gobot-scheduler"]
        shared.slack.set_token_state(old, "revoked")
        assert_rotated(shared, run(shared, *ONE), new)

    def test_a_failed_canary_with_a_dead_old_token_does_not_keep_the_rest_down(self, shared: Sandbox) -> None:
        _old, new = staged(shared)
        with failing_with(shared, "gobot-consumer", new):
            done = run(shared, *ONE, "-e", "botops_rollout_serial=1")
        assert done.status != 0 and done.outcomes == {IBM: "failed"}, done
        assert done.row(IBM)["missing"] == {"bot-host-1": "failed"}
        assert carried(shared, "gobot-scheduler")["SLACK_TOKEN_CLOUD"] == fingerprint(new)
        status = run(shared, *ONE, playbook="botops.rotation.rotation_status")
        assert "not on the new token: bot-host-1 (failed since " in status.text, status
        assert_rotated(shared, run(shared, *ONE), new)
        status = run(shared, *ONE, playbook="botops.rotation.rotation_status")
        assert "not on the new token" not in status.text and status.status == 0, status

    def test_a_lock_that_is_lost_in_a_pause_ends_the_rollout(self, shared: Sandbox) -> None:
        """Somebody breaks the lock after the first batch: the next one does not start, and a rerun goes on."""
        _old, new = staged(shared)
        with breaking_the_lock(shared, "gobot-consumer", new):
            done = run(shared, *ONE, "-e", "botops_rollout_serial=1")
        assert done.status != 0 and done.outcomes == {IBM: "partial"}, done
        assert "has lost its lock" in done.end and "bot-host-3 (not touched)" in done.end
        assert record(shared, IBM)["state"] == "promoted"
        assert_rotated(shared, run(shared, *ONE), new)


@pytest.mark.xdist_group("rollout-behind")
class TestLeftBehind:
    """--limit, hosts that are noted as missing, and a host that leaves the inventory."""

    def test_a_limit_to_no_host_of_the_bot_promotes_nothing(self, shared: Sandbox) -> None:
        staged(shared)
        before = world(shared)
        done = run(shared, *ONE, "--limit", "bot-host-2,localhost")
        assert done.status != 0 and done.outcomes == {IBM: "refused"}, done
        assert "leaves out every host that has services of this run (bot-host-1, bot-host-3)" in done.end
        assert without_locks(world(shared)["vault"]) == without_locks(before["vault"])
        assert world(shared)["pids"] == before["pids"]

    def test_a_host_that_was_limited_away_is_carried_until_it_leaves_the_inventory(self, shared: Sandbox) -> None:
        _old, new = staged(shared)
        part = run(shared, *ONE, "--limit", "bot-host-1,localhost")
        assert part.status != 0 and part.outcomes == {IBM: "partial"}, part
        assert part.row(IBM)["missing"] == {"bot-host-3": "limited away"}
        notes = shared.bao.get(shared.path(IBM) + "_notes") or {}
        assert notes["missing"]["bot-host-3"]["why"] == "limited away"
        status = run(shared, *ONE, playbook="botops.rotation.rotation_status")
        assert "not on the new token: bot-host-3 (limited away since 20" in status.text, status

        inventory = json.loads(shared.inventory_file.read_text(encoding="utf-8"))
        left = json.loads(json.dumps(inventory))
        del left["_meta"]["hostvars"]["bot-host-3"]
        left["bot_hosts"]["hosts"].remove("bot-host-3")
        shared.inventory_file.write_text(json.dumps(left), encoding="utf-8")
        try:
            status = run(shared, *ONE, playbook="botops.rotation.rotation_status")
            assert "; not in the inventory any more)" in status.text, status
            done = run(shared, *ONE)
        finally:
            shared.inventory_file.write_text(json.dumps(inventory), encoding="utf-8")
        assert (done.status, done.outcomes) == (0, {IBM: "rotated"}), done
        assert "bot-host-3 was not on the new token (limited away since " in done.end, done
        assert "missing" not in (shared.bao.get(shared.path(IBM) + "_notes") or {})

        found = run(shared, *ONE)
        assert (found.status, found.outcomes) == (0, {IBM: "converged"}), found
        assert carried(shared, "gobot-scheduler")["SLACK_TOKEN_CLOUD"] == fingerprint(new)


SETTINGS = {
    "strategy free": {"ANSIBLE_STRATEGY": "free"},
    "strategy host_pinned": {"ANSIBLE_STRATEGY": "host_pinned"},
    "any_errors_fatal": {"ANSIBLE_ANY_ERRORS_FATAL": "true"},
    "gathering implicit": {"ANSIBLE_GATHERING": "implicit"},
    "one fork": {"ANSIBLE_FORKS": "1"},
    "no pipelining": {"ANSIBLE_PIPELINING": "false"},
}


@pytest.mark.xdist_group("rollout-settings")
class TestSettings:
    """What a user has in ansible.cfg or the environment does not change how a run goes, or is refused."""

    @pytest.mark.parametrize("name", SETTINGS)
    def test_a_failure_is_judged_whatever_is_set(self, shared: Sandbox, name: str) -> None:
        """A failed host ends neither its play nor the playbook: the others are brought along, and the run reports."""
        _old, new = staged(shared)
        with failing_with(shared, "gobot-consumer", new):
            done = run(shared, *ONE, env=SETTINGS[name])
        assert done.status != 0 and done.outcomes == {IBM: "failed"}, done
        assert carried(shared, "gobot-scheduler")["SLACK_TOKEN_CLOUD"] == fingerprint(new)
        assert done.report["installations"][0]["missing"] == {"bot-host-1": "failed"}
        assert not any("Gathering" in task for task in done.tasks)
        assert_rotated(shared, run(shared, *ONE, env=SETTINGS[name]), new)

    @pytest.mark.parametrize("name", ["KEEP_REMOTE_FILES", "DEBUG"])
    def test_what_would_show_tokens_is_refused(self, shared: Sandbox, name: str) -> None:
        before = world(shared)
        done = run(shared, *ONE, env={f"ANSIBLE_{name}": "true"})
        assert done.status != 0 and f"Ansible's setting DEFAULT_{name} is on" in done.text
        assert world(shared) == before
