# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the tests here the fixtures of `fixtures.py`."""

from __future__ import annotations

from tests.hosts.fixtures import hosts, hosts_sandbox, module_hosts

__all__ = ["hosts", "hosts_sandbox", "module_hosts"]
