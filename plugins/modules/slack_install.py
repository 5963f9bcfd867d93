# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slack_install
short_description: Show a page on which people install an app, and stage its tokens
version_added: 0.1.0
description:
  - Serves a page with a row for each installation and its button I(Add to Slack), until all are done, O(install_timeout)
    has passed, or somebody stops it. What Slack gives is put into Vault as pending, as M(botops.rotation.rotation) with
    C(state=staged) does it. Nobody sees a token.
  - Each row has a state. V(waiting) and V(approval) wait for somebody, V(denied) and V(failed) can be tried again.
    V(installed) means that Slack gave a token which is kept, and could not be staged. V(staged) means that it is pending.
    V(unchanged) means that Slack gave the current token again; the old one has to be revoked first.
  - The workspace is fixed in the link to Slack, and checked, as the app is. Where another workspace of the page was chosen
    on Slack's page, the token goes to that one's row.
  - What Slack gives is first kept, in the secret C(<bot token path>_install), or in O(spool_dir) where Vault does not take
    it, and then looked at. Before Slack is asked for a token, Vault and spool were written to. What could not be staged is
    tried again while the page is there, and by the next run.
  - The lock of an installation is held while something is staged, never while people are waited for.
  - Slack tells nobody when somebody had to ask an admin for approval. A button of the row notes that, with its date, in
    Vault; C(rotation_status) shows since when. Where the workspace has an C(admin_token_path), Slack's own list is asked
    every 20 seconds. Rows follow it, with its date, and say when an admin has approved or refused.
  - Does not fail because something is missing at the end; RV(waiting) tells it.
author:
  - botops.rotation contributors (@botops)
extends_documentation_fragment:
  - botops.rotation.attributes
  - botops.rotation.vault
  - botops.rotation.slack
  - botops.rotation.registry
requirements:
  - slack_bolt >= 1.30, starlette >= 1.0 and uvicorn >= 0.40, in the Python that runs ansible-playbook
attributes:
  check_mode:
    support: partial
    details:
      - Reads and validates all that can be known before somebody installs, and serves no page. It does not say that
        anything would change, since that is up to people.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Where a live token is pending for each installation, no page is served and nothing changes.
options:
  installations:
    description: What is to be installed, each with C(bot) and C(workspace). Both may be several with commas, or V(all).
    type: list
    elements: dict
    required: true
  accept_identity:
    description: Fingerprints of new tokens whose user may differ from the known one.
    type: list
    elements: str
    default: []
  accept_scopes:
    description: Fingerprints of new tokens that may lack scopes which the old token had.
    type: list
    elements: str
    default: []
  install_url:
    description:
      - Address of the page as browsers reach it, such as V(https://controller.example.com:8443). A path in it is fine,
        whether or not a proxy takes it away. Without it, it is where O(install_bind) says, by https where O(install_cert)
        is given.
      - Taken from the inventory variable C(botops_install_url).
    type: str
  install_bind:
    description:
      - Address and port that the page listens at. Port 0 is any free one.
      - Taken from C(botops_install_bind), then V(127.0.0.1:0).
    type: str
  install_cert:
    description:
      - PEM file with the certificate of the page, and those between it and its authority.
      - Taken from C(botops_install_cert).
    type: path
  install_key:
    description:
      - PEM file with the private key of O(install_cert), where it is not in that file.
      - Taken from C(botops_install_key).
    type: path
  install_redirect_url:
    description:
      - The redirect URL of the app that Slack is asked to use. Without it, it is O(install_url) with
        C(/slack/oauth_redirect). Either way it must be among those of the app's page I(OAuth & Permissions), or below one.
      - Where it leads elsewhere than to the page, the address that the browser ends at is pasted into the page.
      - Taken from C(botops_install_redirect_url).
    type: str
  install_timeout:
    description:
      - Seconds after which nobody waits any more.
      - Taken from C(botops_install_timeout), then V(1800).
    type: float
  slack_authorize_url:
    description:
      - Where Slack asks for consent. That of classic apps is the same without C(v2/). Another one is for sandboxes and tests.
      - Taken from C(botops_slack_authorize_url), then V(https://slack.com/oauth/v2/authorize).
    type: str
  spool_dir:
    description:
      - Directory that keeps a token which Vault did not take, as for M(botops.rotation.rotation).
      - Taken from C(botops_spool_dir).
    type: path
  spool_patience:
    description:
      - Seconds for which, at the end, Vault is tried again for a token that is nowhere else.
      - Taken from C(botops_spool_patience), then V(120).
    type: float
notes:
  - The link in the terminal has a key. It lets a browser in, and is good for this run alone.
  - The page logs nothing, and every address with a code in it is left at once.
seealso:
  - module: botops.rotation.rotation
  - module: botops.rotation.vault_token_info
  - name: Slack, installing with OAuth
    description: How an app is installed, and what redirect URLs may be.
    link: https://docs.slack.dev/authentication/installing-with-oauth
  - name: Slack, oauth.v2.access
    description: What Slack gives for a code, and its errors.
    link: https://docs.slack.dev/reference/methods/oauth.v2.access
"""

EXAMPLES = r"""
- name: Have gobot installed in all of its workspaces
  botops.rotation.slack_install:
    installations:
      - bot: gobot
  register: installed

- name: The same behind a proxy that ends TLS and leads /slackbots/ here, for an hour
  botops.rotation.slack_install:
    installations:
      - {bot: gobot, workspace: ibmcloud}
    install_bind: 127.0.0.1:8080
    install_url: https://tools.example.com/slackbots
    install_timeout: 3600
"""

RETURN = r"""
results:
  description: Where each installation stands, by its id.
  returned: success
  type: dict
  contains:
    state:
      description: V(waiting), V(approval), V(denied), V(installed), V(staged), V(unchanged) or V(failed).
      returned: always
      type: str
      sample: staged
    fingerprint:
      description: The token's fingerprint; empty where there is none.
      returned: always
      type: str
      sample: 9f8e7d6c5b4a
    reason:
      description: Why it stands there.
      returned: always
      type: str
    next_step:
      description: What to do.
      returned: always
      type: str
    since:
      description: When approval was asked for; empty where it was not.
      returned: always
      type: str
      sample: "2026-11-23T02:00:00Z"
    missing:
      description: Required scopes that were not granted.
      returned: always
      type: list
      elements: str
waiting:
  description: The ids of those that are neither staged nor unchanged.
  returned: success
  type: list
  elements: str
  sample: [gobot/compose]
ended:
  description: Why the page ended before all were done; empty where it did not.
  returned: success
  type: str
  sample: the time to wait is over
summary:
  description: What is missing, in words.
  returned: success
  type: str
"""
