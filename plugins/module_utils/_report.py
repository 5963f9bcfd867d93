# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run: its JSON, its Markdown, and the table that the run ends with (private to the collection).

The report has the plan's schema, `botops.rotation/1`, with results: docs/report.md lists every key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils import _redact
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._named import called

try:
    from tabulate import tabulate
except ImportError:  # said by `table`
    tabulate = None

GOOD = ("rotated", "already", "converged")
POSTED = ("sent", "planned", "already")
MARKS = {True: "yes", False: "no", None: "?"}


def assemble(
    plan: Mapping[str, Any],
    rows: list[dict[str, Any]],
    services: list[dict[str, Any]],
    announcements: list[dict[str, Any]],
    finished: str,
    check: bool,
) -> dict[str, Any]:
    """The whole report as data, without secrets."""
    return {
        "schema": plan["schema"],
        "run_id": plan["run_id"],
        "check": check,
        "started": plan["at"],
        "finished": finished,
        "bots": plan["bots"],
        "installations": rows,
        "services": services,
        "announcements": announcements,
        "ledger": None,
        "warnings": sorted(
            {*plan["warnings"], *(f"{row['id']}: {words}" for row in rows for words in row["warnings"])}
        ),
        "summary": _summary(plan, rows, services, announcements),
    }


def _summary(
    plan: Mapping[str, Any],
    rows: list[dict[str, Any]],
    services: list[dict[str, Any]],
    announcements: list[dict[str, Any]],
) -> dict[str, Any]:
    outcomes: dict[str, int] = {}
    for row in rows:
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
    restarted = [service for service in services if service["seconds_unavailable"] is not None]
    longest = max(restarted, key=lambda service: service["seconds_unavailable"], default=None)
    failed = [message for message in announcements if message["state"] not in POSTED]
    return {
        "outcomes": outcomes,
        "services": len(services),
        "hosts": len({service["host"] for service in services}),
        "longest_unavailability": {
            "seconds": longest["seconds_unavailable"],
            "service": longest["name"],
            "host": longest["host"],
            "down_before": longest["down_before"],
        }
        if longest
        else None,
        "announced": len({(m["workspace"], m["channel"]) for m in announcements if m["state"] == "sent"}),
        "announcements_failed": len(failed),
        "success": all(_good(row) for row in rows) and not failed,
    }


def with_ledger(report: dict[str, Any], kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """The report with what became of its lines in the ledger. Evidence that was not kept is no success."""
    summary = report["summary"]
    success = summary["success"] and not (kept and kept["problem"])
    return {**report, "ledger": dict(kept) if kept else None, "summary": {**summary, "success": success}}


def table(report: Mapping[str, Any], path: str = "") -> str:
    """What the run ends with: a headline, a line for each token, and what to do for each row that is not well."""
    if tabulate is None:
        raise RotationError("The Python package tabulate is not installed where ansible-playbook runs", "install it")
    lines = [_headline(report), _rows(report)]
    lines += _reasons(report["installations"])
    for message in report["announcements"]:
        if message["state"] not in POSTED:
            lines.append(
                f"{message['installation']}: the announcement '{message['phase']}' is {message['state']}: {message['evidence']}"
            )
    lines += [
        f"{service['name']} on {service['host']}: {service['health_note']}"
        for service in report["services"]
        if service["health_note"]
    ]
    for row in report["installations"]:
        lines += [f"{row['id']}: {said}" for said in row["memberships"]]
    if report["ledger"] and report["ledger"]["problem"]:
        lines.append(f"ledger: {report['ledger']['problem']}")
    lines += [f"warning: {warning}" for warning in report["warnings"]]
    lines.append(_last(report, path))
    return "\n".join(line for line in lines if line)


def _reasons(rows: list[dict[str, Any]]) -> list[str]:
    """Why, and what is next: once for all rows of which the same is to be said."""
    said: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        said.setdefault((row["outcome"].replace("_", " "), row["reason"], row["next_step"]), []).append(row["id"])
    lines = []
    for (outcome, reason, next_step), names in said.items():
        if reason:
            lines.append(f"{', '.join(names)}: {outcome}: {reason}")
        if next_step:
            lines.append(f"  next: {next_step}")
    return lines


def _headline(report: Mapping[str, Any]) -> str:
    rows, summary = report["installations"], report["summary"]
    good = sum(row["outcome"] == "rotated" for row in rows)
    if good:
        verb = "would be rotated:" if report["check"] else "rotated"
        what = f"{verb} {good} of {len(rows)} installations"
    else:
        what = ", ".join(
            f"{outcome.replace('_', ' ')} {count}" for outcome, count in sorted(summary["outcomes"].items())
        )
        what = f"{what} of {len(rows)} installations"
    run = "check (nothing was changed)" if report["check"] else f"run {report['run_id']}"
    return f"{', '.join(report['bots'])}: {what}, {summary['services']} services on {summary['hosts']} hosts    {run}"


def _rows(report: Mapping[str, Any]) -> str:
    several = len(report["bots"]) > 1
    lines = []
    for row in report["installations"]:
        name = f"{row['bot']}: {row['workspace_name']}" if several else row["workspace_name"]
        for token_name, token in row["tokens"].items() or [("bot", None)]:
            proofs = token["proofs"] if token and token["proofs"] else {}
            if token_name == "bot" or len(row["tokens"]) == 1:
                proofs = row["proofs"] or proofs
            cells = [
                MARKS[proofs[key]["result"]] if key in proofs else "-"
                for key in ("changed", "same_identity", "scopes", "old_refused")
            ]
            in_use = proofs["in_use"]["evidence"].split(":")[0] if "in_use" in proofs else "-"
            in_use = in_use if "/" in in_use else "-"
            old, new = (token["old"], token["new"]) if token else (None, None)
            label = name if token_name == "bot" else f"{name} ({called(token_name)})"
            lines.append(
                [
                    label,
                    f"{old or '(none)'} -> {new or '(to come)'}" if "changed" in proofs else new or "-",
                    *cells,
                    in_use,
                    row["outcome"].replace("_", " "),
                ]
            )
    headers = ["workspace", "old -> new", "changed", "identity", "scopes", "old refused", "in use", "outcome"]
    return tabulate(lines, headers=headers, tablefmt="plain", disable_numparse=True)


def _last(report: Mapping[str, Any], path: str) -> str:
    summary = report["summary"]
    parts = []
    longest = summary["longest_unavailability"]
    if longest:
        since = "; down since before it" if longest["down_before"] else ""
        parts.append(
            f"longest unavailability {longest['seconds']:.1f} s in this run "
            f"({longest['service']} on {longest['host']}{since})"
        )
    down = [f"{service['name']} on {service['host']}" for service in report["services"] if service["still_down"]]
    if down:
        parts.append(f"still down: {', '.join(down)}")
    if summary["announced"]:
        parts.append(f"announced in {summary['announced']} channel{'s' if summary['announced'] > 1 else ''}")
    if path:
        parts.append(f"report {path}")
    return "    ".join(parts)


def _good(row: Mapping[str, Any]) -> bool:
    """A rollback is a failure of a rotation, and the success of a run that was to bring it about."""
    return row["outcome"] in GOOD or (row["action"] == "restore" and row["outcome"] == "rolled_back")


def failure(report: Mapping[str, Any]) -> str:
    """Why the run ends non-zero, in a line."""
    bad = [row for row in report["installations"] if not _good(row)]
    parts = [f"{row['id']}: {row['outcome'].replace('_', ' ')}" for row in bad]
    if report["summary"]["announcements_failed"]:
        parts.append(f"{report['summary']['announcements_failed']} announcements were not posted")
    if report["ledger"] and report["ledger"]["problem"]:
        parts.append("the evidence was not kept in the ledger")
    return "; ".join(parts) + "; next: see the table below"


def write(
    report: Mapping[str, Any], directory: str, for_people: Callable[[Mapping[str, Any]], str] | None = None
) -> str:
    """Writes RUN_ID.json and RUN_ID.md into the directory, made where it is missing. Gives the Markdown's path.

    `for_people` makes the Markdown; that of a rotation when it is not given.
    """
    report = _redact.clean(report)  # a second net: what is in it was masked where it was made
    texts = {".json": dumps(report), ".md": (for_people or markdown)(report)}
    return put_all(directory, report["run_id"], texts, "report")[-1]


def put_all(directory: str, name: str, texts: Mapping[str, str], what: str) -> list[str]:
    """Writes texts by suffix into the directory, made where it is missing; their paths. `what`: for people."""
    folder = Path(directory)
    paths = {suffix: folder / f"{name}{suffix}" for suffix in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, path in paths.items():
            put(path, texts[suffix])
    except OSError as exc:
        raise RotationError(
            f"The {what} cannot be written to {folder.resolve()}: {exc.strerror}",
            "set botops_report_dir to a directory that can be written",
        ) from None
    return [str(path) for path in paths.values()]


def put(path: Path, text: str) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def dumps(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def markdown(report: Mapping[str, Any]) -> str:
    """The report for people."""
    parts = [
        f"# {_headline(report)}",
        f"Started {report['started']}, finished {report['finished']}.",
        "## Installations",
    ]
    for row in report["installations"]:
        parts.append(f"### {row['bot']} in {row['workspace_name']}: {row['outcome'].replace('_', ' ')}")
        if row["reason"]:
            parts.append(row["reason"] + (f"\n\nNext: {row['next_step']}" if row["next_step"] else ""))
        if row["memberships"]:
            parts.append("Channels:\n\n" + "\n".join(f"- {said}" for said in row["memberships"]))
        for name, token in row["tokens"].items():
            proofs = row["proofs"] if name == "bot" or len(row["tokens"]) == 1 else token["proofs"]
            if proofs:
                parts.append(f"The {called(name)} at `{token['path']}`: {token['old'] or '(none)'} -> {token['new']}")
                parts.append(
                    pipes(
                        [[key.replace("_", " "), MARKS[p["result"]], p["evidence"]] for key, p in proofs.items()],
                        ["proof", "", "evidence"],
                    )
                )
    if report["services"]:
        parts += [
            "## Services",
            pipes(
                [_service(service) for service in report["services"]],
                ["service", "host", "variables", "restarted", "health", "in use", "unavailable"],
            ),
        ]
    if report["announcements"]:
        lines = [
            [m["workspace"], m["channel"] or "(webhook)", m["phase"], m["state"], m["evidence"]]
            for m in report["announcements"]
        ]
        parts += ["## Announcements", pipes(lines, ["workspace", "channel", "phase", "state", ""])]
    if report["ledger"]:
        parts += ["## Ledger", ledger_words(report["ledger"])]
    if report["warnings"]:
        parts += ["## Warnings", "\n".join(f"- {warning}" for warning in report["warnings"])]
    return "\n\n".join(parts) + "\n"


def ledger_words(kept: Mapping[str, Any]) -> str:
    """Which lines of the ledger are this run's."""
    where = (
        f"Lines {kept['first']} to {kept['last']} of {kept['path']}, ledger {kept['ledger']}." if kept["last"] else ""
    )
    return " ".join(each for each in (where, kept["problem"]) if each)


def _service(service: Mapping[str, Any]) -> list[str]:
    variables = ", ".join(
        f"{name}: {v['before'] or '(none)'} -> {v['after'] or '(none)'}" for name, v in service["variables"].items()
    )
    seconds = service["seconds_unavailable"]
    health = " -> ".join(MARKS[(service[key] or {}).get("ok")] for key in ("health_before", "health_after"))
    return [
        service["name"],
        service["host"],
        variables,
        MARKS[service["restarted"]],
        health,
        f"{service['in_use']} ({service['in_use_evidence']})",
        "still down"
        if service["still_down"]
        else ""
        if seconds is None
        else f"{seconds:.1f} s" + (" (down before)" if service["down_before"] else ""),
    ]


def pipes(lines: list[list[str]], headers: list[str]) -> str:
    """A table in Markdown."""
    cells = [[" ".join(str(cell).split("\n")).replace("|", "\\|") for cell in line] for line in lines]
    return tabulate(cells, headers=headers, tablefmt="github", disable_numparse=True)
