# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests without a network and without parts that have to be started."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine, which other tests share, than about the code.
settings.register_profile("botops", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("botops")
