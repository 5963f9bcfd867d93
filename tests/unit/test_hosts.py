# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts are handed: only what this run carries, and never a way back to a token that Slack does not accept."""

from __future__ import annotations

from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _hosts
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe
from hypothesis import given
from hypothesis import strategies as st

from tests.unit._core import alive, dead, registry, service

IBM, USER, COMPOSE, CIE = "gobot/ibmcloud/bot", "gobot/ibmcloud/user", "gobot/compose/bot", "ciebot/ibmcloud/bot"


def row(name: str, action: str = "promote", **restorable: bool) -> dict[str, Any]:
    """A row whose tokens are given with whether their old one is restorable."""
    tokens = {
        kind: {"old": f"old {name}/{kind}", "new": f"new {name}/{kind}", "restorable": back}
        for kind, back in (restorable or {"bot": True}).items()
    }
    return {"id": name, "action": action, "tokens": tokens}


def variables(hosts: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, bool]]:
    """Service -> key -> restorable."""
    return {
        each["name"]: {variable["key"]: variable["restorable"] for variable in each["variables"].values()}
        for services in hosts.values()
        for each in services
    }


def test_a_service_as_a_host_gets_it() -> None:
    known = registry(service("a", IBM, health={"url": "http://127.0.0.1:1/"}), service("b", CIE), service("c", COMPOSE))
    hosts = _hosts.plan(known, [row("gobot/ibmcloud"), row("gobot/compose", "none")], {}, force=True)
    (planned,) = hosts["h1"]
    assert planned["variables"] == {
        "TOKEN_0": {
            "key": IBM,
            "new": f"new {IBM}",
            "old": f"old {IBM}",
            "restorable": True,
        }
    }
    assert planned["name"] == "a" and planned["unit"] == "a.service" and planned["env_file"] == "/etc/a.env"
    assert planned["health"]["status"] == 200 and planned["health_required"] and planned["health_note"] == ""
    assert planned["force"] is True and planned["env_format"] == "systemd"


def test_services_are_restarted_in_their_order() -> None:
    known = registry(service("z", IBM, order=1), service("a", IBM, order=2), service("m", IBM), service("x", IBM))
    names = [each["name"] for each in _hosts.plan(known, [row("gobot/ibmcloud")], {})["h1"]]
    assert names == ["m", "x", "z", "a"]


def test_what_does_not_go_back_takes_its_neighbours_along() -> None:
    known = registry(
        service("one", IBM, COMPOSE), service("two", COMPOSE, CIE, host="h2"), service("three", USER, host="h3")
    )
    rows = [row("gobot/ibmcloud", bot=False, user=True), row("gobot/compose"), row("ciebot/ibmcloud")]
    assert variables(_hosts.plan(known, rows, {})) == {
        "one": {IBM: False, COMPOSE: False},
        "two": {COMPOSE: False, CIE: False},
        "three": {USER: False},  # an installation goes back as a whole
    }


def test_a_dead_bystander_excuses_ill_health() -> None:
    known = registry(service("one", IBM, CIE), service("two", IBM, host="h2"))
    rows = [row("gobot/ibmcloud")]
    assert _hosts.bystanders(known, rows) == {CIE}
    for probe, required in ((dead(), False), (None, False), (alive(), True), (Probe(Life.UNKNOWN), True)):
        hosts = _hosts.plan(known, rows, {CIE: probe})
        assert hosts["h1"][0]["health_required"] is required and hosts["h2"][0]["health_required"] is True
        assert (CIE in hosts["h1"][0]["health_note"]) is not required
        assert list(hosts["h1"][0]["variables"]) == ["TOKEN_0"], "only what this run carries"


def test_the_way_back_turns_new_and_old_around() -> None:
    known = registry(service("one", IBM))
    (back,) = _hosts.restored(_hosts.plan(known, [row("gobot/ibmcloud")], {})["h1"])
    assert back["variables"]["TOKEN_0"] == {"key": IBM, "new": f"old {IBM}", "old": f"new {IBM}", "restorable": True}
    assert back["force"] is True
    rows = [row("gobot/ibmcloud")]
    rows[0]["tokens"]["bot"]["old"] = None
    assert _hosts.restored(_hosts.plan(known, rows, {})["h1"]) == []


KEYS = st.lists(st.sampled_from([IBM, USER, COMPOSE, CIE]), min_size=1, max_size=4, unique=True)


@given(st.lists(st.tuples(KEYS, st.sampled_from(["h1", "h2"])), max_size=5), st.data())
def test_no_host_ever_goes_back_to_what_is_not_restorable(services: list, data: st.DataObject) -> None:
    known = registry(*(service(f"s{index}", *keys, host=host) for index, (keys, host) in enumerate(services)))
    rows = [
        row("gobot/ibmcloud", bot=data.draw(st.booleans()), user=data.draw(st.booleans())),
        row("gobot/compose", data.draw(st.sampled_from(["promote", "none", "converge"])), bot=data.draw(st.booleans())),
        row("ciebot/ibmcloud", bot=data.draw(st.booleans())),
    ]
    tokens = _hosts.managed(rows)
    hosts = _hosts.plan(known, rows, {})
    planned = variables(hosts)
    for keys in planned.values():
        assert keys and set(keys) <= set(tokens)
        assert len(set(keys.values())) == 1, "a service goes forward whole, or may go back whole"
        assert not any(keys[key] and not tokens[key]["restorable"] for key in keys)
    for services_of_host in hosts.values():
        for back in _hosts.restored(services_of_host):
            for variable in back["variables"].values():
                assert tokens[variable["key"]]["restorable"] and variable["new"] == tokens[variable["key"]]["old"]
