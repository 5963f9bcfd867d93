# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`class Sandbox`: one sandbox, up and down, and everything that tests do with it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.sandbox import _records, _start
from tests.sandbox._process import SandboxError, wait_for
from tests.sandbox._state import REGISTRY, State, for_ansible
from tests.sandbox.bao import Bao
from tests.sandbox.services import SERVICES, Service
from tests.sandbox.slack import seed
from tests.sandbox.slack.client import SlackControl
from tests.sandbox.supervisor import Supervisor


class Sandbox:
    """A sandbox in one directory (default: a new one in /tmp).

    `with Sandbox() as sandbox:` brings it up in the demo's state and takes it down; `demo=False` leaves out what the
    demo stages. `Sandbox.attach(directory)` is one that is up. Installations are named `gobot/ibmcloud`.
    `services=False`: OpenBao and Slack alone, for services elsewhere (see `tests.hosts`), which reach Slack where
    `slack_at`, another address of this machine, says.
    """

    def __init__(
        self,
        dir: str | Path | None = None,
        demo: bool = True,
        say: Callable[[str], None] | None = None,
        services: bool = True,
        slack_at: str = "",
    ) -> None:
        self.dir = Path(dir or tempfile.mkdtemp(prefix="botops-", dir="/tmp")).absolute()
        self.demo = demo
        self._specs = SERVICES if services else ()
        self._slack_at = slack_at
        self._say = say or (lambda line: None)
        self._state: State | None = None

    @classmethod
    def attach(cls, dir: str | Path) -> Sandbox:
        """The sandbox that is up in a directory; SandboxError when there is none."""
        sandbox = cls(dir)
        sandbox._state = State.load(sandbox.dir)
        sandbox._specs = tuple(spec for spec in SERVICES if spec.name in sandbox._state.ports)
        if not sandbox.slack.alive():
            raise SandboxError(f"no sandbox is up in {sandbox.dir}; start one: python -m tests.sandbox up")
        return sandbox

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.down()

    # Up and down

    def up(self) -> None:
        """Start everything and wait until it is ready. What goes wrong takes it down again."""
        try:
            self._state = _start.start(self.dir, self._say, self._specs, self._slack_at)
            if self.demo:
                for installation in self.installations("gobot"):
                    self.stage(installation, self.reissue(installation))
                self._say(
                    "gobot: tokens revoked in its four workspaces, the app reinstalled, new tokens staged in Vault"
                )
                self.wait_health("gobot-", healthy=False)
                if self._specs:
                    self._say("gobot's services are down: Slack refuses the tokens that they have")
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End every process and remove the directory. One that is half up, or already down, is fine."""
        _start.stop(self.dir)
        self._state = None

    # Where things are

    @property
    def state(self) -> State:
        """Addresses and paths of a sandbox that is up."""
        if self._state is None:
            raise SandboxError("the sandbox is not up")
        return self._state

    @property
    def vault_url(self) -> str:
        """Address of OpenBao."""
        return self.state.vault_url

    @property
    def vault_token(self) -> str:
        """Its root token."""
        return (self.dir / "vault-token").read_text(encoding="utf-8").strip()

    @property
    def slack_url(self) -> str:
        """Address of the Web API, as `botops_slack_api_url` has it."""
        return self.state.slack_url + "/api/"

    @property
    def slack_url_outside(self) -> str:
        """Address of the Web API at the address that `slack_at` named."""
        return self.slack_url.replace("127.0.0.1", self.state.slack_at)

    @property
    def slack(self) -> SlackControl:
        """Client of the Slack sandbox's control API."""
        return SlackControl(self.state.slack_url)

    @property
    def bao(self) -> Bao:
        """OpenBao, with the root token."""
        return Bao(self.vault_url, self.vault_token, self.dir / "bao")

    @property
    def registry(self) -> dict[str, Any]:
        """The registry's variables."""
        return seed.read(REGISTRY)

    @property
    def env(self) -> dict[str, str]:
        """The environment to run Ansible in: the caller's, without credentials, and pointed at this sandbox."""
        foreign = ("VAULT_", "BAO_", "SLACK_", "ANSIBLE_", "BOTOPS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        kept.update(for_ansible(self.dir))
        return kept

    @property
    def inventory_file(self) -> Path:
        """The inventory's JSON file; a test may change it, to add services or variables."""
        return self.dir / "inventory.json"

    # Installations and tokens

    def installations(self, bot: str | None = None) -> list[str]:
        """The registry's installations, or those of one bot."""
        return [one for one in seed.installations(self.registry) if bot in (None, one.partition("/")[0])]

    def path(self, installation: str, kind: str = "bot") -> str:
        """The Vault path of an installation's token."""
        bot, _dummy, team = installation.partition("/")
        return self.registry["botops_bots"][bot]["installations"][team][f"{kind}_token_path"]

    def record_path(self, installation: str, mount: str | None = None) -> str:
        """The Vault path of an installation's record; `mount` as in `botops_record_mount`."""
        return (f"{mount}/" if mount else "") + self.path(installation) + "_rotation"

    def revoke(self, installation: str) -> None:
        """End the installation's authorization, as `auth.revoke` does."""
        self.slack.revoke(installation)

    def reissue(self, installation: str, kind: str = "bot") -> str:
        """Revoke and reinstall; gives the new token, which is in Slack's books only."""
        self.slack.revoke(installation)
        return self.slack.install(installation)[f"{kind}_token"]

    def stage(self, installation: str, token: str, kind: str = "bot", mount: str | None = None) -> None:
        """Put a token in Vault as the pending one of the installation's record, whatever the token is."""
        current = (self.bao.get(self.path(installation, kind)) or {}).get("value")
        path = self.record_path(installation, mount)
        issued = self.slack.installation(installation)
        bot = installation.partition("/")[0]
        self.bao.put(path, _records.staged(self.bao.get(path), bot, kind, token, issued, current))

    def current(self, installation: str, kind: str = "bot") -> str:
        """The token that Vault has as current."""
        return (self.bao.get(self.path(installation, kind)) or {})["value"]

    def tokens(self) -> list[str]:
        """Every token ever issued in this sandbox, for a scan for leaks; webhook paths, client secrets and codes, too."""
        return [one["value"] for one in self.slack.tokens()] + self.slack.webhook_paths() + self.slack.secrets()

    # Services

    def supervisor(self, host: str) -> Supervisor:
        """The supervisor of a host."""
        return _start.supervisor(self.dir, self.state, host)

    def services(self, prefix: str = "") -> list[Service]:
        """The services, or those whose name begins with `prefix`."""
        return [self.service(spec.name) for spec in self._specs if spec.name.startswith(prefix)]

    def service(self, name: str) -> Service:
        """One service, as it is now."""
        spec = next(spec for spec in SERVICES if spec.name == name)
        host = self.supervisor(spec.host)
        info = host.rpc().getProcessInfo(name)
        env_file, port = str(host.env_file(name)), self.state.ports[name]
        return Service(spec.host, name, info["pid"], info["statename"], env_file, port, spec.variables)

    def stop(self, name: str) -> None:
        """Stop a service."""
        self.supervisor(self.service(name).host).rpc().stopProcess(name)

    def start(self, name: str) -> None:
        """Start a service; does not wait until it is healthy."""
        self.supervisor(self.service(name).host).rpc().startProcess(name, False)

    def restart(self, name: str) -> None:
        """Stop and start a service, as somebody else would; does not wait until it is healthy."""
        self.stop(name)
        self.start(name)

    def process_env(self, pid: int) -> dict[str, str]:
        """The environment that a process was started with."""
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def health(self, name: str) -> tuple[int, dict[str, Any]]:
        """Status and body of a service's health page; status 0 when it does not answer."""
        return _start.health(self.state.ports[name])

    def wait_health(self, prefix: str = "", healthy: bool = True, timeout: float = 30.0) -> None:
        """Wait until the services (those whose name begins with `prefix`) are healthy, or are not."""
        for spec in self._specs:
            if spec.name.startswith(prefix):
                what = f"{spec.name} is {'healthy' if healthy else 'unhealthy'}"
                wait_for(what, lambda name=spec.name: (self.health(name)[0] == 200) is healthy, timeout)
