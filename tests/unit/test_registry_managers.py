# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registry says of containers and of rendered files: defaults, and mistakes with their places."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._registry import RegistryError

from tests.unit._core import registry, service

PLACE = "hostvars.h1.botops_services[0]"


def options(**more: Any) -> dict[str, Any]:
    host, entry = service("a", "gobot/ibmcloud/bot", **more)
    entry = {key: value for key, value in entry.items() if value is not None}
    return registry((host, entry)).services[0].options


def problems(*services: tuple[str, dict[str, Any]]) -> str:
    with pytest.raises(RegistryError) as raised:
        registry(*services)
    return str(raised.value)


def test_a_container_has_the_name_of_its_service_and_the_dialect_of_podman() -> None:
    found = options(manager="podman", unit=None)
    assert (found["unit"], found["env_format"], found["user"], found["recreate"]) == ("a", "podman", None, None)
    found = options(manager="podman", unit="pod", user="gobot", recreate="podman kube play --replace '/srv/a b.yml'")
    assert (found["unit"], found["user"]) == ("pod", "gobot")
    assert found["recreate"] == ["podman", "kube", "play", "--replace", "/srv/a b.yml"]


def test_an_agent_that_is_told_is_quicker_than_one_that_is_not() -> None:
    assert options()["rendered_by"] is None
    assert options(rendered_by={})["rendered_by"] == {"render": None, "timeout": 330, "restarts": False}
    found = options(rendered_by={"render": "systemctl restart vault-agent", "restarts": True})["rendered_by"]
    assert found == {"render": ["systemctl", "restart", "vault-agent"], "timeout": 60, "restarts": True}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"rendered_by": "vault-agent"}, f"{PLACE}.rendered_by: is a text; a dictionary is due with render"),
        ({"rendered_by": {"rendr": "x"}}, f"{PLACE}.rendered_by.rendr: is not known; did you mean render?"),
        ({"rendered_by": {"render": []}}, f"{PLACE}.rendered_by.render: is empty; a list is due"),
        ({"rendered_by": {"timeout": 0}}, f"{PLACE}.rendered_by.timeout: is 0; a number of seconds is due"),
        ({"rendered_by": {"restarts": "yes"}}, f'{PLACE}.rendered_by.restarts: is "yes"; true or false is due'),
        ({"recreate": ["x"]}, f"{PLACE}.recreate: is not for manager systemd; it belongs to podman"),
        ({"manager": "podman", "unit": "-x"}, f'{PLACE}.unit: is "-x"; a container\'s name is due'),
        ({"manager": "podman", "user": "a b"}, f'{PLACE}.user: is "a b"; the name of a user of the host is due'),
        ({"manager": "podman", "restart": "x"}, f"{PLACE}.restart: is not for manager podman; it belongs to command"),
    ],
)
def test_a_mistake_is_named_with_its_place(more: dict[str, Any], words: str) -> None:
    assert words in problems(service("a", "gobot/ibmcloud/bot", **more))


def test_who_writes_a_file_is_one() -> None:
    both = [service(name, "gobot/ibmcloud/bot", env_file="/etc/x.env") for name in ("a", "b")]
    both[1][1]["rendered_by"] = {"render": "x"}
    assert f"hostvars.h1.botops_services[1].rendered_by: is another than for {PLACE}" in problems(*both)
