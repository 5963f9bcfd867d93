# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slack_membership
short_description: Bring bots back into the channels that a revoke took them out of
version_added: 0.1.0
description:
  - Joins the public channels that a bot was in before M(botops.rotation.rotation) revoked its token (O(botops.rotation.rotation#module:state=revoked)),
    with its current token. They were listed then, and are in the notes beside the record.
  - Nobody can put a bot into a private channel but one of its members. Those channels are named, with the message that a
    member has to send there.
  - What could not be joined is not a failure; RV(results) says it.
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
      - Nothing is joined, and Slack is not asked what would be.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A channel that the bot is in is not joined again.
options:
  installations:
    description:
      - Rows of RV(botops.rotation.rotation_plan#module:plan.installations). C(old_fingerprint) says of which token the
        memberships are.
    type: list
    elements: dict
    required: true
seealso:
  - module: botops.rotation.rotation
  - name: Slack, conversations.join
    description: What joins a public channel; it takes channels:join.
    link: https://docs.slack.dev/reference/methods/conversations.join
  - name: Slack, users.conversations
    description: What lists the channels; it takes channels:read for public and groups:read for private ones.
    link: https://docs.slack.dev/reference/methods/users.conversations
"""

EXAMPLES = r"""
- name: Bring the bot back into its channels
  botops.rotation.slack_membership:
    installations: "{{ planned.plan.installations | selectattr('revoked_at') }}"
"""

RETURN = r"""
results:
  description:
    - Id of an installation to what became of its channels. One whose channels were never saved is left out.
  returned: success
  type: dict
  contains:
    joined:
      description: Names of the channels that it has joined.
      type: list
      elements: str
      sample: [general]
    there:
      description: Names of those that it was in already.
      type: list
      elements: str
      sample: []
    missing:
      description: Those that it is not in, with C(id), C(name), C(reason) and C(next_step).
      type: list
      elements: dict
      sample: [{id: C0123, name: secret, reason: it is private, next_step: "a member of #secret sends there: /invite @gobot"}]
    unknown:
      description: Why some could not be listed when the token was revoked.
      type: list
      elements: str
      sample: []
    said:
      description: The two before this as sentences.
      type: list
      elements: str
      sample: ["not in #secret any more (it is private): a member of #secret sends there: /invite @gobot"]
  sample:
    gobot/ibmcloud: {joined: [general], there: [], missing: [], unknown: [], said: []}
"""
