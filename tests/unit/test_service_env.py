# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible says when nobody asked for the become password: of a host that is there, and of one that has gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.botops.rotation.plugins.action.service_env import ActionModule

TIMEOUT = AnsibleConnectionFailure("Timeout (10s) waiting for privilege escalation prompt: ")
GONE = AnsibleConnectionFailure("Failed to connect to the host via ssh: Connection timed out")


class Host:
    """A connection whose sudo never answers; `answer` is what becomes of a command without sudo."""

    transport, has_pipelining = "ssh", True
    become = SimpleNamespace(name="sudo", pipelining=True)
    _shell = SimpleNamespace(tmpdir="/nowhere")

    def __init__(self, answer: AnsibleConnectionFailure | int, first: AnsibleConnectionFailure = TIMEOUT) -> None:
        self.answer, self.first, self.did = answer, first, []

    def reset(self) -> None:
        self.did.append("reset")

    def execute(self, command: str, in_data: bytes | None = None, sudoable: bool = True) -> dict[str, Any]:
        if sudoable:
            raise self.first
        self.did.append(command)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"rc": self.answer}


def carry(host: Host) -> dict[str, Any]:
    service = {
        "name": "bot",
        "manager": "systemd",
        "unit": "bot.service",
        "env_file": "/etc/bots/bot.env",
        "variables": {"TOKEN": {"key": "gobot/ibmcloud/bot", "new": "0" * 12}},
    }
    args = {"state": "preflight", "services": [service]}
    task = SimpleNamespace(args=args, action="botops.rotation.service_env", async_val=0, check_mode=False, diff=False)
    templar = SimpleNamespace(template=lambda value: value, _loader=None)
    action = ActionModule(task, host, SimpleNamespace(), None, templar, None)
    action._low_level_execute_command = host.execute
    return action.run(None, {})


def test_a_host_that_is_there_is_no_unreachable_one_and_its_sudo_is_named() -> None:
    host = Host(answer=0)
    said = carry(host)
    assert said["failed"] and "sudo did not ask for its password" in said["msg"] and "Timeout (10s)" in said["msg"]
    assert "see what `sudo true` asks there" in said["next_step"] and "ansible_timeout" in said["next_step"]
    assert host.did == ["reset", "true"]


@pytest.mark.parametrize("answer", [GONE, 255], ids=["no connection", "no answer"])
def test_a_host_that_went_meanwhile_is_unreachable(answer: AnsibleConnectionFailure | int) -> None:
    with pytest.raises(AnsibleConnectionFailure):
        carry(Host(answer))


def test_a_host_that_was_not_reached_is_asked_nothing_more() -> None:
    host = Host(answer=0, first=GONE)
    with pytest.raises(AnsibleConnectionFailure, match="Failed to connect"):
        carry(host)
    assert host.did == []
