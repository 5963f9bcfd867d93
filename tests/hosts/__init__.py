# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for tests: containers that boot systemd and sshd from Debian's own packages, each with an address of its own.

    with Hosts(count=3) as hosts:               # names host-1, host-2, host-3; seconds once the image is made
        hosts.address("host-1"), hosts.gateway  # its address; the controller's address as the hosts see it
        hosts.user, hosts.key                   # "ops": a private key, sudo without a password
        hosts.password_user, hosts.password     # "opspw": the same key, sudo asks for this password
        hosts.inventory()                       # Ansible inventory (a dict): SSH as ops with become, host keys checked
        hosts.run("host-1", ["systemctl", "is-active", "x"])   # nsenter, as root: an eye that is not the product's
        hosts.put("host-1", "/etc/x", "text", mode=0o600, owner="root:root")
        hosts.each(lambda name: ...)            # for all hosts, several at once

`Bots(hosts, sandbox, per_host=2)` puts bot microservices on the hosts as systemd units and writes an inventory that
rotates their tokens, against a sandbox without services of its own:

    with Hosts(3) as hosts, Sandbox(demo=False, services=False, slack_at=hosts.gateway) as sandbox:
        bots = Bots(hosts, sandbox, per_host=2, installations=["gobot/ibmcloud"]); bots.up()
        # ansible-playbook -i bots.directory rotate_bot.yml -e bot=gobot

As a command: `python -m tests.hosts up [--count N] [--dir DIR] | down | status`. `down` leaves nothing behind but the
image, which is kept under the hash of its recipe (`podman rmi localhost/botops-host:HASH`).
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Import a class only when it is asked for."""
    if name == "Hosts":
        from tests.hosts._hosts import Hosts

        return Hosts
    if name in ("Bots", "BotService"):
        from tests.hosts import bots

        return getattr(bots, name)
    if name == "HostsError":
        from tests.hosts._podman import HostsError

        return HostsError
    raise AttributeError(name)
