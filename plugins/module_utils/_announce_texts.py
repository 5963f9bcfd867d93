# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of announcements: templates of Jinja2, each of which a file of the user's may override (private, no Slack).

`PHASE.j2` is what the message says, `PHASE.thread.j2` what stands in its thread; an empty text there posts nothing. The
variables are the keys of `FACTS`; all are texts that are escaped for Slack, but for `down` and the list `lines`. A file
that cannot be used is said, and the text that is built in stands in for it: no announcement stops a rotation.
https://docs.slack.dev/messaging/formatting-message-text has the markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact

# What a template can name, with what it is while nothing is known of it.
FACTS: dict[str, Any] = {
    "bot": "",
    "workspace": "",  # its name for people
    "when": "",  # the window, in each reader's own time zone
    "before": "",  # in a message that it was moved: the window that it had
    "left": "",  # in a reminder: 7 days, 1 day or 1 hour
    "expected": "",  # the unavailability that is to be expected, such as "about 2 seconds"; empty where nobody knows
    "seconds": "",  # the unavailability that was measured, such as "0.8 s"
    "down": False,  # whether the bot is down already, its old token being dead
    "fate": "",  # of what did not end well: what becomes of the bot
    "owners": "",  # as mentions
    "contact": "",
    "lines": [],  # details
}
_DOWN = "It has been unavailable since its old token ended, and is back when its services have the new one."
_LINES = "{% for line in lines %}\n• {{ line }}{% endfor %}"
BUILT_IN = {
    "scheduled": ":calendar: *{{ bot }}* gets a new Slack token in *{{ workspace }}* {{ when }}. "
    "{% if expected %}It is expected to be unavailable for {{ expected }} then."
    "{% else %}Its services restart then.{% endif %}",
    "scheduled.thread": "{% if lines %}:calendar: What is planned:" + _LINES + "{% endif %}",
    "moved": ":calendar: *{{ bot }}* gets a new Slack token in *{{ workspace }}* {{ when }}: it was moved"
    "{% if before %}, and not {{ before }}{% endif %}."
    "{% if expected %} It is expected to be unavailable for {{ expected }} then.{% endif %}",
    "moved.thread": ":calendar: *Moved*: *{{ bot }}* gets its new token in *{{ workspace }}* {{ when }}"
    "{% if before %}, and not {{ before }}{% endif %}.",
    "cancelled": ":no_entry_sign: The new Slack token of *{{ bot }}* in *{{ workspace }}*, planned {{ when }}, was "
    "cancelled. Another time will be announced.",
    "cancelled.thread": ":no_entry_sign: *Cancelled*: *{{ bot }}* gets no new token in *{{ workspace }}* {{ when }}.",
    "reminder": ":alarm_clock: In {{ left }}: *{{ bot }}* gets a new Slack token in *{{ workspace }}* {{ when }}."
    "{% if expected %} It is expected to be unavailable for {{ expected }} then.{% endif %}",
    "started": ":arrows_counterclockwise: *{{ bot }}* gets a new Slack token in *{{ workspace }}* now. "
    "{% if down %}" + _DOWN + "{% elif expected %}Its services restart within the next minutes; it is expected to be "
    "unavailable for {{ expected }}.{% else %}Its services restart within the next minutes; what is asked of it "
    "meanwhile may go unanswered.{% endif %}",
    "started.thread": "{% if lines %}:arrows_counterclockwise: What is done now:" + _LINES + "{% endif %}",
    "reinstalling": ":hourglass_flowing_sand: *{{ bot }}* gets a new Slack token in *{{ workspace }}* now. It is "
    "unavailable until its app has been installed again there, and its services have the token.",
    "done": ":white_check_mark: *{{ bot }}* has its new Slack token in *{{ workspace }}*, and is available."
    "{% if seconds %} It was unavailable for {{ seconds }} in this run.{% endif %}",
    "done.thread": "{% if lines %}:white_check_mark: What was done and proven:" + _LINES + "{% endif %}",
    "returning": ":leftwards_arrow_with_hook: *{{ bot }}* goes back to its old Slack token in *{{ workspace }}* now. "
    "Its services restart within the next minutes.",
    "returned": ":white_check_mark: *{{ bot }}* is on its old Slack token in *{{ workspace }}* again, and is available."
    "{% if seconds %} It was unavailable for {{ seconds }} in this run.{% endif %}",
    "failed": ":warning: The renewal of *{{ bot }}*'s Slack token in *{{ workspace }}* did not finish. {{ fate }}",
    "failed.thread": "{% if lines %}:warning: What did not end well:" + _LINES + "{% endif %}",
}
PHASES = tuple(name for name in BUILT_IN if not name.endswith(".thread"))
LONGEST = 2900  # of a section Slack takes 3,000 characters; escaping is done by then


class Texts:
    """The templates in force. `problems`: what is wrong with the user's own, a line each."""

    def __init__(self, directory: str | None = None) -> None:
        from jinja2 import StrictUndefined  # Ansible's own, on the controller alone
        from jinja2.sandbox import SandboxedEnvironment

        self.problems: list[str] = []
        self._environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        self._own: dict[str, Any] = {}
        if directory:
            self._read(Path(directory).expanduser())

    def _read(self, folder: Path) -> None:
        found = sorted(folder.glob("*.j2")) if folder.is_dir() else []
        if not found:
            self.problems.append(f"botops_announcement_templates: there is no template (such as done.j2) in {folder}")
        for path in found:
            name = path.name.removesuffix(".j2")
            if name.removesuffix(".thread") not in PHASES:
                self.problems.append(f"{path} is of no phase; there are {', '.join(PHASES)}, each with .thread, too")
                continue
            try:
                template = self._environment.from_string(path.read_text(encoding="utf-8"))
                template.render(FACTS)
                self._own[name] = template
            except Exception as exc:  # noqa: BLE001 - a template is a program of the user's
                self.problems.append(
                    f"{path} cannot be used, so the text that is built in is: {type(exc).__name__}: {exc}"
                )

    def render(self, name: str, facts: Mapping[str, Any]) -> str:
        """The text of a phase, or of its thread (`PHASE.thread`); empty where there is no template."""
        known = {**FACTS, **facts}
        if name in self._own:
            try:
                return self._finished(self._own[name].render(known))
            except Exception as exc:  # noqa: BLE001 - a template is a program of the user's
                self.problems.append(f"{name}.j2 cannot be used with {known['bot']}: {type(exc).__name__}: {exc}")
        template = BUILT_IN.get(name)
        return self._finished(self._environment.from_string(template).render(known)) if template else ""

    @staticmethod
    def _finished(text: str) -> str:
        text = _redact.text(text.strip())
        return text if len(text) <= LONGEST else text[:LONGEST].rpartition("\n" if "\n" in text else " ")[0] + " ..."


def escaped(text: str) -> str:
    """A text that means nothing to Slack: no mention, no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mention(name: str) -> str:
    """A person, a group or a channel by its id in Slack is mentioned; any other name is a word.

    https://docs.slack.dev/messaging/formatting-message-text has the forms.
    """
    found = re.fullmatch(r"([UWBSCG])[A-Z0-9]{2,}", name)
    if not found:
        return escaped(name)
    sign = {"S": "!subteam^", "C": "#"}.get(found[1], "@")
    return f"<{sign}{name}>"


def about(seconds: float | None) -> str:
    """An unavailability that is to be expected, in words; empty for None."""
    if seconds is None:
        return ""
    whole = max(1, -int(-seconds // 1))
    if whole < 90:
        return f"about {whole} second{'' if whole == 1 else 's'}"
    return f"about {-(-whole // 60)} minutes"
