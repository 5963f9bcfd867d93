# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows are read as people mean them: clock changes, leap days, midnight, New Year, and clocks that differ."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._window import GRACE, Window, parse, zone_of
from hypothesis import given
from hypothesis import strategies as st

UTC = timezone.utc
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


READ = {
    "an offset": ("2027-01-15T02:00+01:00/PT1H", None, "2027-01-15T01:00", "2027-01-15T02:00"),
    "UTC": ("2027-01-15T02:00Z/PT90M", None, "2027-01-15T02:00", "2027-01-15T03:30"),
    "an end, whose offset is that of the start": (
        "2027-01-15T02:00+01:00/2027-01-15T04:30",
        None,
        "2027-01-15T01:00",
        "2027-01-15T03:30",
    ),
    "an end with another offset": (
        "2027-01-15T02:00+01:00/2027-01-15T03:00Z",
        None,
        "2027-01-15T01:00",
        "2027-01-15T03:00",
    ),
    "half an hour off": ("2027-01-15T02:00+05:30/PT1H", None, "2027-01-14T20:30", "2027-01-14T21:30"),
    "winter in Berlin": ("2027-01-15T02:00/PT1H", "Europe/Berlin", "2027-01-15T01:00", "2027-01-15T02:00"),
    "summer in Berlin": ("2027-07-15T02:00/PT1H", "Europe/Berlin", "2027-07-15T00:00", "2027-07-15T01:00"),
    "summer in Sydney": ("2027-01-15T02:00/PT1H", "Australia/Sydney", "2027-01-14T15:00", "2027-01-14T16:00"),
    "over the hour that is skipped": ("2027-03-28T01:30/PT1H", "Europe/Berlin", "2027-03-28T00:30", "2027-03-28T01:30"),
    "to the wall clock's end, an hour less": (
        "2027-03-28T01:30/2027-03-28T03:30",
        "Europe/Berlin",
        "2027-03-28T00:30",
        "2027-03-28T01:30",
    ),
    "over the hour that is twice": (
        "2027-10-31T01:30/2027-10-31T03:30",
        "Europe/Berlin",
        "2027-10-30T23:30",
        "2027-10-31T02:30",
    ),
    "the second of the two": ("2027-10-31T02:30+01:00/PT1H", "Europe/Berlin", "2027-10-31T01:30", "2027-10-31T02:30"),
    "a day that has 23 hours": ("2027-03-27T12:00/P1D", "Europe/Berlin", "2027-03-27T11:00", "2027-03-28T10:00"),
    "a day that has 25 hours": ("2027-10-30T12:00/P1D", "Europe/Berlin", "2027-10-30T10:00", "2027-10-31T11:00"),
    "24 hours are 24 hours": ("2027-03-27T12:00/PT24H", "Europe/Berlin", "2027-03-27T11:00", "2027-03-28T11:00"),
    "a leap day": ("2028-02-29T02:00Z/PT1H", None, "2028-02-29T02:00", "2028-02-29T03:00"),
    "into a leap day": ("2028-02-28T23:30Z/PT1H", None, "2028-02-28T23:30", "2028-02-29T00:30"),
    "across midnight": ("2027-01-15T23:30+01:00/PT2H", None, "2027-01-15T22:30", "2027-01-16T00:30"),
    "across New Year": ("2026-12-31T23:30/PT1H", "America/New_York", "2027-01-01T04:30", "2027-01-01T05:30"),
    "a week": ("2027-01-15T02:00Z/P1W", None, "2027-01-15T02:00", "2027-01-22T02:00"),
    "blanks, and a blank for the T": (" 2027-01-15 02:00Z / PT1H ", None, "2027-01-15T02:00", "2027-01-15T03:00"),
}


@pytest.mark.parametrize("case", READ)
def test_read_as_meant(case: str) -> None:
    text, zone, start, end = READ[case]
    window = parse(text, zone, NOW)
    assert (window.start, window.end) == (utc(start), utc(end))
    assert Window.of({**window.to_dict(), "id": "w"}) == Window(window.start, window.end, window.zone, "w")


REFUSED = {
    "no offset and no zone": ("2027-01-15T02:00/PT1H", None, "has no offset, and no zone is given"),
    "skipped": ("2027-03-28T02:30/PT1H", "Europe/Berlin", "does not exist in Europe/Berlin"),
    "twice": ("2027-10-31T02:30/PT1H", "Europe/Berlin", "is twice in Europe/Berlin"),
    "an end that is twice": ("2027-10-31T01:30/2027-10-31T02:30", "Europe/Berlin", "is twice"),
    "a day that is skipped whole": ("2011-12-30T02:00/PT1H", "Pacific/Apia", "does not exist"),
    "no leap year": ("2027-02-29T02:00Z/PT1H", None, "there is no"),
    "hour 24": ("2027-01-15T24:00Z/PT1H", None, "there is no"),
    "no such offset": ("2027-01-15T02:00+25:00/PT1H", None, "no time zone"),
    "over": ("2026-11-24T10:00Z/PT1H", None, "the window is over: it ended 2026-11-24 11:00 UTC"),
    "backwards": ("2027-01-15T02:00Z/2027-01-15T01:00Z", None, "ends before"),
    "no length": ("2027-01-15T02:00Z/PT0S", None, "no length"),
    "an empty duration": ("2027-01-15T02:00Z/P", None, "no length"),
    "too long": ("2027-01-15T02:00Z/P8D", None, "longer than 7 days"),
    "no duration": ("2027-01-15T02:00Z", None, "neither a duration nor an end"),
    "words": ("tomorrow at two", None, "is no start of a window"),
    "nothing": ("", None, "is no start of a window"),
    "no such zone": ("2027-01-15T02:00/PT1H", "Europe/Bonn", "no time zone that is known here"),
    "a path as zone": ("2027-01-15T02:00/PT1H", "../../etc/passwd", "no time zone that is known here"),
    "the end of time": ("9999-12-31T23:30Z/PT23H", None, "does not end in time"),
    "a month": ("2027-01-15T02:00Z/P1M", None, "neither a duration nor an end"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_what_would_be_right(case: str) -> None:
    text, zone, words = REFUSED[case]
    with pytest.raises(StateError) as caught:
        parse(text, zone, NOW)
    assert words in caught.value.message and caught.value.next_step


def test_what_is_twice_is_offered_both_ways() -> None:
    with pytest.raises(StateError, match="02:30\\+02:00 or 2027-10-31T02:30\\+01:00"):
        parse("2027-10-31T02:30/PT1H", "Europe/Berlin", NOW)


def test_a_window_that_has_begun_may_still_be_recorded() -> None:
    assert parse("2026-11-24T11:30Z/PT1H", None, NOW).stands(NOW) == "open"


REMINDED = {
    "no clock change": (
        "2027-01-15T02:00/PT1H",
        "Europe/Berlin",
        "2027-01-08T01:00",
        "2027-01-14T01:00",
        "2027-01-15T00:00",
    ),
    "put forward in between": (
        "2027-03-29T02:00/PT1H",
        "Europe/Berlin",
        "2027-03-22T01:00",
        "2027-03-28T01:00",
        "2027-03-28T23:00",
    ),
    "put back in between": (
        "2027-10-31T12:00/PT1H",
        "Europe/Berlin",
        "2027-10-24T10:00",
        "2027-10-30T10:00",
        "2027-10-31T10:00",
    ),
    "an offset knows no change": (
        "2027-03-29T02:00+02:00/PT1H",
        None,
        "2027-03-22T00:00",
        "2027-03-28T00:00",
        "2027-03-28T23:00",
    ),
    "the day after a leap day": (
        "2028-03-01T02:00Z/PT1H",
        None,
        "2028-02-23T02:00",
        "2028-02-29T02:00",
        "2028-03-01T01:00",
    ),
    "New Year": ("2027-01-01T00:30Z/PT1H", None, "2026-12-25T00:30", "2026-12-31T00:30", "2026-12-31T23:30"),
}


@pytest.mark.parametrize("case", REMINDED)
def test_reminders_are_days_of_the_zone_and_hours_of_the_clock(case: str) -> None:
    text, zone, *due = REMINDED[case]
    assert list(parse(text, zone, NOW).reminders().values()) == [utc(each) for each in due]


WORDS = {
    "2027-01-15T02:00/PT1H": "2027-01-15 02:00 to 03:00 Europe/Berlin (01:00 to 02:00 UTC)",
    "2027-01-15T00:30/PT1H": "2027-01-15 00:30 to 01:30 Europe/Berlin (2027-01-14 23:30 to 2027-01-15 00:30 UTC)",
    "2026-12-31T23:30/PT1H": "2026-12-31 23:30 to 2027-01-01 00:30 Europe/Berlin (22:30 to 23:30 UTC)",
}


@pytest.mark.parametrize("text", WORDS)
def test_said_in_its_zone_and_in_utc(text: str) -> None:
    assert parse(text, "Europe/Berlin", NOW).words() == WORDS[text]


def test_said_once_where_the_zone_is_utc() -> None:
    assert parse("2027-01-15T02:00Z/PT1H", None, NOW).words() == "2027-01-15 02:00 to 03:00 UTC"


def test_slack_shows_each_reader_the_own_time() -> None:
    said = parse("2027-01-15T02:00+01:00/PT1H", None, NOW).slack()
    assert f"<!date^{int(utc('2027-01-15T01:00').timestamp())}^" in said and "|2027-01-15 01:00 UTC>" in said


def test_clocks_may_differ_by_a_minute_at_the_start_and_not_at_the_end() -> None:
    window = parse("2027-01-15T02:00Z/PT1H", None, NOW)
    second = timedelta(seconds=1)
    stands = {
        "ahead": window.start - GRACE - second,
        "open": window.start - GRACE,
        "missed": window.end,
    }
    assert {name: window.stands(at) for name, at in stands.items()} == {name: name for name in stands}
    assert window.stands(window.end - second) == "open"


@pytest.mark.parametrize(
    "noted", [None, {}, {"start": "soon"}, {"start": 1, "end": 2, "zone": "Z", "id": "w", "sequence": 0}, "x"]
)
def test_notes_that_say_nothing_are_no_window(noted: object) -> None:
    assert Window.of(noted) is None  # type: ignore[arg-type]


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC", "+05:45"]


@given(st.datetimes(datetime(2026, 12, 1), datetime(2040, 1, 1)), st.sampled_from(ZONES), st.integers(1, 6 * 1440))
def test_whatever_is_read_is_that_time_there(local: datetime, name: str, minutes: int) -> None:
    """Either it is refused, since there is no or more than one such time, or the zone's clock shows what was written."""
    local = local.replace(second=0, microsecond=0)
    zone = zone_of(name)
    try:
        window = parse(f"{local:%Y-%m-%dT%H:%M}/PT{minutes}M", name, NOW)
    except StateError as exc:
        assert isinstance(zone, ZoneInfo) and ("twice" in exc.message or "does not exist" in exc.message)
        return
    assert window.start.astimezone(zone).replace(tzinfo=None) == local
    assert window.end - window.start == timedelta(minutes=minutes)
    for left, at in window.reminders().items():
        assert at < window.start
        if left != "1 hour":
            there = at.astimezone(zone).replace(tzinfo=None)
            assert abs((local - there) - timedelta(days=int(left.split()[0]))) <= timedelta(hours=1)
