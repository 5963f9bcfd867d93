# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach Slack. The twin of these options is `SLACK` in `plugins/module_utils/_argspec.py`."""

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
  slack_ca_cert:
    description:
      - PEM file with the authorities that may sign the certificate of Slack, or of a proxy that opens what is encrypted.
        Without it those of the system count.
      - Taken from C(botops_slack_ca_cert).
    type: path
  slack_proxies:
    description:
      - Address of the proxy to Slack, such as V(http://proxy.example.com:3128), or a mapping of C(http) and C(https),
        which say what the proxy is for, to such addresses. A user and a password may be in the address. It begins with
        C(http://) also where Slack is reached by https.
      - Taken from C(botops_slack_proxies).
    type: raw
notes:
  - A request to Slack may take 10 seconds until the end of its answer. What only reads is tried up to four times, and
    C(Retry-After) is obeyed for at most 30 seconds a time. What posts is sent once.
  - Where no proxy to Slack is stated, E(HTTPS_PROXY) and E(HTTP_PROXY) apply. What E(NO_PROXY) names is reached without a
    proxy either way.
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
