# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_plan
short_description: Plan the rotation of a bot's Slack tokens
version_added: 0.1.0
description:
  - Reads the registry, then Vault, then asks Slack about each token that matters, and decides for each installation
    what is to be done, or why nothing may be. Nothing is changed anywhere.
  - The plan holds no token. It is what C(--check) shows and what the real run follows, and the report has the same
    shape with results added.
  - What is wrong with one installation (nothing staged, a pending token that is malformed, dead, of another team, app
    or user, without a required scope, equal to the current one or to one of another installation, a secret that cannot
    be read) refuses that installation, and the others go on.
  - It fails where nothing can be planned at all. Then the registry is wrong, the bot or workspace is unknown (the known
    ones are named, and nothing has been contacted), or Vault cannot be reached or logged in to.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
  - botops.rotation.announcements
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
      - It changes nothing. RV(plan.run_id) is another each time.
options:
  bot:
    description: A bot's name, several with commas, or V(all).
    type: str
    required: true
  workspace:
    description: The short name of a workspace, several with commas, or V(all). Without it all workspaces of the bot.
    type: str
  accept_identity:
    description:
      - Fingerprints of new tokens whose user may differ from that of the old one, or that there is nothing to compare
        with. The team must be the registry's in any case, and the app the known one.
    type: list
    elements: str
    default: []
  accept_scopes:
    description:
      - Fingerprints of new tokens that may lack scopes which the old token had. Scopes that the registry requires must
        be there in any case.
    type: list
    elements: str
    default: []
  keep_old:
    description: Fingerprints of old tokens that Slack may go on accepting; a rotation counts as done nonetheless.
    type: list
    elements: str
    default: []
  revoke_old:
    description:
      - Fingerprints of old tokens that the run will revoke at its end, if they live. A row where that must not be is
        refused, see O(botops.rotation.rotation#module:revoke_old).
    type: list
    elements: str
    default: []
  direction:
    description: Rotate (V(forward)), or bring old tokens that Slack still accepts V(back).
    type: str
    choices:
      - forward
      - back
    default: forward
  force:
    description: Go on with services that are unhealthy although Slack accepts the tokens that they have.
    type: bool
    default: false
  unattended:
    description:
      - Nobody is watching, so that a rotation whose last attempt was rolled back is refused and not tried again.
    type: bool
    default: false
  install:
    description:
      - Whether this run can still wait for an installation. With V(false) a row that lacks its new token ends as
        V(waiting).
    type: bool
    default: true
  ignore_window:
    description:
      - Goes on outside of a recorded window (M(botops.rotation.rotation_window)), for emergencies. There is a warning, and
        the row says so.
    type: bool
    default: false
  refresh_margin:
    description:
      - Hours before its end in which a token of Slack's rotation mode is refreshed, more than 0 and at most 12, its life.
      - If not set, the variable C(botops_refresh_margin) is used, then V(3).
    type: float
  refresh_only:
    description:
      - A scheduled refresh. Only bots whose strategy is C(refresh) are taken, none enters Slack's rotation mode, and a
        refresh that was rolled back is not tried again while the old token goes on.
    type: bool
    default: false
  exchange_untried:
    description:
      - A bot whose environment is V(internal) may enter Slack's rotation mode although no bot of the environment V(staging)
        is in it yet.
    type: bool
    default: false
  refreshed:
    description:
      - What O(botops.rotation.rotation#module:state=refreshed) gave in this run, by installation. What was not refreshed is
        refused for its reason, and nothing is refreshed again.
    type: dict
  rotation_days:
    description:
      - Days after which a token is due.
      - If not set, the variable C(botops_rotation_days) is used, then V(365).
    type: int
  warn_days:
    description:
      - Days before that in which it may be rotated. A token younger than O(rotation_days) less O(warn_days) is left
        alone when nothing is staged.
      - If not set, the variable C(botops_rotation_warn_days) is used, then V(30).
    type: int
  rollout_serial:
    description:
      - How many hosts make a batch of the rollout. A number, a percentage of the hosts that need it (at least one), or a
        list of these (also as one text, with commas) for one batch after the other, of which the last goes on to the end.
        V([1, "100%"]) is a canary.
      - If not set, the variable C(botops_rollout_serial) is used, then all hosts are one batch.
    type: raw
  rollout_pause:
    description:
      - Seconds between two batches. The locks are kept meanwhile.
      - If not set, the variable C(botops_rollout_pause) is used, then there is none.
    type: raw
  soak:
    description:
      - Seconds to wait after the rollout, before every changed service is looked at again. The locks are kept meanwhile.
      - If not set, the variable C(botops_soak) is used, then there is none.
    type: raw
seealso:
  - module: botops.rotation.rotation_outcome
  - module: botops.rotation.rotation
  - module: botops.rotation.vault_token_info
"""

EXAMPLES = r"""
- name: Plan the rotation of one bot
  botops.rotation.rotation_plan:
    bot: gobot
  register: planned

- name: Plan two bots in one workspace, with an old token that is meant to live on
  botops.rotation.rotation_plan:
    bot: gobot,ciebot
    workspace: ibmcloud
    keep_old: [1a2b3c4d5e6f]

- name: Say what would be done
  ansible.builtin.debug:
    msg: "{{ planned.plan.installations | map(attribute='outcome') }}"

# From a shell:
#   ansible localhost -m botops.rotation.rotation_plan -a bot=gobot
"""

RETURN = r"""
plan:
  description: The plan, without a token.
  returned: success
  type: dict
  contains:
    schema:
      description: Name and version of the plan's and the report's shape.
      type: str
      sample: botops.rotation/1
    run_id:
      description: Name of the run. UTC by Vault's clock, the bot (V(2-bots) for several), four random digits.
      type: str
      sample: 20261123T020000Z-gobot-7f3a
    at:
      description: When it was planned, in UTC by Vault's clock.
      type: str
      sample: "2026-11-23T02:00:00Z"
    bots:
      description: Names of the bots.
      type: list
      elements: str
      sample: [gobot]
    installations:
      description: One row for each installation, in the order of the registry.
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
        workspace_name:
          description: Its name for people.
          type: str
          sample: IBM Cloud Platform
        action:
          description:
            - V(promote) makes pending tokens current; V(resume) goes on with a rotation that was begun; V(adopt) takes
              over a current token that was overwritten by hand; V(reinstall) revokes the old token, where that was not done
              yet, and waits for the app's installation to give a new one; V(exchange) has Slack give a token of its rotation
              mode for a static one; V(refresh) has it give the next one for a token that ends soon; V(converge) brings hosts
              to the current token where they have another; V(none) does nothing.
          type: str
          sample: promote
        state:
          description:
            - Where the record stands, V(none), V(revoking), V(revoked), V(staged), V(promoting), V(promoted), V(rotated), V(restoring),
              V(rolled_back) or V(aborted).
          type: str
          sample: staged
        rotation_id:
          description: Name of the rotation in the record. Empty when there was none.
          type: str
          sample: 20261122T090000Z-gobot-11ab
        attempt:
          description: Which attempt of this rotation it is; one more after each that was rolled back.
          type: int
          sample: 1
        revoked_at:
          description:
            - When this rotation began to revoke the old token, in UTC. Empty where it did not.
          type: str
          sample: ""
        routine:
          description: Whether the new token is refreshed from the old one. Then nothing is announced unless it fails.
          type: bool
          sample: false
        expires_at:
          description:
            - When the newest token ends, of those of Slack's rotation mode. Empty for a static one, and where it is not known.
          type: str
          sample: ""
        outcome:
          description:
            - What the run is expected to end with. V(rotated); V(already) (nothing is staged and the token is young);
              V(old_alive) (Slack still accepts the old token); V(nothing_staged); V(waiting) (the app is to be
              installed first); V(refused).
            - V(converged), V(rolled_back), V(partial) and V(failed) come from M(botops.rotation.rotation_outcome).
          type: str
          sample: rotated
        reason:
          description: Why, where it is not simply rotated.
          type: str
          sample: ""
        next_step:
          description: What a person has to do. Empty when nothing.
          type: str
          sample: ""
        old_fingerprint:
          description:
            - The token that goes out of use, that is the bot token's, or that of the only token that rotates. Null when
              there is none.
          type: str
          sample: 1a2b3c4d5e6f
        new_fingerprint:
          description: The token that is to be in use, likewise.
          type: str
          sample: 9f8e7d6c5b4a
        identity:
          description:
            - Who Slack says that the new token is, with C(team_id), C(team), C(user_id), C(user), C(bot_id) and
              C(app_id), as far as it tells them. C(app_id) takes the scope C(users:read).
          type: dict
          sample: {team_id: T0123, team: IBM Cloud Platform, user_id: U0123, user: gobot, bot_id: B0123, app_id: A0123}
        proofs:
          description:
            - Each is a dictionary of C(result), V(true), V(false) or null (nothing can be said), and
              C(evidence), a text. Empty where no token changes.
          type: dict
          contains:
            changed:
              description: New differs from old.
              type: dict
              sample: {result: true, evidence: "1a2b3c4d5e6f -> 9f8e7d6c5b4a"}
            same_identity:
              description: New is of the same team, app and user.
              type: dict
              sample: {result: true, evidence: team and app as the record says}
            scopes:
              description: New has the required scopes and those of the old token.
              type: dict
              sample: {result: true, evidence: "has chat:write, users:read"}
            old_refused:
              description: Slack refuses the old token.
              type: dict
              sample: {result: true, evidence: Slack answered token_revoked}
            in_use:
              description: Every service's processes have the new token. Null in a plan.
              type: dict
              sample: {result: null, evidence: not rolled out yet}
        warnings:
          description: What is odd, but no reason to refuse.
          type: list
          elements: str
          sample: []
        missing:
          description:
            - Host whose services were left without the new token to the reason, V(unreachable), V(limited away),
              V(not touched), V(failed) or V(unproven). Empty in a plan.
          type: dict
          sample: {}
        window:
          description:
            - The window that is recorded for its rotation, with C(id), C(start) and C(end) (in UTC), C(zone), C(sequence),
              C(words) and C(stands) (V(ahead), V(open) or V(missed)), and C(ignored) where O(ignore_window) made it go on.
              Empty where there is none, and for a row that changes nothing.
          type: dict
          sample: {}
        expected_unavailability:
          description: Seconds for which its last rotations lead to expect it to be away. Null where nobody knows.
          type: float
          sample: 0.8
        memberships:
          description: Channels that the bot is not in any more, and who can invite it. Empty in a plan.
          type: list
          elements: str
          sample: []
        tokens:
          description:
            - C(bot), C(user) or both to what is known of that token. For the action V(converge) it is the current
              one. Empty where nothing is known.
          type: dict
          contains:
            path:
              description: Where the token is in Vault.
              type: str
              sample: generic/crn/v1/internal/local/tip-oss-flow/global/ciebot/slack_bot_token_for_gobot_in_ibmcloud
            old:
              description: Fingerprint of the old token, or null.
              type: str
              sample: 1a2b3c4d5e6f
            new:
              description: Fingerprint of the new token.
              type: str
              sample: 9f8e7d6c5b4a
            old_life:
              description: V(alive), V(dead), V(unknown) or V(cannot be asked); null when there is no old token, or its value is gone.
              type: str
              sample: dead
            new_life:
              description: The same of the new token.
              type: str
              sample: alive
            evidence:
              description: What says so of the old token.
              type: str
              sample: Slack answered token_revoked
            restorable:
              description:
                - Whether Slack accepted the old token in this run, so that services and Vault may go back to it.
              type: bool
              sample: false
            overlaps:
              description:
                - Whether the new token is of Slack's rotation mode, so that the old one may go on beside it for a while.
              type: bool
              sample: false
            identity:
              description: As in the row.
              type: dict
              sample: {team_id: T0123, user_id: U0123}
            proofs:
              description: As in the row, of this token.
              type: dict
              sample: {}
    hosts:
      description:
        - Host to a list of its services that use a token of this run, in the order in which they are restarted. Each is
          what M(botops.rotation.service_env) takes in its option C(services), where all its keys are described.
      type: dict
      sample:
        bot-host-1:
          - name: gobot-consumer
            manager: systemd
            unit: gobot-consumer.service
            env_file: /etc/gobot/consumer.env
            env_format: systemd
            variables:
              SLACK_BOT_TOKEN: {key: gobot/ibmcloud/bot, new: 9f8e7d6c5b4a, old: 1a2b3c4d5e6f, restorable: false}
            health: {url: "http://127.0.0.1:8080/healthz", status: 200, timeout: 30}
            health_required: true
            health_note: ""
            in_use: null
            order: 0
            force: false
    rollout:
      description: How the rollout goes.
      type: dict
      contains:
        serial:
          description: O(rollout_serial), as a list.
          type: list
          elements: raw
          sample: [1, "100%"]
        pause:
          description: O(rollout_pause).
          type: float
          sample: 60.0
        soak:
          description: O(soak).
          type: float
          sample: 0.0
    messages:
      description: What is announced at the start, for M(botops.rotation.slack_message), where the keys are described.
      type: list
      elements: dict
      sample: []
    reinstall_on:
      description: V(localhost) where a row waits for an installation of the app, in a real run.
      type: list
      elements: str
      sample: []
    refresh_on:
      description: V(localhost) where Slack is to give a token of its rotation mode for a row, in a real run.
      type: list
      elements: str
      sample: []
    locks:
      description: Ids of the installations whose tokens change.
      type: list
      elements: str
      sample: [gobot/ibmcloud]
    warnings:
      description: The warnings of all rows, each behind its id.
      type: list
      elements: str
      sample: []
"""
