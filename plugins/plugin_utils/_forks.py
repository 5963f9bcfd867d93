# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each of Ansible's workers would load for itself, loaded once before they are forked: one for each host and task.

Ansible forks a worker for every host of every task. What the worker imports ends with it; what ansible-playbook itself had
imported, it finds done. Loading a plugin means reading its options from its documentation, which costs more than all that
an action of this collection does on the controller.
"""

from __future__ import annotations

import gc
from importlib import import_module

from ansible.plugins.loader import become_loader, connection_loader, shell_loader

# As most hosts are reached, and the controller itself. Others work as well; their workers load what they need.
_USUAL = ((connection_loader, "ssh"), (connection_loader, "local"), (become_loader, "sudo"), (shell_loader, "sh"))

# Modules that Python loads late: for the first date that is parsed, and for an HTTP session's first request.
_LATE = ("_strptime", "netrc")


def prepare() -> None:
    """Load the usual plugins, and let the garbage collection of workers pass over all that is there by now."""
    for name in _LATE:
        import_module(name)
    for loader, name in _USUAL:
        loader.get(name, class_only=True)
    gc.freeze()
