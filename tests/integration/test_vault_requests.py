# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what HashiCorp Vault (1.13 and later) and OpenBao both document is asked of either.

Every request of every verb, with each KV version, is recorded on its way and looked up in the list of what is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.botops.rotation.plugins.action import rotation

from tests.faults.inprocess._case import Case
from tests.faults.inprocess._pipeline import Failed
from tests.faults.inprocess._place import SETTINGS, Place, opened
from tests.faults.inprocess.test_permissions import VERBS, act, begin

# Method and path of a request -> its page, the same below both https://developer.hashicorp.com/vault/api-docs and
# https://openbao.org/api-docs. Other logins are POST auth/<method>/login, too: auth/jwt, auth/kubernetes, auth/cert.
V1, V2 = r"generic/[\w/-]+", r"(generic/crn/[\w/-]+|botops_ledger)"
DOCUMENTED = {
    rf"GET {V1}": "secret/kv/kv-v1#read-secret",
    rf"POST {V1}": "secret/kv/kv-v1#create-update-secret",
    rf"GET secret/data/{V2}": "secret/kv/kv-v2#read-secret-version",
    rf"POST secret/data/{V2}": "secret/kv/kv-v2#create-update-secret",
    rf"GET secret/metadata/{V2}": "secret/kv/kv-v2#read-secret-metadata",
    rf"POST secret/destroy/{V2}": "secret/kv/kv-v2#destroy-secret-versions",
    # Its page promises no compatibility, but it is what the command lines of both ask before each `kv` command.
    r"GET sys/internal/ui/mounts/[\w/-]+": "system/internal-ui-mounts#get-single-mount-details",
    r"POST sys/capabilities-self": "system/capabilities-self#query-self-capabilities",
    r"GET sys/health": "system/health#read-health-information",
    r"GET auth/token/lookup-self": "auth/token#lookup-a-token-self",
    r"POST auth/approle/login": "auth/approle#login-with-approle",
}


@pytest.fixture
def place() -> Iterator[Place]:
    with opened() as made, made.installed():
        yield made


def of_verb(place: Place, setting: str, verb: str) -> list[str]:
    """What a verb asks for, logged in as the setting has it."""
    case = begin(place, setting, verb)
    case.credentials = place.approle() if case.setting.auth == "approle" else case.credentials
    place.weather.set()
    well, words = act(case, verb)
    assert well, words
    return place.weather.log


def of_spool(place: Place, setting: str, directory: Path) -> list[str]:
    """What is asked for while a token goes into the spool, Vault being sealed, and out of it again."""
    case = Case(place, SETTINGS[setting])
    place.bao.delete(case.record)
    spool, file = directory / f"spool-{setting}", directory / "token"
    spool.mkdir(mode=0o700)
    file.write_text(case.new)
    options = {"spool_dir": str(spool), "spool_patience": 0.0}
    place.weather.set("vault", 1, "sealed", lasting=True)
    with pytest.raises(Failed, match="spool"):
        case.run(**options).stage(case.new, lambda _token: str(file))
    sealed = place.weather.log
    assert list(spool.iterdir())
    place.weather.set()
    row = {"bot": "gobot", "workspace": "one"}
    case.run(**options).task("stage", rotation, state="staged", installations=[row], from_spool=True)
    assert case.snapshot()[case.record]["state"] == "staged" and not list(spool.iterdir())
    return sealed + place.weather.log


def test_all_requests_are_documented_by_both(place: Place, tmp_path: Path) -> None:
    asked: set[str] = set()
    for setting in SETTINGS:
        for verb in VERBS:
            asked.update(of_verb(place, setting, verb))
        asked.update(of_spool(place, setting, tmp_path))
    requests = {line.replace(" /v1/", " ") for line in asked if " /v1/" in line}
    found = {request: [each for each in DOCUMENTED if re.fullmatch(each, request)] for request in requests}
    assert not [request for request, entries in found.items() if not entries]
    assert {each for entries in found.values() for each in entries} == DOCUMENTED.keys(), (
        "the list is longer than need be"
    )
