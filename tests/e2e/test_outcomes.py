# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run ends with, case by case: exit status, outcome, next step, and what Vault, hosts and processes have then.

The tests of a class share a sandbox. Each stages what it needs, and leaves its installations rotated and healthy.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e._health import failing_with
from tests.e2e._playbook import run
from tests.e2e._world import (
    carried,
    due,
    in_files,
    inventory_with,
    pending,
    pids,
    record,
    reinstalled,
    without_locks,
    world,
)
from tests.sandbox import Sandbox, _records
from tests.sandbox.tokens import fingerprint


@pytest.fixture(scope="class")
def shared() -> Iterator[Sandbox]:
    """All is well in it at first: every token alive, nothing staged."""
    with Sandbox(demo=False) as made:
        yield made


def reissued(sandbox: Sandbox, *installations: str, old: str = "revoked") -> dict[str, tuple[str, str]]:
    """Reinstall and stage; installation -> (old, new). With old="live" Slack still accepts the old tokens."""
    found = {}
    for each in installations:
        before = sandbox.current(each)
        after = reinstalled(sandbox, each)
        sandbox.stage(each, after)
        if old == "live":
            sandbox.slack.set_token_state(before, "live")
        found[each] = (before, after)
    return found


def one(found: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The (old, new) of the only installation."""
    [pair] = found.values()
    return pair


def assert_carried(sandbox: Sandbox, prefix: str) -> None:
    """Every service has in its process what Vault has as current, and is healthy."""
    for service in sandbox.services(prefix):
        assert carried(sandbox, service.name) == due(sandbox, service.name), service.name
    sandbox.wait_health(prefix)


@pytest.mark.xdist_group("outcomes-gobot")
class TestGobot:
    """gobot: five services on three hosts, two of which take tokens of two workspaces."""

    def test_three_of_four_staged(self, shared: Sandbox) -> None:
        staged = reissued(shared, "gobot/watsondataplatform", "gobot/ibmcloud", "gobot/ibmanalytics")
        compose = shared.current("gobot/compose")
        done = run(shared, "-e", "bot=gobot")
        assert done.status != 0
        assert done.outcomes == {**dict.fromkeys(staged, "rotated"), "gobot/compose": "nothing_staged"}, done
        assert "botops.rotation.stage_token -e bot=gobot -e workspace=compose" in done.end
        for each, (_dummy, new) in staged.items():
            assert shared.current(each) == new
        assert shared.current("gobot/compose") == compose
        assert_carried(shared, "gobot-")
        row = done.row("gobot/compose")
        assert row["outcome"] == "nothing_staged" and row["next_step"]

    @pytest.mark.row("services fail their health check, the old token alive, a playbook")
    def test_unhealthy_with_a_live_old_token_goes_back_everywhere(self, shared: Sandbox) -> None:
        staged = reissued(shared, "gobot/watsondataplatform", "gobot/ibmcloud", old="live")
        shared.wait_health("gobot-")
        with failing_with(shared, "gobot-scheduler", staged["gobot/ibmcloud"][1]):
            back = run(shared, "-e", "bot=gobot")
        assert back.status != 0
        assert {each: back.outcomes[each] for each in staged} == dict.fromkeys(staged, "rolled_back"), back
        assert "gobot-scheduler on bot-host-3" in back.end
        for each, (old, new) in staged.items():
            assert shared.current(each) == old
            assert pending(shared, each) == new
            assert record(shared, each)["state"] == "rolled_back"
            assert not in_files(shared, new)
            assert back.row(each)["next_step"] and "gobot-scheduler" in back.row(each)["reason"]
        assert_carried(shared, "gobot-")
        assert any("did not finish" in one["text"] or "old token" in one["text"] for one in shared.slack.messages())

        unattended = run(shared, "-e", "bot=gobot", "-e", "workspace=ibmcloud", "-e", "unattended=true")
        assert unattended.status != 0 and shared.current("gobot/ibmcloud") == staged["gobot/ibmcloud"][0]

        for old, _dummy in staged.values():
            shared.slack.set_token_state(old, "revoked")
        again = run(shared, "-e", "bot=gobot")
        assert {each: again.outcomes[each] for each in staged} == dict.fromkeys(staged, "rotated"), again
        for each, (_dummy, new) in staged.items():
            assert shared.current(each) == new and again.row(each)["attempt"] == 2
        assert_carried(shared, "gobot-")

    @pytest.mark.row("services fail their health check, the old token dead, a playbook")
    def test_unhealthy_with_a_dead_old_token_goes_forward(self, shared: Sandbox) -> None:
        staged = reissued(shared, "gobot/compose")
        old, new = staged["gobot/compose"]
        with failing_with(shared, "gobot-web", new):
            forward = run(shared, "-e", "bot=gobot", "-e", "workspace=compose")
        assert forward.status != 0
        assert forward.outcomes == {"gobot/compose": "failed"}, forward
        assert "gobot-web on bot-host-2" in forward.end and "next:" in forward.end
        assert shared.current("gobot/compose") == new and not in_files(shared, old)
        assert_carried(shared, "gobot-")

        again = run(shared, "-e", "bot=gobot", "-e", "workspace=compose")
        assert (again.status, again.outcomes) == (0, {"gobot/compose": "rotated"}), again
        assert again.row("gobot/compose")["old_fingerprint"] == fingerprint(old)
        assert record(shared, "gobot/compose")["state"] == "rotated"

    def test_limit_leaves_a_rest_that_a_plain_run_finishes(self, shared: Sandbox) -> None:
        old, new = one(reissued(shared, "gobot/ibmcloud"))
        before = world(shared)
        refused = run(shared, "-e", "bot=gobot", "-e", "workspace=ibmcloud", "--limit", "bot-host-1")
        assert refused.status != 0
        assert "--limit 'bot-host-1,localhost'" in refused.text, refused
        assert world(shared) == before

        part = run(shared, "-e", "bot=gobot", "-e", "workspace=ibmcloud", "--limit", "bot-host-1,localhost")
        assert part.status != 0
        assert part.outcomes == {"gobot/ibmcloud": "partial"}, part
        assert "bot-host-3" in part.end
        assert carried(shared, "gobot-consumer") == {"SLACK_BOT_TOKEN": fingerprint(new)}
        assert carried(shared, "gobot-scheduler")["SLACK_TOKEN_CLOUD"] == fingerprint(old)

        rest = run(shared, "-e", "bot=gobot", "-e", "workspace=ibmcloud")
        assert (rest.status, rest.outcomes) == (0, {"gobot/ibmcloud": "rotated"}), rest
        assert_carried(shared, "gobot-")
        assert rest.changed["bot-host-3"] and not rest.changed["bot-host-1"]

    def test_drift_on_a_host_is_converged(self, shared: Sandbox) -> None:
        """Somebody put an old backup of a file back: the file, and the process after its restart, have another token."""
        service = shared.service("gobot-consumer")
        content = Path(service.env_file).read_text(encoding="utf-8")
        token = shared.current("gobot/ibmcloud")
        Path(service.env_file).write_text(content.replace(token, token[:-6] + "stale0"), encoding="utf-8")
        shared.restart("gobot-consumer")
        shared.wait_health("gobot-consumer", healthy=False)
        before = pids(shared)
        vault = without_locks(shared.bao.snapshot())
        done = run(shared, "-e", "bot=gobot", "-e", "workspace=ibmcloud")
        assert (done.status, done.outcomes) == (0, {"gobot/ibmcloud": "converged"}), done
        assert Path(service.env_file).read_text(encoding="utf-8") == content
        assert_carried(shared, "gobot-")
        after = pids(shared)
        assert {name for name in after if after[name] != before[name]} == {"gobot-consumer"}
        assert without_locks(shared.bao.snapshot()) == vault


@pytest.mark.xdist_group("outcomes-others")
class TestOthers:
    """The other bots: one service for each installation of ciebot, none for the rest."""

    def test_nothing_staged_and_everything_dead(self, shared: Sandbox) -> None:
        shared.revoke("cietest1/ibmcloud")
        reissued(shared, "ciedev1/ibmcloud")
        shared.revoke("ciedev1/ibmcloud")
        before = world(shared)
        done = run(shared, "-e", "bot=cietest,cietest1,ciedev1")
        assert done.status != 0
        assert done.outcomes == {
            "cietest/ibmcloud": "nothing_staged",
            "cietest1/ibmcloud": "nothing_staged",
            "ciedev1/ibmcloud": "refused",
        }, done
        for bot in ("cietest", "cietest1"):
            assert f"next: stage a new token: ansible-playbook botops.rotation.stage_token -e bot={bot}" in done.text
        assert done.row("ciedev1/ibmcloud")["next_step"]
        assert fingerprint(pending(shared, "ciedev1/ibmcloud") or "") in done.row("ciedev1/ibmcloud")["reason"]
        assert world(shared) == before

    def test_live_old_token_is_said_and_may_be_kept(self, shared: Sandbox) -> None:
        old, new = one(reissued(shared, "ciebot/ibmcloud", old="live"))
        shared.wait_health("ciebot-")
        first = run(shared, "-e", "bot=ciebot", "-e", "workspace=ibmcloud")
        assert first.status != 0
        assert first.outcomes == {"ciebot/ibmcloud": "old_alive"}, first
        assert f"-e keep_old={fingerprint(old)}" in first.end
        assert first.row("ciebot/ibmcloud")["proofs"]["old_refused"]["result"] is False
        assert shared.current("ciebot/ibmcloud") == new
        assert_carried(shared, "ciebot-consumer")

        stated = ("-e", f"keep_old={fingerprint(old)}")
        kept = run(shared, "-e", "bot=ciebot", "-e", "workspace=ibmcloud", *stated)
        assert (kept.status, kept.outcomes) == (0, {"ciebot/ibmcloud": "rotated"}), kept
        assert shared.current("ciebot/ibmcloud") == new
        assert old in str(shared.bao.snapshot()), "a token that lives is not lost"

    def test_current_overwritten_by_hand_is_adopted(self, shared: Sandbox) -> None:
        """The runbook's own step, `vault write`: once known to a record, once before there ever was one."""
        reissued(shared, "ciebot/cim")
        by_hand = reinstalled(shared, "ciebot/watsondataplatform")
        mount, _dummy, path = shared.path("ciebot/watsondataplatform").partition("/")
        shared.bao.cli("kv", "put", f"-mount={mount}", path, f"value={by_hand}")
        first = run(shared, "-e", "bot=ciebot")
        assert first.status == 0 and first.outcomes["ciebot/cim"] == "rotated", first
        assert first.outcomes["ciebot/watsondataplatform"] == "converged", first
        assert_carried(shared, "ciebot-")

        old = shared.current("ciebot/cim")
        by_hand = reinstalled(shared, "ciebot/cim")
        mount, _dummy, path = shared.path("ciebot/cim").partition("/")
        shared.bao.cli("kv", "put", f"-mount={mount}", path, f"value={by_hand}")
        status = run(shared, "-e", "bot=ciebot", "-e", "workspace=cim", playbook="botops.rotation.rotation_status")
        assert status.status == 0 and "overwritten by hand" in status.end, status
        adopted = run(shared, "-e", "bot=ciebot", "-e", "workspace=cim")
        assert (adopted.status, adopted.outcomes) == (0, {"ciebot/cim": "rotated"}), adopted
        row = adopted.row("ciebot/cim")
        assert (row["old_fingerprint"], row["new_fingerprint"]) == (fingerprint(old), fingerprint(by_hand))
        refused = row["proofs"].pop("old_refused")
        assert refused["result"] is None and refused["evidence"], "the old token is nowhere any more to be asked about"
        assert {name: proof["result"] for name, proof in row["proofs"].items()} == dict.fromkeys(row["proofs"], True)
        assert_carried(shared, "ciebot-")
        assert shared.current("ciebot/cim") == by_hand

    def test_user_token_rotates_with_the_bot_token(self, shared: Sandbox) -> None:
        old = [shared.current("ciebotwdp/ibmcloud", kind) for kind in ("bot", "user")]
        new = reinstalled(shared, "ciebotwdp/ibmcloud")
        user = shared.slack.installation("ciebotwdp/ibmcloud")["user_token"]
        shared.stage("ciebotwdp/ibmcloud", new)
        shared.stage("ciebotwdp/ibmcloud", user, kind="user")
        done = run(shared, "-e", "bot=ciebotwdp", "-e", "workspace=ibmcloud")
        assert (done.status, done.outcomes) == (0, {"ciebotwdp/ibmcloud": "rotated"}), done
        assert [shared.current("ciebotwdp/ibmcloud", kind) for kind in ("bot", "user")] == [new, user]
        tokens = done.row("ciebotwdp/ibmcloud")["tokens"]
        assert [tokens[kind]["old"] for kind in ("bot", "user")] == [fingerprint(each) for each in old]
        assert pending(shared, "ciebotwdp/ibmcloud") is None and pending(shared, "ciebotwdp/ibmcloud", "user") is None

    def test_a_bot_joins_its_channel_again_to_announce(self, shared: Sandbox) -> None:
        """A revoke takes the bot out of its channels; it may join public ones by itself."""
        shared.stage("ciebot/cim", shared.reissue("ciebot/cim"))
        done = run(shared, "-e", "bot=ciebot", "-e", "workspace=cim")
        assert (done.status, done.outcomes) == (0, {"ciebot/cim": "rotated"}), done
        assert any(request["method"] == "conversations.join" for request in shared.slack.requests())

    def test_an_announcement_that_fails_does_not_stop_the_rotation(self, shared: Sandbox) -> None:
        """A revoke takes the bot out of its channels, nobody has invited it again, and it may not join by itself."""
        shared.slack.fault("error", method="conversations.join", error="method_not_supported_for_channel_type")
        new = shared.reissue("ciebotwdp/watsondataplatform")
        shared.stage("ciebotwdp/watsondataplatform", new)
        done = run(shared, "-e", "bot=ciebotwdp", "-e", "workspace=watsondataplatform")
        shared.slack.clear_faults()
        assert done.status != 0
        assert done.outcomes == {"ciebotwdp/watsondataplatform": "rotated"}, done
        assert "not_in_channel; next: invite the bot" in " ".join(done.end.split())
        assert shared.current("ciebotwdp/watsondataplatform") == new

    def test_records_on_another_mount_of_kv_v2(self, shared: Sandbox) -> None:
        """botops_record_mount: the token stays on KV v1, record and lock are on KV v2; no version keeps a token."""
        old, new = shared.current("ciebotwdp/cim"), reinstalled(shared, "ciebotwdp/cim")
        shared.stage("ciebotwdp/cim", new, mount="secret")
        place = ("-e", "botops_record_mount=secret")
        done = run(shared, "-e", "bot=ciebotwdp", "-e", "workspace=cim", *place)
        assert (done.status, done.outcomes) == (0, {"ciebotwdp/cim": "rotated"}), done
        assert shared.current("ciebotwdp/cim") == new
        assert record(shared, "ciebotwdp/cim", "secret")["state"] == "rotated"
        assert shared.bao.get(shared.record_path("ciebotwdp/cim")) is None
        mine = [path for path in shared.bao.snapshot() if "ciebotwdp_in_cim" in path and path.startswith("generic/")]
        assert sorted(mine) == sorted([shared.path("ciebotwdp/cim"), shared.path("ciebotwdp/cim", "user")])
        assert_no_version_has(shared, shared.record_path("ciebotwdp/cim", "secret"), old, new)

    def test_tokens_on_kv_v2(self, shared: Sandbox, tmp_path: Path) -> None:
        """One installation with a current token, and one whose current was soft-deleted: the token goes over it."""
        registry = shared.registry
        new, paths = {}, {}
        for each in ("cietest/ibmcloud", "cietest1/ibmcloud"):
            bot = each.partition("/")[0]
            paths[each] = f"secret/bots/{bot}"
            registry["botops_bots"][bot]["installations"]["ibmcloud"]["bot_token_path"] = paths[each]
            old = shared.slack.installation(each)["bot_token"] or shared.current(each)
            shared.bao.put(paths[each], {"value": old, "note": "kept"})
            new[each] = reinstalled(shared, each)
            issued = shared.slack.installation(each)
            staged = _records.staged(None, bot, "bot", new[each], issued, old)
            shared.bao.put(paths[each] + "_rotation", staged)
        shared.bao.delete(paths["cietest1/ibmcloud"])
        inventory = inventory_with(shared, tmp_path / "inventory", registry)
        done = run(shared, "-i", str(inventory), "-e", "bot=cietest,cietest1")
        assert (done.status, done.outcomes) == (0, dict.fromkeys(new, "rotated")), done
        assert shared.bao.get(paths["cietest/ibmcloud"]) == {"value": new["cietest/ibmcloud"], "note": "kept"}
        assert (shared.bao.get(paths["cietest1/ibmcloud"]) or {})["value"] == new["cietest1/ibmcloud"]
        for each, token in new.items():
            assert_no_version_has(shared, paths[each] + "_rotation", token)

        again = run(shared, "-i", str(inventory), "-e", "bot=cietest,cietest1")
        assert (again.status, again.outcomes) == (0, dict.fromkeys(new, "already")), again
        assert set(again.changed.values()) == {0}


def assert_no_version_has(sandbox: Sandbox, path: str, *tokens: str) -> None:
    """No version of a secret on KV v2 that can still be read holds a token."""
    mount, _dummy, name = path.partition("/")
    latest = sandbox.bao.request("GET", f"{mount}/metadata/{name}")[1]["data"]["current_version"]
    for version in range(1, latest + 1):
        text = sandbox.bao.cli("kv", "get", "-format=json", f"-mount={mount}", f"-version={version}", name, check=False)
        assert not any(token in text for token in tokens), f"version {version} of {path}"
