# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what a credential is and how its kind is renewed, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from ansible_collections.botops.rotation.plugins.module_utils import _guide, _guided, _named
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError, TokenError
from ansible_collections.botops.rotation.plugins.module_utils._registry import Installation, Registry
from ansible_collections.botops.rotation.plugins.plugin_utils import _input
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction
from ansible_collections.botops.rotation.plugins.plugin_utils._session import EVERYTHING, Session, session

Found = tuple[dict[str, Any], _guide.Place]


class ActionModule(GuardedAction):
    SHARED = EVERYTHING
    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = {
        "bot": {"type": "str"},
        "workspace": {"type": "str"},
        "kind": {"type": "str", "choices": list(_guide.GUIDES)},
        "token_file": {"type": "str", "no_log": False},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        here = session(self, options)
        if options["kind"]:
            found: list[Found] = []
            wanted = [(options["kind"], self._place(here, options))]
        else:
            named = options["bot"] and options["token_file"] is None
            found = self._of_installations(here, options) if named else [self._given(here, options)]
            wanted = [(name, place) for each, place in found for name in each["guides"]]
        guides = _once([_guide.told(_guide.GUIDES[name], place) for name, place in wanted])
        shown = [each for each, _place in found]
        return {"changed": False, "credentials": shown, "guides": guides, "table": _guided.table(shown, guides)}

    def _given(self, here: Session, options: dict[str, Any]) -> Found:
        source = options["token_file"]
        if source is None:
            value = _input.ask(self._display, "Token or other secret (not shown):", "the token")
        else:
            value = _input.only_line(_input.read(source, "token", "holds nothing but the token"))
        if not value.strip():
            raise TokenError("No token was given", "give one, or name an installation: -e bot=NAME -e workspace=NAME")
        found, place = _guided.credential(
            here.slack, "the token that was given", value, here.registry_or_none(self.warn)
        )
        return found, place if place.bot else self._place(here, options, place)

    def _of_installations(self, here: Session, options: dict[str, Any]) -> list[Found]:
        found = []
        for installation in here.registry.select(options["bot"], options["workspace"]):
            found += self._stored(here, installation) or [self._nothing(here.registry, installation)]
        return found

    def _stored(self, here: Session, installation: Installation) -> list[Found]:
        """What Vault has of an installation; nothing, with a warning, where it cannot be read."""
        try:
            seen = here.store.read(installation)
        except RotationError as exc:
            self.warn(f"what Vault has of {installation.id} cannot be shown: {exc}")
            return []
        found = []
        for name, stored in seen.tokens.items():
            if stored:
                what, secret = f"the current {_named.called(name)} of {installation.id}", installation.secrets.get(name)
                told, place = _guided.credential(here.slack, what, stored.token, here.registry, secret)
                told["installation"] = installation.id
                place = _guided.placed(here.registry, installation, place)
                found.append((told, replace(place, name=name) if secret else place))
        return found

    @staticmethod
    def _nothing(registry: Registry, installation: Installation) -> Found:
        """Where no token is known: the guide of what the registry says that there should be."""
        told = {
            "what": f"the bot token of {installation.id}",
            "fingerprint": "none",
            "kind": "bot",
            "life": "unknown",
            "evidence": "none was found in Vault",
            "identity": {},
            "scopes": [],
            "installation": installation.id,
            "guides": ["bot"],
        }
        return told, _guided.placed(registry, installation, _guide.Place())

    def _place(self, here: Session, options: dict[str, Any], place: _guide.Place | None = None) -> _guide.Place:
        """The installation that was named, where one was: for links and commands."""
        place = place or _guide.Place()
        if not options["bot"]:
            return place
        selected = here.registry.select(options["bot"], options["workspace"])
        return _guided.placed(here.registry, selected[0], place) if len(selected) == 1 else place


def _once(guides: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each guide once for each place."""
    return [guide for number, guide in enumerate(guides) if guide not in guides[:number]]
