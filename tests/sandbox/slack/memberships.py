# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in which channel: `conversations.list`, `.info`, `.members`, `.join`, `.invite` and `.leave`.

Each follows its page, https://docs.slack.dev/reference/methods/<method>. These take a channel's id and no name.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.slack._books import Channel, SlackError
from tests.sandbox.slack._caller import Caller
from tests.sandbox.slack.conversations import READ_SCOPES, by_id, read_scope, shown, types_of
from tests.sandbox.slack.methods import method

MOST_INVITED = 100
"""Users of one conversations.invite."""

READ = tuple(READ_SCOPES.values())


def _full(caller: Caller, channel: Channel) -> dict[str, Any]:
    """A channel with what the caller has to do with it."""
    return {**shown(channel), "is_member": caller.is_member(channel)}


@method("conversations.list", accepted=READ)
def conversations_list(caller: Caller) -> dict[str, Any]:
    """The channels of the workspace: every public one, and the private ones that the caller is in."""
    types = types_of(caller)
    rows = [
        {**_full(caller, channel), "num_members": len(channel.members)}
        for channel in caller.world.channels.values()
        if channel.team_id == caller.team.id
        and channel.type in types
        and (caller.is_member(channel) or not channel.private)
        and not (channel.archived and caller.flag("exclude_archived"))
    ]
    rows, cursor = caller.page(rows, 100, 999)
    return {"channels": rows, "response_metadata": {"next_cursor": cursor}}


@method("conversations.info", accepted=READ)
def conversations_info(caller: Caller) -> dict[str, Any]:
    """One channel; the number of its members only with `include_num_members`."""
    channel = _readable(caller)
    number = {"num_members": len(channel.members)} if caller.flag("include_num_members") else {}
    return {"channel": {**_full(caller, channel), **number}}


@method("conversations.members", accepted=READ)
def conversations_members(caller: Caller) -> dict[str, Any]:
    """The ids of the users in a channel, bot users included."""
    members, cursor = caller.page(sorted(_readable(caller).members), 100, 1000)
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def _readable(caller: Caller) -> Channel:
    """The channel of the call, which the caller's scopes let it read."""
    caller.need_any("channels:read", "groups:read")
    channel = by_id(caller)
    caller.need(read_scope(channel))
    return channel


@method("conversations.join", takes_json=True, accepted=("channels:join", "channels:write"))
def conversations_join(caller: Caller) -> dict[str, Any]:
    """Enter a public channel; being there already is a warning."""
    caller.need("channels:join" if caller.token.kind == "bot" else "channels:write")
    channel = by_id(caller)
    if channel.private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    answer: dict[str, Any] = {"channel": {**shown(channel), "is_member": True}}
    if caller.is_member(channel):
        answer.update(warning="already_in_channel", response_metadata={"warnings": ["already_in_channel"]})
    channel.members.add(caller.token.user_id)
    return answer


def _write_scopes(caller: Caller, channel: Channel) -> tuple[str, ...]:
    """The scopes of which one lets the caller bring others into a channel."""
    if channel.private:
        return "groups:write", "groups:write.invites"
    return "channels:manage" if caller.token.kind == "bot" else "channels:write", "channels:write.invites"


INVITE = ("channels:manage", "channels:write", "channels:write.invites", "groups:write", "groups:write.invites")


@method("conversations.invite", takes_json=True, accepted=INVITE)
def conversations_invite(caller: Caller) -> dict[str, Any]:
    """Bring users into a channel that the caller is in.

    Several users of whom one cannot be invited: nobody is, unless `force`; the answer's `errors` names each of those.
    """
    caller.need_any(*INVITE)
    channel = by_id(caller)
    caller.need_any(*_write_scopes(caller, channel))
    if not caller.is_member(channel):
        raise SlackError("not_in_channel")
    if channel.archived:
        raise SlackError("is_archived")
    users = [user.strip() for user in str(caller.args.get("users") or "").split(",") if user.strip()]
    if not users:
        raise SlackError("no_user")
    if len(users) > MOST_INVITED:
        raise SlackError("invalid_arguments")
    problems = [
        {"user": user, "ok": False, "error": code} for user in users if (code := _problem(caller, channel, user))
    ]
    wrong = {problem["user"] for problem in problems}
    if problems and (not caller.flag("force") or wrong == set(users)):
        raise SlackError(str(problems[0]["error"]), errors=problems)
    channel.members.update(user for user in users if user not in wrong)
    return {"channel": _full(caller, channel), **({"errors": problems} if problems else {})}


def _problem(caller: Caller, channel: Channel, user: str) -> str | None:
    """Why a user cannot be invited. Which code a deactivated bot user gives is not documented: cant_invite here."""
    if user == caller.token.user_id:
        return "cant_invite_self"
    if user in channel.members:
        return "already_in_channel"
    if user in caller.team.people:
        return None
    bots = caller.world.installations.values()
    found = next((of for of in bots if (of.team_id, of.bot_user_id) == (caller.team.id, user)), None)
    if found is None:
        return "user_not_found"
    return None if found.active else "cant_invite"


@method("conversations.leave", takes_json=True, accepted=("channels:manage", "channels:write", "groups:write"))
def conversations_leave(caller: Caller) -> dict[str, Any]:
    """Go out of a channel; not being in it is told, and no error."""
    channel = by_id(caller)
    caller.need_any("groups:write" if channel.private else "channels:write", "channels:manage")
    if channel.archived:
        raise SlackError("is_archived")
    if not caller.is_member(channel):
        return {"not_in_channel": True}
    if channel.members == {caller.token.user_id}:
        raise SlackError("last_member")
    channel.members.discard(caller.token.user_id)
    return {}
