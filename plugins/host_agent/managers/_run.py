# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one command on the host, bounded, with nothing inherited that would keep it or us waiting."""

from __future__ import annotations

import subprocess

from .._mask import HostError, masked


def run(argv: list[str], seconds: float, keep_output: bool = True) -> tuple[int, str, str]:
    """(exit status, standard output, last line of standard error).

    Without `keep_output` both go to /dev/null: a daemon that the command leaves behind inherits them, would keep a
    pipe open for ever and would fail when it is closed.
    """
    sink = subprocess.PIPE if keep_output else subprocess.DEVNULL
    try:
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            timeout=seconds,
            start_new_session=True,
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        raise HostError(f"`{' '.join(argv)}` did not end within {seconds:.0f} s") from None
    except OSError as problem:
        raise HostError(f"`{' '.join(argv)}` could not be run: {problem.strerror}") from None
    output = (done.stdout or b"").decode("utf-8", "replace")
    complaint = (done.stderr or b"").decode("utf-8", "replace").strip().rpartition("\n")[2]
    return done.returncode, output, masked(complaint)[:300]
