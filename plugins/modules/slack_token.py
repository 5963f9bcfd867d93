# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slack_token
short_description: Revoke tokens at Slack
version_added: 0.1.0
description:
  - Revokes leaked tokens at once, proves that they are dead, and tells how long that took, what else ended with them and
    what is next.
  - A static token does not end alone. With it ends every token of the app in that workspace, the bot loses its place in its
    channels, and the app's webhooks there end. A token of Slack's rotation mode ends alone.
  - A token is matched to its installation by what Slack says of it (team, and app or bot user), or by its fingerprint among
    all that Vault holds as current, pending or previous. One that is of no row of the registry is not revoked, unless
    O(unknown) says so. That it is current is no reason not to revoke it.
  - C(auth.revoke) is sent once. After an answer that was cut C(auth.test) is asked, and it is sent again only where that has
    accepted the token. A token that answers V(invalid_auth) after the revoke is dead, if Slack had accepted it from here
    just before.
  - No lock is taken, since nothing is written to Vault, and a leak does not wait for other runs; they ask Slack about each
    token before they rely on it. Nor does it wait for Vault, where Slack's words match the token to the registry.
  - Fails where a token is not known to be dead at the end, after all of them were tried, and where O(ledger) could not be
    written.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
  - botops.rotation.ledger
attributes:
  check_mode:
    support: full
    details:
      - Calls C(auth.revoke) with C(test=1), which changes nothing, and tells what would end.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A token that is dead already is reported as that. An app that was installed again has another token.
options:
  state:
    description: What becomes of the tokens. They cannot be brought back.
    type: str
    choices: [revoked]
    default: revoked
  tokens:
    description:
      - The tokens, by a lookup; what is typed on a command line is seen by others.
      - One of this, O(token_file), O(alert_file) and O(fingerprints) may be given. Without any of them the token is asked
        for, without being shown.
    type: list
    elements: str
  token_file:
    description: A file that holds one token and nothing else, or V(-) for standard input.
    type: str
  alert_file:
    description:
      - A file, or V(-) for standard input, with an alert, or a list of them, as JSON.
      - An alert of GitHub secret scanning as its REST API gives it. What its webhook delivers lacks the token.
      - An incident of GitGuardian as its webhook or its API gives it. It has a hash of the token, by which it is found in
        Vault.
    type: str
  fingerprints:
    description: Fingerprints of tokens that are in Vault. That one has to be stated is the confirmation.
    type: list
    elements: str
  unknown:
    description: Whether a token is revoked that is of no row of the registry.
    type: bool
    default: false
  report_dir:
    description:
      - Directory for a report, as JSON and Markdown. None is written without it, in check mode, and where every token was
        dead already; nor is anything added to O(ledger).
    type: str
seealso:
  - module: botops.rotation.slack_token_info
  - module: botops.rotation.rotation_guide
  - name: Slack, auth.revoke
    description: What it ends.
    link: https://docs.slack.dev/reference/methods/auth.revoke
  - name: Slack, token rotation
    description: What it ends for an app in that mode.
    link: https://docs.slack.dev/authentication/using-token-rotation
"""

EXAMPLES = r"""
- name: Revoke a leaked token that is asked for
  botops.rotation.slack_token:
    state: revoked
    report_dir: reports

- name: Revoke what GitHub has found, see docs/operations.md
  botops.rotation.slack_token:
    state: revoked
    alert_file: alert.json

- name: See what the end of a token would mean
  botops.rotation.slack_token:
    state: revoked
    fingerprints: ["1a2b3c4d5e6f"]
  check_mode: true
"""

RETURN = r"""
tokens:
  description: What became of each token, in the order in which they were given.
  returned: always, unless no token could be read
  type: list
  elements: dict
  contains:
    fingerprint:
      description: The token's fingerprint; empty where the token itself is not known.
      returned: always
      type: str
      sample: 9f8e7d6c5b4a
    kind:
      description: As RV(botops.rotation.slack_token_info#module:tokens[].kind); empty where the token is not known.
      returned: always
      type: str
      sample: bot
    source:
      description: Who told of it.
      returned: always
      type: str
      sample: GitHub secret scanning alert 42
    link:
      description: Where that is; may be empty.
      returned: always
      type: str
    installation:
      description: The installation that it is of; empty where it is of none of the registry.
      returned: always
      type: str
      sample: gobot/ibmcloud
    stages:
      description: As what Vault has it.
      returned: always
      type: list
      elements: str
      sample: [current bot]
    identity:
      description: Whose it was, as far as Slack told; empty unless it was alive.
      returned: always
      type: dict
      sample: {team_id: T0123, team: IBM Cloud Platform, user_id: U0123, user: gobot}
    life_before:
      description: V(alive), V(dead) or V(unknown), before it was revoked.
      returned: always
      type: str
      sample: alive
    outcome:
      description:
        - V(revoked), V(dead_already), V(would_revoke) (in check mode), V(alive) (Slack still accepts it), V(unknown)
          (whether it is dead is not known), V(refused) (Slack does not revoke it), V(not_ours) (of no row, and O(unknown)
          is false), V(not_found) (the hash or fingerprint is in no row).
      returned: always
      type: str
      sample: revoked
    evidence:
      description: What says so.
      returned: always
      type: str
      sample: Slack answered account_inactive
    seconds:
      description: From the start of the task, or from the end of what was typed, until it was dead. Null unless it was revoked now.
      returned: always
      type: float
      sample: 0.4
    others:
      description: The installation's other tokens in Vault, as Slack takes them at the end, in check mode as it takes them now.
      returned: always
      type: list
      elements: dict
      contains:
        what:
          description: Its stage and name.
          returned: always
          type: str
          sample: current user
        fingerprint:
          description: Its fingerprint.
          returned: always
          type: str
        life:
          description: V(alive), V(dead) or V(unknown).
          returned: always
          type: str
        evidence:
          description: What says so.
          returned: always
          type: str
    channels:
      description: The channels that the bot was in, where the token could tell within half a second.
      returned: always
      type: list
      elements: dict
      contains:
        id:
          description: Its id.
          returned: always
          type: str
          sample: C0123
        name:
          description: Its name.
          returned: always
          type: str
        private:
          description: Whether it is private; then somebody in it has to invite the bot again.
          returned: always
          type: bool
    services:
      description: The services that use a token of the installation.
      returned: always
      type: list
      elements: str
      sample: [gobot-consumer on bot-host-1]
    go_on:
      description: Whether a new token waits in Vault, which rotate_bot can carry to the services.
      returned: always
      type: bool
    reason:
      description: Why it ended so, and what ended with it.
      returned: always
      type: str
    next_step:
      description: What to do.
      returned: always
      type: str
go_on:
  description: C(bot) and C(workspace) for rotate_bot, where new tokens of one bot wait; else empty.
  returned: always, unless no token could be read
  type: dict
  sample: {bot: gobot, workspace: ibmcloud}
path:
  description: Where the report is; empty where none was written.
  returned: always, unless no token could be read
  type: str
ansible_stats:
  description:
    - What Ansible hands on, as from M(ansible.builtin.set_stats), the statistic C(botops) with C(schema) (V(botops.stats/1)),
      C(kind), C(run_id), C(check), C(success), C(outcomes), C(path) and C(report); null instead of a report of more than
      512 KiB.
  returned: always, unless no token could be read
  type: dict
  sample: {}
table:
  description: All of it as text.
  returned: always, unless no token could be read
  type: str
"""
