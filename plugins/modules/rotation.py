# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation
short_description: Bring the rotations of installations into a state, in Vault
version_added: 0.1.0
description:
  - Moves tokens between pending, current and previous in Vault, and keeps the record beside the bot token, in an order
    that lets the next run go on from whatever instant a run was stopped at.
  - Under the lock it reads Vault again and asks Slack again, and refuses where what it finds is not what the record
    says. Each write states what it expects to find; on KV version 2 Vault checks that.
  - It is about Vault alone. Services get their tokens by M(botops.rotation.service_env).
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
attributes:
  check_mode:
    support: partial
    details:
      - Every read and judgement is made and nothing is written. O(state=staged) does take the new token, from a prompt
        too.
      - O(state=retired) says what Slack says, but not that anything would change.
  diff_mode:
    support: partial
    details:
      - States and fingerprints, by path. Nothing is shown for O(state=retired).
  idempotent:
    support: partial
    details:
      - A step that was made is not made again, and what was begun is finished. Two steps are refused a second time.
        After O(state=restored) there is nothing to go back from, and what was adopted is not adopted again.
options:
  state:
    description:
      - V(staged) validates one new token with Slack and against the registry, as the rotation to it will, and puts it
        into the pending slot. It is refused over a pending token that is not dead, while a rotation is under way, and
        where it is the current token already.
      - V(revoked) revokes the current tokens of rows whose C(action) is V(reinstall), so that the next installation of the
        app gives new ones. Before, it saves which channels the bot is in, and what the new token is compared with. There
        is no way back; it has to be confirmed, at a prompt or by O(confirm_revoke). A row that was revoked is left as it
        is, and a token of which Slack does not say whether it lives is refused.
      - V(refreshed) is for rows whose C(action) is V(exchange) or V(refresh). It has Slack give a token of its rotation mode
        for a static one (C(oauth.v2.exchange)), or the next one for a refresh token, keeps the pair in Vault before anything
        else, and stages the new token. What is about to be used up is written ahead, so that a run that dies is taken up
        by the next one. What another run has done meanwhile is not done again. An exchange cannot be undone; it has to be
        confirmed, at a prompt or by O(confirm_exchange).
      - V(promoted) saves the current token as previous and makes the pending one current, for rows whose C(action) is
        V(promote) or V(resume). For V(adopt) it takes over the current token that was overwritten by hand. Other rows
        are left out. Nothing is promoted over a previous token that is not dead.
      - V(restored) makes the previous token current again, and the new one pending, for rows whose C(action) is
        V(promote) or V(resume). Only to a token that Slack accepts now.
      - V(retired) asks Slack about old and new once more, and ends each rotation whose old tokens are refused, or named
        in O(keep_old). It revokes only what O(revoke_old) names. A row that cannot be ended is not a failure; its result
        says why.
      - V(aborted) drops what is pending. A pending token that is not dead is dropped only when O(discard) names it.
      - The first installation that fails ends V(promoted), V(restored) and V(aborted). The message names it and those
        that were done before it.
    type: str
    choices: [staged, revoked, refreshed, promoted, restored, retired, aborted]
    required: true
  installations:
    description:
      - Rows of RV(botops.rotation.rotation_plan#module:plan.installations). For V(staged) and V(aborted) C(bot) and
        C(workspace) are enough.
      - O(state=staged) takes the first.
    type: list
    elements: dict
    required: true
  token:
    description: Which token of the installation is staged, V(bot), V(user), or a name among its C(secrets).
    type: str
    default: bot
  token_file:
    description:
      - For O(state=staged), a file that holds nothing but the new token, or V(-) for the standard input of
        ansible-playbook. A line break at its end is dropped; any other white space around the token is refused.
      - Without it the token is asked for at the terminal, and not shown. It is never taken from a variable.
    type: str
  from_spool:
    description:
      - For O(state=staged), takes the newest token of the installation in O(spool_dir) that is O(token), and removes its
        file once Vault holds it, which is read back.
    type: bool
    default: false
  spool_dir:
    description:
      - For O(state=staged), a directory on the controller that keeps the new token, in a file with mode 0600, when Vault
        has not answered for O(spool_patience). It must exist, be no link, belong to the user that runs ansible-playbook
        and be closed to all others. Without it such a token is not kept.
      - Taken from the inventory variable C(botops_spool_dir).
    type: path
  spool_patience:
    description:
      - For O(state=staged), seconds during which staging is tried again while Vault does not answer, is sealed or hangs.
        Nothing is tried again in check mode.
      - Taken from C(botops_spool_patience), then V(120).
    type: float
  accept_identity:
    description:
      - For O(state=staged), fingerprints of new tokens whose user may differ from the known one, or that there is
        nothing to compare with.
    type: list
    elements: str
    default: []
  accept_scopes:
    description: For O(state=staged), fingerprints of new tokens that may lack scopes which the old token had.
    type: list
    elements: str
    default: []
  keep_old:
    description:
      - For O(state=retired), fingerprints of old tokens that Slack may go on accepting. They are kept as previous.
    type: list
    elements: str
    default: []
  revoke_old:
    description:
      - For O(state=retired), fingerprints of old tokens that are revoked if they live, before the proof that they are
        refused. All tokens of the row are asked about again at once; a new one that is dead then is a failure.
      - Never one that is current or pending in any row of the registry, that is the new token as well, that was exchanged
        for a token of Slack's rotation mode, or a static user token of an installation that has a bot token.
    type: list
    elements: str
    default: []
  confirm_revoke:
    description:
      - For O(state=revoked), the names of the bots whose tokens are revoked, sorted and with commas between them. Without it
        they are asked for at the terminal, where tokens are about to be revoked.
    type: str
  confirm_exchange:
    description:
      - For O(state=refreshed), the names of the bots whose static tokens enter Slack's rotation mode, sorted and with commas
        between them. Without it they are asked for at the terminal, where tokens are about to be exchanged.
    type: str
  run_id:
    description: RV(botops.rotation.rotation_plan#module:plan.run_id), which names a rotation that is adopted, or begins
      with a revoke.
    type: str
    default: ""
  discard:
    description: For O(state=aborted), fingerprints of pending tokens that are dropped although they are not dead.
    type: list
    elements: str
    default: []
  lease:
    description:
      - RV(botops.rotation.rotation_lock#module:lease), which must cover O(installations). It is looked at before each
        write, and extended.
      - Without it the locks of O(installations) are held for this task alone.
    type: dict
seealso:
  - module: botops.rotation.rotation_plan
  - module: botops.rotation.rotation_lock
  - module: botops.rotation.service_env
  - name: Slack, revocation
    description: Why a static token is not revoked here; revoking one ends every token of the app in the workspace.
    link: https://docs.slack.dev/authentication/installing-with-oauth
"""

EXAMPLES = r"""
- name: Stage a new token that is asked for at the terminal
  botops.rotation.rotation:
    state: staged
    installations: [{bot: gobot, workspace: ibmcloud}]

- name: Make the pending tokens current
  botops.rotation.rotation:
    state: promoted
    installations: "{{ planned.plan.installations }}"
    run_id: "{{ planned.plan.run_id }}"
    lease: "{{ locked.lease }}"
  register: promoted

- name: Prove that the old tokens are refused, and end the rotations
  botops.rotation.rotation:
    state: retired
    installations: "{{ planned.plan.installations | rejectattr('action', 'in', ['none', 'converge']) }}"
    lease: "{{ locked.lease }}"

- name: Drop what is pending, although Slack accepts it
  botops.rotation.rotation:
    state: aborted
    installations: [{bot: gobot, workspace: ibmcloud}]
    discard: [9f8e7d6c5b4a]
"""

RETURN = r"""
results:
  description:
    - Id of an installation, such as C(gobot/ibmcloud), to what became of it. Rows that the state is not about are left
      out.
  returned: success
  type: dict
  contains:
    state:
      description:
        - Where its record stands now, or would in check mode. See RV(botops.rotation.rotation_plan#module:plan).
      returned: for every state but V(refreshed)
      type: str
      sample: promoted
    rotation_id:
      description: Name of its rotation.
      returned: for every state but V(refreshed) and V(retired)
      type: str
      sample: 20261122T090000Z-gobot-11ab
    fingerprint:
      description: The staged token.
      returned: for V(staged)
      type: str
      sample: 9f8e7d6c5b4a
    identity:
      description: Who Slack says that it is. See RV(botops.rotation.rotation_plan#module:plan.installations).
      returned: for V(staged)
      type: dict
      sample: {team_id: T0123, user_id: U0123, user: gobot, bot_id: B0123, app_id: A0123}
    scopes:
      description: Its scopes, sorted.
      returned: for V(staged)
      type: list
      elements: str
      sample: [chat:write, users:read]
    changed:
      description: Whether a new token was staged. Not where another run has been faster.
      returned: for V(refreshed)
      type: bool
      sample: true
    outcome:
      description:
        - V(rotated); V(old_alive) (Slack still accepts an old token that O(keep_old) does not name); V(failed) (the new
          token is not accepted any more, or nothing is known of the old one).
      returned: for V(retired)
      type: str
      sample: rotated
    reason:
      description: Why it is not rotated, revoked or refreshed.
      returned: for V(retired), V(revoked) and V(refreshed)
      type: str
      sample: ""
    next_step:
      description: What a person has to do then.
      returned: for V(retired) and V(refreshed)
      type: str
      sample: ""
    old_refused:
      description: C(bot) or C(user) to C(result) (V(true), V(false) or null) and C(evidence).
      returned: for V(retired)
      type: dict
      sample: {bot: {result: true, evidence: Slack answered token_revoked}}
  sample:
    gobot/ibmcloud: {state: promoted, rotation_id: 20261122T090000Z-gobot-11ab}
diff:
  description: What changes, by path, with fingerprints.
  returned: success, in diff mode
  type: list
  elements: dict
  contains:
    before_header:
      description: The path in Vault.
      type: str
    after_header:
      description: The same.
      type: str
    before:
      description: State or fingerprint before.
      type: str
    after:
      description: State or fingerprint after.
      type: str
  sample:
    - before_header: secret/gobot_rotation
      after_header: secret/gobot_rotation
      before: "state: staged\n"
      after: "state: promoted\n"
"""
