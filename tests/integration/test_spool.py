# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stage_token while Vault is away: it waits for it, and then keeps the token in the spool, from where it is taken up."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e._leaks import leaks
from tests.e2e._playbook import Run, run
from tests.e2e._world import pending, reinstalled
from tests.sandbox import Sandbox
from tests.sandbox.tokens import fingerprint

NOWHERE = "http://127.0.0.1:1"
PLAYBOOK = "botops.rotation.stage_token"


@pytest.fixture(scope="module")
def well() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as made:
        yield made


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir(mode=0o700)
    return tmp_path / "spool"


class Gate(http.server.ThreadingHTTPServer):
    """Stands before Vault. The first write to a record, and whatever comes after it `away` times, is cut off."""

    def __init__(self, vault_url: str, away: int) -> None:
        super().__init__(("127.0.0.1", 0), Through)
        self.vault, self.away, self.began = urlsplit(vault_url).netloc, away, False
        self.cut: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Through(http.server.BaseHTTPRequestHandler):
    server: Gate

    def log_message(self, *_args: object) -> None:
        pass

    def answer(self) -> None:
        gate = self.server
        gate.began = gate.began or (self.command in ("POST", "PUT") and self.path.endswith("_rotation"))
        if gate.began and len(gate.cut) < gate.away:
            gate.cut.append(f"{self.command} {self.path}")
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        there = http.client.HTTPConnection(gate.vault, timeout=20)
        there.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() != "host"})
        found = there.getresponse()
        data = found.read()
        self.send_response_only(found.status)
        for key, value in found.getheaders():
            if key.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        there.close()

    do_GET = do_POST = do_PUT = do_LIST = answer


def stage(sandbox: Sandbox, installation: str, *args: str, stdin: str | None = None) -> Run:
    bot, _dummy, workspace = installation.partition("/")
    typed = ["-e", f"bot={bot}", "-e", f"workspace={workspace}", *args]
    return run(sandbox, *typed, stdin=stdin, playbook=PLAYBOOK)


def away(spool: Path | None, patience: int = 0) -> list[str]:
    """An attempt with a Vault that is not there takes 4 seconds."""
    given = ["-e", "token_file=-", "-e", f"botops_vault_url={NOWHERE}", "-e", f"botops_spool_patience={patience}"]
    return given + (["-e", f"botops_spool_dir={spool}"] if spool else [])


@pytest.mark.xdist_group("spool")
class TestSpool:
    def test_into_the_spool_and_out_of_it(self, well: Sandbox, spool: Path) -> None:
        each = "gobot/ibmcloud"
        token = reinstalled(well, each)
        lost = stage(well, each, *away(spool, 6), stdin=token)
        assert lost.status != 0 and "from_spool=true" in lost.text and "tried again" in lost.text, lost
        (file,) = spool.iterdir()
        assert file.stat().st_mode & 0o777 == 0o600 and fingerprint(token) in file.name
        assert file.name in lost.text and not leaks(lost.stdout + lost.stderr, [token])
        assert pending(well, each) is None

        status = run(well, "-e", f"botops_spool_dir={spool}", playbook="botops.rotation.rotation_status")
        assert status.status == 0 and fingerprint(token) in status.text and "from_spool=true" in status.text, status

        taken = ("-e", f"botops_spool_dir={spool}", "-e", "from_spool=true")
        checked = stage(well, each, *taken, "--check")
        assert checked.status == 0 and checked.changed == {"localhost": 1} and file.exists(), checked
        done = stage(well, each, *taken)
        assert done.status == 0 and done.changed == {"localhost": 1}, done
        assert pending(well, each) == token and list(spool.iterdir()) == []
        assert not leaks("".join(one.stdout + one.stderr for one in (status, checked, done)), [token])
        again = stage(well, each, *taken)
        assert again.status != 0 and "holds no bot token of gobot/ibmcloud" in again.text, again

    def test_without_a_spool_and_with_one_that_is_not_safe(self, well: Sandbox, spool: Path) -> None:
        each = "gobot/compose"
        token = reinstalled(well, each)
        spool.chmod(0o755)
        for place, words in ((None, "Set botops_spool_dir"), (spool, "its mode 0755 lets others in")):
            done = stage(well, each, *away(place), stdin=token)
            assert done.status != 0 and "was not stored: it is only where you have it" in done.text, done
            assert words in done.text and not leaks(done.stdout + done.stderr, [token]), done
        assert list(spool.iterdir()) == []

    def test_what_is_refused_is_not_waited_for(self, well: Sandbox, spool: Path) -> None:
        done = stage(well, "gobot/compose", *away(spool, 6), stdin="nonsense")
        assert done.status != 0 and "tried again" not in done.text and list(spool.iterdir()) == [], done

    def test_vault_comes_back(self, well: Sandbox, spool: Path) -> None:
        """It goes away in the middle, with this run's lock in it, and the next attempt gets over that lock."""
        each = "gobot/ibmanalytics"
        token = reinstalled(well, each)
        with Gate(well.vault_url, away=12) as gate:
            thread = threading.Thread(target=gate.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                given = ("-e", f"botops_vault_url={gate.url}", "-e", f"botops_spool_dir={spool}")
                done = stage(well, each, "-e", "token_file=-", *given, "-e", "botops_spool_patience=90", stdin=token)
            finally:
                gate.shutdown()
                thread.join()
        assert done.status == 0 and "tried again" in done.text, (gate.cut, done)
        assert len(gate.cut) == 12, gate.cut
        assert pending(well, each) == token and list(spool.iterdir()) == []
        assert (well.bao.get(well.path(each) + "_lock") or {})["nonce"] == ""
        assert not leaks(done.stdout + done.stderr, [token])
