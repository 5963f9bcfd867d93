# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How secrets that are no tokens are renewed, as data (private to the collection, pure)."""

from __future__ import annotations

from ansible_collections.botops.rotation.plugins.module_utils._guide_steps import (
    DOCS,
    ELSEWHERE,
    ELSEWHERE_TOO,
    INSTALLING,
    PROVE_NAMED,
    ROTATE_NAMED,
    STAGE_NAMED,
    VERIFYING,
    Guide,
    Step,
)

_WEBHOOKS = DOCS + "messaging/sending-messages-using-incoming-webhooks"

SECRETS = (
    Guide(
        "webhook",
        "Incoming webhook URL",
        "https://hooks.slack.com/services/...",
        "Until it is removed, or the app's tokens in that workspace are revoked. Several live at once: the new one works "
        "beside the old one. Slack revokes those that it finds in public",
        "Nothing else",
        (
            Step("Add New Webhook to Workspace, with the same channel", link="{app}/incoming-webhooks"),
            STAGE_NAMED,
            ROTATE_NAMED,
            ELSEWHERE_TOO,
            Step("Remove the old one from that list (the bin next to it)", link="{app}/incoming-webhooks"),
            PROVE_NAMED,
            Step("One of a legacy integration: Edit configuration, then Regenerate next to its URL", link="{custom}"),
        ),
        (_WEBHOOKS,),
    ),
    Guide(
        "trigger",
        "URL that starts a workflow",
        "https://hooks.slack.com/workflows/... or .../triggers/...",
        "Until the workflow's trigger is removed",
        "Nothing else",
        (
            Step("Open the workflow in Slack's Workflow Builder: add a new webhook trigger, publish"),
            ELSEWHERE,
            Step("Remove the old trigger there, publish again"),
        ),
        (_WEBHOOKS,),
    ),
    Guide(
        "signing",
        "Signing secret of an app",
        "32 hexadecimal digits; it cannot be told from a client secret by its looks",
        "Until it is regenerated. Whether the old one is good for a while is not documented: count on no overlap",
        "Nothing: no token ends. What checks Slack's requests with the old one refuses them",
        (
            Step("Prepare the services that check signatures: they all need the new one at once"),
            Step("Basic Information, App Credentials, Signing Secret, Regenerate", link="{app}/general"),
            STAGE_NAMED,
            Step("Carry it to every service at once; Slack cannot be asked about it", "rotate_bot {where}"),
            ELSEWHERE_TOO,
            Step("Send the app an event (a slash command, a mention): its log must show that it was accepted"),
        ),
        (VERIFYING,),
    ),
    Guide(
        "verification",
        "Verification token of an app",
        "24 letters and digits",
        "Until it is regenerated. It is deprecated: Slack's requests are verified with the signing secret",
        "Nothing else",
        (
            Step("Better: verify requests with the signing secret, and use this nowhere", link=VERIFYING),
            Step("Basic Information, App Credentials, Verification Token, Regenerate", link="{app}/general"),
            ELSEWHERE,
        ),
        (VERIFYING,),
    ),
    Guide(
        "client",
        "Client secret of an app",
        "32 hexadecimal digits; it cannot be told from a signing secret by its looks",
        "After it is regenerated the old one stays good for 24 hours, unless it is revoked before",
        "Nothing: tokens that were issued stay. Installations and refreshes with it fail",
        (
            Step("Basic Information, App Credentials, Client Secret, Regenerate", link="{app}/general"),
            STAGE_NAMED,
            ROTATE_NAMED,
            Step("Else put it into Vault, where the installation page and refreshes take it from"),
            ELSEWHERE_TOO,
            Step(
                "Revoke the old one there within the 24 hours; at once, where it was seen by others",
                link="{app}/general",
            ),
            PROVE_NAMED,
        ),
        (VERIFYING, INSTALLING),
    ),
    Guide(
        "unknown",
        "Something that is none of Slack's credentials, or one that is not known here",
        "None of the beginnings that Slack documents",
        "Not known",
        "Not known",
        (
            Step("See whether it is whole: a token has no spaces, quotes or line ends in it"),
            Step("Look for it in the app's settings (General, OAuth & Permissions)", link="https://api.slack.com/apps"),
            Step("Look for it in the workspace's custom integrations", link="{custom}"),
        ),
        ("https://docs.slack.dev/authentication/tokens",),
    ),
)
