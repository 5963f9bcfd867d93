# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what Slack gave an install page is for its row, and its way into the pending slot (private to the collection)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _chain, _install_approval, _verbs
from ansible_collections.botops.rotation.plugins.module_utils._errors import TokenError, VaultUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._install_board import STAGED, UNCHANGED
from ansible_collections.botops.rotation.plugins.module_utils._install_flow import Target


def wrong(target: Target, given: Any) -> tuple[str, str] | None:
    """Why what Slack gave is not for this row, and what to do; None where it is. `given` is slack_sdk's Installation."""
    if given.is_enterprise_install or not given.team_id:
        return (
            "the app was installed on a whole Enterprise organization, which no row of the registry is",
            "remove it there, and choose the one workspace on Slack's page",
        )
    if given.team_id != target.team_id:
        reason = f"the app was installed in another workspace, {given.team_id}, which is none of this page"
        after = (
            "click Add to Slack again and choose the right workspace in the corner of Slack's page; remove the app from "
            "the other one if it does not belong there"
        )
        return f"{reason}; its token was not kept", after
    if target.app_id and given.app_id and given.app_id != target.app_id:
        reason = f"it is app {given.app_id} that was installed, and the registry says {target.app_id}"
        return (
            f"{reason}; its token was not kept",
            "correct client_path or app_id of the bot in the registry, start again",
        )
    if not given.bot_token:
        return "Slack gave no bot token", "give the app a bot user and bot scopes, then click Add to Slack again"
    return None


def _pair(here: Any, given: Any) -> _chain.Pair:
    """What the next refresh begins with."""
    ends = here.vault.now() + _chain.LIFETIME
    if isinstance(given.bot_token_expires_at, int):
        ends = min(ends, datetime.fromtimestamp(given.bot_token_expires_at, timezone.utc))
    scopes = tuple(given.bot_scopes or ())
    return _chain.Pair(given.bot_token, given.bot_refresh_token, ends, given.app_id, scopes)


def stage(here: Any, target: Target, given: Any, options: Mapping[str, Any]) -> tuple[str, bool]:
    """Stages the tokens, under the lock; the row's state, and whether something is pending now that was not before.

    Raises RotationError: VaultUnavailable, LockError and VaultConflict where another attempt may do.
    """
    bot, _slash, workspace = target.id.partition("/")
    installation = here.registry.installation(bot, workspace)
    current = here.store.read(installation).tokens.get("bot")
    if current and current.token == given.bot_token:
        return UNCHANGED, False
    if given.bot_refresh_token and here.registry.bots[bot].strategy != "refresh":
        raise TokenError(
            "the app is in Slack's rotation mode: its token lives for 12 hours, and has to be refreshed",
            f"set botops_bots.{bot}.strategy: refresh and start again: both tokens are kept in Vault, in the secret _install "
            "beside the bot token",
        )
    if here.slack.probe(given.bot_token).code == "unavailable":
        raise VaultUnavailable("Slack does not answer whose the new token is", "wait until Slack answers")
    rows = [{"bot": bot, "workspace": workspace}]
    here.drop_own_lock(installation)
    is_new = False
    with here.locked(rows, False):
        if given.bot_refresh_token:
            _chain.keep(here.store, installation, _pair(here, given))
        for name, token, scopes in (
            ("bot", given.bot_token, given.bot_scopes),
            ("user", given.user_token, given.user_scopes),
        ):
            if not token or (name == "user" and not (installation.user_token_path and target.user_scopes)):
                continue
            chosen = {key: options[key] for key in ("accept_identity", "accept_scopes")}
            about = {"installations": rows, "token": name, "value": token}
            told = {"app_id": given.app_id, "scopes": scopes or ()}
            is_new = _verbs.staged(here, {**about, **told, **chosen}, False)["changed"] or is_new
        _install_approval.clear(here, installation)
    return STAGED, is_new
