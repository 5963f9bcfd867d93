# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenBao of a test module's own, and faults on the way to it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault, VaultSettings
from requests.adapters import HTTPAdapter

from tests.sandbox import _ports, bao
from tests.sandbox._process import Processes, wait_for

POLICY = """
path "generic/*"              { capabilities = ["create", "read", "update", "delete"] }
path "secret/data/*"          { capabilities = ["create", "read", "update"] }
path "secret/metadata/*"      { capabilities = ["read", "delete"] }
path "secret/destroy/*"       { capabilities = ["update"] }
path "generic/forbidden"      { capabilities = ["deny"] }
path "secret/data/read-only"  { capabilities = ["read"] }
path "sys/capabilities-self"  { capabilities = ["update"] }
path "auth/token/lookup-self" { capabilities = ["read"] }
"""


@contextlib.contextmanager
def running() -> Iterator[bao.Bao]:
    """An OpenBao with KV v1 at generic/ and team/a/kv/, KV v2 at secret/, and the AppRole `rotation` with POLICY only."""
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    processes = Processes(directory)
    try:
        with _ports.claim() as claimed:
            server = bao.start(processes, directory, claimed.getsockname()[1] + 1, "root")
            wait_for("OpenBao answers", server.alive)
            server.set_up()
            server.mount("team/a/kv", 1)
            server.request("PUT", "sys/policies/acl/rotation", {"policy": POLICY})
            server.request("POST", "sys/auth/approle", {"type": "approle"})
            role = {"token_policies": "rotation", "token_no_default_policy": True}
            server.request("POST", "auth/approle/role/rotation", role)
            yield server
    finally:
        processes.stop_all()
        shutil.rmtree(directory)


def settings(server: bao.Bao, **more: Any) -> VaultSettings:
    """Login of the AppRole, impatient."""
    role_id = server.request("GET", "auth/approle/role/rotation/role-id")[1]["data"]["role_id"]
    secret_id = server.request("POST", "auth/approle/role/rotation/secret-id", {})[1]["data"]["secret_id"]
    given = {"auth_method": "approle", "role_id": role_id, "secret_id": secret_id, "timeout": 3, "retries": 2}
    return VaultSettings(url=server.url, **{**given, **more})


class Fault(HTTPAdapter):
    """Stands between the product and the server for the next requests of some verbs, then lets all through.

    Each item of `plan` is for one request: "pass"; "lost" (never arrives), "cut" (carried out, the answer lost), an HTTP
    status (a proxy's answer, not carried out), seconds as a float (held back so long), a function that is called first.
    """

    def __init__(self, verbs: str, *plan: str | float | Callable[[], object]) -> None:
        super().__init__()
        self.verbs, self.plan, self.seen = verbs.split(), list(plan), []

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(request.method)
        step = self.plan.pop(0) if self.plan and request.method in self.verbs else "pass"
        if callable(step):
            step()
        if isinstance(step, float):
            time.sleep(step)
        if step == "lost":
            raise requests.ConnectionError("lost on the way")
        if isinstance(step, int):
            return self._answer(request, step)
        answer = super().send(request, *args, **kwargs)
        if step == "cut":
            raise requests.ConnectionError("cut after it was carried out")
        return answer

    def _answer(self, request: Any, status: int) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = status, request.url, request
        answer.headers.update({"Retry-After": "1", "Content-Type": "text/html"})
        answer._content = b"<h1>on purpose</h1>"
        return answer

    def between(self, vault: Vault) -> Fault:
        vault._http.session.mount("http://", self)
        return self
