# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What in an audit needs somebody: findings, each with what is so and what to do (private to the collection, pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _audit_drift, _named, _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._registry import Registry
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import did_you_mean
from ansible_collections.botops.rotation.plugins.module_utils._status import NEXT

Row = Mapping[str, Any]
# In the order in which people should care.
KINDS = {
    "dead": "Slack refuses a token, or there is none where a bot token is due",
    "identity": "a token is of another team, app or bot user",
    "drift": "a service has another token than the current one, in its file or in its processes",
    "half_done": "a rotation was begun and not ended, and no run is at it",
    "overdue": "a token is older than it may be",
    "unproven": "what Slack, Vault, or a service has could not be found out",
    "due": "a token is due soon",
    "old_alive": "Slack still accepts an old token, which was replaced",
    "pending": "a new token waits to be rotated in",
    "approval": "an installation waits for an admin's approval",
    "scopes": "a token lacks a scope that the registry asks for, or has one more",
    "age_unknown": "nothing tells when a token was issued",
    "identity_unknown": "a token is of the right team, and nothing tells of which bot",
    "unneeded": "a legacy user token that nothing needs",
    "unexplained": "a token in an environment file that no service of the registry takes from there",
    "unreachable": "a host did not answer",
}
DEFAULT = ("dead", "identity", "drift", "half_done", "overdue", "unproven")


def fail_on(given: Any) -> tuple[str, ...]:
    """The kinds that end the run non-zero, from an option: a list, or names with commas; `all`, `none`."""
    if given is None:
        return DEFAULT
    words = given.split(",") if isinstance(given, str) else given if isinstance(given, (list, tuple)) else [given]
    words = [str(word).strip() for word in words if str(word).strip()]
    unknown = [word for word in words if word not in (*KINDS, "all", "none")]
    if unknown or not words or ("none" in words and len(words) > 1):
        what = f"{_redact.shown(unknown[0])} is no kind of finding" if unknown else "names no kind of finding"
        hint = did_you_mean(unknown[0] if unknown else "", [*KINDS, "all", "none"])
        raise RotationError(f"fail_on: {what}", f"-e fail_on=dead,drift with names, commas between them; {hint}")
    return tuple(kind for kind in KINDS if "all" in words or kind in words)


class Findings:
    """Collects findings; `fails` says whether its kind ends the run non-zero."""

    def __init__(self, registry: Registry, fails: Iterable[str]) -> None:
        self.registry = registry
        self.fails = frozenset(fails)
        self.all: list[dict[str, Any]] = []

    def add(
        self, kind: str, subject: str, what: str, next_step: str, owners: Iterable[str], workspace: str | None
    ) -> None:
        self.all.append(
            {
                "kind": kind,
                "subject": subject,
                "what": what,
                "next": next_step,
                "fails": kind in self.fails,
                "owners": list(owners),
                "workspace": workspace,
            }
        )

    def of_token(self, row: Row) -> None:
        """Of one token. One that nothing needs is to go: nothing else of it matters, but that an old one lives."""
        add = _Of(self, f"{row['installation']}/{row['token']}", row["owners"], row["workspace"])
        called = f"the {_named.called(row['token'])}" + (f" {row['fingerprint']}" if row["fingerprint"] else "")
        choice = f"-e bot={row['bot']} -e workspace={row['workspace']}"
        _replaced(row, add, choice)
        if not row["needed"]:
            if row["fingerprint"]:
                add("unneeded", f"{called} is not needed: {row['needed_evidence']}", _let_go(row))
            return
        self._life(row, add, called, choice)
        self._identity(row, add, called)
        _age(row, add, called, choice)
        _under_way(row, add, choice)

    def _life(self, row: Row, add: _Of, called: str, choice: str) -> None:
        stage = f"get a new one, then stage_token {choice} and rotate_bot {choice}"
        if row["alive"] == "dead":
            waits = row["pending"] and row["pending"]["alive"] != "dead"
            add("dead", f"{called} is dead: {row['alive_evidence']}", f"run rotate_bot {choice}" if waits else stage)
        elif row["in_vault"] == "no":
            add(
                "dead", f"{called} is missing: {row['alive_evidence']}", f"{stage}; or correct its path in the registry"
            )
        elif row["alive"] == "unknown" and row["kind"] != "signing secret":
            add(
                "unproven",
                f"whether {called} is alive is not known: {row['alive_evidence']}",
                "mend that, and audit again",
            )

    def _identity(self, row: Row, add: _Of, called: str) -> None:
        if row["identity"] == "wrong":
            add("identity", f"{called} is not this bot's: {row['identity_evidence']}", "find out who put it there")
        elif row["identity"] == "unknown" and row["alive"] == "alive" and row["token"] == "bot":
            what, _semicolon, step = row["identity_evidence"].partition("; ")
            add("identity_unknown", f"whose {called} is, is not known: {what}", step or _compare_with(row))
        missing, excess = row["scopes_missing"], row["scopes_excess"]
        if (missing or excess) and row["identity"] != "wrong":
            words = [f"lacks {', '.join(missing)}"] if missing else []
            words += [f"has {', '.join(excess)}, which the registry does not ask for"] if excess else []
            step = (
                "install the app again with them"
                if missing
                else "take them out of the app, or add them to the registry"
            )
            add("scopes", f"{called} {' and '.join(words)}", step)

    def of_service(self, row: Row, under_way: bool) -> None:
        """Of one variable of a service. While a run is at its installation, it is as it is until that ends."""
        bot, _slash, workspace = row["installation"].partition("/")
        subject = f"{row['host']}/{row['service']}/{row['variable']}"
        add = _Of(self, subject, self.registry.bots[bot].owners, workspace)
        if row["drift"] and not under_way:
            add("drift", f"{_audit_drift.sentence(row)} ({row['evidence']})", _audit_drift.next_step(row))
        elif "unreadable" in (row["stands"], row["runs"]) and not row["drift"]:
            where = "its file" if row["stands"] == "unreadable" else "its processes"
            step = "let the audit become a user who may read it (become), or state `in_use` in botops_services"
            add("unproven", f"what {where} has is not known ({row['evidence']})", step)

    def of_stray(self, row: Row) -> None:
        """Of a token that no row explains. Its file's services tell who should know."""
        users = [
            reference
            for service in self.registry.services
            if (service.host, service.options["env_file"]) == (row["host"], row["env_file"])
            for reference in service.options["env"].values()
        ]
        owners = dict.fromkeys(owner for each in users for owner in self.registry.bots[each["bot"]].owners)
        self.add(
            "unexplained",
            f"{row['host']}:{row['env_file']}: {row['variable']}",
            f"{_article(row['kind'])} {row['fingerprint']}, {row['whose']}, which no service of the registry takes from there",
            "take it out of the file, or add its variable to the service's env in botops_services",
            owners,
            users[0]["workspace"] if users else None,
        )

    def of_host(self, row: Row) -> None:
        if not row["reached"]:
            step = "reach it, or take it out of the inventory; then audit again"
            self.add("unreachable", row["host"], f"it was not looked at: {row['evidence']}", step, (), None)


class _Of:
    """Adds findings of one subject."""

    def __init__(self, findings: Findings, subject: str, owners: Iterable[str], workspace: str | None) -> None:
        self._findings, self._subject, self._owners, self._workspace = findings, subject, list(owners), workspace

    def __call__(self, kind: str, what: str, next_step: str) -> None:
        self._findings.add(kind, self._subject, what, next_step, self._owners, self._workspace)


def _age(row: Row, add: _Of, called: str, choice: str) -> None:
    if row["fingerprint"] is None or row["pending"]:
        return
    renew = f"plan its renewal: schedule_rotation {choice}, or rotate_bot {choice}"
    if row["due"] == "overdue":
        add("overdue", f"{called} is {row['age_days']} days old, and was due {-row['due_in_days']} days ago", renew)
    elif row["due"] == "soon":
        add("due", f"{called} is due in {row['due_in_days']} days, on {row['due_at'][:10]}", renew)
    elif row["due"] == "unknown":
        add("age_unknown", f"how old {called} is, is not known: no rotation has noted it", renew)


def _under_way(row: Row, add: _Of, choice: str) -> None:
    if row["rotation"]:
        rotation = row["rotation"]
        hours = rotation["hours"]
        since = f"for {hours:.0f} hours, since {rotation['since']}" if hours is not None else "since an unknown time"
        step = {state.value: words for state, words in NEXT.items()}.get(rotation["state"], "run rotate_bot")
        add(
            "half_done",
            f"the rotation {rotation['rotation_id']} is {rotation['state'].replace('_', ' ')} {since}",
            step,
        )
    elif row["pending"]:
        pending = row["pending"]
        since = f"since {pending['since']} ({pending['days']} days)" if pending["since"] else "since an unknown time"
        dead = pending["alive"] == "dead"
        what = f"a new token {pending['fingerprint']} waits {since}{', and Slack refuses it' if dead else ''}"
        add("pending", what, f"run {'abort_rotation' if dead else 'rotate_bot'} {choice}")
    if row["approval"]:
        count = row["approval"]["days"]
        since = f"since {row['approval']['since']}" + ("" if count is None else f" ({count} days)")
        add("approval", f"the approval of an admin is waited for {since}", "ask the admin; then run install_app")


def _replaced(row: Row, add: _Of, choice: str) -> None:
    """An old token that lives is as good as the new one for whoever has it."""
    old = row["previous"]
    if not old or old["alive"] != "alive":
        return
    called, secret = _named.called(row["token"]), row["kind"].replace(" ", "_")
    step = f"see what else a revoke would end: revoke_bot -e revoke={old['fingerprint']} --check; then without --check"
    if secret in _named.END_IT:
        step = f"{_named.END_IT[secret]}, then audit again"
    elif row["rotation"]:
        step += f", and run rotate_bot {choice}"
    add("old_alive", f"the old {called} {old['fingerprint']} was replaced, and Slack still accepts it", step)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _let_go(row: Row) -> str:
    place = f"botops_bots.{row['bot']}.installations.{row['workspace']}.user_token_path"
    return (
        f"delete its secret in Vault, and {place} in the registry. Do not revoke it: without Slack's rotation mode that "
        "ends the bot token, too"
    )


def _compare_with(row: Row) -> str:
    return (
        f"add bot_user_id of the bot to botops_bots.{row['bot']}.installations.{row['workspace']}, or app_id to the bot"
    )
