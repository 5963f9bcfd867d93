# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A row of the audit for each variable of each service: whose token it has, in its file and in its processes (private, pure).

The words for both: current, pending, previous (one that was current before), other installation, unknown (in no place
that the registry knows), missing, unreadable; for processes also not running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _hosts, _redact
from ansible_collections.botops.rotation.plugins.module_utils._audit_read import Found
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry, Service

Row = dict[str, Any]
Answer = Mapping[str, Any]  # what service_env gave for a host
DRIFT = ("previous", "pending", "other installation", "unknown")
STAGES = {"current": "the current", "pending": "the pending", "previous": "the previous"}
_EMPTY: Mapping[str, Any] = {}


@dataclass
class Tokens:
    """Every token that Vault and its records know, by fingerprint: (token key, stage, words)."""

    places: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    current: dict[str, str | None] = field(default_factory=dict)  # by token key, as far as it could be read
    previous: dict[str, str] = field(default_factory=dict)  # by token key, the last one that was current before

    @classmethod
    def of(cls, installations: Iterable[Found]) -> Tokens:
        tokens = cls()
        for found in installations:
            for name in found.installation.tokens:
                stored = found.stored(name)
                if name not in found.errors:
                    tokens.current[f"{found.installation.id}/{name}"] = stored.fingerprint if stored else None
            for name, stage, stored in found.held:
                tokens._add(stored.fingerprint, f"{found.installation.id}/{name}", stage, f"{STAGES[stage]} token")
            for entry in reversed(found.record.history):
                tokens._add_past(found.installation.id, entry)
        return tokens

    def _add_past(self, installation: str, entry: Mapping[str, Any]) -> None:
        """What an entry of a record's history tells."""
        changed, at = entry.get("tokens"), entry.get("at") or "an unknown time"
        for name, pair in changed.items() if isinstance(changed, Mapping) else ():
            if isinstance(pair, Mapping):
                key = f"{installation}/{name}"
                self._add(str(pair.get("old") or ""), key, "previous", f"an old token, replaced at {at}")
                self._add(str(pair.get("new") or ""), key, "previous", f"the new token of the rotation of {at}")

    def _add(self, fingerprint: str, key: str, stage: str, words: str) -> None:
        if stage == "previous" and fingerprint:
            self.previous.setdefault(key, fingerprint)
        places = self.places.setdefault(fingerprint, [])
        if not any(place[:2] == (key, stage) for place in places):
            places.append((key, stage, words))

    def name(self, fingerprint: str, key: str) -> tuple[str, str]:
        """(one of the words above, words for people) for what a service has that is to have the token `key`."""
        places = self.places.get(fingerprint, [])
        for stage in STAGES:
            for place in places:
                if place[:2] == (key, stage):
                    return stage, place[2]
        if places:
            other, _stage, words = min(places, key=lambda place: list(STAGES).index(place[1]))
            return "other installation", f"{words} of {other}"
        return "unknown", "a token that is nowhere in Vault"


def rows(registry: Registry, keys: set[str], tokens: Tokens, answers: Mapping[str, Answer]) -> list[Row]:
    """The rows of all variables that are to have one of `keys`, in the order of hosts and services."""
    found = []
    for host, services in by_host(registry, keys).items():
        answer = answers.get(host, _EMPTY)
        files = answer.get("files") or _EMPTY
        said = {
            each["name"]: {**each, "missing": files.get(each["env_file"], _EMPTY).get("missing")}
            for each in answer.get("services") or ()
        }
        for service in services:
            for variable, reference in service.options["env"].items():
                key = _hosts.key(reference)
                if key in keys:
                    found.append(_row(service, variable, key, tokens, said.get(service.name)))
    return _redact.clean(found)


def by_host(registry: Registry, keys: set[str]) -> dict[str, list[Service]]:
    """Host -> its services that use one of the tokens."""
    hosts: dict[str, list[Service]] = {}
    for service in registry.services:
        if any(_hosts.key(reference) in keys for reference in service.options["env"].values()):
            hosts.setdefault(service.host, []).append(service)
    return hosts


def _row(service: Service, variable: str, key: str, tokens: Tokens, said: Answer | None) -> Row:
    current = tokens.current.get(key)
    row = {
        "host": service.host,
        "service": service.name,
        "variable": variable,
        "installation": key.rpartition("/")[0],
        "token": key.rpartition("/")[2],
        "env_file": service.options["env_file"],
        "file": None,
        "process": [],
        "current": current,
        "previous": tokens.previous.get(key),
        "stands": "unreadable",
        "runs": "unreadable",
        "drift": False,
        "evidence": "nothing is known of its host",
    }
    if said is None:
        return row
    shown = said["variables"].get(variable) or {"file": None, "problem": "it was not looked at", "process": []}
    stands, in_file = _stands(said, shown, key, tokens)
    runs, in_process = _runs(said, shown, key, tokens, (stands, in_file))
    known = key in tokens.current
    row.update(file=shown["file"], process=list(shown["process"]), stands=stands, runs=runs)
    row["drift"] = known and (stands in (*DRIFT, "missing") or runs in DRIFT)
    row["evidence"] = f"file: {in_file}; process: {in_process}"
    if not known:
        row["evidence"] += "; what is current could not be read"
    return row


def _stands(said: Answer, shown: Mapping[str, Any], key: str, tokens: Tokens) -> tuple[str, str]:
    """What the file has."""
    if said["error"]:
        return "missing" if said.get("missing") else "unreadable", said["error"]
    if shown["file"]:
        word, words = tokens.name(shown["file"], key)
        return word, f"{shown['file']}, {words}"
    return "missing", shown["problem"] or "it has no value for it"


def _runs(said: Answer, shown: Mapping[str, Any], key: str, tokens: Tokens, file: tuple[str, str]) -> tuple[str, str]:
    """What the processes have: the worst of them counts. Where none shows it, the service's own proof."""
    named = {each: tokens.name(each, key) for each in shown["process"]}
    if named:
        worst = max(named, key=lambda each: (("current", *DRIFT).index(named[each][0]), each))
        return named[worst][0], ", ".join(f"{each}, {words}" for each, (_word, words) in named.items())
    if said["active"] is False:
        return "not running", said["evidence"] or "it does not run"
    if said["same"] == "yes" and shown["file"]:
        return file[0], f"the same ({said['evidence']})"
    if said["same"] == "no":
        return "unknown", f"another than in the file ({said['evidence']})"
    return "unreadable", said["evidence"] or "it shows none"


def unexplained(registry: Registry, tokens: Tokens, answers: Mapping[str, Answer]) -> list[Row]:
    """The tokens in environment files that no service of the registry takes from there: by whatever name, also in comments."""
    explained: dict[tuple[str, str], set[str]] = {}
    effective: dict[tuple[str, str, str], set[str]] = {}  # of the variables that were looked at
    for service in registry.services:
        explained.setdefault((service.host, service.options["env_file"]), set()).update(service.options["env"])
    for host, answer in answers.items():
        for each in answer.get("services") or ():
            for name, shown in each["variables"].items():
                effective.setdefault((host, each["env_file"], name), set()).add(shown["file"])
    found = []
    for host, answer in answers.items():
        for path, seen in (answer.get("files") or _EMPTY).items():
            for token in seen["tokens"]:
                known = token["variable"] in explained.get((host, path), ())
                counts = effective.get((host, path, token["variable"]), {token["fingerprint"]})
                if not known or token["fingerprint"] not in counts:
                    found.append(_stray(host, path, token, tokens, known))
    return _redact.clean(found)


def _stray(host: str, path: str, token: Mapping[str, Any], tokens: Tokens, known: bool) -> Row:
    name, line = token["variable"], f"line {token['line']}"
    _word, whose = tokens.name(token["fingerprint"], "")
    return {
        "host": host,
        "env_file": path,
        "variable": f"{name} ({line}, which does not count)" if known else name or line,
        "fingerprint": token["fingerprint"],
        "kind": token["kind"],
        "whose": whose,
    }


def hosts(wanted: Iterable[str], answers: Mapping[str, Answer | None]) -> list[Row]:
    """Which hosts answered, and why the others did not."""
    found = []
    for host in wanted:
        answer = answers.get(host)
        if answer is None:
            evidence = "it was left out (--limit), or the run did not come to it"
        elif answer.get("services") is not None and not answer.get("failed"):
            evidence = "it answered"
        else:
            evidence = str(answer.get("msg") or "it did not answer").strip()
        found.append({"host": host, "reached": evidence == "it answered", "evidence": _redact.text(evidence)})
    return found
