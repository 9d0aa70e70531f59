"""Signing in at the Microsoft stand-in, over HTTP: pages as a person sees them, endpoints as programs do."""

from __future__ import annotations

import base64
import itertools
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from tests.sandbox.conftest import serving
from tests.sandbox.pages import Page, an_app, told

from calendar_sandbox.microsoft.clients import DEMO, client_from, clients_from
from calendar_sandbox.microsoft.state import PERSONAL_TENANT, Account, Client, Tenant, World
from calendar_sandbox.settings import Settings
from calendar_sandbox.standin import pkce, signing

NOW = datetime(2026, 11, 24, 9, 40, tzinfo=UTC)
BACK = "http://127.0.0.1:8000/connect/microsoft"
CALENDARS = "User.Read Calendars.ReadWrite Calendars.ReadWrite.Shared"
ALL = f"openid profile email offline_access {CALENDARS}"
SHOP = "0de0aaaa-0000-4000-8000-00000000000a"
VERIFIER = secrets.token_urlsafe(48)
PLACE = "/common/oauth2/v2.0"
APP = httpx.Client(timeout=10)  # the app's own requests: one connection for all tests


@pytest.fixture(scope="module")
def stand_in() -> Iterator[tuple[str, World]]:
    world = World(clock=lambda: NOW, seed=7)
    with serving(Settings(clock=lambda: NOW), None, world) as (url, _app):
        yield url, world


def asking(**values: Any) -> dict[str, str]:
    usual = {
        "client_id": DEMO.id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": ALL,
        "state": "s=1&é",
    }
    return {name: value for name, value in (usual | values).items() if value is not None}


def back(answer: httpx.Response, mark: str = "?") -> dict[str, str]:
    """What the app is told when the person comes back."""
    address = answer.headers["location"]
    assert address.startswith(f"{BACK}{mark}"), address
    parts = urlsplit(address)
    return dict(parse_qsl(parts.query or parts.fragment, strict_parsing=True))


numbers = itertools.count(1)


@dataclass
class Scene:
    """A fresh person of a fresh tenant, a fresh browser, and the app's own way of asking for tokens."""

    url: str
    world: World
    upn: str
    http: httpx.Client
    place: str = PLACE

    @property
    def account(self) -> Account:
        return self.world.account(self.upn)

    @property
    def tenant(self) -> Tenant:
        return self.world.tenants[self.account.tid]

    # --- the person's browser; it stops where the stand-in sends it to the app

    def follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.has_redirect_location and answer.headers["location"].startswith("/"):
            answer = self.http.get(f"{self.url}{answer.headers['location']}")
        return answer

    def ask(self, **values: Any) -> httpx.Response:
        return self.follow(self.http.get(f"{self.url}{self.place}/authorize", params=asking(**values)))

    def press(self, answer: httpx.Response, action: str, **values: Any) -> httpx.Response:
        known = Page(answer.text).hidden(f"{self.place}/{action}")
        return self.follow(self.http.post(f"{self.url}{self.place}/{action}", data=known | values))

    def permissions(self, **values: Any) -> httpx.Response:
        """Pick the account unless the browser is signed in: the next page, or the answer to the app."""
        answer = self.ask(**values)
        return self.press(answer, "pick", account=self.upn) if "Pick an account" in answer.text else answer

    def accept(self, answer: httpx.Response, **values: str) -> httpx.Response:
        return self.press(answer, "permissions", decision="accept", **values)

    def code(self, **values: Any) -> str:
        return back(self.accept(self.permissions(**values)))["code"]

    # --- the app

    def token(self, place: str = "", **form: str) -> httpx.Response:
        known = {"client_id": DEMO.id, "client_secret": DEMO.secret, "redirect_uri": BACK}
        sent = {name: value for name, value in (known | form).items() if value}
        return APP.post(f"{self.url}{place or self.place}/token", data=sent)

    def exchange(self, code: str, place: str = "", **form: str) -> httpx.Response:
        return self.token(place, grant_type="authorization_code", code=code, **form)

    def refresh(self, token: str, place: str = "", **form: str) -> httpx.Response:
        return self.token(place, grant_type="refresh_token", refresh_token=token, **form)

    def tokens(self, **values: Any) -> dict[str, Any]:
        answer = self.exchange(self.code(**values))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def userinfo(self, token: str) -> httpx.Response:
        return APP.get(f"{self.url}/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def scene(stand_in: tuple[str, World]) -> Iterator[Scene]:
    url, world = stand_in
    upn = f"ana@contoso{next(numbers)}.example"
    world.rotates_strictly = False
    world.clients[SHOP] = Client(SHOP, "shop-secret", "The Shop", ["https://shop.example/back?from=us"])
    world.add_account(upn, name="Ana Ortiz")
    with httpx.Client(follow_redirects=False, timeout=10) as http:
        yield Scene(url, world, upn, http)


@pytest.fixture
def personal(scene: Scene) -> Scene:
    scene.upn = f"ana{next(numbers)}@outlook.example"
    scene.world.add_account(scene.upn, name="Ana Ortiz", personal=True)
    return scene


def claims(token: str) -> dict[str, Any]:
    return signing.checked(token)


def error(answer: httpx.Response) -> tuple[int, str, int, str]:
    """Status, error, code and suberror; fails when the rest is not as Microsoft writes it."""
    said = answer.json()
    (code,) = said["error_codes"]
    text, _, rest = said["error_description"].partition(" Trace ID: ")
    assert text.startswith(f"AADSTS{code}: ")
    at = "2026-11-24 09:40:00Z" if "2026-11-24" in said["timestamp"] else said["timestamp"]
    assert (
        rest == f"{said['trace_id']} Correlation ID: {said['correlation_id']} Timestamp: {said['timestamp']}"
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", at)
    assert said["error_uri"].endswith(f"?code={code}")
    return answer.status_code, said["error"], code, said.get("suberror", "")


# --- picking and agreeing


def test_the_picker_offers_each_account_and_says_that_it_is_a_stand_in(scene: Scene):
    shown = Page(scene.ask().text)
    assert scene.upn in shown.buttons(f"{PLACE}/pick")
    assert "Pretend Microsoft" in shown.words
    assert "This is not Microsoft" in shown.words
    assert "Schedule Genie" in shown.words


def test_the_permissions_are_in_microsofts_words_and_all_or_nothing(scene: Scene):
    shown = Page(scene.permissions().text)
    assert "Permissions requested" in shown.words
    for text in (
        "Maintain access to data you have given it access to",
        "Sign you in and read your profile",
        "Have full access to your calendars",
        "Read and write to your and shared calendars",
    ):
        assert text in shown.words
    fields = shown.form(f"{PLACE}/permissions")["fields"]
    assert [one for one in fields if one.get("type") == "checkbox"] == []
    assert shown.buttons(f"{PLACE}/permissions") == ["accept", "cancel"]


def test_accepting_leads_back_with_a_code_and_the_state(scene: Scene):
    told = back(scene.accept(scene.permissions()))
    assert set(told) == {"code", "state", "session_state"}
    assert told["state"] == "s=1&é"
    grant = scene.world.grant_of(scene.account, DEMO.id)
    assert grant is not None
    assert set(grant.scopes) == set(ALL.split())


def test_cancelling_leads_back_with_access_denied(scene: Scene):
    told = back(scene.press(scene.permissions(), "permissions", decision="cancel"))
    assert (told["error"], told["error_subcode"], told["state"]) == ("access_denied", "cancel", "s=1&é")
    assert told["error_description"].startswith("AADSTS65004: User declined to consent to access the app.")
    assert scene.world.grant_of(scene.account, DEMO.id) is None


def test_consent_once_given_is_not_asked_for_again_unless_wished(scene: Scene):
    scene.code()
    assert back(scene.permissions())["code"]
    assert "Permissions requested" in scene.permissions(prompt="consent").text


def test_a_new_permission_is_asked_for(scene: Scene):
    scene.code(scope="User.Read")
    assert "Have full access to your calendars" in scene.permissions(scope="Calendars.ReadWrite").text


def test_names_of_permissions_may_be_long_or_in_other_letters(scene: Scene):
    scene.code(scope="https://graph.microsoft.com/calendars.readwrite OpenID")
    grant = scene.world.grant_of(scene.account, DEMO.id)
    assert grant is not None
    assert grant.scopes == ["Calendars.ReadWrite", "openid"]
    scene.code(scope="https://graph.microsoft.com/.default")
    assert set(grant.scopes) == {"openid", *CALENDARS.split()}


def test_a_browser_that_is_signed_in_skips_the_picker_until_it_is_wished(scene: Scene):
    scene.permissions()
    assert "Permissions requested" in scene.ask().text
    for prompt in ("select_account", "login"):
        picker = scene.ask(prompt=prompt).text
        assert "Pick an account" in picker
        assert "Signed in" in picker
    out = scene.http.get(f"{scene.url}{PLACE}/logout")
    assert "You signed out of your account" in out.text
    assert "Pick an account" in scene.ask().text


def test_a_browser_with_two_accounts_is_asked_which(scene: Scene):
    other = scene.world.add_account(f"other-{scene.upn}")
    scene.permissions()
    scene.press(scene.ask(prompt="select_account"), "pick", account=other.upn)
    assert "Pick an account" in scene.ask().text


def test_a_login_hint_picks_the_account_and_stands_in_the_form(scene: Scene):
    assert scene.upn in Page(scene.ask(login_hint=scene.upn.upper()).text).words
    picker = Page(scene.ask(login_hint=scene.upn, prompt="select_account").text)
    assert picker.buttons(f"{PLACE}/pick")[0] == scene.upn


def test_a_domain_hint_leaves_the_others_out(scene: Scene):
    scene.world.add_account(f"mine-{scene.upn}.outlook.example", personal=True)

    def offered(hint: str) -> list[str]:
        return Page(scene.ask(domain_hint=hint).text).buttons(f"{PLACE}/pick")

    assert offered(scene.upn.partition("@")[2]) == [scene.upn]
    assert all(scene.world.account(upn).personal for upn in offered("consumers"))
    assert not any(scene.world.account(upn).personal for upn in offered("organizations"))


def test_another_account_is_typed(scene: Scene):
    form = scene.http.get(f"{scene.url}{PLACE}/login", params=Page(scene.ask().text).hidden(f"{PLACE}/login"))
    wrong = scene.press(form, "pick", account="nobody@contoso.example")
    assert wrong.status_code == 400
    assert "This username may be incorrect." in wrong.text
    assert 'value="nobody@contoso.example"' in wrong.text
    assert "Permissions requested" in scene.press(wrong, "pick", account=scene.upn.upper()).text


def test_a_suspended_account_is_neither_offered_nor_let_in(scene: Scene):
    picker = scene.ask()
    scene.account.suspended = True
    assert f'value="{scene.upn}"' not in scene.ask().text
    assert "has been locked" in scene.press(picker, "pick", account=scene.upn).text


def test_nothing_is_shown_with_prompt_none(scene: Scene):
    def told(**values: Any) -> tuple[str, str]:
        answer = back(scene.ask(prompt="none", **values))
        return answer["error"], answer["error_description"].partition(":")[0]

    assert told() == ("login_required", "AADSTS50058")
    scene.permissions()
    assert told() == ("interaction_required", "AADSTS65001")
    scene.code()
    assert back(scene.ask(prompt="none"))["code"]
    other = scene.world.add_account(f"other-{scene.upn}")
    assert told(login_hint=other.upn) == ("login_required", "AADSTS50058")
    scene.press(scene.ask(prompt="select_account"), "pick", account=other.upn)
    assert told() == ("interaction_required", "AADSTS16000")


# --- ways of answering


def test_the_answer_comes_in_the_fragment_when_wished(scene: Scene):
    told = back(scene.accept(scene.permissions(response_mode="fragment")), "#")
    assert told["state"] == "s=1&é"
    assert told["code"]


def test_the_answer_comes_as_a_form_when_wished(scene: Scene):
    answer = scene.accept(scene.permissions(response_mode="form_post"))
    assert answer.status_code == 200
    assert (
        f"form-action 'self' {BACK.removesuffix('/connect/microsoft')};"
        in answer.headers["Content-Security-Policy"]
    )
    fields = Page(answer.text).hidden(BACK)
    assert set(fields) == {"code", "state", "session_state"}
    assert fields["state"] == "s=1&é"
    assert scene.exchange(fields["code"]).status_code == 200
    denied = scene.press(
        scene.permissions(response_mode="form_post", prompt="consent"), "permissions", decision="cancel"
    )
    assert Page(denied.text).hidden(BACK)["error"] == "access_denied"


def test_signing_out_goes_on_to_an_address_of_an_app_alone(scene: Scene):
    def leaving(back_to: str, **more: str) -> httpx.Response:
        params = {"post_logout_redirect_uri": back_to, **more}
        return scene.http.get(f"{scene.url}{PLACE}/logout", params=params)

    assert leaving(BACK).headers["location"] == BACK
    assert leaving(BACK, state="x").headers["location"] == f"{BACK}?state=x"
    assert "location" not in leaving("https://evil.example/").headers


# --- administrators


def test_where_users_may_not_agree_an_administrator_must(scene: Scene):
    scene.tenant.users_may_consent = False
    page = scene.permissions()
    shown = Page(page.text)
    assert "Need admin approval" in shown.words
    assert "only an admin can grant" in shown.words
    told = back(scene.press(page, "permissions", decision="cancel"))
    assert (told["error"], told["state"]) == ("access_denied", "s=1&é")
    assert told["error_description"].startswith("AADSTS90094: The grant requires admin permission.")
    forced = back(scene.press(page, "permissions", decision="accept"))
    assert forced["error_description"].startswith("AADSTS90094")
    assert scene.world.grant_of(scene.account, DEMO.id) is None


def test_an_app_may_need_an_administrator_whatever_the_tenant_says(scene: Scene):
    scene.world.clients["strict"] = Client("strict", "x", "Strict", needs_admin=True)
    assert "Need admin approval" in scene.permissions(client_id="strict").text


def test_an_administrator_agrees_alone_or_for_the_organisation(scene: Scene):
    scene.tenant.users_may_consent = False
    boss = scene.world.add_account(f"boss@{scene.tenant.name}")
    boss.admin = True
    user, scene.upn = scene.upn, boss.upn
    page = scene.permissions(prompt="select_account")
    assert "Consent on behalf of your organization" in page.text
    assert back(scene.accept(page))["code"]
    assert scene.tenant.consented == []
    page = scene.permissions(prompt="consent")
    assert back(scene.accept(page, organization="on"))["code"]
    assert scene.tenant.consented == [DEMO.id]
    scene.upn = user
    assert back(scene.permissions(prompt="select_account"))["code"]


def test_prompt_consent_asks_those_who_may_not_agree_too(scene: Scene):
    scene.tenant.users_may_consent = False
    scene.tenant.consented.append(DEMO.id)
    assert back(scene.permissions())["code"]
    assert "Need admin approval" in scene.permissions(prompt="consent").text


def test_an_ordinary_persons_tick_for_the_organisation_counts_for_nothing(scene: Scene):
    page = scene.permissions()
    assert "on behalf of your organization" not in page.text
    assert back(scene.accept(page, organization="on"))["code"]
    assert scene.tenant.consented == []


# --- kinds of accounts


def test_a_personal_account_is_not_asked_for_shared_calendars(personal: Scene):
    personal.world.tenants.clear()  # no organisation has a say
    page = personal.permissions()
    assert "Let this app access your info?" in page.text
    assert "shared calendars" not in Page(page.text).words
    answer = personal.exchange(back(personal.accept(page))["code"]).json()
    assert answer["scope"].split()[:2] == ["User.Read", "Calendars.ReadWrite"]
    assert "Calendars.ReadWrite.Shared" not in answer["scope"]
    assert answer["expires_in"] == 3600
    known = claims(answer["id_token"])
    assert known["tid"] == PERSONAL_TENANT
    assert known["iss"] == f"https://login.microsoftonline.com/{PERSONAL_TENANT}/v2.0"
    again = personal.refresh(answer["refresh_token"], scope=ALL)
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("tenant", "says"),
    [
        ("organizations", "can’t sign in here with a personal account"),
        ("consumers", "can’t sign in here with a work or school account"),
    ],
)
def test_the_wrong_kind_of_account_is_told_so(scene: Scene, tenant: str, says: str):
    mine = scene.world.add_account(f"mine-{scene.upn}.outlook.example", personal=True)
    scene.place = f"/{tenant}/oauth2/v2.0"
    wrong = mine.upn if tenant == "organizations" else scene.upn
    picker = scene.ask()
    assert wrong not in Page(picker.text).buttons(f"{scene.place}/pick")
    assert says in scene.press(picker, "pick", account=wrong).text


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_tenant_of_its_own_lets_its_people_in_alone(scene: Scene, by: str):
    scene.place = f"/{getattr(scene.tenant, by)}/oauth2/v2.0"
    other = scene.world.add_account(f"ben@elsewhere{next(numbers)}.example")
    page = scene.press(scene.ask(), "pick", account=other.upn)
    assert page.status_code == 400
    assert "AADSTS50020: User account" in page.text
    assert "location" not in page.headers
    assert scene.tokens()["access_token"]


def test_an_app_of_one_tenant_is_of_no_use_elsewhere(scene: Scene):
    scene.world.clients["inner"] = Client("inner", "x", "Inner", audience=scene.tenant.id)
    assert "AADSTS50194: Application" in scene.ask(client_id="inner").text
    scene.place = f"/{scene.tenant.id}/oauth2/v2.0"
    assert "Permissions requested" in scene.permissions(client_id="inner").text
    other = scene.world.add_account(f"ben@elsewhere{next(numbers)}.example")
    scene.place = f"/{other.tid}/oauth2/v2.0"
    assert "AADSTS700016" in scene.ask(client_id="inner").text


@pytest.mark.parametrize(
    ("audience", "tenant", "code"),
    [
        ("consumers", "common", "AADSTS9002331"),
        ("organizations", "consumers", "AADSTS700016"),
        ("consumers", "consumers", ""),
        ("organizations", "common", ""),
    ],
)
def test_an_app_serves_the_kinds_of_accounts_it_is_registered_for(
    scene: Scene, audience: str, tenant: str, code: str
):
    scene.world.clients["some"] = Client("some", "x", "Some", audience=audience)
    scene.place = f"/{tenant}/oauth2/v2.0"
    page = scene.ask(client_id="some").text
    assert code in page if code else "Pick an account" in page
    mine = scene.world.add_account(f"mine-{scene.upn}.outlook.example", personal=True)
    if (audience, tenant) == ("organizations", "common"):
        query = urlencode(asking(client_id="some"))
        wrong = scene.follow(
            scene.http.post(f"{scene.url}{PLACE}/pick", data={"request": query, "account": mine.upn})
        )
        assert "identity provider &#39;live.com&#39;" in wrong.text


# --- requests nobody can serve


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"client_id": None}, "AADSTS900144: The request body must contain the following parameter: 'cl"),
        ({"client_id": "nobody"}, "AADSTS700016: Application with identifier 'nobody' was not found"),
        ({"redirect_uri": None}, "AADSTS900144: The request body must contain the following parameter: 're"),
        ({"redirect_uri": "https://elsewhere.example/"}, "AADSTS50011: The redirect URI 'https://elsewhere"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, "AADSTS50011"),
        ({"redirect_uri": "http://é;img-src *@127.0.0.1/"}, "AADSTS50011"),
        ({"redirect_uri": "http://[::1/"}, "AADSTS50011"),
        ({"client_id": SHOP}, "AADSTS50011"),
    ],
)
def test_a_wrong_app_or_address_ends_on_a_page_and_redirects_nobody(scene: Scene, values: dict, says: str):
    answer = scene.ask(**values)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert says in unescape(answer.text)
    assert "Sorry, but we’re having trouble signing you in." in answer.text


@pytest.mark.parametrize("tenant", ["nowhere.example", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_tenant_is_refused_everywhere(scene: Scene, tenant: str):
    scene.place = f"/{tenant}/oauth2/v2.0"
    page = scene.ask()
    assert page.status_code == 400
    assert f"AADSTS90002: Tenant '{tenant}' not found." in unescape(page.text)
    assert error(scene.exchange("x"))[:3] == (400, "invalid_request", 90002)
    found = APP.get(f"{scene.url}/{tenant}/v2.0/.well-known/openid-configuration")
    assert error(found)[:3] == (400, "invalid_tenant", 90002)


@pytest.mark.parametrize(
    ("values", "name", "code"),
    [
        ({"response_type": None}, "invalid_request", 900144),
        ({"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({"response_type": "nonsense"}, "unsupported_response_type", 70005),
        ({"response_mode": "web_message"}, "invalid_request", 90023),
        ({"scope": None}, "invalid_request", 900144),
        ({"scope": "openid Calendars.Write"}, "invalid_client", 650053),
        ({"prompt": "sometimes"}, "invalid_request", 90023),
        ({"prompt": "select_account consent"}, "invalid_request", 90023),
        ({"code_challenge": "x" * 43, "code_challenge_method": "S512"}, "invalid_request", 50149),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request", 501491),
        ({"code_challenge_method": "S256"}, "invalid_request", 501491),
    ],
)
def test_a_wrong_wish_is_told_to_the_app(scene: Scene, values: dict, name: str, code: int):
    told = back(scene.ask(**values))
    assert (told["error"], told["state"]) == (name, "s=1&é")
    assert told["error_description"].startswith(f"AADSTS{code}: ")


def test_a_tampered_step_is_refused_too(scene: Scene):
    for action, data in (
        ("pick", {"account": scene.upn, "request": "client_id=nobody"}),
        ("permissions", {"account": "nobody@contoso.example", "request": urlencode(asking())}),
        ("permissions", {}),
    ):
        answer = scene.http.post(f"{scene.url}{PLACE}/{action}", data=data | {"decision": "accept"})
        assert "trouble signing you in" in answer.text
        assert answer.status_code == 400


def test_a_registered_address_fits_to_the_letter_and_keeps_its_query(scene: Scene):
    (address,) = scene.world.clients[SHOP].redirect_uris
    page = scene.permissions(client_id=SHOP, redirect_uri=address)
    assert "The Shop" in page.text
    assert scene.accept(page).headers["location"].startswith(f"{address}&code=")
    assert "AADSTS50011" in scene.ask(client_id=SHOP, redirect_uri=f"{address}/").text
    assert (
        "Permissions requested" in scene.permissions(client_id=SHOP, redirect_uri=None, prompt="consent").text
    )


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:65000", "[::1]:8000", "localhost"])
def test_the_demo_client_returns_to_any_loopback_address(scene: Scene, host: str):
    assert "Pick an account" in scene.ask(redirect_uri=f"http://{host}/back").text


def test_pages_forbid_foreign_scripts_and_let_forms_end_at_the_app_alone(scene: Scene):
    for page in (scene.ask(), scene.permissions()):
        policy = page.headers["Content-Security-Policy"]
        assert "form-action 'self' http://127.0.0.1:8000;" in policy
        assert "default-src 'none'" in policy
        assert "<script" not in page.text


def test_another_site_cannot_press_accept(scene: Scene):
    data = {"account": scene.upn, "request": urlencode(asking()), "decision": "accept"}
    answer = APP.post(
        f"{scene.url}{PLACE}/permissions", data=data, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


# --- tokens


def test_a_code_becomes_tokens_as_microsoft_writes_them(scene: Scene):
    answer = scene.exchange(scene.code(nonce="n-1"))
    said = answer.json()
    assert set(said) == {
        *("token_type", "scope", "expires_in", "ext_expires_in"),
        *("access_token", "refresh_token", "id_token"),
    }
    assert said["scope"] == f"{CALENDARS} profile openid email"
    assert 3600 <= said["expires_in"] == said["ext_expires_in"] <= 5400
    assert answer.headers["cache-control"] == "no-store"
    known = claims(said["id_token"])
    assert known["iss"] == f"https://login.microsoftonline.com/{scene.account.tid}/v2.0"
    assert (known["ver"], known["aud"], known["tid"]) == ("2.0", DEMO.id, scene.account.tid)
    assert (known["oid"], known["preferred_username"]) == (scene.account.oid, scene.upn)
    assert (known["name"], known["email"], known["nonce"]) == ("Ana Ortiz", scene.upn, "n-1")
    assert known["exp"] - known["iat"] == 3600


def test_how_long_an_access_token_lives_differs_and_is_kept(scene: Scene):
    refresh = scene.tokens()["refresh_token"]
    lives = set()
    for _time in range(5):
        said = scene.refresh(refresh).json()
        lives.add(said["expires_in"])
    assert len(lives) > 1
    scene.world.advance(timedelta(seconds=said["expires_in"] - 1))
    assert scene.userinfo(said["access_token"]).status_code == 200
    scene.world.advance(timedelta(seconds=1))
    assert scene.userinfo(said["access_token"]).status_code == 401


def test_a_refresh_token_comes_with_offline_access_alone(scene: Scene):
    assert "refresh_token" not in scene.tokens(scope=CALENDARS)
    assert scene.tokens()["refresh_token"]


def test_without_openid_there_is_no_id_token(scene: Scene):
    said = scene.tokens(scope=f"offline_access {CALENDARS}")
    assert "id_token" not in said
    assert said["scope"] == CALENDARS


def test_the_subject_differs_from_app_to_app_and_stays_for_one(scene: Scene):
    first = claims(scene.tokens()["id_token"])
    scene.world.clients["other"] = Client("other", "x", "Other")
    code = scene.code(client_id="other")
    other = claims(scene.exchange(code, client_id="other", client_secret="x").json()["id_token"])
    again = claims(scene.exchange(back(scene.permissions())["code"]).json()["id_token"])
    assert first["oid"] == other["oid"]
    assert first["sub"] != other["sub"]
    assert first["sub"] == again["sub"]


def test_names_in_the_answer_are_as_long_as_those_asked_for(scene: Scene):
    graph = "https://graph.microsoft.com/"
    asked = f"{graph}User.Read {graph}Calendars.ReadWrite"
    said = scene.exchange(scene.code(scope=f"offline_access {asked}"), scope=asked).json()
    assert said["scope"] == f"{graph}User.Read {graph}Calendars.ReadWrite"
    said = scene.refresh(said["refresh_token"], scope="Calendars.ReadWrite").json()
    assert said["scope"] == "User.Read Calendars.ReadWrite"


def test_each_refresh_gives_a_new_refresh_token_and_the_old_ones_go_on(scene: Scene):
    first = scene.tokens()
    second = scene.refresh(first["refresh_token"]).json()
    third = scene.refresh(second["refresh_token"]).json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert third["scope"] == first["scope"]
    assert claims(third["id_token"])["sub"] == claims(first["id_token"])["sub"]
    assert scene.refresh(first["refresh_token"]).status_code == 200
    assert scene.userinfo(first["access_token"]).status_code == 200


def test_old_refresh_tokens_are_refused_at_once_when_that_is_switched_on(scene: Scene):
    scene.world.rotates_strictly = True
    first = scene.tokens()
    second = scene.refresh(first["refresh_token"]).json()
    assert error(scene.refresh(first["refresh_token"])) == (400, "invalid_grant", 70000, "bad_token")
    assert scene.refresh(second["refresh_token"]).status_code == 200


def test_a_refresh_token_unused_for_ninety_days_dies(scene: Scene):
    token = scene.tokens()["refresh_token"]
    scene.world.advance(timedelta(days=80))
    assert scene.refresh(token).status_code == 200
    scene.world.advance(timedelta(days=80))
    assert scene.refresh(token).status_code == 200
    scene.world.advance(timedelta(days=90))
    answer = scene.refresh(token)
    assert error(answer) == (400, "invalid_grant", 700082, "bad_token")
    assert "was inactive for 90.00:00:00" in answer.json()["error_description"]


def test_refreshing_may_not_ask_for_what_was_not_agreed_to(scene: Scene):
    token = scene.tokens(scope="offline_access User.Read")["refresh_token"]
    answer = scene.refresh(token, scope="Calendars.ReadWrite")
    assert error(answer) == (400, "invalid_grant", 65001, "consent_required")
    assert error(scene.refresh(token, scope="Nonsense.Read"))[:3] == (400, "invalid_scope", 70011)


def test_a_code_is_good_once_and_for_ten_minutes(scene: Scene):
    code = scene.code()
    assert scene.exchange(code).status_code == 200
    assert error(scene.exchange(code)) == (400, "invalid_grant", 54005, "")
    late = scene.code(prompt="consent")
    scene.world.advance(timedelta(minutes=10))
    assert error(scene.exchange(late)) == (400, "invalid_grant", 70008, "")


def test_a_failed_exchange_does_not_use_the_code_up(scene: Scene):
    code = scene.code()
    assert error(scene.exchange(code, redirect_uri=f"{BACK}/"))[:3] == (400, "invalid_client", 500112)
    assert scene.exchange(code).status_code == 200


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_id": ""}, (400, "invalid_request", 900144, "")),
        ({"client_id": "nobody"}, (400, "unauthorized_client", 700016, "")),
        ({"client_secret": ""}, (401, "invalid_client", 7000218, "")),
        ({"client_secret": "guess"}, (401, "invalid_client", 7000215, "")),
        ({"client_assertion": "a.b.c"}, (400, "invalid_request", 900144, "")),
        ({"client_id": "public"}, (401, "invalid_client", 700025, "")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003, "")),
        ({"grant_type": ""}, (400, "invalid_request", 900144, "")),
        ({"code": ""}, (400, "invalid_request", 900144, "")),
        ({"code": "nonsense"}, (400, "invalid_grant", 9002313, "")),
        ({"redirect_uri": ""}, (400, "invalid_request", 900144, "")),
        ({"redirect_uri": "http://localhost/"}, (400, "invalid_client", 500112, "")),
        ({"client_id": SHOP, "client_secret": "shop-secret"}, (400, "invalid_grant", 9002313, "")),
        ({"scope": "Calendars.Read"}, (400, "invalid_grant", 65001, "consent_required")),
        ({"grant_type": "refresh_token"}, (400, "invalid_request", 900144, "")),
        (
            {"grant_type": "refresh_token", "refresh_token": "nonsense"},
            (400, "invalid_grant", 9002313, ""),
        ),
    ],
)
def test_token_errors_are_microsofts(scene: Scene, form: dict[str, str], expected: tuple):
    scene.world.clients["public"] = Client("public", name="Public")
    usual = {"grant_type": "authorization_code", "code": scene.code()}
    assert error(scene.token(**usual | form)) == expected


def test_a_code_and_a_token_belong_to_their_tenant(scene: Scene):
    elsewhere = scene.world.add_account(f"ben@elsewhere{next(numbers)}.example").tid
    code = scene.code()
    for tenant in (elsewhere, "consumers"):
        answer = scene.exchange(code, f"/{tenant}/oauth2/v2.0")
        assert error(answer)[:3] == (400, "invalid_grant", 700005)
    tokens = scene.exchange(code, f"/{scene.tenant.id}/oauth2/v2.0").json()
    assert error(scene.refresh(tokens["refresh_token"], f"/{elsewhere}/oauth2/v2.0"))[2] == 700005
    assert scene.refresh(tokens["refresh_token"], "/organizations/oauth2/v2.0").status_code == 200


@pytest.mark.parametrize("method", ["S256", "plain"])
def test_the_code_verifier_is_checked(scene: Scene, method: str):
    challenge = pkce.challenge_of(VERIFIER) if method == "S256" else VERIFIER
    code = scene.code(code_challenge=challenge, code_challenge_method=method)
    assert error(scene.exchange(code))[:3] == (400, "invalid_grant", 50148)
    assert error(scene.exchange(code, code_verifier="y" * 64))[:3] == (400, "invalid_grant", 501481)
    assert scene.exchange(code, code_verifier=VERIFIER).status_code == 200


def test_a_challenge_without_a_method_is_plain(scene: Scene):
    assert scene.exchange(scene.code(code_challenge=VERIFIER), code_verifier=VERIFIER).status_code == 200


def test_a_public_client_has_no_secret(scene: Scene):
    scene.world.clients["public"] = Client("public", name="Public")
    code = scene.code(client_id="public")
    assert scene.exchange(code, client_id="public", client_secret="").status_code == 200


def test_the_client_may_speak_http_basic_but_not_json(scene: Scene):
    form = {"grant_type": "authorization_code", "redirect_uri": BACK}
    url = f"{scene.url}{PLACE}/token"
    sent = form | {"code": scene.code()}
    assert APP.post(url, data=sent, auth=(DEMO.id, DEMO.secret)).status_code == 200
    assert error(APP.post(url, data=sent, auth=(DEMO.id, "guess")))[:3] == (401, "invalid_client", 7000215)
    for header in ("Basic !!!", "Basic bm9jb2xvbg=="):
        assert error(APP.post(url, data=sent, headers={"Authorization": header}))[2] == 9002313
    assert error(APP.post(url, json=sent))[:3] == (400, "invalid_request", 900144)


def test_the_clients_own_correlation_id_comes_back(scene: Scene):
    mine = "6f1e9a60-1b2c-4d3e-8f90-0123456789ab"
    url = f"{scene.url}{PLACE}/token"
    answer = APP.post(url, data={}, headers={"client-request-id": mine})
    assert answer.json()["correlation_id"] == mine
    assert answer.headers["client-request-id"] == mine
    for nonsense in ("x", "é" * 5):
        answer = APP.post(url, data={}, headers={"client-request-id": nonsense.encode()})
        assert error(answer)[2] == 900144
        assert nonsense not in answer.text


def test_another_clients_refresh_token_is_refused(scene: Scene):
    token = scene.tokens()["refresh_token"]
    answer = scene.refresh(token, client_id=SHOP, client_secret="shop-secret")
    assert error(answer) == (400, "invalid_grant", 70000, "bad_token")


def test_a_suspended_persons_tokens_stop(scene: Scene):
    tokens = scene.tokens()
    scene.account.suspended = True
    assert error(scene.refresh(tokens["refresh_token"]))[:3] == (400, "invalid_grant", 50057)
    assert scene.userinfo(tokens["access_token"]).status_code == 401


def test_a_revoked_grant_wants_a_new_sign_in(scene: Scene):
    tokens, pending = scene.tokens(), scene.code(prompt="consent")
    scene.world.revoke_grant(scene.account, DEMO.id)
    assert error(scene.refresh(tokens["refresh_token"])) == (400, "invalid_grant", 50173, "bad_token")
    assert error(scene.exchange(pending)) == (400, "invalid_grant", 50173, "bad_token")
    assert scene.userinfo(tokens["access_token"]).status_code == 401


def test_what_a_person_takes_back_wants_consent_again(scene: Scene):
    tokens = scene.tokens()
    here = {"account": scene.upn}
    page = scene.http.get(f"{scene.url}/connections", params=here).text
    assert "Schedule Genie" in page
    assert "Have full access to your calendars" in page
    scene.http.post(f"{scene.url}/connections/remove", data=here | {"client": DEMO.id})
    assert "No app has access." in scene.http.get(f"{scene.url}/connections", params=here).text
    assert error(scene.refresh(tokens["refresh_token"])) == (400, "invalid_grant", 65001, "consent_required")
    assert scene.userinfo(tokens["access_token"]).status_code == 401
    assert "Permissions requested" in scene.permissions().text
    scene.code()
    assert scene.refresh(tokens["refresh_token"]).status_code == 200
    assert "Schedule Genie" in scene.http.get(f"{scene.url}/connections", params=here).text


# --- faults


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "interaction_required", ("interaction_required", 50076, "basic_action")),
        (400, "consent_required", ("invalid_grant", 65001, "consent_required")),
        (400, "bad_token", ("invalid_grant", 50173, "bad_token")),
        (401, "invalid_client", ("invalid_client", 7000215, "")),
        (503, "", ("temporarily_unavailable", 90033, "")),
        (500, "", ("server_error", 90033, "")),
        (400, "slow_down", ("slow_down", 9002313, "")),
    ],
)
def test_a_fault_of_the_token_endpoint_is_worded_as_microsofts(
    scene: Scene, status: int, reason: str, expected: tuple
):
    token = scene.tokens()["refresh_token"]
    fault = {"kind": "error_before", "call": "oauth.token", "code": status, "reason": reason}
    APP.post(f"{scene.url}/_sandbox/microsoft/faults", json=fault)
    assert error(scene.refresh(token)) == (status, *expected)
    assert scene.refresh(token).status_code == 200


def test_an_answer_that_is_lost_after_the_token_was_renewed(scene: Scene):
    """With strict rotation the app is stranded: the token it has was exchanged, the new one never came."""
    scene.world.rotates_strictly = True
    token = scene.tokens()["refresh_token"]
    fault = {"kind": "reset_after", "call": "oauth.token"}
    APP.post(f"{scene.url}/_sandbox/microsoft/faults", json=fault)
    with pytest.raises(httpx.HTTPError):
        scene.refresh(token)
    assert error(scene.refresh(token)) == (400, "invalid_grant", 70000, "bad_token")
    scene.world.rotates_strictly = False
    assert scene.refresh(token).status_code == 200


# --- who it was, and where everything is


def test_userinfo_tells_what_the_permissions_allow(scene: Scene):
    tokens = scene.tokens()
    known = scene.userinfo(tokens["access_token"]).json()
    assert known == {
        "sub": claims(tokens["id_token"])["sub"],
        "name": "Ana Ortiz",
        "given_name": "Ana",
        "family_name": "Ortiz",
        "email": scene.upn,
    }
    scene.world.revoke_grant(scene.account, DEMO.id)
    assert scene.userinfo(scene.tokens(scope="User.Read")["access_token"]).status_code == 401
    assert scene.userinfo("nonsense").json()["error"]["code"] == "InvalidAuthenticationToken"


def test_the_discovery_document_names_this_address_and_microsofts_issuer(scene: Scene):
    def found(tenant: str) -> dict[str, Any]:
        answer = APP.get(f"{scene.url}/{tenant}/v2.0/.well-known/openid-configuration")
        said: dict[str, Any] = answer.json()
        return said

    common = found("common")
    assert common["token_endpoint"] == f"{scene.url}{PLACE}/token"
    assert common["authorization_endpoint"] == f"{scene.url}{PLACE}/authorize"
    assert common["end_session_endpoint"] == f"{scene.url}{PLACE}/logout"
    assert common["userinfo_endpoint"] == f"{scene.url}/oidc/userinfo"
    assert common["issuer"] == "https://login.microsoftonline.com/{tenantid}/v2.0"
    assert found("consumers")["issuer"] == f"https://login.microsoftonline.com/{PERSONAL_TENANT}/v2.0"
    assert found(scene.tenant.name)["issuer"].endswith(f"/{scene.tenant.id}/v2.0")
    (key,) = APP.get(common["jwks_uri"]).json()["keys"]
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    assert base64.b64decode(key["x5c"][0])


def test_who_it_was_is_told_to_those_who_ask_for_it(scene: Scene):
    said = scene.exchange(scene.code(), client_info="1").json()
    info = json.loads(base64.urlsafe_b64decode(f"{said['client_info']}=="))
    assert info == {"uid": scene.account.oid, "utid": scene.account.tid}
    assert "client_info" in scene.refresh(said["refresh_token"], client_info="1").json()


def test_apps_are_registered_on_the_command_line():
    made = clients_from(["a:b:https://x.example/1", "a:b:https://x.example/2", f"{DEMO.id}:s:http://y/"])
    assert [client.redirect_uris for client in made] == [
        ["https://x.example/1", "https://x.example/2"],
        ["http://y/"],
    ]
    assert (made[0].name, made[1].name) == ("", "Schedule Genie")
    with pytest.raises(ValueError, match="a Microsoft client is written"):
        client_from("a:b")
    with pytest.raises(ValueError, match="two secrets"):
        clients_from(["a:b:https://x.example/", "a:c:https://x.example/"])


# --- in a browser


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    with an_app() as address:
        yield address


@pytest.mark.browser
@pytest.mark.parametrize(("mode", "script"), [("query", True), ("query", False), ("form_post", False)])
def test_a_person_picks_and_accepts_on_a_phone(scene: Scene, browser: Any, app: str, mode: str, script: bool):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=script)
    window = context.new_page()
    address = f"{scene.url}{PLACE}/authorize?{urlencode(asking(redirect_uri=app, response_mode=mode))}"
    window.goto(address)
    window.get_by_role("button", name=scene.upn).click()
    window.get_by_text("Have full access to your calendars").click()
    window.get_by_text("read, update, create and delete events in your calendars").wait_for()
    assert window.locator("html").bounding_box()["width"] == 390
    window.get_by_role("button", name="Accept").click()
    if mode == "form_post":
        window.get_by_role("button", name="Continue").click()
    answer = scene.exchange(told(window)["code"], redirect_uri=app).json()
    assert answer["scope"].split() == [*CALENDARS.split(), "profile", "openid", "email"]
    window.goto(address)  # nothing left to ask: straight back
    if mode == "form_post":
        window.get_by_role("button", name="Continue").click()
    assert told(window)["code"]
    context.close()


@pytest.mark.browser
def test_a_person_takes_another_account_and_cancels(scene: Scene, page: Any, app: str):
    page.goto(f"{scene.url}{PLACE}/authorize?{urlencode(asking(redirect_uri=app))}")
    page.get_by_role("button", name="Use another account").click()
    page.get_by_label("Email").fill(scene.upn)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel").click()
    assert told(page)["error_subcode"] == "cancel"


@pytest.mark.browser
def test_a_person_without_the_right_goes_back_or_fetches_the_administrator(scene: Scene, page: Any, app: str):
    scene.tenant.users_may_consent = False
    boss = scene.world.add_account(f"boss@{scene.tenant.name}")
    boss.admin = True
    address = f"{scene.url}{PLACE}/authorize?{urlencode(asking(redirect_uri=app))}"
    page.goto(address)
    page.get_by_role("button", name=scene.upn).click()
    page.get_by_role("button", name="Return to the application without granting consent").click()
    assert told(page)["error_description"].startswith("AADSTS90094")
    page.goto(address)
    page.get_by_role("button", name="Sign in with that account").click()
    page.get_by_label("Email").fill(boss.upn)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Consent on behalf of your organization").check()
    page.get_by_role("button", name="Accept").click()
    assert told(page)["code"]
    assert scene.tenant.consented == [DEMO.id]
