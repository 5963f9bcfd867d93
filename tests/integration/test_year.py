# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year by the clock of the sandbox: 13 installations, weekly audits, windows, an outage of Slack's, a leak.

Every token is renewed in time, and every channel is told as often as promised: what Slack's books say at the end. What was
done is in the ledger, which verifies, and proves each renewal to an auditor.
"""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _announce,
    _argspec,
    _audit,
    _calendar,
    _conclude,
    _evidence,
    _evidence_render,
    _ledger_add,
    _ledger_entries,
    _ledger_head,
    _plan,
    _registry,
    _rights,
    _told,
    _verbs,
    _window,
)
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._audit_findings import DEFAULT
from ansible_collections.botops.rotation.plugins.module_utils._audit_read import Reading
from ansible_collections.botops.rotation.plugins.module_utils._case import Choices
from ansible_collections.botops.rotation.plugins.module_utils._post import Poster
from ansible_collections.botops.rotation.plugins.module_utils._record_store import RecordStore, stamp
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.module_utils._slack import Slack

from tests.integration._desk import ClockedVault
from tests.sandbox import _records
from tests.sandbox._state import REGISTRY
from tests.sandbox.slack import control, scheduled, seed
from tests.sandbox.slack.faults import Fault
from tests.sandbox.slack.threaded import ThreadedSlack
from tests.sandbox.slack.world import World
from tests.sandbox.tokens import fingerprint

START = datetime(2027, 1, 4, 6, 0, tzinfo=timezone.utc)
LIFE, AHEAD, BEFORE_DUE = timedelta(days=365), timedelta(days=150), timedelta(days=15)
OUTAGE = (START + timedelta(weeks=9, hours=-1), START + timedelta(weeks=9, days=2))
LEAK_AT, LEAKED = START + timedelta(weeks=28, days=2, hours=3), "gobot/ibmcloud"


class Vault(ClockedVault):
    def old_versions(self, path: str) -> list[int]:
        return []


class Year:
    """A session of a controller's, and what happens around it."""

    def __init__(self, sandbox: ThreadedSlack, folder: Path) -> None:
        registry = seed.read(REGISTRY)
        world = World(sandbox.url)
        seed.fill(world, registry)
        world.clock.set(START.timestamp())
        sandbox.world.__dict__.update(world.__dict__)
        self.world = sandbox.world
        self.vault, self.slack = Vault(sandbox), Slack(f"{sandbox.url}/api/", timeout=5)
        given = {name: registry.get(option.variable) for name, option in _argspec.REGISTRY.items()}
        self.registry = _registry.load(services={}, **given)
        self.store = RecordStore(self.vault, self.registry, "value", lambda _installation: None)
        self.every = [each for bot in self.registry.bots.values() for each in bot.installations.values()]
        for number, each in enumerate(self.every):
            self._begin(each, START - timedelta(days=27 * number + 3))
        for slug, row in self.registry.notifiers.items():
            of = control.issued(self.world, self.world.installation(f"notifier/{slug}"))
            for kind, value in (("token_path", of["bot_token"]), ("webhook_path", of["webhook_urls"][:1])):
                if row[kind]:
                    self._put(row[kind], {"value": value if isinstance(value, str) else value[0]})
        self.oldest = timedelta()
        self.windows: dict[str, int] = dict.fromkeys((each.id for each in self.every), 0)
        self.rotated: dict[str, list[datetime]] = {each.id: [] for each in self.every}
        self.problems: list[str] = []
        self.ledger, self.heads = folder / "ledger.jsonl", _ledger_head.Heads(self.vault, "secret/botops_ledger_head")
        self.found: Counter[str] = Counter()  # by kind, what audits found but during the outage

    def locked(self, _installations: Any, _check: bool) -> AbstractContextManager[None]:
        """Nobody else is there."""
        return nullcontext()

    def _put(self, path: str, data: dict[str, Any]) -> None:
        self.vault.write(path, data, self.vault.read(path))

    def _begin(self, each: Installation, at: datetime) -> None:
        of = control.issued(self.world, self.world.installation(each.id))
        for kind in each.tokens:
            self._put(each.path(kind), {"value": of[f"{kind}_token"]})
        known = {"fingerprint": fingerprint(of["bot_token"]), "at": stamp(at), "scopes": of["scopes"]}
        known["identity"] = _records.identity(of, "bot")
        record = {"schema": 1, "state": "rotated", "rotation_id": "before", "tokens": {}, "current": {"bot": known}}
        self._put(self.registry.record_path(each), record)

    def since(self, each: Installation) -> datetime:
        at = self.vault.read(self.registry.record_path(each)).data["current"]["bot"]["at"]
        return datetime.strptime(at, "%Y-%m-%dT%H:%M:%S%z")

    def window(self, each: Installation) -> _window.Window | None:
        return _calendar.of_notes(self.vault.read(self.registry.notes_path(each)).data)

    # What is done

    def audit(self) -> None:
        """Weekly: what is due gets a window, reminders are planned, and nothing may be overdue."""
        now = self.vault.now()
        for each in self.every:
            self.oldest = max(self.oldest, now - self.since(each))
            due = self.since(each) + LIFE - BEFORE_DUE
            if self.window(each) is None and due - now < AHEAD:
                start = max(due, now + timedelta(days=9)).replace(hour=2, minute=0, second=0)
                text = f"{start:%Y-%m-%dT%H:%M}/PT1H"
                entry = _calendar.schedule(self, each, _window.parse(text, "Europe/London", now), Texts(), False)
                self.windows[each.id] += 1
                self._judge(entry)
        for entry in _calendar.plan_due(self, self.every, Texts()):
            self._judge(entry)

    def look(self) -> None:
        """Weekly: every token is looked at, and that is evidence."""
        reading, now = Reading(self, self.every, lambda _words: None).run(), self.vault.now()
        services = _audit.of_services(self.registry, reading.found, {})
        asked = _audit.Asked(LIFE.days, 30, DEFAULT, "AWX")
        made = _audit.assemble(self.registry, reading.found, reading.probes, services, now, asked)
        counts = Counter(each["kind"] for each in made["findings"])
        self.found.update({} if OUTAGE[0] <= now <= OUTAGE[1] else counts)
        self._keep([_ledger_entries.of_audit(made["run_id"], "all", made["summary"], counts)])

    def _keep(self, entries: list[dict[str, Any]]) -> None:
        who = {"by": {"awx": {"user_name": "", "job_id": "1"}}}
        kept = _ledger_add.add(
            str(self.ledger), [{**each, **who} for each in entries], stamp(self.vault.now()), self.heads
        )
        self.problems += [kept["problem"]] if kept["problem"] else []

    def evidence(self) -> dict[str, Any]:
        """What `evidence.yml -e year=2027` makes of it."""
        looked = [_evidence.look(str(self.ledger), self.ledger.read_bytes(), "", self.heads.read(), "")]
        rows = [{"id": each.id, "name": each.workspace} for each in self.every]
        return _evidence.assemble(looked, rows, START.year, stamp(self.vault.now()))

    def _judge(self, entry: dict[str, Any]) -> None:
        told = [f"{one['state']}: {one['evidence']}" for one in entry["announcements"] if one["state"] == "failed"]
        away = OUTAGE[0] <= self.vault.now() <= OUTAGE[1]
        self.problems += [] if away else [str(each) for each in (entry["error"], *told, *entry["warnings"]) if each]

    def rotate(self, each: Installation, emergency: bool = False) -> None:
        """The app is revoked and installed again, its token staged, and rotate_bot does what it does in Vault and Slack."""
        old = self.world.installation(each.id).bot_token
        self.world.revoke(each.id)
        self.world.install(each.bot, each.workspace)
        for channel in self.registry.bots[each.bot].channels[each.workspace]:
            self.world.invite(each.id, channel)
        of = control.issued(self.world, self.world.installation(each.id))
        record = self.vault.read(self.registry.record_path(each)).data
        record["tokens"] = {"bot": {"pending": None, "previous": None}}
        self._put(self.registry.record_path(each), _records.staged(record, each.bot, "bot", of["bot_token"], of, old))
        made = [self.registry, self.store, self.slack, Choices(), each.bot, each.workspace]
        refused = _plan.make(*made)["installations"][0]["outcome"] if emergency else "refused"
        assert refused == "refused", "a rotation begins in its window alone"
        plan = _plan.make(*made, ignore_window=emergency)
        [row] = plan["installations"]
        assert row["action"] == "promote" and row["outcome"] == "rotated", row["reason"]
        given = {"installations": [row], "run_id": plan["run_id"], "keep_old": [], "revoke_old": []}
        self._tell(plan["messages"])
        promoted, retired = (verb(self, given, False) for verb in (_verbs.promoted, _verbs.retired))
        judged = {"services": [], "back": [], "restore": {}, "proven": [each.id]}
        ended = _conclude.conclude(plan, {}, judged, promoted, retired, {}, None)
        assert [one["outcome"] for one in ended] == ["rotated"]
        self._keep(_ledger_entries.of_report({**plan, "installations": ended}))
        for phase, (rows, facts) in _told.at_end(ended, []).items():
            self._tell(_announce.messages(self.registry, rows, phase, facts))
        self._judge(_calendar.close(self, each, False))
        self.rotated[each.id].append(self.vault.now())

    def _tell(self, messages: list[dict[str, Any]]) -> None:
        poster = Poster(self, False)
        for message in messages:
            told = poster.post(message)
            self.problems += [f"{message['mark']}: {told['evidence']}"] if told["state"] != "sent" else []

    def run(self) -> None:
        """Hour by hour. During the outage Slack answers nobody, and posts what it keeps all the same."""
        fault = None
        for hour in range(24 * 365):
            now = START + timedelta(hours=hour)
            self.world.clock.set(now.timestamp() + 5)
            scheduled.deliver(self.world)
            away = OUTAGE[0] <= now < OUTAGE[1]
            if away and fault is None:
                fault = self.world.faults.add(Fault("error", times=None, options={"error": "service_unavailable"}))
            elif not away and fault is not None:
                self.world.faults.clear()
            if hour % (24 * 7) == 0 or hour % (24 * 7) == 3 * 24:
                self.audit()
            if hour % (24 * 7) == 0:
                self.look()
            if now == LEAK_AT:
                self.rotate(next(each for each in self.every if each.id == LEAKED), emergency=True)
            if now.minute == 0 and now.hour in (1, 2):
                for each in self.every:
                    window = self.window(each)
                    if window and window.stands(self.vault.now()) == "open":
                        self.rotate(each)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with ThreadedSlack() as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rights, "missing", lambda *_dummy: {})  # of policies, a Vault in memory has none
        made = Year(sandbox, tmp_path_factory.mktemp("year"))
        made.run()
        yield made


def test_every_token_was_renewed_in_time(year: Year) -> None:
    assert year.oldest < LIFE and not year.problems
    assert all(year.rotated.values()), "each at least once"
    assert len(year.rotated) == 13


def test_every_channel_was_told_as_often_as_promised(year: Year) -> None:
    for each in year.every:
        channels = year.registry.bots[each.bot].channels[each.workspace]
        webhook = (year.registry.notifiers.get(each.workspace) or {}).get("webhook_path")
        name = year.registry.workspaces[each.workspace].name
        about = [one for one in year.world.messages if f"*{each.bot}*" in one.text and f"*{name}*" in one.text]
        for channel in channels[:1] if webhook else channels:
            mine = [one for one in about if one.channel_id == channel and not one.thread_ts]
            done = len(year.rotated[each.id])
            said = [text for one in mine for text in (*one.history, one.text)]
            for word, times in (("calendar", year.windows[each.id]), ("white_check_mark", done), ("arrows", done)):
                assert sum(text.startswith(f":{word}") for text in said) == times, (each.id, word)
            reminders = [one for one in mine if one.text.startswith(":alarm_clock:")]
            at = [datetime.fromtimestamp(float(one.ts), timezone.utc) for one in reminders]
            for when in year.rotated[each.id]:
                before = [when - moment for moment in at if timedelta() < when - moment < timedelta(days=9)]
                if (each.id, when) == (LEAKED, min(year.rotated[each.id])) and when - LEAK_AT < timedelta(hours=1):
                    continue  # nobody knew
                assert [round(left / timedelta(hours=1)) for left in before] == [168, 24, 1], (each.id, when)
            assert len(reminders) <= 3 * year.windows[each.id]


def test_nothing_is_left_that_would_be_posted_for_a_rotation_that_is_done(year: Year) -> None:
    waiting = [one for one in year.world.scheduled.values() if one.state == "waiting"]
    expected = {each.id: year.window(each) for each in year.every}
    texts = [one.fields["text"] for one in waiting]
    for each, (name, window) in itertools.product(texts, expected.items()):
        bot, _slash, workspace = name.partition("/")
        if f"*{bot}*" in each and f"*{year.registry.workspaces[workspace].name}*" in each:
            assert window is not None, each


def test_the_ledger_verifies_and_proves_each_renewal(year: Year) -> None:
    made = year.evidence()
    assert made["summary"]["intact"] and not made["ledgers"][0]["remarks"], _evidence.failure(made)
    assert made["ledgers"][0]["head"] == "compared with its head in Vault"
    assert made["summary"]["renewed"] == made["summary"]["installations"] == 13
    shown = _evidence_render.markdown(made)
    for row in made["installations"]:
        renewals = [each for each in row["events"] if _evidence.is_renewal(each)]
        assert [each["at"] for each in renewals] == [stamp(at) for at in year.rotated[row["id"]]]
        assert f"### {row['id']} ({row['name']}): renewed" in shown
        for each in renewals:
            old, new = each["tokens"]["bot"]["old"], each["tokens"]["bot"]["new"]
            assert {"changed", "same_identity", "scopes", "old_refused"} <= each["proofs"].keys() and old != new
            assert all(proof["result"] is not False for proof in each["proofs"].values()), row["id"]
            assert f"**{each['at']}, rotation: rotated**, {old} -> {new}" in shown


def test_each_week_was_looked_at(year: Year) -> None:
    assert len(year.evidence()["audits"]) == 52
    assert not year.found.keys() & {"dead", "identity", "drift", "half_done", "overdue", "unproven", "old_alive"}
