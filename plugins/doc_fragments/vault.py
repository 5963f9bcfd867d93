# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach Vault. The twin of these options is `VAULT` in `plugins/module_utils/_argspec.py`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - hvac >= 2.4, in the Python that runs ansible-playbook
options:
  vault_url:
    description:
      - Address of HashiCorp Vault or OpenBao, such as V(https://vault.example.com:8200).
      - Taken from the inventory variable C(botops_vault_url), then from E(VAULT_ADDR) or E(VAULT_ADDR_FILE). One of
        them must be given.
    type: str
  vault_auth_method:
    description:
      - How to log in. V(token) takes O(vault_token) as it is; V(approle), V(jwt), V(kubernetes) and V(cert) make a
        token that is used for this task alone.
      - Taken from C(botops_vault_auth_method), then V(token).
    type: str
    choices: [token, approle, jwt, kubernetes, cert]
  vault_token:
    description:
      - The Vault token for O(vault_auth_method=token).
      - Taken from C(botops_vault_token), then from E(VAULT_TOKEN) or E(VAULT_TOKEN_FILE). C(~/.vault-token) is not
        read.
    type: str
  vault_role_id:
    description:
      - The role id for O(vault_auth_method=approle).
      - Taken from C(botops_vault_role_id), then from E(VAULT_ROLE_ID) or E(VAULT_ROLE_ID_FILE).
    type: str
  vault_secret_id:
    description:
      - The secret id for O(vault_auth_method=approle), where the role asks for one.
      - Taken from C(botops_vault_secret_id), then from E(VAULT_SECRET_ID) or E(VAULT_SECRET_ID_FILE).
    type: str
  vault_jwt:
    description:
      - The JSON web token for O(vault_auth_method=jwt) and O(vault_auth_method=kubernetes).
      - Taken from C(botops_vault_jwt), then from E(VAULT_JWT) or from the file that E(VAULT_JWT_FILE) names, such as
        C(/var/run/secrets/kubernetes.io/serviceaccount/token).
    type: str
  vault_role:
    description:
      - The role to log in as; required for O(vault_auth_method=kubernetes), optional for V(jwt) and V(cert).
      - Taken from C(botops_vault_role).
    type: str
  vault_mount_point:
    description:
      - Where the auth method is mounted.
      - Taken from C(botops_vault_mount_point), then the name of the method.
    type: str
  vault_namespace:
    description:
      - The namespace that every path is in. A path may lead into a namespace below it, as C(namespace/mount/path).
      - Taken from C(botops_vault_namespace), then from E(VAULT_NAMESPACE) or E(VAULT_NAMESPACE_FILE).
    type: str
  vault_ca_cert:
    description:
      - PEM file with the authorities that may sign Vault's certificate. Without it those of the requests library count.
      - Taken from C(botops_vault_ca_cert), then from E(VAULT_CACERT) or E(VAULT_CACERT_FILE) (a file that holds the
        path).
    type: path
  vault_validate_certs:
    description:
      - Whether Vault's certificate must be valid.
      - Taken from C(botops_vault_validate_certs), then V(true).
    type: bool
  vault_cert_auth_public_key:
    description:
      - PEM file with the client certificate. Required for O(vault_auth_method=cert), and presented with every method.
      - Taken from C(botops_vault_cert_auth_public_key), then from E(VAULT_CLIENT_CERT) or E(VAULT_CLIENT_CERT_FILE) (a
        file that holds the path).
    type: path
  vault_cert_auth_private_key:
    description:
      - PEM file with the private key of O(vault_cert_auth_public_key).
      - Taken from C(botops_vault_cert_auth_private_key), then from E(VAULT_CLIENT_KEY) or E(VAULT_CLIENT_KEY_FILE) (a
        file that holds the path).
    type: path
  vault_proxies:
    description:
      - Address of the proxy to Vault, such as V(http://proxy.example.com:3128), or a mapping of C(http) and C(https),
        which say what the proxy is for, to such addresses. A user and a password may be in the address.
      - Taken from C(botops_vault_proxies), then from E(VAULT_PROXY_ADDR) or E(VAULT_PROXY_ADDR_FILE).
    type: raw
  vault_timeout:
    description:
      - Seconds that a request to Vault may take until the end of its answer. A failed request is tried again where that
        can do no harm. All tries together take at most 30 seconds.
      - Taken from C(botops_vault_timeout), then V(10).
    type: float
  vault_field:
    description:
      - The key that holds the token in the secret at a token's path. Other keys of the secret are kept.
      - Taken from C(botops_vault_field), then V(value).
    type: str
notes:
  - An option that is not given, or is null, is taken from the inventory variable that it names, then from the
    environment of ansible-playbook. Where the environment variable C(NAME) is empty or not set, C(NAME_FILE) may name a
    file that holds the value; white space around it is dropped. After them comes the default.
  - A path is C(mount/path). Whether the mount is KV version 1 or 2 is asked of Vault.
  - Where no proxy to Vault is stated, E(HTTPS_PROXY) and E(HTTP_PROXY) apply. What E(NO_PROXY) names is reached without a
    proxy either way.
seealso:
  - name: Vault, KV secrets engine
    description: The two versions of it, and what check-and-set is.
    link: https://developer.hashicorp.com/vault/docs/secrets/kv
  - name: Vault, auth methods
    description: How each of them is set up.
    link: https://developer.hashicorp.com/vault/docs/auth
  - name: Vault, environment variables
    description: What the command line takes from the environment under the same names.
    link: https://developer.hashicorp.com/vault/docs/commands#environment-variables
"""
