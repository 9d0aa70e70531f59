"""Signing in at the stand-in, as the account's owner does: from the address to a key, or to a message."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.providers.microsoft_side import ANA, CLIENT, NOVEMBER, settings_for
from tests.providers.sides import content, fresh
from tests.sandbox.pages import Page

from genie.core import errors
from genie.providers.port import Grant, Secret, SignIn
from genie.providers.registry import open_provider, sign_in

BACK = CLIENT.redirect_uris[0]
PLACE = "/common/oauth2/v2.0"
CORA = "cora@outlook.example"


@dataclass
class Owner:
    """Somebody at their browser."""

    url: str
    http: httpx.Client

    def answer(self, address: str, *, account: str = ANA, **decision: str) -> dict[str, str]:
        """What the app is told when they come back."""
        answer = self._follow(self.http.get(address))
        answer = self._press(answer, "pick", account=account)
        if not answer.headers.get("location", "").startswith(BACK):
            answer = self._press(answer, "permissions", **({"decision": "accept"} | decision))
        assert answer.headers["location"].startswith(f"{BACK}?"), answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def approve(self, address: str, administrator: str) -> dict[str, str]:
        """An administrator approves the app for everybody; what the app is told."""
        path = urlsplit(address).path
        known = Page(self.http.get(address).text).hidden(path)
        decided = known | {"account": administrator, "decision": "accept"}
        answer = self.http.post(f"{self.url}{path}", data=decided)
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def _press(self, answer: httpx.Response, action: str, **values: Any) -> httpx.Response:
        known = Page(answer.text).hidden(f"{PLACE}/{action}")
        return self._follow(self.http.post(f"{self.url}{PLACE}/{action}", data=known | values))

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.has_redirect_location and answer.headers["location"].startswith("/"):
            answer = self.http.get(f"{self.url}{answer.headers['location']}")
        return answer


@dataclass
class Scene:
    """An owner, and we."""

    sandbox: MicrosoftSandbox
    pages: SignIn
    owner: Owner
    verifier: str

    def sign_in(self, account: str = ANA, decision: str = "accept") -> dict[str, str]:
        """What we are told when they come back."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        address = self.pages.address(state="st&te", challenge=challenge, redirect_uri=BACK, account=account)
        back = self.owner.answer(address, account=account, decision=decision)
        assert back["state"] == "st&te"
        return back

    def exchange(self, code: str, **changes: str) -> Grant:
        return self.pages.exchange(
            **({"code": code, "verifier": self.verifier, "redirect_uri": BACK} | changes)
        )

    def refused(self, back: dict[str, str]) -> errors.ConnectFault:
        assert "code" not in back
        return self.pages.refusal(error=back["error"], description=back.get("error_description", ""))


@pytest.fixture
def scene(microsoft_sandbox: MicrosoftSandbox) -> Iterator[Scene]:
    microsoft_sandbox.stop_clock(NOVEMBER)
    microsoft_sandbox.account(ANA)
    microsoft_sandbox.account(CORA, personal=True)
    with microsoft_sandbox.world.lock:
        microsoft_sandbox.world.clients.setdefault(CLIENT.id, CLIENT)
    pages = sign_in("microsoft", settings_for(microsoft_sandbox))
    assert pages is not None
    with httpx.Client(timeout=20) as http:
        owner = Owner(microsoft_sandbox.base_url, http)
        yield Scene(microsoft_sandbox, pages, owner, secrets.token_urlsafe(32))


@pytest.mark.parametrize("upn", [ANA, CORA])
def test_an_owner_signs_in_and_the_key_works(scene, upn):
    grant = scene.exchange(scene.sign_in(upn)["code"])
    account = scene.sandbox.account(upn)
    assert grant.account.identity == f"{account.tid}:{account.oid}"
    assert grant.account.label == (account.mail or upn)
    assert grant.may_write
    provider = open_provider("microsoft", grant.secret, settings_for(scene.sandbox))
    assert provider.account() == grant.account
    made = provider.create(provider.calendars()[0].id, fresh(), content())
    assert made.content.title == "Chat"
    provider.close()


def test_cancel_is_a_refusal(scene):
    fault = scene.refused(scene.sign_in(decision="cancel"))
    assert type(fault) is errors.Denied
    assert "press Accept there" in str(fault)


def test_where_an_administrator_decides_it_says_so_and_where(scene):
    boss = "boss@contoso.example"
    with scene.sandbox.world.lock:
        account = scene.sandbox.account(ANA)
        scene.sandbox.account(boss).admin = True
        scene.sandbox.world.tenants[account.tid].users_may_consent = False
    fault = scene.refused(scene.sign_in(decision="back"))
    assert type(fault) is errors.NotAllowedThere
    assert "administrator" in str(fault)
    address = str(fault).rpartition(" ")[2]
    approved = scene.owner.approve(address, boss)
    assert approved == {"admin_consent": "True", "tenant": account.tid}
    assert scene.exchange(scene.sign_in()["code"]).may_write


def test_a_mailbox_elsewhere_makes_no_key(scene):
    with scene.sandbox.world.lock:
        scene.sandbox.account(ANA).mailbox = False
    with pytest.raises(errors.NotAllowedThere, match="mailbox is not at Microsoft"):
        scene.exchange(scene.sign_in()["code"])


def test_a_code_works_once_and_only_with_its_verifier(scene):
    code = scene.sign_in()["code"]
    with pytest.raises((errors.SignInExpired, errors.NotAllowedThere)):
        scene.exchange(code, verifier="w" * 43)
    code = scene.sign_in()["code"]
    scene.exchange(code)
    with pytest.raises(errors.SignInExpired):
        scene.exchange(code)


def test_a_code_grows_old(scene):
    code = scene.sign_in()["code"]
    scene.sandbox.advance(timedelta(minutes=11))
    with pytest.raises(errors.SignInExpired):
        scene.exchange(code)


# --- renewals


def renewing(scene: Scene, grant: Grant) -> tuple[Any, list[Secret]]:
    kept: list[Secret] = []
    settings = settings_for(scene.sandbox)
    provider = open_provider(
        "microsoft", grant.secret, settings, renew=lambda stale, ask: kept.append(ask(stale)) or kept[-1]
    )
    return provider, kept


@pytest.mark.parametrize("strict", [False, True], ids=["old ones live on", "old ones end at once"])
def test_each_renewal_brings_a_newer_refresh_token(scene, strict):
    with scene.sandbox.world.lock:
        scene.sandbox.world.rotates_strictly = strict
    grant = scene.exchange(scene.sign_in()["code"])
    provider, kept = renewing(scene, grant)
    for _ in range(3):
        scene.sandbox.advance(timedelta(hours=2))
        provider.calendars()
    assert len({one["refresh_token"] for one in [grant.secret, *kept]}) == 4
    assert all(one["tid"] == grant.secret["tid"] and one["email"] == ANA for one in kept)
    provider.close()
    again = open_provider("microsoft", grant.secret, settings_for(scene.sandbox))  # a crash kept the old one
    if strict:
        with pytest.raises(errors.AccessLost):
            again.calendars()
    else:
        assert again.calendars()
    again.close()


def test_what_the_owner_takes_back_is_access_lost(scene):
    grant = scene.exchange(scene.sign_in()["code"])
    provider, _ = renewing(scene, grant)
    with scene.sandbox.world.lock:
        scene.sandbox.world.revoke_grant(scene.sandbox.account(ANA), CLIENT.id)
    with pytest.raises(errors.AccessLost, match="revoked at Microsoft"):
        provider.calendars()
    provider.close()


def test_a_key_not_used_for_ninety_days_ends(scene):
    grant = scene.exchange(scene.sign_in()["code"])
    provider, _ = renewing(scene, grant)
    scene.sandbox.advance(timedelta(days=91))
    with pytest.raises(errors.AccessLost):
        provider.calendars()
    provider.close()


def test_another_secret_of_the_installation_ends_no_key(scene):
    grant = scene.exchange(scene.sign_in()["code"])
    scene.sandbox.advance(timedelta(hours=2))
    settings = settings_for(scene.sandbox)
    options = {"microsoft": {**settings.options["microsoft"], "client_secret": "of yesterday"}}
    provider = open_provider("microsoft", grant.secret, settings_for(scene.sandbox, options=options))
    with pytest.raises(errors.Transient, match="operator has to look"):
        provider.calendars()
    provider.close()
