# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit says of tokens and services, and which of it needs somebody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _audit, _audit_findings, _audit_table, _hosts
from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError, RotationError, VaultDenied
from ansible_collections.botops.rotation.plugins.module_utils._liveness import refused
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, Slot, State, Stored

from tests.unit._audited import ASKED, ENV_FILE, ago, audit, found, kinds, known, registry, says
from tests.unit._core import alive, fp, stored, token

BOT, SERVICE = "gobot/ibmcloud/bot", "host-1/consumer/TOKEN"
HISTORY = (
    {"rotation_id": "r", "at": "2026-01-01T00:00:00Z", "outcome": "rotated", "tokens": {"bot": {"old": fp("old")}}},
)
PAST = Record(current={"bot": known("gobot", 10)}, history=HISTORY)


def row(made: dict[str, Any], subject: str = BOT) -> dict[str, Any]:
    return next(each for each in made["tokens"] if f"{each['installation']}/{each['token']}" == subject)


def test_nothing_is_found_where_all_is_well() -> None:
    where = registry()
    made = audit(where, found(where, record=PAST), found(where, "ciebot"), answer=says(fp("gobot"), fp("gobot")))
    assert kinds(made) == []
    assert [each["subject"] for each in made["findings"]] == ["ciebot/ibmcloud/bot", "gobot/ibmcloud/user"]
    assert _audit.failure(made) == "" and made["summary"]["failing"] == 0
    assert made["summary"] == {**made["summary"], "tokens": 3, "alive": 3, "services": 1, "hosts": 1, "drift": 0}
    (service,) = made["services"]
    assert (service["stands"], service["runs"], service["drift"]) == ("current", "current", False)


AGES = {
    "of the record": (Record(current={"bot": known("gobot", 100)}), "", 100, "record", "ok", 265),
    "due soon": (Record(current={"bot": known("gobot", 340)}), "", 340, "record", "soon", 25),
    "of its last day": (Record(current={"bot": known("gobot", 365)}), "", 365, "record", "soon", 0),
    "overdue": (Record(current={"bot": known("gobot", 400)}), "", 400, "record", "overdue", -35),
    "overwritten by hand": (Record(current={"bot": known("another", 400)}), "", None, "unknown", "unknown", None),
    "of the version": (Record(), ago(50)[:-1] + ".123456789Z", 50, "kv metadata", "ok", 314),
    "unknown": (Record(), "", None, "unknown", "unknown", None),
}


@pytest.mark.parametrize("case", AGES)
def test_ages(case: str) -> None:
    record, created, days, source, due, left = AGES[case]
    where = registry()
    shown = row(audit(where, found(where, record=record, created=created)))
    told = (shown["age_days"], shown["age_from"], shown["due"], shown["due_in_days"])
    assert told[:3] == (days, source, due) and (
        told[3] == left or (case == "of the version" and told[3] in (313, 314, 315))
    )


def test_a_token_that_nothing_needs_is_named_once() -> None:
    where = registry()
    made = audit(where, probes={fp("gobot", "p"): refused("token_revoked")})
    (finding,) = [each for each in made["findings"] if each["subject"].endswith("/user")]
    assert finding["kind"] == "unneeded" and "Do not revoke it" in finding["next"] and not finding["fails"]
    assert row(made, "gobot/ibmcloud/user")["alive"] == "dead"


NEEDED: dict[str, dict[str, Any]] = {
    "a service": {"service": {"env": {"TOKEN": {"bot": "gobot", "workspace": "ibmcloud", "token": "user"}}}},
    "its scopes": {"user_scopes": ["chat:write"]},
}


@pytest.mark.parametrize("case", NEEDED)
def test_a_user_token_is_needed_where_something_says_so(case: str) -> None:
    where = registry(**NEEDED[case])
    made = audit(where, probes={fp("gobot", "p"): refused("token_revoked")})
    assert row(made, "gobot/ibmcloud/user")["needed"] and "dead" in kinds(made, "gobot/ibmcloud/user")


def test_findings_of_tokens() -> None:
    where = registry(required_scopes=["chat:write", "team:read"])
    waits = {"bot": Slot(pending=stored("new", at=ago(3)))}
    cases: dict[str, tuple[Any, Any, list[str]]] = {
        "dead": (PAST, refused("account_inactive"), ["dead"]),
        "not proven to be dead": (PAST, refused("invalid_auth"), ["unproven"]),
        "of another team": (PAST, alive(team_id="T0999"), ["identity"]),
        "of another user": (PAST, alive(user_id="U0OTHER"), ["identity"]),
        "overdue": (Record(current={"bot": known("gobot", 400)}), alive(("chat:write", "team:read")), ["overdue"]),
        "waiting": (Record(state=State.STAGED, tokens=waits), alive(("chat:write", "team:read")), ["pending"]),
        "half done": (
            Record(rotation_id="20261120T020000Z-gobot-7f3a", state=State.PROMOTING, tokens=waits),
            alive(("chat:write", "team:read")),
            ["half_done"],
        ),
    }
    for name, (record, probe, expected) in cases.items():
        made = audit(where, found(where, record=record), probes={fp("gobot"): probe})
        assert kinds(made, BOT) == expected, name
        for each in made["findings"]:
            assert each["what"] and each["next"] and each["fails"] is (each["kind"] in ASKED.fail_on), name
    assert row(made)["rotation"] == {
        "state": "promoting",
        "rotation_id": "20261120T020000Z-gobot-7f3a",
        "since": "2026-11-20T02:00:00Z",
        "hours": 72.0,
    }
    assert row(made)["scopes_excess"] == [] and row(made)["pending"]["days"] == 3


def test_a_rotation_that_a_run_is_at_is_no_finding_and_its_services_drift_meanwhile() -> None:
    where = registry()
    record = Record(state=State.PROMOTED, tokens={"bot": Slot(previous=stored("old"))}, current=PAST.current)
    here = found(where, record=record, locked_by="ops on controller-1")
    made = audit(where, here, answer=says(fp("old"), fp("old")))
    assert kinds(made) == [] and made["services"][0]["drift"]
    here.locked_by = ""
    assert kinds(audit(where, here, answer=says(fp("old"), fp("old")))) == ["drift", "half_done", "old_alive"]


def rotated(old: str = "old", **more: Any) -> Record:
    """A rotation that has ended, and whose record still has the old token."""
    return Record(
        **{"state": State.ROTATED, "tokens": {"bot": Slot(previous=stored(old))}, "current": PAST.current, **more}
    )


def test_an_old_token_that_lives_is_named() -> None:
    where = registry()
    made = audit(where, found(where, record=rotated()))
    (finding,) = [each for each in made["findings"] if each["kind"] == "old_alive"]
    assert finding["subject"] == BOT and fp("old") in finding["what"] and not finding["fails"]
    assert f"revoke_bot -e revoke={fp('old')} --check" in finding["next"] and finding["owners"] == ["U0OWNER"]
    assert row(made)["previous"] == {"fingerprint": fp("old"), "alive": "alive", "alive_evidence": "Slack accepted it"}
    half = audit(where, found(where, record=rotated(state=State.PROMOTED)))
    assert kinds(half, BOT) == ["half_done", "old_alive"] and "run rotate_bot" in half["findings"][1]["next"]
    assert _audit_findings.fail_on("old_alive") == ("old_alive",)


QUIET: dict[str, tuple[Record, dict[str, Any], Any]] = {
    "dead": (rotated(), {}, refused("token_revoked")),
    "not proven": (rotated(), {}, refused("invalid_auth")),
    "a run is at it": (rotated(state=State.PROMOTED), {"locked_by": "ops on controller-1"}, alive()),
    "it is current again": (rotated("gobot"), {}, alive()),
    "of Slack's rotation mode": (Record(tokens={"bot": Slot(previous=Stored("xoxe." + token("old")))}), {}, alive()),
}


@pytest.mark.parametrize("case", QUIET)
def test_an_old_token_that_ends_or_ended_is_none(case: str) -> None:
    record, more, said = QUIET[case]
    where = registry()
    here = found(where, record=record, **more)
    old = record.slot("bot").previous
    made = audit(where, here, probes={old.fingerprint: said} if old.fingerprint != fp("gobot") else {})
    assert "old_alive" not in kinds(made)
    assert (here.replaced("bot") is not None) is (case in ("dead", "not proven"))


def test_what_cannot_be_read_is_a_finding_and_hides_nothing_else() -> None:
    where = registry()
    broken = found(where, errors={"bot": VaultDenied("Vault: could not read it", "ask")})
    del broken.current["bot"]
    made = audit(where, broken, answer=says(fp("x"), fp("x")))
    assert kinds(made, BOT) == ["unproven"] and row(made)["in_vault"] == "unknown"
    assert not made["services"][0]["drift"] and "could not be read" in made["services"][0]["evidence"]
    gone = found(where)
    del gone.current["bot"]
    assert kinds(audit(where, gone), BOT) == ["dead"]


# What the service has in its file and in its process -> (stands, runs, drift).
OLD, NEW, OTHER, UNKNOWN, OWN = fp("old"), fp("new"), fp("ciebot"), fp("nobody's"), fp("gobot")
SERVICES: dict[str, tuple[dict[str, Any], tuple[str, str, bool]]] = {
    "both": (says(OWN, OWN), ("current", "current", False)),
    "old in the file": (says(OLD, OWN), ("previous", "current", True)),
    "old in the process": (says(OWN, OLD), ("current", "previous", True)),
    "old in one of two": (says(OWN, OWN, OLD), ("current", "previous", True)),
    "unknown in one of two": (says(OWN, UNKNOWN, OLD), ("current", "unknown", True)),
    "pending": (says(NEW, NEW), ("pending", "pending", True)),
    "of another bot": (says(OTHER, OTHER), ("other installation", "other installation", True)),
    "the user token": (says(fp("gobot", "p"), OWN), ("other installation", "current", True)),
    "unknown": (says(UNKNOWN, UNKNOWN), ("unknown", "unknown", True)),
    "no value": (says(None, OWN, problem="line 3 looks as if it sets it"), ("missing", "current", True)),
    "no file": (says(None, OWN, error="reading it: it does not exist", missing=True), ("missing", "current", True)),
    "closed file": (says(None, OWN, error="reading it: permission denied"), ("unreadable", "current", False)),
    "stopped": (says(OWN, active=False), ("current", "not running", False)),
    "its own proof": (says(OWN, same="yes", evidence="its page"), ("current", "current", False)),
    "its own proof, old": (says(OLD, same="yes", evidence="its page"), ("previous", "previous", True)),
    "its own proof of another": (says(OWN, same="no", evidence="its page"), ("current", "unknown", True)),
    "closed process": (says(OWN, evidence="not readable"), ("current", "unreadable", False)),
}


@pytest.mark.parametrize("case", SERVICES)
def test_services(case: str) -> None:
    answer, expected = SERVICES[case]
    where = registry()
    record = Record(state=State.STAGED, tokens={"bot": Slot(pending=stored("new"))}, history=HISTORY)
    made = audit(where, found(where, record=record), found(where, "ciebot"), answer=answer)
    (service,) = made["services"]
    assert (service["stands"], service["runs"], service["drift"]) == expected
    assert service["current"] == OWN and service["previous"] == OLD and service["evidence"]
    found_kinds = kinds(made, SERVICE)
    assert found_kinds == (["drift"] if expected[2] else ["unproven"] if "unreadable" in expected else [])
    if expected[2]:
        finding = next(each for each in made["findings"] if each["kind"] == "drift")
        assert "rotate_bot -e bot=gobot -e workspace=ibmcloud" in finding["next"]
        assert finding["owners"] == ["U0OWNER"] and finding["workspace"] == "ibmcloud"


def test_tokens_that_no_row_explains() -> None:
    strays = [
        {"variable": "TOKEN", "line": 3, "fingerprint": OWN, "kind": "bot token"},
        {"variable": "TOKEN", "line": 2, "fingerprint": OLD, "kind": "bot token"},
        {"variable": "EXTRA", "line": 4, "fingerprint": OTHER, "kind": "bot token"},
        {"variable": "", "line": 5, "fingerprint": UNKNOWN, "kind": "app-level token"},
    ]
    where = registry()
    here = found(where, record=PAST)
    made = audit(where, here, found(where, "ciebot"), answer=says(OWN, OWN, tokens=strays))
    assert [(each["variable"], each["fingerprint"]) for each in made["unexplained"]] == [
        ("TOKEN (line 2, which does not count)", OLD),
        ("EXTRA", OTHER),
        ("line 5", UNKNOWN),
    ]
    assert made["unexplained"][1]["whose"] == "the current token of ciebot/ibmcloud/bot"
    assert kinds(made, "host-1:") == ["unexplained"] * 3 and not made["services"][0]["drift"]


HOSTS = {
    "not asked": (None, "left out"),
    "unreachable": ({"unreachable": True, "msg": "no route"}, "no route"),
    "failed": ({"failed": True, "msg": "Python is too old", "services": []}, "Python is too old"),
}


@pytest.mark.parametrize("case", HOSTS)
def test_a_host_that_does_not_answer_is_one_finding(case: str) -> None:
    answer, words = HOSTS[case]
    made = audit(registry(), answer=answer)
    (finding,) = [each for each in made["findings"] if each["kind"] == "unreachable"]
    assert finding["subject"] == "host-1" and words in finding["what"] and not finding["fails"]
    assert kinds(made) == ["unreachable"] and made["services"][0]["stands"] == "unreadable"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, _audit_findings.DEFAULT),
        ("drift, dead", ("dead", "drift")),
        (["overdue"], ("overdue",)),
        ("all", tuple(_audit_findings.KINDS)),
        ("none", ()),
    ],
)
def test_what_ends_a_run(given: Any, expected: tuple[str, ...]) -> None:
    assert _audit_findings.fail_on(given) == expected


@pytest.mark.parametrize("given", ["deat", "", "none,dead", [], 3, token("pasted")])
def test_an_unknown_word_is_refused(given: Any) -> None:
    with pytest.raises(RotationError) as refusal:
        _audit_findings.fail_on(given)
    assert "dead" in refusal.value.next_step and token("pasted") not in str(refusal.value)
    assert given != "deat" or "did you mean dead?" in refusal.value.next_step


def test_what_it_ends_with_on_the_terminal() -> None:
    where = registry()
    made = audit(where, answer=says(OWN, OLD), probes={fp("ciebot"): refused("account_inactive")})
    shown = _audit_table.table(made, "reports/x.html")
    lines = shown.splitlines()
    assert lines[0].startswith("audit: 3 tokens: 2 alive, 1 dead; 0 overdue") and "1 with drift" in lines[0]
    assert any(line.startswith("gobot/ibmcloud ") and "0/1" in line for line in lines)
    assert any(line.startswith("ciebot/ibmcloud/bot: dead: ") for line in lines)
    assert lines[-1] == "report reports/x.html"
    assert _audit.failure(made) == "dead 1, drift 1; next: see the table below"


def test_hosts_are_asked_for_what_they_have_and_not_told_what_is_due() -> None:
    entry = {
        "name": "consumer",
        "manager": "systemd",
        "unit": "consumer.service",
        "env_file": ENV_FILE,
        "env": {
            "TOKEN": {"bot": "gobot", "workspace": "ibmcloud"},
            "OTHER": {"bot": "ciebot", "workspace": "ibmcloud"},
        },
    }
    (service,) = _hosts.asked([entry], "botops_services", ["gobot/ibmcloud"])
    assert service["variables"] == {"TOKEN": {"key": BOT, "new": ""}} and service["env_file"] == ENV_FILE
    assert None not in service.values() and service["env_format"] == "systemd"
    assert _hosts.asked([entry], "botops_services", ["gobot/compose"]) == []
    with pytest.raises(RegistryError, match="botops_services"):
        _hosts.asked([{**entry, "manager": "systems"}], "botops_services", ["gobot/ibmcloud"])
