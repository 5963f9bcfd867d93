# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints, and the one function that keeps tokens out of whatever the host says."""

from __future__ import annotations

import os

for _module in ("_sha2", "_sha256", "hashlib"):  # the last one loads the whole of OpenSSL for what Python has itself
    try:
        sha256 = __import__(_module).sha256
        break
    except (ImportError, AttributeError):
        pass

_BEGINNINGS = ("xox", "xapp", "xwfp", "hv", "hooks.")
_LOOKS_LIKE_ONE = (
    r"(?:xox[a-z]|xapp|xwfp)[-.][^\s\"'<>,;]*|hv[sbr]\.[A-Za-z0-9_-]+"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/\S*"
)
_known: dict[str, str] = {}


class HostError(Exception):
    """What was attempted on this host, on what, what came back and what to do next; never a secret."""


def fingerprint(value: bytes) -> str:
    """The first 12 hex digits of SHA-256: the only form of a token that leaves this program."""
    return sha256(value).hexdigest()[:12]


def remember(value: bytes) -> None:
    """Mask `value` in everything that `masked` sees from now on."""
    text = value.decode("utf-8", "backslashreplace").strip()
    if len(text) >= 8:
        _known[text] = f"<token {fingerprint(text.encode())}>"


def masked(text: str) -> str:
    """`text` without the tokens of this run and without anything that looks like one."""
    for secret, mask in _known.items():
        text = text.replace(secret, mask)
    if not any(beginning in text for beginning in _BEGINNINGS):
        return text
    import re  # not for the texts of most hosts, see `_program`

    return re.sub(_LOOKS_LIKE_ONE, "<token>", text)


def clean(value: object) -> object:
    """`masked` for every string, keys too, of a result."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


def unforeseen(problem: Exception) -> str:
    """One line for a fault of this program itself: what, and where in it."""
    place = problem.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"
    return (
        f"the host program failed in {where}: {type(problem).__name__}: {masked(str(problem))[:300]}; this is a fault of "
        "the collection: report this line, and look at the services of this host"
    )
