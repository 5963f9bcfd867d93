# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the credentials of today's apps are renewed, as data (private to the collection, pure)."""

from __future__ import annotations

from ansible_collections.botops.rotation.plugins.module_utils._guide_steps import (
    APPROVAL,
    COPY_BOT,
    DOCS,
    ELSEWHERE,
    INSTALL,
    INSTALLING,
    INVITE,
    LEAKED,
    PAGE,
    READY,
    REVOKE,
    REVOKE_METHOD,
    ROTATE,
    ROTATION,
    STAGE,
    STAGE_USER,
    TOKENS,
    Guide,
    Step,
)

_AUTHORIZATION = "Every token of the app in that workspace, the bot's memberships, the app's webhooks there"
_CLI = DOCS + "tools/slack-cli/reference/commands/"

APPS = (
    Guide(
        "bot",
        "Bot token of an app",
        "xoxb- with two numbers; granular scopes, such as chat:write",
        "Until it is revoked. One for each workspace: old and new do not overlap, and a reinstallation alone gives the "
        "same token again",
        _AUTHORIZATION,
        (READY, APPROVAL, REVOKE, PAGE, INSTALL, COPY_BOT, STAGE, ROTATE, INVITE),
        (TOKENS, INSTALLING, REVOKE_METHOD),
    ),
    Guide(
        "user",
        "User token of an app",
        "xoxp- with three numbers; granular scopes",
        "Until it is revoked. One for each person and workspace; a reinstallation alone gives the same token again",
        _AUTHORIZATION + ": a user token is not revoked while the bot's is in use",
        (
            READY,
            APPROVAL,
            REVOKE,
            PAGE,
            INSTALL,
            Step("Copy the User OAuth Token, and the Bot User OAuth Token, which is new too", link="{app}/oauth"),
            STAGE,
            STAGE_USER,
            ROTATE,
            INVITE,
        ),
        (TOKENS, INSTALLING, REVOKE_METHOD),
    ),
    Guide(
        "rotating",
        "Bot or user token in Slack's rotation mode",
        "xoxe.xoxb- or xoxe.xoxp-",
        "12 hours. The app gets the next one with its refresh token; two are good at a time, a third ends the oldest. "
        "The mode cannot be turned off",
        "Nothing: auth.revoke ends the one token that it is given, the installation stays",
        (
            LEAKED,
            Step(
                "A bot with strategy: refresh in the registry: have the tool get the next one, keep it with its refresh token, "
                "and carry it to every service. On a schedule it does so by itself, before the 12 hours are over",
                "refresh_tokens {where} -e margin=12",
            ),
            Step(
                "Any other: have the app refresh, oauth.v2.access with grant_type=refresh_token, its client id and its client "
                "secret. The answer has the next access token and the next refresh token; store both before use",
                link=ROTATION,
            ),
            Step("Where the refresh token is lost: install the app again, which ends nothing", "install_app {where}"),
            Step("Where that page cannot be used, at Slack", link="{app}/install-on-team"),
        ),
        (ROTATION, REVOKE_METHOD),
    ),
    Guide(
        "refresh",
        "Refresh token of a rotating token",
        "xoxe- and a number; the same for bot, user and configuration tokens",
        "For one use. The old one ends shortly after it was used; unused ones do not expire, but after 30 days with PKCE",
        "Nothing else; the access token that is out lives on for its 12 hours",
        (
            Step(
                "Of a bot with strategy: refresh in the registry: the tool keeps it in Vault, and uses it",
                "refresh_tokens {where} -e margin=12",
            ),
            Step(
                "Any other: use it once, which ends it: oauth.v2.access with grant_type=refresh_token (tooling.tokens.rotate for "
                "that of a configuration token). Store what comes back before anything else",
                link=ROTATION,
            ),
            Step("Where it was seen by others: revoke it as well", "revoke_bot"),
            Step("Where it does not work any more: install the app again", link="{app}/install-on-team"),
        ),
        (ROTATION, DOCS + "reference/methods/tooling.tokens.rotate"),
    ),
    Guide(
        "app",
        "App-level token",
        "xapp-, with the app's id",
        "Until it is revoked. An app may have several: the new one works beside the old one",
        "Nothing else; connections of Socket Mode that were opened with it end",
        (
            Step(
                "Make a second one with the same scopes: Basic Information, App-Level Tokens, Generate Token and Scopes. "
                "Slack has no API for it",
                link="{app}/general",
            ),
            ELSEWHERE,
            Step("Open the old one in that list, and revoke it", link="{app}/general"),
        ),
        (TOKENS, DOCS + "reference/methods/apps.connections.open"),
    ),
    Guide(
        "configuration",
        "App configuration token",
        "xoxe.xoxp-, like a rotating user token; auth.test tells expires_in",
        "12 hours, for one person and workspace. It comes with a refresh token for one use",
        "Nothing: no installation hangs on it",
        (
            Step("Revoke it, where it was seen by others; its refresh token too", "revoke_bot"),
            Step(
                "Get the next one: tooling.tokens.rotate with the refresh token, no other credentials. Store both halves "
                "of the answer before use",
                link=DOCS + "reference/methods/tooling.tokens.rotate",
            ),
            Step(
                "Where the refresh token is lost or was seen: Your App Configuration Tokens, below the list of apps, "
                "Generate Token",
                link="https://api.slack.com/apps",
            ),
        ),
        (DOCS + "app-manifests/configuring-apps-with-app-manifests", TOKENS),
    ),
    Guide(
        "workflow",
        "Workflow (just in time) token",
        "xwfp-",
        "15 minutes, or until the step of the workflow has ended. It is not renewed: the next step gets its own",
        "Nothing else",
        (
            Step("Do nothing but wait for 15 minutes; it is to be stored nowhere"),
            Step("Where it was seen by others within them: revoke it", "revoke_bot"),
        ),
        (TOKENS,),
    ),
    Guide(
        "service",
        "Service token of the Slack CLI",
        "Looks like a user token; made by slack auth token, used in CI",
        "Until it is revoked; it does not expire. Several may live at once",
        "Nothing else",
        (
            Step("Make a new one: slack auth token, in the workspace", link=_CLI + "slack_auth_token"),
            ELSEWHERE,
            Step("End the old one: slack auth revoke with it, or", "revoke_bot"),
        ),
        (TOKENS, _CLI + "slack_auth_token", _CLI + "slack_auth_revoke"),
    ),
)
