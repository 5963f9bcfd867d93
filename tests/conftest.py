# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the sandbox's fixtures, and no proxy between tests and loopback."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.sandbox.fixtures"]

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

# How long an example takes says more about the machine, which other tests share, than about the code.
settings.register_profile("botops", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("botops")
