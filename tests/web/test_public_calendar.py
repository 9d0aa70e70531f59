"""Public calendars on the schedule's page: added, seen with their state, removed; never among the keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from tests.calendar_files import Files, calendar, calendar_files, event
from tests.web.tenants import Tenant, client_of, tenant

from genie.store.models import AvailabilityCalendar, RemoteCalendar, RemoteKey

pytestmark = pytest.mark.django_db
SECRET = "secret-token-1"


@pytest.fixture
def acme(settings: object) -> Tenant:
    settings.GENIE_PRIVATE_NETWORKS = True  # type: ignore[attr-defined]
    return tenant("Acme")


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


@pytest.fixture
def files() -> Iterator[Files]:
    with calendar_files() as there:
        yield there


def page_of(acme: Tenant) -> str:
    return f"/company/{acme.slug}/schedules/{acme.schedule.pk}"


def add(client: Client, acme: Tenant, address: str, name: str = "", kind: str = "ics") -> str:
    """The page that comes after it."""
    data = {"kind": kind, "address": address, "name": name}
    return client.post(f"{page_of(acme)}/calendars/add-public", data, follow=True).content.decode()


def test_an_address_is_added_named_and_never_shown(acme: Tenant, client: Client, files: Files) -> None:
    url = files.put(calendar(event("a"), head="X-WR-CALNAME:Hall <upstairs>\n"))
    page = add(client, acme, url)
    assert "Hall &lt;upstairs&gt; is read from now on" in page
    assert "127.0.0.1" in page
    assert SECRET not in page
    assert SECRET not in client.get(page_of(acme)).content.decode()
    add(client, acme, url, name="Meeting room")
    assert "Meeting room" in client.get(page_of(acme)).content.decode()


def test_what_leads_to_no_calendar_says_so_and_what_to_do(acme: Tenant, client: Client, files: Files) -> None:
    page = add(client, acme, files.serve(f"/{SECRET}", body=b"<html></html>"))
    assert "is not a calendar file, but a web page. Nothing was saved. Copy the address" in page
    assert SECRET not in page
    assert "Paste the address" in add(client, acme, "")
    assert not RemoteKey.objects.filter(kind="ics").exists()


def test_private_networks_are_refused_unless_the_operator_allows_them(
    acme: Tenant, client: Client, files: Files, settings: object
) -> None:
    settings.GENIE_PRIVATE_NETWORKS = False  # type: ignore[attr-defined]
    page = add(client, acme, files.put(calendar()).replace("http:", "webcal:"))
    assert "leads into a private network" in page
    assert files.asked == []


def test_it_is_no_key(acme: Tenant, client: Client, files: Files) -> None:
    add(client, acme, files.put(calendar()), name="Hall")
    key = RemoteKey.objects.get(kind="ics")
    base = f"/company/{acme.slug}"
    for path in (f"{base}/keys", f"{base}/keys/list", f"{base}/apps/{acme.module.slug}/calendar"):
        page = client.get(path).content.decode()
        assert "127.0.0.1" not in page
        assert "Public calendar" not in page
    assert f'<option value="{key.pk}"' not in client.get(page_of(acme)).content.decode()
    assert client.get(f"{page_of(acme)}?key={key.pk}").status_code == 200
    assert client.post(f"{base}/keys/{key.pk}/discard").status_code == 404
    assert client.post(f"{base}/keys/{key.pk}/reauthorize").status_code == 404
    assert client.post(f"{base}/keys/links", {"kind": "ics"}).status_code in (302, 400, 404, 422)
    assert not RemoteKey.objects.filter(kind="ics", registration_links__isnull=False).exists()


def test_its_trouble_is_shown_and_it_can_be_removed(acme: Tenant, client: Client, files: Files) -> None:
    add(client, acme, files.put(calendar()), name="Hall")
    trouble = "There is no calendar at its address any more (HTTP 404)."
    RemoteCalendar.objects.filter(name="Hall").update(state="parked", trouble=trouble)
    assert trouble in client.get(page_of(acme)).content.decode()
    entry = AvailabilityCalendar.objects.get(calendar__name="Hall")
    page = client.post(f"{page_of(acme)}/calendars/remove", {"entry": entry.pk}, follow=True).content.decode()
    assert "Hall is not read for this schedule any more." in page
    assert not RemoteKey.objects.filter(kind="ics").exists()


def test_who_may_not_connect_calendars_may_not_add_one(acme: Tenant, files: Files) -> None:
    light = client_of(acme.light)
    data = {"kind": "ics", "address": files.put(calendar())}
    assert light.post(f"{page_of(acme)}/calendars/add-public", data).status_code in (403, 404)
    assert files.asked == []


def test_another_kind_cannot_be_asked_for(acme: Tenant, client: Client, files: Files) -> None:
    data = {"kind": "memory", "address": files.put(calendar())}
    assert client.post(f"{page_of(acme)}/calendars/add-public", data).status_code == 404
