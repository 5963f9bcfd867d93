# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what is there after a case, by means that are not the product's: Vault, files, processes, Slack's books."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e._world import carried
from tests.faults._proven import without
from tests.faults._runs import Case, Done, Event
from tests.faults._setting import SPECS, Setting
from tests.sandbox.tokens import fingerprint, secret_part

Secrets = dict[str, dict[str, Any]]  # as Bao.snapshot gives them
FAILED = ":warning:"  # the first word of an announcement that tells of a failure


@dataclass(frozen=True)
class Reference:
    """What an undisturbed run did, and left."""

    state: dict[str, Any]
    announcements: Counter[tuple[str, str]]
    events: list[Event]


def reference(setting: Setting) -> Reference:
    """Make an undisturbed run."""
    case = Case(setting)
    done = case.run("undisturbed")
    assert done.status == 0, done
    found = Reference(state(setting), announcements(case), case.events("undisturbed"))
    assert not problems(case, found, done), done
    return found


def problems(case: Case, due: Reference, done: Done, warned: bool = False, in_flight: bool = False) -> list[str]:
    """What is not as it has to be after a run that had to bring the case to its end; empty when all is well.

    `warned`: the run before it has ended by itself, and told people that the rotation did not finish.
    `in_flight`: an announcement may have been on its way when the run before was killed. Where nobody can find out
    whether it arrived it is not repeated; then this run has to say so, and does not end with 0.
    """
    vault = case.setting.sandbox.bao.snapshot()
    told = in_flight and in_doubt(done)
    posted = Counter({each: times for each, times in announcements(case).items() if each[1] != FAILED or not warned})
    found = [f"exit status {done.status}"] if bool(done.status) != told else []
    found += [
        each for each in _differences("", due.state, state(case.setting, vault)) if not (told and "_notes/" in each)
    ]
    found += [f"announced more than once: {each}" for each in posted - due.announcements]
    found += [f"not announced, and nobody is told: {each}" for each in due.announcements - posted if not told]
    return found + harm(case, vault)


def harm(case: Case, vault: Secrets | None = None) -> list[str]:
    """What may not be after any run. `vault` is a snapshot, where there is one already."""
    setting = case.setting
    vault = vault or setting.sandbox.bao.snapshot()
    found = [f"lost, Slack accepts it: the new token of {each}" for each in lost_tokens(setting, vault)]
    found += [f"in use, and not accepted by Slack: {each}" for each in dead_in_use(setting)]
    found += [f"locked: {each}" for each in held_locks(setting, vault)]
    found += [f"touched: {each}" for each in others_touched(case, vault)]
    return found + [f"a token is in {each}" for each in leaks(case)]


def in_doubt(done: Done) -> bool:
    """Whether a run says of an announcement that it may or may not have been posted."""
    return "whether it arrived is not known; not repeated" in done.text


def _differences(where: str, due: Any, found: Any) -> Iterator[str]:
    if isinstance(due, dict) and isinstance(found, dict):
        for key in due.keys() | found.keys():
            # Of locks `held_locks` tells, and of what was posted `announcements`; what was measured is never the same.
            if not where.endswith("_lock") and "/failed/" not in key and key != "seconds":
                yield from _differences(f"{where}/{key}", due.get(key), found.get(key))
    elif due != found:
        yield f"{where}: {found!r}, {due!r} is due"


_VOLATILE = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\b\d{8}T\d{6}Z-[a-z]+-[0-9a-f]{4}\b"), "<rotation>"),
    (re.compile(r"\b\d{10}\.\d{6}\b"), "<ts>"),
)


def state(setting: Setting, vault: Secrets | None = None) -> dict[str, Any]:
    """What a rotation leaves, without times, ids and versions, and with names for tokens: equal for equal outcomes.

    `vault` is a snapshot, where there is one already.
    """
    vault = vault or setting.sandbox.bao.snapshot()
    names = _names(setting)
    kept = {
        path: vault[path]["data"] if path in vault else None
        for each in setting.installations
        for path in (setting.path(each), setting.path(each, "user"), *setting.beside(each))
    }
    return {
        "vault": _plain(kept, names),
        "old versions": {each: _old_versions(setting, each) for each in setting.installations},
        "files": {spec.name: _plain(_file(setting, spec.name), names) for spec in SPECS},
        "beside files": sorted(
            path.name for path in (setting.sandbox.dir / "hosts").glob("*/env/*") if path.suffix != ".env"
        ),
        "services": {spec.name: _service(setting, spec.name, names) for spec in SPECS},
    }


def trace(case: Case) -> str:
    """What a run finds that comes after another one: a digest, equal where `state`, locks and announcements are.

    Not the files of the run before it: each has directories of its own.
    """
    vault = case.setting.sandbox.bao.snapshot()
    found = state(case.setting, vault)
    found["vault"] = {
        path: without(data, ("seconds",)) for path, data in found["vault"].items() if not path.endswith("_lock")
    }
    found |= {"locked": held_locks(case.setting, vault), "posted": sorted(announcements(case).items())}
    found["touched"] = others_touched(case, vault)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _names(setting: Setting) -> dict[str, str]:
    """Token or fingerprint -> what it is."""
    found = {}
    for word, tokens in (("old", setting.old), ("new", setting.new)):
        for each, token in tokens.items():
            found[token] = f"<{word} {each}>"
            found[fingerprint(token)] = f"<fingerprint of {word} {each}>"
    return found


def _plain(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_plain(key, names): _plain(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, names) for item in value]
    if isinstance(value, str):
        for secret, name in names.items():
            value = value.replace(secret, name)
        for pattern, name in _VOLATILE:
            value = pattern.sub(name, value)
    return value


def _file(setting: Setting, name: str) -> str:
    return Path(setting.sandbox.service(name).env_file).read_text(encoding="utf-8")


def _service(setting: Setting, name: str, names: dict[str, str]) -> dict[str, Any]:
    service = setting.sandbox.service(name)
    status = setting.sandbox.health(name)[0]
    try:
        tokens = _plain(carried(setting.sandbox, name), names) if service.pid else {}
    except (KeyError, OSError):  # its process is just beginning, or ends
        tokens = {}
    # STARTING is what supervisor calls the first second of one that runs.
    return {"up": service.state in ("STARTING", "RUNNING"), "health": status, "carries": tokens}


def _old_versions(setting: Setting, installation: str) -> list[int]:
    """KV v2: the versions of the record before its newest that can still be read and hold a token."""
    if setting.kv == 1:
        return []
    bao, name = setting.sandbox.bao, setting.beside(installation)[0].partition("/")[2]
    about = bao.request("GET", f"secret/metadata/{name}")[1]["data"]
    readable = [
        int(number)
        for number, version in about["versions"].items()
        if not version["destroyed"] and int(number) < about["current_version"]
    ]
    return [number for number in sorted(readable) if '"token"' in _version(setting, name, number)]


def _version(setting: Setting, name: str, number: int) -> str:
    return str(setting.sandbox.bao.request("GET", f"secret/data/{name}?version={number}")[1]).replace("'", '"')


def lost_tokens(setting: Setting, vault: Secrets) -> list[str]:
    """The installations for which Slack accepts a bot token that is nowhere in Vault."""
    stored = str(vault)
    live = {one["value"] for one in setting.sandbox.slack.tokens() if one["state"] == "live"}
    return [each for each in setting.installations if setting.new[each] in live and setting.new[each] not in stored]


def dead_in_use(setting: Setting) -> list[str]:
    """The services with a token that Slack does not accept."""
    live = {fingerprint(one["value"]) for one in setting.sandbox.slack.tokens() if one["state"] == "live"}
    return [
        spec.name
        for spec in SPECS
        if not setting.sandbox.service(spec.name).pid or set(carried(setting.sandbox, spec.name).values()) - live
    ]


def held_locks(setting: Setting, vault: Secrets) -> list[str]:
    """The installations whose lock somebody holds."""
    locks = {each: (vault.get(setting.beside(each)[1]) or {}).get("data") or {} for each in setting.installations}
    return [each for each, lock in locks.items() if lock.get("nonce")]


def announcements(case: Case) -> Counter[tuple[str, str]]:
    """How often each was posted in the case: (channel, or its threads; the first word of its text, as it is now)."""
    posted = case.setting.sandbox.slack.messages()[case.messages_before :]
    return Counter((_where(one), one["text"].partition(" ")[0]) for one in posted)


def _where(message: dict[str, Any]) -> str:
    return message["channel_id"] + (" (thread)" if message["thread_ts"] else "")


def others_touched(case: Case, now: Secrets) -> list[str]:
    """The secrets of other bots, or of gobot under the other KV version, that are not as before the case."""
    setting = case.setting
    own = {path for each in setting.installations for path in (setting.path(each), *setting.beside(each))}
    before = case.vault_before
    return sorted(path for path in now.keys() | before.keys() if path not in own and now.get(path) != before.get(path))


def leaks(case: Case, *more: Path) -> Iterator[str]:
    """The files that a case has left, with 12 characters in a row of a token's secret part."""
    pieces = pieces_of(case.setting.sandbox.tokens())
    for file in (case.directory, *more):
        for path in [file] if file.is_file() else sorted(file.rglob("*")):
            if path.is_file() and not path.is_symlink() and holds(path.read_bytes(), pieces):
                yield str(path)


def pieces_of(tokens: list[str], length: int = 12) -> set[bytes]:
    """Every piece of that length of the secret parts."""
    parts = {secret_part(token).encode() for token in tokens}
    return {part[at : at + length] for part in parts for at in range(len(part) - length + 1)}


def holds(data: bytes, pieces: set[bytes]) -> bool:
    """Whether data has one of the pieces, which are all of one length and of letters and digits."""
    length = len(next(iter(pieces)))
    words = re.findall(rb"[A-Za-z0-9]{%d,}" % length, data)
    return any(word[at : at + length] in pieces for word in words for at in range(len(word) - length + 1))
