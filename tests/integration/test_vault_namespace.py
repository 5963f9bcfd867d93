# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in a namespace, with the shipped policy in it and no right outside.

https://openbao.org/docs/concepts/namespaces/
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._errors import VaultError
from ansible_collections.botops.rotation.plugins.module_utils._vault import Location, Vault, VaultSettings

from tests.faults.inprocess._judge import undisturbed
from tests.faults.inprocess._place import SETTINGS, Place, opened
from tests.faults.inprocess.test_permissions import VERBS, act, begin

NAMESPACE = "ops/bots"


@pytest.fixture(scope="module")
def outside() -> Iterator[Place]:
    with opened() as made:
        yield made


@pytest.fixture(scope="module")
def inside(outside: Place) -> Iterator[Place]:
    made = Place(outside.bao.within(NAMESPACE), outside.slack, outside.directory)
    with made.installed():
        yield made


def vault(place: Place, namespace: str | None) -> Vault:
    return Vault.connect(VaultSettings(place.bao.url, token="root", namespace=namespace, retries=0))


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_rotation(setting: str, inside: Place, outside: Place) -> None:
    """It ends as one without a namespace does, by every look at Vault but the product's."""
    found = undisturbed(inside, SETTINGS[setting])
    assert found.state["record"]["state"] == "rotated" and found.state["current"]["value"] == "<new>"
    assert found.state["lock"] == "free" and not found.state["old versions"]
    assert any("ciebot/case-" in path for path in inside.bao.dump())
    assert not outside.bao.snapshot(), "something was written outside of the namespace"


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "rotate"])
@pytest.mark.parametrize("setting", ["v1", "v2"])
def test_the_other_verbs(setting: str, verb: str, inside: Place) -> None:
    well, words = act(begin(inside, setting, verb), verb)
    assert well, words


@pytest.mark.parametrize("written", ["ops/bots", "/ops/bots/", "ops/bots/"])
def test_a_namespace_may_have_slashes_around_it(inside: Place, written: str) -> None:
    inside.bao.put("secret/slashes", {"value": written})
    assert vault(inside, written).read("secret/slashes").data == {"value": written}


@pytest.mark.parametrize("namespace", [None, "ops"])
@pytest.mark.parametrize(("mount", "kv"), [("generic", 1), ("secret", 2)])
def test_a_namespace_may_begin_the_path(inside: Place, namespace: str | None, mount: str, kv: int) -> None:
    """As in Vault's own API; the part that is stated as the namespace does not stand in the path."""
    prefix = NAMESPACE.removeprefix(f"{namespace}/")
    path = f"{prefix}/{mount}/a/b-{namespace}"
    client = vault(inside, namespace)
    assert client.locate(path) == Location(f"{prefix}/{mount}", f"a/b-{namespace}", kv)
    client.set_field(path, "value", "x", client.write(path, {"owner": "ops"}, client.read(path)))
    shown = json.loads(inside.bao.cli("kv", "get", "-format=json", f"-mount={mount}", f"a/b-{namespace}"))["data"]
    assert (shown["data"] if kv == 2 else shown) == {"owner": "ops", "value": "x"}
    assert client.forget_old_versions(path) == ([1] if kv == 2 else [])


def test_a_namespace_that_is_none_or_not_the_one(inside: Place) -> None:
    with pytest.raises(VaultError, match="namespace not found") as caught:
        vault(inside, "ops/nobody").read("secret/x")
    assert "the namespace" in caught.value.next_step
    with pytest.raises(VaultError, match="no such mount, or no right on it") as caught:
        vault(inside, "ops").read("secret/x")
    assert "botops_vault_namespace" in caught.value.next_step
