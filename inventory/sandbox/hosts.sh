#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The hosts of the embedded sandbox, as it wrote them when it came up, in $BOTOPS_SANDBOX or .sandbox in the repository's
# root; no hosts where it is not up. Ansible runs this with --list; what it prints holds the variables of all hosts.
cat "${BOTOPS_SANDBOX:-$(dirname "$0")/../../.sandbox}/inventory.json" 2>/dev/null || echo '{"_meta": {"hostvars": {}}}'
