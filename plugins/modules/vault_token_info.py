# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vault_token_info
short_description: Tell where installations stand in Vault
version_added: 0.1.0
description:
  - Tells of each installation which tokens are current, pending and previous, by fingerprint, in which state its
    rotation is, who holds its lock, and what the next step is. Nothing is changed, and no token is returned.
  - Slack is not asked; M(botops.rotation.rotation_plan) and M(botops.rotation.slack_token_info) do that.
  - An installation that cannot be read has an C(error), and is no failure. It fails when the registry is wrong, the bot
    or workspace is unknown (the known ones are named), or Vault cannot be reached.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
requirements:
  - tabulate >= 0.9, in the Python that runs ansible-playbook
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
  bot:
    description: A bot's name, several with commas, or V(all).
    type: str
    required: true
  workspace:
    description: The short name of a workspace, several with commas, or V(all). Without it all workspaces of the bot.
    type: str
  spool_dir:
    description:
      - The directory in which M(botops.rotation.rotation) keeps tokens that Vault did not take. There is a warning for
        each token of the selection in it, by fingerprint, and for each file that cannot be read.
      - Taken from the inventory variable C(botops_spool_dir).
    type: path
seealso:
  - module: botops.rotation.rotation_plan
  - module: botops.rotation.slack_token_info
"""

EXAMPLES = r"""
- name: See where a bot stands
  botops.rotation.vault_token_info:
    bot: gobot
  register: vault

- name: Show it
  ansible.builtin.debug:
    msg: "{{ vault.table.splitlines() }}"

# From a shell:
#   ansible localhost -m botops.rotation.vault_token_info -a bot=gobot
#   ansible localhost -m botops.rotation.vault_token_info -a 'bot=all workspace=ibmcloud'
"""

RETURN = r"""
installations:
  description: One entry for each installation, in the order of the registry.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Bot and workspace.
      type: str
      sample: gobot/ibmcloud
    bot:
      description: Name of the bot.
      type: str
      sample: gobot
    workspace:
      description: Short name of the workspace.
      type: str
      sample: ibmcloud
    state:
      description:
        - Where its rotation stands, V(none), V(staged), V(promoting), V(promoted), V(rotated), V(restoring),
          V(rolled_back) or V(aborted); V(unknown) when it cannot be read.
      type: str
      sample: staged
    rotation_id:
      description: Name of its rotation. Empty when there was none.
      type: str
      sample: 20261122T090000Z-gobot-11ab
    tokens:
      description:
        - C(bot), and C(user) where the registry has a path for it, to the stages. Empty when it cannot be read.
      type: dict
      contains:
        current:
          description: Fingerprint of the token that services are to use. Null when there is none.
          type: str
        pending:
          description: Fingerprint of the token that waits to become current. Null when there is none.
          type: str
        previous:
          description: Fingerprint of the token before it, while it is kept. Null when there is none.
          type: str
        since:
          description: When the record saw the current one become current, in UTC. Null when it did not.
          type: str
      sample:
        bot: {current: 1a2b3c4d5e6f, pending: 9f8e7d6c5b4a, previous: null, since: "2025-11-20T02:00:00Z"}
    lock:
      description: Who holds its lock, and until when. Empty when nobody does.
      type: str
      sample: ops on controller-1 (pid 4711) until 2026-11-23 02:15:00 UTC
    missing:
      description:
        - Host that was not on the new token when the last run ended to C(why) and C(since). Only while the rotation is
          V(promoted).
      type: dict
      sample:
        bot-host-3: {why: unreachable, since: "2026-11-23T02:00:00Z"}
    approval:
      description: Since when the approval of an admin of the workspace is waited for; empty where it is not.
      type: str
      sample: "2026-11-23T02:00:00Z"
    expires_at:
      description: When the current token ends, of an app in Slack's rotation mode; empty where that is not known.
      type: str
      sample: ""
    window:
      description:
        - The window that is recorded for its rotation, with C(id), C(start), C(end), C(zone), C(sequence), C(words) and
          C(stands) (V(ahead), V(open) or V(missed)). Empty where there is none.
      type: dict
      sample: {}
    next_step:
      description: What a person does next.
      type: str
      sample: "run rotate_bot: a new token waits"
    error:
      description: Why it cannot be read. Empty when it can.
      type: str
      sample: ""
table:
  description:
    - The same for people, a line for each installation, bot tokens only. P(botops.rotation.summary#callback) prints it.
  returned: success
  type: str
  sample: |-
    installation    state    current       pending       previous    next step
    gobot/ibmcloud  staged   1a2b3c4d5e6f  9f8e7d6c5b4a  -           run rotate_bot: a new token waits
"""
