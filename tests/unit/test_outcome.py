# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts said to what each installation ended with: the failure rules, one run at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _batches,
    _conclude,
    _hosts,
    _outcome,
    _proofs,
    _told,
)
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Probe
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record, Slot, State
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit._core import IDENTITY, World, alive, assert_no_token, dead, fp, registry, service, stored, token

IBM, COMPOSE = "gobot/ibmcloud", "gobot/compose"
KEYS = {IBM: f"{IBM}/bot", COMPOSE: f"{COMPOSE}/bot"}
UNREACHABLE = {"unreachable": True, "msg": "Failed to connect to the host via ssh"}
Result = dict[str, Any]


def entry(name: str, **more: Any) -> Result:
    """What the host agent says of a service; by default it waits for its new token, and is well."""
    health = {"ok": True, "evidence": "200 from http://127.0.0.1:8080/healthz"}
    said = {
        "name": name,
        "variables": {},
        "needs": "write",
        "changed": False,
        "restarted": False,
        "restored": False,
        "health_before": health,
        "health_after": None,
        "in_use": "no",
        "in_use_evidence": "the process has another token",
        "seconds_unavailable": None,
        "down_before": False,
        "error": None,
        "warnings": [],
    }
    return {**said, **more}


def carried(name: str, **more: Any) -> Result:
    """The same after its new token was put in place."""
    health = {"ok": True, "evidence": "200"}
    done = {"changed": True, "restarted": True, "health_after": health, "in_use": "yes", "seconds_unavailable": 0.8}
    return entry(name, **{"needs": "nothing", "in_use_evidence": "its process has it", **done, **more})


def broken(name: str) -> Result:
    return carried(name, in_use="no", error=f"{name} is not healthy after 30 s: 503", health_after={"ok": False})


@dataclass
class Run:
    """A run of two installations and the services `a` (ibmcloud) on h1 and `b` (compose) on h2, unless said otherwise."""

    services: list = field(default_factory=lambda: [service("a", KEYS[IBM]), service("b", KEYS[COMPOSE], host="h2")])
    old: Probe = field(default_factory=dead)
    records: dict[str, Record] = field(default_factory=dict)
    current: dict[str, tuple[str, Probe]] = field(default_factory=dict)
    preflight: dict[str, Result] | None = None
    rollout: dict[str, Result] | None = None
    restore: dict[str, Result] = field(default_factory=dict)
    vault_refuses: bool = False
    skip_unreachable: bool = False
    serial: Any = None
    soak: float | None = None
    stop: dict[str, str] | None = None
    check: bool = False
    last: dict[str, dict[str, Any]] = field(default_factory=dict)

    def make_plan(self) -> dict[str, Any]:
        known = registry(*self.services)
        world = World(known)
        for name in (IBM, COMPOSE):
            team = {"team_id": "T0456"} if name == COMPOSE else {}
            if name in self.current:
                value, probe = self.current[name]
                world.holds(name, value, probe)
                world.records[name] = self.records.get(name, Record())
            else:
                old = alive(**team) if self.old.alive else self.old
                world.holds(name, token(f"old {name}"), old).stages(name, token(f"new {name}"), alive(**team))
        rows = [world.row(name) for name in (IBM, COMPOSE)]
        return {
            "installations": rows,
            "hosts": _hosts.plan(known, rows, {}),
            "rollout": _batches.rollout(self.serial, None, self.soak),
        }

    def fill(self, host: str, said: Result) -> Result:
        """The answer with what its files and processes had before."""
        planned = {each["name"]: each["variables"] for each in self.plan["hosts"].get(host, [])}
        services = []
        for each in said.get("services", []):
            there = each["needs"] == "nothing" and not each["changed"]
            had = {name: v["new" if there else "old"] for name, v in planned.get(each["name"], {}).items()}
            shown = {name: {"file_before": value, "process_before": [value]} for name, value in had.items()}
            services.append({**each, "variables": shown})
        return {**said, "services": services} if services else said

    def go(self) -> dict[str, Any]:
        """The rows by installation id, and what was decided on the way."""
        self.plan = plan = self.make_plan()
        names = {host: [each["name"] for each in planned] for host, planned in plan["hosts"].items()}
        default = {host: {"services": [entry(name) for name in some]} for host, some in names.items()}
        preflight = {host: self.fill(host, said) for host, said in {**default, **(self.preflight or {})}.items()}
        self.prepared = _outcome.prepare(plan, preflight, self.skip_unreachable)
        stop = self.stop or self.prepared["stop"]
        rollout = {
            host: {"services": [carried(name) for name in names[host]]}
            for host in self.prepared["hosts"]
            if not stop and not self.check
        }
        rollout = {host: self.fill(host, said) for host, said in {**rollout, **(self.rollout or {})}.items()}
        self.judged = _outcome.judge(plan, self.prepared, preflight, rollout, stop)
        ok = {"outcome": "rotated", "reason": "", "next_step": "", "old_refused": {"bot": _proofs.proof(True, "gone")}}
        retired = {"results": {name: {**ok, **self.last.get(name, {})} for name in self.judged["proven"]}}
        restored = {"msg": "Vault is sealed"} if self.vault_refuses else {"results": dict.fromkeys(self.judged["back"])}
        self.rows = self.conclude(retired=retired, restored=restored, stop=stop)
        self.told = _told.at_end(self.rows, self.judged["services"])
        assert_no_token([self.rows, self.judged, self.prepared, self.told])
        for row in self.rows:
            well = row["outcome"] in ("rotated", "already", "converged")
            assert well or row["reason"] and row["next_step"] or "preflight" in row["reason"], row
        return {row["id"]: row["outcome"] for row in self.rows}

    def conclude(self, **what: Any) -> list[dict[str, Any]]:
        given = {"promoted": {}, "retired": {}, "restored": {}, "stop": None, "judged": self.judged, **what}
        return _conclude.conclude(
            plan=self.plan,
            prepared=self.prepared,
            restore={**{host: {"failed": False} for host in given["judged"]["restore"]}, **self.restore},
            check=self.check,
            **given,
        )

    def row(self, name: str = IBM) -> dict[str, Any]:
        return next(row for row in self.rows if row["id"] == name)


def test_all_is_well() -> None:
    run = Run()
    assert run.go() == {IBM: "rotated", COMPOSE: "rotated"}
    assert run.prepared["work"] and run.prepared["hosts"] == ["h1", "h2"] and run.prepared["locks"] == [COMPOSE, IBM]
    assert run.judged["back"] == [] and run.judged["proven"] == [IBM, COMPOSE]
    assert run.row()["proofs"]["in_use"] == {"result": True, "evidence": "1/1"}
    assert run.row()["proofs"]["old_refused"]["evidence"] == "gone"
    done, details = run.told["done"]
    assert (
        [row["id"] for row in done] == [IBM, COMPOSE]
        and details[IBM]["seconds"] == "0.8 s"
        and details[IBM]["measured"] == 0.8
    )
    assert run.told["failed"][0] == []


def test_a_row_that_no_service_uses() -> None:
    run = Run(services=[])
    assert run.go() == {IBM: "rotated", COMPOSE: "rotated"}
    assert run.row()["proofs"]["in_use"] == {"result": True, "evidence": "no service uses it"}


def test_an_old_token_that_is_still_accepted() -> None:
    said = {"outcome": "old_alive", "reason": "still accepted", "next_step": "revoke it"}
    run = Run(last={IBM: {**said, "old_refused": {"bot": _proofs.proof(False, "Slack still accepts it")}}})
    assert run.go() == {IBM: "old_alive", COMPOSE: "rotated"}
    assert run.row()["proofs"]["old_refused"]["result"] is False


def test_a_host_unreachable_before_promotion_stops_all() -> None:
    run = Run(preflight={"h1": UNREACHABLE})
    assert run.go() == {IBM: "refused", COMPOSE: "refused"}
    assert not run.prepared["work"] and run.prepared["hosts"] == []
    assert "preflight of h1: Failed to connect" in run.row()["reason"] and "skip_unreachable" in run.row()["next_step"]


def test_going_on_without_an_unreachable_host_is_partial() -> None:
    run = Run(preflight={"h1": UNREACHABLE}, skip_unreachable=True)
    assert run.go() == {IBM: "partial", COMPOSE: "rotated"}
    assert run.prepared["hosts"] == ["h2"] and "h1 (unreachable)" in run.row()["reason"]
    assert run.row()["proofs"]["in_use"]["result"] is False
    assert run.told["failed"][1][IBM]["fate"] == "Still to come: a."


def test_a_host_that_was_limited_away_is_partial() -> None:
    run = Run(preflight={"h1": {}})
    assert run.go() == {IBM: "partial", COMPOSE: "rotated"}
    assert "h1 (limited away)" in run.row()["reason"] and IBM not in run.judged["proven"]
    assert run.row()["missing"] == {"h1": "limited away"} and run.row(COMPOSE)["missing"] == {}


def test_a_limit_that_leaves_out_every_host_is_refused() -> None:
    run = Run(preflight={"h1": {}, "h2": {}})
    assert run.go() == {IBM: "refused", COMPOSE: "refused"}
    assert "every host" in run.row()["reason"] and "(h1, h2)" in run.row()["reason"] and not run.prepared["work"]
    assert Run(services=[], preflight={}).go() == {IBM: "rotated", COMPOSE: "rotated"}


def test_a_preflight_that_failed_stops_before_any_write() -> None:
    failed = {"failed": True, "msg": "a: /etc/a.env does not exist; next: create it"}
    run = Run(preflight={"h1": failed})
    assert run.go() == {IBM: "refused", COMPOSE: "refused"}
    assert "preflight of h1: a: /etc/a.env does not exist" in run.row()["reason"]


def test_a_stop_after_something_was_written_is_a_failure() -> None:
    stop = {"phase": "make the new tokens current in vault", "reason": "Vault is sealed", "next_step": "unseal it"}
    assert Run(stop=stop).go() == {IBM: "refused", COMPOSE: "refused"}
    assert Run(stop={**stop, "written": True}).go() == {IBM: "failed", COMPOSE: "failed"}


def test_nothing_goes_back_when_nothing_was_promoted() -> None:
    """The preflight of a resumed run finds a service on the new token and ill, and another host does not answer."""
    ill = carried("a", changed=False, health_before={"ok": False, "evidence": "503"}, health_after=None)
    run = Run(old=alive(), preflight={"h1": {"services": [ill]}, "h2": UNREACHABLE})
    assert run.go() == {IBM: "refused", COMPOSE: "refused"}
    assert run.judged["back"] == [] and run.judged["restore"] == {} and run.judged["proven"] == []


def rollout_failed(*hosts: str) -> dict[str, Result]:
    names = {"h1": "a", "h2": "b"}
    return {host: {"failed": True, "msg": "failed", "services": [broken(names[host])]} for host in hosts}


def test_a_failed_service_goes_forward_when_the_old_token_is_dead() -> None:
    run = Run(rollout=rollout_failed("h1"))
    assert run.go() == {IBM: "failed", COMPOSE: "rotated"}
    assert (
        run.judged["back"] == []
        and run.judged["restore"] == {}
        and run.prepared["stops"]
        == {
            "h1": False,
            "h2": False,
        }
    )
    assert "a on h1: a is not healthy after 30 s: 503" in run.row()["reason"]
    assert run.told["failed"][1][IBM]["fate"] == "Affected: a."


def test_a_failed_service_goes_back_when_the_old_token_lives() -> None:
    run = Run(old=alive(), rollout=rollout_failed("h1"))
    assert run.go() == {IBM: "rolled_back", COMPOSE: "rotated"}
    assert run.judged["back"] == [IBM] and run.prepared["stops"]["h1"] is True
    back = run.judged["restore"]
    assert list(back) == ["h1"] and back["h1"][0]["variables"]["TOKEN_0"]["new"] == fp(f"old {IBM}")
    assert "failed: a on h1: a is not healthy" in run.row()["reason"] and "still pending" in run.row()["next_step"]
    assert run.row()["proofs"]["in_use"] == {"result": False, "evidence": "rolled back"}
    assert run.told["failed"][1][IBM]["fate"] == "It runs on its old token again."


def test_a_failure_without_an_error_still_says_why() -> None:
    lost = carried("a", in_use="no", in_use_evidence="process 7 has another token")
    run = Run(old=alive(), rollout={"h1": {"services": [lost]}})
    assert run.go()[IBM] == "rolled_back"
    assert "process 7 has another token" in run.row()["reason"]


def test_rows_that_share_a_service_go_back_together() -> None:
    both = service("c", KEYS[IBM], KEYS[COMPOSE], host="h3")
    run = Run(old=alive(), rollout=rollout_failed("h1"))
    run.services.append(both)
    assert run.go() == {IBM: "rolled_back", COMPOSE: "rolled_back"}
    assert set(run.judged["restore"]) == {"h1", "h2", "h3"}
    assert "failed: a service that shares its tokens" in run.row(COMPOSE)["reason"]


def test_hosts_that_were_not_tried_are_not_sent_back() -> None:
    run = Run(services=[service("a", KEYS[IBM]), service("a", KEYS[IBM], host="h2")], old=alive())
    run.rollout = {**rollout_failed("h1"), "h2": {}}
    assert run.go()[IBM] == "rolled_back" and set(run.judged["restore"]) == {"h1"}


def test_a_host_with_a_rendered_file_goes_back_though_it_was_not_tried() -> None:
    """Its agent may have rendered the new token by itself, as soon as that was current."""
    rendered = service("b", KEYS[IBM], host="h2", rendered_by={"timeout": 60})
    run = Run(services=[service("a", KEYS[IBM]), rendered, service("c", KEYS[IBM], host="h2")], old=alive())
    run.rollout = {**rollout_failed("h1"), "h2": {}}
    assert run.go()[IBM] == "rolled_back"
    assert {host: [each["name"] for each in back] for host, back in run.judged["restore"].items()} == {
        "h1": ["a"],
        "h2": ["b"],
    }


def test_a_host_lost_during_the_rollout() -> None:
    assert Run(rollout={"h1": UNREACHABLE}).go() == {IBM: "failed", COMPOSE: "rotated"}
    run = Run(old=alive(), rollout={"h1": UNREACHABLE}, restore={"h1": UNREACHABLE})
    assert run.go() == {IBM: "failed", COMPOSE: "rotated"}
    assert "these hosts did not go back: h1" in run.row()["reason"]


def test_a_host_lost_during_the_rollout_is_partial_where_the_run_goes_on_without() -> None:
    run = Run(old=alive(), rollout={"h1": UNREACHABLE}, skip_unreachable=True)
    assert run.go() == {IBM: "partial", COMPOSE: "rotated"}
    assert run.row()["missing"] == {"h1": "unreachable"} and run.judged["back"] == []


# -- batches ----------------------------------------------------------------------------------------------------------


def test_the_hosts_that_need_it_in_batches() -> None:
    run = Run(services=[service("a", KEYS[IBM], host=f"h{number}") for number in range(7)], serial=[1, 4], soak=5)
    run.go()
    assert run.prepared["serial"] == [1, 4, 2] and run.prepared["later"] == ["h1", "h5"]
    assert run.prepared["soak_on"] == ["localhost"]
    assert _outcome.next_batch(run.prepared, "h1") == "batch 2 of 3 (h1, h2, h3, h4) begins"
    assert _outcome.next_batch(run.prepared, "localhost") == "the services are looked at again"
    there = {"h0": {"services": [carried("a", changed=False)]}}
    quiet = Run(services=[service("a", KEYS[IBM], host="h0")], preflight=there, soak=5)
    quiet.go()
    assert quiet.prepared["serial"] == [] and quiet.prepared["later"] == [] and quiet.prepared["soak_on"] == []


@pytest.mark.parametrize(
    ("old", "said", "skip", "ends"),
    [
        (alive(), rollout_failed("h1")["h1"], False, True),
        (alive(), {"services": [carried("a")]}, False, False),
        (alive(), UNREACHABLE, False, True),
        (alive(), UNREACHABLE, True, False),
        (dead(), rollout_failed("h1")["h1"], False, False),
        (dead(), UNREACHABLE, False, False),
    ],
    ids=["failed", "well", "unreachable", "skipped", "failed, dead", "unreachable, dead"],
)
def test_no_further_batch_starts_after_a_failure_that_may_go_back(
    old: Probe, said: Result, skip: bool, ends: bool
) -> None:
    run = Run(old=old, skip_unreachable=skip)
    run.go()
    stop = _outcome.halted(run.prepared, {"h1": said, "h2": {}})
    assert bool(stop) is ends
    assert not stop or (stop["phase"] == "rollout to h1" and stop["reason"])
    assert not stop or not _outcome.stop_before_promotion(stop)


def test_a_rollback_says_what_it_did_not_touch() -> None:
    run = Run(
        services=[service("a", KEYS[IBM]), service("b", KEYS[IBM], host="h2")],
        old=alive(),
        rollout={**rollout_failed("h1"), "h2": {}},
    )
    assert run.go()[IBM] == "rolled_back"
    assert "did not touch h2" in run.row()["reason"] and run.row()["missing"] == {}


def test_vault_that_does_not_go_back_is_a_failure() -> None:
    run = Run(old=alive(), rollout=rollout_failed("h1"), vault_refuses=True)
    assert run.go() == {IBM: "failed", COMPOSE: "rotated"}
    assert "Vault is sealed" in run.row()["reason"] and "goes on from here" in run.row()["next_step"]


def test_a_rollout_that_stopped_leaves_the_others_for_the_next_run() -> None:
    stop = {"phase": "rollout to h1", "reason": "failed", "next_step": ""}
    run = Run(rollout={**rollout_failed("h1"), "h2": {}}, stop=stop)
    assert run.go() == {IBM: "failed", COMPOSE: "partial"}
    assert "h2 (not touched); rollout to h1: failed" in run.row(COMPOSE)["reason"]
    assert run.row(COMPOSE)["missing"] == {"h2": "not touched"} and run.row()["missing"] == {"h1": "failed"}


def test_a_process_that_nobody_can_look_into_is_partial() -> None:
    run = Run(rollout={"h1": {"services": [carried("a", in_use="unknown", in_use_evidence="cannot tell")]}})
    assert run.go() == {IBM: "partial", COMPOSE: "rotated"}
    assert "a on h1" in run.row()["reason"] and "in_use endpoint" in run.row()["next_step"]


def test_ill_health_does_not_count_where_a_bystander_is_dead() -> None:
    run = Run(rollout={"h1": {"services": [carried("a", health_after={"ok": False, "evidence": "503"})]}})
    assert run.go()[IBM] == "failed"
    with_cie = [service("a", KEYS[IBM], "ciebot/ibmcloud/bot"), service("b", KEYS[COMPOSE], host="h2")]

    class Excused(Run):
        def make_plan(self) -> dict[str, Any]:
            plan = super().make_plan()
            rows = plan["installations"]
            return {**plan, "hosts": _hosts.plan(registry(*self.services), rows, {"ciebot/ibmcloud/bot": dead()})}

    run = Excused(services=with_cie, rollout=run.rollout)
    assert run.go()[IBM] == "rotated" and "ciebot/ibmcloud/bot" in run.judged["services"][0]["health_note"]


def test_the_last_proof_that_was_not_made() -> None:
    run = Run()
    run.go()
    rows = run.conclude(retired={"msg": "Slack is silent"})
    assert [row["outcome"] for row in rows] == ["failed", "failed"] and "Slack is silent" in rows[0]["reason"]


# -- nothing to rotate ------------------------------------------------------------------------------------------------

YOUNG = Record("r0", State.ROTATED, current={"bot": Known(fp("now"), "2026-11-20T00:00:00Z", IDENTITY)})
QUIET = {IBM: (token("now"), alive()), COMPOSE: (token("now2"), alive(team_id="T0456"))}
RECORDS = {IBM: YOUNG, COMPOSE: Record("r0", State.ROTATED, current={"bot": Known(fp("now2"), "2026-11-20T00:00:00Z")})}
THERE = {
    "h1": {"services": [carried("a", changed=False, restarted=False, seconds_unavailable=None)]},
    "h2": {"services": [carried("b", changed=False, restarted=False, seconds_unavailable=None)]},
}


ILL = {"services": [{**THERE["h1"]["services"][0], "health_before": {"ok": False}, "health_after": None}]}


def test_a_second_run_is_quiet() -> None:
    run = Run(current=QUIET, records=RECORDS, preflight=THERE)
    assert run.go() == {IBM: "already", COMPOSE: "already"}
    assert not run.prepared["work"] and run.prepared["hosts"] == [] and run.prepared["locks"] == []
    assert not any(some for some, _details in run.told.values())
    assert not any(each["changed"] or each["restarted"] for each in run.judged["services"])


def test_a_host_that_missed_it_is_converged() -> None:
    run = Run(current=QUIET, records=RECORDS, preflight={"h1": THERE["h1"]})
    assert run.go() == {IBM: "already", COMPOSE: "converged"}
    assert run.prepared["hosts"] == ["h2"] and run.prepared["work"] and run.prepared["locks"] == [COMPOSE]


def test_a_failed_convergence_goes_forward() -> None:
    run = Run(current=QUIET, records=RECORDS, preflight={"h1": THERE["h1"]}, rollout=rollout_failed("h2"))
    assert run.go() == {IBM: "already", COMPOSE: "failed"}
    assert run.judged["back"] == [] and run.judged["restore"] == {}


def test_three_of_four_go_on() -> None:
    run = Run(current={COMPOSE: (token("now2"), dead())})
    assert run.go() == {IBM: "rotated", COMPOSE: "nothing_staged"}


# -- the dry run ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"preflight": {"h1": UNREACHABLE}},
        {"preflight": {"h1": UNREACHABLE}, "skip_unreachable": True},
        {"preflight": {"h1": {}}},
        {"current": QUIET, "records": RECORDS, "preflight": THERE},
        {"current": QUIET, "records": RECORDS, "preflight": {"h1": THERE["h1"]}},
        {"current": QUIET, "records": RECORDS, "preflight": {"h1": {}, "h2": THERE["h2"]}},
        {"current": QUIET, "records": RECORDS, "preflight": {"h1": ILL, "h2": THERE["h2"]}},
        {"current": {COMPOSE: (token("now2"), dead())}},
    ],
    ids=["well", "unreachable", "skipped", "limited", "quiet", "converge", "quiet, limited", "quiet, ill", "3 of 4"],
)
def test_the_dry_run_foretells_the_real_one(more: dict[str, Any]) -> None:
    assert Run(**more, check=True).go() == Run(**more).go()


def test_the_dry_run_writes_nothing_and_proves_nothing() -> None:
    run = Run(check=True)
    run.go()
    assert run.judged["back"] == [] and run.judged["proven"] == [] and run.judged["restore"] == {}
    assert {each["status"] for each in run.judged["services"]} == {"absent"}


# -- whatever the hosts say -------------------------------------------------------------------------------------------

SAID = st.sampled_from(["carried", "broken", "unknown", "missing", "unreachable", "failed", "not tried"])


def said(kind: str, name: str) -> Result:
    return {
        "carried": {"services": [carried(name)]},
        "broken": {"failed": True, "msg": "failed", "services": [broken(name)]},
        "unknown": {"services": [carried(name, in_use="unknown")]},
        "missing": {"services": []},
        "unreachable": UNREACHABLE,
        "failed": {"failed": True, "msg": "python3 is not there"},
        "not tried": {},
    }[kind]


@settings(deadline=None)
@given(SAID, SAID, SAID, st.booleans(), st.booleans())
def test_only_what_is_proven_is_called_rotated(one: str, two: str, three: str, live: bool, shared: bool) -> None:
    keys = [KEYS[IBM], KEYS[COMPOSE]] if shared else [KEYS[COMPOSE]]
    services = [service("a", KEYS[IBM]), service("b", KEYS[COMPOSE], host="h2"), service("c", *keys, host="h3")]
    rollout = {"h1": said(one, "a"), "h2": said(two, "b"), "h3": said(three, "c")}
    run = Run(services=services, old=alive() if live else dead(), rollout=rollout)
    outcomes = run.go()
    kinds = {IBM: {one, three} if shared else {one}, COMPOSE: {two, three}}
    for name, outcome in outcomes.items():
        assert (outcome == "rotated") == (kinds[name] == {"carried"} and name not in run.judged["back"])
        assert live or outcome != "rolled_back", "never back to a dead token"
    assert set(run.judged["proven"]).isdisjoint(run.judged["back"])
    for turned in run.judged["restore"].values():
        assert live and all(v["restorable"] for each in turned for v in each["variables"].values())


def test_an_adopted_row_never_goes_back() -> None:
    kept = {"bot": Slot(None, stored("kept"))}
    record = Record("r0", State.ROTATED, tokens=kept, current={"bot": Known(fp("was"), "", IDENTITY)})
    run = Run(current={IBM: (token("now"), alive())}, records={IBM: record}, rollout=rollout_failed("h1"))
    run.current[COMPOSE] = QUIET[COMPOSE]
    assert run.go()[IBM] == "failed" and run.judged["back"] == []


def test_the_rows_end_with_the_state_that_vault_was_left_in() -> None:
    run = Run()
    run.go()
    one, two = ({"results": {IBM: {"state": state}}} for state in ("promoted", "rolled_back"))
    rows = run.conclude(judged={**run.judged, "proven": []}, promoted=one)
    assert [row["state"] for row in rows] == ["promoted", "staged"]
    rows = run.conclude(judged={**run.judged, "proven": []}, promoted=one, restored=two)
    assert rows[0]["state"] == "rolled_back"


def test_a_service_that_did_not_come_up_again_has_no_length_of_time() -> None:
    run = Run(rollout=rollout_failed("h1"))
    run.go()
    down, well = run.judged["services"]
    assert down["still_down"] is True and down["seconds_unavailable"] is None
    assert well["still_down"] is False and well["seconds_unavailable"] == 0.8
