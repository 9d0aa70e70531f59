"""A company adds a second module: another place, with hours, kinds, page and settings of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client
from tests.booking_scene import Shop, shop
from tests.web.tenants import client_of, person
from tests.web.test_booking import ANN, Page, get, open_daily
from tests.web.test_kind_pages import answers as kind_answers
from tests.web.test_schedules import week

from genie.store.models import Appointment, DateOverride, Module, Role, Schedule
from genie.web.booking.choosing import start_of

pytestmark = pytest.mark.django_db
BOTH = ("tour", "lake-house")


@pytest.fixture
def acme() -> Shop:
    return open_daily(shop(horizon_days=30))


@pytest.fixture
def admin(acme: Shop) -> Client:
    return client_of(
        person(Role.COMPANY_ADMIN, acme.company.agency, acme.company, email="admin@acme.example")
    )


@pytest.fixture
def second(acme: Shop, admin: Client) -> Module:
    """As somebody adds it: a schedule first, then the module."""
    hours = [(day, "14:00", "16:00") for day in range(7)]
    admin.post("/company/acme/schedules/new", week(*hours, name="Lake hours", zone="Europe/Berlin"))
    schedule = Schedule.objects.get(name="Lake hours")
    told = fill_in(
        admin,
        "/company/acme/apps/add",
        name="Lake house",
        title="Boat trip",
        place="Pier 3",
        schedule=schedule.pk,
        duration=30,
        how_soon=0,
        horizon=20,
    )
    assert told.status_code == 302, told.context["form"].errors
    assert told["Location"] == "/company/acme/apps/lake-house"
    return Module.objects.get(slug="lake-house")


def fill_in(admin: Client, page: str, **typed: Any) -> HttpResponse:
    """Open a page with a form, change what is named, and send it as it stands."""
    form = admin.get(page).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    kept = {name: value for name, value in shown.items() if value is not None and value is not False}
    return admin.post(page, {**kept, **typed})


def walls(page: Page, zone: str) -> set[str]:
    """The wall times offered on the page's chosen day."""
    starts = [start_of(parse_qs(urlsplit(link).query)["at"][0]) for link in page.slots]
    return {f"{start.astimezone(ZoneInfo(zone)):%H:%M}" for start in starts if start}


def book(client: Client, slug: str) -> Appointment:
    form = get(client, get(client, get(client, f"/book/acme/{slug}").days[-1]).slots[0])
    answer = Page(client.post(f"/book/acme/{slug}/details", {**form.hidden, **ANN}))
    assert answer.status == 302
    return Appointment.objects.latest("created_at")


def test_each_has_a_page_with_its_own_words_hours_and_zone(
    client: Client, acme: Shop, second: Module
) -> None:
    tour, boat = (get(client, get(client, f"/book/acme/{slug}").days[-1]) for slug in BOTH)
    assert "Tour" in tour.text and "12 Elm St" in tour.text and "60 minutes" in tour.text
    assert "Boat trip" in boat.text and "Pier 3" in boat.text and "30 minutes" in boat.text
    assert walls(tour, "America/New_York") == {"09:00", "10:00", "11:00"}
    assert walls(boat, "Europe/Berlin") == {"14:00", "14:30", "15:00", "15:30"}


def test_a_booking_of_one_takes_nothing_from_the_other(client: Client, acme: Shop, second: Module) -> None:
    """15:00 in Berlin is 9:00 in New York: the two are busy at the same time, and do not meet."""
    before = {slug: len(get(client, get(client, f"/book/acme/{slug}").days[-1]).slots) for slug in BOTH}
    made = book(client, "lake-house")
    assert (made.module, made.title, made.zone) == (second, "Boat trip: Ann Lee", "Europe/Berlin")
    day = get(client, f"/book/acme/tour?day={made.start:%Y-%m-%d}")
    assert len(day.slots) == before["tour"]
    left = get(client, f"/book/acme/lake-house?day={made.start:%Y-%m-%d}")
    assert len(left.slots) == before["lake-house"] - 1


def test_a_closed_day_of_one_schedule_is_none_of_the_others(
    client: Client, acme: Shop, second: Module
) -> None:
    day = get(client, "/book/acme/lake-house").days[-1].rpartition("day=")[2][:10]
    DateOverride.objects.create(schedule=second.schedule, date=day)
    assert not get(client, f"/book/acme/lake-house?day={day}").slots
    assert get(client, f"/book/acme/tour?day={day}").slots


def test_kinds_belong_to_one_of_them(client: Client, acme: Shop, admin: Client, second: Module) -> None:
    address = "/company/acme/apps/lake-house/kinds/new"
    for name in ("Long trip", "Short trip"):
        assert admin.post(address, kind_answers(name=name)).status_code == 302
    assert "What would you like to book?" in get(client, "/book/acme/lake-house").text
    assert get(client, "/book/acme/tour").slots
    assert "Long trip" not in get(client, "/book/acme/tour?kind=long-trip").text.replace("kind=long-trip", "")


def test_settings_of_one_leave_the_other_alone(acme: Shop, admin: Client, second: Module) -> None:
    before = Module.objects.filter(slug="tour").values().get()
    fill_in(admin, "/company/acme/apps/lake-house", duration=90, title="Cruise")
    second.refresh_from_db()
    assert (second.duration, second.title) == (90, "Cruise")
    assert Module.objects.filter(slug="tour").values().get() == before


def test_the_schedule_of_one_says_whom_it_serves_and_both_may_share(
    acme: Shop, admin: Client, second: Module
) -> None:
    page = admin.get("/company/acme/schedules").content.decode()
    assert "Lake hours" in page and "Lake house" in page
    Module.objects.filter(pk=second.pk).update(schedule=acme.schedule)
    told = admin.post(f"/company/acme/schedules/{acme.schedule.pk}/delete", follow=True).content.decode()
    assert "“Lake house” and “Main office” take their opening hours from it" in told


def test_switched_off_the_other_goes_on(client: Client, acme: Shop, second: Module) -> None:
    Module.objects.filter(pk=second.pk).update(enabled=False)
    assert "Online booking is switched off" in get(client, "/book/acme/lake-house").text
    assert get(client, "/book/acme/tour").slots
