# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback prints the last table, and masks tokens in all that Ansible prints."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.callback import summary

from tests.sandbox import tokens
from tests.unit._core import assert_no_token


class Screen:
    """Stands for Ansible's display: the class is what the callback wraps."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def display(self, msg: Any, color: str | None = None, screen_only: bool = False) -> None:
        self.lines.append(msg)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setattr(summary, "Display", type("Display", (Screen,), {"display": Screen.display}))
    return summary.Display()


@pytest.fixture
def callback(screen: Screen) -> summary.CallbackModule:
    made = summary.CallbackModule()
    made._display = screen
    return made


def result(action: str = "rotation_outcome", **keys: Any) -> SimpleNamespace:
    return SimpleNamespace(result=keys, task=SimpleNamespace(action=action))


def test_the_last_table_is_printed_at_the_end(callback: summary.CallbackModule, screen: Screen) -> None:
    callback.v2_runner_on_ok(result(table="first"))
    callback.v2_runner_on_failed(result(table="second", failed=True), ignore_errors=True)
    callback.v2_runner_on_ok(result(changed=False))
    callback.v2_runner_on_ok(result(table=["not", "a", "text"]))
    assert screen.lines == []
    callback.v2_playbook_on_stats(None)
    assert screen.lines == ["second"]


def test_the_tables_of_two_actions_are_both_printed(callback: summary.CallbackModule, screen: Screen) -> None:
    callback.v2_runner_on_ok(result("slack_token", table="revoked"))
    callback.v2_runner_on_ok(result(table="planned"))
    callback.v2_runner_on_ok(result(table="rotated"))
    callback.v2_playbook_on_stats(None)
    assert screen.lines == ["revoked\n\nrotated"]


def test_without_a_table_nothing_is_printed(callback: summary.CallbackModule, screen: Screen) -> None:
    callback.v2_runner_on_ok(result(changed=True))
    callback.v2_playbook_on_stats(None)
    assert screen.lines == []


def test_tokens_are_masked_in_all_that_is_printed(callback: summary.CallbackModule, screen: Screen) -> None:
    for make in tokens.MAKERS.values():
        secret = make()
        screen.display(f"extra vars: {{'bot': '{secret}'}}", color="blue", screen_only=True)
        assert_no_token(screen.lines[-1], secret)
        assert "extra vars" in screen.lines[-1]
    screen.display("PLAY [Plan]")
    screen.display(7)
    assert screen.lines[-2:] == ["PLAY [Plan]", 7]


def test_the_screen_is_wrapped_once(callback: summary.CallbackModule) -> None:
    wrapped = summary.Display.display
    summary.CallbackModule()
    assert summary.Display.display is wrapped
