# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of Slack, every error code, and the controller's death, at every request to Slack; then it is run again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.inprocess._case import Case
from tests.faults.inprocess._judge import Count, Undisturbed, Watch
from tests.faults.inprocess._place import SETTINGS, Place
from tests.sandbox.slack.faults import Fault
from tests.sandbox.tokens import fingerprint

HANGING = 0.25  # seconds; where Slack hangs this is waited for it, instead of ten
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "429": ("rate_limited", {"retry_after": 2}),
    "429 for an hour": ("rate_limited", {"retry_after": 3600}),
    "500": ("status", {"status": 500}),
    "502": ("status", {"status": 502}),
    "503": ("status", {"status": 503}),
    "non-JSON": ("non_json", {}),
    "hangs": ("latency", {"seconds": 2 * HANGING}),
    "cut": ("cut", {"when": "before"}),
    "cut after": ("cut", {"when": "after"}),
    "address not allowed": ("ip_not_allowed", {}),
}
# Those of https://docs.slack.dev/reference/methods/auth.test, and what Slack answers to a method that it does not know.
CODES = [
    "access_denied",
    "accesslimited",
    "account_inactive",
    "deprecated_endpoint",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "fatal_error",
    "internal_error",
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_auth",
    "invalid_charset",
    "invalid_form_data",
    "invalid_post_type",
    "method_deprecated",
    "missing_post_type",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
    "team_access_not_granted",
    "team_added_to_org",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
    "unknown_method",
]
PROOFS = ("account_inactive", "token_expired", "token_revoked")
FAILS, KILLED, DEATH = "Slack fails at a request", "controller killed at a call of Slack", "proof of death"


def slack_case(
    place: Place, due: Undisturbed, way: str, kind: str, options: dict[str, Any], at: int, last: bool
) -> Any:
    """One case; what is wrong with it. `last`: all requests from there fail."""
    case = Case(place, SETTINGS["v2"])
    watch = Watch(case, f"Slack: {way}{', lasting' if last else ''}, request {at}", due)
    place.slack_timeout = HANGING if kind == "latency" else place.slack_timeout
    fault = case.world.faults.add(Fault(kind, skip=at - 1, times=None if last else 1, options=options))
    watch.run()
    if kind == "latency":  # what it was still at arrives
        time.sleep(1.1 * options["seconds"])
    if not fault.hits:
        watch.complain("the fault struck nothing")
    proven = options.get("error") in PROOFS or kind == "ip_not_allowed" or options.get("error") == "invalid_auth"
    if (case.snapshot()[case.record] or {}).get("history") and not watch.last.get("success") and not proven:
        told = "the announcement '" in watch.last.get("table", "")
        watch.complain(*([] if told else [f"ended, and failed: {watch.last.get('table')}"]))
    case.world.faults.clear()
    watch.converges_or_is_proven()
    return watch.problems


@pytest.mark.parametrize("last", (False, True), ids=("once", "lasting"))
@pytest.mark.parametrize("way", WAYS)
def test_at_every_request(
    way: str, last: bool, place: Place, due: Callable[[str], Undisturbed], count: Callable[[str], Count]
) -> None:
    counted = count(FAILS)
    for at in range(1, due("v2").counts["slack"] + 1):
        counted.add(slack_case(place, due("v2"), way, *WAYS[way], at, last))
    counted.check()


@pytest.mark.parametrize("code", CODES)
def test_error_code_at_every_request(
    code: str, place: Place, due: Callable[[str], Undisturbed], count: Callable[[str], Count]
) -> None:
    counted = count(FAILS + ", by code")
    for at in range(1, due("v2").counts["slack"] + 1):
        counted.add(slack_case(place, due("v2"), code, "error", {"error": code}, at, False))
    counted.check()


@pytest.mark.parametrize("fault", ("killed", "killed after"))
@pytest.mark.parametrize("setting", ("v1", "v2"))
def test_killed_at_every_call(
    fault: str, setting: str, place: Place, due: Callable[[str], Undisturbed], count: Callable[[str], Count]
) -> None:
    counted = count(KILLED)
    for at in range(1, due(setting).counts["slack"] + 1):
        case = Case(place, SETTINGS[setting])
        watch = Watch(case, f"{fault}, call {at} of Slack, {setting}", due(setting))
        place.weather.set("slack", at, fault)
        watch.run()
        watch.converges_or_is_proven()
        counted.add(watch.problems)
    counted.check()


def death_case(place: Place, due: Undisturbed, whose: str, code: str) -> list[str]:
    """A live token is answered with a code, always: it counts as dead only where the code proves that."""
    case = Case(place, SETTINGS["v2"], old_alive=True)
    watch = Watch(case, f"{whose} token answered {code}", due)
    options = {"error": code}
    token = {"old": case.old, "new": case.new, "every": None}[whose]
    app = "A0ROBOT" if whose == "every" else None
    case.world.faults.add(Fault("error", method="auth.test", token=token, app_id=app, options=options))
    deadly = code in (*PROOFS, "invalid_auth")
    result = watch.run(may_lose=deadly)
    outcome = result.get("outcomes", {}).get("gobot/one")
    if whose == "old":  # the new token is accepted beside it
        if (outcome == "rotated") is not deadly:
            watch.complain(f"ended {outcome}")
    else:
        words = "is dead" if code in PROOFS or (code == "invalid_auth" and whose == "new") else "is unknown"
        unchanged = case.snapshot()[case.path]["value"] == case.old
        if outcome != "refused" or words not in result["table"] or not unchanged or case.announced():
            watch.complain(f"ended {outcome}, changed {not unchanged}: {result['table']}")
    case.world.faults.clear()
    if not (deadly and whose == "old"):
        watch.complain(*(f"lost: {each}" for each in case.lost()))
    case.place.weather.set()
    again, _run = case.rotate(keep_old=[fingerprint(case.old)])
    if again["outcomes"].get("gobot/one") not in ("rotated", "already"):
        watch.complain(f"the next run ended {again['table']}")
    return watch.problems


@pytest.mark.parametrize("whose", ("old", "new", "every"))
def test_only_proof_of_death_counts_as_death(
    whose: str, place: Place, due: Callable[[str], Undisturbed], count: Callable[[str], Count]
) -> None:
    counted = count(DEATH)
    for code in CODES:
        counted.add(death_case(place, due("v2"), whose, code))
    counted.check()
