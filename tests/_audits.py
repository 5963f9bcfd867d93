# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audits that never happened, for tests and pictures of their renderings. The same ones each time."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

from ansible_collections.botops.rotation.plugins.module_utils._audit_findings import KINDS

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=timezone.utc)
OWNERS = ("U0000000AB", "S0000000CD", "Jo Bloggs")
# Bots and the workspaces that each is installed in: a team's 14 installations.
BOTS = {
    "gobot": ("watsondataplatform", "ibmcloud", "ibmanalytics", "compose"),
    "ciebot": ("ibmcloud", "ibmanalytics", "cim"),
    "alertbot": ("ibmcloud", "compose"),
    "standupbot": ("ibmcloud", "watsondataplatform", "cim"),
    "tipbot": ("ibmcloud", "ibmanalytics"),
}
SERVICES = {"gobot": ("consumer", "web"), "ciebot": ("worker",), "alertbot": ("relay", "web"), "standupbot": ("timer",)}


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def token(installation: str, name: str = "bot", age: int | None = 100, **more: Any) -> dict[str, Any]:
    """A token that is alive and right; `age`: in days. Its due date and what it is called follow."""
    bot, workspace = installation.split("/", 1)
    issued = NOW - timedelta(days=age) if age is not None else None
    left = 365 - age if age is not None else None
    due = "unknown" if left is None else "overdue" if left < 0 else "soon" if left <= 30 else "ok"
    return {
        "installation": installation,
        "bot": bot,
        "workspace": workspace,
        "workspace_name": workspace,
        "environment": "internal",
        "token": name,
        "owners": [OWNERS[sum(map(ord, bot)) % 3]],
        "fingerprint": fingerprint(f"{installation}/{name}"),
        "kind": f"{name} token",
        "in_vault": "yes",
        "issued_at": iso(issued) if issued else None,
        "age_days": age,
        "age_from": "record" if issued else "unknown",
        "due_at": iso(issued + timedelta(days=365)) if issued else None,
        "due_in_days": left,
        "due": due,
        "alive": "alive",
        "alive_evidence": "auth.test accepted it",
        "identity": "right",
        "identity_evidence": "team, app and bot user are those of the record",
        "scopes_missing": [],
        "scopes_excess": [],
        "needed": True,
        "needed_evidence": "",
        "pending": None,
        "previous": None,
        "rotation": None,
        "approval": None,
        "window": None,
        **more,
    }


def service(
    host: str, name: str, installation: str, variable: str = "SLACK_BOT_TOKEN", runs: str = "current", **more: Any
) -> dict[str, Any]:
    """A service that runs on Vault's current token."""
    now, before = fingerprint(f"{installation}/bot"), fingerprint(f"{installation}/before")
    return {
        "host": host,
        "service": name,
        "variable": variable,
        "installation": installation,
        "token": "bot",
        "env_file": f"/etc/bots/{name}.env",
        "file": now,
        "process": [now if runs == "current" else before],
        "current": now,
        "previous": before,
        "stands": "current",
        "runs": runs,
        "drift": runs not in ("current", "not running"),
        "evidence": "1 process of 1 has it",
        **more,
    }


def finding(kind: str, subject: str, what: str, next_step: str, fails: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject": subject,
        "what": what,
        "next": next_step,
        "fails": fails,
        "owners": [],
        "workspace": None,
        **more,
    }


def audit(
    tokens: list[dict[str, Any]],
    services: list[dict[str, Any]] = (),
    unexplained: list[dict[str, Any]] = (),
    unreached: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A whole audit of these, with what there is to find in them."""
    hosts = sorted({each["host"] for each in services} | set(unreached))
    findings = [each for one in tokens for each in _of_token(one)]
    findings += [_of_service(each, tokens) for each in services if each["drift"]]
    findings += [
        finding("unexplained", f"{u['host']}:{u['env_file']}", f"{u['variable']} has a {u['kind']}", "add its row")
        for u in unexplained
    ]
    findings += [finding("unreachable", host, "ssh: connect timed out", "look at the host") for host in unreached]
    order = list(KINDS)
    findings.sort(key=lambda each: (not each["fails"], order.index(each["kind"])))
    alive, due = (Counter(each[what] for each in tokens) for what in ("alive", "due"))
    return {
        "schema": 1,
        "kind": "audit",
        "run_id": "20261124T130000Z-audit-7f3a",
        "check": False,
        "at": iso(NOW),
        "by": "awx/ops",
        "max_age_days": 365,
        "due_within_days": 30,
        "fail_on": ["dead", "drift", "overdue"],
        "tokens": tokens,
        "services": list(services),
        "unexplained": list(unexplained),
        "hosts": [{"host": host, "reached": host not in unreached, "evidence": ""} for host in hosts],
        "findings": findings,
        "summary": {
            "tokens": len(tokens),
            "alive": alive["alive"],
            "dead": alive["dead"],
            "services": len({(each["host"], each["service"]) for each in services}),
            "hosts": len(hosts),
            "drift": len({(each["host"], each["service"]) for each in services if each["drift"]}),
            "overdue": due["overdue"],
            "due": due["soon"],
            "findings": len(findings),
            "failing": sum(each["fails"] for each in findings),
        },
    }


def _of_token(one: dict[str, Any]) -> list[dict[str, Any]]:
    subject = f"{one['installation']}/{one['token']}"
    more = {"owners": one["owners"], "workspace": one["workspace"]}
    stage = f"stage a new one with stage_token, then run rotate_bot -e bot={one['bot']}"
    made = []
    if one["alive"] == "dead":
        made.append(finding("dead", subject, f"Slack refuses it: {one['alive_evidence']}", stage, True, **more))
    if one["due"] == "overdue":
        made.append(finding("overdue", subject, f"it is {one['age_days']} days old", stage, True, **more))
    if one["due"] == "soon":
        made.append(finding("due", subject, f"it is due in {one['due_in_days']} days", stage, **more))
    if one["scopes_missing"]:
        lacks = ", ".join(one["scopes_missing"])
        made.append(finding("scopes", subject, f"it lacks {lacks}", "have the app installed with them", **more))
    if one["pending"]:
        said = f"a new one waits for {one['pending']['days']} days"
        made.append(finding("pending", subject, said, f"run rotate_bot -e bot={one['bot']}", **more))
    if not one["needed"]:
        made.append(finding("unneeded", subject, "the runbook needs it no more", "revoke it", **more))
    if one["due"] == "unknown":
        made.append(finding("age_unknown", subject, "no record tells its age", "rotate it once", **more))
    return made


def _of_service(one: dict[str, Any], tokens: list[dict[str, Any]]) -> dict[str, Any]:
    owner = next(each for each in tokens if each["installation"] == one["installation"])
    return finding(
        "drift",
        f"{one['host']}/{one['service']}/{one['variable']}",
        f"its process runs on the {one['runs']} token of {one['installation']}",
        f"run rotate_bot -e bot={owner['bot']}, which brings it to the current one",
        True,
        owners=owner["owners"],
        workspace=owner["workspace"],
    )


def small() -> dict[str, Any]:
    """A team's bots in November, with a few things to do."""
    odd: dict[str, dict[str, Any]] = {
        "gobot/compose": {"age": 379, "window": {"start": "2026-11-28T02:00:00Z", "end": "2026-11-28T03:00:00Z"}},
        "ciebot/cim": {"age": 210, "alive": "dead", "alive_evidence": "token_revoked"},
        "standupbot/cim": {"age": None},
        "tipbot/ibmcloud": {
            "age": 351,
            "pending": {"fingerprint": fingerprint("x"), "since": None, "days": 3, "alive": "alive"},
        },
        "alertbot/compose": {"age": 290, "scopes_missing": ["users:read"]},
    }
    ages = (52, 131, 318, 240, 12, 77, 163, 288, 345, 199, 30, 301, 95, 258)
    names = [f"{bot}/{workspace}" for bot, workspaces in BOTS.items() for workspace in workspaces]
    tokens = [token(name, **{"age": age, **odd.get(name, {})}) for name, age in zip(names, ages)]
    tokens.insert(1, token("gobot/ibmcloud", "user", 330, needed=False, needed_evidence="the bot token does its work"))
    services = [
        service(f"bot-host-{number}", f"{bot}-{part}", f"{bot}/{workspace}", f"SLACK_TOKEN_{workspace.upper()}")
        for bot, parts in SERVICES.items()
        for number, part in enumerate(parts, 1)
        for workspace in BOTS[bot]
    ]
    services[2].update(runs="previous", process=[services[2]["previous"]], drift=True)
    services[9].update(runs="not running", process=[], evidence="the unit is inactive: a timer starts it")
    unexplained = [
        {
            "host": "bot-host-2",
            "env_file": "/etc/bots/old.env",
            "variable": "SLACK_API_TOKEN",
            "fingerprint": fingerprint("y"),
            "kind": "legacy client token",
            "whose": "a token that is nowhere in Vault",
        }
    ]
    return audit(tokens, services, unexplained, ("bot-host-9",))


def large(installations: int = 1000, services: int = 5000, workspaces: int = 4) -> dict[str, Any]:
    """Many: each bot in so many workspaces, one token in fifty with something to say of it."""
    chance = random.Random(6)
    tokens = []
    for number in range(installations):
        name = f"bot-{number // workspaces:04}/workspace-{number % workspaces:03}"
        state: dict[str, Any] = {"age": chance.randrange(0, 340)}
        if chance.random() < 0.05:
            state = chance.choice(
                (
                    {"age": chance.randrange(366, 400)},
                    {"age": chance.randrange(340, 365)},
                    {"age": 200, "alive": "dead", "alive_evidence": "token_revoked"},
                    {"age": None},
                    {"age": 20, "scopes_missing": ["users:read", "channels:history"]},
                )
            )
        tokens.append(token(name, **state))
    rows = []
    for number in range(services):
        name = tokens[number % installations]["installation"]
        bot, _slash, workspace = name.partition("/")
        runs = chance.choice(("previous", "unknown")) if chance.random() < 0.01 else "current"
        host, variable = f"host-{number % 40:02}.example.com", f"SLACK_TOKEN_{workspace[-3:]}"
        rows.append(service(host, f"{bot}-{number // installations}", name, variable, runs))
    return audit(tokens, rows)
