# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rotation_guide: what a token is, whose, and how its kind is renewed; nothing is changed, nothing is shown of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e._leaks import leaks, loud
from tests.e2e._playbook import Run, run
from tests.e2e._terminal import at_terminal
from tests.e2e._world import world
from tests.sandbox import Sandbox, tokens
from tests.sandbox.tokens import fingerprint

PLAYBOOK = "botops.rotation.rotation_guide"
GOBOT = ("-e", "bot=gobot", "-e", "workspace=ibmcloud")


@pytest.fixture(scope="class")
def well() -> Iterator[Sandbox]:
    with Sandbox(demo=False) as made:
        yield made


def guide(sandbox: Sandbox, *args: str, **options: Any) -> Run:
    return run(sandbox, *args, playbook=PLAYBOOK, **options)


def told(done: Run) -> dict[str, Any]:
    """The result of the module."""
    (result,) = done.of("botops.rotation.rotation_guide")
    return result


@pytest.mark.xdist_group("guide")
class TestGuide:
    """For an installation, for a token that is given, for a kind."""

    def test_of_an_installation(self, well: Sandbox) -> None:
        before = world(well)
        done = loud(well, *GOBOT, playbook=PLAYBOOK)
        assert done.status == 0 and done.changed == {"localhost": 0}, done
        found = told(done)
        assert [each["what"] for each in found["credentials"]] == [
            "the current bot token of gobot/ibmcloud",
            "the current user token of gobot/ibmcloud",
        ]
        bot = found["credentials"][0]
        assert (bot["life"], bot["kind"], bot["guides"]) == ("alive", "bot", ["bot"])
        assert bot["identity"]["team_id"] == well.slack.installation("gobot/ibmcloud")["team_id"]
        token = well.current("gobot/ibmcloud")
        for due in (
            fingerprint(token),
            "https://api.slack.com/apps/A0GOBOT0001/install-on-team",
            f"revoke_bot -e revoke={fingerprint(token)}",
            "stage_token -e bot=gobot -e workspace=ibmcloud",
        ):
            assert due in done.end, done
        assert world(well) == before

    @pytest.mark.parametrize("kind", tokens.MAKERS)
    def test_a_token_of_any_kind_on_standard_input(self, well: Sandbox, kind: str) -> None:
        """None of these was issued: it is told what they are, and that Slack does not know them."""
        value = tokens.MAKERS[kind]()
        done = guide(well, "-e", "token_file=-", stdin=value + "\n")
        assert done.status == 0, done
        (found,) = told(done)["credentials"]
        assert (found["kind"], found["fingerprint"]) == (kind, fingerprint(value))
        assert found["life"] == "unknown" and found["guides"]
        assert not leaks(done.stdout + done.stderr + str(done.results), [value])

    def test_a_live_token_tells_whose_it_is(self, well: Sandbox, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(well.current("ciebot/cim"), encoding="utf-8")
        done = loud(well, "-e", f"token_file={file}", playbook=PLAYBOOK)
        (found,) = told(done)["credentials"]
        assert (found["installation"], found["life"]) == ("ciebot/cim", "alive"), done
        assert "-e bot=ciebot -e workspace=cim" in done.end

    def test_a_hidden_prompt(self, well: Sandbox) -> None:
        token = well.current("ciebot/cim")
        status, screen = at_terminal(well, token, PLAYBOOK)
        assert status == 0, screen
        assert fingerprint(token) in screen and "ciebot/cim" in screen
        assert not leaks(screen, [token]), "what is typed is not shown"

    def test_no_terminal_to_ask_at(self, well: Sandbox) -> None:
        done = guide(well)
        assert done.status != 0 and "token_file=-" in done.text, done

    def test_a_kind_that_cannot_be_known_by_its_looks(self, well: Sandbox) -> None:
        done = guide(well, "-e", "kind=signing", *GOBOT)
        assert done.status == 0 and told(done)["credentials"] == [], done
        assert "https://api.slack.com/apps/A0GOBOT0001/general" in done.end
        wrong = guide(well, "-e", "kind=nothing")
        assert wrong.status != 0 and "signing" in wrong.text, wrong

    def test_vault_does_not_answer(self, well: Sandbox) -> None:
        """Then it is told for what the registry says that there should be."""
        done = guide(well, *GOBOT, "-e", "botops_vault_token=none")
        assert done.status == 0, done
        (found,) = told(done)["credentials"]
        assert (found["fingerprint"], found["guides"]) == ("none", ["bot"])
        assert "cannot be shown" in done.text and "https://api.slack.com/apps/A0GOBOT0001" in done.end
