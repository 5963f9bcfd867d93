# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of a rotation: reading it as ISO 8601 writes it, and what is said of it (private to the collection, pure).

A window is two instants and the zone that people think of it in: an IANA name, or an offset such as `+01:00`. Days are
days of that zone (the day before a Monday 02:00 is Sunday 02:00, whether clocks change in between), hours are hours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import StateError
from ansible_collections.botops.rotation.plugins.module_utils._lease_owner import moment, stamp

UTC = timezone.utc
GRACE = timedelta(seconds=60)  # a scheduled job may come so much before its time: two clocks are never the same
LONGEST = timedelta(days=7)
REMINDERS = {"7 days": timedelta(days=7), "1 day": timedelta(days=1), "1 hour": timedelta(hours=1)}
EXAMPLE = "such as 2027-01-15T02:00+01:00/PT1H, or 2027-01-15T02:00/PT1H with -e zone=Europe/Berlin"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DURATION = re.compile(r"P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)


@dataclass(frozen=True)
class Window:
    """`start` and `end` are in UTC. `id` stays when it is moved, `sequence` counts its moves."""

    start: datetime
    end: datetime
    zone: str
    id: str = ""
    sequence: int = 0

    @classmethod
    def of(cls, noted: Mapping[str, Any] | None) -> Window | None:
        """The window in the part `window` of the notes; None where there is none that can be read."""
        try:
            start, end = (moment(noted[key]) for key in ("start", "end"))
            return cls(start, end, str(noted["zone"]), str(noted["id"]), int(noted["sequence"]))
        except (KeyError, TypeError, ValueError):
            return None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "start": stamp(self.start),
            "end": stamp(self.end),
            "zone": self.zone,
            "sequence": self.sequence,
        }

    def stands(self, now: datetime) -> str:
        """`ahead`, `open` or `missed`."""
        if now < self.start - GRACE:
            return "ahead"
        return "open" if now < self.end else "missed"

    def same_time(self, other: Window) -> bool:
        return (self.start, self.end, self.zone) == (other.start, other.end, other.zone)

    def reminders(self) -> dict[str, datetime]:
        """When people are reminded, by how much is left then."""
        zone = zone_of(self.zone)
        local = self.start.astimezone(zone).replace(tzinfo=None)
        return {
            left: (local - before).replace(tzinfo=zone).astimezone(UTC) if before.days else self.start - before
            for left, before in REMINDERS.items()
        }

    def words(self) -> str:
        """`2027-01-15 02:00 to 03:00 Europe/Berlin (01:00 to 02:00 UTC)`."""
        there = _span(self.start, self.end, zone_of(self.zone))
        here = _span(self.start, self.end, UTC)
        day = f"{self.start:%Y-%m-%d} "
        if self.zone in ("Z", "UTC", "+00:00"):
            return f"{here} UTC"
        return f"{there} {self.zone} ({here.removeprefix(day) if there.startswith(day) else here} UTC)"

    def slack(self) -> str:
        """The same, for each reader in the reader's own zone.

        https://docs.slack.dev/messaging/formatting-message-text#date-formatting
        """
        plain = f"{self.start:%Y-%m-%d %H:%M} UTC"
        until = f"{self.end:%Y-%m-%d %H:%M} UTC"
        return (
            f"from <!date^{int(self.start.timestamp())}^{{date_long}} {{time}}|{plain}> "
            f"until <!date^{int(self.end.timestamp())}^{{date_long}} {{time}}|{until}>"
        )


def parse(text: str, zone: str | None, now: datetime) -> Window:
    """The window that `START/DURATION` or `START/END` states. Times without an offset are those of `zone`.

    StateError for what is none: with what was wrong and what would be right. An offset decides, and `zone`, where it is
    given too, is the one that the window is shown in. A local time that does not exist, or that there is twice, is refused.
    """
    first, _slash, second = text.strip().partition("/")
    found = _MOMENT.fullmatch(first.strip())
    if not found:
        raise _wrong(f"{_redact.shown(first)} is no start of a window", "")
    known = zone_of(zone) if zone else None
    start, offset = _moment(first.strip(), known, zone, None)
    name = zone or offset
    if duration := _DURATION.fullmatch(second.strip()):
        end = _later(start, zone_of(name), *(int(each or 0) for each in duration.groups()))
    elif _MOMENT.fullmatch(second.strip()):
        end, _offset = _moment(second.strip(), known, zone, offset)
    else:
        raise _wrong(f"{_redact.shown(second)} is neither a duration nor an end", "")
    if end <= start:
        raise _wrong("the window ends before it has begun, or has no length", "")
    if end - start > LONGEST:
        raise _wrong("the window is longer than 7 days, and people are told of a time that they can wait for", "")
    if end <= now:
        raise _wrong(f"the window is over: it ended {end:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC", "")
    return Window(start, end, name)


def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name, or an offset. StateError for another text."""
    if name in ("Z", "UTC"):
        return UTC
    if found := _OFFSET.fullmatch(name):
        away = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if away < timedelta(hours=24):
            return timezone(away if found[1] == "+" else -away)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise StateError(
            f"{_redact.shown(name)} is no time zone that is known here",
            "give an IANA name such as Europe/Berlin, or install tzdata where ansible-playbook runs",
        ) from None


def _moment(text: str, zone: tzinfo | None, name: str | None, inherited: str | None) -> tuple[datetime, str]:
    """The instant of `2027-01-15T02:00+01:00`, and its offset; without one that of the start, or a time of the zone."""
    day, time, offset = _MOMENT.fullmatch(text).groups()
    try:
        local = datetime.fromisoformat(f"{day}T{time}")
    except ValueError as exc:
        raise _wrong(f"there is no {_redact.shown(text)}: {exc}", "") from None
    if offset or (inherited and zone is None):
        offset = offset or inherited
        return local.replace(tzinfo=zone_of(offset)).astimezone(UTC), offset
    if zone is None:
        raise _wrong(f"{text} has no offset, and no zone is given", "")
    once, again = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if once.utcoffset() == again.utcoffset():
        return once.astimezone(UTC), ""
    shown = once.astimezone(UTC).astimezone(zone)
    if shown.replace(tzinfo=None) != local:
        raise _wrong(f"{text} does not exist in {name}: clocks are put forward over it", f"take {shown:%H:%M} or later")
    both = " or ".join(f"{text}{_offset_of(each)}" for each in (once, again))
    raise _wrong(f"{text} is twice in {name}, since clocks are put back", f"say which one: {both}")


def _later(start: datetime, zone: tzinfo, weeks: int, days: int, hours: int, minutes: int, seconds: int) -> datetime:
    local = start.astimezone(zone).replace(tzinfo=None)
    try:
        day = (local + timedelta(weeks=weeks, days=days)).replace(tzinfo=zone) if weeks or days else start
        return day.astimezone(UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise _wrong("the window does not end in time", "") from None


def _offset_of(moment: datetime) -> str:
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:]}"


def _span(start: datetime, end: datetime, zone: tzinfo) -> str:
    """`2027-01-15 02:00 to 03:00`, with the day of the end where it is another."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    same = first.date() == last.date()
    return f"{first:%Y-%m-%d %H:%M} to {last:%H:%M}" if same else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"


def _wrong(message: str, next_step: str) -> StateError:
    return StateError(message, next_step or f"give a window {EXAMPLE}")
