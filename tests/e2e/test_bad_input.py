# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: a clear word on what is wrong, where, and what to do; nothing written, nothing lost, nothing echoed.

What can be wrong at the same time is tried in one run: each installation, and each service, has another fault.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e._health import service_changed
from tests.e2e._playbook import Run, run
from tests.e2e._world import carried, due, inventory_with, record, reinstalled, world
from tests.sandbox import Sandbox, tokens
from tests.sandbox.tokens import fingerprint, secret_part


@pytest.fixture(scope="class")
def well() -> Iterator[Sandbox]:
    """All is well in it at first: every token alive, nothing staged."""
    with Sandbox(demo=False) as made:
        yield made


@pytest.fixture(scope="class")
def demo() -> Iterator[Sandbox]:
    """gobot's tokens are dead, its services down, new ones staged."""
    with Sandbox() as made:
        yield made


def assert_unseen(done: Run, *values: str) -> None:
    """No secret part, and no 12 characters of one, is in anything that was printed."""
    for value in values:
        part = secret_part(value.strip())
        for at in range(max(1, len(part) - 11)):
            assert part[at : at + 12] not in done.stdout + done.stderr, "a piece of a token was printed"


def says(done: Run, installation: str) -> str:
    """What the report says of an installation: reason and next step."""
    row = done.row(installation)
    assert row["next_step"], row
    return f"{row['reason']}; {row['next_step']}"


@pytest.mark.xdist_group("bad-names")
class TestNames:
    """What is typed, and what the registry says."""

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            (["-e", "bot=gobott"], ["gobott", "ciebot", "cietest1", "gobot"]),
            (["-e", "bot=gobot", "-e", "workspace=cim"], ["cim", "watsondataplatform", "compose"]),
            ([], ["-e bot="]),
        ],
        ids=["bot", "workspace", "none"],
    )
    def test_unknown(self, well: Sandbox, typed: list[str], said: list[str]) -> None:
        before = world(well)
        asked = len(well.slack.requests())
        done = run(well, *typed)
        assert done.status != 0
        for word in said:
            assert word in done.text, done
        assert world(well) == before
        assert len(well.slack.requests()) == asked, "nothing is contacted"
        assert not done.reports

    def test_token_as_bot_is_never_echoed(self, well: Sandbox) -> None:
        given = [tokens.bot(), tokens.webhook()]
        done = run(well, "-e", f"bot={given[0]}", "-e", f"workspace={given[1]}", "-vvvv", "--diff")
        assert done.status != 0
        assert_unseen(done, *given)
        assert "token" in done.text

    def test_token_as_path_is_never_echoed(self, well: Sandbox, tmp_path: Path) -> None:
        """All faults of a registry come at once, each with its place."""
        registry = well.registry
        given = tokens.bot()
        rows = registry["botops_bots"]["gobot"]["installations"]
        rows["ibmcloud"]["bot_token_path"] = given
        rows["compose"]["bot_token_path"] = rows["ibmanalytics"]["bot_token_path"]
        registry["botops_bots"]["ciebot"]["instalations"] = {}
        inventory = inventory_with(well, tmp_path / "inventory", registry)
        before = world(well)
        done = run(well, "-i", str(inventory), "-e", "bot=gobot", "-vvvv")
        assert done.status != 0
        for place in (
            "botops_bots.gobot.installations.ibmcloud.bot_token_path",
            "botops_bots.gobot.installations.compose.bot_token_path",
            "botops_bots.ciebot.instalations",
        ):
            assert place in done.text, done
        assert_unseen(done, given)
        assert world(well) == before


@pytest.mark.xdist_group("bad-tokens")
class TestTokens:
    """What is in Vault."""

    def test_pending(self, well: Sandbox) -> None:
        lacking = well.reissue("ciebotwdp/ibmcloud")
        well.slack.remove_scope("ciebotwdp/ibmcloud", "channels:history")
        dead = tokens.bot()
        bad = {
            "gobot/watsondataplatform": ("", ["empty"]),
            "gobot/ibmcloud": (well.current("gobot/ibmcloud")[:16], ["truncated"]),
            "gobot/ibmanalytics": (well.current("gobot/ibmanalytics", "user"), ["user token", "bot token"]),
            "gobot/compose": (tokens.app_level(), ["app-level"]),
            "ciebot/watsondataplatform": (tokens.webhook(), ["webhook"]),
            "ciebot/cim": (well.slack.install("gobot/cim")["bot_token"], ["app", "A0GOBOT0001", "A0CIEBOT001"]),
            "ciebot/ibmcloud": (" " + tokens.bot(), ["white space"]),
            "ciebotwdp/watsondataplatform": (well.current("ciebotwdp/watsondataplatform"), ["same token"]),
            "ciebotwdp/cim": (well.current("ciedev1/ibmcloud"), ["ciedev1/ibmcloud"]),
            "ciebotwdp/ibmcloud": (lacking, ["channels:history"]),
            "cietest/ibmcloud": (well.slack.install("cietest/compose")["bot_token"], ["T0IBMCLOUD1"]),
            "cietest1/ibmcloud": (tokens.bot() + "\n", ["white space"]),
            "ciedev1/ibmcloud": (dead, ["invalid_auth"]),
        }
        for each, (token, _dummy) in bad.items():
            well.stage(each, token)
        before = world(well)
        done = run(well, "-e", "bot=all", "-vv", "--diff")
        assert done.status != 0
        assert done.outcomes == dict.fromkeys(bad, "refused"), done
        for each, (token, words) in bad.items():
            said = says(done, each)
            for word in words:
                assert word in said, (each, said)
            if len(token) > 20:
                assert_unseen(done, token)
        assert world(well) == before

    def test_where_vault_has_no_token(self, well: Sandbox, tmp_path: Path) -> None:
        registry = well.registry
        bots = registry["botops_bots"]
        bots["cietest"]["installations"]["ibmcloud"]["bot_token_path"] = "generic/there/is/none"
        bots["cietest1"]["installations"]["ibmcloud"]["bot_token_path"] = "nosuchmount/bots/cietest1"
        bots["ciedev1"]["installations"]["ibmcloud"]["bot_token_path"] = "generic/bots/ciedev1"
        well.bao.put("generic/bots/ciedev1", {"tokn": tokens.bot(), "owner": "somebody"})
        wdp = bots["ciebotwdp"]["installations"]
        wdp["cim"]["bot_token_path"] = "secret/bots/deleted"
        well.bao.put("secret/bots/deleted", {"value": tokens.bot()})
        well.bao.delete("secret/bots/deleted")
        wdp["ibmcloud"]["bot_token_path"] = "generic/bots/empty"
        well.bao.put("generic/bots/empty", {"value": ""})
        inventory = inventory_with(well, tmp_path / "inventory", registry)
        before = world(well)
        done = run(well, "-i", str(inventory), "-e", "bot=cietest,cietest1,ciedev1,ciebotwdp")
        assert done.status != 0
        said = {row["id"]: row["reason"] for row in done.report["installations"]}
        assert "generic/there/is/none" in said["cietest/ibmcloud"], done
        assert "nosuchmount" in said["cietest1/ibmcloud"], done
        for word in ("generic/bots/ciedev1", "value", "owner, tokn"):
            assert word in said["ciedev1/ibmcloud"], done
        assert "secret/bots/deleted" in said["ciebotwdp/cim"], done
        assert "generic/bots/empty" in said["ciebotwdp/ibmcloud"], done
        assert "rotated" not in done.outcomes.values()
        assert all(row["next_step"] for row in done.report["installations"]), done
        assert world(well) == before

    def test_path_as_the_api_has_it(self, well: Sandbox, tmp_path: Path) -> None:
        """`secret/data/...` is how KV v2's API names a secret, not how people do."""
        registry = well.registry
        row = registry["botops_bots"]["cietest"]["installations"]["ibmcloud"]
        row["bot_token_path"] = "secret/data/bots/cietest"
        well.bao.put("secret/bots/cietest", {"value": well.current("cietest/ibmcloud")})
        inventory = inventory_with(well, tmp_path / "inventory", registry)
        before = world(well)
        done = run(well, "-i", str(inventory), "-e", "bot=cietest")
        assert done.status != 0 and "secret/data/bots/cietest" in done.text, done
        assert world(well) == before

    def test_current_with_a_trailing_newline(self, well: Sandbox) -> None:
        """The right outcome: it is the token without the newline, and the new one is written without."""
        each = "ciebot/watsondataplatform"
        old = well.current(each)
        well.bao.put(well.path(each), {"value": old + "\n", "owner": "OSS"})
        new = reinstalled(well, each)
        well.bao.delete(well.record_path(each))
        well.stage(each, new)
        done = run(well, "-e", "bot=ciebot", "-e", "workspace=watsondataplatform")
        assert (done.status, done.outcomes) == (0, {each: "rotated"}), done
        assert well.bao.get(well.path(each)) == {"value": new, "owner": "OSS"}
        assert done.row(each)["old_fingerprint"] == fingerprint(old)
        assert "white space" in str(done.report), "it is said"
        assert carried(well, "ciebot-events") == due(well, "ciebot-events")


@contextmanager
def silent_port() -> Iterator[str]:
    """A URL that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/healthz"


@pytest.mark.xdist_group("bad-hosts")
class TestHosts:
    """What is on the hosts."""

    def test_files_and_units(self, demo: Sandbox) -> None:
        files = {service.name: Path(service.env_file) for service in demo.services("gobot-")}
        kept = {name: file.read_bytes() for name, file in files.items()}
        files["gobot-consumer"].unlink()
        files["gobot-events"].write_bytes(b"")
        files["gobot-web"].unlink()
        files["gobot-web"].mkdir()
        files["gobot-reports"].write_bytes(kept["gobot-reports"] + b"\nNAME=caf\xe9\n")
        before = world(demo)
        with service_changed(demo, "gobot-scheduler", unit="no-such-program"):
            done = run(demo, "-e", "bot=gobot")
        files["gobot-web"].rmdir()
        for name, content in kept.items():
            files[name].write_bytes(content)
        assert done.status != 0
        assert set(done.outcomes.values()) == {"refused"}, done
        words = {
            "gobot-consumer": ["bot-host-1", str(files["gobot-consumer"]), "does not exist"],
            "gobot-events": ["bot-host-1", str(files["gobot-events"]), "empty"],
            "gobot-web": ["bot-host-2", str(files["gobot-web"]), "directory"],
            "gobot-reports": ["bot-host-2", str(files["gobot-reports"]), "UTF-8"],
            "gobot-scheduler": ["bot-host-3", "no-such-program"],
        }
        for name, each in words.items():
            for word in (name, *each):
                assert word in done.text, (name, word, done)
        messages, vault = before.pop("messages"), before.pop("vault")
        assert demo.bao.snapshot() == vault
        assert len(demo.slack.messages()) == len(messages)

    def test_unusual_files(self, demo: Sandbox) -> None:
        """The right outcome: CRLF, quotes, `export`, a variable twice, a symbolic link, two services on one file."""
        files = {service.name: Path(service.env_file) for service in demo.services("gobot-")}
        old = {each: demo.current(each) for each in demo.installations("gobot")}
        cloud, watson = old["gobot/ibmcloud"], old["gobot/watsondataplatform"]
        compose, analytics = old["gobot/compose"], old["gobot/ibmanalytics"]
        files["gobot-consumer"].write_bytes(f"# kept\r\nSLACK_BOT_TOKEN={cloud}\r\nLOG_LEVEL=info\r\n".encode())
        files["gobot-events"].write_text(f"export SLACK_BOT_TOKEN=x\nSLACK_BOT_TOKEN='{watson}'\nWORKERS=4\n")
        files["gobot-scheduler"].write_text(
            f'SLACK_TOKEN_CLOUD=first\nSLACK_TOKEN_WATSON="{watson}"\nSLACK_TOKEN_CLOUD={cloud}\n'
        )
        shared = files["gobot-web"].parent / "shared.env"
        shared.write_text(f"GOBOT_TOKEN={compose}\nSLACK_TOKEN_ANALYTICS={analytics}\nSLACK_TOKEN_COMPOSE={compose}\n")
        shared.chmod(0o640)
        for name in ("gobot-web", "gobot-reports"):
            files[name].unlink()
            files[name].symlink_to(shared)
        done = run(demo, "-e", "bot=gobot")
        assert done.status == 0, done
        assert set(done.outcomes.values()) == {"rotated"}, done
        for service in demo.services("gobot-"):
            assert carried(demo, service.name) == due(demo, service.name)
        new = {each: demo.current(each) for each in old}
        assert files["gobot-consumer"].read_bytes().decode() == (
            f"# kept\r\nSLACK_BOT_TOKEN={new['gobot/ibmcloud']}\r\nLOG_LEVEL=info\r\n"
        )
        assert files["gobot-web"].is_symlink() and files["gobot-reports"].is_symlink()
        assert shared.stat().st_mode & 0o777 == 0o640
        for token in old.values():
            assert not any(token in file.read_text(encoding="utf-8") for file in files.values())
        assert "export" in files["gobot-events"].read_text(encoding="utf-8")

        again = run(demo, "-e", "bot=gobot")
        assert again.status == 0 and set(again.changed.values()) == {0}, again

    def test_health_that_never_answers(self, demo: Sandbox) -> None:
        """With a live old token that is refused before anything is written; with a dead one it goes on, and is said."""
        alive = "ciebot/ibmcloud"
        old = demo.current(alive)
        new = reinstalled(demo, alive)
        demo.slack.set_token_state(old, "live")
        demo.stage(alive, new)
        demo.wait_health("ciebot-consumer")
        before = world(demo)
        with silent_port() as url, service_changed(demo, "ciebot-consumer", health={"url": url, "timeout": 1}):
            done = run(demo, "-e", "bot=ciebot", "-e", "workspace=ibmcloud")
        assert done.status != 0 and done.outcomes == {alive: "refused"}, done
        for word in ("ciebot-consumer", url, "no answer within 1 s", "-e force=true"):
            assert word in done.text, (word, done)
        assert world(demo) == before

        demo.slack.set_token_state(old, "revoked")
        with silent_port() as url, service_changed(demo, "ciebot-consumer", health={"url": url, "timeout": 1}):
            done = run(demo, "-e", "bot=ciebot", "-e", "workspace=ibmcloud")
        assert done.status != 0 and done.outcomes == {alive: "failed"}, done
        for word in ("ciebot-consumer", "bot-host-1", url, "no answer within 1 s"):
            assert word in says(done, alive), (word, done)
        assert demo.current(alive) == new and record(demo, alive)["state"] == "promoted"
        assert carried(demo, "ciebot-consumer") == due(demo, "ciebot-consumer")
