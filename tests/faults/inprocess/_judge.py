# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold after a run that a fault has struck, and after the one that follows it."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._vault_auth import VaultSettings

from tests.faults._proven import without
from tests.faults.inprocess._case import Case
from tests.faults.inprocess._pipeline import Pipeline
from tests.faults.inprocess._place import Place, Setting
from tests.sandbox.tokens import fingerprint, secret_part

CALL_BOUND = VaultSettings("").deadline + 0.5  # seconds: what VaultSettings.deadline promises of each call
RUN_BOUND = 600.0  # seconds for a run, were each wait a real one and those of threads one after another
PIECE = 12
NEW = ("bot_id", "user_id", "team")  # in each case; the last is the team's name, which is for people
Result = dict[str, Any]


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbed: how many requests it made, and what it left."""

    counts: dict[str, int]
    log: list[str]
    state: dict[str, Any]
    announced: list[str]


def undisturbed(place: Place, setting: Setting, **more: Any) -> Undisturbed:
    case = Case(place, setting, **more)
    result, run = case.rotate()
    assert result["success"] or more, run.said
    found = Undisturbed(dict(place.weather.counts), list(place.weather.log), case.state(), case.announced())
    assert not case.lost()
    return found


class Watch:
    """Judges the runs of a case; `problems` holds what is wrong, each with the case's name."""

    def __init__(self, case: Case, name: str, due: Undisturbed) -> None:
        self.case, self.name, self.due = case, name, due
        self.problems: list[str] = []
        self.said: list[str] = []
        self.last: Result = {}

    def complain(self, *problems: str) -> None:
        self.problems += [f"{self.name} ({self.case.place.weather.struck}): {each}" for each in problems]

    def run(self, may_lose: bool = False, back: bool = False, **choices: Any) -> Result:
        """One run in the weather that is set: it ends in time, says clearly how, shows no secret, loses no token."""
        place = self.case.place
        began, place.slowest_call = place.clock.monotonic(), 0.0
        try:
            result, run = self.case.rotate(back, **choices)
        except Exception as error:  # noqa: BLE001 - the product would print one line, and ask for it to be reported
            where = error.__traceback__
            while where and where.tb_next:
                where = where.tb_next
            at = f"{where.tb_frame.f_code.co_filename.rpartition('/')[2]}:{where.tb_lineno}" if where else ""
            self.complain(f"a fault that it does not know: {type(error).__name__}: {error} at {at}")
            return {}
        self._judge(result, run, place.clock.monotonic() - began)
        if not may_lose:
            self.complain(*(f"lost: {each}" for each in self.case.lost()))
        self.last = result
        return result

    def _judge(self, result: Result, run: Pipeline, seconds: float) -> None:
        place, case = self.case.place, self.case
        self.said += run.said
        if place.slowest_call > CALL_BOUND:
            self.complain(f"a call took {place.slowest_call:.1f} s")
        if seconds > RUN_BOUND:
            self.complain(f"the run took {seconds:.0f} s")
        self.complain(*(f"shown: a piece of {each}" for each in _leaks(case, "\n".join([*run.said, str(result)]))))
        self.complain(*(f"posted {n} times: {text}" for text, n in Counter(case.marks()).items() if n > 1))
        if result and not result["success"]:
            words = f"{result.get('failure', '')}\n{result.get('table', '')}"
            told = re.search(r"next: |the announcement '", words) or result.get("stop", {}).get("next_step")
            self.complain(*([] if told else [f"no next step: {words!r}"]))
            self.complain(*([f"a traceback: {words!r}"] if "Traceback" in words or "Error(" in words else []))
        if case.host.carries not in (fingerprint(case.old), fingerprint(case.new)):
            self.complain(f"the service has {case.host.carries}")

    def ended(self, without_notes: bool = False) -> None:
        """All is as after an undisturbed run; an announcement that is missing was said to be."""
        case = self.case
        missing = Counter(self.due.announced) - Counter(case.announced())
        told = self._told()
        if missing and not told:
            self.complain(f"not announced, and nobody is told: {dict(missing)}")
        found, due = case.state(), dict(self.due.state)
        marks = (found["notes"] or {}).get("announcements", {})
        for mark in [each for each in marks if "/failed/" in each]:  # the run before said that it did not finish
            del marks[mark]
        if told or without_notes:
            found["notes"] = due["notes"] = None
        self.complain(*_differences("", due, found))

    def converges(self) -> None:
        """The weather is fine again: the next run ends rotated, or had nothing left to do."""
        case = self.case
        # KV v1 cannot refuse a write that comes after the run: the notes may be older, and the record is resumed again.
        beaten = bool(case.place.weather.late) and not case.record.startswith("secret/")
        for send in case.place.weather.late:
            send()
        case.place.weather.late.clear()
        before = case.snapshot()
        finished = bool(self.last.get("success")) and not (before[case.lock] or {}).get("nonce")
        case.place.weather.set()
        result = self.run()
        outcome = result.get("outcomes", {}).get("gobot/one")
        if outcome not in ("rotated", "already"):
            self.complain(f"the next run ended {outcome}: {result.get('failure')} {result.get('table')}")
        if finished and not beaten and (outcome, case.snapshot()) != ("already", before):
            self.complain("a run that ended well was not the end of it")
        self.ended(beaten)

    def converges_or_is_proven(self) -> None:
        """The same. A run has nothing to go by but what it finds: it is not made where it finds what another case had left.

        And from there the next run went well.
        """
        place = self.case.place
        found = "" if place.weather.late else self._found()
        if found in place.proven and not self.problems:
            place.as_proven += 1
            return
        self.converges()
        if found and not self.problems:
            place.proven.add(found)

    def _found(self) -> str:
        """What the next run finds, and what its judgement rests on."""
        case = self.case
        more = {
            "setting": case.setting.name,
            "announced": case.announced(),
            "told": self._told(),
            "ended well": bool(self.last.get("success")),
            "minutes": case.place.clock.off // 60,
            "tokens": sorted((each.kind, each.state) for each in case.world.tokens.values()),
        }
        return json.dumps([without(case.state(), NEW), more], sort_keys=True, default=str)

    def _told(self) -> bool:
        return any("the announcement '" in line or "not repeated" in line for line in self.said)


def _differences(where: str, due: Any, found: Any) -> Iterator[str]:
    if isinstance(due, dict) and isinstance(found, dict):
        for key in sorted(due.keys() | found.keys()):
            if key not in NEW:
                yield from _differences(f"{where}/{key}", due.get(key), found.get(key))
    elif due != found:
        yield f"{where} is {found!r}, and {due!r} is due"


def _leaks(case: Case, text: str) -> Iterator[str]:
    secrets = {case.old: "the old token", case.new: "the new token", case.notifier: "the notifier's token"}
    for value, name in secrets.items():
        part = secret_part(value)
        if any(part[at : at + PIECE] in text for at in range(len(part) - PIECE + 1)):
            yield name


class Count:
    """The cases of a test, for the table at the end; `check` makes the verdict."""

    def __init__(self, properties: list[tuple[str, Any]], row: str, place: Place) -> None:
        self.properties, self.row, self.place = properties, row, place
        self.as_proven = place.as_proven
        self.cases, self.problems, self.began = 0, [], time.monotonic()
        self.bad = 0

    def add(self, problems: list[str]) -> None:
        self.cases += 1
        self.bad += bool(problems)
        self.problems += problems

    def check(self) -> None:
        seconds = time.monotonic() - self.began
        self.properties.append(("row", [self.row, self.cases, self.bad, round(seconds, 1)]))
        self.properties.append(("ended", {"left what is proven": self.place.as_proven - self.as_proven}))
        shown = "\n".join(self.problems[:25])
        assert not self.problems, f"{self.bad} of {self.cases} cases:\n{shown}"
