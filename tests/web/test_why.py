"""*Why is this time (not) offered?* as a page and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from tests.booking_scene import Shop, busy, shop
from tests.reading import words
from tests.team_scene import member
from tests.web.tenants import client_of, person

from genie.store.models import AppointmentKind, Holiday, Module, Role

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def acme() -> Shop:
    return shop()


@pytest.fixture
def client(acme: Shop) -> Client:
    return client_of(
        person(Role.COMPANY_ADMIN, acme.company.agency, acme.company, email="admin@acme.example")
    )


def monday(hour: int = 10) -> datetime:
    """Of the week after next: pages ask the real clock."""
    today = timezone.now().astimezone(NEW_YORK)
    day = today + timedelta(days=14 - today.weekday())
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def asked(start: datetime, **more: Any) -> dict[str, Any]:
    return {"what": "tour", "date": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}", **more}


def page(client: Client, expected: int = 200, **query: Any) -> str:
    response = client.get("/company/acme/why", query)
    assert response.status_code == expected, response.content
    return words(response)


def answer(client: Client, expected: int = 200, **query: Any) -> Any:
    response = client.get("/company/acme/why.json", query)
    assert response.status_code == expected, response.content
    return response.json()


def test_at_first_it_asks(client: Client) -> None:
    said = page(client)
    assert "Choose a time: each rule that stands against it is named" in said
    assert "It is offered" not in said


def test_a_company_without_a_module_is_told_so(client: Client) -> None:
    Module.objects.all().delete()
    assert "Nothing can be booked yet" in page(client)


def test_an_offered_time_with_its_neighbours(client: Client) -> None:
    said = page(client, **asked(monday()))
    assert "It is offered" in said
    assert "Places left 1" in said
    assert "09:00–10:00 (New York)" in said
    assert "11:00–12:00 (New York)" in said
    found = answer(client, **asked(monday()))
    utc = {hour: f"{monday(hour).astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z" for hour in (9, 10, 11)}
    assert found == {
        "module": "tour",
        "kind": None,
        "staff": None,
        "start": utc[10],
        "end": utc[11],
        "zone": "America/New_York",
        "said": found["said"],
        "offered": True,
        "places": 1,
        "goes_to": None,
        "reasons": [],
        "team": [],
        "before": utc[9],
        "after": utc[11],
    }
    assert answer(client, what="tour", at=found["start"]) == found


def test_each_reason_is_said_and_no_title_of_an_event(client: Client, acme: Shop) -> None:
    start = monday()
    Holiday.objects.create(schedule=acme.schedule, title="Founders' Day", month=start.month, day=start.day)
    busy(acme.reads(acme.calendar("room", name="Meeting room")), start.isoformat()[:19])
    said = page(client, **asked(start))
    assert "It meets a holiday (Founders' Day)." in said
    assert "The calendar Meeting room is busy then: an event," in said
    found = answer(client, **asked(start))
    assert not found["offered"]
    assert len(found["reasons"]) == 2


def test_what_others_typed_is_text_in_an_answer(client: Client, acme: Shop) -> None:
    start, evil = monday(), '"><script>alert(2)</script>'
    Holiday.objects.create(schedule=acme.schedule, title=evil, month=start.month, day=start.day)
    busy(acme.reads(acme.calendar("room", name=evil)), start.isoformat()[:19])
    member(acme, evil)
    Module.objects.update(name=evil, title=evil)
    for query in (asked(start), asked(start, what=evil, staff=evil)):
        assert "<script>alert" not in client.get("/company/acme/why", query).content.decode()


def test_of_a_team_each_ones_reasons(client: Client, acme: Shop) -> None:
    ann, bob = member(acme, "Ann"), member(acme, "Bob")
    acme.put(monday().isoformat()[:19], staff=ann)
    said = page(client, **asked(monday()))
    assert "1 with Bob, who would get the next visit" in said
    assert "Ann Another appointment takes this time" in said
    found = answer(client, **asked(monday()))
    assert found["goes_to"] == {"id": bob.pk, "name": "Bob"}
    assert [(one["name"], len(one["reasons"])) for one in found["team"]] == [("Ann", 1), ("Bob", 0)]
    assert not answer(client, **asked(monday(), staff=ann.pk))["offered"]


def test_a_module_with_kinds_is_asked_about_by_kind(client: Client, acme: Shop) -> None:
    AppointmentKind.objects.create(module=acme.module, name="Long talk", slug="long", duration=180)
    assert (
        '<option value="tour/long" selected>'
        in client.get("/company/acme/why", {"what": "tour"}).content.decode()
    )
    found = answer(client, **asked(monday(9), what="tour/long"))
    assert (found["kind"], found["offered"]) == ("long", True)
    assert not answer(client, **asked(monday(10), what="tour/long"))["offered"]
    assert "`what`" in answer(client, 400, **asked(monday()))["error"]["what"]


def test_a_wall_time_that_comes_twice_is_asked_back(client: Client, acme: Shop) -> None:
    twice = {"what": "tour", "date": "2030-11-03", "time": "01:30"}
    response = client.get("/company/acme/why", twice)
    assert response.status_code == 422
    assert "01:30 on Sun 3 Nov 2030 in New York comes twice" in words(response)
    assert "01:30 (UTC-04:00) 01:30 (UTC-05:00)" in words(response)
    links = unquote(response.content.decode())
    assert "at=2030-11-03T05:30:00+00:00" in links
    assert "at=2030-11-03T06:30:00+00:00" in links
    error = answer(client, 400, **twice)["error"]
    assert error["readings"] == ["2030-11-03T05:30:00Z", "2030-11-03T06:30:00Z"]
    assert answer(client, what="tour", at=error["readings"][1])["start"] == error["readings"][1]


def test_a_wall_time_that_does_not_exist_is_said(client: Client) -> None:
    gap = {"what": "tour", "date": "2030-03-10", "time": "02:30"}
    assert "02:30 on Sun 10 Mar 2030 in New York does not exist" in page(client, 422, **gap)
    assert "does not exist" in answer(client, 400, **gap)["error"]["what"]


@pytest.mark.parametrize("at", ["2001-01-01T00:00:00Z", "2099-12-31T23:59:59.999999Z", "2030-06-03T10:20-04"])
def test_far_and_odd_instants_have_an_answer(client: Client, at: str) -> None:
    assert not answer(client, what="tour", at=at)["offered"]
    assert "It is not offered" in page(client, what="tour", at=at)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"at": ""},
        {"at": "2030-06-03T10:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "9999-12-31T23:59:59-14:00"},
        {"at": "now()"},
        {"at": "\0"},
        {"at": "9" * 5000},
        {"date": "2030-06-03"},
        {"date": "2030-06-03", "time": "25:00"},
        {"date": "2030-02-30", "time": "10:00"},
        {"date": "1888-02-03", "time": "10:00"},
        {"what": "nowhere", "at": "2030-06-03T10:00:00Z"},
        {"what": "tour\0", "at": "2030-06-03T10:00:00Z"},
        {"what": "", "at": "2030-06-03T10:00:00Z"},
        {"staff": "1 OR 1", "at": "2030-06-03T10:00:00Z"},
        {"staff": "999999999999999999999999", "at": "2030-06-03T10:00:00Z"},
    ],
)
def test_what_cannot_be_understood_is_said_in_three_parts(
    client: Client, acme: Shop, query: dict[str, Any]
) -> None:
    member(acme, "Ann")
    query = {"what": "tour", **query}
    assert set(answer(client, 400, **query)["error"]) == {"what", "means", "do"}
    assert client.get("/company/acme/why", query).status_code == (422 if len(query) > 1 else 200)


def test_another_companys_module_and_people_are_not_known(client: Client) -> None:
    other = shop("other")
    Module.objects.filter(company=other.company).update(slug="theirs")
    zoe = member(other, "Zoe")
    assert answer(client, 400, **asked(monday(), what="theirs"))
    member(Shop(*_ours()), "Ann")
    assert answer(client, 400, **asked(monday(), staff=zoe.pk))


def _ours() -> tuple[Any, Any, Any]:
    module = Module.objects.select_related("company", "schedule").get(company__slug="acme")
    return module.company, module.schedule, module


def test_the_pages_around_lead_there(client: Client, acme: Shop) -> None:
    for path in ("apps/tour", f"schedules/{acme.schedule.pk}"):
        assert "/company/acme/why?what=tour" in client.get(f"/company/acme/{path}").content.decode()
    made = acme.put(monday().isoformat()[:19])
    moving = client.get(f"/company/acme/appointments/{made.pk}/reschedule").content.decode()
    assert "/company/acme/why?what=tour" in moving
