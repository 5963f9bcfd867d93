# SPDX-License-Identifier: GPL-3.0-or-later
# The least that botops.rotation needs in Vault or OpenBao. Write the paths as they are in your registry.
# It is whole: the tests run with it alone, without the policy "default".

# The token's own rights, which are asked before anything is changed.
path "sys/capabilities-self" {
  capabilities = ["update"]
}

# The token's name, which is noted beside a token that is staged. Nothing fails without it.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

# Tokens on a KV v1 mount, and the client ids of apps for the install page and refreshes. Without botops_record_mount also
# their records, locks, notes, refresh tokens, and what the install page got, which are beside them.
path "generic/crn/v1/+/local/tip-oss-flow/global/ciebot/*" {
  capabilities = ["create", "read", "update"]
}

# With botops_record_mount: secret, a KV v2 mount: records, locks, notes, refresh tokens and what the install page got. Tokens on KV v2 need the same three.
path "secret/data/generic/crn/v1/*" {
  capabilities = ["create", "read", "update"]
}
path "secret/metadata/generic/crn/v1/*" {
  capabilities = ["read"]
}
path "secret/destroy/generic/crn/v1/*" {
  capabilities = ["update"]
}

# The credentials of notifiers, as in botops_notifier.
path "generic/crn/v1/internal/local/tip-oss-flow/global/notifier/*" {
  capabilities = ["read"]
}

# The ledger's head, as in botops_ledger_head, or with botops_record_mount: secret. It has to be on KV v2.
path "secret/data/botops_ledger" {
  capabilities = ["create", "read", "update"]
}
