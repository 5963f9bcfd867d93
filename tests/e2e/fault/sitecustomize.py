# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests only, on PYTHONPATH: libraries that raise, on purpose, an exception with a token in it ($E2E_FAULT)."""

from __future__ import annotations

import os


def _slack(self, *args, **kwargs):
    raise RuntimeError(f"cannot send {{'Authorization': 'Bearer {self.token}'}}: {self.token!r} was not taken")


def _vault(plain):
    def send(self, request, **kwargs):
        body = request.body if isinstance(request.body, str) else (request.body or b"").decode()
        if request.method in ("PUT", "POST") and '"token"' in body:
            raise RuntimeError(f"cannot write {body} as {request.headers['X-Vault-Token']}")
        return plain(self, request, **kwargs)

    return send


if os.environ.get("E2E_FAULT") == "slack":
    from slack_sdk.web.client import WebClient

    WebClient.api_call = _slack
elif os.environ.get("E2E_FAULT") == "vault":
    import requests

    requests.Session.send = _vault(requests.Session.send)
