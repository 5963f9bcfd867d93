# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Slack for tests and the demo: several workspaces, apps, bots and channels, with the faults that tests need.

`world` holds the state and changes it; its parts are `_grants` (install and revoke), `_refreshes` (rotation mode) and
`_approvals` (consents, codes, admins). `http` has the conventions of the Web API, `methods` its dispatcher and the first
methods; `memberships`, `conversations`, `chat`, `scheduled`, `oauth` and `admin` have the others. `consent` and `pages`
are what a person sees while installing an app, `browser` clicks on it; `webhooks` are the incoming ones, `faults` what
can go wrong, `control` and its `client` what tests drive all of it with, `seed` the world of the demo.
It is never kinder than Slack: where Slack's documents leave a choice, the harder case is built.
"""
