# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the sandbox's fixtures, and no proxy between tests and loopback."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.sandbox.fixtures", "tests._rows"]

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

# How long an example takes says more about the machine, which other tests share, than about the code.
# CI looks at the same examples each time: what it finds can be found again; elsewhere each run looks at others.
settings.register_profile(
    "botops",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
# With BOTOPS_HYPOTHESIS=faults (make test-fuzz) each test marked `fuzz` gets as many cases as is asked for.
settings.register_profile("faults", settings.get_profile("botops"), max_examples=2000)
settings.load_profile(os.environ.get("BOTOPS_HYPOTHESIS") or "botops")
