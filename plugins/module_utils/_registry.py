# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry: which bot is installed where, where its tokens are in Vault, which services use them (private).

It is read as a whole, before anything is contacted: `load` gives a registry without a mistake, or all of the mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils import _registry_checks as _checks
from ansible_collections.botops.rotation.plugins.module_utils import _registry_schema as _schema
from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError
from ansible_collections.botops.rotation.plugins.module_utils._named import TOKENS, NamedSecret, called
from ansible_collections.botops.rotation.plugins.module_utils._registry_services import SERVICES
from ansible_collections.botops.rotation.plugins.module_utils._registry_shapes import (
    INVALID,
    Problems,
    did_you_mean,
    join,
)


@dataclass(frozen=True)
class Workspace:
    """A Slack team: slug `ibmcloud`, name `IBM Cloud Platform`, team id `T0123`.

    `admin_token_path`: where in Vault an admin's user token is, which lists requests to install (Enterprise Grid).
    """

    slug: str
    name: str
    team_id: str
    admin_token_path: str | None = None


@dataclass(frozen=True)
class Installation:
    """One bot in one workspace (by its slug): a row of the runbook's table. Paths are `mount/path` in Vault.

    `secrets`: what it has beside its tokens, by name.
    """

    bot: str
    workspace: str
    bot_token_path: str
    user_token_path: str | None = None
    bot_user_id: str | None = None
    secrets: dict[str, NamedSecret] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.bot}/{self.workspace}"

    @property
    def tokens(self) -> tuple[str, ...]:
        """`('bot',)` or `('bot', 'user')`, then the names of its secrets."""
        return ("bot", *(["user"] if self.user_token_path else []), *self.secrets)

    def path(self, token: str) -> str:
        """Where the `bot` or the `user` token, or the secret with that name, is in Vault."""
        own = self.secrets.get(token)
        path = own.path if own else {"bot": self.bot_token_path, "user": self.user_token_path}.get(token)
        if path is None:
            raise RegistryError([f"{self.id} has no {called(token)} in the registry"], f"set {self.place_of(token)}")
        return path

    def place_of(self, token: str) -> str:
        """Where the registry says, or would say, where a token or secret is in Vault."""
        place = f"botops_bots.{self.bot}.installations.{self.workspace}"
        return f"{place}.{token}_token_path" if token in TOKENS else f"{place}.secrets.{token}.path"

    def kind(self, token: str) -> str:
        """What is due under a name: `bot`, `user`, or the kind of a secret."""
        return self.secrets[token].kind if token in self.secrets else token

    def judged_as(self, token: str) -> str | NamedSecret:
        """What Slack's answer is judged by: the tokens of a bot, by its name, together; a secret by itself."""
        return self.secrets.get(token) or self.bot


@dataclass(frozen=True)
class Bot:
    """A Slack app with a bot user. `channels` (announcements) and `installations` are by workspace slug.

    `client_path`: where client_id and client_secret are in Vault. `oauth`: v2, or v1 for a classic app.
    """

    name: str
    app_id: str | None
    environment: str
    strategy: str
    required_scopes: tuple[str, ...]
    owners: tuple[str, ...]
    channels: dict[str, tuple[str, ...]]
    installations: dict[str, Installation]
    client_path: str | None = None
    oauth: str = "v2"
    user_scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """A microservice on a host. `options`: its entry of `botops_services`, validated.

    Every key of every manager is there: a default where there is one, else None.
    """

    host: str
    name: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Registry:
    """A registry without a mistake. `notifiers` is by workspace slug: `{token_path, webhook_path}`, one of them None."""

    workspaces: dict[str, Workspace]
    bots: dict[str, Bot]
    services: list[Service] = field(default_factory=list)
    notifiers: dict[str, dict[str, str | None]] = field(default_factory=dict)
    contact: dict[str, str | None] = field(default_factory=dict)
    record_mount: str | None = None

    def select(self, bot: str, workspace: str | None = None) -> list[Installation]:
        """The installations that are meant, in the registry's order.

        `bot` is a name, a comma-separated list of names or `all`; so is `workspace`, where None or nothing means all.
        Raises RegistryError, which names the known, for an unknown name and when nothing is left.
        """
        bots = _names("bot", bot, self.bots)
        slugs = _names("workspace", workspace or "all", self.workspaces)
        found = [
            installation
            for name in bots
            for slug, installation in self.bots[name].installations.items()
            if slug in slugs
        ]
        if not found:
            where = [f"{name} is installed in: {', '.join(self.bots[name].installations)}" for name in bots]
            raise RegistryError(
                [f"no installation of {', '.join(bots)} in {', '.join(slugs)}"],
                "choose a workspace; " + "; ".join(where),
            )
        return found

    def installation(self, bot: str, workspace: str) -> Installation:
        """The installation of one bot in one workspace."""
        found = self.bots[bot].installations.get(workspace) if bot in self.bots else None
        if found is None:
            raise RegistryError(
                [f"no installation {_redact.shown(f'{bot}/{workspace}')}"], did_you_mean(bot, self.bots)
            )
        return found

    def record_path(self, installation: Installation) -> str:
        """Where pending, previous and the state of the rotation are kept."""
        return _checks.beside(installation.bot_token_path, "record", self.record_mount)

    def lock_path(self, installation: Installation) -> str:
        return _checks.beside(installation.bot_token_path, "lock", self.record_mount)

    def notes_path(self, installation: Installation) -> str:
        """Where what grows without tokens is kept, such as announcements."""
        return _checks.beside(installation.bot_token_path, "notes", self.record_mount)

    def refresh_path(self, installation: Installation) -> str:
        """Where the chain of refresh tokens of an app in Slack's rotation mode is kept."""
        return _checks.beside(installation.bot_token_path, "refresh", self.record_mount)

    def install_path(self, installation: Installation) -> str:
        """Where what the install page gets is kept until it is staged."""
        return _checks.beside(installation.bot_token_path, "install", self.record_mount)


def load(
    *,
    workspaces: Any,
    bots: Any,
    services: Any = None,
    notifier: Any = None,
    contact: Any = None,
    record_mount: Any = None,
) -> Registry:
    """Reads the `botops_*` variables of the same names; `services` is a dictionary of host to `botops_services`.

    Raises RegistryError with every problem, one line each: `<place>: <what is wrong>; <what would be right>`. Nothing
    else is raised, whatever the values are, and no value is quoted that could be a secret.
    """
    problems = Problems()
    raw_workspaces = _schema.WORKSPACES.read(workspaces, "botops_workspaces", problems)
    raw_bots = _schema.BOTS.read(bots, "botops_bots", problems)
    notifiers = _schema.NOTIFIERS.read(notifier, "botops_notifier", problems)
    contact = {} if contact is None else _schema.CONTACT.read(contact, "botops_contact", problems)
    if record_mount in (None, ""):
        record_mount = None
    else:
        record_mount = _schema.MOUNT.read(record_mount, "botops_record_mount", problems)
    raw_services = _read_services(services, problems)

    _checks.check_workspaces(raw_workspaces, raw_bots, notifiers, problems)
    _checks.check_paths(
        raw_workspaces, raw_bots, notifiers, None if record_mount is INVALID else record_mount, problems
    )
    _checks.check_services(raw_services, raw_bots, problems)
    if problems:
        count = f"{len(problems)} lines" if len(problems) > 1 else "line"
        raise RegistryError(list(problems), f"correct the {count} above in the inventory; nothing has been contacted")
    return Registry(
        {slug: Workspace(slug=slug, **row) for slug, row in raw_workspaces.items()},
        {name: _bot(name, row) for name, row in raw_bots.items()},
        [Service(host, row["name"], row) for host, rows in raw_services.items() for _place, row in rows],
        notifiers,
        contact,
        record_mount,
    )


def _read_services(services: Any, problems: Problems) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Host -> place and entry of each service."""
    if services is not None and not isinstance(services, Mapping):
        problems.add("hostvars", "botops_services was not collected by host; a dictionary of host to list is due")
        return {}
    found = {}
    for host, entries in (services or {}).items():
        place = join("hostvars", host) + ".botops_services"
        rows = [] if entries is None else SERVICES.read(entries, place, problems)
        if rows is not INVALID:
            found[str(host)] = [(f"{place}[{index}]", row) for index, row in enumerate(rows)]
    return found


def _bot(name: str, row: Mapping[str, Any]) -> Bot:
    installations = {slug: _installation(name, slug, **given) for slug, given in row["installations"].items()}
    return Bot(
        name=name,
        app_id=row["app_id"],
        environment=row["environment"],
        strategy=row["strategy"],
        required_scopes=tuple(row["required_scopes"]),
        owners=tuple(row["owners"]),
        channels={slug: tuple(channels) for slug, channels in row["channels"].items()},
        installations=installations,
        client_path=row["client_path"],
        oauth=row["oauth"],
        user_scopes=tuple(row["user_scopes"]),
    )


def _installation(bot: str, slug: str, secrets: Mapping[str, Mapping[str, Any]], **given: Any) -> Installation:
    return Installation(bot, slug, **given, secrets={name: NamedSecret(**own) for name, own in secrets.items()})


def _names(what: str, given: object, known: Mapping[str, Any]) -> list[str]:
    """The known names that `given` stands for, in the registry's order."""
    wanted = [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else []
    if not wanted:
        words = f"no {what} was named" if given in (None, "") else f"{_redact.shown(given)} names no {what}"
        raise RegistryError(
            [words], f"-e {what}=NAME, where NAME is one, several with commas, or all; {did_you_mean('', known)}"
        )
    unknown = [name for name in wanted if name not in known and name != "all"]
    if unknown:
        raise RegistryError(
            [f"unknown {what}: {_redact.shown(name)}" for name in unknown],
            did_you_mean(unknown[0], known),
        )
    return [name for name in known if name in wanted or "all" in wanted]
