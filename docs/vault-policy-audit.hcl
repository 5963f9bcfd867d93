# SPDX-License-Identifier: GPL-3.0-or-later
# What audit_bots needs in Vault or OpenBao, which is to read (but for one line of evidence, at the end). Write the paths as they are in your registry.
# It is whole: the tests run with it alone, without the policy "default".

# Tokens on a KV v1 mount. Without botops_record_mount also their records, locks and notes, which are beside them.
path "generic/crn/v1/+/local/tip-oss-flow/global/ciebot/*" {
  capabilities = ["read"]
}

# With botops_record_mount: secret, a KV v2 mount: records, locks and notes. Tokens on KV v2 need the same.
path "secret/data/generic/crn/v1/*" {
  capabilities = ["read"]
}

# The ledger's head, as in botops_ledger_head, or with botops_record_mount: secret: an audit is evidence, too.
# It seals the line that each audit adds, and is the only thing that one writes.
path "secret/data/botops_ledger" {
  capabilities = ["create", "read", "update"]
}

# The credentials of notifiers, as in botops_notifier: for the digest alone.
path "generic/crn/v1/internal/local/tip-oss-flow/global/notifier/*" {
  capabilities = ["read"]
}

# Who ran the audit, as its line in the ledger says. Nothing fails without it.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
