# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of announcements. The twin of these options is `ANNOUNCE` in `plugins/module_utils/_argspec.py`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  announcement_templates:
    description:
      - A directory with templates of Jinja2 that stand in for the texts that are built in, such as C(done.j2) for what a
        message says when a rotation is done, and C(done.thread.j2) for what stands in its thread then; an empty text
        there posts nothing. The phases are C(scheduled), C(moved), C(cancelled), C(reminder), C(started),
        C(reinstalling), C(done), C(returning), C(returned) and C(failed).
      - Variables are C(bot), C(workspace), C(when), C(before), C(left), C(expected), C(seconds), C(down), C(fate),
        C(owners), C(contact) and the list C(lines). A file that cannot be used is a warning, and the built-in text is used.
      - Taken from the inventory variable C(botops_announcement_templates).
    type: path
"""
