# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files in their three dialects: documented examples, and what must hold for any file."""

from __future__ import annotations

import pytest
from ansible_collections.botops.rotation.plugins.host_agent import _env_file
from ansible_collections.botops.rotation.plugins.host_agent._env_file import EnvFileError
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import tokens
from tests.unit._fuzz import fuzz

OLD, NEW = tokens.bot(), tokens.bot()
SYSTEMD, SHELL, PODMAN = (_env_file.dialect(name) for name in _env_file.FORMATS)
ALL = [SYSTEMD, SHELL, PODMAN]


def value(kind, data: bytes, name: str = "TOKEN") -> bytes | None:
    return _env_file.read(kind, data, [name])[name]


def change(kind, data: bytes, new: str = NEW) -> bytes:
    return _env_file.change(kind, data, {"TOKEN": new})


# -- systemd: systemd.exec(5), EnvironmentFile=, and src/test/test-env-file.c of systemd ------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOKEN=a", b"a"),
        ("TOKEN=a\n", b"a"),
        ("TOKEN=\n", b""),
        ("TOKEN = a b \n", b"a b"),
        ("  TOKEN=a\n", b"a"),
        ('TOKEN="a b"\n', b"a b"),
        ("TOKEN='a b'  \n", b"a b"),
        ('TOKEN="a"  "b" c\n', b"abc"),
        ('TOKEN=a"b"\n', b'a"b"'),
        ("TOKEN=a#b\n", b"a#b"),
        ('TOKEN="a" # b\n', b"a# b"),
        ("TOKEN=a\\\nb\n", b"ab"),
        ("TOKEN=a\\nb\n", b"anb"),
        ("TOKEN=a\\ \n", b"a "),
        ('TOKEN="a\\\nb"\n', b"ab"),
        ('TOKEN="a\nb"\n', b"a\nb"),
        ('TOKEN="a\\"b\\$c\\d"\n', b'a"b$c\\d'),
        ("TOKEN='a\\b'\n", b"a\\b"),
        ("TOKEN=$HOME\n", b"$HOME"),
        ("TOKEN=a\nTOKEN=b\n", b"b"),
        ("TOKEN=a\r\nOTHER=b\r\n", b"a"),
        ("TOKEN=a\rOTHER=b", b"a"),
        ("#TOKEN=a\n;TOKEN=b\n", None),
        ("export TOKEN=a\n", None),
        ("TOKEN\n", None),
        ("OTHER=x \\\nTOKEN=a\n", None),
        ("# comment \\\\\nTOKEN=a\n", b"a"),
        ("TOKEN=a\\", b"a"),
        ('TOKEN="a', b"a"),
    ],
)
def test_systemd_reads_as_systemd_does(text: str, expected: bytes | None) -> None:
    assert value(SYSTEMD, text.encode()) == expected


def test_systemd_ignores_export_and_says_where() -> None:
    data = f"A=1\nexport TOKEN={OLD}\n".encode()
    assert _env_file.stray(SYSTEMD, data, "TOKEN") == [2]
    changed = change(SYSTEMD, data)
    assert changed == data + f"TOKEN={NEW}\n".encode()


@pytest.mark.parametrize("line", [b"A=caf\xe9\n", b"\xff\xfe=1\n"])
def test_systemd_refuses_what_would_stop_the_unit(line: bytes) -> None:
    with pytest.raises(EnvFileError, match="line 2 has a byte that is not UTF-8"):
        value(SYSTEMD, b"TOKEN=a\n" + line)


def test_systemd_lets_a_comment_have_any_byte() -> None:
    assert value(SYSTEMD, b"# caf\xe9\nTOKEN=a\n") == b"a"


def test_systemd_refuses_a_line_that_old_and_new_versions_read_differently() -> None:
    data = f"# a path: C:\\\n  TOKEN={OLD}\n".encode()
    with pytest.raises(EnvFileError, match="line 2: TOKEN follows a comment that ends with a backslash"):
        value(SYSTEMD, data)
    with pytest.raises(EnvFileError):
        change(SYSTEMD, data)


@pytest.mark.parametrize("ending", ["# comment \\", "# comment \\\n", "A=b\\", "A=b", "A=b\\\n"])
def test_systemd_appends_so_that_every_version_reads_it(ending: str) -> None:
    changed = change(SYSTEMD, ending.encode())
    assert changed.startswith(ending.encode())
    assert value(SYSTEMD, changed) == NEW.encode()


# -- shell ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOKEN=a", b"a"),
        ("export TOKEN=a\n", b"a"),
        ("TOKEN=a # comment\n", b"a"),
        ("TOKEN=a#b\n", b"a#b"),
        ("TOKEN='a b'\"c d\"e\\ f\n", b"a bc de f"),
        ('TOKEN="a\\"b\\$c\\d"\n', b'a"b$c\\d'),
        ("TOKEN=a\\\nb\n", b"ab"),
        ("A=1 TOKEN=a; B=2\n", b"a"),
        ("export A=1 TOKEN=a B\n", b"a"),
        ("TOKEN=a\r\n", b"a\r"),
        ("TOKEN = a\n", None),
        ("echo 'TOKEN=a'\n", None),
        ("'TOKEN'=a\n", None),
        ("TOKEN=a\nTOKEN=b\n", b"b"),
        ("A='\nTOKEN=no\n'\nTOKEN=b\n", b"b"),
        ("A=$(echo ')' \"TOKEN=x\")\nTOKEN=b\n", b"b"),
        ("if true; then A=1; fi\nTOKEN=b\n", b"b"),
        ("[ -n x ] && A=1\nTOKEN=b\n", b"b"),
        ("{ A=1; }\nTOKEN=b\n", b"b"),
        ("f() { A=1; }\nTOKEN=b\n", b"b"),
        ("case x in\n x) A=1;;\nesac\nTOKEN=b\n", b"b"),
    ],
)
def test_shell_reads_as_a_shell_does(text: str, expected: bytes | None) -> None:
    assert value(SHELL, text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TOKEN=$OTHER\n", "is computed"),
        ("TOKEN=$(cat /x)\n", "is computed"),
        ("TOKEN=`cat /x`\n", "is computed"),
        ('TOKEN="a${B}"\n', "is computed"),
        ("TOKEN=~/x\n", "is computed"),
        ("if true\nthen TOKEN=a\nfi\n", "is set under a condition"),
        ("true && TOKEN=a\n", "is set under a condition"),
        ("true &&\nTOKEN=a\n", "is set under a condition"),
        ("f() { TOKEN=a; }\n", "is set under a condition"),
        ("(TOKEN=a)\n", "is set under a condition"),
        ("TOKEN=a some-command\n", "is set for one command"),
        ("export 'TOKEN=a'\n", "is quoted together with its name"),
        ("TOKEN+=a\n", "is put together"),
        ("TOKEN=(a b)\n", "is put together"),
        ("TOKEN=a\nunset TOKEN\n", "is unset"),
    ],
)
def test_shell_refuses_what_only_a_shell_could_tell(text: str, words: str) -> None:
    for action in (value, change):
        with pytest.raises(EnvFileError, match=f"line [123]: TOKEN {words}"):
            action(SHELL, text.encode())


@pytest.mark.parametrize("text", ["A='x\nTOKEN=a\n", 'A="x\n', "A=$(x\n", "A=`x\n", "cat <<E\nTOKEN=a\nE\n"])
def test_shell_refuses_what_it_cannot_read_with_the_line(text: str) -> None:
    with pytest.raises(EnvFileError, match="line 1"):
        value(SHELL, text.encode())


def test_shell_never_leaves_a_carriage_return_behind_a_token() -> None:
    for line in (f"TOKEN={OLD}", f"export TOKEN='{OLD}'", f'TOKEN="{OLD}"'):
        changed = change(SHELL, f"A=1\r\n{line}\r\nB=2\r\n".encode())
        assert changed == f"A=1\r\n{line.replace(OLD, NEW)}\nB=2\r\n".encode()
        assert value(SHELL, changed) == NEW.encode()


def test_shell_appends_with_export_where_the_file_exports() -> None:
    assert change(SHELL, b"export A=1\n") == f"export A=1\nexport TOKEN={NEW}\n".encode()
    assert change(SHELL, b"A=1") == f"A=1\nTOKEN={NEW}\n".encode()


# -- podman: pkg/env/env.go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOKEN=a", b"a"),
        ('TOKEN="a"\n', b'"a"'),
        ("TOKEN=a # b \n", b"a # b "),
        ("\t TOKEN=a\n", b"a"),
        ("TOKEN =a\n", None),
        ("TOKEN=a\r\n", b"a"),
        ("TOKEN=a=b\n", b"a=b"),
        ("#TOKEN=a\n", None),
        ("TOKEN\n", None),
        ("TOKEN=a\nTOKEN\n", None),
        ("TOKEN=a\nTOKEN=b\n", b"b"),
        ("export TOKEN=a\n", None),
    ],
)
def test_podman_reads_as_podman_does(text: str, expected: bytes | None) -> None:
    assert value(PODMAN, text.encode()) == expected


def test_podman_gets_no_quotes_and_an_inherited_variable_gets_a_value() -> None:
    assert change(PODMAN, f'TOKEN="{OLD}"\r\nTOKEN\r\n'.encode()) == f"TOKEN={NEW}\r\nTOKEN={NEW}\r\n".encode()


def test_podman_refuses_what_podman_refuses() -> None:
    with pytest.raises(EnvFileError, match="line 2 begins with `=`"):
        value(PODMAN, b"A=1\n=2\n")


# -- all three --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_a_duplicate_is_rewritten_too(kind) -> None:
    changed = change(kind, f"TOKEN={OLD}\n# note\nTOKEN={OLD}\nA=1\n".encode())
    assert changed == f"TOKEN={NEW}\n# note\nTOKEN={NEW}\nA=1\n".encode()


@pytest.mark.parametrize("kind", [SYSTEMD, SHELL])
@pytest.mark.parametrize("mark", ["", "'", '"'])
def test_the_quotes_of_a_line_are_kept(kind, mark: str) -> None:
    changed = change(kind, f"A=1\nTOKEN={mark}{OLD}{mark}\nB='2'\n".encode())
    assert changed == f"A=1\nTOKEN={mark}{NEW}{mark}\nB='2'\n".encode()


@pytest.mark.parametrize("kind", ALL)
def test_a_nul_byte_is_refused(kind) -> None:
    with pytest.raises(EnvFileError, match="NUL byte in line 2"):
        value(kind, b"A=1\nTOKEN=\0\n")


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("token", ["", " a", "a ", "a\n", "a\r", "caf\u00e9", "a\0b", "a\tb"])
def test_a_value_that_no_token_is_is_refused_and_not_shown(kind, token: str) -> None:
    with pytest.raises(EnvFileError) as caught:
        change(kind, b"TOKEN=x\n", token)
    assert str(caught.value) == "cannot hold the value for TOKEN: it has a character that no token has"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(EnvFileError, match="use one of systemd, shell, podman"):
        _env_file.dialect("dotenv")


_PIECES = st.sampled_from(
    [
        b"TOKEN=",
        b"A=",
        b"export ",
        b"TOKEN",
        b"BB_2=",
        b"\n",
        b"\r\n",
        b"\r",
        b"\\",
        b"\\\n",
        b"'",
        b'"',
        b"#",
        b";",
        b" ",
    ]
    + [
        b"\t",
        b"$",
        b"$(",
        b"${",
        b")",
        b"}",
        b"(",
        b"`",
        b"&&",
        b"|",
        b"~",
        b"x",
        b"old-value",
        b"caf\xc3\xa9",
        b"\xff",
    ]
    + [b"if ", b"then ", b"fi\n", b"unset TOKEN\n", b"<<", b"=", b"*", b"\0"]
)
_FILES = st.one_of(st.lists(_PIECES, max_size=30).map(b"".join), st.binary(max_size=60))
_VALUES = st.one_of(
    st.from_regex(r"xo" + r"x[bp]-[0-9A-Za-z-]{10,60}", fullmatch=True),
    st.from_regex(r"[\x21-\x7e]([\x20-\x7e]{0,40}[\x21-\x7e])?", fullmatch=True),
)


@pytest.mark.parametrize("kind", ALL, ids=_env_file.FORMATS)
@fuzz(700)
@given(data=_FILES, new=_VALUES)
def test_any_file_either_takes_the_value_or_is_refused_with_words(kind, data: bytes, new: str) -> None:
    """Set and read give the value, all other variables keep theirs, and all other bytes stay as they are."""
    try:
        before = _env_file.values(kind, data)
        changed = _env_file.change(kind, data, {"TOKEN": new})
    except EnvFileError as refused:
        assert new not in str(refused) or len(new) < 8
        return
    after = _env_file.values(kind, changed)
    assert after.pop(b"TOKEN") == new.encode()
    before.pop(b"TOKEN", None)
    assert after == before
    if b"TOKEN" in {each.name for each in _env_file.parse(kind, data)}:
        assert _around(kind, changed) == _around(kind, data)
    else:
        assert changed.startswith(data)
        assert changed[len(data) :].strip().startswith((b"TOKEN=", b"export TOKEN="))
    assert _env_file.change(kind, changed, {"TOKEN": new}) == changed


def _around(kind, data: bytes) -> list[bytes]:
    """The bytes around the values of TOKEN. A bare name of podman has no `=` yet."""
    pieces, position = [], 0
    for each in _env_file.parse(kind, data):
        if each.name == b"TOKEN":
            pieces.append(data[position : each.start].rstrip(b"=" if kind is PODMAN else b""))
            position = each.end
    return [*pieces, data[position:]]
