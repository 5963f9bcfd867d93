# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of an app comes from Vault; of a bot without a client_path from the environment, and of no other bot."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _clients
from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError, StateError

from tests.unit._core import registry


def test_the_environment_serves_the_bot_that_it_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of-the-file\n")
    monkeypatch.setenv("SLACK_CLIENT_BOT", "ciebot")
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    known = registry(gobot={"client_path": "generic/client_of_gobot"})
    paths = _clients.paths(known, ["gobot", "ciebot"])
    vault = Mock()
    vault.read.return_value.data = {"client_id": "3.4", "client_secret": "of-vault"}
    assert _clients.read(vault, "gobot", paths["gobot"]) == ("3.4", "of-vault")
    assert _clients.read(vault, "ciebot", paths["ciebot"]) == ("1.2", "of-the-file")
    monkeypatch.setenv("SLACK_CLIENT_BOT", "another")
    with pytest.raises(RegistryError, match="botops_bots.ciebot.client_path: is missing"):
        _clients.paths(known, ["gobot", "ciebot"])


def test_a_client_without_its_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_CLIENT_BOT", "gobot")
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.delenv("SLACK_CLIENT_SECRET", raising=False)
    monkeypatch.delenv("SLACK_CLIENT_SECRET_FILE", raising=False)
    path = _clients.paths(registry(), ["gobot"])["gobot"]
    with pytest.raises(StateError, match="SLACK_CLIENT_SECRET"):
        _clients.read(Mock(), "gobot", path)
