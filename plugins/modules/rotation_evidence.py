# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_evidence
short_description: Verify the ledger of evidence, and show what it proves for a year
version_added: 0.1.0
description:
  - Verifies the chain of each ledger, and, on KV version 2, compares its end with the head that Vault keeps.
  - Shows for each installation when its tokens were renewed in a year, and what proves it, as a page in one file, as Markdown
    and as JSON.
  - Fails where a line was changed, is missing or stands elsewhere, where the end was cut off, and where a ledger that Vault
    knows was not brought. Each is named by its line. The evidence is written all the same.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
  - botops.rotation.ledger
attributes:
  check_mode:
    support: full
    details:
      - Writes no file.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  year:
    description: The year, in UTC. The current one, by Vault's clock, when it is not given.
    type: int
  files:
    description:
      - The ledgers, where there are several, such as those of two controllers. O(ledger) when it is not given.
    type: list
    elements: path
  accept_missing:
    description: Ids of ledgers that Vault knows and that are lost. They are shown as missing, and are no failure.
    type: list
    elements: str
    default: []
  report_dir:
    description:
      - Where C(evidence-YEAR.html), C(evidence-YEAR.md) and C(evidence-YEAR.json) are written. It is made where it is
        missing.
    type: str
    default: reports
seealso:
  - module: botops.rotation.rotation_outcome
"""

EXAMPLES = r"""
- name: Verify the ledger, and show what it proves for last year
  botops.rotation.rotation_evidence:
    year: 2026

- name: Look at the ledgers of two controllers
  botops.rotation.rotation_evidence:
    files:
      - controller-1/ledger.jsonl
      - controller-2/ledger.jsonl
"""

RETURN = r"""
evidence:
  description: What was found, without secrets. Its schema is V(botops.evidence/1); docs/report.md lists every key.
  returned: always, unless Vault or the registry could not be read
  type: dict
  sample: {}
paths:
  description: The files that were written. None in check mode.
  returned: always, unless Vault or the registry could not be read
  type: list
  elements: str
  sample: [reports/evidence-2026.html, reports/evidence-2026.md, reports/evidence-2026.json]
ansible_stats:
  description:
    - What Ansible hands on, as from M(ansible.builtin.set_stats), the statistic C(botops) with C(schema) (V(botops.stats/1)),
      C(kind), C(run_id), C(check), C(success), C(outcomes), C(path) and C(report); null instead of a report of more than
      512 KiB.
  returned: always, unless Vault or the registry could not be read
  type: dict
  sample: {}
table:
  description: The same for people. P(botops.rotation.summary#callback) prints it.
  returned: always, unless Vault or the registry could not be read
  type: str
  sample: ""
"""
