# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing, restarting and, where something fails, going back: the order of things on one host.

All files are staged, then all take their names, then each service is restarted once and watched, in groups: see
`_together.groups`. When one fails, every service of the same bots goes back with it at once, file by file, but only to
tokens that are known here and that Slack accepted in this run (`restorable`); a file with any other token on it stays
forward whole, with all its services. So does a file that an agent of Vault renders: it goes back when Vault has, see
`_rendered`.
"""

from __future__ import annotations

from . import _env_file, _rendered, _watch
from ._env_file import EnvFileError
from ._files import LockedFile
from ._mask import HostError, fingerprint
from ._service import Service
from ._together import groups, together, words


class Rollout:
    """`known` holds tokens by fingerprint: those of this run, and those that the files had."""

    def __init__(self, services: list[Service], known: dict[str, bytes], may_go_back: bool) -> None:
        self._services = services
        self._known = known
        self._may_go_back = may_go_back
        self._blocked: set[str] = set()  # files that could not be replaced
        self._agents = _rendered.Agents()

    def run(self) -> None:
        if not self._stage():
            return
        self._commit()
        for group in groups(self._services, cautious=self._may_go_back):
            self._attempt(group)

    def _attempt(self, group: list[Service]) -> None:
        """Restart the services of a group together; whoever fails is not left between two tokens."""
        group = [s for s in group if not s.went_back and not s.waits and s.file.real not in self._blocked]
        self._agents.tell(group)
        together(group, self._carry)
        for service in group:
            if service.failed and not service.went_back:
                self._go_back(service)

    def _carry(self, service: Service) -> None:
        needed = service.result["needs"] != "nothing"
        if needed and (service.rendered_by is None or not self._agents.bring(service)):
            _watch.restart(service)
        _watch.confirm(service)
        if _watch.settles(service):
            _watch.settle(service)

    # -- files -----------------------------------------------------------------------------------------------------

    def _on(self, file: LockedFile) -> list[Service]:
        return [service for service in self._services if service.file is file]

    def _files(self, services: list[Service]) -> list[LockedFile]:
        return list({service.file.real: service.file for service in services}.values())

    def _stage(self) -> bool:
        """Prepare every file; when one cannot be, none is changed."""
        try:
            for file in self._files(self._services):
                file.tidy()
                users = [service for service in self._on(file) if service.result["needs"] == "write"]
                if users:
                    new = {name: fp for service in users for name, fp in service.target.items()}
                    file.stage(self._content(file, new))
            return True
        except HostError as problem:
            for each in self._files(self._services):
                each.discard()
            for service in self._on(file):
                service.fail(str(problem))
            return False

    def _content(self, file: LockedFile, fingerprints: dict[str, str]) -> bytes:
        tokens = {name: self._known[each].decode() for name, each in fingerprints.items()}
        try:
            return _env_file.change(self._on(file)[0].kind, file.data, tokens)
        except EnvFileError as problem:
            raise HostError(f"{file.path}: {problem}") from None

    def _commit(self) -> None:
        for file in self._files(self._services):
            before = file.data
            try:
                file.commit()
            except HostError as problem:
                self._blocked.add(file.real)
                for service in self._on(file):
                    service.fail(str(problem))
                self._go_back(self._on(file)[0])
            for service in self._on(file):
                self._note_content(service, changed=file.data != before)

    @staticmethod
    def _note_content(service: Service, changed: bool) -> None:
        values = _env_file.read(service.kind, service.file.data, list(service.variables))
        for name, value in values.items():
            service.result["variables"][name]["file_after"] = fingerprint(value) if value else None
        if changed and service.result["needs"] == "write":
            service.result["changed"] = True

    # -- going back ------------------------------------------------------------------------------------------------

    def _go_back(self, culprit: Service) -> None:
        if not self._may_go_back:
            return
        returning = []
        for file in self._files(self._group(culprit)):
            users = self._on(file)
            reason = self._stays_forward(users)
            if reason:
                for service in users:
                    service.warn(f"{culprit.name} failed, but this one does not go back: {reason}")
                continue
            if users[0].rendered_by is not None:
                for service in users:
                    service.waits = True
                    service.warn(
                        f"{culprit.name} failed; the file of this one, which an agent renders, goes back when Vault does"
                    )
                continue
            try:
                self._restore(file, users)
                returning += [service for service in users if not service.went_back]
            except HostError as problem:
                for service in users:
                    service.fail(f"going back failed too: {problem}")
        for service in returning:
            service.went_back = True
            service.result["restored"] = True
            service.warn(f"went back to the old token, because {culprit.name} failed")
        for group in groups(returning, cautious=False):
            together(group, self._return)

    def _group(self, culprit: Service) -> list[Service]:
        """The services that share a bot or a file with `culprit`, directly or through another."""
        group = [culprit]
        while True:
            bots = set().union(*(each.bots for each in group))
            files = {each.file.real for each in group}
            grown = [each for each in self._services if each.bots & bots or each.file.real in files]
            if len(grown) == len(group):
                return grown
            group = grown

    def _stays_forward(self, users: list[Service]) -> str | None:
        for service in users:
            for name, each in service.variables.items():
                if not each.get("old") or not each.get("restorable"):
                    return (
                        f"the old token of {name}, {each.get('old') or 'none'}, was not accepted by Slack in this run"
                    )
                if each["old"] not in self._known:
                    return f"the old token of {name}, {each['old']}, is not known on this host"
        return None

    def _restore(self, file: LockedFile, users: list[Service]) -> None:
        old = {name: each["old"] for service in users for name, each in service.variables.items()}
        as_it_was = all(
            service.result["variables"][name]["file_before"] == old[name]
            for service in users
            for name in service.variables
        )
        content = file.original if as_it_was else self._content(file, old)
        if content != file.data:
            file.stage(content)
            file.commit()
        for service in users:
            self._note_content(service, changed=False)

    def _return(self, service: Service) -> None:
        """Restart what was restarted, now with the old token. What was not restarted still runs with it."""
        service.target = {name: each["old"] for name, each in service.variables.items()}
        if service.result["restarted"] or service.result["reloaded"]:
            try:
                _watch.restart(service)
                _watch.confirm(service)
                if _watch.settles(service):
                    _watch.settle(service)
            except Exception as problem:  # noqa: BLE001 - the others go back all the same
                service.fail(f"going back to the old token failed too: {words(problem)}")
        else:
            service.result["changed"] = False
        _watch.conclude(service)
