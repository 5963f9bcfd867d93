# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_window
short_description: Record, move and cancel the windows of rotations
version_added: 0.1.0
description:
  - A window says when a rotation of an installation may begin. It is kept in the notes of the installation, a secret
    without tokens beside its record, and ends with the rotation that it is for. Where one is recorded,
    M(botops.rotation.rotation_plan) refuses to begin a rotation outside of it.
  - People are told in the bot's channels, in the message that the rotation itself goes on with; owners are mentioned there.
    Reminders, 7 days, 1 day and 1 hour before, are planned with Slack, which posts them by itself. Slack takes a message at
    most 120 days ahead; what lies beyond is planned by a later run with O(state=planned).
  - Days are days of the window's zone, hours are hours. The time is that of Vault.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
  - botops.rotation.announcements
requirements:
  - tabulate >= 0.9, in the Python that runs ansible-playbook
attributes:
  check_mode:
    support: full
    details:
      - Vault is read, and nothing is written, told or planned.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The same window again changes nothing, and tells and plans only what an earlier run could not.
options:
  state:
    description:
      - V(scheduled) records O(window), or moves the one that is recorded, tells people, plans the reminders and writes the
        calendar file. Refused while a rotation is under way.
      - V(cancelled) takes the reminders back, tells people, and forgets the window.
      - V(planned) plans the reminders that can be planned by now, of windows that are recorded; for a job that runs weekly.
      - V(closed) forgets the window of a rotation that is done, with the reminders that were not posted yet.
    type: str
    choices: [scheduled, cancelled, planned, closed]
    required: true
  bot:
    description: A bot's name, several with commas, or V(all).
    type: str
    required: true
  workspace:
    description: The short name of a workspace, several with commas, or V(all). Without it all workspaces of the bot.
    type: str
  installations:
    description: Ids of the installations that are meant, such as V(gobot/ibmcloud), among those of O(bot) and O(workspace).
    type: list
    elements: str
    default: []
  window:
    description:
      - An interval as ISO 8601 writes it, start and duration, or start and end, such as V(2027-01-15T02:00+01:00/PT1H).
      - Times without an offset are those of O(zone). One that does not exist there, or exists twice, is refused.
      - For O(state=scheduled).
    type: str
  zone:
    description: The time zone of O(window), by its IANA name, such as V(Europe/Berlin). With an offset, how it is shown.
    type: str
  calendar_dir:
    description: Where calendar files (C(BOT-WORKSPACE.ics)) are written, relative to where the command was started.
    type: str
    default: reports
  lease:
    description:
      - RV(botops.rotation.rotation_lock#module:lease), where the run has one. Without it each installation is locked for as
        long as it takes.
    type: dict
seealso:
  - module: botops.rotation.rotation_plan
  - module: botops.rotation.slack_message
  - name: Slack, chat.scheduleMessage
    description: What keeps reminders; its limits.
    link: https://docs.slack.dev/reference/methods/chat.scheduleMessage
"""

EXAMPLES = r"""
- name: Agree on a time
  botops.rotation.rotation_window:
    state: scheduled
    bot: gobot
    window: 2027-01-15T02:00/PT1H
    zone: Europe/Berlin
  register: scheduled

- name: Plan what Slack takes by now, of all windows
  botops.rotation.rotation_window:
    state: planned
    bot: all
"""

RETURN = r"""
windows:
  description: An entry for each installation; with O(state=planned) for each that has a window.
  returned: success
  type: list
  elements: dict
  contains:
    installation:
      description: Bot and workspace.
      type: str
      sample: gobot/ibmcloud
    window:
      description:
        - The window with C(id), C(start) and C(end) (in UTC), C(zone), C(sequence) (how often it was moved), C(words) and
          C(stands) (V(ahead), V(open) or V(missed)). Empty where there is none.
      type: dict
      sample:
        id: window-20270115T0100Z-7f3a
        start: "2027-01-15T01:00:00Z"
        end: "2027-01-15T02:00:00Z"
        zone: Europe/Berlin
        sequence: 0
        words: 2027-01-15 02:00 to 03:00 Europe/Berlin (01:00 to 02:00 UTC)
        stands: ahead
    reminders:
      description:
        - An entry for each reminder and channel with C(left) (V(7 days), V(1 day) or V(1 hour)), C(channel), C(at) (in
          UTC), C(evidence) and C(state), which is V(planned), V(later) (Slack does not take it yet), V(passed) or V(failed).
      type: list
      elements: dict
      sample:
        - {left: 7 days, channel: C0123, at: "2027-01-08T01:00:00Z", state: planned, evidence: ""}
    announcements:
      description: What became of each message, as M(botops.rotation.slack_message) returns it.
      type: list
      elements: dict
      sample: []
    warnings:
      description: What should be looked at, such as a reminder that could not be taken back.
      type: list
      elements: str
      sample: []
    error:
      description: What was not done, and why. Empty when all was.
      type: str
      sample: ""
    file:
      description: Path of the calendar file. Empty where none was written.
      type: str
      sample: reports/gobot-ibmcloud.ics
    changed:
      description: Whether anything was written, told or planned.
      type: bool
      sample: true
failure:
  description: What was not done, in a line. Empty when all was.
  returned: success
  type: str
  sample: ""
ansible_stats:
  description:
    - What Ansible hands on, as from M(ansible.builtin.set_stats), the statistic C(botops) with C(schema) (V(botops.stats/1)),
      C(kind), C(run_id), C(check), C(success), C(outcomes), C(path) and C(report); null instead of a report of more than
      512 KiB.
  returned: success, for O(state=scheduled) and O(state=cancelled)
  type: dict
  sample: {}
table:
  description: The windows for people, a line for each installation. P(botops.rotation.summary#callback) prints it.
  returned: success, where there is any, and for O(state=scheduled) and O(state=cancelled)
  type: str
  sample: |-
    installation    window                                                        reminders              announced    calendar
    gobot/ibmcloud  2027-01-15 02:00 to 03:00 Europe/Berlin (01:00 to 02:00 UTC)  7 days, 1 day, 1 hour  sent         reports/gobot-ibmcloud.ics
"""
