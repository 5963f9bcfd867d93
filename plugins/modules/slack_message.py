# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slack_message
short_description: Tell of rotations in Slack, each phase at most once
version_added: 0.1.0
description:
  - Posts messages that M(botops.rotation.rotation_plan) and M(botops.rotation.rotation_outcome) have made.
  - Each message has a mark that is the same in every run of one attempt of a rotation. The notes of its installation, a
    secret without tokens beside the record, say that it is being sent before it is, and that it was sent after. The
    last 200 marks are kept.
  - A channel has one message for each rotation, its window included. The first phase posts it, the others change it, and
    details stand in its thread. Where it cannot be changed (a webhook posts it, it is gone, somebody else has posted it) the
    phase is a message of its own, and C(evidence) says so. Details of a message that is older than an hour are shown
    in the channel, too, for nobody sees that it has changed.
  - A post is sent once. When its answer was cut, or a run died in between, the next run looks it up by its mark, where
    the poster may read the channel's history. Where it may not, it is not repeated, and reported.
  - That a message could not be posted is not a failure of the task but a warning, and RV(announcements) says why;
    M(botops.rotation.rotation_outcome) ends the run with it.
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
      - Nothing is posted and nothing is read. A message is V(planned), also where an earlier run has posted it.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A message that was posted is not posted again.
options:
  messages:
    description:
      - Messages, each with C(mark), C(thread) (the same in all phases of a rotation), C(phase) (such as V(started), V(done)
        or V(failed)), C(installation) (such as V(gobot/ibmcloud)), C(workspace), C(channel) (id; empty for a webhook),
        C(text), C(blocks) (Slack's Block Kit), C(details) (C(text), C(blocks), and C(loud) where the channel is to see
        them), C(seconds) (the unavailability that was measured, or null) and C(poster).
      - C(poster) has C(kind), V(token) or V(webhook) with C(path) (in Vault), V(installation) with C(fingerprint) (of
        the installation's own token, in whichever stage it is; empty for whichever Slack accepts), or V(nobody). Where
        C(path) is that of an installation's bot token, the other tokens of that installation are tried, too.
    type: list
    elements: dict
    required: true
  lease:
    description:
      - RV(botops.rotation.rotation_lock#module:lease), which must cover the messages' installations. Without it nothing
        is posted, since the notes cannot be written.
    type: dict
seealso:
  - module: botops.rotation.rotation_plan
  - module: botops.rotation.rotation_outcome
  - module: botops.rotation.rotation_lock
  - name: Slack, chat.postMessage
    description: What posts; its scopes and errors.
    link: https://docs.slack.dev/reference/methods/chat.postMessage
  - name: Slack, chat.update
    description: What changes a message, and when that cannot be done.
    link: https://docs.slack.dev/reference/methods/chat.update
  - name: Slack, incoming webhooks
    description: What posts without a token, to a channel of its own.
    link: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
  - name: Slack, message metadata
    description: Where the mark is.
    link: https://docs.slack.dev/messaging/message-metadata
  - name: Slack, conversations.history
    description: What looks a message up; the scopes that it takes.
    link: https://docs.slack.dev/reference/methods/conversations.history
"""

EXAMPLES = r"""
- name: Announce the start
  botops.rotation.slack_message:
    messages: "{{ planned.plan.messages }}"
    lease: "{{ locked.lease }}"
  register: started

- name: Announce the end
  botops.rotation.slack_message:
    messages: "{{ concluded.concluded.messages }}"
    lease: "{{ locked.lease }}"
  register: ended
"""

RETURN = r"""
announcements:
  description: What became of each message, in the order of O(messages).
  returned: success
  type: list
  elements: dict
  contains:
    state:
      description:
        - V(sent); V(already) (by an earlier run); V(planned) (in check mode); V(failed); V(unknown) (Slack's answer was
          cut, so that it may have been posted).
      type: str
      sample: sent
    evidence:
      description:
        - Why it failed, is unknown or was posted already, and whether the message of before was changed. Empty where it was
          posted, and for V(planned).
      type: str
      sample: ""
    mark:
      description: The mark, made of the fingerprint of the new token, the attempt, the phase and the channel.
      type: str
      sample: 9f8e7d6c5b4a.1/started/C0123
    phase:
      description: Such as V(started), V(done) or V(failed).
      type: str
      sample: started
    installation:
      description: Id of the installation that it is about.
      type: str
      sample: gobot/ibmcloud
    workspace:
      description: Short name of the workspace.
      type: str
      sample: ibmcloud
    channel:
      description: Id of the channel. Empty for a webhook.
      type: str
      sample: C0123
    text:
      description: What it says.
      type: str
      sample: "*gobot* gets a new Slack token in *IBM Cloud Platform* now."
    ts:
      description: Slack's time stamp of the message, which is its id in the channel. Empty where it is not known.
      type: str
      sample: "1795399200.000100"
    posted_by:
      description: V(token), V(webhook), V(installation) or V(nobody).
      type: str
      sample: installation
"""
