# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of podman that were created with --env-file.

podman reads the file when it creates a container, and keeps the environment: `podman restart` would start it with the
old one. So the container is created anew, by the command that podman remembers of it or by one that the inventory
states (`recreate`). The new one is made beside the old one, which steps aside under another name and goes on running;
when that fails, it has not even been stopped, and when the new one does not start, it is started again.
"""

from __future__ import annotations

import json

from .. import _processes
from .._mask import HostError
from . import State
from ._podman_create import Creation
from ._run import foreign, run, which

_LOOK_SECONDS, _SECONDS = 20.0, 120.0
_ASIDE = "-botops-old"
# Not the whole: that would hold the environment, with the tokens.
_WANTED = (
    '{"command":{{json .Config.CreateCommand}},"own":{{json .Config.Cmd}},"labels":{{json .Config.Labels}},'
    '"state":{{json .State}},"policy":{{json .HostConfig.RestartPolicy}},"image":{{json .Image}},'
    '"mounts":{{json .Mounts}}}'
)
_STATE_IT = "state how it is made again, in `recreate`"


class Manager:
    finds_processes = True

    def __init__(self, service: dict) -> None:
        self._name = service.get("unit") or service["name"]
        self._aside = self._name + _ASIDE
        self._user = service.get("user")
        self._recreate = list(service.get("recreate") or [])
        self._env_file, self._variables = service["env_file"], list(service["variables"])
        self._seen: dict | None = None
        self._ready = False
        self._odd: list[str] = []

    # -- asking podman ---------------------------------------------------------------------------------------------

    def _podman(self, *words: str, seconds: float = _SECONDS) -> tuple[int, str, str]:
        return run(["podman", *words], seconds, user=self._user)

    def _must(self, doing: str, *words: str) -> None:
        status, _output, complaint = self._podman(*words)
        if status != 0:
            raise HostError(f"{doing} container {self._name} failed: {complaint or f'podman ended with {status}'}")

    def _inspect(self, name: str) -> dict | None:
        status, output, complaint = self._podman(
            "inspect", "--type", "container", "--format", _WANTED, name, seconds=_LOOK_SECONDS
        )
        if status == 0:
            return json.loads(output)
        if "no such" in complaint.lower():
            return None
        raise HostError(f"podman inspect {name} ended with {status}: {complaint or 'no message'}")

    def _look(self) -> dict | None:
        """The container; the one that a killed run left aside where that is what there is, or what runs."""
        self._seen = self._inspect(self._name)
        if not self._recreate and not (self._seen and self._seen["state"]["Running"]):
            self._seen = self._inspect(self._aside) or self._seen
        return self._seen

    # -- the interface ---------------------------------------------------------------------------------------------

    def problem(self) -> str | None:
        command = (self._recreate or ["podman"])[0]
        if which(command) is None:
            return f"command {command} is not there or not executable; install it, or correct botops_services"
        trouble = foreign(self._user)
        if trouble:
            return trouble
        try:
            found = self._look()
            if self._recreate:
                return None
            if found is None:
                whose = f"user {self._user}" if self._user else "this user"
                return (
                    f"container {self._name} does not exist for {whose} (`podman ps -a` lists them); correct `unit` "
                    f"and `user`, or {_STATE_IT}"
                )
            return self._trouble(found)
        except HostError as problem:
            return str(problem)

    def _trouble(self, found: dict) -> str | None:
        """What would be in the way of creating the container again."""
        unit = (found["labels"] or {}).get("PODMAN_SYSTEMD_UNIT")
        if unit:
            return (
                f"container {self._name} belongs to the systemd unit {unit}, which creates it; use manager systemd, "
                f"unit {unit}, env_format podman"
            )
        try:
            creation = Creation(found["command"] or [], found["own"] or [])
            words = creation.trouble(self._env_file, self._variables)
        except HostError as problem:
            words = str(problem)
        # podman calls a volume without a name by 64 digits
        if any(each.get("Type") == "volume" and len(each.get("Name") or "") == 64 for each in found["mounts"] or []):
            words = (
                words or "has a volume without a name, which a new container would have another, empty one of; name it"
            )
        if words:
            return f"container {self._name} {words}; or {_STATE_IT}"
        image = self._image(creation)
        if image and image != found["image"]:
            self._odd = [f"the image of container {self._name} was renewed since: created again it has the new one"]
        return None if image else (
            f"the image of container {self._name} is not on this host any more, so it could not be created again; "
            f"pull it, or {_STATE_IT}"
        )  # fmt: skip

    def _image(self, creation: Creation) -> str:
        """The id of the image that the command's words stand for now; empty when there is none."""
        words = ("image", "inspect", "--format", "{{.Id}}", creation.image)
        return self._podman(*words, seconds=_LOOK_SECONDS)[1].strip()

    def warnings(self) -> list[str]:
        return self._odd

    def state(self) -> State:
        found = self._look()
        if found is None:
            return State(False, True, f"container {self._name} does not exist")
        state = found["state"]
        words = f"container {self._name} is {state['Status']}"
        if not state["Running"]:
            words += f" (exit status {state['ExitCode']})"
        check = (state.get("Health") or state.get("Healthcheck") or {}).get("Status")
        words += f", its healthcheck says {check}" if check else ""
        comes_back = (found["policy"] or {}).get("Name") not in (None, "", "no")
        return State(bool(state["Running"]), not state["Running"] and not comes_back, words)

    def pids(self) -> list[int]:
        state = (self._seen or {}).get("state") or {}
        group, main = state.get("CgroupPath") or "", int(state.get("Pid") or 0)
        found = set(_processes.in_cgroup(group)) if group not in ("", "/") else set()
        return sorted(found | set(_processes.tree([main] if main else [])))

    # -- creating it anew ------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Create the new container beside the old one, which goes on running under another name."""
        if self._recreate:
            return
        self._tidy()
        found = self._inspect(self._name)
        if found is None:
            raise HostError(f"container {self._name} does not exist any more, so nothing says how to make it again")
        argv = Creation(found["command"] or [], found["own"] or []).argv("podman", self._name)
        self._must("renaming", "rename", self._name, self._aside)
        trouble = self._trouble_of(argv)
        if trouble:
            self._podman("rm", "--force", self._name)
            self._must("renaming back", "rename", self._aside, self._name)
            raise HostError(
                f"creating container {self._name} again failed: {trouble} (the old one was not stopped); or {_STATE_IT}"
            )
        self._ready = True

    def _tidy(self) -> None:
        """What a killed run left: the old container is removed where the new one runs, else it is the container."""
        aside = self._inspect(self._aside)
        if aside is None:
            return
        found = self._inspect(self._name)
        if found and (found["state"]["Running"] or not aside["state"]["Running"]):
            self._must("removing what was left of", "rm", "--force", self._aside)
            return
        if found:
            self._must("removing", "rm", "--force", self._name)
        self._must("renaming back", "rename", self._aside, self._name)

    def restart(self) -> None:
        if self._recreate:
            status, _output, _complaint = run(self._recreate, _SECONDS, keep_output=False, user=self._user)
            if status != 0:
                command = " ".join(self._recreate)
                raise HostError(f"`{command}` ended with exit status {status}; run it by hand to see what it says")
            return
        if not self._ready:
            self.prepare()
        self._ready = False
        self._podman("stop", "--ignore", self._aside)
        trouble = self._trouble_of(["podman", "start", self._name])
        if trouble:
            raise HostError(f"container {self._name}, created again, did not start: {trouble}; {self._put_back()}")
        status, _output, complaint = self._podman("rm", "--force", "--ignore", self._aside)
        if status != 0:
            self._odd.append(
                f"container {self._aside} could not be removed: {complaint}; remove it by hand: its environment, which "
                "podman keeps, has the token from before"
            )

    def _trouble_of(self, argv: list[str]) -> str:
        """Run a command of podman; what went wrong. Its own words are not shown: they are the operator's."""
        try:
            status, _output, complaint = run(argv, _SECONDS, user=self._user)
        except HostError:
            return f"podman did not end within {_SECONDS:.0f} s"
        return complaint or f"podman ended with {status}" if status else ""

    def _put_back(self) -> str:
        """Start the old container again; says in words what became of it."""
        if self._inspect(self._aside) is None:  # created with --rm: it went when it was stopped
            return "the old one had --rm and is gone, the new one is left for you to look at (`podman start`)"
        self._podman("rm", "--force", self._name)
        self._must("renaming back", "rename", self._aside, self._name)
        status = self._podman("start", self._name)[0]
        return "the old one was started again" if status == 0 else "the old one did not start again either"
