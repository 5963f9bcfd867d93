# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit in each of its forms: what it says, and that no name in it can break out of the form."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _audit_csv,
    _audit_digest,
    _audit_markdown,
    _audit_matrix,
    _audit_page,
    _audit_prometheus,
    _audit_words,
)

from tests import _audits
from tests._audits import audit, finding, service, token

HOSTILE = (
    "</style></script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }} {% raw %} ${x}",
    "a|b\\|c `d` *e* [f](http://g) # h ~~i~~",
    '=HYPERLINK("http://x")',
    "@SUM(1)",
    "-2+3",
    "\tcmd",
    "\uff1d1+1",
    'quote" back\\slash\nnew line\r\n# HELP x',
    "<!channel> <@U0000000AB> & <http://x|y>",
    "ünïcode ✕ \u202e\u0000",
)


def hostile() -> dict:
    """Every text of an audit that comes from elsewhere, made hostile."""
    tokens, services, findings = [], [], []
    for number, text in enumerate(HOSTILE):
        more = {"workspace_name": text, "environment": text, "owners": [text], "alive_evidence": text, "kind": text}
        tokens.append(token(f"{text}/{text}", age=10 * number, scopes_missing=[text], fingerprint=text, **more))
        services.append(
            service(text, text, f"{text}/{text}", text, "previous" if number % 2 else "current", evidence=text)
        )
        findings.append(finding("dead", text, text, text, True, owners=[text, "U0000000AB"], workspace=f"w{number}"))
    stray = [{"host": t, "env_file": t, "variable": t, "fingerprint": t, "kind": t, "whose": t} for t in HOSTILE]
    made = {**audit(tokens, services, stray, HOSTILE[:2]), "by": HOSTILE[0], "run_id": HOSTILE[1]}
    return {**made, "findings": findings}


SMALL, HARD, NOTHING = _audits.small(), hostile(), audit([token("gobot/ibmcloud")])


# --- the words ---------------------------------------------------------------------------------------------------------


def test_words() -> None:
    assert [_audit_words.distance(days) for days in (None, 0, 1, -1, 400)] == [
        *("unknown", "today", "in 1 day", "1 day ago", "in 400 days"),
    ]
    assert _audit_words.headline(SMALL) == "10 things need somebody, 3 of them now."
    assert _audit_words.headline(NOTHING) == "Nothing needs anybody."
    odd = token(
        "gobot/ibmcloud",
        identity="wrong",
        scopes_excess=["admin"],
        pending={"days": None},
        rotation={"state": "rolled_back", "hours": 5.2},
        approval={"days": 1},
    )
    assert _audit_words.concerns(odd) == [
        "another team or bot",
        "has more than it needs: admin",
        "a new one waits",
        "rotation stands at rolled back for 5 h",
        "approval is waited for for 1 day",
    ]


def test_what_is_due_is_told_in_time_and_in_order() -> None:
    ages = {"a/x": 380, "b/x": 275, "c/x": 274, "d/x": 340, "e/x": None}
    due = _audit_words.ahead(audit([token(name, age=age) for name, age in ages.items()]))
    assert [(each["installation"], each["due_in_days"]) for each in due] == [("a/x", -15), ("d/x", 25), ("b/x", 90)]


def test_every_kind_of_finding_has_a_heading() -> None:
    assert set(_audit_words.HEADINGS) == set(_audits.KINDS)
    assert _audit_words.heading("new_kind") == "New kind"


# --- the matrix --------------------------------------------------------------------------------------------------------


def test_a_matrix_of_each_bot() -> None:
    matrices = {matrix.bot: matrix for matrix in _audit_matrix.build(SMALL)}
    assert list(matrices) == ["alertbot", "ciebot", "gobot", "standupbot"]
    gobot = matrices["gobot"]
    assert gobot.columns == ("compose", "ibmanalytics", "ibmcloud", "watsondataplatform")
    (name, cells), (_other, all_well) = gobot.rows
    assert name == ("bot-host-1", "gobot-consumer") and gobot.drift == 1
    assert [cell and cell.verdict for cell in cells] == ["good", "bad", "good", "good"]
    assert cells[1].said == "process: previous"
    assert cells[1].drifting == ("bot-host-1/gobot-consumer/SLACK_TOKEN_IBMANALYTICS",)
    assert {cell.verdict for cell in all_well if cell} == {"good"}


def test_other_tokens_have_a_column_where_a_service_uses_them() -> None:
    tokens = [
        token("gobot/ibmcloud"),
        token("gobot/ibmcloud", "user"),
        token("gobot/compose"),
        token("gobot/compose", "user"),
    ]
    (matrix,) = _audit_matrix.build(audit(tokens, [service("h", "s", "gobot/ibmcloud", token="user")]))
    assert matrix.columns == ("compose", "ibmcloud", "ibmcloud (user)")
    assert [cell and cell.verdict for cell in matrix.rows[0][1]] == [None, None, "good"]


def test_the_worst_of_several_variables_is_shown() -> None:
    pair = [service("h", "s", "gobot/ibmcloud", "A"), service("h", "s", "gobot/ibmcloud", "B", "unknown")]
    ((_name, (cell,)),) = _audit_matrix.build(audit([token("gobot/ibmcloud")], pair))[0].rows
    assert (cell.verdict, cell.said, cell.drifting) == ("bad", "current; process: unknown", ("h/s/B",))


@pytest.mark.parametrize("workspaces", [1, 4, 100])
def test_however_many_there_are_no_matrix_is_wide(workspaces: int) -> None:
    many = _audits.large(200, 900, workspaces)
    matrices = _audit_matrix.build(many)
    cells = [cell for matrix in matrices for _name, row in matrix.rows for cell in row]
    assert max(len(matrix.columns) for matrix in matrices) <= _audit_matrix.WIDTH
    assert sum(cell is not None for cell in cells) == 900 and len(cells) <= 900 * _audit_matrix.WIDTH
    assert sum(matrix.drift for matrix in matrices) == sum(each["drift"] for each in many["services"])


# --- Markdown and CSV ------------------------------------------------------------------------------------------------------


def test_markdown_tells_all_of_it() -> None:
    text = _audit_markdown.render(SMALL)
    assert text.startswith("# Audit of 15 tokens: 10 things need somebody, 3 of them now.\n")
    for words in ("## Dead tokens (1)", "Slack refuses it: token_revoked", "2026-11-28 02:00 UTC", "14 days ago"):
        assert words in text
    assert "## Services that do not run on the current token" in text and "None." in _audit_markdown.render(NOTHING)


def test_no_name_breaks_out_of_markdown() -> None:
    columns = Counter()
    for line in _audit_markdown.render(HARD).splitlines():
        assert not set(line) & set("<>`*[]~\\"), line
        assert line == "" or line.startswith(("|", "# ", "## ", "2026-11-24", "None.")), line
        if line.startswith("|"):
            columns[line.count("|")] += 1
    assert set(columns) == {5, 6, 8}  # those of its tables


def test_csv_is_a_table_that_a_spreadsheet_does_not_calculate() -> None:
    rows = list(csv.DictReader(io.StringIO(_audit_csv.render(SMALL))))
    assert Counter(row["row"] for row in rows) == {"token": 15, "service": 18, "unexplained": 1}
    overdue = next(row for row in rows if row["due"] == "overdue")
    assert overdue["due_in_days"] == "-14" and overdue["window"] == "2026-11-28T02:00:00Z/2026-11-28T03:00:00Z"
    assert [row["runs"] for row in rows if row["drift"] == "yes"] == ["previous"]
    hard = list(csv.reader(io.StringIO(_audit_csv.render(HARD))))
    assert {len(row) for row in hard} == {len(_audit_csv.COLUMNS)} and len(hard) == 1 + 3 * len(HOSTILE)
    cells = [cell for row in hard for cell in row]
    assert not [cell for cell in cells if cell.startswith(_audit_csv._FORMULA) and not re.fullmatch(r"-?\d+", cell)]
    assert "'@SUM(1)" in cells and HOSTILE[0] in cells


# --- metrics ---------------------------------------------------------------------------------------------------------------

# https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (-?\d+(?:\.\d+)?)")


def samples(text: str) -> dict[str, float]:
    """The samples of a file that keeps the grammar: each family together, after its HELP and TYPE, none twice."""
    found: dict[str, float] = {}
    family = None
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    families = [line.split(" ")[2] for line in lines if line.startswith("# TYPE ")]
    assert len(families) == len(set(families))
    for before, line in zip(["", *lines], lines):
        if line.startswith("# HELP "):
            assert re.fullmatch(rf"# HELP {NAME} [^\\]+", line)
        elif line.startswith("# TYPE "):
            family = re.fullmatch(rf"# TYPE ({NAME}) gauge", line)[1]
            assert before.startswith(f"# HELP {family} ")
        else:
            match = SAMPLE.fullmatch(line)
            assert match and match[1] == family, line
            key = match[1] + (match[2] or "")
            assert key not in found, f"twice: {key}"
            found[key] = float(match[3])
    return found


def test_metrics_keep_the_grammar_and_tell_what_is_known() -> None:
    told = samples(_audit_prometheus.render(SMALL))
    who = '{installation="%s",bot="%s",workspace="%s",environment="internal",token="bot"}'
    dead, young = who % ("ciebot/cim", "ciebot", "cim"), who % ("standupbot/cim", "standupbot", "cim")
    assert told["botops_token_alive" + dead] == 0 and told["botops_token_alive" + young] == 1
    assert told["botops_token_age_days" + dead] == 210 and "botops_token_age_days" + young not in told
    assert told["botops_token_due_timestamp_seconds" + dead] == _audits.NOW.timestamp() + 155 * 86400
    assert told["botops_audit_timestamp_seconds"] == _audits.NOW.timestamp() and told["botops_findings_failing"] == 3
    assert sum(value for name, value in told.items() if name.startswith("botops_service_drift")) == 1
    assert told['botops_host_reached{host="bot-host-9"}'] == 0
    assert 'botops_unexplained_tokens{host="bot-host-9"}' not in told


def test_what_could_not_be_seen_has_no_sample() -> None:
    unseen = service("h", "s", "gobot/ibmcloud", runs="unreadable", drift=False)
    gone = token("gobot/compose", alive="unknown", fingerprint=None)
    told = samples(_audit_prometheus.render(audit([token("gobot/ibmcloud", alive="unknown"), gone], [unseen])))
    assert not [name for name in told if name.startswith(("botops_token_alive", "botops_service_drift"))]
    assert not [name for name in told if "compose" in name]


def test_no_name_breaks_out_of_a_label() -> None:
    told = samples(_audit_prometheus.render(HARD))
    assert len([name for name in told if name.startswith("botops_token_alive{")]) == len(HOSTILE)
    assert any('host="quote\\" back\\\\slash\\nnew line\r\\n# HELP x"' in name for name in told)


# --- the digest ------------------------------------------------------------------------------------------------------------


def test_nobody_is_told_where_nothing_is_due() -> None:
    assert _audit_digest.messages(NOTHING) == []
    operators = audit([token("gobot/ibmcloud", age=None)], unreached=("h",))
    assert operators["findings"] and _audit_digest.messages(operators) == []


def test_the_digest_tells_owners_what_needs_them_in_their_workspace() -> None:
    told = {each["workspace"]: each for each in _audit_digest.messages(SMALL)}
    assert sorted(told) == ["cim", "compose", "ibmanalytics", "ibmcloud"]
    compose = told["compose"]
    assert compose["text"] == (
        "Slack tokens in compose: 2 things need somebody. Overdue: 1, Scopes that are missing or in excess: 1"
    )
    sections = [block["text"]["text"] for block in compose["blocks"] if block["type"] == "section"]
    assert sections[0].startswith("Jo Bloggs\n• *gobot/compose/bot*: it is 379 days old\n    Next: stage")
    assert sections[1].startswith("<@U0000000AB>\n• *alertbot/compose/bot*: it lacks users:read")
    assert compose["owners"] == ["Jo Bloggs", "U0000000AB"]
    assert [_audit_digest.mention(name) for name in ("U0000000AB", "S0000000CD", "<!here>", "Una")] == [
        *("<@U0000000AB>", "<!subteam^S0000000CD>", "&lt;!here&gt;", "Una"),
    ]


def test_a_digest_keeps_slacks_limits_and_mentions_nobody_else() -> None:
    many = _audits.large(300, 900)
    many["findings"] += [
        finding(
            "due", f"b{n}/w/bot" + "x" * 300, "<" * 500 + str(n), "&" * 900, owners=[f"U{n % 60:010}"], workspace="w"
        )
        for n in range(900)
    ]
    for message in [*_audit_digest.messages(many), *_audit_digest.messages(HARD)]:
        text = json.dumps(message["blocks"], ensure_ascii=False)
        assert len(message["blocks"]) <= 50 and not re.search(r"<(?!@U\w+>|!subteam\^S\w+>)[^>]*>", text)
        for block in message["blocks"]:
            if block["type"] == "header":
                assert len(block["text"]["text"]) <= 150
            if block["type"] == "section":
                assert 0 < len(block["text"]["text"]) <= 3000
    assert len(_audit_digest.messages(HARD)) == len(HOSTILE)


# --- the page --------------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _value in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data


def test_no_name_breaks_out_of_the_page() -> None:
    html = _audit_page.render(HARD)
    page = Page(html)
    assert page.tags["script"] == 3 and page.tags["style"] == 1 and not page.tags["img"]
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    assert not [each for each in page.addresses if not each.startswith(("#", "data:,"))]
    for text in HOSTILE[:4]:
        assert text.replace("/", "") in page.text.replace("/", "")
    assert "{{ 7*7 }} {% raw %} ${x}" in page.text


def test_the_page_needs_nothing_else() -> None:
    html = _audit_page.render(SMALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and policy.count("'sha256-") == 4
    assert "unsafe" not in policy and "http" not in policy and "sourceMappingURL" not in html
    page = Page(html)
    assert page.tags["caption"] == page.tags["table"] > 9 and page.tags["h1"] == 1
    for words in ("10 things need somebody", "2026-11-28 02:00 UTC", "process: previous", "Not reached: bot-host-9"):
        assert words in page.text
    assert "Nothing needs anybody." in Page(_audit_page.render(NOTHING)).text


def test_the_page_of_a_thousand_installations_is_small() -> None:
    for workspaces in (4, 100):
        assert len(_audit_page.render(_audits.large(workspaces=workspaces)).encode()) <= 2_000_000
