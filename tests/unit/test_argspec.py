# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An option comes from the task, else from a variable, else from the environment or a file, else from its default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import _argspec
from ansible_collections.botops.rotation.plugins.module_utils._argspec import UNSET, Option, fill
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._core import assert_no_token

ONE = {"one": Option({"type": "str"}, "botops_one", "ONE", "default")}


def filled(given: Any = None, variable: Any = UNSET, environ: dict[str, str] | None = None) -> Any:
    return fill(ONE, {"one": given}, {"botops_one": variable}.get, environ or {})["one"]


def test_the_order() -> None:
    environ = {"ONE": "environment"}
    assert filled("task", "variable", environ) == "task"
    assert filled(None, "variable", environ) == "variable"
    assert filled(None, UNSET, environ) == "environment"
    assert filled(None, None, {"ONE": ""}) == "default"
    assert filled() == "default"


@given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text())
def test_the_first_that_is_there_counts(given: str | None, variable: str | None, environ: str | None) -> None:
    expected = given if given is not None else variable if variable is not None else environ or "default"
    assert filled(given, variable, {} if environ is None else {"ONE": environ}) == expected


@pytest.mark.parametrize("value", [False, 0, ""])
def test_what_is_given_counts_though_it_is_false(value: Any) -> None:
    raw = {"one": Option({"type": "raw"}, "botops_one", "ONE", "default")}
    assert fill(raw, {"one": value}, {"botops_one": "variable"}.get, {})["one"] == value
    assert fill(raw, {"one": None}, {"botops_one": value}.get, {})["one"] == value


def test_a_variable_of_another_type_is_refused_without_its_value() -> None:
    with pytest.raises(RotationError) as caught:
        fill(_argspec.VAULT, {}, {"botops_vault_timeout": "soon"}.get, {})
    assert "botops_vault_timeout is not a value of type float" in str(caught.value) and "soon" not in str(caught.value)


def test_a_file_that_the_environment_names(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    assert filled(environ={"ONE_FILE": str(file)}) == "from a file"
    assert filled(environ={"ONE_FILE": str(file), "ONE": "environment"}) == "environment"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "binary"])
def test_a_file_that_cannot_be_read_is_named_by_its_variable(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content:
        file.write_bytes(content)
    with pytest.raises(RotationError, match="ONE_FILE") as refusal:
        filled(environ={"ONE_FILE": str(file)})
    assert refusal.value.next_step


def test_a_token_where_the_path_of_its_file_is_due_is_not_shown() -> None:
    secret = tokens.vault_service()
    with pytest.raises(RotationError) as refusal:
        filled(environ={"ONE_FILE": secret})
    assert_no_token(str(refusal.value), secret)


def test_options_of_the_task_that_are_not_shared_are_kept() -> None:
    assert fill(ONE, {"bot": "gobot"}, lambda name: UNSET, {}) == {"bot": "gobot", "one": "default"}


GROUPS = {"VAULT": _argspec.VAULT, "SLACK": _argspec.SLACK, "REGISTRY": _argspec.REGISTRY}


@pytest.mark.parametrize("group", GROUPS)
def test_a_default_is_no_part_of_the_spec(group: str) -> None:
    """Ansible would fill it in before a variable could be looked at."""
    for name, option in GROUPS[group].items():
        assert not {"default", "required"} & set(option.spec), name
        assert option.variable == "botops_" + name, name
        assert _argspec.specs(GROUPS[group])[name] is option.spec


def test_credentials_are_not_logged() -> None:
    secret = ("vault_token", "vault_secret_id", "vault_jwt")
    assert all(_argspec.VAULT[name].spec["no_log"] is True for name in secret)


def test_a_variable_gets_the_type_of_its_option() -> None:
    given = {"botops_vault_timeout": "5", "botops_vault_validate_certs": "false"}
    options = fill(_argspec.VAULT, {}, lambda name: given.get(name, UNSET), {})
    assert options["vault_timeout"] == 5.0 and options["vault_validate_certs"] is False
