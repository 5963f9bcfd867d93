# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that create a container at each start, as `podman generate systemd --new` and quadlets make them: manager systemd.

Debian 12 has podman 4.3; quadlets came with 4.4, and run podman in the same way (`podman-systemd.unit(5)`:
`EnvironmentFile=` of [Container] is "equivalent to the Podman --env-file option"), with `--cgroups=split`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts import Hosts, HostsError
from tests.hosts._units import Machine, fingerprint

pytestmark = pytest.mark.xdist_group("podman_unit")

# Containers in the container that a host is: storage without overlay, no control groups mounted.
_SET_UP = """
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends podman runc
printf '[storage]\\ndriver = "vfs"\\nrunroot = "/run/c"\\ngraphroot = "/var/lib/c"\\n' > /etc/containers/storage.conf
mkdir -p /var/tmp/image/usr /var/tmp/image/proc /var/tmp/image/dev /var/tmp/image/sys /var/tmp/image/tmp
for folder in lib lib64 bin sbin; do ln -sfn usr/$folder /var/tmp/image/$folder; done
tar -C /var/tmp/image -c . | podman import --quiet - localhost/pod
"""
_LIMITS = "--network host --tmpfs /sys/fs/cgroup --stop-timeout 1 --ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
_LINES = """Environment=PODMAN_SYSTEMD_UNIT=%n
Type=notify
NotifyAccess=all
ExecStartPre=/bin/rm -f %t/%n.ctr-id
ExecStop=/usr/bin/podman stop --ignore --cidfile=%t/%n.ctr-id
ExecStopPost=/usr/bin/podman rm -f --ignore --cidfile=%t/%n.ctr-id"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Hosts(1, options=["--privileged"]) as hosts:
        machine = Machine(hosts)
        try:
            machine.run(f"set -e; {_SET_UP}")
        except HostsError as problem:
            pytest.skip(f"podman could not be made to work on a host for tests: {str(problem)[-200:]}")
        yield machine


def test_a_unit_creates_its_container_anew_with_the_new_token(machine: Machine) -> None:
    command = (
        "/usr/bin/podman --runtime runc run --cidfile=%t/%n.ctr-id --cgroups=no-conmon --rm --sdnotify=conmon --replace "
        f"--detach --name pod {_LIMITS} -v /usr:/usr:ro -v /opt/units:/opt/units:ro --env-file @FILE localhost/pod "
        "/usr/bin/python3 -I -S /opt/units/service.py --accepted /opt/units/accepted --port 9321"
    )
    row = machine.unit(lines=_LINES, files="", command=command)
    row = {**row, "env_format": "podman", "health": {"url": "http://127.0.0.1:9321/healthz", "timeout": 30}}
    machine.await_health(9321)
    ask = "tr '\\0' '\\n' < /proc/$(podman inspect pod --format '{{.State.Pid}}')/environ | grep ^TOKEN="
    before = machine.run("podman inspect pod --format '{{.Id}}'")
    assert machine.run(ask) == f"TOKEN={machine.old}"
    service = machine.rotate(row)
    assert machine.run(ask) == f"TOKEN={machine.new}"
    assert machine.run("podman inspect pod --format '{{.Id}}'") != before
    assert service["in_use"] == "yes" and service["warnings"] == []
    assert service["variables"]["TOKEN"]["process_before"] == [fingerprint(machine.old)]
    # Behind the unit's back it is not created: the message names the unit.
    machine.refuses({**row, "manager": "podman", "unit": "pod"}, f"belongs to the systemd unit {row['unit']}")
