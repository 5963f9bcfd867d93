# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a running sandbox: what `inventory/sandbox/hosts.sh` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def build(
    directory: Path, vault_url: str, slack_api_url: str, services: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The inventory; `services` is `botops_services` by host.

    Vault's token is not in it, but a lookup of the file that holds it.
    """
    hostvars = {
        host: {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "botops_services": entries,
        }
        for host, entries in services.items()
    }
    token_file = directory / "vault-token"
    variables = {
        "botops_vault_url": vault_url,
        "botops_vault_token": f"{{{{ lookup('ansible.builtin.file', '{token_file}') }}}}",
        "botops_slack_api_url": slack_api_url,
        "botops_slack_authorize_url": slack_api_url.removesuffix("api/") + "oauth/v2/authorize",
    }
    return {
        "_meta": {"hostvars": hostvars},
        "all": {"children": ["bot_hosts"], "vars": variables},
        "bot_hosts": {"hosts": list(hostvars)},
    }
