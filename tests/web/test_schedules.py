"""Availability schedules: weekly hours with and without script, special dates, time off."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.test import Client
from tests.web.tenants import FUTURE, Tenant, client_of, tenant

from genie.store.models import DateOverride, Module, OpeningHours, Schedule, TimeOff

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    return tenant("Acme")


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


def base(acme: Tenant) -> str:
    return f"/company/{acme.slug}/schedules"


def page_of(acme: Tenant) -> str:
    return f"{base(acme)}/{acme.schedule.pk}"


def week(
    *ranges: tuple[int, str, str], name: str = "Hours", zone: str = "America/New_York"
) -> dict[str, Any]:
    """What the form sends: a pair of lists per weekday, each with the empty row for people without script."""
    data: dict[str, Any] = {"name": name, "zone": zone}
    for weekday in range(7):
        mine = [one for one in ranges if one[0] == weekday]
        data[f"opens-{weekday}"] = [*(opens for _, opens, _ in mine), ""]
        data[f"closes-{weekday}"] = [*(closes for _, _, closes in mine), ""]
    return data


def hours(schedule_id: int) -> list[tuple[int, str, str]]:
    return [
        (one.weekday, f"{one.opens:%H:%M}", f"{one.closes:%H:%M}")
        for one in OpeningHours.objects.filter(schedule_id=schedule_id)
    ]


def test_a_schedule_is_made_with_several_ranges_a_day(acme: Tenant, client: Client) -> None:
    wanted = [(0, "09:00", "12:00"), (0, "13:00", "17:00"), (5, "20:00", "02:00"), (6, "00:00", "00:00")]
    response = client.post(f"{base(acme)}/new", week(*wanted, name="Office", zone="Europe/Berlin"))
    made = Schedule.objects.get(company=acme.company, name="Office")
    assert response["Location"] == f"{base(acme)}/{made.pk}"
    assert made.zone == "Europe/Berlin"
    assert hours(made.pk) == wanted
    page = client.get(f"{base(acme)}/{made.pk}").content.decode()
    assert "closes the next day" in page
    assert "open all day" in page


def test_a_new_schedule_starts_with_office_hours_in_the_companys_zone(acme: Tenant, client: Client) -> None:
    response = client.get(f"{base(acme)}/new")
    assert response.context["form"]["zone"].value() == "America/New_York"
    assert [len(rows) for rows in response.context["week"].days] == [1, 1, 1, 1, 1, 0, 0]


def test_saving_replaces_the_hours_and_renames(acme: Tenant, client: Client) -> None:
    client.post(page_of(acme), week((2, "10:00", "18:00"), name="Winter"))
    assert hours(acme.schedule.pk) == [(2, "10:00", "18:00")]
    acme.schedule.refresh_from_db()
    assert acme.schedule.name == "Winter"


def test_ranges_that_overlap_are_joined_and_said_so(acme: Tenant, client: Client) -> None:
    response = client.post(page_of(acme), week((0, "09:00", "13:00"), (0, "12:00", "17:00")), follow=True)
    assert hours(acme.schedule.pk) == [(0, "09:00", "17:00")]
    assert "Ranges that touch or overlap were joined." in response.content.decode()


@pytest.mark.parametrize(
    ("opens", "closes", "words"),
    [
        ("09:00", "", "Write both times, or remove the row."),
        ("", "17:00", "Write both times, or remove the row."),
        ("9 o'clock", "17:00", "like 09:30"),
        ("25:00", "26:00", "like 09:30"),
        ("09:00", "09:00", "For the whole day write 00:00 to 00:00."),
    ],
)
def test_a_wrong_time_is_told_beside_it_and_nothing_is_saved(
    acme: Tenant, client: Client, opens: str, closes: str, words: str
) -> None:
    before = hours(acme.schedule.pk)
    response = client.post(page_of(acme), week((0, opens, closes), name="Changed"))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert hours(acme.schedule.pk) == before
    assert Schedule.objects.get(pk=acme.schedule.pk).name != "Changed"


def test_too_many_ranges_a_day_are_refused(acme: Tenant, client: Client) -> None:
    many = [(0, f"{hour:02}:00", f"{hour:02}:30") for hour in range(13)]
    assert "at most 12 ranges" in client.post(page_of(acme), week(*many)).content.decode()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Tokyo", "Asia/Tokyo"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_found_by_its_city(acme: Tenant, client: Client, typed: str, kept: str) -> None:
    client.post(page_of(acme), week(zone=typed))
    assert Schedule.objects.get(pk=acme.schedule.pk).zone == kept


@pytest.mark.parametrize("typed", ["Atlantis", "../etc/passwd", "localtime", "Mars/Base One"])
def test_an_unknown_zone_is_refused(acme: Tenant, client: Client, typed: str) -> None:
    response = client.post(page_of(acme), week(zone=typed))
    assert response.status_code == 422
    assert "This is no time zone we know" in response.content.decode()


def test_two_schedules_of_a_company_cannot_share_a_name(acme: Tenant, client: Client) -> None:
    other = Schedule.objects.create(company=acme.company, name="Second", zone="UTC")
    response = client.post(page_of(acme), week(name="Second"))
    assert response.status_code == 422
    assert "Choose another name" in response.content.decode()
    theirs = tenant("Other").schedule
    assert client.post(f"{base(acme)}/{other.pk}", week(name=theirs.name)).status_code == 302


def test_a_schedule_in_use_is_not_deleted(acme: Tenant, client: Client) -> None:
    response = client.post(f"{page_of(acme)}/delete", follow=True)
    page = response.content.decode()
    users = "“Acme office” and “Sam of Acme” take their opening hours from it."
    assert f"“Acme hours” was not deleted, because {users}" in page
    assert Schedule.objects.filter(pk=acme.schedule.pk).exists()


def test_an_unused_schedule_is_deleted(acme: Tenant, client: Client) -> None:
    spare = Schedule.objects.create(company=acme.company, name="Spare", zone="UTC")
    response = client.post(f"{base(acme)}/{spare.pk}/delete", follow=True)
    assert "“Spare” was deleted." in response.content.decode()
    assert not Schedule.objects.filter(pk=spare.pk).exists()


def test_time_off_of_whole_days_is_in_the_schedules_zone(acme: Tenant, client: Client) -> None:
    client.post(
        f"{page_of(acme)}/time-off", {"title": "Inventory", "first": "2100-01-04", "last": "2100-01-05"}
    )
    off = TimeOff.objects.get(title="Inventory")
    assert off.start == datetime(2100, 1, 4, 5, tzinfo=UTC)
    assert off.end == datetime(2100, 1, 6, 5, tzinfo=UTC)


def test_time_off_of_a_part_of_one_day(acme: Tenant, client: Client) -> None:
    client.post(
        f"{page_of(acme)}/time-off",
        {"title": "Dentist", "first": "2100-01-04", "first_time": "10:00", "last_time": "11:30"},
    )
    off = TimeOff.objects.get(title="Dentist")
    assert (off.start, off.end) == (
        datetime(2100, 1, 4, 15, tzinfo=UTC),
        datetime(2100, 1, 4, 16, 30, tzinfo=UTC),
    )


def test_a_day_off_lasts_until_the_next_midnight_when_clocks_change(acme: Tenant, client: Client) -> None:
    """14 March 2027 has 23 hours in New York."""
    client.post(f"{page_of(acme)}/time-off", {"title": "Spring", "first": "2027-03-14"})
    off = TimeOff.objects.get(title="Spring")
    assert (off.end - off.start).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"first": ""}, "Choose a date."),
        ({"first": "2100-01-05", "last": "2100-01-04"}, "The end is not after the start."),
        (
            {"first": "2100-01-05", "first_time": "12:00", "last_time": "11:00"},
            "The end is not after the start.",
        ),
        ({"first": "2100-01-05", "last": "2110-01-05"}, "three years at most"),
        ({"first": "someday"}, "like 2026-12-24"),
    ],
)
def test_wrong_time_off_is_told_beside_the_field(
    acme: Tenant, client: Client, data: dict[str, str], words: str
) -> None:
    response = client.post(f"{page_of(acme)}/time-off", data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert TimeOff.objects.count() == 1  # the tenant's own


def test_time_off_is_removed(acme: Tenant, client: Client) -> None:
    client.post(f"{page_of(acme)}/time-off/{acme.time_off.pk}/remove")
    assert not TimeOff.objects.exists()


def test_a_date_gets_other_hours_or_is_closed(acme: Tenant, client: Client) -> None:
    def overrides() -> list[tuple[date, time | None, time | None]]:
        return list(DateOverride.objects.exclude(date=FUTURE.date()).values_list("date", "opens", "closes"))

    day = date(2100, 12, 24)
    both = {
        "day": "2100-12-24",
        "opens": "09:00",
        "closes": "12:00",
        "opens_again": "18:00",
        "closes_again": "01:00",
    }
    client.post(f"{page_of(acme)}/dates", both)
    assert overrides() == [(day, time(9), time(12)), (day, time(18), time(1))]
    assert "18:00–01:00 (next day)" in client.get(page_of(acme)).content.decode()
    client.post(f"{page_of(acme)}/dates", {"day": "2100-12-24"})
    assert overrides() == [(day, None, None)]
    client.post(f"{page_of(acme)}/dates/2100-12-24/remove")
    assert overrides() == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose a date."),
        ({"day": "2100-12-24", "opens": "09:00"}, "Write both times, or neither."),
        ({"day": "2100-12-24", "closes_again": "09:00"}, "Write both times, or neither."),
        ({"day": "2100-12-24", "opens": "09:00", "closes": "09:00"}, "For the whole day"),
    ],
)
def test_wrong_hours_of_a_date_are_told(
    acme: Tenant, client: Client, data: dict[str, str], words: str
) -> None:
    response = client.post(f"{page_of(acme)}/dates", data)
    assert response.status_code == 422
    assert words in response.content.decode()


@pytest.mark.parametrize("part", ["time-off", "dates"])
def test_reloading_a_page_that_showed_a_problem_leads_back(acme: Tenant, client: Client, part: str) -> None:
    assert client.get(f"{page_of(acme)}/{part}")["Location"] == page_of(acme)


def test_the_list_says_hours_zone_and_users(acme: Tenant, client: Client) -> None:
    page = client.get(base(acme)).content.decode()
    for words in ("Acme hours", "Mon 09:00–17:00", "America/New_York", "Acme office"):
        assert words in page


def test_the_empty_list_teaches(acme: Tenant, client: Client) -> None:
    bare = tenant("Bare", acme.company.agency)
    bare.appointment.delete()
    bare.connection.links.all().delete()
    bare.connection.delete()
    bare.staff.delete()
    Module.objects.filter(company=bare.company).delete()
    Schedule.objects.filter(company=bare.company).delete()
    page = client_of(bare.admin).get(base(bare)).content.decode()
    assert "Say when customers may come" in page


def test_the_pages_take_the_same_queries_with_more_rows(
    acme: Tenant, client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        made = Schedule.objects.create(company=acme.company, name=f"Hours {number}", zone="UTC")
        OpeningHours.objects.create(schedule=made, weekday=0, opens=time(9), closes=time(17))
        TimeOff.objects.create(schedule=acme.schedule, start=FUTURE, end=FUTURE.replace(hour=20))
        DateOverride.objects.create(schedule=acme.schedule, date=date(2100, 5, 1 + number))
    client.get(base(acme))
    with django_assert_max_num_queries(8):
        client.get(base(acme))
    with django_assert_max_num_queries(17):
        client.get(page_of(acme))
