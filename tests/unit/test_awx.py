# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX is given as data holds together: playbooks and what they take, surveys, schedules, credentials, references.

Nothing here asks an AWX. What it would refuse is known from its sources (awx/main/models/credential.py, mixins.py,
api/serializers.py: validate_rrule) and was tried with its real API (docs/awx.md).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import jinja2.nativetypes
import pytest
import yaml
from ansible_collections.botops.rotation.plugins.module_utils import _argspec, _clients, _redact
from dateutil import rrule, tz
from packaging.requirements import Requirement
from packaging.version import Version

from tests.tools.stage import ROOT

AWX = ROOT / "extensions/awx"
ROLES = {
    role: yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"]
    for role in ("rotation", "service")
}


class Unsafe(dict):
    """What is `!unsafe` in YAML: templates of AWX's, not of Ansible's."""


class Loader(yaml.SafeLoader):
    pass


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_mapping(node, deep=True)))


def rendered(value: Any, variables: Mapping[str, Any]) -> Any:
    """The data as Ansible would hand it to a module."""
    if isinstance(value, Unsafe):
        return value
    if isinstance(value, dict):
        return {key: rendered(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [rendered(each, variables) for each in value]
    if isinstance(value, str) and "{{" in value:
        native = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
        return native.from_string(value).render(variables)
    return value


def load() -> dict[str, list[dict[str, Any]]]:
    """The data for the example's registry."""
    registry = yaml.safe_load((ROOT / "inventory/example/group_vars/all.yml").read_text())
    settings = yaml.load((AWX / "settings.yml").read_text(), Loader)
    known: dict[str, Any] = {**registry, "lookup": lambda _plugin, name: f"${name}"}
    known.update(rendered(settings, known))
    data = rendered(yaml.load((AWX / "controller.yml").read_text(), Loader), known)
    return {name: each for name, each in data.items() if name.startswith("controller_")}


DATA = load()
TEMPLATES = {each["name"]: each for each in DATA["controller_templates"]}


def names(kind: str) -> set[str]:
    return {each["name"] for each in DATA[f"controller_{kind}"]}


# --- playbooks and surveys --------------------------------------------------------------------------------------------

# What a playbook takes and AWX does not offer, beside what begins with botops_ (inventory) or rotation_ (internal), and
# files, which come in credentials.
ROTATION_ONLY = {
    "accept_identity",
    "accept_scopes",
    "keep_old",
    "revoke_old",
    "unattended",
    "confirm_revoke",
    "confirm_exchange",
    "exchange_untried",
}
LEFT_OUT = {
    "botops refresh": ROTATION_ONLY | {"force", "ignore_window"},  # for a schedule: nothing is to be decided
    "botops roll back": ROTATION_ONLY | {"margin"},  # of no meaning on the way back
    "botops revoke": ROTATION_ONLY | {"force", "ignore_window", "margin", "skip_unreachable"},  # no time for questions
    "botops stage": {"from_spool"},  # the spool is on a controller that a person works at
}
FILES = {"token_file", "alert_file"}


def plays(path: str) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """The plays of a playbook and of those that it imports, with the variables that are set on the way."""
    for play in yaml.safe_load((ROOT / path).read_text(encoding="utf-8")):
        if "import_playbook" in play:
            inner = play["import_playbook"].removeprefix("botops.rotation.")
            for found, fixed in plays(f"playbooks/{inner}.yml"):
                yield found, fixed | set(play.get("vars", {}))
        else:
            yield play, set()


def takes(path: str) -> dict[str, dict[str, Any]]:
    """The options that the entry points of a playbook's roles declare."""
    options: dict[str, dict[str, Any]] = {}
    for play, fixed in plays(path):
        for task in play.get("tasks", []):
            role = task.get("ansible.builtin.import_role")
            if role:
                specs = ROLES[role["name"].removeprefix("botops.rotation.")]
                options.update(
                    {name: each for name, each in specs[role["tasks_from"]]["options"].items() if name not in fixed}
                )
    return options


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_playbook_is_where_awx_looks_for_it(name: str) -> None:
    """AWX lists what has a line like this; it takes no full name of a collection's playbook."""
    playbook = TEMPLATES[name]["playbook"]
    text = (ROOT / playbook).read_text(encoding="utf-8")
    assert "/" not in playbook and re.search(r"^\s*-?\s*(hosts|include|import_playbook):", text, re.MULTILINE)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_survey_asks_for_what_the_playbook_takes(name: str) -> None:
    template = TEMPLATES[name]
    options = takes(template["playbook"])
    due = (
        {each for each in options if not each.startswith(("botops_", "rotation_"))} - FILES - LEFT_OUT.get(name, set())
    )
    questions = {each["variable"]: each for each in template["survey_spec"]["spec"]}
    assert set(questions) == due
    assert set(LEFT_OUT.get(name, set())) <= set(options), "what is left out is not there any more"
    for variable, question in questions.items():
        assert question["type"] in AS[options[variable]["type"]], variable


# The type of an option -> the types of question that ask for it. A list is given with commas.
AS = {
    "str": {"text", "multiplechoice"},
    "list": {"text"},
    "raw": {"text"},
    "bool": {"multiplechoice"},
    "int": {"integer"},
    "float": {"float"},
}


@pytest.mark.parametrize("name", [*TEMPLATES, *sorted(names("workflows"))])
def test_the_questions_are_such_as_awx_takes(name: str) -> None:
    spec = next(
        each for kind in ("templates", "workflows") for each in DATA[f"controller_{kind}"] if each["name"] == name
    )
    assert spec["survey_enabled"] and {"name", "description", "spec"} == set(spec["survey_spec"])
    for question in spec["survey_spec"]["spec"]:
        assert question["type"] != "password", "a secret is no answer: it would be a variable"
        assert {"question_name", "variable", "type", "required"} <= set(question)
        if question["type"] == "multiplechoice":
            assert all(isinstance(each, str) for each in question["choices"])
        else:
            assert "max" in question
        if "default" in question:
            assert not question["required"], "AWX would ask schedules and nodes for it all the same"
            assert answer_problem(question, question["default"]) == ""


def answer_problem(question: Mapping[str, Any], answer: Any) -> str:
    """Why AWX would refuse an answer; as SurveyJobTemplateMixin._survey_element_validation does."""
    kind = question["type"]
    due = {"integer": int, "float": (int, float)}.get(kind, str)
    if not isinstance(answer, due) or isinstance(answer, bool):
        return "of another type"
    if kind == "multiplechoice":
        return "" if answer in question["choices"] else "no choice"
    size = len(answer) if isinstance(answer, str) else answer
    return "" if question.get("min", size) <= size <= question.get("max", size) else "out of bounds"


@pytest.mark.parametrize("name", TEMPLATES)
def test_nobody_can_leave_out_hosts_or_add_variables(name: str) -> None:
    template = TEMPLATES[name]
    assert template["ask_limit_on_launch"] is False and template["ask_variables_on_launch"] is False
    assert template["allow_simultaneous"] is False and template["use_fact_cache"] is False
    assert template.get("ask_credential_on_launch", False) is (name in ("botops stage", "botops revoke"))


def test_an_empty_answer_is_as_if_nothing_was_given() -> None:
    """AWX hands on an empty text; a list would hold one empty name."""
    questions = [each for template in TEMPLATES.values() for each in template["survey_spec"]["spec"]]
    asked = {each["variable"] for each in questions if each["type"] == "text" and not each["required"]}
    for task in (
        "plan",
        "promote",
        "reinstall",
        "refresh",
        "report",
        "schedule",
        "audit",
        "audit_plan",
        "stage",
        "revoke",
        "evidence",
    ):
        text = (ROOT / f"roles/rotation/tasks/{task}.yml").read_text(encoding="utf-8")
        for variable in re.findall(r"\{\{ (\w+) \| default\(omit\) \}\}", text):
            assert variable not in asked, f"{task}: {variable} | default(omit, true) is due"


# --- credentials ------------------------------------------------------------------------------------------------------

# Names that AWX's injectors refuse (awx/main/models/credential.py), and functions of its templates.
BLOCKED = {
    "VIRTUAL_ENV",
    "PATH",
    "PYTHONPATH",
    "JOB_ID",
    "INVENTORY_ID",
    "AWX_HOST",
    "PROJECT_REVISION",
    "SUPERVISOR_CONFIG_PATH",
}
GLOBALS = {"range", "dict", "lipsum", "cycler", "joiner", "namespace"}
TYPES = {each["name"]: each for each in DATA["controller_credential_types"]}


@pytest.mark.parametrize("name", TYPES)
def test_a_secret_reaches_a_job_as_a_file_and_in_no_other_way(name: str) -> None:
    kind = TYPES[name]
    fields = {each["id"]: each for each in kind["inputs"]["fields"]}
    injectors = kind["injectors"]
    assert isinstance(injectors, Unsafe), "Ansible would render it"
    files = {key.removeprefix("template.") for key in injectors["file"]}
    assert not set(fields) & GLOBALS
    for place, values in injectors.items():
        for key, text in values.items():
            used = set(re.findall(r"\{\{ ([\w.]+) \}\}", text))
            assert used <= set(fields) | {f"tower.filename.{each}" for each in files}, key
            secret = {each for each in used if fields.get(each, {}).get("secret")}
            assert place == "file" or not secret, f"{place}.{key} holds a secret"
    assert {field for field, each in fields.items() if each.get("secret")} == files
    assert not BLOCKED & set(injectors.get("env", {}))
    assert not [each for each in injectors.get("env", {}) if each.startswith("ANSIBLE_")]


def test_what_credentials_put_into_a_job_is_what_is_read_there() -> None:
    groups = (_argspec.VAULT, _argspec.SLACK, _argspec.REGISTRY)
    options = [each for group in groups for each in group.values()]
    environment = {suffixed for each in options if each.env for suffixed in (each.env, f"{each.env}_FILE")}
    environment |= set(re.findall(r"\bSLACK_CLIENT_[A-Z_]+\b", str(_clients.__doc__)))
    variables = {each.variable for each in options} | {"token_file"}
    for kind in TYPES.values():
        assert set(kind["injectors"].get("env", {})) <= environment
        assert set(kind["injectors"].get("extra_vars", {})) <= variables
    for name in ("botops stage", "botops revoke"):
        assert "token_file" in takes(TEMPLATES[name]["playbook"])


def test_no_secret_is_in_the_data() -> None:
    for credential in DATA["controller_credentials"]:
        fields = {each["id"]: each for each in TYPES[credential["credential_type"]]["inputs"]["fields"]}
        assert set(credential["inputs"]) == set(fields)
        for name, value in credential["inputs"].items():
            assert not fields[name].get("secret") or value.startswith("$BOTOPS_AWX_"), (
                "out of the environment, by a lookup"
            )
    variables = [
        *(each["extra_vars"] for each in TEMPLATES.values()),
        *(each.get("extra_data", {}) for each in DATA["controller_schedules"]),
    ]
    for text in (str(each) for each in variables):
        assert _redact.text(text) == text and not re.search("token|secret|password|_id", text)


# --- schedules --------------------------------------------------------------------------------------------------------


def rule(text: str) -> Any:
    """A rule in AWX's form, which it refuses without INTERVAL or a time zone, and with SECONDLY or several rules."""
    found = re.fullmatch(
        r"(DTSTART(?:;TZID=[\w/]+:\d{8}T\d{6}|:\d{8}T\d{6}Z)) (RRULE:(FREQ=\w+;INTERVAL=\d+\S*))", text
    )
    assert found and "SECONDLY" not in text, text
    return rrule.rrulestr(f"{found[1]}\n{found[2]}", tzids=tz.gettz)


SCHEDULES = {each["name"]: each for each in DATA["controller_schedules"]}
RUNS = {
    "botops audit, weekly": [  # Monday at six, in winter and in summer
        ("2027-03-22T00:00:00Z", ["2027-03-22T05:00:00Z", "2027-03-29T04:00:00Z", "2027-04-05T04:00:00Z"]),
        ("2027-10-25T00:00:00Z", ["2027-10-25T04:00:00Z", "2027-11-01T05:00:00Z"]),
        ("2027-12-27T06:00:00Z", ["2028-01-03T05:00:00Z"]),
    ],
    "botops refresh, hourly": [  # no hour is left out or taken twice when clocks are changed
        ("2027-03-28T00:00:00Z", ["2027-03-28T00:15:00Z", "2027-03-28T01:15:00Z", "2027-03-28T02:15:00Z"]),
        ("2027-10-31T00:00:00Z", ["2027-10-31T00:15:00Z", "2027-10-31T01:15:00Z", "2027-10-31T02:15:00Z"]),
    ],
    "botops rotation, yearly": [
        ("2026-11-24T00:00:00Z", ["2027-01-15T02:00:00Z", "2028-01-15T02:00:00Z", "2029-01-15T02:00:00Z"]),
    ],
    "botops evidence, monthly": [
        ("2028-02-01T00:00:00Z", ["2028-02-01T04:00:00Z", "2028-03-01T04:00:00Z", "2028-04-01T03:00:00Z"]),
    ],
}


def test_every_schedule_has_its_expected_runs() -> None:
    assert set(RUNS) == set(SCHEDULES)


@pytest.mark.parametrize("name", RUNS)
def test_a_schedule_runs_when_it_should(name: str) -> None:
    runs = rule(SCHEDULES[name]["rrule"])
    for after, due in RUNS[name]:
        at, found = datetime.fromisoformat(after.replace("Z", "+00:00")), []
        for _number in due:
            at = runs.after(at)
            found.append(at.astimezone(tz.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        assert found == due


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_answers_its_survey(name: str) -> None:
    schedule = SCHEDULES[name]
    questions = {each["variable"]: each for each in TEMPLATES[schedule["unified_job_template"]]["survey_spec"]["spec"]}
    answers = schedule.get("extra_data", {})
    assert {key: answer_problem(questions[key], answer) for key, answer in answers.items()} == dict.fromkeys(
        answers, ""
    )
    assert not [key for key, each in questions.items() if each["required"] and key not in answers]


# --- what names what --------------------------------------------------------------------------------------------------


def test_whatever_is_named_is_there() -> None:
    settings = yaml.safe_load((AWX / "settings.yml").read_text())
    credentials = names("credentials") | {settings["awx_machine_credential"]}
    assert {each["credential_type"] for each in DATA["controller_credentials"]} <= set(TYPES)
    for template in TEMPLATES.values():
        assert template["project"] in names("projects") and template["inventory"] in names("inventories")
        assert template["execution_environment"] in names("execution_environments")
        assert set(template["instance_groups"]) <= names("instance_groups")
        assert set(template["credentials"]) <= credentials
    for source in DATA["controller_inventory_sources"]:
        assert source["inventory"] in names("inventories") and source["source_project"] in names("projects")
    assert {each["unified_job_template"] for each in DATA["controller_schedules"]} <= set(TEMPLATES)


def test_what_a_job_leaves_outlives_it() -> None:
    (group,) = DATA["controller_instance_groups"]
    (mount,) = group["pod_spec_override"]["spec"]["containers"][0]["volumeMounts"]
    for template in TEMPLATES.values():
        assert {key: os.path.dirname(path) for key, path in template["extra_vars"].items()} == {
            "botops_report_dir": mount["mountPath"],
            "botops_ledger": mount["mountPath"],
        }


def test_the_workflow_checks_waits_for_somebody_and_rotates() -> None:
    (workflow,) = DATA["controller_workflows"]
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    follow = {
        name: [each["identifier"] for each in next(iter(node.get("related", {}).values()), [])]
        for name, node in nodes.items()
    }
    assert follow == {"check": ["approved"], "approved": ["rotate"], "rotate": []}
    assert [nodes[name]["unified_job_template"]["type"] for name in nodes] == [
        "job_template",
        "workflow_approval",
        "job_template",
    ]
    assert (nodes["check"]["job_type"], nodes["rotate"]["job_type"]) == ("check", "run")
    rotate = TEMPLATES[nodes["rotate"]["unified_job_template"]["name"]]
    assert rotate["ask_job_type_on_launch"] is True, "a node could not ask for a check"
    asked = {each["variable"]: each for each in workflow["survey_spec"]["spec"]}
    own = {each["variable"]: each for each in rotate["survey_spec"]["spec"]}
    assert asked.items() <= own.items()
    assert not [key for key, each in own.items() if each["required"] and key not in asked]


def test_everything_is_applied() -> None:
    (play,) = yaml.safe_load((AWX / "apply.yml").read_text())
    looped = re.findall(r"\{\{ (controller_\w+) \}\}", str([task["loop"] for task in play["tasks"]]))
    assert looped == list(DATA), "in the order in which they need each other"


# --- the image --------------------------------------------------------------------------------------------------------


def test_the_image_has_what_the_collection_needs() -> None:
    image = yaml.safe_load((AWX / "execution-environment.yml").read_text())
    assert image["version"] == 3 and image["images"]["base_image"]["name"]
    core = Requirement(image["dependencies"]["ansible_core"]["package_pip"])
    due = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"].removeprefix(">=")
    assert core.name == "ansible-core" and due in core.specifier and Version("2.18.99") not in core.specifier
    assert Requirement(image["dependencies"]["ansible_runner"]["package_pip"]).name == "ansible-runner"
    for kind, name in (("python", "requirements.txt"), ("system", "bindep.txt")):
        assert (AWX / image["dependencies"][kind]).resolve() == ROOT / name
