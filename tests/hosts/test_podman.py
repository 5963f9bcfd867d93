# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manager `podman` with real containers: they are created anew, faithfully, and none is lost when that fails."""

from __future__ import annotations

import json
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosts._containers import Containers, require, shell, stand_in
from tests.hosts._podman import podman
from tests.integration._host import fingerprint, one

pytestmark = pytest.mark.xdist_group("containers")

# What a container was made of, apart from its ids and environment.
_SAME = ("Path", "Args", "Image", "ImageName", "Mounts", "OCIRuntime")


@pytest.fixture
def host() -> Iterator[Containers]:
    require()
    made = Containers()
    try:
        yield made
    finally:
        made.close()


def parts(found: dict[str, Any]) -> dict[str, Any]:
    found = {**found, "Mounts": sorted(found["Mounts"], key=lambda mount: mount["Source"])}
    return {**{name: found[name] for name in _SAME}, "limits": found["HostConfig"]["Ulimits"]}


def test_podman_restart_keeps_the_old_environment(host: Containers) -> None:
    """The fact that this manager is for."""
    host.container("a")
    file = host.files["a"]
    file.write_text(file.read_text().replace(host.old, host.new))
    podman("restart", "--time", "1", host.full("a"))
    assert host.environ("a")["TOKEN"] == host.old


@pytest.mark.parametrize("verb", ["run", "create"])
def test_a_container_is_created_anew_with_the_new_token(host: Containers, verb: str) -> None:
    given = ["--env-file"] if verb == "create" else ["-d", "--sig-proxy=false", "--env-file"]
    file = str(host.directory / "a.env")
    host.container("a", options=[*given, file, "-l", "who=-d", "-itw", "/tmp"], verb=verb)
    before = host.inspect("a")
    answer = host.run("applied", host.row("a"))
    assert not answer["failed"], answer["msg"]
    service, after = one(answer, "a"), host.inspect("a")
    assert service["needs"] == "write" and service["restarted"] and service["in_use"] == "yes"
    assert service["warnings"] == [] and 0 < service["seconds_unavailable"] < 10
    assert service["variables"]["TOKEN"]["process_before"] == [fingerprint(host.old)]
    assert service["variables"]["TOKEN"]["process_after"] == [fingerprint(host.new)]
    assert host.environ("a")["TOKEN"] == host.new and host.environ("a")["OTHER"] == "'1'"
    assert after["Id"] != before["Id"] and parts(after) == parts(before)
    assert after["Config"]["Labels"] == {"who": "-d"} and after["Config"]["WorkingDir"] == "/tmp"
    assert after["Config"]["Tty"] and after["Config"]["OpenStdin"]
    assert host.all() == [host.full("a")] and host.leftovers() == []
    host.no_secret_in(json.dumps(after["Config"]["CreateCommand"]))
    for state in ("applied", "verified", "preflight"):
        assert not host.run(state, host.row("a"))["changed"]
    assert host.inspect("a")["Id"] == after["Id"]
    # What was created anew can be created anew.
    host.new = host.old
    assert not host.run("applied", host.row("a"))["failed"]
    assert host.environ("a")["TOKEN"] == host.old and parts(host.inspect("a")) == parts(before)


def test_a_prediction_leaves_the_container_alone(host: Containers) -> None:
    host.container("a")
    before = host.inspect("a")
    for state, check in (("preflight", False), ("applied", True)):
        answer = host.run(state, host.row("a"), check=check)
        assert not answer["failed"] and one(answer, "a")["needs"] == "write"
    assert host.inspect("a") == before and host.all() == [host.full("a")]


REFUSED = {
    "no file": (["-d", "-e", "X=1"], "was created without --env-file"),
    "another file": (["-d", "--env-file", "/dev/null"], "was created without --env-file"),
    "from outside": (["-d", "-e", "X", "--env-file", "@"], "takes X from the environment of whoever creates it"),
    "the variable": (["-d", "-eTOKEN=x", "--env-file=@"], "gets TOKEN by -e, which beats --env-file"),
    "all from outside": (["-d", "--env-host", "--env-file=@"], "takes the environment of whoever creates it"),
    "id file": (["-d", "--cidfile", "@.cid", "--env-file", "@"], "writes its id into a file"),
    "volume": (["-d", "--env-file", "@", "-v", "/data"], "has a volume without a name"),
    "unit": (
        ["-d", "--env-file", "@", "--label", "PODMAN_SYSTEMD_UNIT=gobot.service"],
        "belongs to the systemd unit gobot.service, which creates it; use manager systemd, unit gobot.service",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_not_be_created_again_is_refused_before_any_write(host: Containers, case: str) -> None:
    options, words = REFUSED[case]
    file = host.directory / "a.env"
    host.container("a", options=[word.replace("@", str(file)) for word in options])
    before = file.read_bytes()
    answer = host.run("applied", host.row("a"))
    assert answer["failed"] and words in answer["msg"] and not answer["changed"]
    assert file.read_bytes() == before and host.inspect("a")["State"]["Running"]
    (host.directory / "a.env.cid").unlink(missing_ok=True)


def test_a_token_in_the_arguments_is_refused_and_not_shown(host: Containers) -> None:
    file = host.directory / "a.env"
    host.container("a", options=["-d", "--env-file", str(file), "-e", f"ELSE={host.old}"])
    answer = host.run("preflight", host.row("a"))
    assert "was created with a token in its arguments, where everybody sees it" in answer["msg"]


def test_a_container_that_is_not_there_and_an_image_that_is_gone(host: Containers) -> None:
    host.container("a")
    answer = host.run("preflight", host.row("a", unit=host.full("b")))
    assert f"container {host.full('b')} does not exist for this user" in answer["msg"]
    answer = host.run("preflight", host.row("a", user="nobody-at-all"))
    assert "no user nobody-at-all" in answer["msg"]
    podman("tag", host.image, f"{host.image}-kept")
    podman("untag", host.image, host.image)
    try:
        answer = host.run("preflight", host.row("a"))
        assert f"the image of container {host.full('a')} is not on this host any more" in answer["msg"]
    finally:
        podman("tag", f"{host.image}-kept", host.image)
        podman("untag", f"{host.image}-kept", f"{host.image}-kept")


def test_the_way_back_creates_it_anew_with_the_old_token(host: Containers) -> None:
    host.container("a")
    before = host.inspect("a")
    host.accept(host.old)
    answer = host.run("applied", host.row("a", health={**host.row("a")["health"], "timeout": 2}))
    service = one(answer, "a")
    assert answer["failed"] and service["restored"] and "is not healthy" in service["error"]
    assert host.environ("a")["TOKEN"] == host.old and f"TOKEN={host.old}\n" in host.files["a"].read_text()
    assert parts(host.inspect("a")) == parts(before) and host.all() == [host.full("a")]


def test_a_dead_old_token_is_no_way_back(host: Containers) -> None:
    host.container("a")
    host.accept()
    row = host.row("a", health={**host.row("a")["health"], "timeout": 2})
    row["variables"] = {"TOKEN": host.variable(restorable=False)}
    answer = host.run("applied", row)
    assert answer["failed"] and not one(answer, "a")["restored"]
    assert host.environ("a")["TOKEN"] == host.new and host.all() == [host.full("a")]


def test_a_creation_that_fails_does_not_even_stop_the_old_container(host: Containers) -> None:
    secret = host.full("secret")
    podman("secret", "create", secret, "-", stdin="x")
    host.container("a", options=["-d", "--secret", secret, "--env-file", str(host.directory / "a.env")])
    before = host.inspect("a")
    podman("secret", "rm", secret)
    answer = host.run("applied", host.row("a"))
    service = one(answer, "a")
    assert "again failed" in service["error"] and "(the old one was not stopped)" in service["error"]
    after = host.inspect("a")
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert service["restored"] and not service["restarted"] and service["seconds_unavailable"] is None
    assert f"TOKEN={host.old}\n" in host.files["a"].read_text() and host.all() == [host.full("a")]


@pytest.mark.parametrize("way_back", [True, False])
def test_a_new_container_that_does_not_start_gives_way_to_the_old_one(host: Containers, way_back: bool) -> None:
    host.container("a")
    before = host.inspect("a")
    (host.directory / "fail").touch()
    script = f'[ "$1 $2" = "start {host.full("a")}" ] && rm {host.directory}/fail 2>/dev/null && exit 126\nexec PODMAN "$@"\n'
    row = host.row("a")
    row["variables"] = {"TOKEN": host.variable(restorable=way_back)}
    answer = host.run("applied", row, env=stand_in(host.directory / "bin", script))
    assert "created again, did not start" in answer["msg"] and "the old one was started again" in answer["msg"]
    # With a way back the file went back, and the container was created anew from it; without, the old one is there.
    assert (host.inspect("a")["Id"] != before["Id"]) is way_back
    assert host.environ("a")["TOKEN"] == host.old and host.all() == [host.full("a")]
    assert one(answer, "a")["restored"] is way_back


def test_a_container_that_goes_when_it_is_stopped(host: Containers) -> None:
    host.container("a", options=["-d", "--rm", "--env-file", str(host.directory / "a.env")])
    answer = host.run("applied", host.row("a"))
    assert not answer["failed"] and one(answer, "a")["warnings"] == []
    assert host.environ("a")["TOKEN"] == host.new and host.inspect("a")["HostConfig"]["AutoRemove"]


LEFT = {
    "renamed": 'podman rename "$x" "$x-botops-old"',
    "created": 'podman rename "$x" "$x-botops-old"; podman create --name "$x" $image true',
    "started": 'podman rename "$x" "$x-botops-old"; podman stop -t 0 "$x-botops-old"; podman --runtime runc run -d '
    '--name "$x" $options --env-file $file $image $service',
}


@pytest.mark.parametrize("case", LEFT)
def test_what_a_killed_run_left_is_put_in_order(host: Containers, case: str) -> None:
    host.container("a")
    given = {"x": host.full("a"), "image": host.image, "file": str(host.files["a"])}
    rest = {"options": " ".join(host.options("a")[2:]), "service": " ".join(host.service("a"))}
    shell(LEFT[case], **given, **rest)
    before = host.all()
    host.await_health("a")
    answer = host.run("preflight", host.row("a"))
    assert not answer["failed"] and host.all() == before, answer["msg"]
    assert one(answer, "a")["variables"]["TOKEN"]["process_before"] == [fingerprint(host.old)]
    answer = host.run("applied", host.row("a"))
    assert not answer["failed"], answer["msg"]
    assert host.environ("a")["TOKEN"] == host.new and host.all() == [host.full("a")]


def test_a_stopped_container_is_created_and_started(host: Containers) -> None:
    host.container("a")
    podman("stop", "--time", "0", host.full("a"))
    answer = host.run("applied", host.row("a"))
    assert not answer["failed"], answer["msg"]
    assert one(answer, "a")["down_before"] and host.environ("a")["TOKEN"] == host.new


def test_a_renewed_image_is_said(host: Containers) -> None:
    host.container("a")
    podman("build", "--quiet", "--tag", host.image, "-", stdin=f"FROM {host.image}\nLABEL renewed=yes\n")
    answer = host.run("preflight", host.row("a"))
    assert "was renewed since" in one(answer, "a")["warnings"][0] and not answer["failed"]


def test_a_stated_command_creates_it(host: Containers) -> None:
    """Also a container of which nothing says how it was made, and one that is not there."""
    host.container("a", options=["-d", "-e", "TOKEN=none"])
    script = host.directory / "recreate"
    words = [*host.options("a"), "--env-file", str(host.files["a"]), host.image, *host.service("a")]
    script.write_text("#!/bin/sh\nexec podman --runtime runc run --detach --replace " + " ".join(words) + "\n")
    script.chmod(0o755)
    answer = host.run("applied", host.row("a", recreate=[str(script)]))
    assert not answer["failed"], answer["msg"]
    assert host.environ("a")["TOKEN"] == host.new
    podman("rm", "--force", "--time", "0", host.full("a"))
    answer = host.run("applied", host.row("a", recreate=[str(script)]))
    assert not answer["failed"] and one(answer, "a")["needs"] == "restart"
    assert host.environ("a")["TOKEN"] == host.new
    script.write_text("#!/bin/sh\nexit 3\n")
    podman("stop", "--time", "0", host.full("a"))
    answer = host.run("applied", host.row("a", recreate=[str(script)]))
    assert f"`{script}` ended with exit status 3; run it by hand" in answer["msg"]
    assert "is not there or not executable" in host.run("preflight", host.row("a", recreate=["/none"]))["msg"]


def test_podman_that_is_not_there(host: Containers, tmp_path: Path) -> None:
    host.files["a"] = host.env_file("a")
    answer = host.run("preflight", host.row("a"), env={"PATH": str(tmp_path)})
    assert "command podman is not there or not executable" in answer["msg"]


def test_a_container_of_another_user_is_asked_of_that_users_podman(host: Containers) -> None:
    host.files["a"] = host.env_file("a")
    host.directory.chmod(0o755)
    calls = host.directory / "calls"
    calls.touch()
    calls.chmod(0o666)
    script = f'echo "$(id -un) $HOME $XDG_RUNTIME_DIR" >> {calls}\necho "Error: no such container" >&2\nexit 125\n'
    answer = host.run("preflight", host.row("a", user="nobody"), env=stand_in(host.directory / "bin", script))
    assert f"container {host.full('a')} does not exist for user nobody" in answer["msg"]
    entry = pwd.getpwnam("nobody")
    assert set(calls.read_text().splitlines()) == {f"nobody {entry.pw_dir} /run/user/{entry.pw_uid}"}
