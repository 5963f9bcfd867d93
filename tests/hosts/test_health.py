# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a service shows that it is well, on a host that systemd runs: well, not well, and never."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.hosts._units import Machine, fingerprint, machine

__all__ = ["machine"]
pytestmark = pytest.mark.xdist_group("units_health")

# What to ask, how the service is told to offer that, and what is said of it.
WAYS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a URL": ({"url": "http://127.0.0.1:@PORT/healthz", "status": 200}, "", "HTTP 200 in "),
    "HTTP over a unix socket": (
        {"socket": "/run/@NAME.sock", "url": "http://localhost/healthz", "status": 200},
        "--socket /run/@NAME.sock",
        "over /run/@NAME.sock: HTTP 200 in ",
    ),
    "a unix socket": ({"socket": "/run/@NAME.sock"}, "--plain /run/@NAME.sock", "/run/@NAME.sock: takes connections"),
    "a command": (
        {"command": ["/usr/bin/grep", "-q", "yes", "/run/@NAME.well"]},
        "",
        "`/usr/bin/grep -q yes /run/@NAME.well` ended with exit status 0",
    ),
    "time": ({"active_for": 1.5}, "", "active for 1.5 s"),
}


def filled(what: Any, name: str, port: int) -> Any:
    if isinstance(what, str):
        return what.replace("@NAME", name).replace("@PORT", str(port))
    if isinstance(what, list):
        return [filled(each, name, port) for each in what]
    return {key: filled(each, name, port) for key, each in what.items()} if isinstance(what, dict) else what


@pytest.mark.parametrize("way", list(WAYS))
def test_a_service_is_well_when_its_way_says_so_and_goes_back_when_not(machine: Machine, way: str) -> None:
    health, arguments, words = WAYS[way]
    name = machine.name()
    port = 9000 + machine.numbered
    well = f"ExecStartPost=/bin/sh -c 'sleep 0.3; echo yes > /run/{name}.well'"
    row = machine.unit(filled(arguments, name, port), well if way == "a command" else "", name=name)
    row["health"] = {**filled(health, name, port), "timeout": 10}
    service = machine.rotate(row)
    assert service["health_after"]["ok"] and filled(words, name, port) in service["health_after"]["evidence"]
    assert service["in_use"] == "yes" and machine.tokens_of(row["unit"]) == {machine.new}


@pytest.mark.parametrize("way", [way for way in WAYS if way != "time"])
def test_a_service_that_does_not_become_well_goes_back_to_its_old_token(machine: Machine, way: str) -> None:
    health, _arguments, _words = WAYS[way]
    row = machine.unit()
    port = int(row["health"]["url"].split(":")[2].split("/")[0])
    bad = {"status": 204} if way == "a URL" else {}
    row["health"] = {**filled(health, row["name"], port), "timeout": 1, **bad}
    row["force"] = True  # it is not well before either
    begun = time.monotonic()
    answer = machine.ask("applied", row)
    assert answer["failed"] and "is not healthy after 1 s: " in answer["msg"], answer["msg"]
    assert answer["services"][0]["restored"] and time.monotonic() - begun < 20
    assert machine.tokens_of(row["unit"]) == {machine.old}


def test_a_service_that_is_unwell_on_live_tokens_is_refused_without_force(machine: Machine) -> None:
    row = machine.unit()
    row["health"] = {"socket": "/run/none.sock", "timeout": 1}
    machine.refuses(
        row, "is unhealthy already, on tokens that Slack accepts: /run/none.sock: No such file or directory"
    )


def test_a_command_that_hangs_is_killed_with_all_that_it_started(machine: Machine) -> None:
    row = machine.unit()
    row["health"] = {"command": ["/bin/sh", "-c", "sleep 4711 & sleep 4712"], "timeout": 1}
    row["force"] = True
    answer = machine.ask("applied", row)
    assert "did not end within 1 s" in answer["msg"], answer["msg"]
    assert machine.run("pgrep -f 'sleep 471[12]'", check=False) == ""


def test_a_service_that_ends_for_good_is_not_waited_for(machine: Machine) -> None:
    row = machine.unit("--picky")
    row["health"]["timeout"] = 60
    machine.put("/opt/units/accepted", fingerprint(machine.old))
    begun = time.monotonic()
    answer = machine.ask("applied", row)
    machine.put("/opt/units/accepted", f"{fingerprint(machine.old)} {fingerprint(machine.new)}")
    assert answer["failed"] and "is failed (failed, result exit-code, exit status 1)" in answer["msg"], answer["msg"]
    assert time.monotonic() - begun < 30 and answer["services"][0]["restored"]
    assert machine.tokens_of(row["unit"]) == {machine.old}


def test_a_service_that_is_well_late_is_waited_for_and_the_time_is_told(machine: Machine) -> None:
    row = machine.unit("--late 2")
    service = machine.rotate(row)
    assert 2 < service["seconds_unavailable"] < 15


def test_a_proof_over_a_unix_socket(machine: Machine) -> None:
    name = machine.name()
    row = machine.unit(f"--wipe --socket /run/{name}.sock", name=name)
    row["in_use"] = {"socket": f"/run/{name}.sock", "url": "http://localhost/", "field": "slack.fingerprint"}
    service = machine.rotate(row)
    assert (
        service["in_use"] == "yes"
        and f"over /run/{name}.sock says {fingerprint(machine.new)}" in service["in_use_evidence"]
    )
