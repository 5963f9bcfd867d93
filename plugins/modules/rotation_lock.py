# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_lock
short_description: Hold, release or break the locks of installations
version_added: 0.1.0
description:
  - The lock of an installation is a secret beside its bot token in Vault, C(<bot token path>_lock), which says who
    holds it and until when. All controllers that use the same Vault respect it.
  - It is a lease of 15 minutes by Vault's clock. M(botops.rotation.rotation) and M(botops.rotation.slack_message) look
    at it before each write, and extend it when less than half is left. It is taken over when its process is provably
    gone (same machine, same boot) or the lease has expired, and a warning says so.
  - All locks are taken, in sorted order, or none. Where somebody else holds one, it fails and names who, since when and
    until when.
  - On KV version 2 Vault itself decides between two runs, by check-and-set. On KV version 1 a run writes a mark, waits
    for at most 0.4 seconds (twice for several locks), and has the lock only if the mark is still there; what is written
    between the last look and the write that follows it is not covered. O(record_mount) puts the locks on KV version 2.
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
      - O(state=held) fails where a lock is not free, takes none, and returns no lease. O(state=broken) says whose locks
        it would break, and fails on one that cannot be read. O(state=released) does nothing.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - What is broken is free, and breaking it again changes nothing. Locks that are held are not taken a second time,
        not even by the same run. Releasing them a second time does no harm, and reports a change nonetheless.
options:
  state:
    description:
      - V(held) takes the locks of O(installations).
      - V(released) frees those of O(lease). One that was lost meanwhile is left alone, with a warning.
      - V(broken) frees the locks of O(bot), whoever holds them. A run that still lives stops at its next write to
        Vault.
    type: str
    choices: [held, released, broken]
    required: true
  installations:
    description: Ids, such as V(gobot/ibmcloud). Only for O(state=held).
    type: list
    elements: str
    default: []
  bot:
    description: For O(state=broken), a bot's name, several with commas, or V(all). Required there.
    type: str
  workspace:
    description:
      - For O(state=broken), the short name of a workspace, several with commas, or V(all). Without it all workspaces of
        the bot.
    type: str
  lease:
    description: What O(state=held) has returned. Only for O(state=released); without it nothing is done.
    type: dict
seealso:
  - module: botops.rotation.rotation
  - name: Vault, KV version 2
    description: Check-and-set.
    link: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
"""

EXAMPLES = r"""
- name: Rotate under the locks
  block:
    - name: Hold the locks
      botops.rotation.rotation_lock:
        state: held
        installations: "{{ planned.plan.locks }}"
      register: locked

    - name: Make the pending tokens current
      botops.rotation.rotation:
        state: promoted
        installations: "{{ planned.plan.installations }}"
        lease: "{{ locked.lease }}"
  always:
    - name: Release the locks
      botops.rotation.rotation_lock:
        state: released
        lease: "{{ locked.lease }}"
      when: locked.lease is defined

- name: Break the lock of a run that is certainly dead
  botops.rotation.rotation_lock:
    state: broken
    bot: gobot
    workspace: ibmcloud
"""

RETURN = r"""
lease:
  description: What the later tasks of this run need to write. It holds no secret. Null in check mode.
  returned: success, for O(state=held)
  type: dict
  contains:
    nonce:
      description: The mark of this lease in each lock.
      type: str
    owner:
      description:
        - Who holds it, with C(login), C(host), C(boot_id), C(pid_ns), C(pid), C(start_time) (clock ticks since the
          boot) and C(awx_job). What is not known is empty.
      type: dict
    ttl:
      description: Seconds for which it is good without being extended.
      type: float
      sample: 900.0
    locks:
      description: Path of each lock to the id of its installation.
      type: dict
      sample: {secret/gobot_lock: gobot/ibmcloud}
    acquired:
      description: When it was taken, in UTC by Vault's clock.
      type: str
      sample: "2026-11-23T02:00:00Z"
    taken_over:
      description: As below.
      type: list
      elements: str
    mounts:
      description: The mounts in Vault that were asked for, and the KV version of each, so that later tasks need not ask.
      type: dict
      sample: {generic/: 1, secret/: 2}
taken_over:
  description: A sentence for each lock that was taken over, and why.
  returned: success, for O(state=held)
  type: list
  elements: str
  sample: ["gobot/ibmcloud: the lock of ops on controller-1 (pid 4711) was taken over: its process is gone"]
broken:
  description: A sentence for each lock that was broken, whose it was and until when.
  returned: success, for O(state=broken)
  type: list
  elements: str
  sample:
    - "gobot/ibmcloud: the lock of ops on controller-1 (pid 4711), taken at 2026-11-23T02:00:00Z, valid until
      2026-11-23T02:15:00Z"
"""
