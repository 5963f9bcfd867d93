# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_guide
short_description: Tell what a credential is, and how its kind is renewed
version_added: 0.1.0
description:
  - Tells of an installation's tokens, or of one credential that is given, which kind it is, whether it lives, whose it is,
    and how its kind is renewed, step by step, with the links of its app and workspace. Nothing is changed.
  - What this collection does is a command; what only a person can do is said with the page where it is done.
  - All guides are in C(docs/guide.md).
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
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
    description:
      - The bot whose tokens in Vault are told about; several with commas, or V(all).
      - Without it, and without O(kind), the credential is asked for, without being shown. With O(token_file) or O(kind)
        it only says whose links and commands are to be shown.
    type: str
  workspace:
    description: The workspace, by short name; several with commas. All of the bot's when it is not given.
    type: str
  kind:
    description:
      - The kind to tell about, where there is no token to look at, or a secret that cannot be known by its looks.
    type: str
    choices:
      - bot
      - user
      - rotating
      - refresh
      - app
      - configuration
      - workflow
      - service
      - classic
      - test
      - custom-bot
      - hubot
      - remove
      - retired
      - session
      - webhook
      - trigger
      - signing
      - verification
      - client
      - unknown
  token_file:
    description:
      - A file that holds one credential and nothing else, or V(-) for standard input.
      - A credential is never given by a variable.
    type: str
seealso:
  - module: botops.rotation.slack_token_info
  - module: botops.rotation.slack_token
  - module: botops.rotation.rotation
"""

EXAMPLES = r"""
- name: Show how the token of gobot in ibmcloud is renewed
  botops.rotation.rotation_guide:
    bot: gobot
    workspace: ibmcloud

- name: Ask for a credential, and tell what it is
  botops.rotation.rotation_guide: {}

- name: Show how a signing secret is renewed
  botops.rotation.rotation_guide:
    kind: signing
    bot: gobot
"""

RETURN = r"""
credentials:
  description: What is known of each credential; empty with O(kind).
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: Which it is.
      returned: always
      type: str
      sample: the current bot token of gobot/ibmcloud
    fingerprint:
      description: Its fingerprint; V(none) where Vault has no token.
      returned: always
      type: str
      sample: 9f8e7d6c5b4a
    kind:
      description: As RV(botops.rotation.slack_token_info#module:tokens[].kind).
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
    identity:
      description: Whose it is, as far as Slack tells; empty unless alive.
      returned: always
      type: dict
      sample: {team_id: T0123, team: IBM Cloud Platform, user_id: U0123, user: gobot}
    scopes:
      description: Its scopes; empty unless alive.
      returned: always
      type: list
      elements: str
      sample: [chat:write]
    installation:
      description: The installation of the registry that it is of; empty where that is not known.
      returned: always
      type: str
      sample: gobot/ibmcloud
    guides:
      description: The names of the guides that it may need, the likeliest first.
      returned: always
      type: list
      elements: str
      sample: [bot]
guides:
  description: The guides, with links and commands for this place.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: One of the choices of O(kind).
      returned: always
      type: str
      sample: bot
    title:
      description: What people call the kind.
      returned: always
      type: str
      sample: Bot token of an app
    looks:
      description: By what it is known.
      returned: always
      type: str
    life:
      description: How long it is good for, and whether old and new overlap.
      returned: always
      type: str
    ends:
      description: What else ends when it is revoked.
      returned: always
      type: str
    steps:
      description: What is to be done, in order.
      returned: always
      type: list
      elements: dict
      contains:
        who:
          description: V(tool) where C(command) does it, else V(you).
          returned: always
          type: str
          sample: tool
        text:
          description: What is done.
          returned: always
          type: str
        command:
          description: The command; empty for a person's step.
          returned: always
          type: str
          sample: ansible-playbook botops.rotation.stage_token -e bot=gobot -e workspace=ibmcloud
        link:
          description: Where a person does it; may be empty.
          returned: always
          type: str
          sample: https://api.slack.com/apps/A0123/oauth
    sources:
      description: Where this is from.
      returned: always
      type: list
      elements: str
table:
  description: All of it as text.
  returned: success
  type: str
"""
