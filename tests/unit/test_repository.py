# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that the repository as a whole keeps: links, licence lines, no secrets, versions and specs that agree."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.tools.stage import ROOT, project_files

FILES = project_files()
FARM = "collections/ansible_collections/botops/rotation"
LICENCE = re.compile(r"SPDX-License-Identifier: GPL-3\.0-or-later\b")

# Whole tokens of every kind that Slack and Vault hand out. Prefixes alone, as the documentation names them, are fine.
TOKEN = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-\d+-[\w-]{10,}"  # bot, user, refresh, rotating and legacy tokens
    r"|xapp-\d-\w+-\d+-\w{10,}"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/[TE]\w{6,}/\w{6,}/\w{10,}"
    r"|\bhv[sbr]\.[\w-]{20,}"
)
# Absolute paths that exist on one machine only.
MACHINE = re.compile(r"(?<![\w.~-])/(?:root|Users|work|farm|builds)/[\w.]|(?<![\w.~-])/home/(?!bot\b|USER\b|user\b)\w")


def text(name: str) -> str:
    """A file's text; empty for a link and for what is not text."""
    path = ROOT / name
    try:
        return "" if path.is_symlink() else path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def found(pattern: re.Pattern[str], skip: tuple[str, ...] = ()) -> list[str]:
    """`file:line` of each match; never the match, which may be a secret."""
    return [
        f"{name}:{number}"
        for name in FILES
        if not name.startswith(skip)
        for number, line in enumerate(text(name).splitlines(), 1)
        if pattern.search(line)
    ]


def load(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text()) or {}


# --- the link farm ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["galaxy.yml", "meta", "playbooks", "plugins", "roles"])
def test_the_link_farm_points_at_the_repository(name: str) -> None:
    link = ROOT / FARM / name
    assert link.is_symlink(), f"{FARM}/{name} is not a link; was it copied by something that does not keep links?"
    assert not os.path.isabs(os.readlink(link))
    assert link.resolve() == ROOT / name


def test_the_link_farm_holds_nothing_else() -> None:
    assert sorted(os.listdir(ROOT / FARM)) == ["galaxy.yml", "meta", "playbooks", "plugins", "roles"]


def test_no_link_leads_out_of_the_repository() -> None:
    links = [ROOT / name for name in FILES if (ROOT / name).is_symlink()]
    assert [str(link) for link in links if not link.resolve().is_relative_to(ROOT)] == []


# --- what every file keeps -------------------------------------------------------------------------------------------


def test_every_file_states_its_licence() -> None:
    reuse = tomllib.loads((ROOT / "REUSE.toml").read_text())
    elsewhere = [path for annotation in reuse["annotations"] for path in annotation["path"]]
    missing = [
        name
        for name in FILES
        if not (ROOT / name).is_symlink()
        and not name.startswith("LICENSES/")
        and not any(fnmatch.fnmatch(name, pattern) for pattern in elsewhere)
        and not LICENCE.search("\n".join(text(name).splitlines()[:10]))
    ]
    assert missing == [], "these files lack a line 'SPDX-License-Identifier: GPL-3.0-or-later'"


def test_the_licence_is_there_in_full() -> None:
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSES/GPL-3.0-or-later.txt").read_text()
    assert load("galaxy.yml")["license"] == ["GPL-3.0-or-later"]


def test_no_file_holds_what_looks_like_a_token() -> None:
    assert found(TOKEN) == [], "tests make their tokens at run time, see CONTRIBUTING.md"


@pytest.mark.parametrize(
    "sample",
    [
        "-".join(["xoxb", "1" * 11, "2" * 12, "a" * 24]),
        "-".join(["xoxe.xoxp", "1", "b" * 40]),
        "-".join(["xapp", "1", "A0000000000", "1" * 13, "c" * 64]),
        "/".join(["https://hooks.slack.com", "services", "T00000000", "B00000000", "d" * 24]),
        "hvs" + "." + "e" * 24,
    ],
    ids=["bot", "rotating", "app-level", "webhook", "vault"],
)
def test_the_token_pattern_knows_the_kinds(sample: str) -> None:
    assert TOKEN.search(f"token: {sample}")


def test_no_file_names_a_path_of_one_machine() -> None:
    assert found(MACHINE) == []


def test_private_python_files_of_the_utilities_say_so() -> None:
    public = [
        name
        for name in FILES
        if re.fullmatch(r"plugins/(module_utils|plugin_utils)/.+\.py", name) and not Path(name).name.startswith("_")
    ]
    assert public == [], (
        "files under module_utils and plugin_utils begin with an underscore: they are nobody's interface"
    )


def test_what_runs_on_hosts_needs_python_3_9_and_nothing_else() -> None:
    files = [name for name in FILES if re.fullmatch(r"plugins/host_agent/.+\.py", name)]
    known = sys.stdlib_module_names | {Path(name).stem for name in files} | {"host_agent", "managers"}
    foreign = []
    for name in files:
        for node in ast.walk(ast.parse(text(name), name, feature_version=(3, 9))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported = [node.module or ""]
            foreign += [f"{name}: {module}" for module in imported if module.partition(".")[0] not in known]
    assert foreign == []


# --- requirements, versions, metadata ---------------------------------------------------------------------------------


def requirements(name: str) -> dict[str, list[Requirement]]:
    """Name -> requirements of a file, comments left out; one package may be there once per Python version."""
    parsed: dict[str, list[Requirement]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if stripped := line.partition("#")[0].strip():
            requirement = Requirement(stripped)
            parsed.setdefault(requirement.name.lower().replace("_", "-"), []).append(requirement)
    return parsed


def test_the_lock_pins_everything() -> None:
    lock = requirements("requirements.lock")
    assert [name for name, rows in lock.items() if any(not str(row.specifier).startswith("==") for row in rows)] == []


@pytest.mark.parametrize("name", ["requirements.in", "requirements.txt"])
def test_the_lock_holds_what_is_asked_for(name: str) -> None:
    lock = requirements("requirements.lock")
    for package, rows in requirements(name).items():
        assert package in lock, f"{package} of {name} is not in requirements.lock"
        for pinned in lock[package]:
            version = str(pinned.specifier).removeprefix("==")
            assert all(row.specifier.contains(version) for row in rows), f"{package} {version} does not fit {name}"


def test_the_lock_has_an_ansible_for_each_supported_python() -> None:
    ansible = requirements("requirements.lock")["ansible-core"]
    required = load("meta/runtime.yml")["requires_ansible"]
    lowest = required.removeprefix(">=").removesuffix(".0")
    for python in ("3.11.7", "3.12.1", "3.13.0"):
        environment = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
        fitting = [row for row in ansible if not row.marker or row.marker.evaluate(environment)]
        assert len(fitting) == 1, f"Python {python}"
    assert any(str(row.specifier).startswith(f"=={lowest}.") for row in ansible), "the lowest version is not tested"


def test_the_execution_environment_names_files_of_the_collection() -> None:
    environment = load("meta/execution-environment.yml")
    assert environment["version"] == 3
    assert [name for name in environment["dependencies"].values() if not (ROOT / name).is_file()] == []
    ignored = load("galaxy.yml")["build_ignore"]
    assert not set(environment["dependencies"].values()) & set(ignored)


def test_the_version_has_its_changelog() -> None:
    """Either the version is released and newest in the changelog, or fragments wait for it."""
    version = load("galaxy.yml")["version"]
    fragments = sorted((ROOT / "changelogs/fragments").glob("*.yml"))
    released = load("changelogs/changelog.yaml")["releases"] if (ROOT / "changelogs/changelog.yaml").exists() else {}
    assert version in released or fragments, f"nothing says what is in {version}"
    newest = max(([int(part) for part in release.split(".")] for release in released), default=[0])
    assert newest <= [int(part) for part in version.split(".")], "the changelog is ahead of galaxy.yml"


def test_changelog_fragments_are_numbered() -> None:
    names = [path.name for path in (ROOT / "changelogs/fragments").iterdir()]
    assert [name for name in names if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.yml", name)] == []


def test_the_action_group_names_modules_that_exist() -> None:
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    group = load("meta/runtime.yml")["action_groups"]["rotation"]
    assert set(group) <= modules, "meta/runtime.yml"
    assert modules - set(group) <= {"service_env"}, "a module that is in no action group takes no module_defaults"


# --- roles -------------------------------------------------------------------------------------------------------------


ROLES = sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))


def test_every_role_has_an_argument_spec() -> None:
    assert sorted(path.name for path in (ROOT / "roles").glob("*/")) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_defaults_are_those_of_its_argument_spec(role: str) -> None:
    defaults = load(f"roles/{role}/defaults/main.yml") if (ROOT / f"roles/{role}/defaults/main.yml").exists() else {}
    stated: dict[str, object] = {}
    for entry in load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"].values():
        stated |= {name: option["default"] for name, option in entry.get("options", {}).items() if "default" in option}
    assert defaults == stated


@pytest.mark.parametrize("role", ROLES)
def test_each_entry_point_of_a_role_has_a_spec_and_tasks(role: str) -> None:
    specs = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
    assert [entry for entry in specs if not (ROOT / f"roles/{role}/tasks/{entry}.yml").is_file()] == []
