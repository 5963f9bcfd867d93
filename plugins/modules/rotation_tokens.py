# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_tokens
short_description: Fetch the tokens of a plan from Vault, for the tasks that carry them to hosts
version_added: 0.1.0
description:
  - Finds the tokens that a plan names by their fingerprints, current, pending or previous, and returns them.
  - It is the only module whose result holds tokens. Its result is not shown at any verbosity. Register it on localhost,
    and set C(no_log=true) at the task as well.
  - It fails when a token of the plan is not in Vault any more, since somebody changed it meanwhile. Then plan again.
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
  plan:
    description: RV(botops.rotation.rotation_plan#module:plan). Rows whose C(action) is V(none) are left out.
    type: dict
    required: true
  lease:
    description:
      - RV(botops.rotation.rotation_lock#module:lease), where this run holds the locks. Of it only C(mounts) is used, which
        saves asking Vault for them.
    type: dict
seealso:
  - module: botops.rotation.rotation_plan
  - module: botops.rotation.service_env
"""

EXAMPLES = r"""
- name: Fetch the tokens for the hosts
  botops.rotation.rotation_tokens:
    plan: "{{ planned.plan }}"
    lease: "{{ locked.lease }}"
  register: secrets
  no_log: true
  when: not ansible_check_mode
"""

RETURN = r"""
tokens:
  description:
    - The new tokens by key, C(bot/workspace/token), such as C(gobot/ibmcloud/bot). These are secrets.
  returned: success
  type: dict
  sample: {gobot/ibmcloud/bot: "..."}
old_tokens:
  description:
    - What services may go back to, by key. These are secrets. An old token that Slack did not accept when it was
      planned is not among them. For a row whose C(action) is V(converge) it is the current token.
  returned: success
  type: dict
  sample: {}
"""
