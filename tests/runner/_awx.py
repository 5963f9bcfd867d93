# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as AWX prepares it: a copy of the project, its inventory as a script, credentials as files, surveys as variables.

What AWX does is in awx/main/tasks/jobs.py (RunJob.build_env, build_params_*) and models/credential.py (inject_credential).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import jinja2
import yaml

from tests.sandbox import Sandbox
from tests.sandbox._state import REGISTRY
from tests.tools.stage import ROOT, project_files

POLICY = "rotation"
BIN = Path(sys.executable).parent


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_mapping(node, deep=True))


def data() -> dict[str, Any]:
    """The data for AWX, its own templates and Ansible's as they stand in the file."""
    return yaml.load((ROOT / "extensions/awx/controller.yml").read_text(encoding="utf-8"), _Loader)


@dataclass
class Ended:
    """A job that has ended. `artifacts`: the folder with all that it left; `stats`: what it handed on as `botops`."""

    status: int
    artifacts: Path
    stats: dict[str, Any]
    stdout: str

    def __repr__(self) -> str:  # what pytest shows of a failed assertion
        return f"exit status {self.status}\n{self.stdout}"


@dataclass
class Credential:
    """A login in Vault that may do what docs/vault-policy.hcl says, and no more."""

    vault_url: str
    role_id: str
    secret_id: str
    vault_namespace: str = ""


def login(sandbox: Sandbox) -> Credential:
    """Makes an AppRole with the documented policy."""
    bao = sandbox.bao
    bao.request("PUT", f"sys/policies/acl/{POLICY}", {"policy": (ROOT / "docs/vault-policy.hcl").read_text()})
    bao.request("POST", "sys/auth/approle", {"type": "approle"})
    bao.request("POST", f"auth/approle/role/{POLICY}", {"token_policies": POLICY, "token_no_default_policy": True})
    role_id = bao.request("GET", f"auth/approle/role/{POLICY}/role-id")[1]["data"]["role_id"]
    secret_id = bao.request("POST", f"auth/approle/role/{POLICY}/secret-id", {})[1]["data"]["secret_id"]
    return Credential(bao.url, role_id, secret_id)


def inventory(sandbox: Sandbox) -> dict[str, Any]:
    """The inventory as AWX has it in its database: hosts and variables as they stand, without Vault's root token."""
    found = json.loads((sandbox.dir / "inventory.json").read_text(encoding="utf-8"))
    variables = {**yaml.safe_load(REGISTRY.read_text(encoding="utf-8")), **found["all"]["vars"]}
    del variables["botops_vault_token"]
    found["all"]["vars"] = {**variables, "botops_ledger_head": "secret/botops_ledger"}
    return found


class Job:
    """A job of a template of the data, prepared in a folder that is new. `at`: where its folder is when it runs."""

    def __init__(
        self,
        folder: Path,
        sandbox: Sandbox,
        credential: Credential,
        template: str,
        answers: dict[str, Any],
        at: Path | None = None,
    ) -> None:
        self.folder, self.at = folder, at or folder
        self.template = next(each for each in data()["controller_templates"] if each["name"] == template)
        for name in ("env", "inventory", "project"):
            (folder / name).mkdir(parents=True)
        for name in project_files():  # with its links
            (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / "project" / name, follow_symlinks=False)
        script = folder / "inventory" / "hosts"
        script.write_text(f"#!/bin/sh\ncat <<'EOF'\n{json.dumps(inventory(sandbox))}\nEOF\n", encoding="utf-8")
        script.chmod(0o700)
        env, variables = self._injected(credential)
        variables = {
            **self._own_variables(sandbox),
            **variables,
            **self._defaults(),
            **answers,
            "awx_job_id": 7,
            "awx_user_name": "anna",
            "awx_job_template_name": template,
        }
        self._put("envvars", {**self._environment(sandbox), **env})
        self._put("extravars", variables)
        self._put("settings", {"job_timeout": 300, "pexpect_timeout": 5})

    def _injected(self, credential: Credential) -> tuple[dict[str, str], dict[str, Any]]:
        """What the credential type puts into the job, with its templates rendered as AWX does."""
        kind = next(each for each in data()["controller_credential_types"] if each["name"] == "botops Vault AppRole")
        given: dict[str, Any] = {**vars(credential), "tower": {"filename": {}}}

        def render(text: str) -> str:
            return jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(given)

        for name, text in kind["injectors"]["file"].items():
            file = self.folder / "env" / f"tmp-{name.removeprefix('template.')}"
            file.touch(mode=0o600)
            file.write_text(render(text), encoding="utf-8")
            given["tower"]["filename"][name.removeprefix("template.")] = str(self.at / "env" / file.name)
        return tuple(
            {name: render(text) for name, text in kind["injectors"][place].items()} for place in ("env", "extra_vars")
        )

    def _own_variables(self, sandbox: Sandbox) -> dict[str, str]:
        """The template's own variables; what outlives jobs is a folder of the sandbox."""
        (sandbox.dir / "kept").mkdir(exist_ok=True)
        return {
            name: text.replace("{{ awx_kept }}", str(sandbox.dir / "kept"))
            for name, text in self.template["extra_vars"].items()
        }

    def _defaults(self) -> dict[str, Any]:
        """The answers that a survey has by itself. A text without one is handed on empty, as the web page does."""
        spec = self.template["survey_spec"]["spec"]
        empty = {each["variable"]: "" for each in spec if each["type"] == "text"}
        return {**empty, **{each["variable"]: each["default"] for each in spec if "default" in each}}

    def _environment(self, sandbox: Sandbox) -> dict[str, str]:
        home = sandbox.dir / "job-home"
        home.mkdir(exist_ok=True)
        raw = "collections"  # collections_path of ansible.cfg, as it stands there
        paths = [
            str(self.at / "requirements_collections"),
            raw,
            "~/.ansible/collections",
            "/usr/share/ansible/collections",
        ]
        return {
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(paths),
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "AWX_HOST": "https://awx.example.com",
            "HOME": str(home),
            "JOB_ID": "7",
            "NO_PROXY": "127.0.0.1,localhost",
            "PATH": f"{BIN}{os.pathsep}{os.defpath}",
        }

    def _put(self, name: str, value: Any) -> None:
        (self.folder / "env" / name).write_text(json.dumps(value), encoding="utf-8")

    def run(self, *arguments: str) -> Ended:
        """Runs it where it is, as on an execution node; as loud as a template may make it."""
        done = ansible_runner.run(
            private_data_dir=str(self.folder),
            playbook=self.template["playbook"],
            cmdline=" ".join(("-u root", *arguments)),
            verbosity=4,
            ident="7",
            quiet=True,
        )
        return ended(done.rc, self.folder / "artifacts" / "7")

    def stream(self, out: Path, *arguments: str) -> Ended:
        """Sends it to a worker, which runs it in the folder `at`, and takes back what that sends."""
        cmdline = " ".join(("-u root", *arguments))
        runner = str(BIN / "ansible-runner")
        sent = [
            runner,
            "transmit",
            str(self.folder),
            "-p",
            self.template["playbook"],
            "--ident",
            "7",
            f"--cmdline={cmdline}",
        ]
        commands = (
            sent,
            [runner, "worker", "--private-data-dir", str(self.at)],
            [runner, "process", str(out), "--ident", "7"],
        )
        processes: list[subprocess.Popen[bytes]] = []
        for command in commands:
            source = processes[-1].stdout if processes else None
            processes.append(subprocess.Popen(command, stdin=source or subprocess.DEVNULL, stdout=subprocess.PIPE))
            if source:
                source.close()  # so that each ends when the next one does
        text = processes[-1].communicate(timeout=300)[0]
        for process in processes[:-1]:
            process.wait(timeout=60)
        artifacts = out / "artifacts" / "7"
        assert (artifacts / "rc").is_file(), text.decode(errors="replace")[-3000:]
        return ended(int((artifacts / "rc").read_text()), artifacts)


def ended(status: int, artifacts: Path) -> Ended:
    """What a job left: the statistic is in the last of its events."""
    stats: dict[str, Any] = {}
    for file in (artifacts / "job_events").glob("*.json"):
        event = json.loads(file.read_text(encoding="utf-8"))
        if event["event"] == "playbook_on_stats":
            stats = event["event_data"].get("artifact_data") or {}
    return Ended(status, artifacts, stats, (artifacts / "stdout").read_text(encoding="utf-8", errors="replace"))
