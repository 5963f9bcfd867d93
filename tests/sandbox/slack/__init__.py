# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Slack for tests and the demo: several workspaces, apps, bots and channels, with the faults that tests need.

`world` holds the state and changes it, `methods` are the Web API, `http` its conventions, `webhooks` the incoming
webhooks, `faults` what can go wrong, `control` the API that tests drive all of it with, `seed` the world of the demo.
It is never kinder than Slack: where Slack's documents leave a choice, the harder case is built.
"""
