# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs the host program: one text for `python3 -I -`, made on the controller (this module is not sent).

The first lines run on any Python 3 and say so when it is too old. Then the sources are put where `import` finds them,
without touching the disk, and `main` is called with the payload. Both are base64 of compressed JSON: the text is ASCII.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from functools import lru_cache
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
import base64, json, zlib
from importlib.machinery import ModuleSpec
def unpacked(text):
    return json.loads(zlib.decompress(base64.b64decode(text)))
class Memory:
    sources = unpacked("@SOURCES@")
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in cls.sources:
            return ModuleSpec(name, cls, is_package=cls.sources[name][0])
    @staticmethod
    def create_module(spec):
        return None
    @classmethod
    def exec_module(cls, module):
        name = module.__name__
        exec(compile(cls.sources[name][1], name + ".py", "exec"), module.__dict__)
sys.meta_path.insert(0, Memory)
from @PACKAGE@._agent import main
main(unpacked("@PAYLOAD@"))
"""


def build(payload: dict) -> bytes:
    """The program with its payload, for the services in it."""
    services = payload.get("services") or []
    managers = frozenset(str(each.get("manager")) for each in services)
    formats = frozenset(str(each.get("env_format") or "systemd") for each in services)
    return _frame(managers, formats).replace("@PAYLOAD@", _packed(payload)).encode("ascii")


@lru_cache(maxsize=16)
def _frame(managers: frozenset[str], formats: frozenset[str]) -> str:
    text = _TEXT.replace("@MARKER@", MARKER).replace("@TOO_OLD@", _TOO_OLD).replace("@PACKAGE@", _PACKAGE)
    return text.replace("@SOURCES@", _packed(_sources(managers, formats)))


def _sources(managers: Iterable[str], formats: Iterable[str]) -> dict[str, tuple[bool, str]]:
    """Module name -> (is it a package, source), with the managers and dialects that are needed and no others."""
    optional = {f"managers/_{path.stem[1:]}" for path in (_HERE / "managers").glob("_[a-z]*.py")} - {"managers/_run"}
    optional |= {path.stem for path in _HERE.glob("_env_[a-z]*.py")} - {"_env_file"}
    wanted = {f"managers/_{name}" for name in managers} | {f"_env_{name}" for name in formats}
    found = {}
    for path in sorted(_HERE.rglob("*.py")):
        relative = path.relative_to(_HERE).with_suffix("").as_posix()
        named = relative in wanted or any(relative.startswith(f"{each}_") for each in wanted)
        if relative in _NOT_SENT or (relative in optional and not named):
            continue
        is_package = path.stem == "__init__"
        name = f"{_PACKAGE}.{relative.replace('/', '.')}"
        name = name.removesuffix(".__init__") if is_package else name
        found[name] = (is_package, path.read_text("utf-8"))
    return found


def _packed(value: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode(), 9)).decode("ascii")
