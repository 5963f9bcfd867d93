# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the host program that need no host: verdicts, proofs, masking, packing, and the files it replaces."""

from __future__ import annotations

import ast
import base64
import json
import re
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.botops.rotation.plugins.host_agent import (
    _files,
    _health,
    _json_text,
    _mask,
    _processes,
    _program,
)
from ansible_collections.botops.rotation.plugins.host_agent._files import LockedFile
from ansible_collections.botops.rotation.plugins.host_agent._mask import HostError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox import tokens

SOURCES = sorted(Path(_program.__file__).parent.rglob("*.py"))
NEW, OLD, OTHER = "a" * 12, "b" * 12, "c" * 12


def survey(carried: dict[str, list[int]], pids: list[int], closed: list[int] | None = None) -> _processes.Survey:
    made = _processes.Survey([], ["TOKEN"])
    made.pids, made.closed, made.carried = pids, closed or [], {"TOKEN": carried}
    return made


@pytest.mark.parametrize(
    ("carried", "pids", "closed", "answer", "words"),
    [
        ({NEW: [1]}, [1], [], "yes", "1 of 1 processes carry"),
        ({NEW: [1]}, [1, 2], [], "yes", "1 of 2 processes carry"),
        ({NEW: [1], OLD: [2, 3]}, [1, 2, 3], [], "no", f"still {OLD} (process 2, 3)"),
        ({OTHER: [1]}, [1], [], "no", f"still {OTHER}"),
        ({}, [1], [], "unknown", "none of 1 processes shows it"),
        ({}, [1], [1], "unknown", "not readable for this user"),
        ({}, [], [], "unknown", "no process found"),
    ],
)
def test_a_token_is_in_use_if_one_process_has_it_and_none_another(carried, pids, closed, answer, words) -> None:
    found = survey(carried, pids, closed).verdicts({"TOKEN": NEW})["TOKEN"]
    assert found[0] == answer and words in found[1]


@pytest.mark.parametrize(
    ("shown", "target", "answer"),
    [
        (NEW, {"A": NEW}, "yes"),
        (OLD, {"A": NEW}, "no"),
        (OTHER, {"A": NEW}, "no"),
        ([NEW, OTHER], {"A": NEW, "B": OTHER}, "yes"),
        ([NEW], {"A": NEW, "B": OTHER}, "unknown"),
        ([NEW, OLD], {"A": NEW, "B": OTHER}, "no"),
        ({"A": NEW, "B": OTHER}, {"A": NEW, "B": OTHER}, "yes"),
        ({"A": NEW, "B": OLD}, {"A": NEW, "B": OTHER}, "no"),
        ({"A": NEW}, {"A": NEW, "B": OTHER}, "unknown"),
        (None, {"A": NEW}, "unknown"),
    ],
)
def test_the_proof_of_a_service_is_judged(monkeypatch, shown: object, target: dict[str, str], answer: str) -> None:
    monkeypatch.setattr(_health, "shown", lambda _proof: (shown, "it says"))
    variables = {"A": {"old": OLD}, "B": {"old": OLD}}
    assert _health.judge({"url": "x"}, variables, target)[0] == answer


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "http://", "http://127.0.0.1:1/", "http://127.0.0.1:x/", "http+unix://%2Fno/x"]
)
def test_a_health_url_that_cannot_be_asked_is_words(url: str) -> None:
    found = _health.look({"url": url})
    assert found["ok"] is False and found["evidence"]


def test_tokens_are_masked_and_so_is_what_looks_like_one() -> None:
    known, unknown = tokens.bot(), tokens.user()
    _mask.remember(known.encode())
    text = _mask.masked(f"a {known} b '{unknown}' c {tokens.webhook()} d")
    assert known not in text and unknown not in text and "hooks.slack" not in text
    assert text.startswith(f"a <token {_mask.fingerprint(known.encode())}> b '<token>' c ")
    assert _mask.clean({known: [known, ("x", 1)]}) == {text.split(" b ")[0][2:]: [text.split(" b ")[0][2:], ["x", 1]]}


# -- the program ------------------------------------------------------------------------------------------------------


def unpacked(program: bytes) -> tuple[dict, dict]:
    """The modules that are sent, and the payload."""
    text = program.decode()
    modules = ast.literal_eval(re.search(r"^    modules = (.*)$", text, re.MULTILINE)[1])
    payload = re.search(r'unpacked\("([^"]+)"\)', text)[1]
    return modules, ast.literal_eval(zlib.decompress(base64.b64decode(payload)).decode("ascii"))


def test_only_the_managers_and_dialects_that_are_needed_are_sent() -> None:
    payload = {
        "state": "preflight",
        "services": [{"manager": "systemd"}, {"manager": "command", "env_format": "shell"}],
    }
    modules, sent = unpacked(_program.build(payload))
    names = {name.partition(".")[2] for name in modules}
    assert sent == payload
    assert {"managers._systemd", "managers._command", "_env_systemd", "_env_shell", "_agent"} <= names
    assert not {"managers._supervisor", "_env_podman", "_program"} & names


def test_the_program_is_small_and_ascii() -> None:
    program = _program.build({"services": [{"manager": "systemd"}], "tokens": {"k": tokens.bot()}})
    assert len(program) < 200_000 and program.isascii()


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another"])
def test_a_python_of_the_controllers_version_need_not_compile_and_another_does(same, monkeypatch) -> None:
    if not same:
        monkeypatch.setattr(_program, "MAGIC_NUMBER", b"another")
    program = _program.build({"state": "preflight", "services": []}).decode()
    program = program.replace("compile(unpacked", "print('compiles', flush=True) or compile(unpacked")
    done = subprocess.run([sys.executable, "-I", "-S", "-"], input=program, capture_output=True, text=True, check=True)
    assert ("compiles" in done.stdout) is not same and _program.MARKER + '{"changed": false' in done.stdout
    modules, _payload = unpacked(program.encode())
    for name, (_package, source, _code) in modules.items():
        path = Path(_program.__file__).parent / (name.partition(".")[2].replace(".", "/") or "__init__")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        assert zlib.decompress(base64.b64decode(source)) == path.read_bytes()


def test_a_usual_host_does_not_load_what_takes_as_long_as_the_interpreter() -> None:
    sent = _program.build({"services": [{"manager": "systemd"}]}).decode().rpartition("main(")[0]
    sent += "from botops_host_agent import _env_systemd, _rollout\nfrom botops_host_agent.managers import _systemd\n"
    sent += "from botops_host_agent._health import look\nprint(look({'url': 'http://127.0.0.1:1/'}))\n"
    sent += "print(*sys.modules)\n"
    done = subprocess.run([sys.executable, "-I", "-S", "-"], input=sent, capture_output=True, text=True, check=True)
    said, loaded = done.stdout.splitlines()
    assert "connection refused" in said
    assert not {"enum", "json", "re", "signal", "socket", "subprocess"} & set(loaded.split())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_an_answer_is_json(value: object) -> None:
    assert _json_text.dumps(value) == json.dumps(value)


@given(VALUES)
def test_a_payload_arrives_as_it_was_sent(value: object) -> None:
    assert unpacked(_program.build({"services": [], "more": value}))[1]["more"] == json.loads(json.dumps(value))


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "_program.py"], ids=lambda path: path.name)
def test_what_is_sent_needs_the_standard_library_of_39_only(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported = {
        name.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    } | {
        node.module.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module
    }
    assert imported <= sys.stdlib_module_names
    assert not any(isinstance(node, getattr(ast, "Match", ())) for node in ast.walk(tree))


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "x.env"
    path.write_bytes(b"A=1\n")
    path.chmod(0o644)
    return path


def locked(path: Path, seconds: float = 5.0) -> LockedFile:
    return LockedFile(str(path), time.monotonic() + seconds)


def test_a_file_that_is_being_written_is_never_readable_for_others(env_file: Path) -> None:
    file = locked(env_file)
    file.stage(b"A=2\n")
    assert env_file.read_bytes() == b"A=1\n"
    file.commit()
    assert env_file.read_bytes() == b"A=2\n" and file.original == b"A=1\n" and file.data == b"A=2\n"
    assert env_file.stat().st_mode & 0o777 == 0o644
    file.close()
    assert [path.name for path in env_file.parent.iterdir()] == ["x.env"]


def test_the_lock_goes_over_to_the_file_that_replaces_the_first(env_file: Path) -> None:
    first = locked(env_file)
    with pytest.raises(HostError, match="is locked by another run"):
        locked(env_file, 0.0)
    first.stage(b"A=2\n")
    first.commit()
    with pytest.raises(HostError, match="is locked by another run"):
        locked(env_file, 0.0)
    first.close()
    second = locked(env_file, 0.0)
    assert second.data == b"A=2\n"
    second.close()


@pytest.mark.parametrize("_round", range(3))
def test_many_writers_lose_no_change(env_file: Path, _round: int) -> None:
    env_file.write_bytes(b"0")

    def add() -> None:
        for _each in range(5):
            file = locked(env_file, 30.0)
            file.stage(str(int(file.data) + 1).encode())
            file.commit()
            file.close()

    writers = [threading.Thread(target=add) for _each in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert env_file.read_bytes() == b"30"


def test_a_failed_write_leaves_no_trace(env_file: Path, monkeypatch) -> None:
    file = locked(env_file)

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "write", full)
    with pytest.raises(HostError, match="no space is left on the device; free some .the file is as it was."):
        file.stage(b"A=2\n")
    file.close()
    assert env_file.read_bytes() == b"A=1\n" and [path.name for path in env_file.parent.iterdir()] == ["x.env"]


def test_an_acl_that_cannot_be_kept_is_an_error_and_a_label_is_not(monkeypatch) -> None:
    def refused(*_arguments: object) -> None:
        raise OSError(95, "Operation not supported")

    _files._try_attribute("security.selinux", refused)
    with pytest.raises(OSError, match="not supported"):
        _files._try_attribute("system.posix_acl_access", refused)


def test_hard_links_are_warned_of(env_file: Path) -> None:
    env_file.with_name("y").hardlink_to(env_file)
    file = locked(env_file)
    assert "has 2 hard links" in file.warnings[0]
    file.close()


@given(error=st.integers(1, 130))
@settings(max_examples=130)
def test_every_error_of_the_system_has_words(error: int) -> None:
    assert _files.why(OSError(error, "x")) and _files.why(OSError("plain")) == "plain"


def test_a_process_that_is_gone_is_no_error() -> None:
    gone = 2**22 - 1
    assert not _processes.alive(gone) and _processes.environment(gone) is None and _processes.started(gone) is None
    assert _processes.tree([gone]) == []


# -- the action's own parts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pipes", "become", "words"),
    [
        (False, None, "cannot pass standard input"),
        (True, SimpleNamespace(pipelining=False, name="su"), "su needs a terminal"),
    ],
)
def test_a_connection_that_cannot_pipe_is_refused_with_the_remedy(pipes: bool, become: object, words: str) -> None:
    from ansible_collections.botops.rotation.plugins.action.service_env import ActionModule
    from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError

    action = SimpleNamespace(_connection=SimpleNamespace(has_pipelining=pipes, become=become, transport="winrm"))
    with pytest.raises(RotationError, match=words) as caught:
        ActionModule._require_pipe(action)
    assert caught.value.next_step
