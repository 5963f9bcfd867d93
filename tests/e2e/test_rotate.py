# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's rotation: looked at with --check, made, and made again; by both names of the playbook; in a fresh clone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._playbook import Run, run
from tests.e2e._world import carried, due, in_files, pending, record, world
from tests.sandbox import Sandbox
from tests.sandbox._state import ROOT
from tests.sandbox.tokens import fingerprint
from tests.tools.stage import outside_git

GOBOT = ("gobot/watsondataplatform", "gobot/ibmcloud", "gobot/ibmanalytics", "gobot/compose")
PROOFS = ("changed", "same_identity", "scopes", "old_refused", "in_use")


@dataclass(repr=False)
class Story:
    """One sandbox: --check --diff, the real run, a second run; and what was there before and after each."""

    sandbox: Sandbox
    old: dict[str, str]
    new: dict[str, str]
    before: dict[str, Any]
    checked: Run
    after_check: dict[str, Any]
    first: Run
    rotated: dict[str, Any]
    second: Run
    after_second: dict[str, Any]


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with Sandbox() as sandbox:
        old = {each: sandbox.current(each) for each in GOBOT}
        new = {each: pending(sandbox, each) or "" for each in GOBOT}
        before = world(sandbox, cli=True)
        checked = run(sandbox, "-e", "bot=gobot", "--check", "--diff")
        after_check = world(sandbox, cli=True)
        first = run(sandbox, "-e", "bot=gobot")
        rotated = world(sandbox)
        second = run(sandbox, "-e", "bot=gobot")
        after_second = world(sandbox)
        yield Story(sandbox, old, new, before, checked, after_check, first, rotated, second, after_second)


@pytest.mark.xdist_group("rotate")
class TestDemo:
    """Four installations, five services on three hosts."""

    def test_check_changes_nothing(self, story: Story) -> None:
        assert story.checked.status == 0, story.checked
        assert story.after_check == story.before
        assert not story.checked.reports

    def test_check_prints_the_plan_as_fingerprints(self, story: Story) -> None:
        for each in GOBOT:
            assert f"{fingerprint(story.old[each])} -> {fingerprint(story.new[each])}" in story.checked.end
            assert f"+bot current: {fingerprint(story.new[each])}" in story.checked.stdout
        for service in story.sandbox.services("gobot-"):
            assert f"+++ after: {service.env_file}" in story.checked.stdout
        assert "nothing was changed" in story.checked.end

    def test_run_rotates_with_all_five_proofs(self, story: Story) -> None:
        assert story.first.status == 0, story.first
        assert len(story.first.reports) == 1
        rows = story.first.report["installations"]
        assert {row["id"]: row["outcome"] for row in rows} == dict.fromkeys(GOBOT, "rotated")
        for row in rows:
            assert (row["old_fingerprint"], row["new_fingerprint"]) == (
                fingerprint(story.old[row["id"]]),
                fingerprint(story.new[row["id"]]),
            )
            assert {name: row["proofs"][name]["result"] for name in PROOFS} == dict.fromkeys(PROOFS, True)
            assert all(row["proofs"][name]["evidence"] for name in PROOFS)
        assert Path(story.first.reports[0]).with_suffix(".md").is_file()

    def test_vault_has_the_new_tokens_and_keeps_what_is_beside_them(self, story: Story) -> None:
        for each in GOBOT:
            path = story.sandbox.path(each)
            before, after = (one["vault"][path]["data"] for one in (story.before, story.rotated))
            assert after == {**before, "value": story.new[each]}
            user = story.sandbox.path(each, "user")
            assert story.rotated["vault"][user] == story.before["vault"][user]
            kept = story.rotated["vault"][story.sandbox.record_path(each)]["data"]
            assert story.old[each] not in str(kept) and story.new[each] not in str(kept), "a dead token is not kept"
        assert any("owner" in story.rotated["vault"][story.sandbox.path(each)]["data"] for each in GOBOT)

    def test_vault_of_other_bots_is_untouched(self, story: Story) -> None:
        def others(vault: dict[str, Any]) -> dict[str, Any]:
            return {path: each for path, each in vault.items() if "_for_gobot_" not in path}

        assert others(story.rotated["vault"]) == others(story.before["vault"])

    def test_files_and_processes_have_the_new_tokens(self, story: Story) -> None:
        for each in GOBOT:
            assert not in_files(story.sandbox, story.old[each])
            assert in_files(story.sandbox, story.new[each])
        for service in story.sandbox.services("gobot-"):
            assert carried(story.sandbox, service.name) == due(story.sandbox, service.name)
            assert story.sandbox.health(service.name)[0] == 200
            assert story.rotated["pids"][service.name] != story.before["pids"][service.name]

    def test_nothing_else_in_the_files_changed(self, story: Story) -> None:
        for path, (content, _dummy, mode, _dummy) in story.before["files"].items():
            for each in GOBOT:
                content = content.replace(story.old[each].encode(), story.new[each].encode())
            assert story.rotated["files"][path][0] == content
            assert story.rotated["files"][path][2] == mode

    def test_other_services_are_left_alone(self, story: Story) -> None:
        for service in story.sandbox.services("ciebot-"):
            assert story.after_second["pids"][service.name] == story.before["pids"][service.name]

    def test_one_message_per_channel_tells_of_start_and_end(self, story: Story) -> None:
        """What a webhook has posted cannot be changed: there start and end are two."""
        posted = story.sandbox.slack.messages()
        channels = {one["channel_id"] for one in posted}
        assert len(channels) == 4
        for channel in channels:
            mine = [one for one in posted if one["channel_id"] == channel]
            roots = [one for one in mine if not one["thread_ts"]]
            told = [*roots[0]["history"], *(one["text"] for one in roots)]
            assert len(told) == 2, told
            assert "gets a new Slack token" in told[0] and "has its new Slack token" in told[1]
            replies = [one["text"].partition(" ")[0] for one in mine if one["thread_ts"] == roots[0]["ts"]]
            by_webhook = roots[0]["via"] == "webhook"
            assert len(roots) == 1 + by_webhook and len(mine) == len(roots) + len(replies)
            assert replies == ([] if by_webhook else [":arrows_counterclockwise:", ":white_check_mark:"])
        assert {one["state"] for one in story.first.report["announcements"]} == {"sent"}

    def test_report_tells_each_service(self, story: Story) -> None:
        services = {service["name"]: service for service in story.first.report["services"]}
        assert set(services) == {service.name for service in story.sandbox.services("gobot-")}
        for service in story.sandbox.services("gobot-"):
            told = services[service.name]
            assert told["host"] == service.host and told["restarted"] and told["down_before"]
            assert told["health_before"]["ok"] is False and told["health_after"]["ok"] is True
            assert 0 < told["seconds_unavailable"] < 10
            for variable, installation in service.variables.items():
                assert told["variables"][variable]["before"] == fingerprint(story.old[installation])
                assert told["variables"][variable]["after"] == fingerprint(story.new[installation])

    def test_table_is_the_last_thing_printed(self, story: Story) -> None:
        lines = story.first.end.splitlines()
        assert lines[0].startswith("gobot: rotated 4 of 4 installations, 5 services on 3 hosts")
        assert [row["outcome"] for row in story.first.rows] == ["rotated"] * 4
        report = story.first.reports[0].with_suffix(".md")
        assert lines[-1].endswith(f"report {report.relative_to(story.first.directory)}")

    def test_second_run_changes_nothing(self, story: Story) -> None:
        assert story.second.status == 0, story.second
        assert story.second.changed == dict.fromkeys(("localhost", "bot-host-1", "bot-host-2", "bot-host-3"), 0)
        assert not story.second.reports
        assert story.after_second == story.rotated
        assert [row["outcome"] for row in story.second.rows] == ["already"] * 4

    def test_plan_is_what_the_run_did(self, story: Story) -> None:
        assert story.checked.outcomes == {row["id"]: row["outcome"] for row in story.first.report["installations"]}
        planned = story.checked.of("botops.rotation.rotation_plan")[0]["plan"]
        for told, did in zip(planned["installations"], story.first.report["installations"]):
            same = ("id", "action", "old_fingerprint", "new_fingerprint", "identity", "attempt")
            assert {key: told[key] for key in same} == {key: did[key] for key in same}
            for proof in ("changed", "same_identity", "scopes", "old_refused"):
                assert told["proofs"][proof]["result"] == did["proofs"][proof]["result"]
        told_messages = {(one["channel"], one["text"]) for one in planned["messages"]}
        did_messages = {
            (m["channel"], m["text"]) for m in story.first.report["announcements"] if m["phase"] == "started"
        }
        assert told_messages == did_messages

    def test_hosts_that_the_plan_names_are_those_that_changed(self, story: Story) -> None:
        restarts, variables = {}, {}
        for host in ("bot-host-1", "bot-host-2", "bot-host-3"):
            for service in story.checked.of("botops.rotation.service_env", host)[0]["services"]:
                restarts[host, service["name"]] = service["needs"] != "nothing"
                for name, shown in service["variables"].items():
                    variables[service["name"], name] = (shown["file_before"], shown["file_after"])
        did = story.first.report["services"]
        assert restarts == {(each["host"], each["name"]): each["restarted"] for each in did}
        assert variables == {
            (each["name"], name): (shown["before"], shown["after"])
            for each in did
            for name, shown in each["variables"].items()
        }


def test_fresh_clone_by_full_name_and_as_many_tasks_for_one_as_for_all(sandbox: Sandbox, tmp_path: Path) -> None:
    """A clone needs nothing but the environment on PATH; no task is run per installation."""
    (tmp_path / ".gitconfig").write_text("[safe]\n\tdirectory = *\n", encoding="utf-8")
    env = {**outside_git(), "HOME": str(tmp_path)}
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", "clone"], cwd=tmp_path, env=env, check=True)
    clone = tmp_path / "clone"
    here = {"directory": clone, "env": {"ANSIBLE_CONFIG": str(clone / "ansible.cfg")}}

    one = run(sandbox, "-e", "bot=gobot", "-e", "workspace=ibmcloud", playbook="botops.rotation.rotate_bot", **here)
    assert one.status == 0, one
    assert one.outcomes == {"gobot/ibmcloud": "rotated"}
    assert record(sandbox, "gobot/compose")["state"] == "staged"
    assert carried(sandbox, "gobot-consumer") == due(sandbox, "gobot-consumer")

    rest = run(sandbox, "-e", "bot=gobot", playbook="rotate_bot.yml", **here)
    assert rest.status == 0, rest
    assert rest.outcomes == {each: "already" if each == "gobot/ibmcloud" else "rotated" for each in GOBOT}
    assert len(rest.reports) == 2 and rest.reports[0].parent == clone / "reports"
    assert rest.tasks == one.tasks
    for service in sandbox.services("gobot-"):
        assert carried(sandbox, service.name) == due(sandbox, service.name)
