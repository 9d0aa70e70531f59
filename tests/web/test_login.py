"""Log in, log out, guessing slowed down, and where one lands."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from tests.web.tenants import PASSWORD, Tenant, client_of, person, tenant

from genie.flows.log_in import KEPT, PER_ACCOUNT, PER_ADDRESS, PER_PAIR, WINDOW
from genie.store.keyed import keyed
from genie.store.models import Access, LoginTry, Role, User

pytestmark = pytest.mark.django_db
REFUSED = "E-mail and password do not belong together"


@pytest.fixture
def acme() -> Tenant:
    return tenant("Acme")


def failed(account: str, address: str, at: datetime, times: int = 1) -> None:
    """Tries that failed, as the flow keeps them."""
    who, where = keyed("account", account), keyed("address", address) if address else ""
    LoginTry.objects.bulk_create(LoginTry(account=who, address=where, at=at) for _ in range(times))


def log_in(client: Client, email: str, password: str = PASSWORD, **more: str):
    return client.post("/login", {"email": email, "password": password, **more})


def test_a_user_logs_in_and_lands_in_the_only_company(acme: Tenant) -> None:
    client = Client()
    response = log_in(client, "ADMIN@acme.example")
    assert response.status_code == 302
    assert client.get("/", follow=True).redirect_chain[0][0] == f"/company/{acme.slug}/"


def test_a_wrong_password_and_an_unknown_account_read_the_same(acme: Tenant) -> None:
    pages = [
        log_in(Client(), email, "not the password").content.decode()
        for email in (acme.admin.email, "nobody@acme.example")
    ]
    assert all(REFUSED in page for page in pages)
    assert pages[0].count("notice error") == pages[1].count("notice error") == 1


def test_somebody_switched_off_cannot_log_in(acme: Tenant) -> None:
    acme.admin.is_active = False
    acme.admin.save()
    assert REFUSED in log_in(Client(), acme.admin.email).content.decode()


def test_after_a_few_failures_even_the_right_password_waits(acme: Tenant) -> None:
    client = Client()
    for _ in range(PER_PAIR):
        assert log_in(client, acme.admin.email, "guess").status_code == 200
    response = log_in(client, acme.admin.email)
    assert response.status_code == 429
    assert "Wait 15 minutes" in response.content.decode()


def test_the_wait_ends(acme: Tenant) -> None:
    past = timezone.now() - WINDOW - timedelta(minutes=1)
    failed(acme.admin.email, "127.0.0.1", past, PER_PAIR + 5)
    assert log_in(Client(), acme.admin.email).status_code == 302


def test_somebody_elses_failures_elsewhere_do_not_lock_one_out(acme: Tenant) -> None:
    for _ in range(PER_PAIR + 1):
        Client(REMOTE_ADDR="192.0.2.7").post("/login", {"email": acme.admin.email, "password": "guess"})
    assert log_in(Client(REMOTE_ADDR="192.0.2.8"), acme.admin.email).status_code == 302


def test_many_accounts_guessed_from_one_address_wait_too(acme: Tenant) -> None:
    for n in range(PER_ADDRESS):
        failed(f"user{n}@acme.example", "127.0.0.1", timezone.now())
    assert log_in(Client(), acme.admin.email).status_code == 429


def test_a_success_forgets_failures_and_what_is_old(acme: Tenant) -> None:
    old = timezone.now() - KEPT - timedelta(minutes=1)
    failed("old@acme.example", "192.0.2.1", old)
    log_in(Client(), acme.admin.email, "guess")
    log_in(Client(), acme.admin.email)
    assert not LoginTry.objects.exists()


def test_the_password_is_not_repeated_on_the_page(acme: Tenant) -> None:
    assert "my guess 123" not in log_in(Client(), acme.admin.email, "my guess 123").content.decode()


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/companies", "/companies"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_next_stays_within_this_installation(acme: Tenant, wanted: str, reached: str) -> None:
    assert log_in(Client(), acme.admin.email, next=wanted)["Location"] == reached


@override_settings(GENIE_BEHIND_PROXY=True)
def test_behind_a_proxy_the_address_is_the_one_the_proxy_saw(acme: Tenant) -> None:
    client = Client(headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"})
    log_in(client, acme.admin.email, "guess")
    assert LoginTry.objects.get().address == keyed("address", "198.51.100.4")


@override_settings(GENIE_BEHIND_PROXY=True)
def test_visitors_whose_address_is_not_known_do_not_share_one(acme: Tenant) -> None:
    for n in range(PER_ADDRESS + 5):
        failed(f"user{n}@acme.example", "", timezone.now())
    assert log_in(Client(), acme.admin.email).status_code == 302


def test_what_is_kept_of_a_try_names_nobody(acme: Tenant) -> None:
    log_in(Client(REMOTE_ADDR="198.51.100.4"), acme.admin.email, "guess")
    kept = LoginTry.objects.get()
    assert acme.admin.email not in kept.account and "198.51" not in kept.address


# ── known devices ───────────────────────────────────────────────────────────


@pytest.fixture
def device(acme: Tenant) -> Client:
    """A browser in which the admin has been logged in."""
    client = Client()
    assert log_in(client, acme.admin.email).status_code == 302
    client.post("/logout")
    return client


def attacked(account: str) -> None:
    """A stranger guesses from everywhere."""
    for n in range(PER_ACCOUNT):
        failed(account, f"192.0.2.{n}", timezone.now())


def test_a_stranger_cannot_lock_a_user_out_of_a_known_device(acme: Tenant, device: Client) -> None:
    attacked(acme.admin.email)
    assert log_in(Client(), acme.admin.email).status_code == 429
    assert log_in(device, acme.admin.email).status_code == 302


def test_not_even_from_the_same_address(acme: Tenant, device: Client) -> None:
    failed(acme.admin.email, "127.0.0.1", timezone.now(), PER_PAIR)
    for n in range(PER_ADDRESS):
        failed(f"user{n}@acme.example", "127.0.0.1", timezone.now())
    assert log_in(Client(), acme.admin.email).status_code == 429
    assert log_in(device, acme.admin.email).status_code == 302


def test_a_known_device_that_guesses_waits_as_well(acme: Tenant, device: Client) -> None:
    for _ in range(PER_PAIR):
        assert log_in(device, acme.admin.email, "guess").status_code == 200
    assert log_in(device, acme.admin.email).status_code == 429
    assert log_in(Client(), acme.admin.email).status_code == 302, "its own failures are its own"


def test_a_device_is_known_for_its_own_account_only(acme: Tenant, device: Client) -> None:
    (ours,) = [cookie for name, cookie in device.cookies.items() if name.startswith("known_")]
    other = Client()
    log_in(other, acme.light.email)
    other.post("/logout")
    (name,) = [name for name in other.cookies if name.startswith("known_")]
    other.cookies[name] = ours.value
    attacked(acme.light.email)
    assert log_in(other, acme.light.email).status_code == 429


@pytest.mark.parametrize(
    "change", [lambda v: v[:-2] + "xx", lambda v: "", lambda v: "a:b:c", lambda v: "é" * 900]
)
def test_a_cookie_that_we_did_not_sign_is_nobody_known(acme: Tenant, device: Client, change) -> None:
    for name, cookie in device.cookies.items():
        if name.startswith("known_"):
            device.cookies[name] = change(cookie.value)
    attacked(acme.admin.email)
    assert log_in(device, acme.admin.email).status_code == 429


def test_a_new_password_makes_all_devices_strangers(acme: Tenant, device: Client) -> None:
    user = User.objects.get(pk=acme.admin.pk)
    user.set_password("another good password")
    user.save()
    attacked(acme.admin.email)
    assert log_in(device, acme.admin.email, "another good password").status_code == 429


def test_a_device_is_forgotten_after_a_year(acme: Tenant, device: Client, monkeypatch) -> None:
    attacked(acme.admin.email)
    now = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + 366 * 24 * 3600)
    assert log_in(device, acme.admin.email).status_code == 429


def test_failed_tries_make_no_device_known(acme: Tenant) -> None:
    client = Client()
    log_in(client, acme.admin.email, "guess")
    assert not [name for name in client.cookies if name.startswith("known_")]


@override_settings(SESSION_COOKIE_SECURE=True)
def test_the_cookie_is_for_the_login_alone(acme: Tenant) -> None:
    client = Client()
    log_in(client, acme.admin.email)
    (name,) = [name for name in client.cookies if name.startswith("known_")]
    cookie = client.cookies[name]
    assert (cookie["path"], cookie["samesite"]) == ("/login", "Lax")
    assert cookie["httponly"] and cookie["secure"] and int(cookie["max-age"]) > 300 * 24 * 3600
    assert acme.admin.email not in name + cookie.value


def test_log_out_is_a_post_and_ends_the_session(acme: Tenant) -> None:
    client = client_of(acme.admin)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout")["Location"] == "/login"
    assert client.get(f"/company/{acme.slug}/apps")["Location"].startswith("/login?next=")


def test_a_part_loaded_by_script_sends_the_whole_page_to_the_login(acme: Tenant) -> None:
    response = Client().get(f"/company/{acme.slug}/apps", headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (401, "/login")


def test_home_returns_to_the_company_looked_at_last(acme: Tenant) -> None:
    other = tenant("Bravo", acme.company.agency)
    Access.objects.create(user=acme.admin, company=other.company)
    client = client_of(acme.admin)
    assert client.get("/")["Location"] == "/companies"
    client.get(f"/company/{other.slug}/apps")
    assert client.get("/")["Location"] == f"/company/{other.slug}/"
    Access.objects.filter(user=acme.admin, company=other.company).delete()
    assert client.get("/")["Location"] == f"/company/{acme.slug}/"


def test_the_choice_of_companies_is_searched_and_teaches_when_empty(acme: Tenant) -> None:
    tenant("Bravo", acme.company.agency)
    agent = client_of(person(Role.AGENCY_ADMIN, acme.company.agency, email="agent@acme.example"))
    assert {c.name for c in agent.get("/companies").context["companies"]} == {"Acme", "Bravo"}
    assert [c.name for c in agent.get("/companies?q=rav").context["companies"]] == ["Bravo"]
    assert "No company has “zzz”" in agent.get("/companies?q=zzz").content.decode()
    new = person(Role.COMPANY_ADMIN, acme.company.agency, email="new@acme.example")
    page = client_of(new).get("/", follow=True).content.decode()
    assert "Ask an Agency Admin or Company Admin" in page


def test_the_switcher_lists_the_users_companies_only(acme: Tenant) -> None:
    bravo = tenant("Bravo", acme.company.agency)
    tenant("Foreign")
    agent = client_of(person(Role.AGENCY_ADMIN, acme.company.agency, email="agent@acme.example"))
    page = agent.get(f"/company/{acme.slug}/apps").content.decode()
    assert f'href="/company/{bravo.slug}/"' in page
    assert "Foreign" not in page
    assert "Switch company" not in client_of(acme.admin).get(f"/company/{acme.slug}/apps").content.decode()
