"""Log in, log out, guessing slowed down, and where one lands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from tests.web.tenants import PASSWORD, Tenant, client_of, person, tenant

from genie.flows.log_in import KEPT, PER_PAIR, WINDOW
from genie.store.models import Access, LoginTry, Role

pytestmark = pytest.mark.django_db
REFUSED = "E-mail and password do not belong together"


@pytest.fixture
def acme() -> Tenant:
    return tenant("Acme")


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
    LoginTry.objects.bulk_create(
        LoginTry(account=acme.admin.email, address="127.0.0.1", at=past) for _ in range(PER_PAIR + 5)
    )
    assert log_in(Client(), acme.admin.email).status_code == 302


def test_somebody_elses_failures_elsewhere_do_not_lock_one_out(acme: Tenant) -> None:
    for _ in range(PER_PAIR + 1):
        Client(REMOTE_ADDR="192.0.2.7").post("/login", {"email": acme.admin.email, "password": "guess"})
    assert log_in(Client(REMOTE_ADDR="192.0.2.8"), acme.admin.email).status_code == 302


def test_many_accounts_guessed_from_one_address_wait_too(acme: Tenant) -> None:
    now = timezone.now()
    LoginTry.objects.bulk_create(
        LoginTry(account=f"user{n}@acme.example", address="127.0.0.1", at=now) for n in range(50)
    )
    assert log_in(Client(), acme.admin.email).status_code == 429


def test_a_success_forgets_failures_and_what_is_old(acme: Tenant) -> None:
    old = timezone.now() - KEPT - timedelta(minutes=1)
    LoginTry.objects.create(account="old@acme.example", address="192.0.2.1", at=old)
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


@override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_behind_a_proxy_the_address_is_the_one_the_proxy_saw(acme: Tenant) -> None:
    client = Client(headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"})
    log_in(client, acme.admin.email, "guess")
    assert LoginTry.objects.get().address == "198.51.100.4"


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
