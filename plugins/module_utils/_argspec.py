# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that many actions share, each declared once (private to the collection).

An option that a task does not give is taken from an inventory variable, then from the environment (also as NAME_FILE,
a file that holds the value), then from its default. The documentation twins are in `plugins/doc_fragments`; a test
compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

UNSET = object()


@dataclass(frozen=True)
class Option:
    """One option. `variable` is an inventory variable, `env` an environment variable of the controller."""

    spec: dict[str, Any]
    variable: str = ""
    env: str = ""
    default: Any = None


def _text(variable: str, env: str = "", default: Any = None, **spec: Any) -> Option:
    return Option({"type": "str", **spec}, variable, env, default)


# Named as in community.hashi_vault, behind the prefix vault_.
VAULT = {
    "vault_url": _text("botops_vault_url", "VAULT_ADDR"),
    "vault_auth_method": _text(
        "botops_vault_auth_method", default="token", choices=["token", "approle", "jwt", "kubernetes", "cert"]
    ),
    "vault_token": _text("botops_vault_token", "VAULT_TOKEN", no_log=True),
    "vault_role_id": _text("botops_vault_role_id", "VAULT_ROLE_ID", no_log=False),
    "vault_secret_id": _text("botops_vault_secret_id", "VAULT_SECRET_ID", no_log=True),
    "vault_jwt": _text("botops_vault_jwt", "VAULT_JWT", no_log=True),
    "vault_role": _text("botops_vault_role"),
    "vault_mount_point": _text("botops_vault_mount_point"),
    "vault_namespace": _text("botops_vault_namespace", "VAULT_NAMESPACE"),
    "vault_ca_cert": _text("botops_vault_ca_cert", "VAULT_CACERT", type="path"),
    "vault_validate_certs": Option({"type": "bool"}, "botops_vault_validate_certs", "", True),
    "vault_cert_auth_public_key": _text("botops_vault_cert_auth_public_key", "VAULT_CLIENT_CERT", type="path"),
    "vault_cert_auth_private_key": _text(
        "botops_vault_cert_auth_private_key", "VAULT_CLIENT_KEY", type="path", no_log=False
    ),
    "vault_proxies": Option({"type": "raw"}, "botops_vault_proxies", "VAULT_PROXY_ADDR"),
    "vault_timeout": Option({"type": "float"}, "botops_vault_timeout", "", 10.0),
    "vault_field": _text("botops_vault_field", default="value"),
}
SLACK = {
    "slack_api_url": _text("botops_slack_api_url", default="https://slack.com/api/"),
    "slack_ca_cert": _text("botops_slack_ca_cert", type="path"),
    "slack_proxies": Option({"type": "raw"}, "botops_slack_proxies"),
}
REGISTRY = {
    "workspaces": Option({"type": "raw"}, "botops_workspaces"),
    "bots": Option({"type": "raw"}, "botops_bots"),
    "notifier": Option({"type": "raw"}, "botops_notifier"),
    "contact": Option({"type": "raw"}, "botops_contact"),
    "record_mount": _text("botops_record_mount"),
}

CALENDAR = {
    "rotation_days": Option({"type": "int"}, "botops_rotation_days", "", 365),
    "warn_days": Option({"type": "int"}, "botops_rotation_warn_days", "", 30),
}
AUDIT = {
    "digest": Option({"type": "bool"}, "botops_audit_digest", "", False),
    "audit_textfile": _text("botops_audit_textfile", type="path"),
}
ANNOUNCE = {
    "announcement_templates": _text("botops_announcement_templates", type="path"),
}
REFRESH = {
    "refresh_margin": Option({"type": "float"}, "botops_refresh_margin", "", 3.0),
}
SPOOL = {
    "spool_dir": _text("botops_spool_dir", type="path"),
}
LEDGER = {
    "ledger": _text("botops_ledger", type="path"),
    "ledger_head": _text("botops_ledger_head"),
}
PATIENCE = {
    "spool_patience": Option({"type": "float"}, "botops_spool_patience", "", 120.0),
}
INSTALL = {
    "install_url": _text("botops_install_url"),
    "install_bind": _text("botops_install_bind", default="127.0.0.1:0"),
    "install_cert": _text("botops_install_cert", type="path"),
    "install_key": _text("botops_install_key", type="path", no_log=False),
    "install_redirect_url": _text("botops_install_redirect_url"),
    "install_timeout": Option({"type": "float"}, "botops_install_timeout", "", 1800.0),
    "slack_authorize_url": _text("botops_slack_authorize_url", default="https://slack.com/oauth/v2/authorize"),
}


def specs(options: Mapping[str, Option]) -> dict[str, dict[str, Any]]:
    """The argument specs, as Ansible's validator takes them."""
    return {name: option.spec for name, option in options.items()}


def fill(
    options: Mapping[str, Option],
    given: Mapping[str, Any],
    variable: Callable[[str], Any],
    environ: Mapping[str, str],
) -> dict[str, Any]:
    """The options of a task, completed from variables, environment and defaults. `variable` gives UNSET for none."""
    values = dict(given)
    for name, option in options.items():
        if values.get(name) is not None:
            continue
        value = variable(option.variable) if option.variable else UNSET
        if value is UNSET or value is None:
            value = from_environment(option.env, environ)
        values[name] = option.default if value is UNSET or value is None else _typed(option, name, value)
    return values


def _typed(option: Option, name: str, value: Any) -> Any:
    """The value in the option's type: what a task gives goes through Ansible's validator, and so does this."""
    result = ArgumentSpecValidator({name: option.spec}).validate({name: value})
    if result.error_messages:  # they may quote the value
        due = (
            " or ".join(option.spec["choices"])
            if "choices" in option.spec
            else f"a value of type {option.spec['type']}"
        )
        raise RotationError(f"{option.variable} is not {due}", f"correct {option.variable} in the inventory")
    return result.validated_parameters[name]


def from_environment(name: str, environ: Mapping[str, str]) -> Any:
    """What a variable of the environment, or the file that NAME_FILE names, holds; UNSET for none."""
    if not name:
        return UNSET
    if environ.get(name):
        return environ[name]
    path = environ.get(f"{name}_FILE")
    if not path:
        return UNSET
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise RotationError(
            f"The file that the environment variable {name}_FILE names cannot be read: {type(exc).__name__}",
            "give the path of a readable file",
        ) from None
