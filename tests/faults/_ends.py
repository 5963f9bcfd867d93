# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run that did not go well has to end: its report, and what is then in Vault, in files and in processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e._world import carried
from tests.faults._judge import Reference, harm
from tests.faults._runs import Case
from tests.faults._setting import SPECS, Setting
from tests.faults.test_kill_way_back import not_forward
from tests.sandbox.tokens import fingerprint

HOSTS = {spec.name: spec.host for spec in SPECS}


SLOTS = {"rotated": ("", ""), "rolled_back": ("new", ""), "promoted": ("new", "old"), "restoring": ("new", "old")}
"""State of a record -> what is pending, and what previous."""


@dataclass(frozen=True)
class End:
    """Of an installation: its outcome, the state of its record, and which token is current in Vault, old or new."""

    outcome: str
    state: str
    current: str


def report(case: Case) -> dict[str, dict[str, Any]]:
    """Installation -> its row in the report of the last run."""
    newest = max((case.directory / "reports").glob("*.json"))
    return {row["id"]: row for row in json.loads(newest.read_text(encoding="utf-8"))["installations"]}


def differences(case: Case, ends: Mapping[str, End], words: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What is not as it is due. `words`: service -> installation -> old or new, which its file and process have."""
    setting, bao, rows = case.setting, case.setting.sandbox.bao, report(case)
    for each, due in ends.items():
        record = bao.get(setting.beside(each)[0]) or {}
        slots = tuple(
            _word(setting, each, record["tokens"]["bot"][slot] and record["tokens"]["bot"][slot]["token"])
            for slot in ("pending", "previous")
        )
        current = _word(setting, each, (bao.get(setting.path(each)) or {}).get("value"))
        found = End(rows[each]["outcome"], record["state"], current)
        if found != due:
            yield f"{each}: {found}, due is {due}"
        if slots != SLOTS[due.state]:
            yield f"{each}: pending and previous are {slots}"
    for spec in SPECS:
        tokens = {each: getattr(setting, word)[each] for each, word in words[spec.name].items()}
        if Path(setting.sandbox.service(spec.name).env_file).read_text(encoding="utf-8") != spec.env_file(tokens):
            yield f"the file of {spec.name} is not as with {words[spec.name]}"
        prints = {name: fingerprint(tokens[each]) for name, each in spec.variables.items()}
        if carried(setting.sandbox, spec.name) != prints:
            yield f"the process of {spec.name} does not have {words[spec.name]}"


def _word(setting: Setting, installation: str, token: str | None) -> str:
    named = {setting.old[installation]: "old", setting.new[installation]: "new", None: ""}
    return named.get(token, "another")


def go_forward(case: Case, due: Reference) -> None:
    """What failed has been mended: a rerun, now without a way back, ends as if nothing had ever failed."""
    case.setting.set_old("revoked")
    done = case.run("rerun")
    wrong = [*not_forward(case, due), *harm(case)]
    assert not done.status and not wrong, "\n".join([*wrong, repr(done)])
    case.end()
