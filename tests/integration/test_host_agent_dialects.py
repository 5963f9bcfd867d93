# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files as read here against those who read them in earnest: /bin/sh, bash, and systemd's own parser.

systemd's parser is reached without a running systemd through its generator for environment.d, which prints what it
read. That generator expands `$`, which `EnvironmentFile=` does not, so these files have none.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from ansible_collections.botops.rotation.plugins.host_agent import _env_file
from ansible_collections.botops.rotation.plugins.host_agent._env_file import EnvFileError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.sandbox import tokens

_GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
_NAMES = ("TOKEN", "A", "BB_2")
_NEW = tokens.bot()

_COMMON = [
    b"TOKEN=",
    b"TOKEN=",
    b"A=",
    b"BB_2=",
    b"\n",
    b"\n",
    b"\n",
    b" ",
    b"\t",
    b"\\",
    b"\\\n",
    b"'",
    b'"',
    b"''",
    b'""',
]
_COMMON += [b"x", b"yz", b"0-", b"#", b"# c", b"=", b"export ", b"caf\xc3\xa9", b"\r\n"]
_SYSTEMD = st.lists(st.sampled_from([*_COMMON, b"\r", b";", b"`", b"TOKEN"]), max_size=25).map(b"".join)
_SHELL = st.lists(
    st.sampled_from(
        [*_COMMON, b";", b" && ", b" || ", b"{ ", b"; }", b"(", b")", b"if true\nthen ", b"\nfi\n", b"$A", b"~"]
    ),
    max_size=25,
).map(b"".join)
_FEW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _environment(argv: list[str]) -> dict[bytes, bytes] | None:
    """What a shell exports after having read a file; None when it gave up on it."""
    done = subprocess.run(argv, env={"PATH": "/nonexistent"}, capture_output=True, timeout=20, check=False)
    if done.returncode != 0 or b"yntax error" in done.stderr or b"nexpected" in done.stderr or b"\0" not in done.stdout:
        return None
    pairs = [pair.partition(b"=") for pair in done.stdout.split(b"\0") if pair]
    return {name: value for name, _sign, value in pairs}


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        yield Path(path)


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
@given(data=_SHELL)
@example(data=b"=; }\\")
@_FEW
def test_what_is_read_is_what_a_shell_reads(shell: str, folder: Path, data: bytes) -> None:
    file = folder / "shell.env"
    file.write_bytes(data)
    argv = [shell, "-c", 'set -a; . "$1" >/dev/null || :; exec /usr/bin/env -0', "sh", str(file)]
    real = _environment(argv)
    if real is None:
        return
    kind = _env_file.dialect("shell")
    for name in _NAMES:
        try:
            ours = _env_file.read(kind, data, [name])[name]
        except EnvFileError:
            continue  # refused with words: nothing is claimed
        assert ours == real.get(name.encode()), name
    try:
        file.write_bytes(_env_file.change(kind, data, {"TOKEN": _NEW}))
    except EnvFileError:
        return
    assert _environment(argv) == {**real, b"TOKEN": _NEW.encode()}


@pytest.mark.skipif(not _GENERATOR.exists(), reason="systemd's generator for environment.d is not installed")
@given(data=_SYSTEMD)
@_FEW
def test_what_is_read_is_what_systemd_reads(folder: Path, data: bytes) -> None:
    real = _generated(folder, data)
    kind = _env_file.dialect("systemd")
    try:
        found = _env_file.parse(kind, data)
    except EnvFileError:
        return
    for name in _NAMES:
        # The generator takes an assignment without a value for none at all, EnvironmentFile= for an empty one.
        # It prints control characters in a way of its own.
        ours = [each for each in found if each.name == name.encode() and each.value]
        if not any(each.trouble or min(each.value) < 0x20 for each in ours):
            assert (ours[-1].value if ours else None) == real.get(name.encode()), name
    try:
        changed = _env_file.change(kind, data, {"TOKEN": _NEW})
    except EnvFileError:
        return
    assert _generated(folder, changed) == {**real, b"TOKEN": _NEW.encode()}


def _generated(folder: Path, data: bytes) -> dict[bytes, bytes]:
    (folder / "environment.d").mkdir(exist_ok=True)
    (folder / "environment.d" / "x.conf").write_bytes(data)
    environment = {"XDG_CONFIG_HOME": str(folder), "HOME": str(folder), "PATH": os.environ["PATH"]}
    done = subprocess.run([str(_GENERATOR)], env=environment, capture_output=True, timeout=20, check=False)
    printed = folder / "printed"
    printed.write_bytes(done.stdout)
    real = _environment(["/bin/bash", "-c", 'set -a; . "$1"; exec /usr/bin/env -0', "sh", str(printed)])
    assert real is not None, done.stdout
    return real
