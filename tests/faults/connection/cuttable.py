# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests only: a connection that can be cut like one over a network, while what runs on the host goes on.

It runs commands on this machine, each in a session of its own. $CUTTABLE is a directory, in which for a HOST

    HOST.cut       the connection is cut as soon as this file appears: the command's pipes are closed, Ansible sees it as
                   unreachable, and later connections work again
    HOST.stop      the next command that comes to the host is stopped before it does anything (SIGSTOP), its process id
                   is written to HOST.stopped, and the connection is cut
    HOST.down      while this file exists the host cannot be reached
"""

from __future__ import annotations

DOCUMENTATION = """
name: cuttable
short_description: A local connection that can be cut
description: A local connection that can be cut.
extends_documentation_fragment:
  - connection_pipelining
"""

import os
import selectors
import signal
import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    """Runs commands; see above."""

    transport = "cuttable"
    has_pipelining = True

    def exec_command(self, cmd, in_data=None, sudoable=True):
        self._files = Path(os.environ["CUTTABLE"])
        stop = self._file("stop")
        if self._file("down").exists():
            raise AnsibleConnectionFailure("the host is down, by a test")
        with open(os.memfd_create("stdin"), "r+b", buffering=0) as stdin:
            stdin.write(in_data or b"")
            stdin.seek(0)
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"kill -STOP $$; exec {cmd}" if stop.exists() else cmd],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        if stop.exists():
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            stop.rename(self._file("stopped"))
            self._file("stopped").write_text(str(process.pid), encoding="ascii")
            self._cut(process)
        return self._communicate(process)

    def _file(self, suffix):
        return self._files / f"{self._play_context.remote_addr}.{suffix}"

    def _communicate(self, process):
        said = {process.stdout: b"", process.stderr: b""}
        with selectors.DefaultSelector() as selector:
            for pipe in said:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                for key, _events in selector.select(0.02):
                    got = os.read(key.fd, 65536)
                    said[key.fileobj] += got
                    if not got:
                        selector.unregister(key.fileobj)
                if self._file("cut").exists():
                    self._file("cut").unlink()
                    os.killpg(process.pid, signal.SIGHUP)
                    self._cut(process)
        return process.wait(), said[process.stdout], said[process.stderr]

    def _cut(self, process):
        process.stdout.close()
        process.stderr.close()
        raise AnsibleConnectionFailure("the connection was cut, by a test")
