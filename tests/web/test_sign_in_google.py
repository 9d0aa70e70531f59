"""Sign-in by link with the Google provider, over real HTTP to the stand-in: what the owner sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from tests import connect_scene
from tests.google_sandbox import GoogleSandbox
from tests.providers.google_side import ANA, CLIENT, settings_for
from tests.providers.test_google_sign_in import Owner

from genie.flows.create_registration_link import create_registration_link
from genie.flows.open_key import open_key
from genie.flows.wired import provider_settings
from genie.providers.google.auth import EVENTS
from genie.store.models import Message, RegistrationLink, RemoteKey
from genie.store.sealed import seal, unseal

RETURN = "http://testserver/connect/return/google"
KEYS = "/company/acme/keys"
BEN = "ben@example.org"


@dataclass
class Stage:
    """A company, its admin's browser, the owner's browser here and there."""

    sandbox: GoogleSandbox
    acme: connect_scene.Scene
    there: Owner
    here: Client = field(default_factory=Client)
    admin: Client = field(default_factory=Client)

    def link(self, scene: connect_scene.Scene | None = None, **fields: Any) -> str:
        scene = scene or self.acme
        values = {"company": scene.company, "kind": "google", "user": scene.admin, "hours": 72}
        values |= {"settings": provider_settings(), "now": timezone.now()} | fields
        return f"/connect/{create_registration_link(**values).token}"

    def sign_in(self, link: str, **answer: Any) -> HttpResponse:
        """Press the button, answer at Google, come back; returns the page that is shown in the end."""
        gone = self.here.post(link)
        assert gone.status_code == 302
        back = self.there.answer(gone.headers["Location"], **answer)
        return self.come_back(back)

    def come_back(self, back: dict[str, str]) -> HttpResponse:
        ended = self.here.get("/connect/return/google", back)
        assert ended.headers["Location"] == "/connect/ended"
        return self.here.get("/connect/ended")

    def grants(self, email: str = ANA) -> int:
        """The account's refresh tokens that live at Google."""
        with self.sandbox.world.lock:
            found = self.sandbox.world.grant_of(self.sandbox.account(email), CLIENT.id)
            return len(found.refresh_tokens) if found else 0

    def discard(self, key: RemoteKey) -> str:
        return words(self.admin.post(f"{KEYS}/{key.id}/discard", follow=True))


@pytest.fixture
def acme(google_sandbox: GoogleSandbox, settings: Any, db: None) -> Iterator[Stage]:
    settings.GENIE_PUBLIC_URL = "http://testserver"
    settings.GENIE_PROVIDER_OPTIONS = dict(settings_for(google_sandbox).options)
    for email in (ANA, BEN):
        google_sandbox.account(email)
    with google_sandbox.world.lock:
        google_sandbox.world.clients[CLIENT.id] = replace(CLIENT, redirect_uris=[RETURN])
    with httpx.Client(timeout=30) as http:
        stage = Stage(google_sandbox, connect_scene.scene(), Owner(google_sandbox.base_url, http, RETURN))
        stage.admin.force_login(stage.acme.admin)
        yield stage


def words(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def title(response: HttpResponse) -> str:
    found = re.search(r"<h1[^>]*>([^<]*)</h1>", response.content.decode())
    return found[1] if found else ""


def test_an_owner_grants_it_and_the_key_stands_in_the_list(acme: Stage) -> None:
    link = acme.link()
    asks = words(acme.here.get(link))
    for part in (
        "Continue to Google",
        "See your profile (who granted)",
        "See the list of your calendars",
        "View and edit events on your calendars",
        "myaccount.google.com/connections",
    ):
        assert part in asks
    page = acme.sign_in(link)
    assert title(page) == "Access granted" and f"Cloud key · {ANA}" in words(page)
    listed = words(acme.admin.get(f"{KEYS}/list"))
    for part in ("Cloud key", ANA, "View and edit events on your calendars", "by Ada Admin"):
        assert part in listed
    assert acme.grants() == 1
    assert "is discarded and its access forgotten." in acme.discard(RemoteKey.objects.get())
    assert acme.grants() == 0


def test_denied_consent(acme: Stage) -> None:
    link = acme.link()
    page = acme.sign_in(link, decision="deny")
    assert page.status_code == 403 and title(page) == "The access was not allowed"
    assert f'href="{link}"' in page.content.decode() and not RemoteKey.objects.exists()
    assert title(acme.sign_in(link)) == "Access granted"


def test_a_tick_that_is_missing(acme: Stage) -> None:
    link = acme.link()
    page = acme.sign_in(link, ticks=(EVENTS,))
    assert page.status_code == 403 and title(page) == "A permission is missing"
    assert "The calendar permission was not granted" in words(page) and not RemoteKey.objects.exists()
    assert title(acme.sign_in(link)) == "Access granted"


def test_a_tick_that_is_missing_ends_no_key_the_account_has_already(acme: Stage) -> None:
    acme.sign_in(acme.link())
    acme.sign_in(acme.link(), ticks=())
    assert works(RemoteKey.objects.get())


def works(key: RemoteKey) -> bool:
    with closing(open_key(key=key, settings=provider_settings())) as provider:
        return provider.account().identity == key.identity


def test_a_replayed_code_and_a_tampered_state(acme: Stage) -> None:
    gone = acme.here.post(acme.link())
    back = acme.there.answer(gone.headers["Location"])
    assert title(acme.come_back(back | {"state": back["state"] + "x"})) == "This sign-in is not known here"
    assert title(acme.come_back(back)) == "Access granted"
    again = acme.come_back(back)
    assert again.status_code == 403 and RemoteKey.objects.count() == 1


def test_another_account_on_re_authorization(acme: Stage) -> None:
    acme.sign_in(acme.link())
    key = RemoteKey.objects.get()
    link = acme.link(reauthorizes=key)
    page = acme.sign_in(link, account=BEN)
    assert page.status_code == 409 and f"{BEN} signed in, but this link renews the access of {ANA}" in words(
        page
    )
    assert acme.grants(BEN) == 0, "what Ben granted was given back"
    assert works(key) and title(acme.sign_in(link)) == "Access granted"


def test_google_is_down(acme: Stage) -> None:
    link = acme.link()
    acme.sandbox.fault("error_before", call="oauth.token")
    page = acme.sign_in(link)
    assert page.status_code == 503 and title(page) == "The calendar system does not answer"
    assert f'href="{link}"' in page.content.decode()


def test_discarding_one_company_s_key_leaves_the_other_s(acme: Stage) -> None:
    rival = connect_scene.scene("rival")
    acme.sign_in(acme.link())
    acme.sign_in(acme.link(rival))
    ours, theirs = (RemoteKey.objects.get(company=scene.company) for scene in (acme.acme, rival))
    acme.discard(ours)
    assert works(theirs)
    browser = Client()
    browser.force_login(rival.admin)
    browser.post(f"/company/rival/keys/{theirs.id}/discard")
    assert acme.grants() == 0


def test_a_revoke_that_fails_is_said_with_what_the_owner_can_do(acme: Stage) -> None:
    acme.sign_in(acme.link())
    acme.sandbox.fault("error_before", call="oauth.revoke")
    said = acme.discard(RemoteKey.objects.get())
    assert "could not be taken back at Google" in said and "myaccount.google.com/connections" in said
    assert not RemoteKey.objects.exists()


def test_a_revoked_grant_is_noticed_and_the_owner_signs_in_again(acme: Stage) -> None:
    acme.sign_in(acme.link())
    key = RemoteKey.objects.get()
    with acme.sandbox.world.lock:
        acme.sandbox.world.revoke_grant(acme.sandbox.account(ANA), CLIENT.id)
    said = words(acme.admin.post(f"{KEYS}/{key.id}/check", follow=True))
    assert "does not open its account any more" in said and "needs re-authorization" in said
    acme.admin.post(Message.objects.get().details["path"])
    link = RegistrationLink.objects.get(used_at=None)
    assert link.key == key
    assert title(acme.sign_in(acme.link(reauthorizes=key))) == "Access granted"
    assert works(RemoteKey.objects.get())


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_ask_google_once(acme: Stage) -> None:
    acme.sign_in(acme.link())
    spend(RemoteKey.objects.get())
    before = tokens(acme)
    ready = Barrier(8)

    def work(_: int) -> int:
        try:
            with closing(open_key(key=RemoteKey.objects.get(), settings=provider_settings())) as provider:
                ready.wait()
                return len(provider.calendars())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as workers:
        assert list(workers.map(work, range(8))) == [1] * 8
    assert tokens(acme) == before + 1


def tokens(acme: Stage) -> int:
    """Access tokens that Google has handed out."""
    with acme.sandbox.world.lock:
        return len(acme.sandbox.world.access_tokens)


def spend(key: RemoteKey) -> None:
    """Its access token is an hour old."""
    old = (timezone.now() - timedelta(minutes=1)).isoformat()
    RemoteKey.objects.filter(id=key.id).update(secret=seal(unseal(key.secret) | {"expires_at": old}))
