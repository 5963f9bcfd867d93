# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What killed runs have left (see `_judge.trace`) from which a rerun has been judged, and was as it has to be."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any


class Proven:
    """A set of digests in a directory, which pytest's workers share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(exist_ok=True)

    def __contains__(self, digest: str) -> bool:
        return (self._directory / digest).exists()

    def add(self, digest: str) -> None:
        """A rerun went well from there."""
        (self._directory / digest).touch()


def without(value: Any, keys: Collection[str]) -> Any:
    """Plain data without some keys, at any depth: those whose values are new each time."""
    if isinstance(value, dict):
        return {key: without(item, keys) for key, item in value.items() if key not in keys}
    return [without(item, keys) for item in value] if isinstance(value, list) else value
