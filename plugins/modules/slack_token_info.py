# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slack_token_info
short_description: Tell what Slack says of tokens
version_added: 0.1.0
description:
  - Tells of tokens which kind they are, whether they are alive, dead or unknown, whose they are and which scopes they
    have. Nothing is changed, and no token is returned.
  - V(token_revoked), V(account_inactive) and V(token_expired) are proof that a token is dead. V(invalid_auth) is also
    what a caller outside the app's allowlist of IP addresses gets, and so is everything else unknown. (A rotation, which
    knows the tokens of an app, takes it as proof where another token of the same app is accepted.)
  - That a token is dead, or that Slack does not answer, is not a failure but an answer.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.slack
attributes:
  check_mode:
    support: full
    details:
      - It only reads, so that it does the same in check mode.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It changes nothing.
options:
  tokens:
    description:
      - Tokens of one app. Give them by a lookup or a prompt; what is typed on a command line is seen by others.
      - What is not a usable bot or user token is not sent to Slack.
    type: list
    elements: str
    required: true
seealso:
  - module: botops.rotation.vault_token_info
  - name: Slack, bots.info
    description: Tells the app of a bot token that has the scope users:read.
    link: https://docs.slack.dev/reference/methods/bots.info
"""

EXAMPLES = r"""
- name: Ask Slack about a token in the environment
  botops.rotation.slack_token_info:
    tokens: ["{{ lookup('ansible.builtin.env', 'SLACK_BOT_TOKEN') }}"]
  register: slack

- name: Refuse to go on with a token that Slack does not accept
  ansible.builtin.assert:
    that: slack.tokens[0].life == 'alive'
    fail_msg: "{{ slack.tokens[0].fingerprint }} is {{ slack.tokens[0].life }}: {{ slack.tokens[0].evidence }}"

# From a shell, with the token in the environment:
#   ansible localhost -m botops.rotation.slack_token_info -a "tokens={{ lookup('env', 'SLACK_BOT_TOKEN') }}"
"""

RETURN = r"""
tokens:
  description: What is known of each token, in the order of O(tokens).
  returned: success
  type: list
  elements: dict
  contains:
    fingerprint:
      description: The token's fingerprint.
      returned: always
      type: str
      sample: 9f8e7d6c5b4a
    kind:
      description:
        - What its beginning tells, V(bot), V(user), V(rotating bot), V(rotating user or configuration), V(refresh),
          V(app-level), V(workflow), V(workspace (retired\)), V(legacy client), V(browser session), V(webhook URL) or
          V(unknown).
      returned: always
      type: str
      sample: bot
    life:
      description: V(alive), V(dead) or V(unknown).
      returned: always
      type: str
      sample: alive
    evidence:
      description: What says so.
      returned: always
      type: str
      sample: Slack accepted it
    code:
      description: V(ok), Slack's error, or V(unavailable) when it did not answer as Slack does.
      returned: when Slack was asked
      type: str
      sample: ok
    identity:
      description:
        - Who it is, with C(team_id), C(team), C(user_id), C(user), C(bot_id) and C(app_id), as far as Slack tells.
      returned: when Slack was asked; empty unless alive
      type: dict
      sample: {team_id: T0123, team: IBM Cloud Platform, user_id: U0123, user: gobot, bot_id: B0123, app_id: A0123}
    scopes:
      description: Its scopes, sorted.
      returned: when Slack was asked; empty unless alive
      type: list
      elements: str
      sample: [chat:write, users:read]
"""
