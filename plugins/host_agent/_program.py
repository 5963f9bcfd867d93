# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs the host program: one text for `python3 -I -S -`, made on the controller (this module is not sent).

The first lines run on any Python 3 and say so when it is too old. Then the modules are put where `import` finds them,
without touching the disk, and `main` is called with the payload, a Python literal. All is base64 of compressed data: the
text is ASCII.

A module is packed when it is first needed; `service_env` has those packed that most hosts need before Ansible forks a worker
for each host. To compile them would be most of the program's work on a host; one with the controller's version of Python is
spared that. Most of what is left would be Python's own modules, so the program keeps to those that its interpreter has
loaded already or that are written in C: `json`, `re`, `signal` and `socket` each load `enum` and what that needs, which takes
as long as the interpreter's start. They are loaded where few hosts need them. For the same reason it looks for no garbage,
and ends without taking the interpreter apart, which takes half as long as its start.
"""

from __future__ import annotations

import json
import marshal
import zlib
from binascii import b2a_base64
from collections.abc import Iterable
from functools import cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path

MARKER = "BOTOPS-RESULT:"
_PACKAGE = "botops_host_agent"
_HERE = Path(__file__).parent
_NOT_SENT = {"_program"}
_TOO_OLD = (
    "Python {0} on this host is too old for the host program, which needs 3.9 or later; install one and name it in "
    "ansible_python_interpreter"
)
_TEXT = """import sys
if sys.version_info < (3, 9):
    print('\\n@MARKER@' + '{"changed": false, "failed": true, "services": [], "msg": "@TOO_OLD@"}'.replace(
        "{0}", ".".join(map(str, sys.version_info[:3]))))
    sys.exit(0)
import _frozen_importlib_external, gc, marshal, os, zlib
from _frozen_importlib import ModuleSpec
from binascii import a2b_base64
gc.disable()
SAME = getattr(_frozen_importlib_external, "MAGIC_NUMBER", b"") == @MAGIC@
def unpacked(text):
    return zlib.decompress(a2b_base64(text))
class Memory:
    modules = @MODULES@
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in cls.modules:
            return ModuleSpec(name, cls, is_package=cls.modules[name][0])
    @staticmethod
    def create_module(spec):
        return None
    @classmethod
    def exec_module(cls, module):
        name = module.__name__
        _package, source, code = cls.modules[name]
        exec(marshal.loads(unpacked(code)) if SAME else compile(unpacked(source), name + ".py", "exec"), module.__dict__)
sys.meta_path.insert(0, Memory)
from @PACKAGE@._agent import main
main(eval(unpacked("@PAYLOAD@")))
os._exit(0)
"""


def _packed(data: bytes, level: int) -> str:
    return b2a_base64(zlib.compress(data, level), newline=False).decode("ascii")


def _paths() -> dict[str, Path]:
    """Path without its ending -> the module's file."""
    found = {path.relative_to(_HERE).with_suffix("").as_posix(): path for path in sorted(_HERE.rglob("*.py"))}
    return {relative: path for relative, path in found.items() if relative not in _NOT_SENT}


_PATHS = _paths()


@cache
def _module(relative: str) -> tuple[str, tuple[bool, str, str]]:
    """(module, (is it a package, its source, its code)), the last two packed."""
    is_package = _PATHS[relative].stem == "__init__"
    name = f"{_PACKAGE}.{relative.replace('/', '.')}"
    name = name[: -len(".__init__")] if is_package else name
    source = _PATHS[relative].read_bytes()
    code = marshal.dumps(compile(source, f"{name}.py", "exec", dont_inherit=True, optimize=2))
    return name, (is_package, _packed(source, 9), _packed(code, 9))


def build(payload: dict) -> bytes:
    """The program with its payload, for the services in it."""
    services = payload.get("services") or []
    managers = frozenset(str(each.get("manager")) for each in services)
    formats = frozenset(str(each.get("env_format") or "systemd") for each in services)
    formats |= managers & {"systemd"}  # which looks into the unit's other files
    text = _TEXT.replace("@MARKER@", MARKER).replace("@TOO_OLD@", _TOO_OLD).replace("@PACKAGE@", _PACKAGE)
    modules = _chosen(managers, formats, audit=payload.get("state") == "audited")
    text = text.replace("@MAGIC@", repr(MAGIC_NUMBER)).replace("@MODULES@", repr(modules))
    literal = ascii(json.loads(json.dumps(payload)))  # by way of JSON, so that it is one
    return text.replace("@PAYLOAD@", _packed(literal.encode("ascii"), 1)).encode("ascii")


def _chosen(managers: Iterable[str], formats: Iterable[str], audit: bool) -> dict[str, tuple[bool, str, str]]:
    """Module -> (is it a package, source, code), with the managers and dialects that are needed and no others."""
    optional = {each for each in _PATHS if each.startswith(("managers/_", "_env_", "_audit"))}
    optional -= {"managers/__init__", "managers/_run", "_env_file"}
    wanted = {f"managers/_{name}" for name in managers} | {f"_env_{name}" for name in formats}
    wanted |= {"_audit"} if audit else set()
    return dict(
        _module(relative)
        for relative in _PATHS
        if relative not in optional or any(relative == each or relative.startswith(f"{each}_") for each in wanted)
    )
