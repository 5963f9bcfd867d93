# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records, moves and cancels the windows of rotations, plans their reminders, and writes calendar files."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _calendar, _calendar_files, _stats, _window
from ansible_collections.botops.rotation.plugins.module_utils._announce_texts import Texts
from ansible_collections.botops.rotation.plugins.module_utils._argspec import ANNOUNCE
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, StateError
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import (
    EVERYTHING,
    LEASE_OPTION,
    Session,
    session,
)


class ActionModule(GuardedAction):
    SHARED = (*EVERYTHING, ANNOUNCE)
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {"type": "str", "choices": ["scheduled", "cancelled", "planned", "closed"], "required": True},
        "bot": {"type": "str", "required": True},
        "workspace": {"type": "str"},
        "installations": {"type": "list", "elements": "str", "default": []},
        "window": {"type": "str"},
        "zone": {"type": "str"},
        "calendar_dir": {"type": "str", "default": "reports"},
        **LEASE_OPTION,
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        selected = here.registry.select(options["bot"], options["workspace"])
        if options["installations"]:
            selected = [each for each in selected if each.id in options["installations"]]
        texts = Texts(options["announcement_templates"])
        entries = getattr(self, f"_{options['state']}")(here, selected, texts, options)
        for words in [*texts.problems, *(f"{e['installation']}: {w}" for e in entries for w in e["warnings"])]:
            self.warn(words)
        failure = "; ".join(_calendar_files.failures(entries))
        if failure and options["state"] in ("planned", "closed"):  # what they are a part of goes on
            self.warn(failure)
        result = {
            "changed": any(entry["changed"] for entry in entries),
            "windows": entries,
            "failure": failure,
        }
        if entries or options["state"] in ("scheduled", "cancelled"):
            result["table"] = _calendar_files.table(entries) if entries else "no window is recorded"
        if options["state"] in ("scheduled", "cancelled"):
            result["ansible_stats"] = _stats.of(
                "schedule",
                {"check": self.check, "windows": entries},
                success=not failure,
                outcomes={each["installation"]: "failed" if each["error"] else options["state"] for each in entries},
            )
        return result

    def _scheduled(
        self, here: Session, selected: list[Installation], texts: Texts, options: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if not options["window"]:
            raise StateError("no window is given", f"give one {_window.EXAMPLE}; or -e cancel=true")
        wanted = _window.parse(options["window"], options["zone"], here.vault.now())
        entries = []
        with here.locked(selected, self.check):
            for each in selected:
                entries.append(
                    self._one(each, lambda each=each: _calendar.schedule(here, each, wanted, texts, self.check))
                )
        return [self._file(here, entry, options, False) for entry in entries]

    def _cancelled(
        self, here: Session, selected: list[Installation], texts: Texts, options: dict[str, Any]
    ) -> list[dict[str, Any]]:
        entries = []
        with here.locked(selected, self.check):
            for each in selected:
                entries.append(self._one(each, lambda each=each: _calendar.cancel(here, each, texts, self.check)))
        return [self._file(here, entry, options, True) for entry in entries if entry["window"] or entry["error"]]

    def _planned(
        self, here: Session, selected: list[Installation], texts: Texts, options: dict[str, Any]
    ) -> list[dict[str, Any]]:
        return _calendar.plan_due(here, selected, texts, self.check)

    def _closed(
        self, here: Session, selected: list[Installation], texts: Texts, options: dict[str, Any]
    ) -> list[dict[str, Any]]:
        with here.locked(selected, self.check):
            return [self._one(each, lambda each=each: _calendar.close(here, each, self.check)) for each in selected]

    @staticmethod
    def _one(installation: Installation, act: Any) -> dict[str, Any]:
        """What became of one installation; that it failed keeps no other from its window."""
        try:
            return act()
        except RotationError as exc:
            return _calendar.entry_of(installation, error=str(exc))

    def _file(self, here: Session, entry: dict[str, Any], options: dict[str, Any], cancelled: bool) -> dict[str, Any]:
        """The entry with the path of its calendar file."""
        if self.check or not entry["window"]:
            return entry
        try:
            path, changed = _calendar_files.write(here, entry, options["calendar_dir"], cancelled)
        except RotationError as exc:
            return {**entry, "error": "; ".join(each for each in (entry["error"], str(exc)) if each)}
        return {**entry, "file": path, "changed": entry["changed"] or changed}
