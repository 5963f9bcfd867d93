# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to an install page: HTTPS, behind a proxy, with the address pasted; classic apps; what bots read from Vault."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.botops.rotation.plugins.module_utils._errors import RotationError
from ansible_collections.botops.rotation.plugins.module_utils._install_store import Place, VaultInstallationStore
from ansible_collections.botops.rotation.plugins.module_utils._vault import Vault, VaultSettings
from slack_bolt.authorization.authorize import InstallationStoreAuthorize
from slack_bolt.context import BoltContext
from slack_sdk import WebClient

from tests.e2e._world import pending
from tests.integration._install import Page
from tests.sandbox import Sandbox, tokens
from tests.sandbox._ports import claim
from tests.sandbox.slack import browser
from tests.sandbox.tokens import fingerprint

pytestmark = pytest.mark.xdist_group("install-ways")
ONE = "gobot/ibmcloud"
PATHS = "generic/crn/v1/internal/local/tip-oss-flow/global/ciebot"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(demo=False, services=False) as made:
        yield made


@pytest.fixture
def here(shared: Sandbox) -> Sandbox:
    """gobot is revoked in ibmcloud, and nothing is staged there."""
    shared.bao.delete(shared.record_path(ONE))
    shared.slack.install(ONE)
    shared.revoke(ONE)
    return shared


def new_token(sandbox: Sandbox) -> str:
    return sandbox.slack.installation(ONE)["bot_token"]


def test_https_with_a_certificate(here: Sandbox, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    made += ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(made, check=True, capture_output=True)
    with Page(here, workspace="ibmcloud", install_cert=str(cert), install_key=str(key)) as page:
        assert page.link.startswith("https://127.0.0.1:") and page.redirect_uri.startswith("https://")
        context = ssl.create_default_context(cafile=str(cert))
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(), _Stay()
        )
        assert "IBM Cloud Platform" in opener.open(page.link).read().decode()
        origin = page.link.partition("/?")[0]
        answer = opener.open(f"{origin}/install/ibmcloud")
        assert "; secure" in answer.headers["set-cookie"].lower()
        opener.open(browser.click(answer.headers["location"]))
        assert page.end()["results"][ONE]["state"] == "staged"
    assert pending(here, ONE) == new_token(here)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows redirects of the page, and not those to Slack."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if "/oauth/" in newurl:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_303(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp if "/oauth/" in headers["location"] else super().http_error_302(req, fp, code, msg, headers)

    http_error_302 = http_error_303


@pytest.mark.parametrize("strips", [True, False], ids=["strips", "keeps"])
def test_behind_a_proxy_that_leads_a_path_here(here: Sandbox, strips: bool) -> None:
    """The page's own links have the path; whether the proxy takes it away does not matter."""
    with claim() as sock:
        port = sock.getsockname()[1] + 1
    url = f"http://127.0.0.1:{port}/slackbots"
    with Page(here, workspace="ibmcloud", install_url=url, install_bind=f"127.0.0.1:{port}") as page:
        assert page.redirect_uri == f"{url}/slack/oauth_redirect"
        person = page.person()
        shown = person.follow("/" if strips else "/slackbots/")
        assert 'href="/slackbots/install/ibmcloud"' in shown and 'href="/slackbots/style.css"' in shown
        link = person.get("/install/ibmcloud" if strips else "/slackbots/install/ibmcloud")[1]
        back = browser.click(link)
        assert back.startswith(f"{url}/slack/oauth_redirect?")
        status, location, _page = person.get(back.replace("/slackbots", "") if strips else back)
        assert (status, location) == (303, "/slackbots/#row-ibmcloud")
        person.follow("/")
        assert page.end()["results"][ONE]["state"] == "staged"


def test_the_address_is_pasted_where_nobody_listens_at_it(here: Sandbox) -> None:
    redirect = "https://nowhere.example.com/slack/oauth_redirect"
    with Page(here, workspace="ibmcloud", install_redirect_url=redirect) as page:
        person = page.person()
        assert "<details open>" in person.page()
        assert "is not an address" in person.follow("/paste", {"url": "https://example.com/"})
        back = browser.click(person.add("ibmcloud"))
        assert back.startswith(redirect)
        assert "begun in another browser" in page.person().follow("/paste", {"url": back})
        person.follow("/paste", {"url": f"  {back}\n"})
        assert person.state("ibmcloud") == "Staged"
        assert page.end()["waiting"] == []
    assert pending(here, ONE) == new_token(here)


def test_a_classic_app_gives_both_tokens(here: Sandbox) -> None:
    """oauth.access: a user token, and the bot's inside of `bot`."""
    app = here.slack.add_app("oldbot", ["bot"], id="A0OLDBOT001", classic=True)
    here.bao.put(f"{PATHS}/client_of_oldbot", {name: app[name] for name in ("client_id", "client_secret")})
    paths = {kind: f"{PATHS}/slack_{kind}_token_for_oldbot_in_ibmcloud" for kind in ("bot", "user")}
    row = {
        "app_id": "A0OLDBOT001",
        "oauth": "v1",
        "client_path": f"{PATHS}/client_of_oldbot",
        "user_scopes": ["chat:write:bot"],
        "installations": {"ibmcloud": {f"{kind}_token_path": path for kind, path in paths.items()}},
    }
    with Page(here, bot="oldbot", bots={"oldbot": row}) as page:
        person = page.person()
        link = person.add("ibmcloud")
        assert "/oauth/authorize?" in link and "user_scope" not in link
        person.follow(browser.click(link))
        assert person.state("ibmcloud") == "Installed" and "bot_user_id" in person.row("ibmcloud")
    issued = here.slack.call("installation", installation="oldbot/ibmcloud")
    seen = [fingerprint(issued["bot_token"]), fingerprint(issued["user_token"])]  # nothing else is known of the app yet
    with Page(here, bot="oldbot", bots={"oldbot": row}, accept_identity=seen) as page:
        result = page.end()["results"]["oldbot/ibmcloud"]
    record = here.bao.get(f"{paths['bot']}_rotation")
    assert result["state"] == "staged", result
    assert record["tokens"]["bot"]["pending"]["token"] == issued["bot_token"]
    assert record["tokens"]["user"]["pending"]["token"] == issued["user_token"]


def test_an_app_in_rotation_mode_is_for_the_strategy_refresh(here: Sandbox) -> None:
    """With another strategy both tokens are kept; with it the next page stages the one, and refreshes begin with the other."""
    app = here.slack.add_app("rotator", ["chat:write", "users:read"], id="A0ROTATOR01", rotation=True)
    here.bao.put(f"{PATHS}/client_of_rotator", {name: app[name] for name in ("client_id", "client_secret")})
    path = f"{PATHS}/slack_bot_token_for_rotator_in_ibmcloud"
    row = {"client_path": f"{PATHS}/client_of_rotator", "installations": {"ibmcloud": {"bot_token_path": path}}}
    row["required_scopes"] = ["chat:write", "users:read"]
    with Page(here, bot="rotator", bots={"rotator": row}) as page:
        person = page.person()
        person.install("ibmcloud")
        assert person.state("ibmcloud") == "Installed" and "rotation mode" in person.row("ibmcloud")
    kept = list(here.bao.get(f"{path}_install")["grants"].values())
    issued = here.slack.call("installation", installation="rotator/ibmcloud")
    assert [each["bot_token"] for each in kept] == [issued["bot_token"]] and kept[0]["bot_refresh_token"]
    with Page(here, bot="rotator", bots={"rotator": {**row, "app_id": "A0ROTATOR01", "strategy": "refresh"}}) as page:
        assert page.end()["results"]["rotator/ibmcloud"]["state"] == "staged"
    chain = here.bao.get(f"{path}_refresh")
    assert (chain["token"], chain["refresh_token"]) == (issued["bot_token"], kept[0]["bot_refresh_token"])
    assert list(chain["expires"]) == [fingerprint(issued["bot_token"])]
    assert here.bao.get(f"{path}_rotation")["tokens"]["bot"]["pending"]["token"] == issued["bot_token"]


def test_who_has_not_opened_the_link_gets_nothing(here: Sandbox) -> None:
    with Page(here, workspace="ibmcloud") as page:
        host = page.link.split("/")[2]
        for verb, path in (
            ("GET", "/"),
            ("GET", "/rows"),
            ("GET", "/install/ibmcloud"),
            ("POST", "/stop"),
            ("POST", "/paste"),
        ):
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request(verb, path, headers={"cookie": "botops-install=guess"})
            answer = connection.getresponse()
            shown = answer.read().decode()
            assert answer.status == 403 and "IBM Cloud" not in shown and "the terminal" in shown
            connection.close()
        person = page.person()
        status, _location, shown = person.get("/nothing")
        assert status == 404 and "nothing here" in shown
        headers = person.seen[-1]
        assert all(name in headers for name in ("content-security-policy", "no-referrer", "no-store", "nosniff"))
        assert json.loads(person.get("/rows?since=0")[2])["rows"].keys() == {"ibmcloud"}
        assert person.get("/paste", {"url": "x" * 20000})[0] == 303


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"install_bind": "127.0.0.1:1x"}, "botops_install_bind"),
        ({"install_bind": "0.0.0.0:0"}, "botops_install_url"),
        ({"install_cert": "missing.pem"}, "botops_install_cert"),
        ({"install_url": "controller.example.com"}, "botops_install_url"),
    ],
    ids=["bind", "everywhere", "cert", "url"],
)
def test_what_cannot_work_is_said_at_once(here: Sandbox, given: dict[str, Any], said: str) -> None:
    with Page(here, workspace="ibmcloud", **given) as page, pytest.raises(RotationError) as raised:
        page.end()
    assert said in str(raised.value) and not page.link


def test_a_bot_without_a_client_secret_is_told_which_line_is_missing(here: Sandbox) -> None:
    with Page(here, bot="ciedev1") as page, pytest.raises(RotationError) as raised:
        page.end()
    assert "botops_bots.ciedev1.client_path" in str(raised.value)
    here.bao.put(f"{PATHS}/empty", {"client_id": "1.2"})
    bots = here.registry["botops_bots"]
    bots["gobot"]["client_path"] = f"{PATHS}/empty"
    with Page(here, bots=bots) as page, pytest.raises(RotationError) as raised:
        page.end()
    assert "has no client_id and client_secret" in str(raised.value)


def test_check_mode_reads_and_shows_no_page(here: Sandbox) -> None:
    before = here.bao.snapshot()
    with Page(here, workspace="ibmcloud", check=True) as page:
        assert page.end() == {**page.result, "changed": False, "waiting": [ONE]} and not page.link
    assert here.bao.snapshot() == before


def test_a_bot_finds_its_current_token_in_vault(here: Sandbox) -> None:
    """Bolt's own way to a token, with the store: after a rotation a bot has the new one without a restart."""
    team = here.registry["botops_workspaces"]["compose"]["team_id"]
    vault = Vault.connect(VaultSettings(here.vault_url, token=here.vault_token))
    store = VaultInstallationStore(vault, {team: Place(here.path("gobot/compose"))})
    ask = InstallationStoreAuthorize(
        logger=store.logger, installation_store=store, bot_only=True, client=WebClient(base_url=here.slack_url)
    )
    context = BoltContext({"client": WebClient(base_url=here.slack_url), "logger": store.logger})
    found = ask(context=context, enterprise_id=None, team_id=team, user_id=None)
    assert found is not None and found.bot_token == here.current("gobot/compose")
    assert found.bot_user_id == here.slack.installation("gobot/compose")["bot_user_id"]
    here.bao.put(here.path("gobot/compose"), {"value": (token := tokens.bot(1, 2))})
    assert store.find_bot(enterprise_id=None, team_id=team).bot_token == token
    assert store.find_bot(enterprise_id=None, team_id="T0NOWHERE") is None


class _Other(http.server.BaseHTTPRequestHandler):
    """The least that Slack's documentation promises of OAuth v2 and auth.test, written without the sandbox: tokens of
    another shape, no header with scopes, no bots.info."""

    token = "-".join(["xoxb", "0f" * 16])

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"] or 0)).decode())
        if self.path == "/api/oauth.v2.access":
            basic = base64.b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()
            good = (
                basic == "12.34:very-secret" and form["code"] == ["c0de"] and form["redirect_uri"][0].startswith("http")
            )
            answer = {
                "ok": True,
                "access_token": self.token,
                "token_type": "bot",
                "scope": "chat:write,users:read",
                "bot_user_id": "U0BOT",
                "app_id": "A0OTHER",
                "team": {"id": "T0OTHER", "name": "Other"},
                "enterprise": None,
                "authed_user": {"id": "U0PERSON"},
                "is_enterprise_install": False,
            }
            self._say(answer if good else {"ok": False, "error": "invalid_code"})
        elif self.path == "/api/auth.test" and self.headers["authorization"] == f"Bearer {self.token}":
            self._say({"ok": True, "url": "https://other.slack.com/", "team": "Other", "user": "bot", "team_id": "T0OTHER"}
                      | {"user_id": "U0BOT", "bot_id": "B0BOT"})  # fmt: skip
        else:
            self._say({"ok": False, "error": "unknown_method"})

    def _say(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_dummy: object) -> None:
        pass


def test_another_implementation_of_slack(here: Sandbox) -> None:
    """What it does not send is not missed: the app and the scopes are taken from the exchange."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        path = f"{PATHS}/slack_bot_token_for_other"
        here.bao.put(f"{PATHS}/client_of_other", {"client_id": "12.34", "client_secret": "very-secret"})
        row = {"app_id": "A0OTHER", "client_path": f"{PATHS}/client_of_other", "required_scopes": ["chat:write"]}
        chosen = {
            "bots": {"other": {**row, "installations": {"one": {"bot_token_path": path}}}},
            "workspaces": {"one": {"name": "Other", "team_id": "T0OTHER"}},
            "slack_api_url": f"{url}/api/",
            "slack_authorize_url": f"{url}/oauth/v2/authorize",
        }
        with Page(here, bot="other", registers=False, **chosen) as page:
            person = page.person()
            query = parse_qs(urlsplit(person.add("one")).query)
            assert query["client_id"] == ["12.34"] and query["scope"] == ["chat:write"] and query["team"] == ["T0OTHER"]
            person.follow(f"{query['redirect_uri'][0]}?code=c0de&state={query['state'][0]}")
            assert page.end()["results"]["other/one"]["state"] == "staged", page.text
        server.shutdown()
    kept = here.bao.get(f"{path}_rotation")["tokens"]["bot"]["pending"]
    assert kept["token"] == _Other.token and kept["scopes"] == ["chat:write", "users:read"]
    assert kept["identity"]["app_id"] == "A0OTHER"
