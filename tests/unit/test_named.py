# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are no tokens: what the registry says of them, what Slack says, what is decided and proven."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.botops.rotation.plugins.module_utils import (
    _decide_back,
    _guide,
    _guided,
    _hosts,
    _named,
    _redact,
    _rotation,
    _survey,
    _tokens,
)
from ansible_collections.botops.rotation.plugins.module_utils._errors import RegistryError, SlackError, SlackUnavailable
from ansible_collections.botops.rotation.plugins.module_utils._liveness import Life, Probe, settle
from ansible_collections.botops.rotation.plugins.module_utils._record import Record, Slot, State, Stored
from ansible_collections.botops.rotation.plugins.module_utils._record_store import require_path

from tests.sandbox import tokens
from tests.unit._core import AT, IBM_ID, World, alive, dead, registry, service, token

SECRETS: dict[str, dict[str, Any]] = {
    "alerts": {"kind": "webhook", "path": "generic/alerts"},
    "signing": {"kind": "signing_secret", "path": "generic/signing", "field": "secret"},
    "client": {"kind": "client_secret", "path": "generic/client", "client_id": "123.456"},
}
UNASKED = Probe(Life.UNASKABLE, "", "Slack cannot be asked about a signing secret")
HOOK = "https://hooks.example.com" + tokens.webhook_path("T0123")


def known(*services: Any, secrets: Any = None, **gobot: Any) -> Any:
    """gobot in ibmcloud, with secrets."""
    row = {"bot_token_path": "generic/gobot_ibmcloud", "secrets": SECRETS if secrets is None else secrets}
    return registry(*services, gobot={"installations": {"ibmcloud": row}, "channels": {}, **gobot})


def world(old: str, new: str, name: str, before: Probe, after: Probe, **more: Any) -> World:
    """The bot token lives; of the secret `old` is current and `new` waits."""
    made = World(registry=known()).holds(IBM_ID, token("bot"), alive())
    return made.holds(IBM_ID, old, before, name).stages(IBM_ID, new, after, name, **more)


def hook_alive(team: str = "T0123") -> Probe:
    return Probe(Life.ALIVE, "no_text", "Slack answered 400 no_text to an empty message", {"team_id": team})


# The registry


def test_they_are_named_beside_the_tokens() -> None:
    installation = known(service("one", f"{IBM_ID}/alerts")).installation("gobot", "ibmcloud")
    assert installation.tokens == ("bot", "alerts", "signing", "client")
    assert installation.path("signing") == "generic/signing" and installation.kind("signing") == "signing_secret"
    assert installation.judged_as("bot") == "gobot" and installation.judged_as("alerts").kind == "webhook"


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ({"bot": SECRETS["alerts"]}, "is the name of a token"),
        ({"Alerts!": SECRETS["alerts"]}, "has a key that"),
        ({"alerts": {"kind": "hook", "path": "generic/alerts"}}, "did you mean webhook?"),
        ({"alerts": {"kind": "webhook"}}, "secrets.alerts.path: is missing"),
        ({"alerts": {**SECRETS["alerts"], "client_id": "1.2"}}, "is for the kind client_secret"),
        ({"client": {"kind": "client_secret", "path": "generic/client"}}, "secrets.client.client_id: is missing"),
        ({"alerts": {"kind": "webhook", "path": "generic/gobot_ibmcloud"}}, "is the same path as"),
        ({"alerts": {"kind": "webhook", "path": "generic/gobot_ibmcloud_notes"}}, "is where the notes of"),
        ({"alerts": {"kind": "webhook", "path": HOOK}}, "holds what looks like a token, a webhook URL"),
    ],
    ids=["bot", "key", "kind", "path", "client id", "no client id", "token's path", "notes' path", "pasted"],
)
def test_what_is_wrong_with_one_is_said(secrets: Any, words: str) -> None:
    with pytest.raises(RegistryError) as error:
        known(secrets=secrets)
    assert words in str(error.value) and HOOK not in str(error.value)


def test_a_client_secret_may_be_where_the_install_page_takes_it_from() -> None:
    own = {"kind": "client_secret", "path": "generic/oauth", "field": "client_secret", "client_id": "1.2"}
    known(secrets={"client": own}, client_path="generic/oauth")
    with pytest.raises(RegistryError, match="client id and secret have a path of their own"):
        known(secrets={"client": {**own, "field": "value"}}, client_path="generic/oauth")


def test_a_service_names_one_that_exists() -> None:
    with pytest.raises(RegistryError, match=r"no such token or secret; did you mean alerts\?"):
        known(service("one", f"{IBM_ID}/alert"))


def test_a_secret_given_as_a_name_is_not_shown() -> None:
    secret = tokens.client_secret()
    with pytest.raises(Exception, match="no secret something that looks like a secret") as error:
        require_path(known().installation("gobot", "ibmcloud"), secret)
    assert secret not in str(error.value)


# What a value must be


@pytest.mark.parametrize("kind", _named.KINDS)
def test_only_a_value_of_the_kind_is_usable(kind: str) -> None:
    made = {"webhook": tokens.webhook(), "signing_secret": tokens.client_secret(), "client_secret": "a" * 33}
    assert _tokens.problem(made[kind], kind) is None
    others = [make() for name, make in tokens.MAKERS.items() if name != "webhook URL" or kind != "webhook"]
    for wrong in (*others, "", "hello", f"{made[kind]}\n", made[kind][:-17], None):
        assert _tokens.problem(wrong, kind), kind
    if kind == "webhook":
        assert "starts something" in str(_tokens.problem(tokens.workflow_webhook(), kind))


@pytest.mark.parametrize("value", [tokens.client_secret(), HOOK], ids=["32 hex", "webhook"])
def test_they_are_masked_as_tokens_are(value: str) -> None:
    stored = Stored(value)
    part = value[-14:]
    assert _redact.text(f"it is {value}, or {part}").count(f"<token {stored.fingerprint}>") == 2


# What Slack says


class FakeSlack:
    """Answers as it is told to; None: not at all."""

    def __init__(self, status: int | None = None, code: str = "") -> None:
        self.status, self.code = status, code

    def hook(self, url: str, message: dict[str, Any]) -> tuple[int, str]:
        assert not message, "nothing that could be posted"
        if self.status is None:
            raise SlackUnavailable("the webhook got no answer", "unavailable", "again")
        return self.status, self.code

    def exchange_code(self, method: str, **given: str) -> None:
        assert method == "oauth_v2_access" and given["client_id"] == "123.456"
        raise SlackError(self.code, self.code) if self.status else SlackUnavailable("no answer", "unavailable", "again")


@pytest.mark.parametrize(
    ("status", "code", "life"),
    [
        (400, "no_text", Life.ALIVE),
        (400, "invalid_payload", Life.ALIVE),
        (404, "no_service", Life.DEAD),
        (403, "invalid_token", Life.DEAD),
        (410, "channel_is_archived", Life.UNKNOWN),
        (403, "action_prohibited", Life.UNKNOWN),
        (404, "<html>a proxy's page", Life.UNKNOWN),
        (200, "ok", Life.UNKNOWN),
        (503, "no_service", Life.UNKNOWN),
        (None, "", Life.UNKNOWN),
    ],
)
def test_what_a_webhook_answers_to_an_empty_message(status: int | None, code: str, life: Life) -> None:
    probe = _named.ask(FakeSlack(status, code), _named.NamedSecret("webhook", "a/b"), HOOK)
    assert probe.life is life
    assert probe.identity == ({"team_id": "T0123"} if life is Life.ALIVE else {})


@pytest.mark.parametrize(
    ("code", "life"),
    [
        ("invalid_code", Life.ALIVE),
        ("bad_client_secret", Life.DEAD),
        ("invalid_client_id", Life.UNKNOWN),
        ("", Life.UNKNOWN),
    ],
)
def test_what_slack_says_of_a_client_secret(code: str, life: Life) -> None:
    secret = _named.NamedSecret("client_secret", "a/b", client_id="123.456")
    assert _named.ask(FakeSlack(400 if code else None, code), secret, tokens.client_secret()).life is life


def test_the_guide_knows_its_kind_and_its_name() -> None:
    secret, value = _named.NamedSecret("client_secret", "a/b", client_id="123.456"), tokens.client_secret()
    found, place = _guided.credential(FakeSlack(400, "bad_client_secret"), "it", value, None, secret)
    assert (found["kind"], found["life"], found["guides"]) == ("client secret", "dead", ["client"])
    steps = _guide.told(_guide.GUIDES["client"], replace(place, bot="gobot", workspace="ibmcloud", name="oauth"))[
        "steps"
    ]
    command = "ansible-playbook botops.rotation.stage_token -e bot=gobot -e workspace=ibmcloud -e token=oauth"
    assert command in [step["command"] for step in steps]


def test_what_is_no_such_secret_is_not_sent() -> None:
    assert _named.ask(FakeSlack(), _named.NamedSecret("webhook", "a/b"), "hello").dead
    assert _named.ask(FakeSlack(), _named.NamedSecret("webhook", "a/b"), tokens.bot()).life is Life.UNKNOWN
    assert _named.ask(FakeSlack(), _named.NamedSecret("signing_secret", "a/b"), "f" * 32) == UNASKED


def test_a_live_webhook_proves_nothing_of_a_bots_tokens() -> None:
    """The rule of the IP allowlist is about tokens."""
    survey = _survey.Survey()
    slack = FakeSlack(400, "no_text")
    slack.probe = lambda _token: Probe(Life.UNKNOWN, "invalid_auth", "")  # type: ignore[attr-defined]
    bot = Stored(token("bot"))
    _survey.ask(survey, slack, [("gobot", bot), (_named.NamedSecret("webhook", "a/b"), Stored(HOOK))])
    assert survey.probe(bot).life is Life.UNKNOWN and survey.probe(Stored(HOOK)).alive
    assert settle([survey.probe(bot)])[0].life is Life.UNKNOWN


# What is decided


def test_a_webhook_that_is_staged_is_promoted_and_nothing_else() -> None:
    old = tokens.webhook()
    row = world(old, HOOK, "alerts", Probe(Life.DEAD, "no_service", "gone"), hook_alive()).row()
    assert (row["action"], row["outcome"], list(row["tokens"])) == ("promote", "rotated", ["alerts"])
    proofs = row["tokens"]["alerts"]["proofs"]
    assert {name: proof["result"] for name, proof in proofs.items()} == {
        "changed": True,
        "same_identity": True,
        "old_refused": True,
        "in_use": None,
    }
    assert "its URL names team T0123" in proofs["same_identity"]["evidence"]


def test_both_webhooks_may_live_and_the_person_is_told_how_the_old_one_ends() -> None:
    made = world(tokens.webhook(), HOOK, "alerts", hook_alive(), hook_alive())
    row = made.row()
    assert row["outcome"] == "old_alive" and row["tokens"]["alerts"]["restorable"]
    assert "remove the old webhook on the app's page" in row["next_step"]
    old = row["old_fingerprint"]
    assert made.row(keep_old=frozenset({old}))["outcome"] == "rotated"
    refused = made.row(revoke_old=frozenset({old}))
    assert refused["outcome"] == "refused" and "ends no secret that is not a token" in refused["reason"]


@pytest.mark.parametrize(
    ("new", "probe", "words"),
    [
        (HOOK, hook_alive("T0456"), "names team T0456, and the registry says T0123"),
        (HOOK, Probe(Life.DEAD, "no_service", "Slack answered 404 no_service"), "is dead: Slack answered 404"),
        (token("bot 2"), alive(), "is a bot token; the URL of an incoming webhook is due"),
    ],
    ids=["team", "dead", "token"],
)
def test_a_wrong_webhook_is_refused(new: str, probe: Probe, words: str) -> None:
    row = world(tokens.webhook(), new, "alerts", hook_alive(), probe).row()
    assert row["outcome"] == "refused" and words in row["reason"]


def test_of_a_signing_secret_the_plan_says_what_cannot_be_proven() -> None:
    made = world(tokens.client_secret(), tokens.client_secret(), "signing", UNASKED, UNASKED)
    row = made.row()
    assert (row["action"], row["outcome"]) == ("promote", "rotated")
    proofs = row["tokens"]["signing"]["proofs"]
    assert (proofs["changed"]["result"], proofs["same_identity"]["result"], proofs["old_refused"]["result"]) == (
        True,
        None,
        None,
    )
    assert not row["tokens"]["signing"]["restorable"], "the old one is mostly dead: nothing goes back to it by itself"
    assert any("the old one is refused, is not proven" in warning for warning in row["warnings"])


def test_a_current_secret_goes_to_hosts_that_lack_it() -> None:
    made = World(registry=known()).holds(IBM_ID, token("bot"), alive())
    made.holds(IBM_ID, HOOK, hook_alive(), "alerts").holds(IBM_ID, "f" * 32, UNASKED, "signing")
    made.holds(IBM_ID, "e" * 32, Probe(Life.DEAD, "bad_client_secret", ""), "client")
    row = made.row()
    assert row["action"] == "converge" and list(row["tokens"]) == ["bot", "alerts", "signing"]
    assert any("the current client secret is dead" in each and "-e token=client" in each for each in row["warnings"])


def test_an_installation_goes_back_as_a_whole_or_not_at_all() -> None:
    made = world(tokens.webhook(), HOOK, "alerts", hook_alive(), hook_alive())
    made.holds(IBM_ID, "f" * 32, UNASKED, "signing").stages(IBM_ID, "e" * 32, UNASKED, "signing")
    hosts = _hosts.plan(known(service("one", f"{IBM_ID}/alerts")), [made.row()], {})
    assert [each["restorable"] for each in hosts["h1"][0]["variables"].values()] == [False]


# The state machine


def promoted(name: str, old: str, new: str) -> tuple[Record, dict[str, Stored | None]]:
    record = _rotation.stage(Record(), name, Stored(new), {name: Stored(old)}, {}, "r1")
    record = _rotation.begin(record, {name: Stored(old)}, {})
    current = {name: Stored(new)}
    return _rotation.promoted(record, current, AT), current


def test_what_cannot_be_asked_about_is_retired_and_its_old_one_kept() -> None:
    old, new = Stored("f" * 32), Stored("e" * 32)
    lives = dict.fromkeys((old.fingerprint, new.fingerprint), Life.UNASKABLE)
    record, current = promoted("signing", old.token, new.token)
    ended = _rotation.retire(record, current, lives, AT)
    assert ended.state is State.ROTATED and ended.slot("signing") == Slot(None, old)
    back = _rotation.restore(ended, current, lives)
    assert back.state is State.RESTORING and back.slot("signing") == Slot(new, old)
    third = _rotation.stage(ended, "signing", Stored("d" * 32), current, lives, "r2")
    assert _rotation.begin(third, current, lives).slot("signing").previous.token == new.token, "one is kept"


def test_a_revoke_of_the_tokens_is_none_of_the_secrets() -> None:
    current = {"bot": Stored(token("bot")), "signing": Stored("f" * 32)}
    assert list(_rotation.revoke(Record(), current, {}, "r1", AT).replaces) == ["bot"]


@pytest.mark.parametrize("life", [Life.UNASKABLE, Life.ALIVE, Life.DEAD])
def test_the_way_back_of_a_person_is_refused_only_to_what_is_dead(life: Life) -> None:
    made = World(registry=known()).holds(IBM_ID, token("bot"), dead())
    record, current = promoted("signing", "f" * 32, "e" * 32)
    made.holds(IBM_ID, current["signing"].token, UNASKED, "signing").says("f" * 32, Probe(life, "", "so it is"))
    made.records[IBM_ID] = record
    row = _decide_back.decide(made.registry.installation("gobot", "ibmcloud"), made.survey(), made.registry)
    assert (row["action"] == "restore") is (life is not Life.DEAD)
    assert any("is not proven" in warning for warning in row["warnings"]) is (life is Life.UNASKABLE)
