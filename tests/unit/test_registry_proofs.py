# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`health`, `in_use` and what belongs to units in `botops_services`: every form, its defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._registry_services import SERVICES
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import Problems

UNIT = {
    "name": "gobot",
    "manager": "systemd",
    "unit": "gobot.service",
    "env_file": "/etc/gobot.env",
    "env": {"TOKEN": {"bot": "gobot", "workspace": "ibmcloud"}},
}


def read(**changes: Any) -> tuple[dict[str, Any], list[str]]:
    problems = Problems()
    return SERVICES.read([{**UNIT, **changes}], "services", problems)[0], problems


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ({"url": "http://h/x"}, {"url": "http://h/x", "status": 200, "timeout": 30}),
        ({"socket": "/run/x.sock", "timeout": 5}, {"socket": "/run/x.sock", "timeout": 5}),
        (
            {"socket": "/run/x.sock", "url": "http://localhost/x"},
            {"socket": "/run/x.sock", "url": "http://localhost/x", "status": 200, "timeout": 30},
        ),
        ({"command": "check --now"}, {"command": ["check", "--now"], "timeout": 30}),
        ({"active_for": 2.5}, {"active_for": 2.5, "timeout": 30}),
        (None, None),
    ],
)
def test_every_form_of_health_is_read(given: Any, due: Any) -> None:
    found, problems = read(health=given)
    assert found["health"] == due and problems == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "services[0].health.url: is missing"),
        ([], "services[0].health: is a list"),
        (
            {"url": "http://h/", "active_for": 5},
            "services[0].health.url: does not go together with active_for; one of {",
        ),
        ({"socket": "/x", "command": ["y"]}, "services[0].health.socket: does not go together with command"),
        ({"socket": "x.sock"}, "services[0].health.socket: is "),
        ({"socket": "/x", "url": "https://h/"}, "services[0].health.url: is "),
        ({"socket": "/x", "status": 204}, "services[0].health.status: is that of an HTTP answer; add `url`"),
        ({"active_for": 0}, "services[0].health.active_for: is 0"),
        ({"command": []}, "services[0].health.command: is empty"),
        ({"command": "a 'b"}, "services[0].health.command: has a quote that is never closed"),
        ({"tries": 1}, "services[0].health.tries: is not known"),
    ],
)
def test_what_is_no_health_check_is_refused(given: Any, words: str) -> None:
    assert any(problem.startswith(words) for problem in read(health=given)[1]), read(health=given)[1]


def test_a_proof_may_be_asked_for_over_a_unix_socket() -> None:
    found, problems = read(in_use={"url": "http://localhost/x", "socket": "/run/x.sock"})
    assert found["in_use"] == {"url": "http://localhost/x", "field": "fingerprint", "socket": "/run/x.sock"}
    assert problems == [] and "socket" not in read(in_use={"url": "http://h/"})[0]["in_use"]


def test_a_user_means_a_unit_of_that_user() -> None:
    assert read()[0]["scope"] == "system" and read(scope="user")[0]["scope"] == "user"
    assert read(user="bob")[0] == {**read()[0], "scope": "user", "user": "bob"}
    assert "services[0].user: is for units of a user's own systemd" in read(user="bob", scope="system")[1][0]


def test_a_reload_needs_a_proof_of_its_own() -> None:
    proof = {"url": "http://127.0.0.1:1/"}
    assert read(reload=True, in_use=proof) == ({**read(in_use=proof)[0], "reload": True}, [])
    for in_use in (None, {"started_after": True}):
        assert "services[0].reload: needs `in_use` with a url" in read(reload=True, in_use=in_use)[1][0]
    assert "services[0].reload: is " in read(reload="maybe")[1][0]
    assert any("not for manager command" in problem for problem in read(manager="command", reload=True)[1])


@pytest.mark.parametrize("unit", ["x.timer", "x.socket", "x.target", "x@.service", "x@", "x*", "-x"])
def test_what_is_no_service_is_refused(unit: str) -> None:
    assert read(unit=unit)[1][0].startswith("services[0].unit: is ")


@pytest.mark.parametrize("unit", ["x", "x.service", "x@1", "x@a-b.service", r"a\x2db.service"])
def test_every_name_of_a_service_is_read(unit: str) -> None:
    assert read(unit=unit)[0]["unit"] == unit and read(unit=unit)[1] == []
