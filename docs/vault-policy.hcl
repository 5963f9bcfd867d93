# SPDX-License-Identifier: GPL-3.0-or-later
# The least that botops.rotation needs in HashiCorp Vault or OpenBao. It works without the default policy.
# Replace the paths by those of your registry; `+` is one path segment, `*` at the end is any rest.

# Tokens on KV v1, with record, lock and notes beside each (slack_bot_token_for_X_in_Y, ..._rotation, ..._lock, ..._notes).
path "generic/crn/v1/+/local/tip-oss-flow/global/ciebot/*" {
  capabilities = ["create", "read", "update"]
}

# Notifiers: only read.
path "generic/crn/v1/internal/local/tip-oss-flow/global/notifier/*" {
  capabilities = ["read"]
}

# The same on KV v2, and records there when botops_record_mount is `secret`. Old versions of a record, in which tokens
# would stay, are destroyed.
path "secret/data/generic/crn/v1/+/local/tip-oss-flow/global/ciebot/*" {
  capabilities = ["create", "read", "update"]
}
path "secret/metadata/generic/crn/v1/+/local/tip-oss-flow/global/ciebot/*" {
  capabilities = ["read"]
}
path "secret/destroy/generic/crn/v1/+/local/tip-oss-flow/global/ciebot/*" {
  capabilities = ["update"]
}

# What the token may do, asked before anything is changed; and its name, for the record (optional).
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
