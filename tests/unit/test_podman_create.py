# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the command that created a container to the one that creates it again, and what makes that impossible."""

from __future__ import annotations

import pytest
from ansible_collections.botops.rotation.plugins.host_agent._mask import HostError
from ansible_collections.botops.rotation.plugins.host_agent.managers._podman_create import Creation

from tests.sandbox import tokens

FILE = "/etc/none/gobot.env"
OWN = ["bot", "-d", "--name", "x"]


def creation(words: str, own: list[str] | None = None) -> Creation:
    command = ["podman", *words.split(), "img", *(OWN if own is None else own)]
    return Creation(command, OWN if own is None else own)


MADE = {
    "run -d --name old --env-file F": "create --name new --env-file F",
    "run --detach=true --name=old --env-file=F": "create --name new --env-file=F",
    "run -dit --sig-proxy=false --env-file F": "create --name new -it --env-file F",
    "run -dv /a:/b --env-file F": "create --name new -v /a:/b --env-file F",
    "run -deX=d --env-file F": "create --name new -eX=d --env-file F",
    "--runtime runc run --replace -d --env-file F": "--runtime runc create --name new --replace --env-file F",
    "container run -d --env-file F": "container create --name new --env-file F",
    "create --name old --env-file F": "create --name new --env-file F",
}


@pytest.mark.parametrize("words", MADE)
def test_it_is_created_again_in_the_same_way(words: str) -> None:
    made = creation(words)
    assert made.argv("podman", "new") == ["podman", *MADE[words].split(), "img", *OWN]
    assert made.image == "img" and made.trouble(FILE, ["TOKEN"]) is not None  # F is relative
    assert creation(words.replace("F", FILE)).trouble(FILE, ["TOKEN"]) is None
    # The command that was made says the same, so that it can be repeated for ever.
    again = Creation(made.argv("podman", "new"), OWN)
    assert again.argv("podman", "new") == made.argv("podman", "new")


def test_without_a_command_of_its_own_the_image_is_the_last_word() -> None:
    made = Creation(["podman", "run", "-d", "--env-file", FILE, "img"], ["from", "the", "image"])
    assert made.image == "img" and made.trouble(FILE, []) is None


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        ("run --env-file F", "was started in the foreground"),
        ("run -d --detach=false --env-file F", "was started in the foreground"),
        ("run -d", f"was created without --env-file {FILE}"),
        ("run -d --env-file /other", f"was created without --env-file {FILE}"),
        ("run -d --env-file F -e TOKEN=1", "gets TOKEN by -e, which beats --env-file"),
        ("run -d --env-file F -e TOKEN", "gets TOKEN by -e, which beats --env-file"),
        ("run -de TOKEN=1 --env-file F", "gets TOKEN by -e"),
        ("run -d --env=TOKEN=1 --env-file F", "gets TOKEN by -e"),
        ("run -d --env OTHER --env-file F", "takes OTHER from the environment of whoever creates it"),
        ("run -d --env-file F -v ./data:/data", "was created with a relative path (--v)"),
        ("run -d --env-file gobot.env", "was created with a relative path (--env-file)"),
        ("run -d --cidfile /x --env-file F", "--cidfile"),
        ("run -d --rmi --env-file F", "--rmi"),
        ("run -d --env-host --env-file F", "--env-host"),
    ],
)
def test_what_could_not_be_repeated_is_said(words: str, trouble: str) -> None:
    assert trouble in (creation(words.replace(" F", f" {FILE}")).trouble(FILE, ["TOKEN"]) or "")


def test_what_the_container_itself_is_given_is_its_own_affair() -> None:
    own = ["./bot", "-e", "TOKEN=", "--env-host", "-d=false"]
    assert creation(f"run -d --env-file {FILE}", own).trouble(FILE, ["TOKEN"]) is None


def test_a_token_in_the_arguments_is_refused_and_not_shown() -> None:
    value = tokens.bot()
    for words, own in ((f"run -d --env-file {FILE} -e X={value}", OWN), (f"run -d --env-file {FILE}", ["bot", value])):
        trouble = creation(words, own).trouble(FILE, ["TOKEN"]) or ""
        assert "with a token in its arguments" in trouble and value not in trouble


@pytest.mark.parametrize("command", [[], ["podman"], ["podman", "kube", "play", "x.yml"]])
def test_what_was_not_made_by_a_command_is_refused(command: list[str]) -> None:
    with pytest.raises(HostError, match="was not made by `podman run`"):
        Creation(command, [])
