# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategy refresh: who is exchanged, refreshed or left alone; the chain; what becomes of records and proofs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _chain, _refresh, _refresh_words, _rotation
from ansible_collections.botops.rotation.plugins.module_utils._errors import (
    RegistryError,
    SlackError,
    StateError,
    VaultConflict,
)
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe
from ansible_collections.botops.rotation.plugins.module_utils._record import Known, Record, Slot, State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import stamp
from ansible_collections.botops.rotation.plugins.module_utils._survey import Survey
from ansible_collections.botops.rotation.plugins.module_utils._vault import Secret

from tests.sandbox import tokens
from tests.unit._core import (
    AT,
    IDENTITY,
    NOW,
    SCOPES,
    MemoryVault,
    World,
    alive,
    assert_no_token,
    dead,
    fp,
    registry,
    token,
)

ROW = "gobot/ibmcloud"
STATIC = token("old")
FIRST, SECOND, REFRESH = tokens.rotating_bot(), tokens.rotating_bot(), tokens.refresh()
UNKNOWN = Probe(Life.UNKNOWN, "ratelimited", "Slack's rate limit stopped auth.test (429)")
STRATEGY = {"strategy": "refresh", "client_path": "generic/client"}


def chain(newest: str | None = None, refresh: str | None = REFRESH, **hours: float) -> _chain.Chain:
    """A chain. `hours`: until when the tokens first and second live."""
    values = {"first": FIRST, "second": SECOND}
    ends = {Stored(values[name]).fingerprint: stamp(NOW + timedelta(hours=left)) for name, left in hours.items()}
    stored = [Stored(each) if each else None for each in (newest, refresh)]
    return _chain.Chain(Secret("generic/x_refresh", 1, {}), *stored, "A1", ends)


@dataclass
class Rotating(World):
    """gobot with the strategy refresh; `chains` are by installation id."""

    registry: Any = field(default_factory=lambda: registry(gobot={**STRATEGY, "environment": "staging"}))
    chains: dict[str, _chain.Chain] = field(default_factory=dict)

    def survey(self) -> Survey:
        survey = super().survey()
        survey.chains = {name: self.chains.get(name) or chain(refresh=None) for name in survey.seen}
        return survey

    def has(self, given: _chain.Chain) -> Rotating:
        self.chains[ROW] = given
        return self


def static(probe: Probe | None = None, **gobot: Any) -> Rotating:
    given = {"environment": "staging", **STRATEGY, **gobot}
    return Rotating(registry(gobot=given)).holds(ROW, STATIC, probe or alive())  # type: ignore[return-value]


def rotating(probe: Probe | None = None, **hours: float) -> Rotating:
    return Rotating().has(chain(FIRST, **hours)).holds(ROW, FIRST, probe or alive())  # type: ignore[return-value]


def waiting(**record: Any) -> Rotating:
    """The second token is pending, or was rolled back."""
    return rotating(first=1, second=12).stages(ROW, SECOND, alive(), **record)  # type: ignore[return-value]


def production() -> Rotating:
    return static(environment="internal")


# name: (world, choices, action, outcome, words of the reason, words of the next step)
CASES: dict[str, tuple[Rotating, dict[str, Any], str, str, str, str]] = {
    "static, of staging": (static(), {}, "exchange", "rotated", "", ""),
    "static, of production first": (production(), {}, "none", "refused", "no bot of staging", "exchange_untried=true"),
    "static, of production, meant": (production(), {"exchange_untried": True}, "exchange", "rotated", "", ""),
    "static, in a schedule": (static(), {"refresh_only": True}, "converge", "already", "static", "rotate_bot -e bot"),
    "static and dead": (static(dead()), {}, "none", "nothing_staged", "is dead: it cannot be exchanged", "install_app"),
    "static of unknown life": (static(UNKNOWN), {}, "none", "refused", "is not known: Slack's rate", "when Slack"),
    "nothing there": (Rotating(), {}, "none", "nothing_staged", "there is no current token", "install_app"),
    "not due": (rotating(first=9), {}, "converge", "already", "and is refreshed after 2026-11-23T08:00:00Z", ""),
    "due": (rotating(first=2.9), {}, "refresh", "rotated", "", ""),
    "due with a wider margin": (rotating(first=9), {"refresh_margin": 10.0}, "refresh", "rotated", "", ""),
    "nobody knows until when": (rotating(), {}, "refresh", "rotated", "", ""),
    "dead before its time": (rotating(dead("token_revoked"), first=9), {}, "refresh", "rotated", "", ""),
    "expired": (rotating(dead("token_expired"), first=-9), {}, "refresh", "rotated", "", ""),
    "without a refresh token": (
        rotating(first=2).has(chain(FIRST, None, first=2)),
        {},
        "none",
        "refused",
        "its refresh token is not in Vault",
        "install_app -e bot=gobot -e workspace=ibmcloud",
    ),
    "kept, and not staged": (
        rotating(first=2).has(chain(SECOND, first=2, second=12)),
        {},
        "refresh",
        "rotated",
        "",
        "",
    ),
    "was not refreshed in this run": (
        rotating(first=2),
        {"refreshed": {ROW: {"reason": "it is used up", "next_step": "install"}}},
        "none",
        "refused",
        "it is used up",
        "install",
    ),
    "another run has refreshed it": (rotating(first=2), {"refreshed": {ROW: {}}}, "converge", "already", "until", ""),
    "the next one waits": (waiting(), {}, "promote", "rotated", "", ""),
    "the next one waits, and has ended": (
        waiting().says(SECOND, dead("token_expired")),
        {},
        "refresh",
        "rotated",
        "",
        "",
    ),
    "rolled back": (waiting(state=State.ROLLED_BACK), {}, "promote", "rotated", "", ""),
    "rolled back, in a schedule, near its end": (
        waiting(state=State.ROLLED_BACK),
        {"refresh_only": True},
        "promote",
        "rotated",
        "",
        "",
    ),
    "rolled back, in a schedule": (
        waiting(state=State.ROLLED_BACK).has(chain(SECOND, first=5, second=12)),
        {"refresh_only": True},
        "converge",
        "already",
        "was rolled back, and is not tried again while the old one goes on",
        "rotate_bot -e bot=gobot",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_table(case: str) -> None:
    world, choices, action, outcome, reason, next_step = CASES[case]
    row = world.row(**choices)
    assert (row["action"], row["outcome"]) == (action, outcome), row["reason"]
    assert reason in row["reason"] and next_step in row["next_step"]
    assert_no_token(row, REFRESH, SECOND, FIRST)


def test_production_may_follow_staging() -> None:
    world = production()
    bots = dict(world.registry.bots)
    bots["ciebot"] = replace(bots["ciebot"], environment="staging", strategy="refresh")
    world.registry = replace(world.registry, bots=bots)
    assert world.row()["outcome"] == "refused"
    assert world.holds("ciebot/ibmcloud", FIRST).row()["action"] == "exchange"


def test_an_old_token_may_go_on_beside_one_that_rotates() -> None:
    """Neither a static one that was exchanged nor one that was refreshed makes the outcome old_alive."""
    row = static().stages(ROW, FIRST, alive()).row()
    assert row["outcome"] == "rotated" and row["tokens"]["bot"]["overlaps"] and not row["routine"]
    assert "need not refuse it" in row["proofs"]["old_refused"]["evidence"]
    row = waiting(routine=True).row()
    assert row["outcome"] == "rotated" and row["routine"] and row["expires_at"] == "2026-11-23T14:00:00Z"


def test_the_registry_says_where_the_client_is() -> None:
    with pytest.raises(RegistryError, match=r"botops_bots.gobot.client_path: is missing"):
        registry(gobot={"strategy": "refresh"})
    with pytest.raises(RegistryError, match=r"botops_bots.gobot.oauth: is v1"):
        registry(gobot={**STRATEGY, "oauth": "v1"})


@pytest.mark.parametrize("hours", (0.0, -1.0, 12.1, float("nan")))
def test_a_margin_makes_sense(hours: float) -> None:
    assert _refresh.margin(12.0) == 12.0
    with pytest.raises(StateError, match="more than 0 and at most 12"):
        _refresh.margin(hours)


# -- records ----------------------------------------------------------------------------------------------------------


def refreshed(record: Record, old: str, new: str) -> Record:
    """The record after a whole refresh; both tokens live."""
    lives = {Stored(each).fingerprint: Life.ALIVE for each in (old, new, STATIC)}
    before, after = {"bot": Stored(old)}, {"bot": Stored(new)}
    staged = _rotation.stage(record, "bot", Stored(new, IDENTITY, SCOPES), before, lives, "r2", old != STATIC)
    promoted = _rotation.promoted(_rotation.begin(staged, before, lives), after, AT)
    return _rotation.retire(promoted, after, lives, AT, frozenset({Stored(old).fingerprint}))


def test_refreshes_in_a_row_are_one_line_of_history() -> None:
    known = {"bot": Known(fp("old"), AT)}
    record = refreshed(Record(current=known), STATIC, FIRST)
    values = [FIRST, *(tokens.rotating_bot() for _dummy in range(3))]
    for old, new in zip(values, values[1:]):
        record = refreshed(record, old, new)  # over a previous one that lives, and ends by itself
        assert record.slot("bot") == Slot(None, record.slot("bot").previous)
        assert record.slot("bot").previous.token == old, "it may be gone back to while it lives"
    assert [entry["outcome"] for entry in record.history] == ["rotated", "refreshed"]
    assert record.history[-1]["tokens"]["bot"]["new"] == Stored(values[-1]).fingerprint
    assert Record.from_dict(record.to_dict(), "generic/x") == record


# -- the chain --------------------------------------------------------------------------------------------------------


class Store(SimpleNamespace):
    """What the chain needs of a RecordStore, with Vault as a dictionary."""

    def __init__(self) -> None:
        vault = MemoryVault()
        vault.now, vault.who = lambda: NOW, lambda: "approle"
        super().__init__(vault=vault, registry=registry(gobot=STRATEGY), before_write=lambda _installation: None)

    @property
    def row(self) -> Any:
        return self.registry.installation("gobot", "ibmcloud")


def pair(name: str, hours: float = 12) -> _chain.Pair:
    given = {"first": FIRST, "second": SECOND}[name]
    return _chain.Pair(given, f"{REFRESH}{name}", NOW + timedelta(hours=hours), "A1", ("chat:write",))


def test_what_is_kept_is_read() -> None:
    store = Store()
    assert _chain.read(store, store.row).refresh is None
    _chain.keep(store, store.row, pair("first", 2))
    _chain.keep(store, store.row, pair("second"))
    found = _chain.read(store, store.row)
    assert (found.token.token, found.refresh.token, found.app_id) == (SECOND, f"{REFRESH}second", "A1")
    assert found.ends(Stored(FIRST)) == NOW + timedelta(hours=2), "the one in use has not ended"
    _chain.keep(store, store.row, pair("first", -1))
    _chain.keep(store, store.row, pair("second"))
    assert set(_chain.read(store, store.row).expires) == {Stored(SECOND).fingerprint}


def test_only_one_of_two_begins() -> None:
    store = Store()
    _chain.keep(store, store.row, pair("first"))
    one, other = (_chain.read(store, store.row) for _dummy in range(2))
    begun = _chain.begin(store, store.row, one, "refresh", one.refresh)
    assert begun.begun["of"] == one.refresh.fingerprint and _chain.read(store, store.row).begun == begun.begun
    with pytest.raises(VaultConflict):
        _chain.begin(store, store.row, other, "refresh", other.refresh)
    _chain.keep(store, store.row, pair("second"))
    assert not _chain.read(store, store.row).begun


@pytest.mark.parametrize("odd", (None, [], "text", 7, {"x": []}, {REFRESH: REFRESH}))
def test_whatever_a_hand_has_put_there(odd: Any) -> None:
    """Nothing is raised, and a pair can be kept over it."""
    store = Store()
    path = store.registry.refresh_path(store.row)
    data = dict.fromkeys(("token", "refresh_token", "expires", "begun", "scopes", "app_id"), odd)
    store.vault.write(path, data, store.vault.read(path))
    found = _chain.read(store, store.row)
    assert_no_token([dict(found.expires), dict(found.begun), found.app_id], REFRESH)
    _chain.keep(store, store.row, pair("first"))
    assert _chain.read(store, store.row).token.token == FIRST


@pytest.mark.parametrize(
    ("code", "since", "words", "after"),
    (
        (
            "invalid_refresh_token",
            AT,
            f"it was given to Slack at {AT}, and what Slack answered was lost",
            "install_app",
        ),
        ("invalid_refresh_token", "", "is used up (invalid_refresh_token); services run on until", "install_app"),
        ("token_already_exchanged", AT, "the static token", "install_app"),
        ("bad_client_secret", "", "bad_client_secret", "botops_bots.gobot.client_path"),
        ("token_rotation_not_enabled", "", "token_rotation_not_enabled", "which cannot be undone"),
        ("no_permission", "", "no_permission", "see what Slack means"),
    ),
)
def test_a_refusal_says_what_is_next(code: str, since: str, words: str, after: str) -> None:
    refusal = SlackError(f"Slack refused oauth.v2.access: {code}", code)
    error = _refresh_words.refused(refusal, Store().row, Stored(REFRESH), since, chain(FIRST, first=2))
    assert words in error.message and after in error.next_step
    assert_no_token(str(error), REFRESH)


@pytest.mark.parametrize(
    ("current", "given", "words"),
    (
        (None, chain(refresh=None), ""),
        (STATIC, chain(refresh=None), "run rotate_bot: it brings"),
        (FIRST, replace(chain(FIRST, first=9), begun={"at": AT}), f"begun at {AT} was not finished"),
        (FIRST, chain(FIRST, first=-1), "run refresh_tokens: the token has ended"),
        (FIRST, chain(FIRST, first=9), "nothing to do: the token lives until 2026-11-23 11:00 UTC"),
    ),
    ids=("none", "static", "begun", "ended", "lives"),
)
def test_the_status_says_what_is_next(current: str | None, given: _chain.Chain, words: str) -> None:
    assert words in _refresh_words.next_step(given, Stored(current) if current else None, NOW)
