# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: one rotation in a sandbox of its own, which is stopped and removed however the run ends.

The run's own table is the last thing printed; its report stays in `reports/`. The exit status is the playbook's, or the
sandbox's where that does not start or stop.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 20  # seconds that a stopped playbook gets to end by itself


def sandbox(verb: str, directory: str, env: dict[str, str], **options: object) -> int:
    command = [sys.executable, "-m", "tests.sandbox", verb, "--dir", directory]
    return subprocess.run(command, cwd=ROOT, env=env, check=False, **options).returncode  # type: ignore[call-overload]


def rotate(env: dict[str, str]) -> int:
    """Run the playbook in the foreground; when this process is stopped, end it before anything is taken from under it."""
    print("demo: ansible-playbook rotate_bot.yml -e bot=gobot", flush=True)
    playbook = subprocess.Popen(["ansible-playbook", "rotate_bot.yml", "-e", "bot=gobot"], cwd=ROOT, env=env)
    try:
        return playbook.wait()
    finally:
        if playbook.poll() is None:
            playbook.terminate()
            try:
                playbook.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                playbook.kill()
                playbook.wait()


def stop(directory: str, env: dict[str, str]) -> int:
    """Stop the sandbox; silent unless that fails, so that the run's table stays the last thing on the screen."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    with tempfile.TemporaryFile("w+") as log:
        status = sandbox("down", directory, env, stdout=log, stderr=log)
        if status:
            log.seek(0)
            print(f"demo: the sandbox in {directory} did not stop cleanly:\n{log.read()}", file=sys.stderr)
    return status


def main() -> int:
    """Sandbox up, rotate, sandbox down; 128 + N where signal N ended it."""
    for number in STOPPING:
        signal.signal(number, lambda received, frame: sys.exit(128 + received))
    # A Vault that the caller is logged in to is none of the demo's business.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_"))}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    with tempfile.TemporaryDirectory(prefix="botops-demo.", ignore_cleanup_errors=True) as directory:
        env["BOTOPS_SANDBOX"] = directory
        print("demo: start the sandbox; it is stopped again at the end", flush=True)
        try:
            status = sandbox("up", directory, env) or rotate(env)
        finally:
            stopped = stop(directory, env)
    return status or stopped


if __name__ == "__main__":
    sys.exit(main())
