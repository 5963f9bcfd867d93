# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window as a calendar file, iCalendar of RFC 5545 with the methods of RFC 5546 (private to the collection, pure).

The UID stays when a window is moved or cancelled and SEQUENCE rises, so that a calendar that has taken the file once
changes its entry. Times are in UTC, which needs no VTIMEZONE; calendars show them in their owner's zone.
"""

from __future__ import annotations

from datetime import datetime

from ansible_collections.botops.rotation.plugins.module_utils._window import Window

PRODUCT = "-//botops.rotation//Ansible collection//EN"
_OCTETS = 75  # of a line, without its end: RFC 5545, 3.1


def render(window: Window, bot: str, workspace: str, now: datetime, contact: str = "", cancelled: bool = False) -> str:
    """The file. `workspace` is a name for people, `contact` too."""
    summary = f"{bot}: new Slack token in {workspace}"
    about = f"The Slack token of {bot} in {workspace} is renewed, and its services restart."
    about += f" Questions: {contact}" if contact else ""
    # A published event has an organizer (RFC 5546, 3.2.1), and of a contact in Slack there is no mail address.
    organizer = f"ORGANIZER;CN={_parameter(contact or 'botops.rotation')}:invalid:nomail"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        f"METHOD:{'CANCEL' if cancelled else 'PUBLISH'}",
        "BEGIN:VEVENT",
        f"UID:{window.id}@botops-rotation",
        f"SEQUENCE:{window.sequence + cancelled}",
        f"DTSTAMP:{_stamp(now)}",
        f"DTSTART:{_stamp(window.start)}",
        f"DTEND:{_stamp(window.end)}",
        f"SUMMARY:{_text(summary)}",
        f"DESCRIPTION:{_text(about)}",
        organizer,
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) for line in lines)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """RFC 5545, 3.3.11."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n"), ("\r", "\\n")):
        value = value.replace(plain, written)
    return "".join(each for each in value if (each >= " " and each != "\x7f") or each == "\t")


def _parameter(value: str) -> str:
    """A quoted parameter: RFC 5545, 3.2, knows no escape for a quotation mark."""
    return '"' + "".join(each for each in value.replace('"', "'") if each >= " " and each != "\x7f") + '"'


def _folded(line: str) -> str:
    """The line and its end, in pieces of at most 75 octets that break no character: RFC 5545, 3.1."""
    pieces, piece = [], ""
    for each in line:
        if len((piece + each).encode()) > _OCTETS - bool(pieces):
            pieces.append(piece)
            piece = ""
        piece += each
    return "\r\n ".join([*pieces, piece]) + "\r\n"
