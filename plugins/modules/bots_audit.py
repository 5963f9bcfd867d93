# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bots_audit
short_description: Audit tokens, and the services that use them
version_added: 0.1.0
description:
  - Tells of every token of the registry how old it is and when it is due, whether Slack accepts it, whether it is of the
    right team and bot, which scopes are missing or in excess, whether anything needs it, and what waits or stands half done.
  - Tells of every variable of every service whether its file and its processes have the current token of Vault, and which
    tokens stand in environment files that no service of the registry takes from there. What the hosts have is taken from
    their variable C(service_audited), the result of M(botops.rotation.service_env) with C(state=audited).
  - Vault is read and Slack is asked at the same time, in all workspaces at once and in each as fast as its rate limit
    lets it. In Vault it needs to read only, as C(docs/vault-policy-audit.hcl) allows it; no lock is taken.
  - An installation or a host that cannot be read is a finding, and stops nothing. It fails when a finding is of a kind that
    O(fail_on) names, when the registry is wrong, the bot or workspace unknown, or Vault cannot be reached.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
  - botops.rotation.ledger
requirements:
  - tabulate >= 0.9, in the Python that runs ansible-playbook
attributes:
  check_mode:
    support: full
    details:
      - It reads, asks and judges all the same, and leaves no report, no line in the ledger, and no message.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It changes nothing. Each run leaves a report of its own.
options:
  state:
    description:
      - V(planned) reads bots and workspaces, contacts nothing, and gives the RV(hosts) and RV(installations) to be looked at.
      - V(audited) does all else.
    type: str
    choices: [planned, audited]
    default: audited
  bot:
    description: A bot's name, several with commas, or V(all).
    type: str
    default: all
  workspace:
    description: The short name of a workspace, several with commas, or V(all). Without it all workspaces of the bot.
    type: str
  fail_on:
    description:
      - The kinds of findings that make it fail, as a list, or with commas between them; V(all), or V(none).
      - V(dead), Slack refuses a token, or there is none where a bot token is due; V(identity), it is of another team, app or
        bot user; V(drift), a service has another token than the current one; V(half_done), a rotation was begun and not
        ended; V(overdue); V(unproven), what Slack, Vault or a service has could not be found out; V(due); V(old_alive), Slack
        still accepts an old token that was replaced; V(pending), a new token waits; V(approval), an admin's is waited for;
        V(scopes), missing or in excess; V(age_unknown); V(identity_unknown), its team is right, and nothing tells of which
        bot it is; V(unneeded), a legacy user token that nothing uses; V(unexplained), a token in an environment file that no
        service takes from there; V(unreachable), a host.
      - Without it V(dead,identity,drift,half_done,overdue,unproven).
    type: raw
  due_within:
    description: Days before its end from which on a token counts as due. C(botops_rotation_warn_days) without it.
    type: int
  max_age:
    description: Days that a token may live. C(botops_rotation_days) without it.
    type: int
  rotation_days:
    description:
      - Days that a token may live.
      - If not set, the variable C(botops_rotation_days) is used, then V(365).
    type: int
  warn_days:
    description:
      - Days before that from which on it is due.
      - If not set, the variable C(botops_rotation_warn_days) is used, then V(30).
    type: int
  digest:
    description:
      - Posts a digest in the channels of the bots, in each workspace of what needs somebody there, by its notifier, else by a
        live bot. Nothing is posted where nobody is needed.
      - If not set, the variable C(botops_audit_digest) is used, then V(false).
    type: bool
  report_dir:
    description: Directory of the report. Without it none is written, and no line in the ledger.
    type: str
  audit_textfile:
    description:
      - A file that gets the metrics, too, under the same name each time, for the textfile collector of Prometheus' node exporter.
      - Taken from the inventory variable C(botops_audit_textfile).
    type: path
seealso:
  - module: botops.rotation.service_env
  - module: botops.rotation.vault_token_info
  - module: botops.rotation.slack_token_info
"""

EXAMPLES = r"""
- name: See which services there are
  botops.rotation.bots_audit:
    state: planned
  register: planned

# then, on the hosts that are named there:
- name: See what files and processes have
  botops.rotation.service_env:
    state: audited
    services: "{{ botops_services }}"
    installations: "{{ hostvars.localhost.planned.installations }}"
  register: service_audited
  ignore_unreachable: true

- name: Audit, and fail where a token is dead or a service drifts
  botops.rotation.bots_audit:
    fail_on: [dead, drift]
    report_dir: reports
"""

RETURN = r"""
hosts:
  description: The hosts that have services.
  returned: when O(state=planned)
  type: list
  elements: str
installations:
  description: The installations that are looked at, as M(botops.rotation.service_env) takes them.
  returned: when O(state=planned)
  type: list
  elements: str
windows:
  description: The installations that have a recorded window.
  returned: when O(state=audited)
  type: list
  elements: str
run_id:
  description: Names the audit, and the files of its report.
  returned: when O(state=audited)
  type: str
  sample: 20261124T020000Z-audit-7f3a
summary:
  description: How many there are, as C(docs/audit.md) has it.
  returned: when O(state=audited)
  type: dict
  sample:
    {tokens: 26, alive: 25, dead: 1, services: 8, hosts: 3, drift: 0, overdue: 0, due: 2, findings: 5, failing: 1}
findings:
  description:
    - What needs somebody, those first that make it fail. Each has C(kind), C(subject), C(what), C(next), C(fails),
      C(owners) and C(workspace).
  returned: when O(state=audited)
  type: list
  elements: dict
path:
  description: The page of the report. Empty where none was written.
  returned: when O(state=audited)
  type: str
  sample: reports/20261124T020000Z-audit-7f3a.html
posted:
  description: The C(workspace) and C(channel) of each digest that was posted.
  returned: when O(state=audited)
  type: list
  elements: dict
ansible_stats:
  description:
    - What Ansible hands on, as from M(ansible.builtin.set_stats), the statistic C(botops) with C(schema) (V(botops.stats/1)),
      C(kind), C(run_id), C(check), C(success), C(outcomes), C(path) and C(report); null instead of a report of more than
      512 KiB.
  returned: always, for O(state=audited), unless Vault or the registry could not be read
  type: dict
  sample: {}
table:
  description: The same for people. P(botops.rotation.summary#callback) prints it.
  returned: when O(state=audited)
  type: str
"""
