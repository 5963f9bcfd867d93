# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bot microservice: a Slack client whose tokens come from its environment, with a health page.

`bot.py --port PORT --name NAME VARIABLE...` takes a token from each variable, asks Slack about all of them at the
start and at intervals (auth.test through slack_sdk), and answers `/healthz` with 200 only while Slack accepts them
all, else with 503. The page shows fingerprints, never tokens. Slack's address is in SLACK_API_URL.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import logging
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

INTERVAL = 5.0
"""Seconds between the bot's own looks at Slack."""
FRESH = 1.0
"""Seconds for which a good answer is believed when somebody asks for the bot's health."""

_quiet = logging.getLogger("bot.slack")
_quiet.setLevel(logging.CRITICAL)


class Bot:
    """The tokens and what Slack said of them last."""

    def __init__(self, name: str, variables: list[str]) -> None:
        self.name = name
        self.tokens = {name: os.environ.get(name, "") for name in variables}
        self.errors: dict[str, str] = dict.fromkeys(variables, "not checked yet")
        self._checked = 0.0
        self._lock = threading.Lock()
        self._clients = {name: self._client(token) for name, token in self.tokens.items() if token}

    def _client(self, token: str) -> WebClient:
        return WebClient(
            token,
            base_url=os.environ["SLACK_API_URL"],
            timeout=5,
            user_agent_prefix=f"sandbox-bot/{self.name}",
            logger=_quiet,
            retry_handlers=[],
        )

    def check(self, older_than: float = 0.0) -> bool:
        """Ask Slack about every token, unless all was well less than `older_than` seconds ago; whether all is well."""
        with self._lock:
            if self.errors or time.monotonic() - self._checked >= older_than:
                found = {name: self._ask(name) for name in self.tokens}
                self.errors = {name: error for name, error in found.items() if error}
                self._checked = time.monotonic()
            return not self.errors

    def _ask(self, name: str) -> str:
        """What is wrong with a token: Slack's error code, or "" when it is accepted."""
        if name not in self._clients:
            return "not set"
        try:
            self._clients[name].auth_test()
        except SlackApiError as error:
            code = str(error.response.get("error"))
            return code if code.replace("_", "").isalpha() else "not understood"
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"no answer ({type(error).__name__})"
        return ""

    def page(self) -> tuple[int, dict[str, Any]]:
        """Status and body of the health page."""
        ok = self.check(older_than=FRESH)
        prints = {name: hashlib.sha256(token.encode()).hexdigest()[:12] for name, token in self.tokens.items() if token}
        first = next(iter(self.tokens))
        body = {"ok": ok, "service": self.name, "fingerprint": prints.get(first), "fingerprints": prints}
        return (200 if ok else 503), {**body, "errors": self.errors}


def serve(bot: Bot, port: int) -> None:
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

        def log_message(self, format: str, *args: Any) -> None:
            pass

    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()


def keep_checking(bot: Bot) -> None:
    """Look at Slack again and again, and say in the log when the answer changes."""
    before: dict[str, str] | None = None
    while True:
        bot.check()
        if bot.errors != before:
            before = dict(bot.errors)
            print(f"{bot.name}: {'Slack accepts every token' if not before else before}", flush=True)
        time.sleep(INTERVAL)


def main() -> None:
    """Run the bot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("variables", nargs="+")
    options = parser.parse_args()
    bot = Bot(options.name, options.variables)
    threading.Thread(target=keep_checking, args=(bot,), daemon=True).start()
    serve(bot, options.port)


if __name__ == "__main__":
    main()
