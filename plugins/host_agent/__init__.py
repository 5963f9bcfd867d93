# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that runs on a host: it carries tokens into the environment files of services and proves that it took.

It is sent to the host on standard input by the action plugin `service_env` and needs Python 3.9 and its standard
library there. `_agent` orchestrates, `_service` is one service, `_env_file` and the three dialects read and change
environment files as bytes, `_files` locks and replaces them, `_health` and `_processes` look at what runs, `managers`
restarts. `_program` stays on the controller: it packs the rest.
"""

from __future__ import annotations
