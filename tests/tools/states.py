# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.tools.states [--write]`: the diagram of a record's states, from what the state machine really does.

From the empty record every event is tried with every evidence (what is current, what Slack says, what is named by the
operator), and so on from each record that comes of it. What leads to another state is an arrow. `--write` puts the
diagram into docs/design.md.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.tools.stage import ROOT

sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.botops.rotation.plugins.module_utils import _rotation
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, State, Stored

DESIGN = ROOT / "docs/design.md"
FENCE = re.compile(r"```mermaid\nstateDiagram-v2\n.*?\n```\n", re.DOTALL)
AT = "2026-11-23T02:00:00Z"
# The kinds of tokens that a record can meet: the first one, one that is staged, another that is staged or put by hand.
TOKENS = [Stored(f"token {name}") for name in ("one", "two", "three")]
# An unknown token is neither accepted nor refused: each event asks for one of the two, so it does what one of them does.
LIVES = [
    {each.fingerprint: life for each, life in zip(TOKENS, lives)}
    for lives in itertools.product((Life.ALIVE, Life.DEAD), repeat=len(TOKENS))
]
# What is said of an arrow: where its evidence has something in common that the event's name does not tell.
NOTES = {
    ("rotated", "restore"): "old token kept",
    ("promoting", "abort"): "nothing promoted yet",
    ("promoting", "stage"): "new token dead",
    ("promoted", "stage"): "new token dead",
    ("restoring", "stage"): "new token dead",
    ("restoring", "begin"): "way back not finished",
    ("none", "adopt"): "current overwritten by hand",
    ("rotated", "adopt"): "current overwritten by hand",
    ("aborted", "adopt"): "current overwritten by hand",
    ("revoked", "adopt"): "current overwritten by hand",
}
Arrow = tuple[str, str, str]  # from, to, event


def events(record: Record) -> Iterator[tuple[str, Callable[[], Record]]]:
    """Every event with every evidence."""
    everything = frozenset(each.fingerprint for each in TOKENS)
    for current, lives in itertools.product(TOKENS, LIVES):
        now = {"bot": current}
        for new in TOKENS:
            yield "stage", lambda n=new, c=now, v=lives: _rotation.stage(record, "bot", n, c, v, "r1")
        yield "revoke", lambda c=now: _rotation.revoke(record, c, {}, "r1", AT)
        yield "revoked", lambda v=lives: _rotation.revoked(record, v)
        yield "begin", lambda c=now, v=lives: _rotation.begin(record, c, v)
        yield "promoted", lambda c=now: _rotation.promoted(record, c, AT)
        yield "adopt", lambda c=now: _rotation.adopt(record, c, "r1", AT)
        yield "restore", lambda c=now, v=lives: _rotation.restore(record, c, v)
        yield "restored", lambda c=now: _rotation.restored(record, c, AT)
        for named in (frozenset(), everything):
            yield "retire", lambda c=now, v=lives, n=named: _rotation.retire(record, c, v, AT, n)
            yield "abort", lambda c=now, v=lives, n=named: _rotation.abort(record, c, v, AT, n)


@functools.cache
def arrows() -> set[Arrow]:
    """Every change of state that there is. What does not matter for the next step (history, attempt) is left out."""
    found: set[Arrow] = set()
    seen, ahead = {_key(Record())}, [Record()]
    while ahead:
        record = ahead.pop()
        for name, event in events(record):
            try:
                after = replace(event(), history=(), attempt=1)
            except StateError:
                continue
            if after.state is not record.state:
                found.add((record.state.value, after.state.value, name))
            if _key(after) not in seen:
                seen.add(_key(after))
                ahead.append(after)
    return found


def _key(record: Record) -> str:
    return json.dumps(record.to_dict(), sort_keys=True)


def diagram() -> str:
    """Mermaid, in the order of the states."""
    order = [state.value for state in State]
    lines = ["```mermaid", "stateDiagram-v2", f"  [*] --> {order[0]}"]
    for start, end, event in sorted(
        arrows(), key=lambda arrow: (order.index(arrow[0]), order.index(arrow[1]), arrow[2])
    ):
        note = NOTES.get((start, event))
        lines.append(f"  {start} --> {end}: {event}" + (f" ({note})" if note else ""))
    return "\n".join([*lines, "```", ""])


def main() -> None:
    text = DESIGN.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        DESIGN.write_text(FENCE.sub(lambda _match: diagram(), text, count=1), encoding="utf-8")
    else:
        print(diagram(), end="")


if __name__ == "__main__":
    main()
