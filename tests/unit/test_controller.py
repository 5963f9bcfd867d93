# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an action raises or gives comes out as a line for people, without a traceback and without a token."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._argspec import UNSET, Option
from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError, TokenError
from ansible_collections.botops.rotation.plugins.plugin_utils._controller import GuardedAction, plain
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._core import assert_no_token

SECRET, UNREGISTERED = tokens.bot(), tokens.rotating_bot()


class Guarded(GuardedAction):
    OPTIONS: ClassVar = {"name": {"type": "str", "default": "gobot"}, "size": {"type": "int"}}
    SHARED = ({"url": Option({"type": "str"}, "botops_url", "", "http://default")},)

    act: Callable[..., dict[str, Any]]


def run(act: Callable[[GuardedAction, dict[str, Any]], Any], args: Any = None, kind: type = Guarded, **task_vars: Any):
    """What the action gives, with the least that Ansible needs around it."""
    task = SimpleNamespace(args=args or {}, action="botops.rotation.x", async_val=0, check_mode=True, diff=False)
    templar = SimpleNamespace(template=lambda value: value, _loader=None)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nowhere"))
    action = kind(task, connection, SimpleNamespace(), None, templar, None)
    action.act = lambda options: act(action, options)
    return action.run(None, task_vars)


def raising(error: BaseException) -> Callable[..., Any]:
    def act(_action: GuardedAction, _options: dict[str, Any]) -> Any:
        raise error

    return act


ERRORS = {
    "a refusal": TokenError(f"the token {SECRET} is dead", f"stage another than {SECRET}"),
    "of the registry": RegistryError([f"unknown bot: {SECRET}", "no workspace"], "choose"),
    "of Ansible": AnsibleError(f"cannot template {SECRET}"),
    "unforeseen": ValueError(f"invalid literal: {SECRET!r}"),
    "with the token as key": KeyError(SECRET),
    "with a token nobody knows": RuntimeError(f"headers: {{'Authorization': 'Bearer {UNREGISTERED}'}}"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_is_raised_becomes_a_line(case: str) -> None:
    error = ERRORS[case]
    result = run(raising(error))
    assert result["failed"] is True and result["msg"]
    assert_no_token(result, SECRET, UNREGISTERED)
    assert "Traceback" not in result["msg"] and "exception" not in result
    if isinstance(error, (TokenError, RegistryError)):
        assert result["next_step"] and result["reason"] and "; next: " in result["msg"]
    elif not isinstance(error, AnsibleError):
        assert type(error).__name__ in result["msg"] and "test_controller.py:" in result["msg"]


def test_an_unreachable_host_stays_one_without_the_token() -> None:
    with pytest.raises(AnsibleConnectionFailure) as caught:
        run(raising(AnsibleConnectionFailure(f"ssh said {SECRET}")))
    assert_no_token(str(caught.value), SECRET)
    assert caught.value.__suppress_context__


def test_results_are_masked_keys_too() -> None:
    result = run(lambda action, options: {"changed": True, "said": [{SECRET: SECRET}], "number": 7})
    assert_no_token(result, SECRET)
    assert result["changed"] is True and result["number"] == 7


def test_only_what_an_action_yields_on_purpose_is_let_through() -> None:
    class Yielding(Guarded):
        YIELDS = ("tokens",)

    result = run(lambda action, options: {"changed": False, "tokens": {"a": SECRET}, "more": SECRET}, kind=Yielding)
    assert result["tokens"] == {"a": SECRET}
    assert_no_token(result["more"], SECRET)


def test_warnings_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def act(action: GuardedAction, options: dict[str, Any]) -> dict[str, Any]:
        monkeypatch.setattr(action, "_display", SimpleNamespace(warning=said.append))
        action.warn(f"look at {SECRET}")
        return {"changed": action.check}

    assert run(act)["changed"] is True
    assert_no_token(said[0], SECRET)
    assert said[0].startswith("look at ")


def test_a_delegated_task_has_the_variables_of_where_it_is_delegated_to() -> None:
    seen = {}

    def act(action: GuardedAction, options: dict[str, Any]) -> dict[str, Any]:
        action._task.delegate_to = "localhost"
        seen.update(url=action.variable("botops_url"), missing=action.variable("botops_none"))
        return {"changed": False}

    run(act, botops_url="http://host", hostvars={"localhost": {"botops_url": "http://controller"}})
    assert seen == {"url": "http://controller", "missing": UNSET}


def test_options_come_validated_and_completed() -> None:
    seen: dict[str, Any] = {}

    def act(action: GuardedAction, options: dict[str, Any]) -> dict[str, Any]:
        seen.update(options, missing=action.variable("nothing"))
        return {"changed": False}

    run(act, {"size": "3"}, botops_url="http://variable")
    assert seen == {"name": "gobot", "size": 3, "url": "http://variable", "missing": UNSET}


@pytest.mark.parametrize("args", [{"size": "big"}, {"nmae": "gobot"}, {SECRET: 1}, {"size": SECRET}])
def test_wrong_options_are_refused_without_showing_them(args: dict[str, Any]) -> None:
    result = run(lambda action, options: {"changed": True}, args)
    assert result["failed"] is True and "changed" not in result
    assert_no_token(result, SECRET)


@pytest.mark.parametrize("name", ["DEFAULT_KEEP_REMOTE_FILES", "DEFAULT_DEBUG"])
def test_settings_that_leave_tokens_behind_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(constants, name, True)
    result = run(lambda action, options: {"changed": True})
    assert result["failed"] is True and name in result["msg"] and "changed" not in result
    assert f"unset ANSIBLE_{name.removeprefix('DEFAULT_')}" in result["next_step"]


class Tagged(str):
    """As ansible-core 2.19 tags what it hands out."""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text().map(Tagged) | st.dates(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text().map(Tagged), inner) | st.tuples(inner, inner),
        max_leaves=10,
    )
)
def test_plain_values_are_equal_and_of_pythons_own_types(value: Any) -> None:
    def check(got: Any) -> None:
        assert got.__class__ in (type(None), bool, int, str, list, dict, datetime.date)
        for each in got.values() if isinstance(got, dict) else got if isinstance(got, list) else ():
            check(each)
        for key in got if isinstance(got, dict) else ():
            assert key.__class__ is str

    def listed(given: Any) -> Any:
        if isinstance(given, dict):
            return {key: listed(each) for key, each in given.items()}
        return [listed(each) for each in given] if isinstance(given, (list, tuple)) else given

    check(plain(value))
    assert plain(value) == listed(value)


@pytest.fixture(autouse=True)
def _registered() -> None:
    _redact.register(SECRET)
