# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach Slack. The twin of this option is `SLACK` in `plugins/module_utils/_argspec.py`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - slack_sdk >= 3.47, in the Python that runs ansible-playbook
options:
  slack_api_url:
    description:
      - Base address of Slack's Web API. Another one is for sandboxes and tests.
      - Taken from the inventory variable C(botops_slack_api_url), then V(https://slack.com/api/).
    type: str
notes:
  - A request to Slack may take 10 seconds. What only reads is tried up to four times, and C(Retry-After) is obeyed for
    at most 30 seconds a time. What posts is sent once.
seealso:
  - name: Slack, tokens
    description: The kinds of them.
    link: https://docs.slack.dev/authentication/tokens
  - name: Slack, auth.test
    description: Asks whose a token is, and whether it is accepted; the errors.
    link: https://docs.slack.dev/reference/methods/auth.test
  - name: Slack, rate limits
    description: How many requests may be made.
    link: https://docs.slack.dev/apis/web-api/rate-limits
"""
