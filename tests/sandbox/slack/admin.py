# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin API for installing apps: `admin.apps.requests.list`, `.requests.cancel`, `admin.apps.approve`,
`admin.apps.restrict`, `admin.apps.approved.list`.

Each follows its page, https://docs.slack.dev/reference/methods/<method>: Enterprise only, with a user token of an admin.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.slack._books import SlackError, Team
from tests.sandbox.slack._caller import Caller
from tests.sandbox.slack._oauth_books import AppRequest
from tests.sandbox.slack.methods import method


def _teams(caller: Caller) -> list[Team]:
    """The workspaces that an admin asks about: one, or all of the organization."""
    if caller.token.kind != "user":
        raise SlackError("not_allowed_token_type")
    own = caller.team.enterprise_id
    if own is None:
        raise SlackError("feature_not_enabled")
    if caller.token.user_id not in caller.team.admins:
        raise SlackError("not_an_admin")
    team_id, enterprise_id = caller.args.get("team_id"), caller.args.get("enterprise_id")
    if team_id and enterprise_id:
        raise SlackError("too_many_teams_provided")
    if not team_id and not enterprise_id:
        raise SlackError("no_team_or_enterprise_provided")
    if enterprise_id and enterprise_id != own:
        raise SlackError("enterprise_not_found")
    found = [
        team for team in caller.world.teams.values() if team.enterprise_id == own and team_id in (None, "", team.id)
    ]
    if not found:
        raise SlackError("team_not_found")
    return found


def _shown(caller: Caller, one: AppRequest) -> dict[str, Any]:
    app, team = caller.world.apps[one.app_id], caller.world.teams[one.team_id]
    resolved = [other for other in caller.world.app_requests.values() if other.id != one.id and _same(other, one)]
    last = resolved[-1] if resolved else None
    scopes = [(scope, "bot") for scope in one.bot_scopes] + [(scope, "user") for scope in one.user_scopes]
    return {
        "id": one.id,
        "app": {"id": app.id, "name": app.name, "description": "", "is_internal": True, "developer_type": "internal"},
        "user": {"id": one.user_id, "name": "operator", "email": "operator@example.org"},
        "team": {"id": team.id, "name": team.name, "domain": team.slug},
        "scopes": [
            {"name": name, "description": "", "is_sensitive": False, "token_type": kind} for name, kind in scopes
        ],
        "previous_resolution": last and {"status": "approved" if last.state == "approved" else "restricted"},
        "message": one.message,
        "date_created": one.date_created,
    }


def _same(resolved: AppRequest, asked: AppRequest) -> bool:
    return (resolved.app_id, resolved.team_id) == (asked.app_id, asked.team_id) and resolved.state != "pending"


@method("admin.apps.requests.list", "admin.apps:read")
def requests_list(caller: Caller) -> dict[str, Any]:
    """The requests that wait, oldest first."""
    teams = {team.id for team in _teams(caller)}
    waiting = [one for one in caller.world.app_requests.values() if one.state == "pending" and one.team_id in teams]
    rows, cursor = caller.page(waiting, 100, 1000)
    return {"app_requests": [_shown(caller, one) for one in rows], "response_metadata": {"next_cursor": cursor}}


@method("admin.apps.approve", "admin.apps:write", takes_json=True)
def approve(caller: Caller) -> dict[str, Any]:
    """Approve a request, or an app."""
    return _resolve(caller, True)


@method("admin.apps.restrict", "admin.apps:write", takes_json=True)
def restrict(caller: Caller) -> dict[str, Any]:
    """Refuse a request, or an app."""
    return _resolve(caller, False)


def _resolve(caller: Caller, approved: bool) -> dict[str, Any]:
    teams, world = _teams(caller), caller.world
    request, app_id = caller.args.get("request_id"), caller.args.get("app_id")
    if request and app_id:
        raise SlackError("too_many_ids_provided")
    if not request and not app_id:
        raise SlackError("request_id_or_app_id_is_required")
    if request:
        _known(caller, str(request), teams)
        world.resolve_request(str(request), approved)
    elif app_id not in world.apps:
        raise SlackError("invalid_app_id")
    else:
        for team in teams:
            (world.approve_app if approved else world.restrict_app)(str(app_id), team.id)
    return {}


def _known(caller: Caller, request: str, teams: list[Team]) -> AppRequest:
    found = caller.world.app_requests.get(request)
    if found is None or found.team_id not in {team.id for team in teams}:
        raise SlackError("invalid_request_id")
    return found


@method("admin.apps.requests.cancel", "admin.apps:write", takes_json=True)
def cancel(caller: Caller) -> dict[str, Any]:
    """Take a request back."""
    found = _known(caller, str(caller.args.get("request_id")), _teams(caller))
    if found.state != "pending":
        raise SlackError("request_already_resolved")
    found.state = "cancelled"
    return {}


@method("admin.apps.approved.list", "admin.apps:read")
def approved_list(caller: Caller) -> dict[str, Any]:
    """The apps that the admins approved, with the scopes they approved."""
    rows = [
        {
            "app": {"id": app_id, "name": caller.world.apps[app_id].name},
            "scopes": [{"name": name, "description": "", "is_sensitive": False} for name in scopes],
            "date_updated": int(caller.world.clock.now()),
            "last_resolved_by": {"actor_id": caller.token.user_id, "actor_type": "user"},
        }
        for team in _teams(caller)
        for app_id, scopes in team.approved.items()
    ]
    rows, cursor = caller.page(rows, 100, 1000)
    return {"approved_apps": rows, "response_metadata": {"next_cursor": cursor}}
