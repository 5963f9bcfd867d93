# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar files are what RFC 5545 and RFC 5546 say, as another reader sees them: line by line, unfolded, by property."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _calendar_ics
from ansible_collections.botops.rotation.plugins.module_utils._window import Window, parse
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
# RFC 5545, 3.1: contentline = name *(";" param) ":" value; a parameter's value is quoted, or has none of `";:,`.
LINE = re.compile(
    r'([A-Z-]+)((?:;[A-Z-]+=(?:"[^"\x00-\x08\x0a-\x1f\x7f]*"|[^";:,\x00-\x1f\x7f]*))*):([^\x00-\x08\x0a-\x1f\x7f]*)'
)
ONCE = ("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "SUMMARY", "STATUS", "ORGANIZER")  # RFC 5546, 3.2


def window(sequence: int = 0) -> Window:
    made = parse("2026-12-31T23:30/PT1H", "Europe/Berlin", NOW)
    return Window(made.start, made.end, made.zone, "window-20261231T2230Z-7f3a", sequence)


def read(text: str) -> dict[str, str]:
    """Property -> value, of a file that keeps the rules of the format."""
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "") and "\r" not in text.replace("\r\n", "")
    for line in text.split("\r\n"):
        assert len(line.encode()) <= 75, "RFC 5545, 3.1: folded"
    lines = re.sub(r"\r\n[ \t]", "", text).split("\r\n")[:-1]
    found: dict[str, list[str]] = {}
    for line in lines:
        match = LINE.fullmatch(line)
        assert match, line
        found.setdefault(match[1], []).append(match[3])
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-1] == "END:VCALENDAR"
    assert found["BEGIN"] == ["VCALENDAR", "VEVENT"] and found["END"] == ["VEVENT", "VCALENDAR"]
    assert found["VERSION"] == ["2.0"] and all(len(found[name]) == 1 for name in ONCE)
    return {name: values[0] for name, values in found.items()}


def plain(value: str) -> str:
    """A text as a calendar shows it: RFC 5545, 3.3.11."""
    return re.sub(r"\\([\\;,nN])", lambda match: {"n": "\n", "N": "\n"}.get(match[1], match[1]), value)


def test_a_window() -> None:
    found = read(_calendar_ics.render(window(), "gobot", "Data and AI (Analytics)", NOW, "OSS ciebot"))
    assert (found["DTSTART"], found["DTEND"], found["DTSTAMP"]) == (
        "20261231T223000Z",
        "20261231T233000Z",
        "20261124T120000Z",
    )
    assert (found["METHOD"], found["STATUS"], found["SEQUENCE"]) == ("PUBLISH", "CONFIRMED", "0")
    assert found["SUMMARY"] == "gobot: new Slack token in Data and AI (Analytics)"
    assert plain(found["DESCRIPTION"]).endswith("Questions: OSS ciebot")


def test_moved_and_cancelled_are_the_same_event_later() -> None:
    first, moved = (read(_calendar_ics.render(window(n), "gobot", "x", NOW)) for n in (0, 1))
    gone = read(_calendar_ics.render(window(1), "gobot", "x", NOW, cancelled=True))
    assert first["UID"] == moved["UID"] == gone["UID"]
    assert [int(each["SEQUENCE"]) for each in (first, moved, gone)] == [0, 1, 2]
    assert (gone["METHOD"], gone["STATUS"]) == ("CANCEL", "CANCELLED")


@pytest.mark.parametrize(
    "name", ["a, b; c\\d", 'the "best" bots: all', "two\nlines", "é" * 90, "日本語のワークスペース" * 9]
)
def test_any_name(name: str) -> None:
    found = read(_calendar_ics.render(window(), "gobot", name, NOW, name))
    assert plain(found["SUMMARY"]) == f"gobot: new Slack token in {name}"


@given(st.text(max_size=200))
def test_whatever_a_workspace_is_called(name: str) -> None:
    read(
        _calendar_ics.render(
            window(), "gobot", name.encode("utf-8", "replace").decode(), NOW, name.encode("utf-8", "replace").decode()
        )
    )
