# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five proofs, one judgement at a time."""

from __future__ import annotations

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _proofs
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, refused
from hypothesis import given
from hypothesis import strategies as st

from tests.unit._core import alive

NEW = {"team_id": "T1", "user_id": "U1", "app_id": "A1"}
BARE = {"team_id": "T1", "user_id": "U1"}  # without users:read Slack does not tell the app
SCOPES = st.sets(st.sampled_from(["chat:write", "users:read", "im:write", "files:read"]))


def identity(new: dict, *references: tuple[str, dict], accepted: bool = False) -> tuple[bool | None, str]:
    proof = _proofs.same_identity(new, "T1", references, accepted, "gobot/ibmcloud")
    return proof["result"], proof["evidence"]


def test_changed() -> None:
    assert _proofs.changed("a", "b") == {"result": True, "evidence": "a -> b"}
    assert _proofs.changed(None, "b")["result"] is True
    assert _proofs.changed("b", "b")["result"] is False


@pytest.mark.parametrize("accepted", [False, True])
def test_another_team_or_app_is_never_accepted(accepted: bool) -> None:
    result, words = identity({**NEW, "team_id": "T9"}, ("the record", NEW), accepted=accepted)
    assert result is False and "T9" in words and "T1" in words
    result, words = identity(NEW, ("the registry", {"app_id": "A9"}), accepted=accepted)
    assert result is False and "A1" in words and "the registry says A9" in words


def test_the_first_that_knows_the_user_decides() -> None:
    same, other = {"user_id": "U1"}, {"user_id": "U9"}
    result, words = identity(NEW, ("the live old token", same), ("the record", other))
    assert result is True and "the live old token" in words
    result, words = identity(NEW, ("the live old token", {}), ("the record", other), ("the registry", same))
    assert result is None and words.startswith("changed user: its user is U1, and the record says U9")
    result, words = identity(NEW, ("the record", other), accepted=True)
    assert result is True and "accepted by accept_identity" in words


def test_the_same_app_does_not_hide_a_changed_user() -> None:
    assert identity(NEW, ("the record", {"app_id": "A1", "user_id": "U9"}))[0] is None


def test_unproven_gives_the_line_for_the_registry() -> None:
    result, words = identity(NEW)
    assert result is None and words.endswith("botops_bots.gobot.app_id: A1")
    result, words = identity(BARE, ("the registry", {"app_id": "A1"}))
    assert result is None and words.endswith("botops_bots.gobot.installations.ibmcloud.bot_user_id: U1")
    assert identity(BARE, accepted=True)[0] is True


@given(SCOPES, SCOPES, SCOPES, st.booleans())
def test_scopes(granted: set, required: set, before: set, accepted: bool) -> None:
    proof = _proofs.scopes(granted, required, before, accepted)
    assert proof["result"] is (required <= granted and (accepted or before <= granted))
    for scope in required - granted:
        assert scope in proof["evidence"]


OLD_REFUSED = [
    (None, None, False, True, "no old token"),
    ("abc", refused("token_revoked"), False, True, "token_revoked"),
    ("abc", alive(), False, False, "still accepts it"),
    ("abc", alive(), True, False, "keep_old"),
    ("abc", Probe(Life.UNKNOWN, "ratelimited", "rate limit"), False, None, "rate limit"),
    ("abc", None, False, None, "overwritten by hand"),
]


@pytest.mark.parametrize(("old", "probe", "kept", "result", "words"), OLD_REFUSED)
def test_old_refused(old: str | None, probe: Probe | None, kept: bool, result: bool | None, words: str) -> None:
    proof = _proofs.old_refused(old, probe, kept)
    assert proof["result"] is result and words in proof["evidence"]
