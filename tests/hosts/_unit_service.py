# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service for tests of units, in all the ways in which services behave. Healthy while its token is an accepted one.

`--accepted FILE` has the accepted fingerprints. Where it serves: `--port N`, `--socket PATH` (HTTP), `--plain PATH` (takes
connections). What it does: `--load FILE` (takes the token from there), `--wipe` (as setproctitle does), `--deaf` (to
SIGTERM), `--fork FILE` (a daemon, its pid there), `--nest` (a child in a group of its own), `--worker` (a child that ends
after a second), `--reread` (at SIGHUP, from the file of --load), `--notify`, `--late SECONDS` (before it is ready),
`--picky` (ends when its token is not accepted), `--crash SECONDS` (ends then with status 1), `--user NAME` (becomes that).
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("--accepted", "--load", "--fork", "--socket", "--plain", "--user"):
    parser.add_argument(name)
for name in ("--wipe", "--deaf", "--nest", "--worker", "--reread", "--notify", "--picky"):
    parser.add_argument(name, action="store_true")
parser.add_argument("--port", type=int)
parser.add_argument("--late", type=float, default=0.0)
parser.add_argument("--crash", type=float, default=0.0)
given = parser.parse_args()


def load() -> str:
    if given.load:
        return Path(given.load).read_text().split("TOKEN=", 1)[1].split()[0]
    return os.environ.get("TOKEN", "")


token = load()


def fingerprint() -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def accepted() -> bool:
    return fingerprint() in Path(given.accepted).read_text().split()


def tell(state: str) -> None:
    path = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.connect("\0" + path[1:] if path.startswith("@") else path)
        made.send(state.encode())


def reread(_number: int, _frame: object) -> None:
    global token
    if given.notify:
        tell(f"RELOADING=1\nMONOTONIC_USEC={int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6)}")
    token = load()
    if given.notify:
        tell("READY=1")


def wipe() -> None:
    """Overwrite the environment that the kernel shows: env_start and env_end of proc(5), fields 50 and 51."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    ctypes.memset(start, 0, end - start)


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"slack": {"fingerprint": fingerprint()}}).encode()
        self.send_response(200 if accepted() else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "-"

    def log_message(self, *_arguments: object) -> None:
        pass


class UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        Path(self.server_address).unlink(missing_ok=True)
        self.socket.bind(self.server_address)


def listen(path: str) -> None:
    Path(path).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    made.bind(path)
    made.listen()
    while True:
        made.accept()[0].close()


if given.user:
    import pwd

    os.setgid(pwd.getpwnam(given.user).pw_gid)
    os.setuid(pwd.getpwnam(given.user).pw_uid)
if given.picky and not accepted():
    sys.exit(1)
if given.fork:
    if os.fork():
        while not Path(given.fork).exists():
            time.sleep(0.01)
        os._exit(0)
    os.setsid()
if given.wipe:
    wipe()
if given.deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if given.reread:
    signal.signal(signal.SIGHUP, reread)
if given.nest:
    own = next(
        line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines() if "systemd" in line
    )
    group = Path(f"/sys/fs/cgroup/systemd{own}/inner/most")
    group.mkdir(parents=True, exist_ok=True)
    child = subprocess.Popen(["sleep", "1000"])
    (group / "cgroup.procs").write_text(str(child.pid))
if given.worker:
    threading.Timer(1.5, lambda: subprocess.run(["true"], check=True)).start()
    subprocess.Popen(["sleep", "1"])
time.sleep(given.late)
ThreadingHTTPServer.daemon_threads = True
if given.socket:
    threading.Thread(target=UnixServer(given.socket, Page).serve_forever).start()
if given.plain:
    threading.Thread(target=listen, args=(given.plain,)).start()
if given.port:
    threading.Thread(target=ThreadingHTTPServer(("127.0.0.1", given.port), Page).serve_forever).start()
if given.fork:
    Path(given.fork).write_text(f"{os.getpid()}\n")
if given.notify:
    tell("READY=1")
if given.crash:
    time.sleep(given.crash)
    os._exit(1)
while True:
    signal.pause()
