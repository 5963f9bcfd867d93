# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks secrets in whatever leaves the process: messages, exceptions, warnings, results, logs (private to the collection).

Two nets. A secret that this process has read is *registered* and found as it is, or any 12 characters of its secret
part; in its place stands its fingerprint. A secret that nobody registered is found by its shape.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.botops.rotation.plugins.module_utils import _tokens

try:  # ansible-core 2.22 and later masks what it is told of, everywhere
    from ansible.module_utils.secrets import register_secret as _tell_ansible
except ImportError:
    _tell_ansible = None

PIECE = 12  # characters of a secret part that are never shown together
_SHORTEST = 8  # what is shorter is no secret but a word, and masking it everywhere would make messages useless

_whole: dict[str, str] = {}  # a registered secret, as it is and as others write it -> its mask
_pieces: dict[str, str] = {}  # every 12 characters of the secret parts -> the mask
_bare: dict[str, str] = {}  # those of _whole in which there is no such piece: they must be looked for one by one

_VALUE = r"[\w.~+/=%-]"
_AUTHORIZATION = re.compile(
    # After the header's name anything is a credential; a bare "bearer" may be prose.
    rf"(authorization[\"']?\s*[:=,]\s*b?[\"']?\w+(?:\s|%20|\+)+(?={_VALUE}{{4}})|bearer(?:\s|%20|\+)+(?={_VALUE}{{16}})"
    rf"|x-vault-token[\"']?\s*[:=,]\s*b?[\"']?)({_VALUE}+)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"((?:client_secret|signing_secret|verification_token|secret_id)[\"']?\s*[:=]\s*b?[\"']?)({_VALUE}{{12,}})",
    re.IGNORECASE,
)

_RUN = re.compile(r"[A-Za-z0-9+/=_-]{16,}")


def register(value: str) -> None:
    """Remember a secret of this process. Empty and very short values, and what is not text, are ignored."""
    if not isinstance(value, str):
        return
    value = str(value).strip()
    if len(value) < _SHORTEST or value in _whole:
        return
    mask = f"<token {_tokens.fingerprint(value)}>"
    for written in _spellings(_tokens.secret_part(value)):
        for start in range(len(written) - PIECE + 1):
            _pieces.setdefault(written[start : start + PIECE], mask)
    for written in _spellings(value):
        _whole[written] = mask
        if not _hits(written):
            _bare[written] = mask
    if _tell_ansible is not None:
        with contextlib.suppress(Exception):  # the second net only; this one holds without it
            _tell_ansible(value)


def text(value: str) -> str:
    """`value` with every secret masked, registered or recognised: `<token 1a2b3c4d5e6f>`, `<redacted bot token>`.

    What holds none comes back as the same object. Takes about 0.3 s for a megabyte.
    """
    masked = str(value)
    hit = bool(_hits(masked))
    known = _whole if hit else _bare  # of thousands of tokens, none is in most texts
    for secret in sorted((secret for secret in list(known) if secret in masked), key=len, reverse=True):
        masked = masked.replace(secret, known[secret])
    lowered = masked.lower()
    for name, hints, pattern in _tokens.SECRETS if _tokens.suspect(lowered) else ():
        if any(hint in lowered for hint in hints):
            masked = pattern.sub(lambda match, name=name: _piece_mask(match[0]) or f"<redacted {name}>", masked)
    if any(word in lowered for word in ("authorization", "bearer", "vault-token")):
        masked = _AUTHORIZATION.sub(_mask_second, masked)
    if "secret" in lowered or "verification" in lowered:
        masked = _NAMED.sub(_mask_second, masked)
    masked = _mask_pieces(masked) if hit or masked != value else masked
    return value if masked == value else masked


def clean(value: Any) -> Any:
    """A copy of plain data with `text` applied to every string, keys too; bytes become text. Other types are kept."""
    return _clean(value, {})


def _clean(value: Any, done: dict[str, str]) -> Any:
    """`done`: what `text` gave already. In rows of data most strings, and all keys, come again and again."""
    if value.__class__ is str:  # kinds of text that are Ansible's own may differ and be equal
        if value not in done:
            done[value] = text(value)
        return done[value]
    if isinstance(value, str):
        return text(value)
    if isinstance(value, (bytes, bytearray)):
        return text(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {_clean(key, done): _clean(item, done) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, done) for item in value]
    if isinstance(value, tuple):
        return tuple(_clean(item, done) for item in value)
    if isinstance(value, (set, frozenset)):
        return type(value)(_clean(item, done) for item in value)
    return value


def shown(value: object) -> str:
    """How a message quotes what a person typed: in quotes when short, described when it may be a secret or is no text.

    Stricter than `text`: a mixed run of letters and digits, which could be a piece of a secret, is not quoted either.
    """
    if not isinstance(value, str):
        short = type(value) in (int, float) and abs(value) < 10**9
        return str(value) if short else _tokens.type_name(value)
    if _tokens.looks_like_secret(value) or text(value) != value or any(map(_is_random, _RUN.findall(value))):
        return f"something that looks like a secret ({len(value)} characters)"
    return (
        json.dumps(value, ensure_ascii=not value.isprintable())
        if len(value) <= 80
        else f"a text of {len(value)} characters"
    )


class Filter(logging.Filter):
    """Masks a log record whole: message, arguments, exception, stack.

    Attach it to a handler: a logger's own filters do not see what its children log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  wrong arguments for the format: logging would print both to standard error
            message = f"{record.msg} {record.args}"
        record.msg, record.args = text(message), None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = text(record.exc_text)
        if record.stack_info:
            record.stack_info = text(record.stack_info)
        return True


def _spellings(secret: str) -> set[str]:
    """A secret as it is, percent-encoded, and as JSON or `repr` write it."""
    in_json = json.dumps(secret)[1:-1]
    return {
        secret,
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        in_json,
        in_json.replace("/", "\\/"),
        repr(secret)[1:-1],
    }


def _is_random(run: str) -> bool:
    """Whether digits, capitals and small letters are mixed as in no name: all three, or two in one long word."""
    word = max(re.split(r"[+/=_-]", run), key=len)
    kinds = (str.isdigit, str.isupper, str.islower)
    mixed = [sum(any(map(kind, part)) for kind in kinds) for part in (run, word)]
    return mixed[0] == 3 or (len(word) >= 20 and mixed[1] == 2)


def _mask_second(match: re.Match[str]) -> str:
    return match[1] + (_piece_mask(match[2]) or "<redacted credential>")


def _piece_mask(found: str) -> str | None:
    """The mask of the registered secret of which a piece is in `found`."""
    if not _pieces:
        return None
    grams = (found[start : start + PIECE] for start in range(len(found) - PIECE + 1))
    return next((_pieces[gram] for gram in grams if gram in _pieces), None)


def _hits(value: str) -> list[int]:
    """Where registered pieces begin."""
    known = _pieces
    return [start for start in range(len(value) - PIECE + 1) if value[start : start + PIECE] in known] if known else []


def _mask_pieces(value: str) -> str:
    """Replaces every run of 12 and more characters that stands in a registered secret part."""
    out: list[str] = []
    done = 0  # how much of `value` is in `out` or masked
    known = _pieces
    for start in _hits(value):
        if start >= done:
            out += (value[done:start], known[value[start : start + PIECE]])
        done = max(done, start + PIECE)
    out.append(value[done:])
    return "".join(out)
