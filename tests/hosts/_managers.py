# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a bot is run on a host: by systemd, by Debian's supervisor, or by a script of its own (manager `command`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BOT = "/usr/bin/python3 -I /opt/botops/bot.py --name {name} --port {port} --address 0.0.0.0 {variables}"
# After the file was read as root.
AS_BOT = "/usr/bin/setpriv --reuid=bot --regid=bot --clear-groups " + BOT

UNIT = f"""\
[Unit]
Description=Bot microservice {{name}}
[Service]
Type=notify
User=bot
Environment=SLACK_API_URL={{slack}}
EnvironmentFile={{env_file}}
ExecStart={BOT}
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""
# Its unit is "started" before its socket is there.
SUPERVISOR_ANSWERS = "until [ -S /run/supervisor.sock ] && supervisorctl pid > /dev/null; do sleep 0.2; done"
PROGRAM = f"""\
[program:{{name}}]
command=/usr/bin/python3 -I -S /opt/botops/env_exec.py {{env_file}} {AS_BOT}
environment=SLACK_API_URL="{{slack}}"
startsecs=1
"""
SCRIPT = f"""\
#!/bin/sh
# {{name}} start|stop|status|restart
set -e
daemon() {{{{ start-stop-daemon --quiet --pidfile /run/{{name}}.pid "$@"; }}}}
start() {{{{
    set -a
    . {{env_file}}
    SLACK_API_URL={{slack}}
    set +a
    daemon --start --background --make-pidfile --startas /usr/bin/setpriv -- {AS_BOT.split(" ", 1)[1]}
}}}}
stop() {{{{ daemon --stop --oknodo --retry TERM/10/KILL/5 --remove-pidfile; }}}}
case "$1" in
status) daemon --status ;;
restart) stop; start ;;
*) "$1" ;;
esac
"""


@dataclass(frozen=True)
class Manager:
    """`file` and `mode`: what defines a bot, `template` what is in it; `start`, `pid`: shell, `$1` is the bot's name.

    `entry`: what `botops_services` says beside the usual.
    """

    template: str
    file: str
    start: str
    pid: str
    entry: Callable[[str], dict[str, Any]]
    mode: int = 0o644


MANAGERS = {
    "systemd": Manager(
        UNIT,
        "/etc/systemd/system/{name}.service",
        'systemctl --quiet enable "$1" && systemctl restart "$1"',
        'systemctl show --property=MainPID --value "$1"',
        lambda name: {"unit": f"{name}.service"},
    ),
    "supervisor": Manager(
        PROGRAM,
        "/etc/supervisor/conf.d/{name}.conf",
        f'systemctl start supervisor; timeout 90 sh -c "{SUPERVISOR_ANSWERS}"; supervisorctl update "$1" > /dev/null',
        'supervisorctl pid "$1"',
        lambda name: {},
    ),
    "command": Manager(
        SCRIPT,
        "/usr/local/bin/{name}",
        '"/usr/local/bin/$1" restart',
        'cat "/run/$1.pid"',
        lambda name: {
            "restart": [f"/usr/local/bin/{name}", "restart"],
            "active": [f"/usr/local/bin/{name}", "status"],
            "pid_file": f"/run/{name}.pid",
        },
        mode=0o755,
    ),
}
