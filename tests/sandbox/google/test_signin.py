"""Signing in at the Google stand-in, over HTTP: pages as a person sees them, endpoints as programs do."""

from __future__ import annotations

import base64
import itertools
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from tests.sandbox import pages
from tests.sandbox.conftest import serving

from calendar_sandbox.google.clients import DEMO, client_from, clients_from
from calendar_sandbox.google.state import Client, World
from calendar_sandbox.settings import Settings
from calendar_sandbox.standin import pkce, signing
from calendar_sandbox.standin.clients import origin_of

NOW = datetime(2026, 11, 24, 9, 40, tzinfo=UTC)
AUTH = "https://www.googleapis.com/auth"
EVENTS, LIST = f"{AUTH}/calendar.events", f"{AUTH}/calendar.calendarlist.readonly"
EMAIL, PROFILE = f"{AUTH}/userinfo.email", f"{AUTH}/userinfo.profile"
ALL = f"openid email profile {EVENTS} {LIST}"
BACK = "http://127.0.0.1:8000/connect/google"
SHOP = Client("shop.example", "shop-secret", "The Shop", ["https://shop.example/back?from=google"])
VERIFIER = secrets.token_urlsafe(48)
APP = httpx.Client(timeout=10)  # the app's own requests: one connection for all tests


@pytest.fixture(scope="module")
def stand_in() -> Iterator[tuple[str, World]]:
    world = World(clock=lambda: NOW, seed=7)
    settings = Settings(caldav_url="http://127.0.0.1:9", clock=lambda: NOW)
    with serving(settings, world) as (url, _app):
        yield url, world


class Page(pages.Page):
    """A page with the ticks of a consent page."""

    def ticks(self) -> dict[str, bool]:
        fields = self.form("/signin/oauth/consent")["fields"]
        return {one["value"]: "checked" in one for one in fields if one.get("type") == "checkbox"}


@dataclass
class Browser:
    """One person's browser: it keeps cookies, and stops where the stand-in sends it to the app."""

    url: str
    http: httpx.Client

    def follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.has_redirect_location and answer.headers["location"].startswith("/"):
            answer = self.http.get(f"{self.url}{answer.headers['location']}")
        return answer

    def ask(self, **values: str) -> httpx.Response:
        return self.follow(self.http.get(f"{self.url}/o/oauth2/v2/auth", params=asking(**values)))

    def post(self, answer: httpx.Response, action: str, **values: Any) -> httpx.Response:
        known = Page(answer.text).hidden(action)
        return self.follow(self.http.post(f"{self.url}{action}", data=known | values))

    def choose(self, answer: httpx.Response, email: str) -> httpx.Response:
        return self.post(answer, "/signin/oauth/accountchooser", account=email)

    def agree(self, answer: httpx.Response, *ticks: str) -> dict[str, str]:
        return back(self.post(answer, "/signin/oauth/consent", decision="continue", scope=list(ticks)))

    def deny(self, answer: httpx.Response) -> dict[str, str]:
        return back(self.post(answer, "/signin/oauth/consent", decision="deny"))


def asking(**values: str) -> dict[str, str]:
    usual = {
        "client_id": DEMO.id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": ALL,
        "state": "s=1&é",
    }
    return {name: value for name, value in (usual | values).items() if value is not None}


def back(answer: httpx.Response) -> dict[str, str]:
    """What the app is told when the person comes back."""
    address = answer.headers["location"]
    assert address.startswith(f"{BACK}?"), address
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True))


numbers = itertools.count(1)


@dataclass
class Scene:
    """A fresh person at the stand-in, a fresh browser, and the app's own way of asking for tokens."""

    url: str
    world: World
    email: str
    browser: Browser

    def post(self, path: str, **values: Any) -> httpx.Response:
        return APP.post(f"{self.url}{path}", **values)

    def token(self, **form: str) -> httpx.Response:
        known = {"client_id": DEMO.id, "client_secret": DEMO.secret, "redirect_uri": BACK}
        sent = {name: value for name, value in (known | form).items() if value}
        return self.post("/token", data=sent)

    def exchange(self, code: str, **form: str) -> httpx.Response:
        return self.token(grant_type="authorization_code", code=code, **form)

    def refresh(self, token: str, **form: str) -> httpx.Response:
        return self.token(grant_type="refresh_token", refresh_token=token, **form)

    def consent(self, **values: str) -> httpx.Response:
        answer = self.browser.ask(**values)
        if "/signin/oauth/accountchooser" in answer.text:
            answer = self.browser.choose(answer, self.email)
        return answer

    def code(self, *ticks: str, **values: str) -> str:
        return self.browser.agree(self.consent(**values), *(ticks or (EVENTS, LIST)))["code"]

    def tokens(self, *ticks: str, **values: str) -> dict[str, Any]:
        answer = self.exchange(self.code(*ticks, **({"access_type": "offline"} | values)))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def userinfo(self, token: str, path: str = "/v1/userinfo") -> httpx.Response:
        return APP.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def scene(stand_in: tuple[str, World]) -> Iterator[Scene]:
    url, world = stand_in
    email = f"ana{next(numbers)}@example.org"
    world.add_account(email, name="Ana Ortiz", picture="https://example.org/ana.png")
    with httpx.Client(follow_redirects=False, timeout=10, verify=False) as http:
        yield Scene(url, world, email, Browser(url, http))


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
    return found


def error(answer: httpx.Response) -> tuple[int, str, str]:
    said = answer.json()
    return answer.status_code, said["error"], said["error_description"]


# --- choosing and agreeing


def test_the_chooser_offers_each_account_and_says_that_it_is_a_stand_in(scene: Scene):
    shown = Page(scene.browser.ask().text)
    buttons = [
        one["value"] for one in shown.form("/signin/oauth/accountchooser")["fields"] if one["tag"] == "button"
    ]
    assert scene.email in buttons
    assert "Pretend Google" in shown.words
    assert "This is not Google" in shown.words
    assert "Schedule Genie" in shown.words


def test_consent_has_a_tick_for_each_scope_but_those_of_signing_in(scene: Scene):
    shown = Page(scene.consent().text)
    assert shown.ticks() == {EVENTS: False, LIST: False}
    assert "View and edit events on all your calendars" in shown.words
    assert "See the list of Google calendars you’re subscribed to" in shown.words
    assert "See your primary Google Account email address" in shown.words


def test_all_ticks_and_continue_lead_back_with_a_code_and_the_state(scene: Scene):
    told = scene.browser.agree(scene.consent(), EVENTS, LIST)
    assert (told["state"], told["iss"], told["prompt"]) == ("s=1&é", "https://accounts.google.com", "consent")
    assert told["scope"].split() == ["openid", EMAIL, PROFILE, EVENTS, LIST]
    assert told["code"].startswith("4/0A")


def test_a_missing_tick_is_a_missing_scope_everywhere(scene: Scene):
    told = scene.browser.agree(scene.consent(), LIST)
    assert EVENTS not in told["scope"].split()
    answer = scene.exchange(told["code"]).json()
    assert answer["scope"].split() == ["openid", EMAIL, PROFILE, LIST]
    grant = scene.world.grant_of(scene.world.account(scene.email), DEMO.id)
    assert grant is not None
    assert EVENTS not in grant.scopes


def test_no_tick_at_all_still_signs_in_and_without_sign_in_scopes_denies(scene: Scene):
    told = scene.browser.agree(scene.consent())
    assert told["scope"].split() == ["openid", EMAIL, PROFILE]
    told = scene.browser.agree(scene.consent(scope=f"{EVENTS} {LIST}", prompt="consent"))
    assert told["error"] == "access_denied"


def test_a_scope_alone_has_no_tick(scene: Scene):
    answer = scene.consent(scope=EVENTS)
    assert Page(answer.text).ticks() == {}
    assert scene.browser.agree(answer)["scope"] == EVENTS


def test_denying_leads_back_with_access_denied_and_the_state(scene: Scene):
    told = scene.browser.deny(scene.consent())
    assert told == {"error": "access_denied", "state": "s=1&é", "iss": "https://accounts.google.com"}
    assert scene.world.grant_of(scene.world.account(scene.email), DEMO.id) is None


def test_consent_once_given_is_not_asked_for_again_unless_wished(scene: Scene):
    scene.code()
    again = back(scene.consent())
    assert (again["prompt"], "code" in again) == ("none", True)
    assert set(Page(scene.consent(prompt="consent").text).ticks().values()) == {True}


def test_a_new_scope_is_asked_for_and_the_old_ones_stand_ticked(scene: Scene):
    scene.code(EVENTS)
    assert Page(scene.consent().text).ticks() == {EVENTS: True, LIST: False}


def test_scopes_granted_before_come_along_only_when_wished(scene: Scene):
    scene.code(EVENTS)
    alone = scene.browser.agree(scene.consent(scope=f"openid {LIST}"), LIST)
    assert alone["scope"].split() == ["openid", LIST]
    combined = back(scene.consent(scope=f"openid {LIST}", include_granted_scopes="true"))
    assert set(combined["scope"].split()) == {"openid", EMAIL, PROFILE, EVENTS, LIST}


def test_a_browser_that_is_signed_in_skips_the_chooser_until_it_is_wished(scene: Scene):
    scene.consent()
    assert Page(scene.browser.ask().text).ticks() == {EVENTS: False, LIST: False}
    chooser = scene.browser.ask(prompt="select_account consent")
    assert "Choose an account" in chooser.text
    assert "Signed in" in Page(chooser.text).words
    out = scene.browser.post(chooser, "/signin/oauth/signout")
    assert "Choose an account" in out.text
    assert "Choose an account" in scene.browser.ask().text


def test_a_browser_with_two_accounts_is_asked_which(scene: Scene):
    other = scene.world.add_account(f"other-{scene.email}")
    scene.consent()
    told = scene.browser.agree(
        scene.browser.choose(scene.browser.ask(prompt="select_account"), other.email), EVENTS
    )
    assert told["authuser"] == "1"
    assert "Choose an account" in scene.browser.ask().text


@pytest.mark.parametrize("by", ["email", "sub"])
def test_a_login_hint_chooses_the_account(scene: Scene, by: str):
    hint = getattr(scene.world.account(scene.email), by)
    assert scene.email in Page(scene.browser.ask(login_hint=hint).text).words
    chooser = Page(scene.browser.ask(login_hint=hint, prompt="select_account").text)
    first = next(
        one for one in chooser.form("/signin/oauth/accountchooser")["fields"] if one["tag"] == "button"
    )
    assert first["value"] == scene.email


def test_another_account_is_typed(scene: Scene):
    form = scene.browser.http.get(
        f"{scene.url}/signin/oauth/identifier",
        params=Page(scene.browser.ask().text).hidden("/signin/oauth/identifier"),
    )
    wrong = scene.browser.choose(form, "nobody@example.org")
    assert wrong.status_code == 400
    assert "Couldn’t find your Google Account" in wrong.text
    assert 'value="nobody@example.org"' in wrong.text
    assert Page(scene.browser.choose(wrong, scene.email.upper()).text).ticks()


def test_a_suspended_account_is_neither_offered_nor_let_in(scene: Scene):
    chooser = scene.browser.ask()
    scene.world.account(scene.email).suspended = True
    assert f'value="{scene.email}"' not in scene.browser.ask().text
    assert "has been disabled" in scene.browser.choose(chooser, scene.email).text


def test_nothing_is_shown_with_prompt_none(scene: Scene):
    refused = {
        "error": "interaction_required",
        "error_subtype": "access_denied",
        "state": "s=1&é",
        "iss": "https://accounts.google.com",
    }
    assert back(scene.browser.ask(prompt="none")) == refused
    scene.consent()
    assert back(scene.browser.ask(prompt="none")) == refused
    scene.code()
    assert back(scene.browser.ask(prompt="none"))["code"]
    assert back(scene.browser.ask(prompt="none", login_hint="nobody@example.org"))["code"]
    other = scene.world.add_account(f"other-{scene.email}")
    assert back(scene.browser.ask(prompt="none", login_hint=other.email)) == refused


# --- requests nobody can serve


@pytest.mark.parametrize(
    ("values", "status", "says"),
    [
        ({"client_id": None}, 400, "Missing required parameter: client_id"),
        ({"client_id": "nobody"}, 401, "The OAuth client was not found."),
        ({"redirect_uri": None}, 400, "Missing required parameter: redirect_uri"),
        ({"redirect_uri": "https://elsewhere.example/"}, 400, "Error 400: redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, 400, "Error 400: redirect_uri_mismatch"),
        ({"redirect_uri": "http://é;img-src *@127.0.0.1/"}, 400, "Error 400: redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1:80x/"}, 400, "Error 400: redirect_uri_mismatch"),
        ({"redirect_uri": "http://[::1/"}, 400, "Error 400: redirect_uri_mismatch"),
        ({"client_id": SHOP.id}, 400, "Error 400: redirect_uri_mismatch"),
        ({"response_type": None}, 400, "Required parameter is missing: response_type"),
        ({"response_type": "token"}, 400, "Invalid response_type: token"),
        ({"scope": None}, 400, "Missing required parameter: scope"),
        ({"scope": f"openid {AUTH}/gmail"}, 400, f"{{valid=[openid], invalid=[{AUTH}/gmail]}}"),
        ({"prompt": "login"}, 400, "Invalid prompt: login"),
        ({"prompt": "none consent"}, 400, "none cannot be combined"),
        ({"access_type": "sometimes"}, 400, "Invalid parameter value for access_type: sometimes"),
        ({"include_granted_scopes": "1"}, 400, "Invalid parameter value for include_granted_scopes: 1"),
        (
            {"code_challenge": "x" * 43, "code_challenge_method": "S512"},
            400,
            "Invalid code_challenge_method: S512",
        ),
        ({"code_challenge": "short"}, 400, "Invalid code_challenge"),
    ],
)
def test_a_wrong_request_ends_on_a_page_and_redirects_nobody(
    scene: Scene, values: dict, status: int, says: str
):
    scene.world.clients[SHOP.id] = SHOP
    answer = scene.browser.http.get(f"{scene.url}/o/oauth2/v2/auth", params=asking(**values))
    assert (answer.status_code, "location" in answer.headers) == (status, False)
    assert says in unescape(answer.text)
    assert "Access blocked: Authorization Error" in answer.text


def test_a_parameter_sent_twice_is_refused(scene: Scene):
    query = f"{urlencode(asking())}&scope=openid"
    answer = scene.browser.http.get(f"{scene.url}/o/oauth2/v2/auth?{query}")
    assert "OAuth 2 parameters can only have a single value: scope" in answer.text


def test_a_tampered_step_is_refused_too(scene: Scene):
    for path, data in (
        ("/signin/oauth/accountchooser", {"account": scene.email, "request": "client_id=nobody"}),
        ("/signin/oauth/consent", {"account": "nobody@example.org", "request": urlencode(asking())}),
        ("/signin/oauth/consent", {}),
    ):
        answer = scene.browser.http.post(f"{scene.url}{path}", data=data | {"decision": "continue"})
        assert "Access blocked" in answer.text
        assert answer.status_code in (400, 401)


def test_a_registered_address_fits_to_the_letter_and_keeps_its_query(scene: Scene):
    scene.world.clients[SHOP.id] = SHOP
    values = {"client_id": SHOP.id, "redirect_uri": SHOP.redirect_uris[0]}
    consent = scene.consent(**values)
    assert "The Shop wants access" in consent.text
    answer = scene.browser.post(consent, "/signin/oauth/consent", decision="continue", scope=[EVENTS])
    assert answer.headers["location"].startswith(f"{SHOP.redirect_uris[0]}&code=")
    slash = scene.browser.ask(**values | {"redirect_uri": f"{SHOP.redirect_uris[0]}/"})
    assert "redirect_uri_mismatch" in slash.text


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:65000", "[::1]:8000", "localhost"])
def test_the_demo_client_returns_to_any_loopback_address(scene: Scene, host: str):
    assert "Choose an account" in scene.browser.ask(redirect_uri=f"http://{host}/back").text


def test_pages_forbid_foreign_scripts_and_let_forms_end_at_the_app_alone(scene: Scene):
    policy = scene.browser.ask().headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:8000;" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_another_site_cannot_press_continue(scene: Scene):
    data = {"account": scene.email, "request": urlencode(asking()), "decision": "continue"}
    answer = APP.post(
        f"{scene.url}/signin/oauth/consent", data=data, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


# --- tokens


def test_a_code_becomes_tokens_as_google_writes_them(scene: Scene):
    answer = scene.exchange(scene.code(access_type="offline", nonce="n-1"))
    said = answer.json()
    assert set(said) == {"access_token", "expires_in", "refresh_token", "scope", "token_type", "id_token"}
    assert (said["token_type"], said["expires_in"]) == ("Bearer", 3599)
    assert said["access_token"].startswith("ya29.")
    assert said["refresh_token"].startswith("1//")
    known = claims(said["id_token"])
    account = scene.world.account(scene.email)
    assert known["iss"] == "https://accounts.google.com"
    assert (known["aud"], known["azp"], known["sub"]) == (DEMO.id, DEMO.id, account.sub)
    assert (known["email"], known["email_verified"], known["nonce"]) == (scene.email, True, "n-1")
    assert (known["name"], known["given_name"], known["family_name"]) == ("Ana Ortiz", "Ana", "Ortiz")
    assert known["exp"] - known["iat"] == 3600
    assert known["at_hash"] == signing.half_hash(said["access_token"])


def test_a_refresh_token_comes_only_offline_and_only_when_the_person_was_asked(scene: Scene):
    assert "refresh_token" not in scene.tokens(access_type="online")
    silent = back(scene.consent(access_type="offline"))
    assert "refresh_token" not in scene.exchange(silent["code"]).json()
    assert scene.tokens(prompt="consent")["refresh_token"]


def test_without_openid_there_is_no_id_token(scene: Scene):
    assert "id_token" not in scene.tokens(scope=f"{EVENTS} {LIST}")


def test_refreshing_gives_a_new_access_token_and_keeps_the_refresh_token(scene: Scene):
    first = scene.tokens()
    for _time in range(2):
        answer = scene.refresh(first["refresh_token"]).json()
        assert set(answer) == {"access_token", "expires_in", "scope", "token_type", "id_token"}
        assert answer["access_token"] != first["access_token"]
        assert answer["scope"] == first["scope"]
        assert claims(answer["id_token"])["email"] == scene.email
    assert scene.userinfo(first["access_token"]).status_code == 200


def test_refreshing_may_ask_for_less_but_not_for_more(scene: Scene):
    token = scene.tokens(LIST)["refresh_token"]
    assert scene.refresh(token, scope=f"email {LIST}").json()["scope"].split() == ["openid", EMAIL, LIST]
    assert error(scene.refresh(token, scope=EVENTS))[:2] == (400, "invalid_scope")


def test_an_access_token_dies_after_an_hour_of_the_worlds_time(scene: Scene):
    token = scene.tokens()["access_token"]
    scene.world.advance(timedelta(seconds=3599))
    assert scene.userinfo(token).status_code == 200
    scene.world.advance(timedelta(seconds=1))
    assert error(scene.userinfo(token)) == (401, "invalid_request", "Invalid Credentials")


def test_a_code_is_good_once_and_for_ten_minutes(scene: Scene):
    code = scene.code()
    assert scene.exchange(code).status_code == 200
    assert error(scene.exchange(code)) == (400, "invalid_grant", "Bad Request")
    late = scene.code(prompt="consent")
    scene.world.advance(timedelta(minutes=10))
    assert error(scene.exchange(late)) == (400, "invalid_grant", "Bad Request")


def test_a_failed_exchange_does_not_use_the_code_up(scene: Scene):
    code = scene.code()
    assert error(scene.exchange(code, redirect_uri=f"{BACK}/"))[:2] == (400, "redirect_uri_mismatch")
    assert scene.exchange(code).status_code == 200


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_id": ""}, (400, "invalid_request", "Could not determine client ID from request.")),
        ({"client_id": "nobody"}, (401, "invalid_client", "The OAuth client was not found.")),
        ({"client_secret": ""}, (400, "invalid_request", "client_secret is missing.")),
        ({"client_secret": "guess"}, (401, "invalid_client", "The provided client secret is invalid.")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", "Invalid grant_type: password")),
        ({"grant_type": ""}, (400, "unsupported_grant_type", "Invalid grant_type: ")),
        ({"code": ""}, (400, "invalid_request", "Missing required parameter: code")),
        ({"code": "4/nonsense"}, (400, "invalid_grant", "Malformed auth code.")),
        ({"redirect_uri": ""}, (400, "invalid_request", "Missing required parameter: redirect_uri")),
        ({"redirect_uri": "http://localhost/"}, (400, "redirect_uri_mismatch", "Bad Request")),
        ({"code_verifier": "x" * 43}, (400, "invalid_grant", "code_verifier or verifier is not needed")),
        ({"client_id": SHOP.id, "client_secret": SHOP.secret}, (400, "invalid_grant", "Bad Request")),
        (
            {"grant_type": "refresh_token"},
            (400, "invalid_request", "Missing required parameter: refresh_token"),
        ),
        (
            {"grant_type": "refresh_token", "refresh_token": "1//x"},
            (400, "invalid_grant", "Token has been expired or revoked."),
        ),
    ],
)
def test_token_errors_are_googles(scene: Scene, form: dict[str, str], expected: tuple[int, str, str]):
    scene.world.clients[SHOP.id] = SHOP
    usual = {"grant_type": "authorization_code", "code": scene.code()}
    assert error(scene.token(**usual | form)) == expected


@pytest.mark.parametrize("method", ["S256", "plain"])
def test_the_code_verifier_is_checked(scene: Scene, method: str):
    challenge = pkce.challenge_of(VERIFIER) if method == "S256" else VERIFIER
    code = scene.code(code_challenge=challenge, code_challenge_method=method)
    assert error(scene.exchange(code)) == (400, "invalid_grant", "Missing code verifier.")
    assert error(scene.exchange(code, code_verifier="y" * 64)) == (
        400,
        "invalid_grant",
        "Invalid code verifier.",
    )
    assert scene.exchange(code, code_verifier=VERIFIER).status_code == 200


def test_a_challenge_without_a_method_is_plain(scene: Scene):
    assert scene.exchange(scene.code(code_challenge=VERIFIER), code_verifier=VERIFIER).status_code == 200


def test_the_client_may_speak_http_basic_or_json(scene: Scene):
    form = {"grant_type": "authorization_code", "redirect_uri": BACK}
    auth = (DEMO.id, DEMO.secret)
    assert scene.post("/token", data=form | {"code": scene.code()}, auth=auth).status_code == 200
    secret = {"client_id": DEMO.id, "client_secret": DEMO.secret}
    code = scene.code(prompt="consent")
    assert scene.post("/token", json=form | secret | {"code": code}).status_code == 200
    wrong = scene.post("/token", data=form | {"code": "4/x"}, auth=(DEMO.id, "guess"))
    assert error(wrong) == (401, "invalid_client", "The provided client secret is invalid.")
    for header in ("Basic !!!", "Basic bm9jb2xvbg=="):
        assert (
            error(scene.post("/token", data=form, headers={"Authorization": header}))[1] == "invalid_client"
        )
    assert error(scene.post("/token", content=b"[]", headers={"Content-Type": "application/json"}))[0] == 400


def test_another_clients_refresh_token_is_refused(scene: Scene):
    scene.world.clients[SHOP.id] = SHOP
    token = scene.tokens()["refresh_token"]
    answer = scene.refresh(token, client_id=SHOP.id, client_secret=SHOP.secret)
    assert error(answer) == (401, "unauthorized_client", "Unauthorized")


def test_past_a_hundred_the_oldest_refresh_token_dies_silently(scene: Scene):
    first = scene.tokens()["refresh_token"]
    account = scene.world.account(scene.email)
    others = [scene.world.issue_refresh_token(account, DEMO.id, [EVENTS]).token for _ in range(99)]
    assert scene.refresh(first).status_code == 200
    newest = scene.tokens(prompt="consent")["refresh_token"]
    assert error(scene.refresh(first)) == (400, "invalid_grant", "Token has been expired or revoked.")
    for token in (others[0], newest):
        assert scene.refresh(token).status_code == 200


def test_a_refresh_token_idle_for_six_months_or_of_an_app_in_testing_for_seven_days_dies(scene: Scene):
    token = scene.tokens()["refresh_token"]
    scene.world.advance(timedelta(days=150))
    assert scene.refresh(token).status_code == 200
    scene.world.advance(timedelta(days=183))
    assert error(scene.refresh(token))[1] == "invalid_grant"
    scene.world.clients["draft"] = Client("draft", testing=True)
    draft = {"client_id": "draft", "client_secret": ""}
    code = scene.code(access_type="offline", client_id="draft")
    answer = scene.exchange(code, **draft).json()
    assert answer["refresh_token_expires_in"] == 7 * 24 * 3600 - 1
    scene.world.advance(timedelta(days=6))
    assert scene.refresh(answer["refresh_token"], **draft).status_code == 200
    scene.world.advance(timedelta(days=1))
    assert error(scene.refresh(answer["refresh_token"], **draft))[1] == "invalid_grant"


def test_a_suspended_persons_tokens_stop(scene: Scene):
    tokens = scene.tokens()
    scene.world.account(scene.email).suspended = True
    assert error(scene.refresh(tokens["refresh_token"]))[1] == "invalid_grant"
    assert scene.userinfo(tokens["access_token"]).status_code == 401


# --- revoking, and who it was


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_any_token_ends_the_whole_grant(scene: Scene, kind: str):
    first, second = scene.tokens(), scene.tokens(prompt="consent")
    pending = scene.code(prompt="consent")
    answer = scene.post("/revoke", data={"token": first[kind]})
    assert (answer.status_code, answer.json()) == (200, {})
    for tokens in (first, second):
        assert error(scene.refresh(tokens["refresh_token"]))[1] == "invalid_grant"
        assert scene.userinfo(tokens["access_token"]).status_code == 401
    assert error(scene.exchange(pending))[1] == "invalid_grant"
    assert error(scene.post("/revoke", data={"token": first[kind]})) == (
        400,
        "invalid_token",
        "Token expired or revoked",
    )
    assert Page(scene.consent().text).ticks() == {EVENTS: False, LIST: False}


def test_revoking_leaves_other_people_and_other_apps_alone(scene: Scene):
    scene.world.clients[SHOP.id] = SHOP
    mine = scene.tokens()
    account = scene.world.account(scene.email)
    elsewhere = scene.world.issue_access_token(account, SHOP.id, ["openid"]).token
    other = scene.world.add_account(f"other-{scene.email}")
    theirs = scene.world.issue_access_token(other, DEMO.id, ["openid"]).token
    assert scene.post("/revoke", params={"token": mine["refresh_token"]}).status_code == 200
    assert [scene.userinfo(token).status_code for token in (elsewhere, theirs)] == [200, 200]


@pytest.mark.parametrize("path", ["/v1/userinfo", "/oauth2/v3/userinfo"])
def test_userinfo_tells_what_the_scopes_allow(scene: Scene, path: str):
    account = scene.world.account(scene.email)
    everything = {
        "sub": account.sub,
        "name": "Ana Ortiz",
        "given_name": "Ana",
        "family_name": "Ortiz",
        "picture": "https://example.org/ana.png",
        "email": scene.email,
        "email_verified": True,
    }
    assert scene.userinfo(scene.tokens()["access_token"], path).json() == everything
    mail = scene.world.issue_access_token(account, DEMO.id, ["openid", EMAIL]).token
    assert set(scene.userinfo(mail, path).json()) == {"sub", "email", "email_verified"}
    assert APP.get(f"{scene.url}{path}?access_token={mail}").status_code == 200
    nothing = scene.world.issue_access_token(account, DEMO.id, [EVENTS]).token
    assert scene.userinfo(nothing, path).status_code == 403
    wrong = scene.userinfo("ya29.nonsense", path)
    assert error(wrong) == (401, "invalid_request", "Invalid Credentials")
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


def test_tokeninfo_describes_both_kinds_of_token(scene: Scene):
    tokens = scene.tokens()
    about = APP.get(f"{scene.url}/tokeninfo", params={"access_token": tokens["access_token"]}).json()
    assert (about["aud"], about["scope"], about["email"]) == (DEMO.id, tokens["scope"], scene.email)
    assert (about["expires_in"], about["access_type"], about["email_verified"]) == ("3600", "offline", "true")
    about = scene.post("/oauth2/v3/tokeninfo", data={"id_token": tokens["id_token"]}).json()
    assert (about["sub"], about["name"]) == (scene.world.account(scene.email).sub, "Ana Ortiz")
    head, body, signature = tokens["id_token"].split(".")
    forged = f"{head}.{base64.urlsafe_b64encode(b'{}').decode().rstrip('=')}.{signature}"
    for wrong in (
        {"access_token": "x"},
        {"id_token": "x"},
        {"id_token": forged},
        {"id_token": f"{head}.{body}."},
    ):
        answer = APP.get(f"{scene.url}/tokeninfo", params=wrong)
        assert error(answer) == (400, "invalid_token", "Invalid Value")


def test_the_discovery_document_leads_to_everything(scene: Scene):
    found = APP.get(f"{scene.url}/.well-known/openid-configuration").json()
    assert found["issuer"] == "https://accounts.google.com"
    assert found["authorization_endpoint"] == f"{scene.url}/o/oauth2/v2/auth"
    assert APP.get(found["jwks_uri"]).json()["keys"][0]["alg"] == "RS256"
    tokens = scene.tokens()
    assert APP.get(found["userinfo_endpoint"], headers=bearer(tokens)).json()["email"] == scene.email
    assert APP.post(found["revocation_endpoint"], data={"token": tokens["access_token"]}).status_code == 200


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


# --- registering apps


def test_a_client_is_written_with_its_address():
    made = client_from("id-1:secret:https://shop.example:8443/back?a=b:c")
    assert (made.id, made.secret, made.redirect_uris) == (
        "id-1",
        "secret",
        ["https://shop.example:8443/back?a=b:c"],
    )


def test_an_app_has_several_addresses_and_one_secret():
    (made,) = clients_from(["a:s:http://localhost/1", "a:s:https://x.example/2"])
    assert made.redirect_uris == ["http://localhost/1", "https://x.example/2"]
    with pytest.raises(ValueError, match="two secrets"):
        clients_from(["a:s:http://localhost/1", "a:t:http://localhost/2"])


@pytest.mark.parametrize(
    "wrong", ["", "id", "id:secret", "id::https://x.example/", ":s:https://x/", "a:b:ftp://x/", "a:b:c"]
)
def test_a_client_written_wrongly_is_refused(wrong: str):
    with pytest.raises(ValueError, match="ID:SECRET:REDIRECT_URI"):
        client_from(wrong)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Shop.example:8443/back?x", "https://shop.example:8443"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://bücher.example/back", "https://xn--bcher-kva.example"),
    ],
)
def test_an_apps_origin_is_written_as_policies_write_it(address: str, origin: str):
    assert origin_of(address) == origin


# --- in a browser


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    with pages.an_app() as address:
        yield address


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False])
def test_a_person_signs_in_ticks_and_continues_on_a_phone(scene: Scene, browser: Any, app: str, script: bool):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=script)
    window = context.new_page()
    address = f"{scene.url}/o/oauth2/v2/auth?{urlencode(asking(redirect_uri=app))}"
    window.goto(address)
    window.get_by_role("button", name=scene.email).click()
    window.get_by_label("View and edit events on all your calendars").check()
    window.get_by_label("See the list of Google calendars you’re subscribed to").check()
    assert window.locator("html").bounding_box()["width"] == 390
    window.get_by_role("button", name="Continue").click()
    answer = scene.exchange(pages.told(window)["code"], redirect_uri=app).json()
    assert answer["scope"].split() == ["openid", EMAIL, PROFILE, EVENTS, LIST]
    window.goto(address)  # nothing left to ask: straight back
    assert pages.told(window)["prompt"] == "none"
    context.close()


@pytest.mark.browser
def test_a_person_takes_another_account_and_denies(scene: Scene, page: Any, app: str):
    page.goto(f"{scene.url}/o/oauth2/v2/auth?{urlencode(asking(redirect_uri=app))}")
    page.get_by_role("button", name="Use another account").click()
    page.get_by_label("Email").fill(scene.email)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel, deny access").click()
    assert pages.told(page)["error"] == "access_denied"
