# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No token is ever seen: not in the output at -vvvv --diff, logs, reports, temporary files, results or arguments.

`loud` looks after each run. Each playbook is run with success, with failure and with --check.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._health import failing_with
from tests.e2e._leaks import leaks, loud
from tests.e2e._world import pending, reinstalled, without_locks
from tests.sandbox import Sandbox, tokens
from tests.sandbox.tokens import fingerprint

FAULTS = str(Path(__file__).parent / "fault")
STAGE = "botops.rotation.stage_token"
ABORT = "botops.rotation.abort_rotation"


@pytest.fixture(scope="class")
def demo() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture(scope="class")
def well() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as made:
        yield made


def test_the_search_finds_what_it_is_to_find() -> None:
    token = tokens.bot()
    part = token.rpartition("-")[2]
    for shown in (token, f"x{part[5:17]}", json.dumps({"a": [token]}), token.replace("-", "%2D")):
        assert leaks(f"before {shown} after", [token])
    assert not leaks(f"{fingerprint(token)} {part[:11]} {tokens.bot()}", [token])


@pytest.mark.xdist_group("secrets-rotate")
class TestRotate:
    """In the order of a rotation: it is looked at, it fails for reasons of others, it is made."""

    def test_status_and_check(self, demo: Sandbox) -> None:
        assert loud(demo, "-e", "bot=all", playbook="botops.rotation.rotation_status").status == 0
        assert loud(demo, "-e", "bot=gobot", "--check").status == 0

    @pytest.mark.parametrize("where", ["slack", "vault"])
    def test_exception_with_a_token_in_it(self, demo: Sandbox, where: str) -> None:
        """A library raises what the product does not expect: the message is shown, without the token."""
        before = without_locks(demo.bao.snapshot())
        done = loud(demo, "-e", "bot=gobot", env={"PYTHONPATH": FAULTS, "E2E_FAULT": where})
        assert done.status != 0
        said = "was not taken" if where == "slack" else "cannot write"
        assert said in done.text, done
        assert "Traceback" not in done.stdout + done.stderr, done
        assert without_locks(demo.bao.snapshot()) == before

    def test_success(self, demo: Sandbox) -> None:
        done = loud(demo, "-e", "bot=gobot")
        assert done.status == 0, done
        assert len(done.reports) == 1

    def test_unlock(self, demo: Sandbox) -> None:
        for check in ([], ["--check"]):
            done = loud(demo, "-e", "bot=gobot", *check, playbook="botops.rotation.unlock")
            assert done.status == 0, done


@pytest.mark.xdist_group("secrets-stage")
class TestStage:
    """A token on its way in, through a rotation that goes back, and out again."""

    def test_stage_from_file_and_standard_input(self, well: Sandbox, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(reinstalled(well, "ciebot/cim") + "\n", encoding="utf-8")
        to_cim: dict[str, Any] = {"playbook": STAGE}
        arguments = ("-e", "bot=ciebot", "-e", "workspace=cim", "-e", f"token_file={file}")
        assert loud(well, *arguments, "--check", **to_cim).status == 0
        assert pending(well, "ciebot/cim") is None
        assert loud(well, *arguments, **to_cim).status == 0
        assert pending(well, "ciebot/cim") == file.read_text(encoding="utf-8").strip()

        old = well.current("ciebot/watsondataplatform")
        new = reinstalled(well, "ciebot/watsondataplatform")
        well.slack.set_token_state(old, "live")
        to_wdp = ("-e", "bot=ciebot", "-e", "workspace=watsondataplatform", "-e", "token_file=-")
        done = loud(well, *to_wdp, stdin=new + "\n", playbook=STAGE)
        assert done.status == 0 and pending(well, "ciebot/watsondataplatform") == new, done

    def test_stage_what_is_refused(self, well: Sandbox) -> None:
        """A token of another kind; and, as a token is not to be given, with -e."""
        to_wdp = ("-e", "bot=ciebotwdp", "-e", "workspace=watsondataplatform")
        user = well.current("ciebotwdp/watsondataplatform", "user")
        done = loud(well, *to_wdp, "-e", "token_file=-", stdin=user, playbook=STAGE)
        assert done.status != 0 and "user token" in done.text, done
        mistaken = tokens.bot()
        for given in (f"token_file={mistaken}", f"token={mistaken}", f"workspace={mistaken}"):
            done = loud(well, *to_wdp, "-e", given, secrets=[], playbook=STAGE)
            assert done.status != 0, done
            assert not leaks(done.stdout + done.stderr + str(done.results), [mistaken]), given

    def test_rotation_that_fails_and_one_that_goes_back(self, well: Sandbox) -> None:
        well.wait_health("ciebot-events")
        new = {each: pending(well, each) or "" for each in ("ciebot/cim", "ciebot/watsondataplatform")}
        with (
            failing_with(well, "ciebot-incidents", new["ciebot/cim"]),
            failing_with(well, "ciebot-events", new["ciebot/watsondataplatform"]),
        ):
            done = loud(well, "-e", "bot=ciebot")
        assert done.status != 0
        assert done.outcomes["ciebot/cim"] == "failed", done
        assert done.outcomes["ciebot/watsondataplatform"] == "rolled_back", done

    def test_abort(self, well: Sandbox) -> None:
        each = "ciebot/watsondataplatform"
        token = pending(well, each) or ""
        arguments = ("-e", "bot=ciebot", "-e", "workspace=watsondataplatform")
        discard = ("-e", f"discard={fingerprint(token)}")
        assert loud(well, *arguments, playbook=ABORT).status != 0
        assert loud(well, *arguments, *discard, "--check", playbook=ABORT).status == 0
        assert pending(well, each) == token
        assert loud(well, *arguments, *discard, playbook=ABORT).status == 0
        assert pending(well, each) is None
