# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service whose environment file a real agent renders from Vault: there, and back when Vault has gone back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e._health import failing_with, service_changed
from tests.e2e._playbook import run
from tests.e2e._world import carried, due, reinstalled
from tests.sandbox import Sandbox, bao
from tests.sandbox._process import wait_for
from tests.sandbox.tokens import fingerprint

IBM, SERVICE = "gobot/ibmcloud", "gobot-consumer"
_RESTART = """#!/bin/sh
old=$(cat @/pid 2>/dev/null) && kill "$old" && while kill -0 "$old" 2>/dev/null; do sleep 0.02; done
HOME=@ nohup setsid BAO agent -config=@/agent.hcl > @/log 2>&1 < /dev/null &
"""


@pytest.fixture
def rendered() -> Iterator[Sandbox]:
    """A sandbox in which the file of one service is rendered; its mount is KV v1, which the agent does not read again."""
    with Sandbox(demo=False) as sandbox:
        folder, target = sandbox.dir / "agent", Path(sandbox.service(SERVICE).env_file)
        folder.mkdir()
        path = sandbox.registry["botops_bots"]["gobot"]["installations"]["ibmcloud"]["bot_token_path"]
        (folder / "token").touch(mode=0o600)
        (folder / "token").write_text(sandbox.bao.token)
        (folder / "agent.hcl").write_text(
            f'vault {{ address = "{sandbox.bao.url}" }}\npid_file = "{folder}/pid"\n'
            f'auto_auth {{ method {{ type = "token_file" config = {{ token_file_path = "{folder}/token" }} }} }}\n'
            f'template {{\n  destination = "{target}"\n  perms = "0600"\n  contents = <<EOT\n# rendered\n'
            f'SLACK_BOT_TOKEN={{{{ with secret "{path}" }}}}{{{{ .Data.value }}}}{{{{ end }}}}\nEOT\n}}\n'
        )
        restart = folder / "restart"
        restart.write_text(_RESTART.replace("@", str(folder)).replace("BAO", bao.binary()))
        restart.chmod(0o755)
        os.spawnl(os.P_WAIT, str(restart), str(restart))
        try:
            wait_for("the file is rendered", lambda: target.read_text().startswith("# rendered\n"))
            with service_changed(sandbox, SERVICE, rendered_by={"render": [str(restart)], "timeout": 30}):
                yield sandbox
        finally:
            os.kill(int((folder / "pid").read_text()), signal.SIGTERM)


def test_it_goes_back_with_vault_and_forward_with_the_next_run(rendered: Sandbox) -> None:
    file = Path(rendered.service(SERVICE).env_file)
    old = rendered.current(IBM)
    new = reinstalled(rendered, IBM)
    rendered.stage(IBM, new)
    rendered.slack.set_token_state(old, "live")
    words = ("-e", "bot=gobot", "-e", "workspace=ibmcloud")
    with failing_with(rendered, "gobot-scheduler", new):
        back = run(rendered, *words)
    assert back.status != 0 and back.outcomes == {IBM: "rolled_back"}, back
    assert rendered.current(IBM) == old
    assert file.read_text() == f"# rendered\nSLACK_BOT_TOKEN={old}\n"
    assert carried(rendered, SERVICE) == {"SLACK_BOT_TOKEN": fingerprint(old)}
    assert carried(rendered, "gobot-scheduler") == due(rendered, "gobot-scheduler")

    rendered.slack.set_token_state(old, "revoked")
    done = run(rendered, *words)
    assert (done.status, done.outcomes) == (0, {IBM: "rotated"}), done
    assert file.read_text() == f"# rendered\nSLACK_BOT_TOKEN={new}\n"
    assert carried(rendered, SERVICE) == {"SLACK_BOT_TOKEN": fingerprint(new)} == due(rendered, SERVICE)

    again = run(rendered, *words)
    assert (again.status, sum(again.changed.values())) == (0, 0), again
