"""The pages around a provider's sign-in: what a stranger reads, where the browser goes, and how it ends."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from tests.connect_scene import Scene, scene
from tests.sign_in_scene import (
    ACCOUNT,
    asked,
    new_link,
    paged,  # noqa: F401 -- a fixture
)

from genie.core.errors import Transient, Unreachable
from genie.flows.open_registration_link import TRIES
from genie.store.models import Message, RegistrationLink, RemoteKey, SignInAttempt
from genie.store.sealed import unseal

pytestmark = pytest.mark.usefixtures("paged")
KEYS = "/company/acme/keys"
RETURN = "/connect/return/paged"


@pytest.fixture
def acme(db: None, settings: Any) -> Scene:
    settings.GENIE_PUBLIC_URL = "http://testserver"
    made = scene()
    made.world.add_account(ACCOUNT)
    return made


@pytest.fixture
def admin(acme: Scene) -> Client:
    """A browser in which the company's admin is logged in; the owner's is another one."""
    browser = Client()
    browser.force_login(acme.admin)
    return browser


def words(response: HttpResponse) -> str:
    page = re.sub(r"<(style|script)[^>]*>.*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def title(response: HttpResponse) -> str:
    found = re.search(r"<h1[^>]*>([^<]*)</h1>", response.content.decode())
    return found[1] if found else ""


def link_of(acme: Scene, **fields: Any) -> str:
    """The path of a new registration link that is open now."""
    return f"/connect/{new_link(acme, now=timezone.now(), **fields)}"


def go(browser: Client, link: str) -> str:
    """Press the button; returns the address of the provider's pages."""
    gone = browser.post(link)
    assert gone.status_code == 302
    return gone.headers["Location"]


def come_back(browser: Client, address: str) -> HttpResponse:
    """Follow the provider back, to the page that is shown in the end."""
    response = browser.get(address)
    assert response.status_code == 302 and response.headers["Location"] == "/connect/ended"
    return browser.get("/connect/ended")


# --- the stranger's page


def test_a_stranger_reads_who_asks_for_what_and_what_will_not_happen(acme: Scene, client: Client) -> None:
    page = client.get(link_of(acme))
    said = words(page)
    for part in (
        "Acme asks for access to your calendar",
        "So that appointments customers book with Acme appear on your calendar",
        "testserver",
        "Application Access",
        "See your profile (who granted)",
        "View and edit events on your calendars",
        "What will not happen",
        "No mail, contacts or files are read",
        "only when they are busy or free is kept",
        "you type it at Paged alone",
        "The link works once, until",
        "whole team may see and edit",
        "signed out of the others first",
        "remove Schedule Genie under paged.example/connections",
        "Continue to Paged",
    ):
        assert part in said
    html = page.content.decode()
    assert html.count("btn-primary") == 1 and "Server address" not in said
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "acme.example" not in html  # nothing of the company's people
    assert not SignInAttempt.objects.exists(), "reading the page begins nothing"


def test_only_this_page_may_lead_a_form_to_the_provider_and_nowhere_else(acme: Scene, client: Client) -> None:
    def form_action(path: str) -> str:
        policy = client.get(path).headers["Content-Security-Policy"]
        return next(part for part in policy.split("; ") if part.startswith("form-action"))

    assert form_action(link_of(acme)) == "form-action 'self' https://pages.invalid"
    assert form_action(link_of(acme, kind="caldav")) == "form-action 'self'"
    assert form_action("/connect/ended") == "form-action 'self'"


def test_pressing_the_button_binds_state_and_browser(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    gone = client.post(link)
    address = gone.headers["Location"]
    assert gone.status_code == 302 and address.startswith("https://pages.invalid/sign-in?")
    assert asked(address)["redirect_uri"] == f"http://testserver{RETURN}"
    assert gone.headers["Referrer-Policy"] == "no-referrer" and gone.headers["Cache-Control"] == "no-store"
    (cookie,) = gone.cookies.values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", RETURN)
    assert cookie["max-age"] == 900 and not cookie["secure"]
    assert cookie.value not in address
    assert RegistrationLink.objects.get().tries == 1


def test_over_https_the_cookie_is_secure(acme: Scene, client: Client, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    (cookie,) = client.post(link_of(acme)).cookies.values()
    assert cookie["secure"]


def test_a_button_pressed_by_another_site_begins_nothing(acme: Scene, client: Client) -> None:
    """The owner must have seen who asks; `Origin` cannot tell, since without a referrer it is null."""
    link = link_of(acme)
    page = client.post(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 403 and "Another website pressed the button" in words(page)
    assert "Continue to Paged" in words(page) and not SignInAttempt.objects.exists()
    assert client.post(link, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    assert client.post(link, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 302


def test_a_kind_that_is_not_set_up_any_more_is_said(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    RegistrationLink.objects.update(kind="given-up")
    for page in (client.get(link), client.post(link)):
        assert page.status_code == 503
        assert title(page) == "This calendar system cannot be connected at the moment"


def test_a_locked_link(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    for _ in range(TRIES):
        assert client.post(link).status_code == 302
    page = client.post(link)
    assert page.status_code == 410 and title(page) == "This link is locked"


# --- the way back


def test_the_owner_comes_back_to_a_clean_address(acme: Scene, client: Client) -> None:
    address = acme.owner().allow(go(client, link_of(acme)))
    response = client.get(address)
    assert response.status_code == 302 and response.headers["Location"] == "/connect/ended"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.content == b""
    page = client.get("/connect/ended")
    said = words(page)
    assert page.status_code == 200 and title(page) == "Access granted"
    assert f"Paged key · {ACCOUNT}" in said and "You may close this window" in said
    assert "View and edit events on your calendars" in said
    assert "remove Schedule Genie under paged.example/connections" in said
    assert "Acme" not in said and "Main office" not in said  # nothing of the company's data
    assert page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cache-Control"] == "no-store"
    assert title(client.get("/connect/ended")) == "Access granted"  # reloaded


def test_no_cookie_of_a_sign_in_outlives_it(acme: Scene, client: Client) -> None:
    client.get(acme.owner().allow(go(client, link_of(acme))))
    living = [name for name, cookie in client.cookies.items() if cookie.value]
    assert living == ["sign_in_ended"]
    cookie = client.cookies["sign_in_ended"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/connect/ended")


def test_two_windows_of_one_browser_do_not_disturb_each_other(acme: Scene, client: Client) -> None:
    acme.world.add_account("rita@acme.example")
    first, second = go(client, link_of(acme)), go(client, link_of(acme))
    assert title(come_back(client, acme.owner("rita@acme.example").allow(second))) == "Access granted"
    assert title(come_back(client, acme.owner().allow(first))) == "Access granted"
    assert RemoteKey.objects.count() == 2


def try_again(page: HttpResponse) -> str:
    """Where *Try again* leads; empty if it is not offered."""
    found = re.search(r'<a class="btn btn-primary" href="(/connect/[^"]+)">', page.content.decode())
    return found[1] if found else ""


def test_who_says_no_may_try_again(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    page = come_back(client, acme.owner().deny(go(client, link)))
    assert page.status_code == 403 and title(page) == "The access was not allowed"
    assert "You did not allow the access, so no calendar was connected." in words(page)
    assert try_again(page) == link and not RemoteKey.objects.exists()
    again = come_back(client, acme.owner().allow(go(client, try_again(page))))
    assert title(again) == "Access granted"


def test_a_missing_permission_makes_no_key(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    page = come_back(client, acme.owner().allow(go(client, link), calendars=False))
    assert page.status_code == 403 and title(page) == "A permission is missing"
    assert "did not tick the calendar permission" in words(page) and try_again(page) == link
    assert not RemoteKey.objects.exists()


def test_an_account_that_may_not_grant_it(acme: Scene, client: Client) -> None:
    page = come_back(client, acme.owner().deny(go(client, link_of(acme)), error="admin_policy_enforced"))
    assert page.status_code == 403 and title(page) == "This account may not allow it"
    assert "may not grant access to other programs" in words(page)


def test_an_account_without_calendars(acme: Scene, client: Client) -> None:
    acme.owner().drop_calendar("work")
    page = come_back(client, acme.owner().allow(go(client, link_of(acme))))
    assert page.status_code == 422 and title(page) == "This account has no calendar"


def test_a_provider_that_is_down(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    address = go(client, link)

    def down(*_: object) -> None:
        raise Unreachable("Paged does not answer. Nothing was saved. Try again in a minute.")

    acme.world.before = down
    page = come_back(client, acme.owner().allow(address))
    assert page.status_code == 503 and title(page) == "The calendar system does not answer"
    assert "Paged does not answer. Nothing was saved." in words(page) and try_again(page) == link


def test_another_browser_is_told_nothing(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    address = acme.owner().allow(go(client, link))
    page = come_back(Client(), address)
    assert page.status_code == 403 and title(page) == "This sign-in was begun in another browser"
    assert try_again(page) == "" and link.rpartition("/")[2] not in page.content.decode()
    assert ACCOUNT not in page.content.decode() and not RemoteKey.objects.exists()
    assert title(come_back(client, address)) == "Access granted"  # it was not used up by the other


def test_a_state_that_was_tampered_with(acme: Scene, client: Client) -> None:
    address = acme.owner().allow(go(client, link_of(acme)))
    state = asked(address)["state"]
    for wrong in (state[:-1] + ("a" if state[-1] != "a" else "b"), "x", ""):
        page = come_back(client, address.replace(state, wrong))
        assert page.status_code == 400 and title(page) == "This sign-in is not known here"
        assert try_again(page) == ""
    assert title(come_back(client, f"{RETURN}?code=x")) == "This sign-in is not known here"
    assert title(come_back(client, "/connect/return/nonsense?code=x&state=y")) == (
        "This sign-in is not known here"
    )
    assert not RemoteKey.objects.exists()


ORGANISATION = "/connect/return/microsoft?admin_consent=True&tenant=4c80b6da-07d3-4d39-8fc7-158e18b8d8f9"


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ("", 200, "The approval was given"),
        ("&error=consent_required&error_description=AADSTS65004", 403, "The approval was not given"),
        ("&state=x", 400, "This sign-in is not known here"),
    ],
)
def test_an_administrator_comes_back_who_approved_the_installation(
    acme: Scene, client: Client, more: str, status: int, said: str
):
    page = come_back(client, ORGANISATION + more)
    assert (page.status_code, title(page)) == (status, said)
    assert "AADSTS" not in words(page)


def test_only_a_system_with_approvals_knows_such_a_way_back(acme: Scene, client: Client):
    for kind in ("paged", "google", "nowhere"):
        page = come_back(client, ORGANISATION.replace("microsoft", kind))
        assert title(page) == "This sign-in is not known here"


def test_a_replayed_address(acme: Scene, client: Client) -> None:
    address = go(client, link_of(acme))
    cookie = next(morsel.value for name, morsel in client.cookies.items() if name.startswith("sign_in_"))
    name = next(name for name in client.cookies if name.startswith("sign_in_"))
    back = acme.owner().allow(address)
    assert title(come_back(client, back)) == "Access granted"
    assert title(come_back(client, back)) == "This sign-in was begun in another browser"  # the cookie is gone
    client.cookies[name] = cookie
    page = come_back(client, back)
    assert page.status_code == 409 and title(page) == "This sign-in was finished before"
    assert "you may close this window" in words(page) and try_again(page) == ""  # the link is used
    assert RemoteKey.objects.count() == 1


def test_a_sign_in_that_took_too_long(acme: Scene, client: Client) -> None:
    link = link_of(acme)
    address = acme.owner().allow(go(client, link))
    SignInAttempt.objects.update(created_at=timezone.now() - timedelta(minutes=15))
    page = come_back(client, address)
    assert page.status_code == 410 and title(page) == "The sign-in took too long"
    assert "More than 15 minutes" in words(page) and try_again(page) == link


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"expires_at": timezone.now()}, "This link has expired"),
        ({"used_at": timezone.now()}, "This link has been used"),
        ({"revoked_at": timezone.now()}, "This link was withdrawn"),
    ],
)
def test_a_link_that_closed_meanwhile(acme: Scene, client: Client, fields: dict[str, Any], said: str) -> None:
    address = acme.owner().allow(go(client, link_of(acme)))
    RegistrationLink.objects.update(**fields)
    page = come_back(client, address)
    assert page.status_code == 410 and title(page) == said and try_again(page) == ""
    assert not RemoteKey.objects.exists()


def test_another_account_on_re_authorization_is_refused_by_both_names(acme: Scene, client: Client) -> None:
    acme.world.add_account("rita@acme.example")
    come_back(client, acme.owner().allow(go(client, link_of(acme))))
    link = link_of(acme, reauthorizes=RemoteKey.objects.get())
    assert f"take care to choose {ACCOUNT}" in words(client.get(link))
    page = come_back(client, acme.owner("rita@acme.example").allow(go(client, link)))
    assert page.status_code == 409 and title(page) == "This was another account"
    assert "rita@acme.example signed in, but this link renews the access of desk@acme.example" in words(page)
    assert try_again(page) == link and RemoteKey.objects.get().secret_version == 1
    assert title(come_back(client, acme.owner().allow(go(client, link)))) == "Access granted"
    assert RemoteKey.objects.get().secret_version == 2


def test_a_grant_that_could_not_be_given_back_is_said(acme: Scene, client: Client) -> None:
    acme.world.add_account("rita@acme.example")
    come_back(client, acme.owner().allow(go(client, link_of(acme))))
    link = link_of(acme, reauthorizes=RemoteKey.objects.get())

    def down(method: str, _: object) -> None:
        if method == "revoke":
            raise Transient("The server does not answer")

    acme.world.before = down
    page = words(come_back(client, acme.owner("rita@acme.example").allow(go(client, link))))
    assert "still open at Paged; to close it, remove Schedule Genie under paged.example/connections." in page


def test_what_a_sign_in_came_to_is_only_said_to_its_browser(acme: Scene, client: Client) -> None:
    come_back(client, acme.owner().allow(go(client, link_of(acme))))
    for browser in (Client(), tampered(client)):
        page = browser.get("/connect/ended")
        assert page.status_code == 404 and title(page) == "There is nothing to show here any more"
    RemoteKey.objects.all().delete()
    assert title(client.get("/connect/ended")) == "There is nothing to show here any more"


def tampered(client: Client) -> Client:
    other = Client()
    other.cookies["sign_in_ended"] = client.cookies["sign_in_ended"].value.replace(":", "x:", 1)
    return other


def test_only_a_browser_that_goes_there_comes_back(acme: Scene, client: Client) -> None:
    """A link scanner's HEAD, or a POST, uses nothing up."""
    address = acme.owner().allow(go(client, link_of(acme)))
    assert client.head(address).status_code == 405 and client.post(address).status_code == 405
    assert title(come_back(client, address)) == "Access granted"


# --- the logs


def test_code_and_state_are_in_no_log_and_no_answer(
    acme: Scene, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    secrets, pages = [], []
    with caplog.at_level(logging.DEBUG):
        for end in ("allow", "deny", "tamper"):
            link = link_of(acme)
            address = go(client, link)
            back = acme.owner().deny(address) if end == "deny" else acme.owner().allow(address)
            if end == "tamper":
                back = back.replace("state=", "state=x")
            secrets += [link.rpartition("/")[2], *asked(address).values(), *asked(back).values()]
            pages += [client.get(back), client.get("/connect/ended"), client.head(back)]
        key = RemoteKey.objects.get()
        secrets += [unseal(key.secret)["access"], unseal(key.secret)["refresh"]]
    secrets = [one for one in secrets if len(one) > 12 and not one.startswith("http")]
    assert len(secrets) > 12
    logged = caplog.messages
    assert any("Method Not Allowed" in line for line in logged), "nothing was logged, so nothing was tested"
    for secret in secrets:
        assert not [line for line in logged if secret in line]
    for page in pages:
        for secret in secrets:
            is_again = f'href="/connect/{secret}"'  # the link itself, for the browser that came with it
            assert secret not in page.content.decode().replace(is_again, "")


# --- the dashboard


def test_the_key_s_account_is_seen_before_use_and_a_wrong_one_is_discarded_with_one_click(
    acme: Scene, admin: Client
) -> None:
    page = admin.post(f"{KEYS}/links", {"kind": "paged"}, follow=True)
    html = page.content.decode()
    address = re.search(r'href="(http[^"]*/connect/[^"]+)" target="_blank" rel="noopener noreferrer"', html)
    assert address is not None and "Launch" in words(page) and "Copy" in words(page)
    owner = Client()
    come_back(owner, acme.owner().allow(go(owner, address[1])))

    listed = words(admin.get(f"{KEYS}/list"))
    for part in ("Paged key", ACCOUNT, "View and edit events on your calendars", "by Ada Admin", "works"):
        assert part in listed
    assert "nothing yet" in listed and "Registration links" not in listed
    key = RemoteKey.objects.get()
    said = words(admin.post(f"{KEYS}/{key.id}/discard", follow=True))
    assert f"The key of {ACCOUNT} is discarded and its access forgotten." in said
    assert "could not be taken back" not in said
    assert not RemoteKey.objects.exists() and not acme.owner().grants_access


def test_discarding_while_the_provider_is_down_says_what_the_owner_can_do(acme: Scene, admin: Client) -> None:
    owner = Client()
    come_back(owner, acme.owner().allow(go(owner, link_of(acme))))

    def down(*_: object) -> None:
        raise Transient("The server does not answer")

    acme.world.before = down
    said = words(admin.post(f"{KEYS}/{RemoteKey.objects.get().id}/discard", follow=True))
    assert "The access could not be taken back at Paged" in said
    assert "can close it: remove Schedule Genie under paged.example/connections." in said
    assert not RemoteKey.objects.exists()


def test_discarding_does_not_tell_of_other_companies(acme: Scene, admin: Client) -> None:
    """Whether another company lives by the same account is no business of this one."""

    def discarded() -> str:
        said = words(
            admin.post(f"{KEYS}/{RemoteKey.objects.get(company=acme.company).id}/discard", follow=True)
        )
        return re.sub(r".*(The key of .*? forgotten\.[^.]*).*", r"\1", said)

    owner = Client()
    come_back(owner, acme.owner().allow(go(owner, link_of(acme))))
    alone = discarded()
    for company in (acme, scene("rival")):
        company.world = acme.world
        come_back(owner, acme.owner().allow(go(owner, link_of(company))))
    assert discarded() == alone and acme.owner().grants_access


def test_the_letter_about_a_lost_access_leads_to_re_authorization(acme: Scene, admin: Client) -> None:
    owner = Client()
    come_back(owner, acme.owner().allow(go(owner, link_of(acme))))
    key = RemoteKey.objects.get()
    acme.owner().take_back_access()
    admin.post(f"{KEYS}/{key.id}/check")
    path = Message.objects.get().details["path"]
    page = admin.get(path)
    said = words(page)
    assert page.status_code == 200 and f"Re-authorize {ACCOUNT}" in said
    assert "The Paged key needs re-authorization." in said and "was taken back or has expired" in said
    made = admin.post(path, follow=True)
    assert f"renews the key of {ACCOUNT}" in words(made)
    link = RegistrationLink.objects.get(used_at=None)
    assert link.key == key
    assert "another account is not accepted" in said
    key.refresh_from_db()
    assert "Nothing is wrong" not in said
    RemoteKey.objects.update(state=RemoteKey.State.ACTIVE)
    assert "Nothing is wrong with it" in words(admin.get(path))
