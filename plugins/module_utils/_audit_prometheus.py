# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as metrics, for the textfile collector of Prometheus' node exporter (private to the collection, pure).

The format: https://prometheus.io/docs/instrumenting/exposition_formats. What is not known has no sample, so that no rule
takes it for a number: `botops_token_alive == 0` is what Slack has refused, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from ansible_collections.botops.rotation.plugins.module_utils import _audit_words as words
from ansible_collections.botops.rotation.plugins.module_utils._audit_findings import KINDS

_Labels = tuple[tuple[str, str], ...]
_YES = {"alive": 1, "dead": 0, "right": 1, "wrong": 0}
# Name, help, value of a token; None where it is not known.
_TOKEN: tuple[tuple[str, str, Callable[[words.Row], float | None]], ...] = (
    ("token_age_days", "Days since the token was issued.", lambda token: token["age_days"]),
    ("token_due_timestamp_seconds", "When the token is due to be renewed.", lambda token: _seconds(token["due_at"])),
    ("token_alive", "1: Slack accepts the token, 0: it refuses it.", lambda token: _YES.get(token["alive"])),
    ("token_identity", "1: the token is of this team and bot, 0: of another.", lambda t: _YES.get(t["identity"])),
    ("token_scopes_missing", "Scopes that the registry asks for and the token lacks.", lambda t: _many(t, "missing")),
    ("token_scopes_excess", "Scopes of the token that the registry does not ask for.", lambda t: _many(t, "excess")),
    ("token_needed", "0: a legacy token that nothing needs.", lambda token: int(token["needed"])),
    ("token_pending", "1: a new token waits in Vault.", lambda token: int(bool(token["pending"]))),
    ("token_old_alive", "1: Slack accepts the token that it replaced, 0: it refuses it.", lambda t: _YES.get(_old(t))),
    ("rotation_half_done", "1: a rotation was begun and not ended.", lambda token: int(bool(token["rotation"]))),
)


def render(audit: words.Audit) -> str:
    tokens = words.present(audit)
    of_tokens = [
        _family(name, said, [(_token(each), value(each)) for each in tokens if each["fingerprint"]])
        for name, said, value in _TOKEN
    ]
    services = [(_service(each), _drift(each)) for each in audit["services"]]
    hosts = [((("host", each["host"]),), int(each["reached"])) for each in audit["hosts"]]
    strays = Counter(each["host"] for each in audit["unexplained"])
    kinds = Counter(each["kind"] for each in audit["findings"])
    return "".join(
        (
            *of_tokens,
            _family("service_drift", "1: a service does not have the current token, in file or process.", services),
            _family("host_reached", "1: the host was looked at.", hosts),
            _family(
                "unexplained_tokens",
                "Tokens in environment files that no row of the registry explains.",
                [((("host", each["host"]),), strays[each["host"]]) for each in audit["hosts"] if each["reached"]],
            ),
            _family("findings", "What needs somebody.", [((("kind", kind),), kinds[kind]) for kind in KINDS]),
            _family("findings_failing", "What of it fails the audit.", [((), audit["summary"]["failing"])]),
            _family("audit_timestamp_seconds", "When the audit was made.", [((), _seconds(audit["at"]))]),
        )
    )


def _token(token: words.Row) -> _Labels:
    return tuple((label, token[label]) for label in ("installation", "bot", "workspace", "environment", "token"))


def _service(service: words.Row) -> _Labels:
    return tuple((label, service[label]) for label in ("host", "service", "variable", "installation", "token"))


def _drift(service: words.Row) -> int | None:
    seen = service["drift"] or "unreadable" not in (service["stands"], service["runs"])
    return int(service["drift"]) if seen else None


def _old(token: words.Row) -> str:
    return token["previous"]["alive"] if token["previous"] else ""


def _many(token: words.Row, which: str) -> int | None:
    return len(token[f"scopes_{which}"]) if token["alive"] == "alive" else None


def _seconds(moment: str | None) -> int | None:
    return int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()) if moment else None


def _family(name: str, said: str, samples: Iterable[tuple[_Labels, float | None]]) -> str:
    """HELP, TYPE and the samples of a gauge; each set of labels once, for the collector refuses a file with one twice."""
    values: Mapping[_Labels, float] = {labels: value for labels, value in samples if value is not None}
    lines = [f"# HELP botops_{name} {said}", f"# TYPE botops_{name} gauge"]
    lines += [f"botops_{name}{_written(labels)} {value}" for labels, value in values.items()]
    return "\n".join(lines) + "\n"


def _written(labels: _Labels) -> str:
    return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in labels) + "}" if labels else ""


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
