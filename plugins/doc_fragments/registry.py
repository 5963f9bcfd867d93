# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry. The twin of these options is `REGISTRY` in `plugins/module_utils/_argspec.py`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  workspaces:
    description:
      - Workspaces by short name, each with C(name) (for people) and C(team_id) (V(T0123)), both required. On Enterprise Grid
        C(admin_token_path) may say where in Vault a user token of an admin is, with the scope C(admin.apps:read), by which
        requests to install an app are looked up.
      - Taken from the inventory variable C(botops_workspaces). One of the two must be given.
    type: raw
  bots:
    description:
      - Bots by name. Only C(installations) is required.
      - C(installations) has, by short name of the workspace, C(bot_token_path) (required; where the bot token is in
        Vault), C(user_token_path) (where the legacy user token is) and C(bot_user_id) (V(U0123); what a new token is
        compared with when nothing else is known), and C(secrets), what the bot has beside its tokens, by names of your own,
        each with C(kind) (V(webhook), V(signing_secret) or V(client_secret)), C(path) (in Vault), C(field) (the key that
        holds it there, that of tokens by default) and, for a client secret, C(client_id).
      - C(app_id) (V(A0123)), C(environment) (V(internal), the default, V(staging) or V(dev)), C(strategy) (V(staged),
        the default), C(required_scopes) (list, empty by default), C(owners) (list of ids of users and user groups) and
        C(channels) (by workspace, a list of the ids of channels where announcements are posted).
      - For M(botops.rotation.slack_install), C(client_path) (a secret with C(client_id) and C(client_secret) of the app),
        C(oauth) (V(v2), the default, or V(v1) for a classic app) and C(user_scopes) (list; those of the user token that is
        asked for, none by default).
      - Taken from C(botops_bots). One of the two must be given.
    type: raw
  notifier:
    description:
      - Who posts announcements, by workspace. Each has C(token_path) (a bot token in Vault) or C(webhook_path) (the URL
        of an incoming webhook in Vault). Without one the bot posts, with whichever of its tokens Slack accepts.
      - Taken from C(botops_notifier).
    type: raw
  contact:
    description:
      - Whom announcements name for questions, with C(name) and C(slack) (the id of a user, a user group or a channel).
      - Taken from C(botops_contact).
    type: raw
  record_mount:
    description:
      - A KV mount for records, locks and notes, such as V(secret), as C(<record_mount>/<bot token path>_rotation),
        C(_lock) and C(_notes). Without it they are beside the bot token. Recommended where tokens are on KV version 1,
        which cannot refuse a write that comes too late.
      - Taken from C(botops_record_mount).
    type: str
notes:
  - The registry, with C(botops_services) of every host of the inventory, is validated as a whole before anything is
    contacted. All mistakes come at once, each with its place, and a value that looks like a secret is never shown.
"""
