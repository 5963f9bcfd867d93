# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small service for tests of the host agent: healthy while the fingerprint of its token stands in a file.

`--port N --accepted FILE`; `--load FILE` takes the token from a file of its own and not from the environment;
`--picky` ends at once when the token is not accepted; `--deaf` never answers; `--slow` takes a second to stop.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, required=True)
options.add_argument("--accepted", type=Path, required=True)
options.add_argument("--load", type=Path)
options.add_argument("--picky", action="store_true")
options.add_argument("--deaf", action="store_true")
options.add_argument("--slow", action="store_true")
given = options.parse_args()

if given.load:
    token = given.load.read_text().split("TOKEN=", 1)[1].split()[0]
else:
    token = os.environ.get("TOKEN", "")
fingerprint = hashlib.sha256(token.encode()).hexdigest()[:12]


def accepted() -> bool:
    return fingerprint in given.accepted.read_text().split()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if given.deaf:
            time.sleep(30)
        body = json.dumps({"slack": {"fingerprint": fingerprint}}).encode()
        self.send_response(200 if accepted() else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def stop(_number: int, _frame: object) -> None:
    time.sleep(1)
    os._exit(0)


if given.slow:
    signal.signal(signal.SIGTERM, stop)
if given.picky and not accepted():
    sys.exit(1)
ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("127.0.0.1", given.port), Handler).serve_forever()
