"""Another system asked for free times: its settings on the module's page, and booking by its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.asked_system import SECRET, AskedSystem, asked_system
from tests.web.tenants import Tenant, client_of, tenant
from tests.web.test_module_page import address, answers, saved

from genie.store.models import Appointment, Connection, Module
from genie.store.sealed import seal, unseal

pytestmark = pytest.mark.django_db
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(hour=3, minute=17, second=0, microsecond=0)
START = f"{TOMORROW:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def system() -> Iterator[AskedSystem]:
    with asked_system() as there:
        yield there


@pytest.fixture
def acme(settings: Any) -> Tenant:
    settings.GENIE_PRIVATE_NETWORKS = True
    acme = tenant("Acme")
    Connection.objects.update(state="ended")
    return acme


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


def asks(acme: Tenant, system: AskedSystem) -> None:
    Module.objects.filter(pk=acme.module.pk).update(
        external_url=system.url, external_secret=seal({"secret": SECRET})
    )


def booking(acme: Tenant) -> str:
    return f"/book/{acme.slug}/{acme.module.slug}"


# --- settings


def test_it_is_set_with_a_secret_that_is_sealed_and_never_shown(acme, client, system) -> None:
    fields = {"external_url": system.url, "external_secret": SECRET, "external_wait_ms": 900}
    assert client.post(address(acme), answers(acme, **fields)).status_code == 302
    module = saved(acme)
    assert (module.external_url, module.external_wait_ms) == (system.url, 900)
    assert unseal(module.external_secret) == {"secret": SECRET}
    page = client.get(address(acme)).content.decode()
    assert SECRET not in page
    assert system.url in page
    kept = fields | {"external_secret": ""}
    assert client.post(address(acme), answers(acme, **kept)).status_code == 302
    assert unseal(saved(acme).external_secret) == {"secret": SECRET}
    gone = fields | {"external_secret": "", "external_url": ""}
    assert client.post(address(acme), answers(acme, **gone)).status_code == 302
    assert saved(acme).external_secret is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"external_url": "https://crm.example.org/free"}, "Write a secret of at least 16 characters"),
        ({"external_url": "https://crm.example.org/free", "external_secret": "short"}, "16"),
        ({"external_url": "ftp://crm.example.org", "external_secret": SECRET}, "begins with https://"),
        ({"external_url": "nonsense", "external_secret": SECRET}, "begins with https://"),
        ({"external_url": "https://[::1", "external_secret": SECRET}, "begins with https://"),
        ({"external_wait_ms": 60_000}, "Write a whole number from 200 to 3,000."),
    ],
)
def test_what_cannot_be_saved_says_so_and_stands_open(acme, client, fields, words) -> None:
    response = client.post(address(acme), answers(acme, **fields))
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert re.search(r'<details class="more" open id="another-system">', page)
    assert saved(acme).external_url == ""


def test_plain_http_is_refused_unless_the_operator_allows_private_networks(acme, client, settings) -> None:
    settings.GENIE_PRIVATE_NETWORKS = False
    fields = {"external_url": "http://crm.example.org/free", "external_secret": SECRET}
    assert client.post(address(acme), answers(acme, **fields)).status_code == 422


def test_its_trouble_stands_on_the_page_until_another_address_is_saved(acme, client, system) -> None:
    asks(acme, system)
    Module.objects.update(external_trouble="It did not answer in time.", external_failed_at=timezone.now())
    page = client.get(address(acme)).content.decode()
    assert "It did not answer in time." in page
    assert "The rules here serve instead." in page
    other = {"external_url": system.url + "2", "external_secret": SECRET}
    client.post(address(acme), answers(acme, **other))
    assert saved(acme).external_trouble == ""


# --- booking by it


def test_the_booking_page_shows_its_starts_and_books_them(acme, system) -> None:
    asks(acme, system)
    system.offers(START)
    visitor = Client()
    page = visitor.get(booking(acme)).content.decode()
    links = re.findall(r'href="([^"]*at=[^"]*)"', page)
    assert len(links) == 1
    assert START in links[0].replace("%3A", ":")
    form = visitor.get(links[0].replace("&amp;", "&"))
    assert form.status_code == 200
    data = {
        "at": START,
        "key": form.context["key"],
        "name": "Ann Lee",
        "email": "ann@customer.example",
        "phone": "",
        "notes": "",
    }
    answer = visitor.post(f"{booking(acme)}/details", data)
    assert answer.status_code == 302, answer.content.decode()
    assert Appointment.objects.filter(start=TOMORROW, lead__email="ann@customer.example").exists()
    assert system.questions[-1]["from"] == START


def test_a_start_that_it_gives_away_meanwhile_is_said_to_be_gone(acme, system) -> None:
    asks(acme, system)
    system.offers(START)
    visitor = Client()
    form = visitor.get(f"{booking(acme)}/details?at={START}")
    system.offers()
    data = {"at": START, "key": form.context["key"], "name": "Ann", "email": "ann@customer.example"}
    assert visitor.post(f"{booking(acme)}/details", data).status_code == 409
    assert not Appointment.objects.filter(lead__email="ann@customer.example").exists()


def test_the_json_follows_it_as_well(acme, system) -> None:
    asks(acme, system)
    system.offers(START)
    said = Client().get(f"{booking(acme)}/slots.json").json()
    assert [start for starts in said["days"].values() for start in starts] == [int(TOMORROW.timestamp())]


def test_without_an_answer_the_page_shows_what_the_rules_here_offer(acme, system) -> None:
    before = Client().get(booking(acme)).content.decode()
    asks(acme, system)
    system.status = 500
    after = Client().get(booking(acme)).content.decode()
    times = re.compile(r"at=([^&\"]+)")
    assert times.findall(after) == times.findall(before) != []
