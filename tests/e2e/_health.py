# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A health page in front of a sandbox service that can be made to fail, and an inventory that names it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.sandbox import Sandbox


@contextmanager
def service_changed(sandbox: Sandbox, name: str, **options: Any) -> Iterator[None]:
    """The inventory, with some options of a service changed."""
    before = sandbox.inventory_file.read_text(encoding="utf-8")
    inventory = json.loads(before)
    for host in inventory["_meta"]["hostvars"].values():
        for service in host["botops_services"]:
            if service["name"] == name:
                service.update(options)
    sandbox.inventory_file.write_text(json.dumps(inventory), encoding="utf-8")
    try:
        yield
    finally:
        sandbox.inventory_file.write_text(before, encoding="utf-8")


@contextmanager
def health_page(well: Callable[[], bool]) -> Iterator[str]:
    """The URL of a page that is 200 while `well`, else 503."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if well() else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/healthz"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def failing_with(sandbox: Sandbox, name: str, token: str) -> Iterator[None]:
    """A service whose health page fails as soon as its process has a certain token; it gives 2 s to become healthy."""

    def well() -> bool:
        pid = sandbox.service(name).pid
        try:
            return bool(pid) and token not in sandbox.process_env(pid).values() and sandbox.health(name)[0] == 200
        except OSError:
            return False

    with (
        health_page(well) as url,
        service_changed(sandbox, name, health={"url": url, "status": 200, "timeout": 2}),
    ):
        yield
