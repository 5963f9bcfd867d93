# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of the actions that run on the controller; each states its own support for the last three."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    description: Runs inside ansible-playbook itself, whichever host its task is for; nothing is sent to a host.
    support: full
  action_group:
    description: Use C(group/botops.rotation.rotation) in C(module_defaults) to set options that the actions share.
    support: full
    membership:
      - botops.rotation.rotation
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  check_mode:
    description: Can run in check mode and tell what would change, after every read and validation.
  diff_mode:
    description: Shows what changes, or would change in check mode, with fingerprints in place of tokens.
  idempotent:
    description: When run twice in a row outside check mode with the same arguments, the second time changes nothing.
notes:
  - A fingerprint is the first 12 hexadecimal digits of the SHA-256 of a token. It is the only form in which a token is
    shown. Whatever this module returns, warns of or fails with has tokens masked.
  - A failure has C(msg) (what was attempted, on what, what came back and what to do next), C(reason) and C(next_step),
    which hold the two halves of it.
  - It refuses to run with Ansible's settings C(DEFAULT_KEEP_REMOTE_FILES) or C(DEFAULT_DEBUG), which write down what
    modules are given.
"""
