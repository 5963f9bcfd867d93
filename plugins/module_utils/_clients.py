# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client id and client secret of a bot's app (private to the collection).

They are in Vault, at its `client_path`. Of a bot without one they may be in the environment, as SLACK_CLIENT_BOT (its
name), SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, or SLACK_CLIENT_SECRET_FILE (a file that holds it), for AWX.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError, StateError
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault

ENVIRONMENT = "the environment (SLACK_CLIENT_ID, SLACK_CLIENT_SECRET)"


def paths(registry: Registry, bots: Iterable[str]) -> dict[str, str]:
    """Bot -> where its client is. RegistryError for those that do not say."""
    given = os.environ.get("SLACK_CLIENT_BOT")
    found = {
        name: registry.bots[name].client_path or (ENVIRONMENT if name == given else None)
        for name in dict.fromkeys(bots)
    }
    missing = [name for name, path in found.items() if not path]
    if missing:
        raise RegistryError(
            [f"botops_bots.{name}.client_path: is missing; the app's client id is needed" for name in missing],
            "put client_id and client_secret of the app (api.slack.com/apps, Basic Information) into one secret in Vault, "
            "and its path into the registry",
        )
    return {name: path for name, path in found.items() if path}


def read(vault: Vault, bot: str, path: str) -> tuple[str, str]:
    """Client id and client secret."""
    data = _from_environment() if path == ENVIRONMENT else vault.read(path).data or {}
    found = [data.get(name) for name in ("client_id", "client_secret")]
    if not all(isinstance(each, str) and each.strip() for each in found):
        raise StateError(
            f"{path} of {bot} has no client_id and client_secret",
            "put them there, from the app's page Basic Information",
        )
    client_id, client_secret = (str(each).strip() for each in found)
    _redact.register(client_secret)
    return client_id, client_secret


def _from_environment() -> dict[str, Any]:
    secret = _argspec.from_environment("SLACK_CLIENT_SECRET", os.environ)
    return {"client_id": os.environ.get("SLACK_CLIENT_ID"), "client_secret": secret}
