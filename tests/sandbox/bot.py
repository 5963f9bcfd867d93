# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bot microservice in the standard library alone: its tokens come from its environment; it has a health page.

`bot.py --name NAME --port PORT [--address ADDRESS] VARIABLE...` asks Slack about the token of each variable (auth.test, at the address in
SLACK_API_URL) when somebody asks for `/healthz`, and answers 200 only when Slack accepts them all, else 503. The page
shows fingerprints, never tokens. With a token whose fingerprint is in the file /run/bot-refuses it is unhealthy whatever
Slack says: for rollbacks. Under systemd with Type=notify it says that it is ready.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

REFUSES = "/run/bot-refuses"
FRESH = 0.5
"""Seconds for which a good answer of Slack is believed."""


class Bot:
    """The tokens and what Slack said of them last."""

    def __init__(self, name: str, variables: list[str]) -> None:
        self.name = name
        self.tokens = {variable: os.environ.get(variable, "") for variable in variables}
        self._good_until = 0.0
        self._lock = threading.Lock()

    def page(self) -> tuple[int, dict]:
        """Status and body of the health page."""
        with self._lock:  # one look at Slack at a time, whoever asks
            errors: dict[str, str] = {}
            if time.monotonic() > self._good_until:
                errors = self._errors()
                self._good_until = 0.0 if errors else time.monotonic() + FRESH
        prints = {name: fingerprint(token) for name, token in self.tokens.items() if token}
        body = {"ok": not errors, "service": self.name, "fingerprint": prints.get(next(iter(self.tokens)))}
        return (503 if errors else 200), {**body, "fingerprints": prints, "errors": errors}

    def _errors(self) -> dict[str, str]:
        if os.path.exists(REFUSES):
            with open(REFUSES, encoding="utf-8") as file:
                refused = file.read()
            return {name: "refused here" for name, token in self.tokens.items() if fingerprint(token) in refused}
        found = {name: self._ask(token) for name, token in self.tokens.items()}
        return {name: error for name, error in found.items() if error}

    def _ask(self, token: str) -> str:
        """What is wrong with a token: Slack's error code, or "" when it is accepted."""
        if not token:
            return "not set"
        url = urlsplit(os.environ["SLACK_API_URL"])
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=5)
        headers = {"Authorization": f"Bearer {token}", "User-Agent": f"sandbox-bot/{self.name}"}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("POST", f"{url.path}auth.test", "", headers)
            answer = json.loads(connection.getresponse().read())
            return "" if answer.get("ok") else str(answer.get("error"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"no answer ({type(error).__name__})"
        finally:
            connection.close()


def fingerprint(token: str) -> str:
    """The form in which a token is shown."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def serve(bot: Bot, address: str, port: int) -> None:
    """Serve the health page until the process is ended."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = bot.page() if self.path.split("?")[0] == "/healthz" else (404, {"error": "not found"})
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer((address, port), Page)
    notify_ready()
    server.serve_forever()


def notify_ready() -> None:
    """Tell systemd, where it wants to know (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
            made.connect("\0" + path[1:] if path.startswith("@") else path)
            made.send(b"READY=1")


def main() -> None:
    """Run the bot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", default="127.0.0.1", help="where it listens; 0.0.0.0 is everywhere")
    parser.add_argument("variables", nargs="+")
    options = parser.parse_args()
    serve(Bot(options.name, options.variables), options.address, options.port)


if __name__ == "__main__":
    main()
