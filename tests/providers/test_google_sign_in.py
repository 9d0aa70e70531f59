"""Signing in at the stand-in, as the account's owner does: from the address to a key, or to a message."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.google_sandbox import GoogleSandbox
from tests.providers.google_side import ANA, CLIENT, NOVEMBER, settings_for
from tests.providers.sides import content, fresh

from genie.core import errors
from genie.providers.google.auth import EVENTS, LIST
from genie.providers.port import Grant, SignIn
from genie.providers.registry import open_provider, sign_in

BACK = CLIENT.redirect_uris[0]
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Owner:
    """Somebody at their browser; Ana, if it is not said who."""

    url: str
    http: httpx.Client
    back: str = BACK

    def answer(
        self,
        address: str,
        *,
        account: str = ANA,
        ticks: tuple[str, ...] = (EVENTS, LIST),
        decision: str = "continue",
    ) -> Any:
        """What the app is told when they come back."""
        chooser = self._follow(self.http.get(address))
        consent = self._post(chooser, "accountchooser", account=account)
        back = self._post(consent, "consent", decision=decision, scope=list(ticks))
        assert back.headers["location"].startswith(f"{self.back}?"), back.text
        return dict(parse_qsl(urlsplit(back.headers["location"]).query))

    def _post(self, page: httpx.Response, where: str, **values: Any) -> httpx.Response:
        form = page.text.partition(f'action="/signin/oauth/{where}"')[2].partition("</form>")[0]
        hidden = {name: unescape(value) for name, value in HIDDEN.findall(form)}
        return self._follow(self.http.post(f"{self.url}/signin/oauth/{where}", data=hidden | values))

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.has_redirect_location and answer.headers["location"].startswith("/"):
            answer = self.http.get(f"{self.url}{answer.headers['location']}")
        return answer


@dataclass
class Scene:
    sandbox: GoogleSandbox
    owner: Owner
    pages: SignIn
    verifier: str

    def sign_in(self, **answer: Any) -> dict[str, str]:
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        address = self.pages.address(state="st&te", challenge=challenge, redirect_uri=BACK, account=ANA)
        back: dict[str, str] = self.owner.answer(address, **answer)
        assert back["state"] == "st&te"
        return back

    def exchange(self, code: str, **changes: str) -> Grant:
        return self.pages.exchange(
            **({"code": code, "verifier": self.verifier, "redirect_uri": BACK} | changes)
        )

    def grants(self) -> int:
        """Refresh tokens that live."""
        with self.sandbox.world.lock:
            found = self.sandbox.world.grant_of(self.sandbox.account(ANA), CLIENT.id)
            return len(found.refresh_tokens) if found else 0


@pytest.fixture
def scene(google_sandbox: GoogleSandbox) -> Iterator[Scene]:
    google_sandbox.stop_clock(NOVEMBER)
    google_sandbox.account(ANA, name="Ana Ortiz")
    with google_sandbox.world.lock:
        google_sandbox.world.clients[CLIENT.id] = CLIENT
    pages = sign_in("google", settings_for(google_sandbox))
    assert pages is not None
    with httpx.Client(timeout=30) as http:
        yield Scene(google_sandbox, Owner(google_sandbox.base_url, http), pages, secrets.token_urlsafe(48))


def test_from_the_address_to_a_key_that_works(scene):
    grant = scene.exchange(scene.sign_in()["code"])
    with scene.sandbox.world.lock:
        assert grant.account.identity == scene.sandbox.account(ANA).sub
    assert grant.account.label == ANA
    assert [info.id for info in grant.calendars] == [ANA]
    provider = open_provider("google", grant.secret, settings_for(scene.sandbox))
    assert provider.account() == grant.account
    assert provider.create(ANA, fresh(), content()).content == content()
    provider.close()


def test_an_hour_later_the_key_renews_itself(scene):
    grant = scene.exchange(scene.sign_in()["code"])
    scene.sandbox.advance(timedelta(hours=2))
    provider = open_provider("google", grant.secret, settings_for(scene.sandbox))
    assert [info.id for info in provider.calendars()] == [ANA]
    provider.close()


@pytest.mark.parametrize("ticks", [(), (EVENTS,), (LIST,)])
def test_a_tick_that_is_missing_makes_no_key_and_ends_no_other(scene, ticks):
    before = scene.exchange(scene.sign_in()["code"])
    with pytest.raises(errors.PermissionMissing, match="The calendar permission was not granted"):
        scene.exchange(scene.sign_in(ticks=ticks)["code"])
    provider = open_provider("google", before.secret, settings_for(scene.sandbox))
    assert provider.account() == before.account
    provider.close()


def test_a_denial_is_said(scene):
    back = scene.sign_in(decision="deny")
    assert isinstance(scene.pages.refusal(error=back["error"], description=""), errors.Denied)


@pytest.mark.parametrize("changes", [{"verifier": "another" * 8}, {"code": "4/another"}])
def test_a_code_without_its_verifier_is_nothing(scene, changes):
    with pytest.raises(errors.SignInExpired):
        scene.exchange(**({"code": scene.sign_in()["code"]} | changes))


def test_a_code_is_good_once_and_for_ten_minutes(scene):
    code = scene.sign_in()["code"]
    scene.exchange(code)
    with pytest.raises(errors.SignInExpired):
        scene.exchange(code)
    late = scene.sign_in()["code"]
    scene.sandbox.advance(timedelta(minutes=11))
    with pytest.raises(errors.SignInExpired):
        scene.exchange(late)


def test_given_back_it_opens_nothing_any_more(scene):
    grant = scene.exchange(scene.sign_in()["code"])
    scene.pages.revoke(grant.secret)
    assert scene.grants() == 0
    provider = open_provider("google", grant.secret, settings_for(scene.sandbox))
    with pytest.raises(errors.AccessLost):
        provider.calendars()
    provider.close()
    scene.pages.revoke(grant.secret)


def test_an_app_in_testing_ends_after_a_week(scene):
    with scene.sandbox.world.lock:
        scene.sandbox.world.clients[CLIENT.id] = replace(CLIENT, testing=True)
    grant = scene.exchange(scene.sign_in()["code"])
    assert "Google ends this access on 2026-12-01" in grant.granted
    scene.sandbox.advance(timedelta(days=7))
    provider = open_provider("google", grant.secret, settings_for(scene.sandbox))
    with pytest.raises(errors.AccessLost):
        provider.calendars()
    provider.close()


@pytest.mark.parametrize("call", ["oauth.token", "oauth.userinfo", "calendar.calendarList.list"])
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "error_before", "truncated"])
def test_a_sign_in_that_breaks_off_makes_no_key(scene, call, kind):
    code = scene.sign_in()["code"]
    scene.sandbox.fault(kind, call=call)
    with pytest.raises(errors.Unreachable, match="Nothing was saved"):
        scene.exchange(code)
