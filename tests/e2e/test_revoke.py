# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""revoke_bot: a leaked token is dead at once, whoever told of it; what ended with it, and what is next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _alerts

from tests.e2e._leaks import leaks, loud
from tests.e2e._playbook import Run, run
from tests.e2e._terminal import at_terminal
from tests.e2e._world import carried, due, reinstalled, without_locks, world
from tests.sandbox import Sandbox, tokens
from tests.sandbox._state import ROOT
from tests.sandbox.tokens import fingerprint

PLAYBOOK = str(ROOT / "revoke_bot.yml")


@pytest.fixture(scope="class")
def well() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as made:
        yield made


def revoke(sandbox: Sandbox, *args: str, **options: Any) -> Run:
    return run(sandbox, *args, playbook=PLAYBOOK, **options)


def results(done: Run) -> list[dict[str, Any]]:
    """What became of each token."""
    (result,) = done.of("botops.rotation.slack_token")
    return result["tokens"]


def state(sandbox: Sandbox, token: str) -> str:
    """What Slack's books say of a token."""
    return next(one["state"] for one in sandbox.slack.tokens() if one["value"] == token)


def calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.slack.requests("auth.revoke")


def alert(token: str | None) -> str:
    """An alert of GitHub secret scanning."""
    told = {
        "number": 42,
        "url": "https://api.github.com/repos/octo-org/hello/secret-scanning/alerts/42",
        "html_url": "https://github.com/octo-org/hello/security/secret-scanning/42",
        "secret_type": "slack_api_token",
        "state": "open",
    }
    return json.dumps({**told, **({"secret": token} if token else {})})


@pytest.mark.alone
def test_dead_within_three_seconds_of_the_first_task(bare_sandbox: Sandbox) -> None:
    """Measured with the log of Ansible and the books of Slack."""
    token, log = bare_sandbox.current("gobot/ibmcloud"), bare_sandbox.dir / "ansible.log"
    done = revoke(bare_sandbox, "-e", "token_file=-", stdin=token, env={"ANSIBLE_LOG_PATH": str(log)})
    assert done.status == 0, done
    first = next(line for line in log.read_text(encoding="utf-8").splitlines() if "TASK [" in line)
    began = datetime.strptime(first[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp()
    (call,) = calls(bare_sandbox)
    assert call["at"] - began <= 3.0
    assert state(bare_sandbox, token) == "revoked"
    assert results(done)[0]["seconds"] <= 3.0


@pytest.mark.xdist_group("revoke")
class TestRevoke:
    """In the order of the day: looked at, revoked, looked at again, and others."""

    def test_check_tells_what_would_end(self, well: Sandbox) -> None:
        token = well.current("gobot/ibmcloud")
        before = world(well)
        done = loud(well, "-e", f"revoke={fingerprint(token)}", "--check", playbook=PLAYBOOK)
        assert done.status == 0, done
        (row,) = results(done)
        assert (row["outcome"], row["installation"], row["stages"]) == (
            "would_revoke",
            "gobot/ibmcloud",
            ["current bot"],
        )
        assert [each["life"] for each in row["others"]] == ["alive"] and row["channels"] and row["services"]
        assert [call["args"].get("test") for call in calls(well)] == ["1"]
        assert world(well) == before and state(well, token) == "live" and not done.reports

    def test_a_leaked_token_that_is_current(self, well: Sandbox, tmp_path: Path) -> None:
        each = "gobot/ibmcloud"
        token, user, issued = well.current(each), well.current(each, "user"), well.slack.installation(each)
        file = tmp_path / "token"
        file.write_text(token + "\n", encoding="utf-8")
        vault, others = well.bao.snapshot(), {one["value"]: one["state"] for one in well.slack.tokens()}
        done = loud(well, "-e", f"token_file={file}", playbook=PLAYBOOK)
        assert done.status == 0 and done.changed["localhost"] == 1, done
        assert (state(well, token), state(well, user)) == ("revoked", "revoked")
        others = {value: one for value, one in others.items() if value not in (token, user)}
        assert all(state(well, value) == one for value, one in others.items()), "nobody else's token ends"
        assert issued["bot_user_id"] not in well.slack.members("C0CLOUDOSS1")
        (row,) = results(done)
        assert (row["outcome"], row["life_before"]) == ("revoked", "alive")
        assert [(one["what"], one["life"]) for one in row["others"]] == [("current user", "dead")]
        assert "C0CLOUDOSS1" in [one["id"] for one in row["channels"]]
        assert any(one.startswith("gobot-consumer on ") for one in row["services"])
        assert without_locks(well.bao.snapshot()) == without_locks(vault), "nothing is written to Vault"
        report = json.loads(done.reports[0].read_text(encoding="utf-8"))
        assert report["schema"] == "botops.revocation/1" and report["tokens"][0]["seconds"] == row["seconds"]
        assert f"{row['seconds']:.1f} s after the start" in done.end
        for words in ("every token of the app", "stage_token -e bot=gobot -e workspace=ibmcloud", "gobot-consumer on "):
            assert words in done.end, done

    def test_once_more_changes_nothing(self, well: Sandbox) -> None:
        token, before = well.current("gobot/ibmcloud"), len(calls(well))
        done = revoke(well, "-e", "token_file=-", stdin=token)
        assert done.status == 0 and done.changed["localhost"] == 0, done
        assert results(done)[0]["outcome"] == "dead_already" and len(calls(well)) == before and not done.reports

    def test_the_pipeline_is_entered_where_a_new_token_waits(self, well: Sandbox) -> None:
        """Revoked and installed again by hand, and staged: the same command brings it to the services."""
        each = "gobot/ibmcloud"
        old = well.current(each)
        new = well.slack.install(each)["bot_token"]
        for channel in ("C0CLOUDOSS1",):
            well.slack.invite(each, channel)
        well.stage(each, new)
        done = loud(well, "-e", "token_file=-", stdin=old, playbook=PLAYBOOK)
        assert done.status == 0, done
        assert results(done)[0]["outcome"] == "dead_already"
        assert done.outcomes == {each: "rotated"} and well.current(each) == new
        assert carried(well, "gobot-consumer") == due(well, "gobot-consumer")
        assert "leaked tokens:" in done.end and "gobot: rotated 1 of 1" in done.end

    def test_a_hidden_prompt(self, well: Sandbox) -> None:
        token = well.current("ciebot/cim")
        status, screen = at_terminal(well, token, PLAYBOOK)
        assert status == 0, screen
        assert state(well, token) == "revoked"
        assert not leaks(screen, [token]), "what is typed is not shown"

    def test_an_alert_of_github_on_standard_input(self, well: Sandbox) -> None:
        token = well.current("ciebot/ibmcloud")
        done = loud(well, "-e", "alert_file=-", stdin=alert(token), playbook=PLAYBOOK)
        assert done.status == 0 and state(well, token) == "revoked", done
        (row,) = results(done)
        assert (row["source"], row["installation"]) == ("GitHub secret scanning alert 42", "ciebot/ibmcloud")
        hidden = revoke(well, "-e", "alert_file=-", stdin=alert(None))
        assert hidden.status != 0 and "gh api repos/octo-org/hello/secret-scanning/alerts/42" in hidden.text, hidden

    def test_an_incident_of_gitguardian_which_has_only_a_hash(self, well: Sandbox, tmp_path: Path) -> None:
        token = well.current("ciebot/watsondataplatform")
        file = tmp_path / "incident.json"
        incident = {"id": 31542, "gitguardian_url": "https://dashboard.gitguardian.com/workspace/1/incidents/31542"}
        file.write_text(json.dumps({"incident": {**incident, "hmsl_hash": _alerts.hmsl(token)}}), encoding="utf-8")
        done = loud(well, "-e", f"alert_file={file}", playbook=PLAYBOOK)
        assert done.status == 0 and state(well, token) == "revoked", done
        file.write_text(
            json.dumps({"incident": {**incident, "hmsl_hash": _alerts.hmsl(tokens.bot())}}), encoding="utf-8"
        )
        other = revoke(well, "-e", f"alert_file={file}")
        assert other.status != 0 and results(other)[0]["outcome"] == "not_found" and "incidents/31542" in other.text, (
            other
        )

    def test_a_token_of_no_row_is_revoked_only_when_asked(self, well: Sandbox) -> None:
        well.slack.call("add_app", id="A0STRANGER1", name="stranger", bot_scopes=["chat:write"])
        token = well.slack.install("stranger/ibmcloud")["bot_token"]
        refused = loud(well, "-e", "token_file=-", stdin=token, playbook=PLAYBOOK)
        assert refused.status != 0 and "-e unknown=true" in refused.text, refused
        assert results(refused)[0]["outcome"] == "not_ours" and state(well, token) == "live"
        assert "IBM Cloud Platform" in refused.text, "it is said whose it is"
        done = loud(well, "-e", "token_file=-", "-e", "unknown=true", stdin=token, playbook=PLAYBOOK)
        assert done.status == 0 and state(well, token) == "revoked", done

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_an_answer_that_is_cut(self, well: Sandbox, when: str) -> None:
        """It is sent again only where Slack still accepts the token."""
        each = f"ciebotwdp/{'ibmcloud' if when == 'before' else 'cim'}"
        token, made = well.current(each), len(calls(well))
        well.slack.fault("cut", method="auth.revoke", when=when, times=1)
        try:
            done = revoke(well, "-e", "token_file=-", stdin=token)
        finally:
            well.slack.clear_faults()
        assert done.status == 0 and state(well, token) == "revoked", done
        assert results(done)[0]["outcome"] == "revoked" and results(done)[0]["seconds"] is not None
        assert len(calls(well)) - made == (2 if when == "before" else 1)

    def test_a_locked_installation_is_not_waited_for(self, well: Sandbox) -> None:
        each = "cietest/ibmcloud"
        token, path = well.current(each), well.path(each) + "_lock"
        owner = {"login": "anna", "host": "controller-2", "pid": 4711}
        held = {"acquired": "2026-11-23T02:00:00Z", "expires": "2099-11-23T02:15:00Z"}
        lock = {"schema": 1, "nonce": "n", "owner": owner, **held}
        well.bao.put(path, lock)
        done = revoke(well, "-e", f"revoke={fingerprint(token)}")
        assert done.status == 0 and state(well, token) == "revoked", done
        assert well.bao.get(path) == lock and "is being worked on by anna on controller-2" in done.end, done

    def test_vault_is_down(self, well: Sandbox) -> None:
        """Slack says whose it is, and the registry has its app: the token is dead before Vault is given up."""
        token = well.current("gobot/compose")
        done = revoke(well, "-e", "token_file=-", "-e", "botops_vault_url=http://127.0.0.1:1", stdin=token)
        assert done.status == 0 and state(well, token) == "revoked", done
        (row,) = results(done)
        assert (row["outcome"], row["installation"], row["stages"]) == ("revoked", "gobot/compose", [])
        assert row["seconds"] < 5 and "Vault was not read" in done.end

    def test_what_auth_revoke_does_not_take(self, well: Sandbox) -> None:
        made = len(calls(well))
        for value in (tokens.webhook(), tokens.session(), "no token"):
            done = revoke(well, "-e", "token_file=-", "-e", "unknown=true", stdin=value)
            assert done.status != 0 and "rotation_guide" in done.text, done
            assert not leaks(done.stdout + done.stderr + str(done.results), [value])
        assert len(calls(well)) == made

    def test_a_token_that_is_given_by_mistake_with_e(self, well: Sandbox) -> None:
        mistaken = tokens.bot()
        for given in (f"token_file={mistaken}", f"revoke={mistaken}", f"alert_file={mistaken}"):
            done = loud(well, "-e", given, playbook=PLAYBOOK)
            assert done.status != 0 and not leaks(done.stdout + done.stderr + str(done.results), [mistaken]), done

    def test_slack_goes_on_accepting_it(self, well: Sandbox) -> None:
        token = reinstalled(well, "ciedev1/ibmcloud")
        well.slack.fault("error", method="auth.revoke", error="not_bearer_token")
        try:
            done = revoke(well, "-e", "token_file=-", stdin=token)
        finally:
            well.slack.clear_faults()
        assert done.status != 0 and results(done)[0]["outcome"] == "refused" and "by hand" in done.text, done


def both_alive(sandbox: Sandbox, each: str) -> tuple[str, str]:
    """An old token that is current, and a new one that is staged, both accepted by Slack."""
    old, new = sandbox.current(each), reinstalled(sandbox, each)
    sandbox.slack.set_token_state(old, "live")
    sandbox.stage(each, new)
    return old, new


@pytest.mark.xdist_group("revoke-old")
class TestRevokeOld:
    """At the end of a rotation, an old token that the operator names."""

    def test_one_of_the_rotation_mode_ends_alone(self, well: Sandbox) -> None:
        each = "ciedev1/ibmcloud"
        well.slack.configure("ciedev1", rotation=True)
        well.bao.put(well.path(each), {"value": reinstalled(well, each)})
        old, new = both_alive(well, each)
        named = ("-e", "bot=ciedev1", "-e", f"revoke_old={fingerprint(old)}")
        checked = run(well, *named, "--check")
        assert checked.status == 0 and checked.outcomes == {each: "rotated"}, checked
        assert state(well, old) == "live" and not calls(well)
        done = loud(well, *named)
        assert done.status == 0 and done.outcomes == {each: "rotated"}, done
        assert (state(well, old), state(well, new)) == ("revoked", "live")
        assert "revoked by this run" in done.row(each)["tokens"]["bot"]["proofs"]["old_refused"]["evidence"], done
        assert len(calls(well)) == 1

    def test_a_new_one_that_ends_with_it_is_the_loudest_failure(self, well: Sandbox) -> None:
        """Of a static app every token ends: what the operator was warned of."""
        each = "cietest1/ibmcloud"
        old, new = both_alive(well, each)
        done = run(well, "-e", "bot=cietest1", "-e", f"revoke_old={fingerprint(old)}")
        assert done.status != 0 and done.outcomes == {each: "failed"}, done
        assert (state(well, old), state(well, new)) == ("revoked", "revoked")
        assert f"THE NEW BOT TOKEN {fingerprint(new)}" in done.end and "is to be revoked, and is static" in done.end, (
            done
        )

    def test_a_user_token_beside_a_bot_token_is_refused_before_anything(self, well: Sandbox) -> None:
        each = "ciebot/ibmcloud"
        old = well.current(each, "user")
        reinstalled(well, each)
        issued = well.slack.installation(each)
        well.bao.put(well.path(each), {"value": issued["bot_token"]})
        well.slack.set_token_state(old, "live")
        well.stage(each, issued["user_token"], "user")
        before = without_locks(well.bao.snapshot())
        named = ("-e", f"revoke_old={fingerprint(old)}", "-e", f"accept_identity={fingerprint(issued['user_token'])}")
        done = run(well, "-e", "bot=ciebot", "-e", "workspace=ibmcloud", *named)
        assert done.status != 0 and done.outcomes == {each: "refused"}, done
        assert "must not be revoked" in done.end and state(well, old) == "live", done
        assert without_locks(well.bao.snapshot()) == before
