# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rotate_bot with the strategy reinstall is killed around the revoke and the installation, and run again at once, while
somebody clicks on whichever page is open. Each step of it is in inprocess/test_reinstall; here are the processes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults._judge import Reference, announcements, problems, state
from tests.faults._runs import Case, Done
from tests.faults._setting import BOT, Setting
from tests.integration._install import Person
from tests.sandbox import Sandbox

REVOKE, WAIT = "Revoke the old tokens", "Wait for the installation of the app"
POINTS = (("main", "start", REVOKE), ("all", "end", REVOKE), ("main", "start", WAIT), ("all", "end", WAIT))


class Reinstalling(Setting):
    """The bot's tokens live and are in use; `new` is what Slack has issued since."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, 1)
        bots = sandbox.registry["botops_bots"]
        bots[BOT]["strategy"] = "reinstall"
        self._directory.mkdir(parents=True, exist_ok=True)
        file = self._directory / "strategy.json"
        file.write_text(json.dumps({"botops_bots": bots}), encoding="utf-8")
        self.extra = ["-e", f"@{file}", "-e", f"confirm_revoke={BOT}"]
        self._channels = {each: sandbox.slack.memberships(each) for each in self.installations}

    @property
    def new(self) -> dict[str, str]:
        issued = {each: self.sandbox.slack.installation(each)["bot_token"] for each in self.installations}
        return {each: token for each, token in issued.items() if token and token != self.old.get(each)}

    @new.setter
    def new(self, _value: dict[str, str]) -> None:
        """It comes of the runs."""

    def beside(self, installation: str) -> list[str]:
        return [*super().beside(installation), self.path(installation) + "_install"]

    def begin(self, old: str = "live") -> None:
        for each in self.installations:
            self.old[each] = self.sandbox.slack.installation(each)["bot_token"]
            for path in self.beside(each):
                self.sandbox.bao.request("DELETE", path)
            for channel in set(self._channels[each]) - set(self.sandbox.slack.memberships(each)):
                self.sandbox.slack.invite(each, channel)
        self.give_services(self.old)

    def ended(self) -> int:
        """How many bot tokens of the bot are dead."""
        app = self.sandbox.registry["botops_bots"][BOT]["app_id"]
        tokens = [one for one in self.sandbox.slack.tokens() if (one["app_id"], one["kind"]) == (app, "bot")]
        return sum(one["state"] != "live" for one in tokens)


@contextmanager
def somebody_clicks(case: Case, name: str) -> Iterator[None]:
    """Whatever the page of a run waits for is installed, as long as there is a page."""
    log, ended = case.directory / f"{name}.log", threading.Event()

    def click() -> None:
        while not ended.wait(0.1):
            text = log.read_text(encoding="utf-8") if log.exists() else ""
            link = next((line.split()[-1] for line in text.splitlines() if " here: " in line), "")
            try:
                person = Person(link) if link else None
                for each in case.setting.installations if person else ():
                    if "waiting" in person.state(each.partition("/")[2]).lower():
                        person.install(each.partition("/")[2])
            except (OSError, ValueError, AssertionError):
                continue  # the page is gone, or was about to go
            if person:
                return

    thread = threading.Thread(target=click, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)


def run(case: Case, name: str) -> Done:
    with somebody_clicks(case, name):
        return case.run(name)


@pytest.fixture(scope="module")
def reinstalling() -> Iterator[Reinstalling]:
    with Sandbox(demo=False) as sandbox:
        yield Reinstalling(sandbox)


@pytest.fixture(scope="module")
def due(reinstalling: Reinstalling) -> Reference:
    case = Case(reinstalling)
    before = reinstalling.ended()
    done = run(case, "undisturbed")
    assert done.status == 0 and reinstalling.ended() - before == len(reinstalling.installations), done
    return Reference(state(reinstalling), announcements(case), case.events("undisturbed"))


@pytest.mark.xdist_group("faults-reinstall")
@pytest.mark.row("reinstall: controller killed around revoke and installation")
@pytest.mark.parametrize(("mode", "kind", "task"), POINTS, ids=["-".join(each).replace(" ", "_") for each in POINTS])
def test_killed_and_run_again(mode: str, kind: str, task: str, reinstalling: Reinstalling, due: Reference) -> None:
    case, before = Case(reinstalling), reinstalling.ended()
    number = next(event.number for event in due.events if (event.kind, event.task) == (kind, task))
    with somebody_clicks(case, "killed"), case.killed(mode, number) as killed:
        assert killed.said.get("killed"), killed.said
        done = run(case, "rerun")
        assert killed.gone(), "orphans had to be killed"
    wrong = problems(case, due, done, in_flight=mode != "all")
    if reinstalling.ended() - before != len(reinstalling.installations):
        wrong.append(f"{reinstalling.ended() - before} tokens were ended, and each installation had one")
    assert not wrong, "\n".join([*wrong, repr(done)])
    case.end()
